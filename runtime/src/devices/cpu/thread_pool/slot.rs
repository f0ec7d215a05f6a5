//! [`Slot`]: where a call shows its launches to the workers.
//!
//! A launch opens the slot's *gate*. Workers that see it open join, the calling thread works too, and the gate closes when
//! all tiles are taken; the launch is over when those who joined are done. A worker that comes too late finds the gate
//! closed: nobody waits for a thread that the system has put aside.
//!
//! The tiles are cut into one interval a thread, so that neighboring launches give a thread the same part of the data.
//! A thread takes half of what is left of its own interval, again and again, and then helps the others with theirs.

use super::job::Job;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Keeps what one thread writes off the cache lines of the others. Two lines, as CPUs fetch them in pairs.
#[repr(align(128))]
#[derive(Default)]
pub struct OwnLine<T>(pub T);

/// The tiles of an interval that nobody has taken yet: its start in the upper half, its end in the lower.
#[derive(Default)]
struct Interval(AtomicU64);

impl Interval {
    fn set(&self, start: u32, end: u32) {
        self.0.store(u64::from(start) << 32 | u64::from(end), Ordering::Relaxed);
    }

    /// The first half of what is left, rounded up.
    fn take(&self) -> Option<Range<u32>> {
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

/// A place for one call at a time.
pub struct Slot {
    is_taken: OwnLine<AtomicBool>,
    gate: OwnLine<AtomicU64>,
    /// One a thread.
    intervals: Vec<OwnLine<Interval>>,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: `job` is written only by the call that has the slot, while the gate is closed and nobody is inside, and read
// only by workers inside. Its pointers stay valid while the gate is open, by the contract of `Slot::open`.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

impl Slot {
    /// A slot that so many threads work at.
    pub fn new(threads: usize) -> Self {
        Slot {
            is_taken: OwnLine::default(),
            gate: OwnLine::default(),
            intervals: (0..threads).map(|_| OwnLine::default()).collect(),
            job: UnsafeCell::new(None),
        }
    }

    /// Takes the slot for a call, unless another has it.
    pub fn take(&self) -> bool {
        // Most looks are at slots that others have: to read does not take the line away from them.
        !self.is_taken.0.load(Ordering::Relaxed) && !self.is_taken.0.swap(true, Ordering::Acquire)
    }

    /// Gives the slot back.
    pub fn give_back(&self) {
        self.is_taken.0.store(false, Ordering::Release);
    }

    /// Opens the gate for a launch. A fence must follow before anybody is looked for who may be asleep.
    ///
    /// # Safety
    /// This thread's call has the slot, and its launch before is over. The job is valid for all of these tiles, intervals
    /// of which may run at the same time, until [`close`](Self::close) returns.
    pub unsafe fn open(&self, job: Job, tiles: u32) {
        let threads = self.intervals.len() as u64;
        for (thread, interval) in (0..threads).zip(&self.intervals) {
            let bound = |thread| (u64::from(tiles) * thread / threads) as u32;
            interval.0.set(bound(thread), bound(thread + 1));
        }
        // SAFETY: the slot is this call's, and the gate is closed and empty since the launch before.
        unsafe { *self.job.get() = Some(job) };
        let launch = self.gate.0.load(Ordering::Relaxed) / LAUNCH + 1;
        self.gate.0.store(launch.wrapping_mul(LAUNCH) | OPEN, Ordering::SeqCst);
    }

    /// Closes the gate, and waits for those inside.
    pub fn close(&self) {
        let mut gate = self.gate.0.fetch_and(!OPEN, Ordering::AcqRel) & !OPEN;
        let mut looks = 0u32;
        while gate & INSIDE != 0 {
            // The one inside may have lost its core, perhaps to this very loop.
            looks += 1;
            if looks.is_multiple_of(1 << 12) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
            gate = self.gate.0.load(Ordering::Acquire);
        }
    }

    /// Whether a launch other than `last` is open here.
    pub fn is_open(&self, last: u64) -> bool {
        let gate = self.gate.0.load(Ordering::SeqCst);
        gate & OPEN != 0 && gate / LAUNCH != last
    }

    /// Goes through the gate where it is open for another launch than `last`; gives the launch and its job.
    pub fn join(&self, last: u64) -> Option<(u64, Job)> {
        let gate = self.gate.0.load(Ordering::Acquire);
        if gate & OPEN == 0 || gate / LAUNCH == last {
            return None;
        }
        self.gate.0.compare_exchange(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: inside the gate nobody writes the job.
        match unsafe { *self.job.get() } {
            Some(job) => Some((gate / LAUNCH, job)),
            // There is always one while the gate is open.
            None => {
                self.leave();
                None
            }
        }
    }

    /// Ends what [`join`](Self::join) began.
    pub fn leave(&self) {
        self.gate.0.fetch_sub(1, Ordering::Release);
    }

    /// Runs tiles of the open launch until none is left, or this thread is not to go on.
    ///
    /// # Safety
    /// The job is that of the open launch, and this thread is inside the gate or is the one that launched. The scratch
    /// memory is such as the kernel needs, and nobody else uses it.
    pub unsafe fn work(
        &self,
        thread: usize,
        job: Job,
        scratch: *mut u8,
        goes_on: impl Fn() -> bool,
    ) {
        // SAFETY: by the contract of this function.
        unsafe { job.begin(scratch) };
        let (before, from) = self.intervals.split_at(thread.min(self.intervals.len()));
        for interval in from.iter().chain(before) {
            while let Some(tiles) = goes_on().then(|| interval.0.take()).flatten() {
                // SAFETY: by the contract of this function.
                unsafe { job.run(scratch, tiles) };
            }
        }
    }
}
