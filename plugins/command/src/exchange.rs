//! One question and its answer, and everything that can go wrong in between.

use std::fmt::Write;
use std::time::Duration;

use gloss_core::{Context, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::peer::Peer;
use crate::process::Silence;
use crate::protocol::{Answer, Call};

/// The number of characters of a question or an answer that an error quotes.
const QUOTED: usize = 300;

/// A question, as it is written.
pub(crate) struct Asked {
    id: u64,
    line: Vec<u8>,
}

#[derive(Serialize)]
struct Numbered<'a> {
    id: u64,
    #[serde(flatten)]
    call: &'a Call<'a>,
}

/// Why there is no answer.
pub(crate) enum Trouble {
    /// The program answered with an error, or gloss cannot ask; it can be asked further.
    Refused(Error),
    /// The program broke the protocol.
    Broken(String),
    /// The program ended or gave no answer in time.
    Silent(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Refused(error)
    }
}

impl Trouble {
    /// Returns `true` if the program cannot be asked further.
    pub(crate) fn ends_program(&self) -> bool {
        !matches!(self, Trouble::Refused(_)) || matches!(self, Trouble::Refused(Error::Interrupted))
    }

    /// Returns `true` if another attempt may succeed.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Trouble::Silent(_))
    }

    /// The error that a person sees, about the program `label`.
    pub(crate) fn into_error(self, label: &str) -> Error {
        match self {
            Trouble::Refused(Error::Usage(message)) => Error::Usage(format!("{label}: {message}")),
            Trouble::Refused(Error::Component { message, .. }) => Error::component(label, message),
            Trouble::Refused(error) => error,
            Trouble::Broken(message) | Trouble::Silent(message) => Error::component(label, message),
        }
    }
}

impl Asked {
    pub(crate) fn new(id: u64, call: &Call<'_>) -> Result<Self> {
        let line = serde_json::to_vec(&Numbered { id, call })
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Asked { id, line })
    }

    /// Asks, and waits for the answer.
    pub(crate) fn exchange<T: DeserializeOwned>(
        self,
        peer: &mut dyn Peer,
        limit: Duration,
        context: &Context,
    ) -> Result<T, Trouble> {
        let question = quote(&self.line);
        let line = match peer.ask(self.line, limit, context) {
            Ok(line) => line,
            Err(Silence::Interrupted) => return Err(Error::Interrupted.into()),
            Err(Silence::Late(limit)) => {
                let message = format!("gave no answer within {} s", limit.as_secs_f64());
                return Err(Trouble::Silent(told(message, &question, None, peer)));
            }
            Err(Silence::Ended(how)) => {
                let message = format!("{how} instead of answering");
                return Err(Trouble::Silent(told(message, &question, None, peer)));
            }
        };
        let broken = |message: String, peer: &dyn Peer| {
            Trouble::Broken(told(message, &question, Some(&line), peer))
        };
        let answer: Answer = serde_json::from_slice(&line).map_err(|error| {
            broken(
                format!("answered with something else than JSON of the protocol ({error})"),
                peer,
            )
        })?;
        if answer.id != self.id {
            let message = format!(
                "answered question {} when asked question {}",
                answer.id, self.id
            );
            return Err(broken(message, peer));
        }
        match answer.error {
            Some(message) if answer.internal => {
                let message = told(message, &question, None, peer);
                Err(Trouble::Refused(Error::component("", message)))
            }
            Some(message) => Err(Trouble::Refused(Error::Usage(message))),
            None => serde_json::from_value(answer.ok).map_err(|error| {
                broken(
                    format!("answered with something else than was asked for ({error})"),
                    peer,
                )
            }),
        }
    }
}

/// Returns a message with the exchange that it is about.
fn told(message: String, question: &str, answer: Option<&[u8]>, peer: &dyn Peer) -> String {
    let mut text = format!("{message}\nasked: {question}");
    if let Some(answer) = answer {
        let _ = write!(text, "\nanswered: {}", quote(answer));
    }
    if let Some(words) = peer.last_words() {
        let _ = write!(text, "\nlast lines of its standard error:\n  {words}");
    }
    text
}

/// The beginning of a line.
fn quote(line: &[u8]) -> String {
    let cut = &line[..line.len().min(4 * QUOTED)];
    let text = String::from_utf8_lossy(cut);
    let text = text.trim_end();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], line.len()),
        None => text.to_string(),
    }
}
