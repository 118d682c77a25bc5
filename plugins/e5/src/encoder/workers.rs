//! Batches on all cores of the CPU: each on one core, which leaves no core waiting for another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use gloss_core::{Error, Result};

/// Sets the threads of libtorch's operations back when it goes.
struct Restore(i32);

impl Drop for Restore {
    fn drop(&mut self) {
        tch::set_num_threads(self.0);
    }
}

/// Computes results 0 to `count`, each by one of `workers`, and gives them to `done` on this
/// thread as they come. What a worker needs is made by `prepare`.
///
/// # Errors
/// The first of a worker or of `done`, which ends the work.
pub(crate) fn run<S: Send, T: Send>(
    workers: usize,
    count: usize,
    prepare: impl Fn() -> S,
    work: impl Fn(&S, usize) -> Result<T> + Sync,
    mut done: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    let _restore = Restore(tch::get_num_threads());
    let (next, stopped) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    let work = &work;
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..workers {
            let (sender, state) = (sender.clone(), prepare());
            scope.spawn(move || {
                tch::set_num_threads(1);
                while !stopped.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || sender.send((at, work(&state, at))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut received = 0;
        let mut collect = || {
            for (at, result) in &results {
                done(at, result?)?;
                received += 1;
            }
            match received == count {
                true => Ok(()),
                false => Err(Error::Internal(
                    "a thread of the encoder ended early".into(),
                )),
            }
        };
        let outcome = collect();
        stopped.store(true, Ordering::Relaxed);
        outcome
    })
}
