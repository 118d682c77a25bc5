//! The state of a generation that was interrupted.
//!
//! After each batch, a line beside the queries records how many users are done and the hash of
//! everything written so far. A later attempt goes on after the last batch whose hash is right, so
//! that its batches, and with them its bytes, are those of an attempt that was never interrupted.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gloss_core::{Data, Error, Example, Query, Ragged, Result};
use serde::{Deserialize, Serialize};

use super::UserQueries;

/// The file of the lines; it is removed in the end.
const FILE: &str = "progress.jsonl";

/// The end of a batch.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// Users that are done.
    users: usize,
    /// The length of their lines.
    bytes: u64,
    /// The hash of their lines.
    blake3: String,
}

/// The file of marks.
pub(super) struct Progress {
    path: PathBuf,
    file: File,
}

/// The queries that an interrupted attempt left, and the files to go on with.
pub(super) struct Resumed {
    pub(super) file: File,
    pub(super) progress: Progress,
    pub(super) hasher: blake3::Hasher,
    pub(super) queries: Ragged<Query>,
}

impl Progress {
    /// Records that a batch is complete.
    pub(super) fn add(&mut self, users: usize, hasher: &blake3::Hasher) -> Result<()> {
        let mark = Mark {
            users,
            bytes: hasher.count(),
            blake3: hasher.finalize().to_hex().to_string(),
        };
        let line = serde_json::to_string(&mark).map_err(|e| Error::Internal(e.to_string()))?;
        let written = self.file.write_all((line + "\n").as_bytes());
        written.map_err(Error::io("write", &self.path))
    }

    /// Removes the file.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}

impl Resumed {
    /// Opens the queries at `path` after the last batch that is intact.
    pub(super) fn open(path: &Path, examples: &[Example], data: &Data) -> Result<Self> {
        let failed = || Error::io("write", path);
        let mut file = open(path)?;
        let progress = path.with_file_name(FILE);
        let marks = marks(&progress)?;
        let mut hasher = blake3::Hasher::new();
        let mut queries = Ragged::with_capacity(examples.len(), examples.len());
        let mut intact = 0;
        for mark in &marks {
            let Some(batch) = next_batch(&mut file, mark, &mut hasher, queries.len(), |at| {
                let example = examples.get(at)?;
                Some(data.histories.context(*example).user)
            }) else {
                tracing::warn!(
                    "{}: the batch after user {} of an interrupted attempt is damaged; it is \
                     generated again",
                    path.display(),
                    queries.len()
                );
                break;
            };
            batch
                .into_iter()
                .for_each(|user| queries.push(user.into_queries()));
            intact += 1;
        }
        // A batch that was not intact may have been added to the hash.
        let end = marks[..intact].last().map_or(0, |mark| mark.bytes);
        file.set_len(end).map_err(failed())?;
        file.rewind().map_err(failed())?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&file).map_err(failed())?;
        file.seek(SeekFrom::Start(end)).map_err(failed())?;
        if !queries.is_empty() {
            tracing::info!(users = queries.len(), "resuming an interrupted generation");
        }
        Ok(Resumed {
            file,
            progress: rewrite(progress, &marks[..intact])?,
            hasher,
            queries,
        })
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(Error::io("write", path))
}

/// The marks up to the first line that is none.
fn marks(path: &Path) -> Result<Vec<Mark>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.take_while(|line| line.ends_with(b"\n"));
    Ok(whole
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Reads the lines up to a mark; `None` if they are not those that were written.
fn next_batch<'a>(
    file: &mut File,
    mark: &Mark,
    hasher: &mut blake3::Hasher,
    first: usize,
    user: impl Fn(usize) -> Option<&'a str>,
) -> Option<Vec<UserQueries>> {
    let length = mark.bytes.checked_sub(hasher.count())?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).ok()?;
    hasher.update(&text);
    if text.len() as u64 != length || hasher.finalize().to_hex().as_str() != mark.blake3 {
        return None;
    }
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let batch: Vec<UserQueries> = lines
        .map(|line| serde_json::from_slice(line).ok())
        .collect::<Option<_>>()?;
    let in_order = |(at, of_user): (usize, &UserQueries)| user(first + at) == Some(&of_user.user);
    let is_right = first + batch.len() == mark.users && batch.iter().enumerate().all(in_order);
    is_right.then_some(batch)
}

/// Writes the marks that hold, to add further ones.
fn rewrite(path: PathBuf, marks: &[Mark]) -> Result<Progress> {
    let mut text = String::new();
    for mark in marks {
        text += &serde_json::to_string(mark).map_err(|e| Error::Internal(e.to_string()))?;
        text.push('\n');
    }
    let failed = || Error::io("write", &path);
    fs::write(&path, text).map_err(failed())?;
    let file = OpenOptions::new()
        .append(true)
        .open(&path)
        .map_err(failed())?;
    Ok(Progress { path, file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Query;

    /// Data with ten users.
    fn data() -> Data {
        Data::of_histories(3, &vec![vec![0, 1, 2]; 10]).unwrap()
    }

    /// Generates in batches of three from where an earlier attempt stood; at most `batches`.
    fn attempt(folder: &Path, batches: usize) -> (usize, Vec<u8>) {
        let data = data();
        let examples = &data.splits.train;
        let path = folder.join("queries.jsonl");
        let Resumed {
            mut file,
            mut progress,
            mut hasher,
            queries,
        } = Resumed::open(&path, examples, &data).unwrap();
        let begun = queries.len();
        let rest = &examples[begun..];
        for (at, batch) in rest.chunks(3).enumerate().take(batches) {
            for example in batch {
                let user = data.histories.context(*example).user.to_string();
                // A text depends on its batch, as rounding makes it in practice.
                let text = format!("{user} of {}", batch.len());
                let queries = vec![(Query::text(text).content, -1.0)];
                let line = serde_json::to_string(&UserQueries { user, queries }).unwrap() + "\n";
                hasher.update(line.as_bytes());
                file.write_all(line.as_bytes()).unwrap();
            }
            progress.add(begun + at * 3 + batch.len(), &hasher).unwrap();
        }
        (begun, fs::read(&path).unwrap())
    }

    #[test]
    fn an_attempt_that_ended_anywhere_is_resumed_at_a_whole_batch() {
        let whole = attempt(tempfile::tempdir().unwrap().path(), 4).1;
        for length in 0..=whole.len() {
            let folder = tempfile::tempdir().unwrap();
            attempt(folder.path(), 2);
            let path = folder.path().join("queries.jsonl");
            let mut text = fs::read(&path).unwrap();
            text.extend_from_slice(&whole[text.len()..]);
            text.truncate(length);
            fs::write(&path, text).unwrap();
            let (begun, bytes) = attempt(folder.path(), 4);
            assert!(begun % 3 == 0 && begun <= 6, "{begun}");
            assert_eq!(bytes, whole, "cut after {length} bytes");
        }
    }

    #[test]
    fn a_changed_byte_is_never_kept() {
        let whole = attempt(tempfile::tempdir().unwrap().path(), 4).1;
        for name in ["queries.jsonl", FILE] {
            let folder = tempfile::tempdir().unwrap();
            attempt(folder.path(), 3);
            let original = [
                fs::read(folder.path().join("queries.jsonl")),
                fs::read(folder.path().join(FILE)),
            ]
            .map(Result::unwrap);
            let length = fs::metadata(folder.path().join(name)).unwrap().len() as usize;
            for at in 0..length {
                fs::write(folder.path().join("queries.jsonl"), &original[0]).unwrap();
                fs::write(folder.path().join(FILE), &original[1]).unwrap();
                let path = folder.path().join(name);
                let mut text = fs::read(&path).unwrap();
                text[at] ^= 1;
                fs::write(&path, text).unwrap();
                assert_eq!(attempt(folder.path(), 4).1, whole, "{name}: byte {at}");
            }
        }
    }
}
