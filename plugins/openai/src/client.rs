//! The client: many requests in flight, each made again after a passing failure.

use std::env;
use std::time::Duration;

use gloss_core::{Context, Error, Result};
use gloss_http::{Attempts, in_flight, is_safe, is_temporary, reason, retry_after};
use serde_json::Value;
use ureq::Agent;

use crate::answer::Completions;
use crate::config::OpenAi;

/// The most bytes of an answer.
const MOST_BYTES: u64 = 64 << 20;
/// The characters of an answer that an error shows.
const SHOWN: usize = 300;

/// A connection pool to the server.
pub(crate) struct Client<'a> {
    options: &'a OpenAi,
    agent: Agent,
    url: String,
    key: Option<String>,
}

/// The failure of one attempt.
enum Failure {
    /// The same request may succeed later, after the pause that the server asks for.
    Passing(String, Option<Duration>),
    Lasting(String),
}

impl<'a> Client<'a> {
    pub(crate) fn new(options: &'a OpenAi) -> Result<Self> {
        let key = env::var(&options.api_key_env).ok();
        let mut key = key.map(|key| key.trim().to_string());
        if key.take_if(|_| !is_safe(&options.base_url)).is_some() {
            tracing::warn!(
                "the key in {} is not sent to {}, since that is not https",
                options.api_key_env,
                options.base_url
            );
        }
        let timeout = Duration::from_secs_f64(options.timeout.clamp(1.0, 1e6));
        // A completion takes its time before its first byte.
        let agent = gloss_http::config()
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .timeout_recv_response(None)
            .timeout_per_read(None)
            .max_idle_connections_per_host(options.concurrency)
            .max_idle_connections(options.concurrency)
            .build();
        Ok(Client {
            options,
            agent: agent.into(),
            url: format!("{}/completions", options.base_url.trim_end_matches('/')),
            key: key.filter(|key| !key.is_empty()),
        })
    }

    /// The answers to all requests, in order, at most `concurrency` at a time.
    ///
    /// # Errors
    /// If one fails for good; the others are given up then.
    pub(crate) fn complete(&self, bodies: &[Value], context: &Context) -> Result<Vec<Completions>> {
        let concurrency = self.options.concurrency;
        in_flight(bodies.len(), concurrency, context, |at, check| {
            self.one(&bodies[at], check)
        })
    }

    /// The answer to one request, which is made until it succeeds or fails for good.
    fn one(&self, body: &Value, check: &dyn Fn() -> Result<()>) -> Result<Completions> {
        let mut attempts = Attempts::new(self.options.max_retries.saturating_add(1));
        loop {
            check()?;
            let (reason, asked) = match self.attempt(body) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Lasting(reason)) => return Err(self.error(&reason)),
                Err(Failure::Passing(reason, asked)) => (reason, asked),
            };
            let give_up = |count| self.error(&format!("{reason}, after {count} attempts"));
            attempts.wait(&reason, asked, check, give_up)?;
        }
    }

    fn attempt(&self, body: &Value) -> Result<Completions, Failure> {
        let mut request = self.agent.post(&self.url);
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let lost = |error| Failure::Passing(reason(error, &self.url), None);
        let mut response = match request.send_json(body) {
            Ok(response) => response,
            Err(error @ ureq::Error::BadUri(_)) => {
                return Err(Failure::Lasting(reason(error, &self.url)));
            }
            Err(error) => return Err(lost(error)),
        };
        let (status, asked) = (response.status().as_u16(), retry_after(&response));
        let text = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_string();
        let text = text.map_err(lost)?;
        let shown: String = text.chars().take(SHOWN).collect();
        match status {
            200 => serde_json::from_str(&text).map_err(|error| {
                Failure::Lasting(format!("answered what is no completion ({error}): {shown}"))
            }),
            status if is_temporary(status) => Err(Failure::Passing(
                format!("answered {status}: {shown}"),
                asked,
            )),
            _ => Err(Failure::Lasting(format!("answered {status}: {shown}"))),
        }
    }

    fn error(&self, reason: &str) -> Error {
        Error::Network(format!("{}: {reason}", self.url))
    }
}
