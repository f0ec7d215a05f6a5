//! A pool of threads for launches of a few microseconds, from many calls at once.
//!
//! The thread that calls works on its own launches, so that no call waits for another. Each call counts as one of the
//! pool's threads; the workers are the rest: where two of eight threads call, six workers help, and where as many call as
//! the pool has threads, none does. A call takes a [slot](slot), where it shows its launches. A worker helps with one
//! launch, and looks for the next from the following slot on, so that calls get the same share of the workers.
//!
//! Idle workers look at the slots for a while, then sleep.

mod job;
mod slot;
#[cfg(test)]
mod tests;

use super::scratch::Scratch;
pub use job::Job;
use slot::{OwnLine, Slot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps. Within a call the next launch comes sooner than that.
const SPIN: Duration = Duration::from_micros(100);

/// How many calls workers help at once: idle workers look at all of their slots. Further calls run alone until another
/// ends.
const MAX_SLOTS: usize = 16;

struct Shared {
    /// Empty where there are no workers.
    slots: Vec<Slot>,
    /// How many calls there are.
    calls: OwnLine<AtomicUsize>,
    sleepers: OwnLine<AtomicUsize>,
    /// One a worker.
    asleep: Vec<OwnLine<AtomicBool>>,
    shutdown: AtomicBool,
}

impl Shared {
    /// How many workers may help: those that calls leave.
    fn helpers(&self) -> usize {
        (self.asleep.len() + 1).saturating_sub(self.calls.0.load(Ordering::Relaxed))
    }
}

/// A thread of the pool that helps those that call. Workers count from 1: thread 0 is the one that calls.
struct Worker<'a> {
    shared: &'a Shared,
    thread: usize,
    /// The launch that it helped with last, by slot.
    last: Vec<u64>,
    /// Where it looks first.
    next: usize,
    scratch: Scratch,
}

impl Worker<'_> {
    fn serve(&mut self) {
        let mut idle_since = Instant::now();
        let mut looks = 0u32;
        while !self.shared.shutdown.load(Ordering::Relaxed) {
            if self.help() {
                looks = 0;
                continue;
            }
            std::hint::spin_loop();
            looks = looks.wrapping_add(1);
            match looks {
                1 => idle_since = Instant::now(),
                _ if looks.is_multiple_of(64) && idle_since.elapsed() > SPIN => {
                    self.sleep();
                    looks = 0;
                }
                _ => {}
            }
        }
    }

    /// Whether calls leave this worker something to do.
    fn is_wanted(&self) -> bool {
        self.thread <= self.shared.helpers()
    }

    /// Helps with one launch, where one is open; says whether it did.
    fn help(&mut self) -> bool {
        if !self.is_wanted() {
            return false;
        }
        let slots = self.shared.slots.len();
        for index in (self.next..slots).chain(0..self.next) {
            let slot = &self.shared.slots[index];
            let Some((launch, job)) = slot.join(self.last[index]) else { continue };
            self.last[index] = launch;
            self.next = (index + 1) % slots;
            // Without memory for it, the others do this worker's part.
            if let Ok(scratch) = self.scratch.of(job.scratch_bytes) {
                // SAFETY: this thread is inside the gate, and the calling thread waits for it.
                unsafe { slot.work(self.thread, job, scratch, || self.is_wanted()) };
            }
            slot.leave();
            return true;
        }
        false
    }

    /// Sleeps until a launch wakes this worker, unless one is open already.
    fn sleep(&self) {
        let shared = self.shared;
        let asleep = &shared.asleep[self.thread - 1].0;
        shared.sleepers.0.fetch_add(1, Ordering::SeqCst);
        asleep.store(true, Ordering::SeqCst);
        // Either this worker sees the gate open, or the launching thread sees this worker asleep.
        fence(Ordering::SeqCst);
        let mut slots = shared.slots.iter().zip(&self.last);
        let work = self.is_wanted() && slots.any(|(slot, last)| slot.is_open(*last));
        if !work && !shared.shutdown.load(Ordering::SeqCst) {
            std::thread::park();
        }
        asleep.store(false, Ordering::SeqCst);
        shared.sleepers.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Threads that wait for launches.
pub struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    handles: Vec<Thread>,
}

impl ThreadPool {
    /// A pool of `threads` threads, the calling one included.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let slots = (threads - 1).min(MAX_SLOTS);
        let shared = Arc::new(Shared {
            slots: (0..slots).map(|_| Slot::new(threads)).collect(),
            calls: OwnLine::default(),
            sleepers: OwnLine::default(),
            asleep: (1..threads).map(|_| OwnLine::default()).collect(),
            shutdown: AtomicBool::new(false),
        });
        let mut pool = ThreadPool { shared, workers: Vec::new(), handles: Vec::new() };
        for thread in 1..threads {
            let shared = pool.shared.clone();
            let serve = move || {
                let (last, scratch) = (vec![0; slots], Scratch::default());
                Worker { shared: &shared, thread, last, next: 0, scratch }.serve();
            };
            let worker =
                std::thread::Builder::new().name(format!("ocellus-{thread}")).spawn(serve)?;
            pool.handles.push(worker.thread().clone());
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// How many threads work for a call that is alone.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Begins a call on this thread.
    pub fn call(&self) -> PoolCall<'_> {
        self.shared.calls.0.fetch_add(1, Ordering::Relaxed);
        PoolCall { pool: self, slot: None }
    }

    fn wake(&self, helpers: usize) {
        for (asleep, handle) in self.shared.asleep.iter().zip(&self.handles).take(helpers) {
            if asleep.0.load(Ordering::Relaxed) && asleep.0.swap(false, Ordering::SeqCst) {
                handle.unpark();
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.shutdown.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker that panicked has already said so, and there is nobody here to tell.
            let _ = worker.join();
        }
    }
}

/// A call: some launches by one thread, one after the other.
pub struct PoolCall<'a> {
    pool: &'a ThreadPool,
    /// Taken with the first launch that workers can help with, and kept until the call ends.
    slot: Option<&'a Slot>,
}

impl<'a> PoolCall<'a> {
    /// Runs the job over all tiles, and returns when the last is done.
    ///
    /// # Safety
    /// The job's kernel and arguments are valid for all of these tiles, and intervals of tiles may run at the same time.
    /// The scratch memory has the bytes that the job asks for, at least eight, and nobody else uses it.
    pub unsafe fn run(&mut self, job: Job, tiles: u32, scratch: *mut u8) {
        let helpers = if tiles > 1 { self.pool.shared.helpers() } else { 0 };
        let slot = if helpers > 0 { self.slot() } else { None };
        // SAFETY: by the contract of this function; the slot is this call's, and so is the launch before, which is over.
        unsafe {
            match slot {
                Some(slot) => {
                    slot.open(job, tiles);
                    fence(Ordering::SeqCst);
                    if self.pool.shared.sleepers.0.load(Ordering::SeqCst) > 0 {
                        self.pool.wake(helpers);
                    }
                    slot.work(0, job, scratch, || true);
                    slot.close();
                }
                None if tiles > 0 => {
                    job.begin(scratch);
                    job.run(scratch, 0..tiles);
                }
                None => {}
            }
        }
    }

    fn slot(&mut self) -> Option<&'a Slot> {
        if self.slot.is_none() {
            self.slot = self.pool.shared.slots.iter().find(|slot| slot.take());
        }
        self.slot
    }
}

impl Drop for PoolCall<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.give_back();
        }
        self.pool.shared.calls.0.fetch_sub(1, Ordering::Relaxed);
    }
}
