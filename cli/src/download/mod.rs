//! Downloads that can be interrupted and gone on with, and that never replace a file.
//!
//! A file arrives as `NAME.part`, beside which `NAME.part.json` states which version of which
//! address it is a part of. Once complete, its BLAKE3 checksum is written to `NAME.blake3` (in the
//! format of `b3sum`, so `b3sum --check` reads it) and the file takes its name. From then on it is
//! only compared with its checksum.

mod checksum;
mod content;
mod hub;
mod hub_address;
mod model;
mod part;
mod token;
mod transfer;

use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Download, Error, Result};
use serde::Serialize;

pub(crate) use self::content::Expected;
pub(crate) use self::hub_address::{fetch_address, is_hub_address};
pub(crate) use self::model::fetch_model;

use self::part::Part;
use self::transfer::{Asking, Failure};

/// The number of bytes that justify another attempt.
const PROGRESS: u64 = 1 << 20;

/// Downloads files.
pub(crate) struct Downloader<'a> {
    agent: ureq::Agent,
    /// The token for the first server of a download; servers that it redirects to do not get it.
    authorization: Option<String>,
    context: &'a Context,
}

/// The outcome of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It was downloaded.
    Downloaded,
    /// It was copied from the shared cache of Hugging Face's libraries.
    Copied,
    /// It was there, and is what was downloaded once.
    Unchanged,
    /// It was there without a checksum, which is recorded now.
    Recorded,
}

/// A file that is in its place.
#[derive(Debug, Serialize)]
pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    pub(crate) outcome: Outcome,
    pub(crate) bytes: u64,
    pub(crate) blake3: String,
}

impl<'a> Downloader<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Downloader {
            agent: gloss_http::agent(),
            authorization: None,
            context,
        }
    }

    /// Asks in the name of whom the token belongs to.
    pub(crate) fn with_token(mut self, token: Option<&str>) -> Self {
        self.authorization = token.map(|token| format!("Bearer {token}"));
        self
    }

    /// Brings a file to its place, unless it is there.
    ///
    /// # Errors
    /// [`Error::Stale`] if the file, or what the server has now, is not what was downloaded once;
    /// [`Error::Network`] if it cannot be downloaded, or is not as it is `expected`;
    /// [`Error::Io`] if it cannot be written.
    pub(crate) fn fetch(&self, source: &Download, expected: &Expected) -> Result<Fetched> {
        let path = source.path.as_path();
        if path.exists() {
            return self.verify(path, expected);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let part = Part::of(path);
        self.complete(&source.url, &part)?;
        if let Some(fault) = content::fault(part.path(), path, expected)? {
            part.remove()?;
            return Err(Error::Network(format!(
                "{} did not send the file: {fault}",
                source.url
            )));
        }
        let blake3 = checksum::compute(part.path(), self.context)?;
        match checksum::read(path)? {
            Some(recorded) if recorded != blake3 => {
                part.remove()?;
                return Err(changed_on_server(path, &source.url));
            }
            Some(_) => {}
            None => checksum::write(path, &blake3)?,
        }
        part.finish(path)?;
        fetched(path, Outcome::Downloaded, blake3)
    }

    /// Compares a file with its recorded checksum; records it if there is none.
    ///
    /// # Errors
    /// [`Error::Stale`] if it is not what was downloaded once, or cannot be the file of its name;
    /// [`Error::Io`] if it cannot be read.
    pub(crate) fn verify(&self, path: &Path, expected: &Expected) -> Result<Fetched> {
        if let Some(fault) = content::fault(path, path, expected)? {
            return Err(Error::Stale {
                path: path.to_path_buf(),
                message: format!("{fault}; remove it to download it again"),
            });
        }
        let blake3 = checksum::compute(path, self.context)?;
        let outcome = match checksum::read(path)? {
            Some(recorded) if recorded != blake3 => return Err(changed_on_disk(path)),
            Some(_) => Outcome::Unchanged,
            None => {
                checksum::write(path, &blake3)?;
                Outcome::Recorded
            }
        };
        fetched(path, outcome, blake3)
    }

    /// Copies a file that is on this machine already to its place.
    ///
    /// # Errors
    /// As [`Downloader::fetch`].
    pub(crate) fn copy(&self, from: &Path, to: &Path, expected: &Expected) -> Result<Fetched> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        if let Some(fault) = content::fault(from, to, expected)? {
            return Err(Error::Stale {
                path: from.to_path_buf(),
                message: format!("{fault}; remove it to download it"),
            });
        }
        let part = Part::of(to);
        fs::copy(from, part.path()).map_err(Error::io("copy", from))?;
        let blake3 = checksum::compute(part.path(), self.context)?;
        checksum::write(to, &blake3)?;
        part.finish(to)?;
        fetched(to, Outcome::Copied, blake3)
    }

    /// Downloads the missing part of a file, and resumes when the connection breaks.
    fn complete(&self, url: &str, part: &Part) -> Result<()> {
        let mut attempts = gloss_http::Attempts::default();
        loop {
            let before = part.arrived();
            let asking = Asking {
                agent: &self.agent,
                authorization: self.authorization.as_deref(),
                url,
            };
            let (reason, pause) = match asking.transfer(part, self.context) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Cut(reason)) => (reason, None),
                Err(Failure::Busy(reason, pause)) => (reason, pause),
            };
            if part.arrived() >= before + PROGRESS {
                attempts.progressed();
            }
            let check = || self.context.check();
            attempts.wait(&reason, pause, check, |attempts| {
                Error::Network(format!(
                    "the download of {url} failed {attempts} times, at last with: {reason}; what \
                     has arrived is kept, and the same command goes on from there"
                ))
            })?;
        }
    }
}

fn fetched(path: &Path, outcome: Outcome, blake3: String) -> Result<Fetched> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    Ok(Fetched {
        path: path.to_path_buf(),
        outcome,
        bytes: metadata.len(),
        blake3,
    })
}

fn changed_on_disk(path: &Path) -> Error {
    let record = checksum::beside(path);
    Error::Stale {
        path: path.to_path_buf(),
        message: format!(
            "this is no longer the file that was downloaded (the checksum differs from that in {record}). \
             It is left as it is: move it away to download it again, or delete {record} to keep it",
            record = record.display()
        ),
    }
}

fn changed_on_server(path: &Path, url: &str) -> Error {
    let record = checksum::beside(path);
    Error::Stale {
        path: path.to_path_buf(),
        message: format!(
            "{url} now has another file than the one that was downloaded before (the checksum \
             differs from that in {record}). The new one is not kept: delete {record} to accept it",
            record = record.display()
        ),
    }
}
