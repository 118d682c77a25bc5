//! The proxy that a request goes through, for messages.

/// Names the proxy that the environment sets for an address, as `http://proxy:80 of https_proxy`;
/// `None` if it is asked directly.
pub(super) fn of(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    let excluded = ["no_proxy", "NO_PROXY"]
        .iter()
        .find_map(|name| variable(name));
    let excludes = |entry: &str| {
        let entry = entry.trim().trim_start_matches('.');
        entry == "*" || host == entry || host.ends_with(&format!(".{entry}"))
    };
    if excluded.is_some_and(|list| list.split(',').any(excludes)) {
        return None;
    }
    let own = format!("{scheme}_proxy");
    let names = [
        own.clone(),
        own.to_uppercase(),
        "all_proxy".into(),
        "ALL_PROXY".into(),
    ];
    names.into_iter().find_map(|name| {
        let proxy = variable(&name).filter(|proxy| !proxy.is_empty())?;
        // A password is nobody's business.
        let address = proxy
            .rsplit_once('@')
            .map_or(proxy.as_str(), |(_, address)| address);
        Some(format!("{address} of {name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_that_of_the_scheme_unless_the_host_is_excluded() {
        let set = |name: &str| match name {
            "https_proxy" => Some("http://me:secret@proxy:80".to_string()),
            "no_proxy" => Some("localhost, .inside".to_string()),
            _ => None,
        };
        let found = of("https://huggingface.co/x", set);
        assert_eq!(found.as_deref(), Some("proxy:80 of https_proxy"));
        for url in [
            "http://huggingface.co",
            "https://localhost:1/",
            "https://hub.inside/x",
        ] {
            assert_eq!(of(url, set), None, "{url}");
        }
    }
}
