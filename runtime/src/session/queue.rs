//! [`Queue`]: a lock that serves callers in the order in which they came.
//!
//! The lock of the standard library, released, goes to whoever is running, which is the caller that has just had it: others
//! waited for thousands of calls. `parking_lot`'s fair lock hands itself over, but a caller yields to the system before it
//! joins the queue. Here the first thing that a caller does is to take its number.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What callers queue for.
pub struct Queue<T> {
    /// The number that the next caller takes.
    next: AtomicU64,
    /// The number whose turn it is.
    served: AtomicU64,
    /// Held by those who look whether it is their turn before they sleep.
    waiting_room: Mutex<()>,
    turn: Condvar,
    /// Locked by the one whose turn it is: never contended.
    value: Mutex<T>,
}

/// A caller's turn: it lasts until this is dropped, by a panic too.
pub struct Turn<'a, T> {
    // Dropped in this order: the next caller finds the value unlocked.
    value: MutexGuard<'a, T>,
    _end: End<'a, T>,
}

/// Calls the next number when it is dropped.
struct End<'a, T>(&'a Queue<T>);

impl<T> Queue<T> {
    /// A queue with nobody in it.
    pub fn new(value: T) -> Self {
        Queue {
            next: AtomicU64::new(0),
            served: AtomicU64::new(0),
            waiting_room: Mutex::new(()),
            turn: Condvar::new(),
            value: Mutex::new(value),
        }
    }

    /// Waits for a turn.
    pub fn wait(&self) -> Turn<'_, T> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if self.served.load(Ordering::SeqCst) != number {
            let mut room = self.waiting_room.lock().unwrap_or_else(PoisonError::into_inner);
            while self.served.load(Ordering::SeqCst) != number {
                room = self.turn.wait(room).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { value, _end: End(self) }
    }

    /// Calls the next number.
    fn serve_next(&self) {
        let served = self.served.fetch_add(1, Ordering::SeqCst) + 1;
        // Either somebody has taken that number by now, or whoever takes it sees that it is served.
        if self.next.load(Ordering::SeqCst) != served {
            // One who looked before the number was called is asleep, or leaves the room only to sleep.
            drop(self.waiting_room.lock().unwrap_or_else(PoisonError::into_inner));
            self.turn.notify_all();
        }
    }
}

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        self.0.serve_next();
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn nobody_is_forgotten_and_nobody_is_in_twice() {
        let queue = Queue::new(0u32);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let mut count = queue.wait();
                        let before = *count;
                        std::thread::yield_now();
                        *count = before + 1;
                    }
                });
            }
        });
        assert_eq!(*queue.wait(), 4000);
    }

    /// The bar is 100 ns in an optimized build; what a debug build takes says nothing, so it has ten times that.
    #[test]
    fn a_caller_alone_hardly_notices() {
        let queue = Queue::new(0u32);
        let calls = 10_000;
        let fastest = (0..20).map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| *queue.wait() += 1);
            start.elapsed() / calls
        });
        let fastest = fastest.min().unwrap_or_default();
        println!("{fastest:?} for a turn");
        let max = Duration::from_nanos(if cfg!(debug_assertions) { 1000 } else { 100 });
        assert!(fastest < max, "{fastest:?}");
    }
}
