//! Many requests in flight.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use gloss_core::{Context, Error, Result};

/// Does `count` pieces of work, at most `concurrency` at a time, and returns their results in order.
/// Each gets its number and a check, whose error says that it is no longer wanted.
///
/// # Errors
/// The error of the first that fails; the others are given up then. An interruption.
pub fn in_flight<T: Send>(
    count: usize,
    concurrency: usize,
    context: &Context,
    work: impl Fn(usize, &dyn Fn() -> Result<()>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results: Mutex<Vec<(usize, T)>> = Mutex::default();
    let failed: Mutex<Option<Error>> = Mutex::default();
    let check = || match stop.load(Ordering::Relaxed) {
        true => Err(Error::Interrupted),
        false => context.check(),
    };
    let worker = || {
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            match work(at, &check) {
                Ok(result) => locked(&results).push((at, result)),
                Err(error) => {
                    // Before the others stop for it.
                    locked(&failed).get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..concurrency.min(count) {
            scope.spawn(worker);
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_no_more_run_than_allowed() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |at: usize, check: &dyn Fn() -> Result<()>| {
            check()?;
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(at * at)
        };
        let squares = in_flight(50, 3, &Context::default(), work).unwrap();
        assert_eq!(squares, (0..50).map(|at| at * at).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 3);
        let none = in_flight(0, 3, &Context::default(), work).unwrap();
        assert!(none.is_empty());
    }

    #[test]
    fn the_first_error_is_returned_and_ends_the_rest() {
        let done = AtomicUsize::new(0);
        let work = |at: usize, _: &dyn Fn() -> Result<()>| {
            done.fetch_add(1, Ordering::Relaxed);
            match at {
                5 => Err(Error::Usage("the fifth".into())),
                _ => Ok(()),
            }
        };
        let failed = in_flight(1000, 1, &Context::default(), work).unwrap_err();
        assert_eq!(failed.to_string(), "the fifth");
        assert_eq!(done.load(Ordering::Relaxed), 6);
    }
}
