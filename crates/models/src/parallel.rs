//! Independent work items on a few threads, results in item order.
//!
//! Threads take the next item from a counter, so which thread does what is left to chance; the result is not, because
//! every item depends on its own index only and results are put back in item order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use assize_tables::{Cancel, Cancelled};

/// The number of threads to use for `items` pieces of work; `threads` 0 means all cores.
fn worker_count(threads: usize, items: usize) -> usize {
    let wanted = match threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        given => given,
    };
    wanted.clamp(1, items.max(1))
}

/// Calls `work(scratch, item)` for each item below `items`; every thread has its own `scratch`.
///
/// The flag is looked at before each item; work that takes longer than some milliseconds looks by itself.
pub(crate) fn map<S, T: Send>(
    items: usize,
    threads: usize,
    cancel: &Cancel,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<T, Cancelled> + Sync,
) -> Result<Vec<T>, Cancelled> {
    let workers = worker_count(threads, items);
    let next = AtomicUsize::new(0);
    let run = || -> Result<Vec<(usize, T)>, Cancelled> {
        let mut own = scratch();
        let mut done = Vec::with_capacity(items / workers + 1);
        loop {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                return Ok(done);
            }
            cancel.check()?;
            done.push((item, work(&mut own, item)?));
        }
    };
    let mut results = if workers == 1 {
        run()?
    } else {
        thread::scope(|scope| -> Result<Vec<(usize, T)>, Cancelled> {
            // Where no more threads may be started, those there are do the work.
            let start = |_| thread::Builder::new().spawn_scoped(scope, run).ok();
            let others: Vec<_> = (1..workers).filter_map(start).collect();
            let mut results = run();
            for other in others {
                let part = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                results = match (results, part) {
                    (Ok(mut all), Ok(part)) => {
                        all.extend(part);
                        Ok(all)
                    }
                    _ => Err(Cancelled),
                };
            }
            results
        })?
    };
    results.sort_unstable_by_key(|(item, _)| *item);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_item_order_on_any_number_of_threads() {
        for threads in [0, 1, 2, 5, 64] {
            let squares = map(100, threads, &Cancel::new(), || (), |(), item| Ok(item * item)).unwrap();
            assert_eq!(squares, (0..100).map(|item| item * item).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_set_flag_stops_the_work() {
        let cancel = Cancel::new();
        let stopped = map(
            100,
            3,
            &cancel,
            || (),
            |(), item| {
                if item == 10 {
                    cancel.cancel();
                }
                Ok(item)
            },
        );
        assert_eq!(stopped, Err(Cancelled));
    }
}
