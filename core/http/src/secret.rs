//! Secrets in requests.

/// Returns `true` if a secret may be sent to this address: over TLS, or within this machine.
pub fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return url.starts_with("https://");
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        for url in [
            "https://huggingface.co",
            "http://127.0.0.1:80/x",
            "http://localhost:1/",
            "http://[::1]:8080",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://huggingface.co",
            "http://localhost.evil.example/",
            "http://10.0.0.1",
            "ftp://localhost",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
