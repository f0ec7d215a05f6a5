//! A pool of threads for launches of a few microseconds.
//!
//! A launch opens a *gate*. Workers that see it open join, the calling thread works too, and the gate closes when all
//! tiles are taken; the launch is over when those who joined are done. A worker that comes too late finds the gate
//! closed: nobody waits for a thread that the system has put aside.
//!
//! The tiles are cut into one interval a thread, so that neighboring launches give a thread the same part of the data.
//! A thread takes half of what is left of its own interval, again and again, and then helps the others with theirs.
//!
//! Idle workers look at the gate for a while, then sleep.

use super::KernelFunction;
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps. Within a call the next launch comes sooner than that.
const SPIN: Duration = Duration::from_micros(100);

/// A kernel with its arguments, and the scratch memory of every worker.
#[derive(Clone, Copy)]
pub struct Job {
    /// The code.
    pub kernel: KernelFunction,
    /// The argument block.
    pub arguments: *const i64,
    /// One address a worker, aligned to eight bytes and of at least as many.
    pub scratch: *const *mut u8,
}

/// The first word of a worker's scratch when it begins with a launch.
const NOTHING_PREPARED: i64 = -1;

impl Job {
    /// Makes the scratch of a worker ready for its first call.
    ///
    /// # Safety
    /// As for [`Job::run`].
    unsafe fn begin(&self, worker: usize) {
        // SAFETY: by the contract of this function.
        unsafe { (*self.scratch.add(worker)).cast::<i64>().write(NOTHING_PREPARED) };
    }

    /// # Safety
    /// All pointers are valid, and `worker` is one of those that `scratch` was made for.
    unsafe fn run(&self, worker: usize, tiles: std::ops::Range<u32>) {
        // SAFETY: by the contract of this function.
        unsafe {
            let scratch = *self.scratch.add(worker);
            (self.kernel)(self.arguments, i64::from(tiles.start), i64::from(tiles.end), scratch);
        }
    }
}

/// Keeps what one thread writes off the cache lines of the others. Two lines, as CPUs fetch them in pairs.
#[repr(align(128))]
#[derive(Default)]
struct OwnLine<T>(T);

/// The tiles of an interval that nobody has taken yet: its start in the upper half, its end in the lower.
#[derive(Default)]
struct Interval(AtomicU64);

impl Interval {
    fn set(&self, start: u32, end: u32) {
        self.0.store(u64::from(start) << 32 | u64::from(end), Ordering::Relaxed);
    }

    /// The first half of what is left, rounded up.
    fn take(&self) -> Option<std::ops::Range<u32>> {
        let mut interval = self.0.load(Ordering::Relaxed);
        loop {
            let (start, end) = ((interval >> 32) as u32, interval as u32);
            if start >= end {
                return None;
            }
            let middle = start + (end - start).div_ceil(2);
            let rest = u64::from(middle) << 32 | u64::from(end);
            match self.0.compare_exchange_weak(interval, rest, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some(start..middle),
                Err(now) => interval = now,
            }
        }
    }
}

/// The gate's word: the number of the launch, whether it is open, and how many workers are inside.
const LAUNCH: u64 = 1 << 32;
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

struct Shared {
    gate: OwnLine<AtomicU64>,
    sleepers: OwnLine<AtomicUsize>,
    /// One a worker.
    asleep: Vec<OwnLine<AtomicBool>>,
    /// One a thread.
    intervals: Vec<OwnLine<Interval>>,
    job: UnsafeCell<Option<Job>>,
    shutdown: AtomicBool,
}

// SAFETY: `job` is written only by the thread that launches, while the gate is closed and nobody is inside, and read
// only by workers inside. Its pointers stay valid while the gate is open, by the contract of `ThreadPool::run`.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    /// Runs tiles of the open launch until none is left.
    ///
    /// # Safety
    /// The job is valid, and this thread is inside the gate or is the one that launched.
    unsafe fn work(&self, thread: usize, job: Job) {
        // SAFETY: by the contract of this function.
        unsafe { job.begin(thread) };
        let threads = self.intervals.len();
        for victim in (thread..threads).chain(0..thread) {
            while let Some(tiles) = self.intervals[victim].0.take() {
                // SAFETY: by the contract of this function.
                unsafe { job.run(thread, tiles) };
            }
        }
    }

    /// Goes through the gate where it is open for another launch than `last`; gives the launch.
    fn join(&self, last: u64) -> Option<u64> {
        let gate = self.gate.0.load(Ordering::Acquire);
        if gate & OPEN == 0 || gate / LAUNCH == last {
            return None;
        }
        self.gate
            .0
            .compare_exchange(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| gate / LAUNCH)
    }

    fn leave(&self) {
        self.gate.0.fetch_sub(1, Ordering::Release);
    }

    /// The life of worker `thread`, which is at least 1: thread 0 is the one that launches.
    fn serve(&self, thread: usize) {
        let mut last = 0;
        let mut idle_since = Instant::now();
        let mut looks = 0u32;
        while !self.shutdown.load(Ordering::Relaxed) {
            if let Some(launch) = self.join(last) {
                // SAFETY: inside the gate nobody writes the job.
                if let Some(job) = unsafe { *self.job.get() } {
                    // SAFETY: this thread is inside, and the launching thread waits for it.
                    unsafe { self.work(thread, job) };
                }
                self.leave();
                last = launch;
                looks = 0;
                continue;
            }
            std::hint::spin_loop();
            looks = looks.wrapping_add(1);
            match looks {
                1 => idle_since = Instant::now(),
                _ if looks.is_multiple_of(64) && idle_since.elapsed() > SPIN => {
                    self.sleep(thread, last);
                    looks = 0;
                }
                _ => {}
            }
        }
    }

    /// Sleeps until a launch wakes this worker, unless one is open already.
    fn sleep(&self, thread: usize, last: u64) {
        let asleep = &self.asleep[thread - 1].0;
        self.sleepers.0.fetch_add(1, Ordering::SeqCst);
        asleep.store(true, Ordering::SeqCst);
        // Either this worker sees the gate open, or the launching thread sees this worker asleep.
        fence(Ordering::SeqCst);
        let gate = self.gate.0.load(Ordering::SeqCst);
        let work = gate & OPEN != 0 && gate / LAUNCH != last;
        if !work && !self.shutdown.load(Ordering::SeqCst) {
            std::thread::park();
        }
        asleep.store(false, Ordering::SeqCst);
        self.sleepers.0.fetch_sub(1, Ordering::SeqCst);
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
        let shared = Arc::new(Shared {
            gate: OwnLine::default(),
            sleepers: OwnLine::default(),
            asleep: (1..threads).map(|_| OwnLine::default()).collect(),
            intervals: (0..threads).map(|_| OwnLine::default()).collect(),
            job: UnsafeCell::new(None),
            shutdown: AtomicBool::new(false),
        });
        let mut pool = ThreadPool { shared, workers: Vec::new(), handles: Vec::new() };
        for thread in 1..threads {
            let shared = pool.shared.clone();
            let worker = std::thread::Builder::new()
                .name(format!("ocellus-{thread}"))
                .spawn(move || shared.serve(thread))?;
            pool.handles.push(worker.thread().clone());
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Runs the job over all tiles, and returns when the last is done.
    ///
    /// # Safety
    /// The job's kernel, arguments and scratch addresses (one a thread of this pool) are valid for all of these tiles,
    /// and intervals of tiles may run at the same time.
    pub unsafe fn run(&mut self, job: Job, tiles: u32) {
        if tiles <= 1 || self.workers.is_empty() {
            if tiles > 0 {
                // SAFETY: by the contract of this function.
                unsafe {
                    job.begin(0);
                    job.run(0, 0..tiles);
                }
            }
            return;
        }
        let shared = &*self.shared;
        let threads = shared.intervals.len() as u64;
        for (thread, interval) in (0..threads).zip(&shared.intervals) {
            let bound = |thread| (u64::from(tiles) * thread / threads) as u32;
            interval.0.set(bound(thread), bound(thread + 1));
        }
        // SAFETY: `&mut self`, and the gate is closed and empty since the launch before.
        unsafe { *shared.job.get() = Some(job) };
        let launch = shared.gate.0.load(Ordering::Relaxed) / LAUNCH + 1;
        shared.gate.0.store(launch.wrapping_mul(LAUNCH) | OPEN, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if shared.sleepers.0.load(Ordering::SeqCst) > 0 {
            self.wake();
        }
        // SAFETY: this is the thread that launches.
        unsafe { shared.work(0, job) };
        let mut gate = shared.gate.0.fetch_and(!OPEN, Ordering::AcqRel) & !OPEN;
        let mut looks = 0u32;
        while gate & INSIDE != 0 {
            // The one inside may have lost its core, perhaps to this very loop.
            looks += 1;
            if looks.is_multiple_of(1 << 12) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
            gate = shared.gate.0.load(Ordering::Acquire);
        }
    }

    fn wake(&self) {
        for (asleep, handle) in self.shared.asleep.iter().zip(&self.handles) {
            if asleep.0.swap(false, Ordering::SeqCst) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// Counts how often each tile runs; the argument block is the address of the counters.
    unsafe extern "C" fn count(arguments: *const i64, first: i64, end: i64, _scratch: *mut u8) {
        for tile in first..end {
            // SAFETY: the test passes the address of that many counters.
            let counter = unsafe { &*(*arguments as *const AtomicU32).add(tile as usize) };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn launch(pool: &mut ThreadPool, counters: &[AtomicU32], tiles: u32) {
        let arguments = [counters.as_ptr() as i64];
        let mut words = vec![0i64; pool.handles.len() + 1];
        let scratch: Vec<*mut u8> = words.iter_mut().map(|word| (&raw mut *word).cast()).collect();
        let job = Job { kernel: count, arguments: arguments.as_ptr(), scratch: scratch.as_ptr() };
        // SAFETY: there are as many counters as tiles, and a word of scratch a worker.
        unsafe { pool.run(job, tiles) };
    }

    #[test]
    fn every_tile_runs_once() {
        for threads in [1, 2, 3, 8] {
            let mut pool = ThreadPool::new(threads).unwrap();
            let counters: Vec<AtomicU32> = (0..100).map(|_| AtomicU32::new(0)).collect();
            let mut expected = vec![0; counters.len()];
            for round in 0..2000u32 {
                let tiles = round % 101;
                launch(&mut pool, &counters, tiles);
                expected.iter_mut().take(tiles as usize).for_each(|count| *count += 1);
            }
            let found: Vec<u32> = counters.iter().map(|c| c.load(Ordering::Relaxed)).collect();
            assert_eq!(found, expected, "{threads} threads");
        }
    }

    #[test]
    fn sleeping_workers_wake_and_stop() {
        let mut pool = ThreadPool::new(4).unwrap();
        let counters: Vec<AtomicU32> = (0..64).map(|_| AtomicU32::new(0)).collect();
        for _ in 0..20 {
            std::thread::sleep(SPIN * 5);
            launch(&mut pool, &counters, 64);
        }
        assert!(counters.iter().all(|counter| counter.load(Ordering::Relaxed) == 20));
    }

    #[test]
    fn workers_take_part() {
        unsafe extern "C" fn who(arguments: *const i64, first: i64, end: i64, scratch: *mut u8) {
            for tile in first..end {
                std::thread::sleep(Duration::from_millis(1));
                // SAFETY: the test passes the address of that many words.
                let owner = unsafe { &*(*arguments as *const AtomicUsize).add(tile as usize) };
                owner.store(scratch as usize, Ordering::Relaxed);
            }
        }
        let mut pool = ThreadPool::new(2).unwrap();
        let owners: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
        let arguments = [owners.as_ptr() as i64];
        let mut words = [0i64; 2];
        let scratch = words.each_mut().map(|word| (&raw mut *word).cast::<u8>());
        let job = Job { kernel: who, arguments: arguments.as_ptr(), scratch: scratch.as_ptr() };
        // SAFETY: as above.
        unsafe { pool.run(job, 64) };
        let owners: Vec<usize> = owners.iter().map(|o| o.load(Ordering::Relaxed)).collect();
        let [first, second] = scratch.map(|scratch| scratch as usize);
        assert!(owners.iter().all(|owner| [first, second].contains(owner)), "{owners:?}");
        assert!(owners.contains(&first) && owners.contains(&second), "{owners:?}");
    }

    #[test]
    fn what_a_worker_prepares_lasts_for_a_launch() {
        /// Counts the calls that find nothing prepared.
        unsafe extern "C" fn prepare(
            arguments: *const i64,
            _first: i64,
            _end: i64,
            scratch: *mut u8,
        ) {
            let prepared = scratch.cast::<i64>();
            // SAFETY: the test passes the address of a counter, and a word of scratch a worker.
            unsafe {
                if prepared.read() == NOTHING_PREPARED {
                    let counter = &*(*arguments as *const AtomicU32);
                    counter.fetch_add(1, Ordering::Relaxed);
                    prepared.write(7);
                }
            }
        }
        for threads in [1, 2, 5] {
            let mut pool = ThreadPool::new(threads).unwrap();
            let preparations = AtomicU32::new(0);
            let arguments = [&raw const preparations as i64];
            let mut words = vec![7i64; threads];
            let scratch: Vec<*mut u8> =
                words.iter_mut().map(|word| (&raw mut *word).cast()).collect();
            let job =
                Job { kernel: prepare, arguments: arguments.as_ptr(), scratch: scratch.as_ptr() };
            for _ in 0..50 {
                let before = preparations.load(Ordering::Relaxed);
                // SAFETY: as above.
                unsafe { pool.run(job, 100) };
                let here = preparations.load(Ordering::Relaxed) - before;
                assert!((1..=threads as u32).contains(&here), "{here} of {threads}");
            }
        }
    }
}
