//! Signals: Ctrl-C, and files that are cut short while they are mapped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use gloss_core::ErrorClass;

use crate::ui::progress::Bars;

/// Signals within this time of the first are part of it: `timeout` of GNU sends two, and so does a
/// shell to a whole process group.
const SAME: Duration = Duration::from_millis(500);

/// The first Ctrl-C, SIGTERM or SIGHUP asks the work to stop where it can go on later; a later one
/// ends the process.
pub(crate) fn stop_on_interrupt(cancelled: Arc<AtomicBool>, bars: Bars) -> Result<()> {
    let first: Mutex<Option<Instant>> = Mutex::new(None);
    ctrlc::set_handler(move || {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match *first {
            None => {
                *first = Some(Instant::now());
                cancelled.store(true, Ordering::Relaxed);
                bars.suspend(|| eprintln!("stopping; Ctrl-C again ends at once"));
            }
            Some(first) if first.elapsed() < SAME => {}
            Some(_) => {
                gloss_command::end_all();
                end(ErrorClass::Interrupted.exit_code())
            }
        }
    })?;
    take_user_signal();
    Ok(())
}

/// Makes SIGUSR1, which Slurm sends before a time limit, a SIGTERM.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a signal handler")]
fn take_user_signal() {
    extern "C" fn terminate(_: libc::c_int) {
        // SAFETY: `raise` is among the functions that signal handlers may call.
        unsafe { libc::raise(libc::SIGTERM) };
    }
    let handler: extern "C" fn(libc::c_int) = terminate;
    // SAFETY: the handler has the type that `signal` asks for, and calls what handlers may call.
    unsafe {
        libc::signal(libc::SIGUSR1, handler as libc::sighandler_t);
    }
}

/// Other systems have no such signal.
#[cfg(not(unix))]
fn take_user_signal() {}

/// Ends the process without the destructors of libraries, which other threads may be using still.
#[allow(unsafe_code, reason = "_exit has no safe form")]
pub(crate) fn end(code: u8) -> ! {
    #[cfg(unix)]
    // SAFETY: `_exit` may be called at any time from any thread; it takes a number alone.
    unsafe {
        libc::_exit(code.into())
    }
    #[cfg(not(unix))]
    std::process::exit(code.into())
}

/// Makes an error of a page of a mapped file that is not there any more. The index of BM25 and the
/// vectors of e5 are mapped by tantivy and LMDB.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a signal handler")]
pub(crate) fn report_lost_pages() {
    extern "C" fn report(_: libc::c_int) {
        const MESSAGE: &str = "error: a file was cut short while it was read; nothing may write \
                               into the cache but gloss. Run again\n";
        // SAFETY: `write` and `_exit` are among the functions that signal handlers may call, and the
        // message is static.
        unsafe {
            libc::write(2, MESSAGE.as_ptr().cast(), MESSAGE.len());
            libc::_exit(ErrorClass::Machine.exit_code().into());
        }
    }
    let handler: extern "C" fn(libc::c_int) = report;
    // SAFETY: the handler has the type that `signal` asks for, and calls what handlers may call.
    unsafe {
        libc::signal(libc::SIGBUS, handler as libc::sighandler_t);
    }
}

/// Other systems report it in their own way.
#[cfg(not(unix))]
pub(crate) fn report_lost_pages() {}
