//! The status of shards: a file for each, beside the folder of the run.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use gloss_core::{Context, Error, Result, move_into_place};
use serde::{Deserialize, Serialize};

use crate::cache::wait_for;
use crate::files::{create_folder, read_json, write_json};
use crate::shard::Shard;
use crate::stages::generate::QUERIES;

/// The process that works on a shard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// The name of its machine.
    pub host: Option<String>,
    /// Its job in the queue of a cluster.
    pub job: Option<String>,
}

/// The state of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShardState {
    /// A process works on it.
    Running,
    /// Its results are in the cache.
    Done,
    /// It was asked to stop, and resumes when it is run again.
    Interrupted,
    /// It ended in an error.
    Failed,
    /// Its process is gone without a last status, and it resumes when it is run again.
    Killed,
}

/// The status of a shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardStatus {
    /// The shard.
    pub shard: Shard,
    /// The state.
    pub state: ShardState,
    /// The number of its users.
    pub users: usize,
    /// The number of methods.
    pub methods: usize,
    /// The number of methods that are done.
    pub methods_done: usize,
    /// The method that is or was worked on last.
    pub method: Option<String>,
    /// The folder of that method's queries in the cache.
    pub queries: Option<PathBuf>,
    /// The users whose queries are in it, or in the folder beside it while they are generated.
    #[serde(skip_deserializing)]
    pub users_generated: usize,
    /// The process.
    pub worker: Worker,
    /// Seconds since 1970.
    pub started: u64,
    /// The time of the last change, in seconds since 1970.
    pub updated: u64,
    /// The error that ended it.
    pub message: Option<String>,
}

impl ShardStatus {
    pub(crate) fn new(shard: Shard, methods: usize, worker: Worker) -> Self {
        let now = now();
        ShardStatus {
            shard,
            state: ShardState::Running,
            users: 0,
            methods,
            methods_done: 0,
            method: None,
            queries: None,
            users_generated: 0,
            worker,
            started: now,
            updated: now,
            message: None,
        }
    }
}

/// The file of a shard's status, locked while the shard is worked on.
pub(crate) struct StatusFile {
    pub(crate) status: ShardStatus,
    path: PathBuf,
    _lock: File,
}

impl StatusFile {
    /// Waits until no other process works on the shard.
    pub(crate) fn open(run: &Path, status: ShardStatus, context: &Context) -> Result<Self> {
        let folder = shard_folder(run);
        create_folder(&folder)?;
        let path = folder.join(format!(
            "{}.json",
            String::from(status.shard).replace('/', "-of-")
        ));
        let lock = lock_file(&path)?;
        wait_for(&lock, context)?;
        let mut file = StatusFile {
            status,
            path,
            _lock: lock,
        };
        file.update(|_| ())?;
        Ok(file)
    }

    pub(crate) fn update(&mut self, change: impl FnOnce(&mut ShardStatus)) -> Result<()> {
        change(&mut self.status);
        self.status.updated = now();
        let partial = self.path.with_extension("partial");
        write_json(&partial, &self.status)?;
        move_into_place(&partial, &self.path)
    }
}

fn lock_file(path: &Path) -> Result<File> {
    let path = path.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    file.map_err(Error::io("write", &path))
}

/// The folder of the statuses and scripts of a run's shards, beside that of the run.
pub fn shard_folder(run: &Path) -> PathBuf {
    let mut name = run.file_name().unwrap_or_default().to_os_string();
    name.push(".shards");
    run.with_file_name(name)
}

/// The statuses of the shards of a run, in their order; none if no shard was run.
///
/// # Errors
/// If a file cannot be read.
pub fn shard_statuses(run: &Path) -> Result<Vec<ShardStatus>> {
    let folder = shard_folder(run);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read the folder", &folder)(error)),
    };
    let mut statuses = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read the folder", &folder))?.path();
        if path.extension().is_some_and(|end| end == "json") {
            statuses.push(read(&path)?);
        }
    }
    statuses.sort_by_key(|status| (status.shard.count(), status.shard.index()));
    Ok(statuses)
}

fn read(path: &Path) -> Result<ShardStatus> {
    let mut status: ShardStatus = read_json(path)?;
    // A process that works on the shard holds the lock, on whichever machine.
    if status.state == ShardState::Running && lock_file(path)?.try_lock().is_ok() {
        status.state = ShardState::Killed;
    }
    status.users_generated = match &status.queries {
        Some(folder) if folder.is_dir() => status.users,
        Some(folder) => lines(&folder.with_extension("partial").join(QUERIES))?,
        None => 0,
    };
    Ok(status)
}

/// The number of lines of a file; 0 if it is not there yet.
fn lines(path: &Path) -> Result<usize> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let (mut count, mut buffer) = (0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(Error::io("read", path))? {
            0 => return Ok(count),
            read => count += buffer[..read].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
