//! Pauses before a request is made again.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use gloss_core::{Context, Error, Result};
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::RETRY_AFTER;

/// The number of attempts in a row, unless there is progress.
const ATTEMPTS: u32 = 4;
/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for.
const LONGEST: Duration = Duration::from_secs(300);
/// The time between looks at whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// Failed attempts in a row.
#[derive(Debug, Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Forgets the failures.
    pub(super) fn progressed(&mut self) {
        self.0 = 0;
    }

    /// Counts a failure, and waits before the next attempt: as long as the server asked for, else
    /// longer each time.
    ///
    /// # Errors
    /// The error of `give_up`, after the last attempt or if the server asks for more time than there
    /// is; [`Error::Interrupted`].
    pub(super) fn wait(
        &mut self,
        reason: &str,
        asked: Option<Duration>,
        context: &Context,
        give_up: impl FnOnce(u32) -> Error,
    ) -> Result<()> {
        self.0 += 1;
        if self.0 >= ATTEMPTS || asked.is_some_and(|asked| asked > LONGEST) {
            return Err(give_up(self.0));
        }
        let pause = asked.unwrap_or(PAUSE * (1 << (self.0 - 1)));
        tracing::info!(reason, ?pause, "trying again");
        let begun = Instant::now();
        while begun.elapsed() < pause {
            context.check()?;
            thread::sleep(LOOK.min(pause));
        }
        context.check()
    }
}

/// Returns `true` for an answer after which the same request may succeed.
pub(super) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The pause that a server asks for: in seconds, or until a date.
pub(super) fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let date = SystemTime::from(date);
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
