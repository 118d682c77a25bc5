//! Batches on all cores of the CPU: each on one core, which leaves no core waiting for another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use gloss_core::{Error, Result};

/// Sets the threads of libtorch's operations back when it goes.
struct Restore(i32);

impl Drop for Restore {
    fn drop(&mut self) {
        tch::set_num_threads(self.0);
    }
}

/// Held while the threads of libtorch's operations are changed, which are the process's.
static THREADS: Mutex<()> = Mutex::new(());

/// Computes results 0 to `count`, each on one core by one of the threads that libtorch would use
/// for one operation, and gives them to `done` on this thread as they come. What a thread needs is
/// made by `prepare`. A single result is computed on this thread, by operations on all cores.
///
/// # Errors
/// The first of `work` or of `done`, which ends everything.
pub(crate) fn run<S: Send, T: Send>(
    count: usize,
    prepare: impl Fn() -> S,
    work: impl Fn(&S, usize) -> Result<T> + Sync,
    mut done: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    let _alone = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let cores = tch::get_num_threads();
    let workers = count.min(usize::try_from(cores).unwrap_or(1));
    if workers <= 1 {
        let state = prepare();
        return (0..count).try_for_each(|at| done(at, work(&state, at)?));
    }
    let _restore = Restore(cores);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_comes_once_and_the_threads_of_libtorch_are_as_before() {
        let before = tch::get_num_threads();
        let mut seen = [0; 50];
        let square = |_: &(), at: usize| Ok(at * at);
        run(
            50,
            || (),
            square,
            |at, square| {
                assert_eq!(square, at * at);
                seen[at] += 1;
                Ok(())
            },
        )
        .unwrap();
        assert!(seen.iter().all(|&times| times == 1));
        assert_eq!(tch::get_num_threads(), before);
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let fail = |_: &(), at: usize| match at {
            3 => Err(Error::Interrupted),
            _ => Ok(()),
        };
        let outcome = run(1000, || (), fail, |_, ()| Ok(()));
        assert!(matches!(outcome, Err(Error::Interrupted)));
    }
}
