//! Pauses before a request is made again.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use gloss_core::{Error, Result};
use rand::Rng;
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::RETRY_AFTER;

/// The number of attempts in a row, unless there is progress or a caller has another number.
const ATTEMPTS: u32 = 4;
/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for.
const LONGEST: Duration = Duration::from_secs(300);
/// The time between looks at whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// Failed attempts in a row.
#[derive(Debug)]
pub struct Attempts {
    failed: u32,
    most: u32,
}

impl Default for Attempts {
    fn default() -> Self {
        Attempts::new(ATTEMPTS)
    }
}

impl Attempts {
    /// At most `most` attempts.
    pub fn new(most: u32) -> Self {
        Attempts { failed: 0, most }
    }

    /// Forgets the failures.
    pub fn progressed(&mut self) {
        self.failed = 0;
    }

    /// Counts a failure, and waits before the next attempt: as long as the server asked for, else
    /// longer each time. A random part keeps many clients from coming back at once. While it waits, it
    /// calls `check`, whose error ends the wait.
    ///
    /// # Errors
    /// The error of `give_up`, after the last attempt or if the server asks for more time than there
    /// is; that of `check`.
    pub fn wait(
        &mut self,
        reason: &str,
        asked: Option<Duration>,
        check: impl Fn() -> Result<()>,
        give_up: impl FnOnce(u32) -> Error,
    ) -> Result<()> {
        self.failed += 1;
        if self.failed >= self.most || asked.is_some_and(|asked| asked > LONGEST) {
            return Err(give_up(self.failed));
        }
        let pause = asked.unwrap_or_else(|| pause(self.failed));
        let pause = pause.mul_f64(rand::rng().random_range(1.0..1.5));
        tracing::info!(reason, ?pause, "trying again");
        let begun = Instant::now();
        while begun.elapsed() < pause {
            check()?;
            thread::sleep(LOOK.min(pause));
        }
        check()
    }
}

/// The pause after so many failures in a row.
fn pause(failed: u32) -> Duration {
    let factor = 1 << failed.saturating_sub(1).min(16);
    LONGEST.min(PAUSE.saturating_mul(factor))
}

/// Returns `true` for an answer after which the same request may succeed.
pub fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The pause that a server asks for: in seconds, or until a date.
pub fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let date = SystemTime::from(date);
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let seconds = [1, 2, 5, 40].map(|failed| pause(failed).as_secs_f64());
        assert_eq!(seconds, [0.5, 1.0, 8.0, 300.0]);
    }

    #[test]
    fn attempts_end_at_the_limit_at_a_long_pause_and_at_a_check() {
        let give_up = |failed: u32| Error::Network(format!("{failed} attempts"));
        let mut attempts = Attempts::new(2);
        let brief = Some(Duration::ZERO);
        let wait = |attempts: &mut Attempts, asked| attempts.wait("", asked, || Ok(()), give_up);
        wait(&mut attempts, brief).unwrap();
        let told = wait(&mut attempts, brief).unwrap_err().to_string();
        assert_eq!(told, "2 attempts");
        attempts.progressed();
        let told = wait(&mut attempts, Some(LONGEST * 2)).unwrap_err();
        assert_eq!(told.to_string(), "1 attempts");
        let stop = || Err(Error::Interrupted);
        let stopped = Attempts::default().wait("", None, stop, give_up);
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }
}
