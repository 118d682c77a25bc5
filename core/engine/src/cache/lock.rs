//! Locks of artefacts: shared while one is used, exclusive while one is built or removed. They end
//! with the process, however it ends. File systems without locks are used without.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use gloss_core::{Context, Error, Result};

use crate::files::create_folder;

/// Seconds between attempts to get a lock.
const RETRY: Duration = Duration::from_millis(50);

/// Opens the file of a lock, whose modification time is that of the last use.
pub(super) fn open(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let file = file.map_err(Error::io("write", path))?;
    // Only `gloss cache` depends on the time.
    let _ = file.set_modified(SystemTime::now());
    Ok(file)
}

/// Waits for an exclusive lock of `file`.
pub(crate) fn wait_for(file: &File, context: &Context) -> Result<()> {
    wait(|| file.try_lock(), context)
}

/// Waits for a shared lock of `file`.
pub(super) fn wait_for_shared(file: &File, context: &Context) -> Result<()> {
    wait(|| file.try_lock_shared(), context)
}

fn wait(attempt: impl Fn() -> Result<(), TryLockError>, context: &Context) -> Result<()> {
    let mut warned = false;
    while let Err(TryLockError::WouldBlock) = attempt() {
        if !warned {
            tracing::warn!("waiting for another gloss process that works on the same artefact");
            warned = true;
        }
        context.check()?;
        thread::sleep(RETRY);
    }
    Ok(())
}
