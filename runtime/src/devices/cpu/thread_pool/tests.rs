//! Launches whose kernels count, from one call and from many at once.

use super::job::NOTHING_PREPARED;
use super::*;
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::AtomicU32;

/// Runs a kernel whose argument block is one address.
fn launch<T>(call: &mut PoolCall<'_>, kernel: super::super::KernelFunction, at: &[T], tiles: u32) {
    let arguments = [at.as_ptr() as i64];
    let mut scratch = Scratch::default();
    let job = Job { kernel, arguments: arguments.as_ptr(), scratch_bytes: 8 };
    let scratch = scratch.of(job.scratch_bytes).unwrap();
    // SAFETY: the tests pass as many elements as their kernels touch, and a word of scratch memory.
    unsafe { call.run(job, tiles, scratch) };
}

/// Counts how often each tile runs; the argument block is the address of the counters.
unsafe extern "C" fn count(arguments: *const i64, first: i64, end: i64, _scratch: *mut u8) {
    for tile in first..end {
        // SAFETY: the test passes the address of that many counters.
        let counter = unsafe { &*(*arguments as *const AtomicU32).add(tile as usize) };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes its time, and notes by its scratch memory which thread ran a tile.
unsafe extern "C" fn who(arguments: *const i64, first: i64, end: i64, scratch: *mut u8) {
    for tile in first..end {
        std::thread::sleep(Duration::from_millis(1));
        // SAFETY: the test passes the address of that many words.
        let owner = unsafe { &*(*arguments as *const AtomicUsize).add(tile as usize) };
        owner.store(scratch as usize, Ordering::Relaxed);
    }
}

fn counters(tiles: usize) -> Vec<AtomicU32> {
    (0..tiles).map(|_| AtomicU32::new(0)).collect()
}

fn counts(counters: &[AtomicU32]) -> Vec<u32> {
    counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
}

/// The threads that run the tiles of a launch, by their scratch memory.
fn threads_of(call: &mut PoolCall<'_>) -> BTreeSet<usize> {
    let owners: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
    launch(call, who, &owners, 64);
    owners.iter().map(|owner| owner.load(Ordering::Relaxed)).collect()
}

/// Launches until so many threads take part: on a busy machine, a worker may wake too late for one launch.
fn takes_part(threads: usize, call: &mut PoolCall<'_>) -> bool {
    (0..50).any(|_| threads_of(call).len() == threads)
}

#[test]
fn every_tile_runs_once() {
    for threads in [1, 2, 3, 8] {
        let pool = ThreadPool::new(threads).unwrap();
        let counters = counters(100);
        let mut expected = vec![0; counters.len()];
        let mut call = pool.call();
        for round in 0..2000u32 {
            let tiles = round % 101;
            launch(&mut call, count, &counters, tiles);
            expected.iter_mut().take(tiles as usize).for_each(|count| *count += 1);
        }
        assert_eq!(counts(&counters), expected, "{threads} threads");
    }
}

#[test]
fn every_tile_of_every_call_runs_once() {
    for (threads, callers) in [(1, 3), (2, 2), (3, 2), (4, 3), (4, 8), (24, 20)] {
        let pool = ThreadPool::new(threads).unwrap();
        let start = Barrier::new(callers);
        std::thread::scope(|scope| {
            for caller in 0..callers as u32 {
                let (pool, start) = (&pool, &start);
                scope.spawn(move || {
                    let counters = counters(64);
                    let mut expected = vec![0; counters.len()];
                    start.wait();
                    for call in 0..60u32 {
                        // Calls begin and end at other times than those of the others.
                        let launches = 1 + (caller * 7 + call * 5) % 13;
                        let mut in_pool = pool.call();
                        for round in 0..launches {
                            let tiles = (caller * 31 + call * 17 + round * 11) % 65;
                            launch(&mut in_pool, count, &counters, tiles);
                            let counted = expected.iter_mut().take(tiles as usize);
                            counted.for_each(|count| *count += 1);
                            // When a launch returns, all of its tiles have run.
                            assert_eq!(counts(&counters), expected);
                        }
                    }
                });
            }
        });
        assert_eq!(pool.shared.helpers(), threads, "nobody calls any more");
        assert!(pool.shared.slots.iter().all(Slot::take), "a slot that nobody has");
    }
}

#[test]
fn sleeping_workers_wake_and_stop() {
    let pool = ThreadPool::new(4).unwrap();
    let counters = counters(64);
    for _ in 0..20 {
        std::thread::sleep(SPIN * 5);
        launch(&mut pool.call(), count, &counters, 64);
    }
    assert!(counts(&counters).iter().all(|count| *count == 20));
}

#[test]
fn workers_take_part() {
    let pool = ThreadPool::new(2).unwrap();
    assert!(takes_part(2, &mut pool.call()));
}

#[test]
fn calls_share_the_workers_and_count_as_threads() {
    let pool = ThreadPool::new(3).unwrap();
    let (mut first, mut second) = (pool.call(), pool.call());
    // One worker is left, and helps whichever of them launches.
    for call in [&mut first, &mut second] {
        assert!(takes_part(2, call));
        assert!(threads_of(call).len() <= 2, "the other call is one of three threads");
    }
    let third = pool.call();
    assert_eq!(threads_of(&mut first).len(), 1, "three calls, three threads");
    drop((second, third));
    assert!(takes_part(3, &mut first));
}

#[test]
fn what_a_worker_prepares_lasts_for_a_launch() {
    /// Counts the calls that find nothing prepared.
    unsafe extern "C" fn prepare(arguments: *const i64, _: i64, _: i64, scratch: *mut u8) {
        let prepared = scratch.cast::<i64>();
        // SAFETY: the test passes the address of a counter, and a word of scratch memory.
        unsafe {
            if prepared.read() == NOTHING_PREPARED {
                let counter = &*(*arguments as *const AtomicU32);
                counter.fetch_add(1, Ordering::Relaxed);
                prepared.write(7);
            }
        }
    }
    for threads in [1, 2, 5] {
        let pool = ThreadPool::new(threads).unwrap();
        let preparations = counters(1);
        let mut call = pool.call();
        for _ in 0..50 {
            let before = counts(&preparations)[0];
            launch(&mut call, prepare, &preparations, 100);
            let here = counts(&preparations)[0] - before;
            assert!((1..=threads as u32).contains(&here), "{here} of {threads}");
        }
    }
}
