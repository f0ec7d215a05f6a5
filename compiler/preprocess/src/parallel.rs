//! Work on many items by several threads, with an outcome that does not depend on how many there are.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What `work` makes of each item, in the order of the items, up to and including the first that fails.
///
/// A thread takes the next item when it is done with one, so that at most so many are in work as there are threads. After
/// a failure none is taken any more.
pub(super) fn in_order<T: Send, R: Send, E: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    threads: NonZeroUsize,
    work: impl Fn(usize, T) -> Result<R, E> + Sync,
) -> Vec<Result<R, E>> {
    let others = threads.get().min(items.len()).saturating_sub(1);
    let queue = Mutex::new(Some(items.enumerate()));
    let done = Mutex::new(Vec::new());
    let take_and_work = || {
        let take = || lock(&queue).as_mut()?.next();
        while let Some((index, item)) = take() {
            let outcome = work(index, item);
            if outcome.is_err() {
                *lock(&queue) = None;
            }
            lock(&done).push((index, outcome));
        }
    };
    thread::scope(|scope| {
        for _ in 0..others {
            // Where the system gives no more threads, those that there are do the work.
            if thread::Builder::new().spawn_scoped(scope, take_and_work).is_err() {
                break;
            }
        }
        take_and_work();
    });

    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    // Items are taken in order, so all before a failure are done; some behind it may be too.
    let failure = done.iter().position(|(_, outcome)| outcome.is_err());
    done.truncate(failure.map_or(done.len(), |failure| failure + 1));
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What a mutex guards. A panic of another thread ends the scope anyway.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn threads(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    #[test]
    fn outcomes_are_in_the_order_of_the_items() {
        for number in [1, 2, 3, 50] {
            // The earlier, the longer it takes.
            let outcomes = in_order(0..20u32, threads(number), |index, item| {
                thread::sleep(Duration::from_micros(50 * u64::from(20 - item)));
                Ok::<_, ()>((index, item))
            });
            let expected: Vec<_> = (0..20).map(|item| Ok((item, item as u32))).collect();
            assert_eq!(outcomes, expected);
        }
        assert_eq!(in_order(0..0, threads(4), |_, item: usize| Err::<(), _>(item)), []);
    }

    #[test]
    fn the_first_item_that_fails_ends_the_outcomes() {
        for number in [1, 2, 3, 8] {
            // Item 5 fails as well, and sooner.
            let outcomes = in_order(0..100usize, threads(number), |_, item| match item {
                3 => {
                    thread::sleep(Duration::from_millis(20));
                    Err(3)
                }
                5 => Err(5),
                _ => Ok(item),
            });
            assert_eq!(outcomes, [Ok(0), Ok(1), Ok(2), Err(3)]);
        }
    }

    #[test]
    fn no_more_items_are_in_work_than_there_are_threads() {
        let (now, max) = (AtomicUsize::new(0), AtomicUsize::new(0));
        in_order(0..40, threads(3), |_, _| {
            max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(())
        });
        assert!(max.into_inner() <= 3);
    }

    #[test]
    fn after_a_failure_no_item_is_taken() {
        let taken = AtomicUsize::new(0);
        in_order(0..100_000, threads(2), |_, item| {
            taken.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(200));
            if item == 10 { Err(()) } else { Ok(()) }
        });
        assert!(taken.into_inner() < 100_000);
    }
}
