//! The client: many requests in flight, each made again after a passing failure.

use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gloss_core::{Context, Error, Result};
use rand::Rng;
use serde_json::Value;
use ureq::http::Response;
use ureq::http::header::RETRY_AFTER;
use ureq::{Agent, Body};

use crate::answer::Completions;
use crate::config::OpenAi;

/// The first pause before a request is made again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, also if the server asks for more.
const LONGEST: Duration = Duration::from_secs(60);
/// The time between looks at whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(100);
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
        let key = key
            .map(|key| key.trim().to_string())
            .filter(|key| !key.is_empty());
        if key.is_some() && !is_safe(&options.base_url) {
            return Err(Error::Usage(format!(
                "{} is sent to https and to this machine alone, and `base_url` is {}; unset the \
                 variable, or name another by `api_key_env`",
                options.api_key_env, options.base_url
            )));
        }
        let timeout = Duration::from_secs_f64(options.timeout.clamp(1.0, 1e6));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .max_idle_connections_per_host(options.concurrency)
            .max_idle_connections(options.concurrency)
            .build();
        Ok(Client {
            options,
            agent: agent.into(),
            url: format!("{}/completions", options.base_url.trim_end_matches('/')),
            key,
        })
    }

    /// The answers to all requests, in order, at most `concurrency` at a time.
    ///
    /// # Errors
    /// If one fails for good; the others are given up then.
    pub(crate) fn complete(&self, bodies: &[Value], context: &Context) -> Result<Vec<Completions>> {
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let answers: Mutex<Vec<(usize, Completions)>> = Mutex::default();
        let failed: Mutex<Option<Error>> = Mutex::default();
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(body) = bodies.get(at) else { return };
                match self.one(body, &stop, context) {
                    Ok(answer) => locked(&answers).push((at, answer)),
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        locked(&failed).get_or_insert(error);
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.options.concurrency.min(bodies.len()) {
                scope.spawn(work);
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by_key(|(at, _)| *at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// The answer to one request, which is made until it succeeds or fails for good.
    fn one(&self, body: &Value, stop: &AtomicBool, context: &Context) -> Result<Completions> {
        let mut attempt = 0;
        loop {
            context.check()?;
            let (reason, asked) = match self.attempt(body) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Lasting(reason)) => return Err(self.error(&reason)),
                Err(Failure::Passing(reason, asked)) => (reason, asked),
            };
            if attempt >= self.options.max_retries || stop.load(Ordering::Relaxed) {
                let tries = attempt + 1;
                return Err(self.error(&format!("{reason}, after {tries} attempts")));
            }
            let pause = pause(attempt, asked);
            tracing::info!(reason, ?pause, "asking the server again");
            let begun = Instant::now();
            while begun.elapsed() < pause && !stop.load(Ordering::Relaxed) {
                context.check()?;
                thread::sleep(LOOK.min(pause));
            }
            attempt += 1;
        }
    }

    fn attempt(&self, body: &Value) -> Result<Completions, Failure> {
        let mut request = self.agent.post(&self.url);
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let lost = |error: ureq::Error| Failure::Passing(error.to_string(), None);
        let mut response = match request.send_json(body) {
            Ok(response) => response,
            Err(ureq::Error::BadUri(reason)) => return Err(Failure::Lasting(reason)),
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
            408 | 425 | 429 | 500.. => Err(Failure::Passing(
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

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns `true` for https and for this machine, where nobody listens on the way.
fn is_safe(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let is_local = |prefix: &str| {
        let rest = url.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    url.starts_with("https://") || local.into_iter().any(is_local)
}

/// The pause that a server asks for in seconds.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = value.trim().parse().ok()?;
    (0.0..1e9)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// The pause before the next attempt: what the server asks for, else longer each time; a random part
/// keeps the requests from coming back all at once.
fn pause(attempt: u32, asked: Option<Duration>) -> Duration {
    let least = asked.unwrap_or_else(|| PAUSE.saturating_mul(1 << attempt.min(16)));
    least
        .min(LONGEST)
        .mul_f64(rand::rng().random_range(1.0..1.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_to_https_and_to_this_machine() {
        for safe in [
            "https://api.example/v1",
            "http://127.0.0.1:8000/v1",
            "http://localhost",
        ] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_url in [
            "http://api.example/v1",
            "http://localhost.example/v1",
            "http://127.0.0.11x",
        ] {
            assert!(!is_safe(unsafe_url), "{unsafe_url}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let seconds = |attempt, asked: Option<u64>| {
            pause(attempt, asked.map(Duration::from_secs)).as_secs_f64()
        };
        assert!((0.25..0.375).contains(&seconds(0, None)));
        assert!((2.0..3.0).contains(&seconds(3, None)));
        assert!((60.0..90.0).contains(&seconds(60, None)));
        assert!((7.0..10.5).contains(&seconds(0, Some(7))));
        assert!((60.0..90.0).contains(&seconds(0, Some(7000))));
    }
}
