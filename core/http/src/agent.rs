//! The HTTP client, and its errors in words.

use std::time::Duration;

use ureq::config::{ConfigBuilder, RedirectAuthHeaders};
use ureq::typestate::AgentScope;
use ureq::{Agent, Proxy};

/// The timeouts of a connection.
const CONNECT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(60);

/// The settings of an agent, to which a caller may add.
pub fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .user_agent(concat!("gloss/", env!("CARGO_PKG_VERSION")))
        // Files are wanted as they are stored: a checksum is of no use for anything else.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
}

/// An agent with these settings.
pub fn agent() -> Agent {
    config().build().into()
}

/// The reason why `url` gave no answer.
pub fn reason(error: ureq::Error, url: &str) -> String {
    let is_told = matches!(error, ureq::Error::ConnectProxyFailed(_));
    let reason = in_words(error);
    match proxy_of(url) {
        Some(proxy) if !is_told => {
            let (host, port) = (proxy.host(), proxy.port());
            format!("{reason} (asked through the proxy {host}:{port} of the environment)")
        }
        _ => reason,
    }
}

/// The proxy that a request for `url` goes through.
fn proxy_of(url: &str) -> Option<Proxy> {
    let uri = url.parse().ok()?;
    Proxy::try_from_env().filter(|proxy| !proxy.is_no_proxy(&uri))
}

fn in_words(error: ureq::Error) -> String {
    match error {
        ureq::Error::ConnectProxyFailed(answer) => format!(
            "the proxy refused, not the server: {}; see https_proxy and no_proxy",
            answer.trim()
        ),
        ureq::Error::InvalidProxyUrl => {
            "the address of the proxy in https_proxy or http_proxy is not one".to_string()
        }
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "the server's name is not known here".to_string(),
        ureq::Error::Timeout(_) => "the server does not answer".to_string(),
        other => other.to_string(),
    }
}
