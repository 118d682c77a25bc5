//! Programs with everything that they started.
//!
//! A program is the leader of a process group, which ends with it. What left the group for a session
//! of its own becomes a child of gloss when its parent ends (Linux), and is ended then.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The running programs.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn running() -> std::sync::MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if this process has children of its own that are not gloss's.
static SHARED: AtomicBool = AtomicBool::new(false);

/// For a process that gloss is a library of: ends programs with their process groups alone, since
/// other children may be the process's own.
pub fn share_process() {
    SHARED.store(true, Ordering::Relaxed);
}

/// To be called before a program is started.
pub(crate) fn begin() {
    if SHARED.load(Ordering::Relaxed) {
        return;
    }
    #[cfg(target_os = "linux")]
    // Without it, orphans go to the system's first process and cannot be found.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Takes note of a program that was started.
pub(crate) fn add(child: &Child) {
    running().push(child.id());
}

/// Ends a program and everything that it started.
pub(crate) fn end(child: &mut Child) {
    kill_group(child.id());
    let _ = child.kill();
    let _ = child.wait();
    let mut running = running();
    running.retain(|id| *id != child.id());
    if running.is_empty() && !SHARED.load(Ordering::Relaxed) {
        kill_orphans();
    }
}

/// Ends all programs at once; for a process that ends without running destructors.
pub fn end_all() {
    if let Ok(running) = RUNNING.try_lock() {
        running.iter().for_each(|id| kill_group(*id));
    }
}

fn kill_group(id: u32) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // There is nobody left, usually.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

/// Ends the children that gloss did not start, which are in other sessions; ending one may bring
/// further ones.
fn kill_orphans() {
    #[cfg(target_os = "linux")]
    for _ in 0..100 {
        let orphans = orphans();
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            let _ = rustix::process::kill_process(orphan, rustix::process::Signal::KILL);
            let options = rustix::process::WaitOptions::empty();
            let _ = rustix::process::waitpid(Some(orphan), options);
        }
    }
}

#[cfg(target_os = "linux")]
fn orphans() -> Vec<rustix::process::Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let Some((_, own_session)) = parent_and_session(own) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        parent_and_session(*id)
            .is_some_and(|(parent, session)| parent == own && session != own_session)
    })
    .filter_map(rustix::process::Pid::from_raw)
    .collect()
}

/// The parent and the session of a process; its name, in parentheses, may hold anything.
#[cfg(target_os = "linux")]
fn parent_and_session(id: i32) -> Option<(i32, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(1);
    let parent = words.next()?.parse().ok()?;
    let session = words.nth(1)?.parse().ok()?;
    Some((parent, session))
}
