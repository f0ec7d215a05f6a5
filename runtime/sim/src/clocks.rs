//! What is ordered before what, within a block and between blocks.
//!
//! Each warp has a clock that goes on whenever others may learn how far the warp has come: at barriers. An access is stamped
//! with its warp, lane and clock. A warp knows of each other warp up to which clock its accesses lie behind: after a barrier of
//! the whole block, all before it. Lanes of one warp are ordered by barriers and by `bar.warp.sync`, not by running together.
//!
//! Between blocks of a launch, only atomic operations with fences order anything: what a warp had fenced travels with the
//! address of its atomic operation to those who use the same address, and is theirs after a fence of their own. A fence behind
//! a barrier counts for what the barrier brought, on both sides.

use crate::registers::{LANES, Mask, lanes};
use std::collections::HashMap;
use std::sync::Arc;

/// The warps that a block may have.
pub(crate) const MOST_WARPS: usize = 32;

/// Up to which clock each warp of a block is known.
pub(crate) type Known = [u32; MOST_WARPS];

/// What is known of other blocks, by their numbers.
pub(crate) type Knowledge = Arc<HashMap<u32, Known>>;

/// More than one lane, in a stamp.
const MANY_LANES: u8 = LANES as u8;

/// The lane of what a warp does as a whole.
pub(crate) const WHOLE_WARP: usize = LANES;

/// More than one block, in a stamp. Whoever learnt anything of other blocks is taken to know of all of these.
const MANY_BLOCKS: u32 = u32::MAX;

/// Who used some memory last, and when. No warps: nobody.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp {
    pub block: u32,
    pub clock: u32,
    pub warps: Mask,
    lane: u8,
    is_atomic: bool,
    place: u32,
}

impl Stamp {
    pub(crate) fn new(viewer: &Viewer, lane: usize, place: usize, is_atomic: bool) -> Self {
        Self {
            block: viewer.block,
            clock: viewer.clocks.now[viewer.warp],
            warps: 1 << viewer.warp,
            lane: lane as u8,
            is_atomic,
            place: place as u32,
        }
    }

    pub(crate) fn is_nobody(&self) -> bool {
        self.warps == 0
    }

    pub(crate) fn place(&self) -> usize {
        self.place as usize
    }

    /// Whether those who are meant are of several blocks.
    pub(crate) fn is_of_many_blocks(&self) -> bool {
        self.block == MANY_BLOCKS
    }

    /// One thread of those who are meant.
    pub(crate) fn thread(&self) -> usize {
        let lane = if self.lane == MANY_LANES { 0 } else { usize::from(self.lane) };
        self.warps.trailing_zeros() as usize * LANES + lane
    }

    /// Both, where neither is ordered behind the other. Of different clocks the lesser is kept, which may miss a race but
    /// never makes one up.
    fn merged(&self, newer: &Stamp) -> Self {
        let is_same_lane = self.lane == newer.lane && self.warps == newer.warps;
        Self {
            block: if self.block == newer.block { newer.block } else { MANY_BLOCKS },
            clock: self.clock.min(newer.clock),
            warps: self.warps | newer.warps,
            lane: if is_same_lane { self.lane } else { MANY_LANES },
            is_atomic: self.is_atomic && newer.is_atomic,
            ..*newer
        }
    }
}

/// What those bring who have arrived at a barrier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    known: Known,
    fenced: Known,
    acquired: Option<Knowledge>,
    pending: Option<Knowledge>,
    latest: u32,
    waiting: Mask,
}

/// The clocks of a block's warps.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    now: Known,
    known: Box<[Known; MOST_WARPS]>,
    /// For each warp, accesses of any warp before this clock are ordered before its own.
    floor: Known,
    /// For each lane, since when it is ordered behind which lanes of its warp.
    synced: Box<[[(u32, Mask); LANES]; MOST_WARPS]>,
    /// Up to where each warp has fenced what it knows of the block.
    fenced: Box<[Known; MOST_WARPS]>,
    /// What each warp knows of other blocks, and what it will know after a fence.
    acquired: Vec<Option<Knowledge>>,
    pending: Vec<Option<Knowledge>>,
    warps: usize,
}

impl Clocks {
    pub(crate) fn new(warps: usize) -> Self {
        Self {
            now: [1; MOST_WARPS],
            known: Box::new([[0; MOST_WARPS]; MOST_WARPS]),
            floor: [0; MOST_WARPS],
            synced: Box::new([[(0, 0); LANES]; MOST_WARPS]),
            fenced: Box::new([[0; MOST_WARPS]; MOST_WARPS]),
            acquired: vec![None; warps],
            pending: vec![None; warps],
            warps,
        }
    }

    /// `bar.warp.sync` of those lanes.
    pub(crate) fn sync_warp(&mut self, warp: usize, mask: Mask) {
        self.now[warp] += 1;
        for (lane, synced) in self.synced[warp].iter_mut().enumerate() {
            if mask >> lane & 1 == 1 {
                *synced = (self.now[warp], mask);
            }
        }
    }

    /// A warp arrives at a barrier, and waits there or goes on.
    pub(crate) fn arrive(&mut self, warp: usize, waits: bool, arrivals: &mut Arrivals) {
        join(&mut arrivals.known, &self.known[warp]);
        join(&mut arrivals.fenced, &self.fenced[warp]);
        join_knowledge(&mut arrivals.acquired, &self.acquired[warp]);
        join_knowledge(&mut arrivals.pending, &self.pending[warp]);
        let after = self.now[warp] + 1;
        arrivals.known[warp] = arrivals.known[warp].max(after);
        arrivals.latest = arrivals.latest.max(after);
        match waits {
            true => arrivals.waiting |= 1 << warp,
            false => self.now[warp] = after,
        }
    }

    /// All have arrived that a barrier waits for.
    pub(crate) fn complete(&mut self, arrivals: Arrivals) {
        let Arrivals { mut known, fenced, acquired, pending, latest, waiting } = arrivals;
        let waiting = || (0..MOST_WARPS).filter(move |warp| waiting >> warp & 1 == 1);
        for warp in waiting() {
            known[warp] = latest;
        }
        for warp in waiting() {
            self.now[warp] = latest;
            self.known[warp] = known;
            self.floor[warp] = known[..self.warps].iter().copied().min().unwrap_or(0);
            self.fenced[warp] = fenced;
            self.acquired[warp] = acquired.clone();
            self.pending[warp] = pending.clone();
            self.synced[warp] = [(latest, Mask::MAX); LANES];
        }
    }

    /// A fence of the whole device by a warp.
    pub(crate) fn fence(&mut self, warp: usize) {
        self.now[warp] += 1;
        let known = self.known[warp];
        join(&mut self.fenced[warp], &known);
        self.fenced[warp][warp] = self.now[warp];
        let pending = self.pending[warp].take();
        join_knowledge(&mut self.acquired[warp], &pending);
    }

    /// What travels with an atomic operation of a warp of a block: what it fenced of its own block and learnt of others.
    pub(crate) fn released(&self, warp: usize, block: u32) -> Option<Knowledge> {
        let fenced = self.fenced[warp];
        if fenced.iter().all(|clock| *clock == 0) {
            return None;
        }
        let mut knowledge = self.acquired[warp].clone().unwrap_or_default();
        Arc::make_mut(&mut knowledge).insert(block, fenced);
        Some(knowledge)
    }

    /// What an atomic operation of a warp brought; it counts after a fence.
    pub(crate) fn receive(&mut self, warp: usize, knowledge: &Option<Knowledge>) {
        join_knowledge(&mut self.pending[warp], knowledge);
    }
}

fn join(into: &mut Known, from: &Known) {
    for (into, from) in into.iter_mut().zip(from) {
        *into = (*into).max(*from);
    }
}

/// Adds what is known of other blocks.
pub(crate) fn join_knowledge(into: &mut Option<Knowledge>, from: &Option<Knowledge>) {
    let Some(from) = from else { return };
    let Some(known) = into else {
        *into = Some(from.clone());
        return;
    };
    if Arc::ptr_eq(known, from) {
        return;
    }
    let known = Arc::make_mut(known);
    for (block, clocks) in from.iter() {
        join(known.entry(*block).or_insert([0; MOST_WARPS]), clocks);
    }
}

/// The warp that looks at a stamp.
#[derive(Clone, Copy)]
pub(crate) struct Viewer<'a> {
    pub clocks: &'a Clocks,
    pub block: u32,
    pub warp: usize,
}

impl Viewer<'_> {
    /// Whether all that a stamp means is ordered before what a lane does now.
    fn is_behind(&self, stamp: &Stamp, lane: usize) -> bool {
        if stamp.block != self.block {
            let acquired = self.clocks.acquired[self.warp].as_ref();
            if stamp.block == MANY_BLOCKS {
                return acquired.is_some();
            }
            let known = acquired.and_then(|all| all.get(&stamp.block));
            // Knowledge comes by atomic operations, which stand behind the fence that they carry: those themselves are known.
            if stamp.is_atomic {
                return known.is_some();
            }
            return known
                .is_some_and(|known| lanes(stamp.warps).all(|warp| known[warp] > stamp.clock));
        }
        if stamp.clock < self.clocks.floor[self.warp] {
            return true;
        }
        let known = &self.clocks.known[self.warp];
        lanes(stamp.warps & !(1 << self.warp)).all(|warp| known[warp] > stamp.clock)
            && (stamp.warps >> self.warp & 1 == 0 || self.is_behind_in_warp(stamp, lane))
    }

    /// Whether what lanes of the same warp did is ordered before what a lane does now.
    fn is_behind_in_warp(&self, stamp: &Stamp, lane: usize) -> bool {
        if usize::from(stamp.lane) == lane && stamp.lane != MANY_LANES {
            return true;
        }
        let (since, with) = self.clocks.synced[self.warp][lane.min(LANES - 1)];
        let needs_all = stamp.lane == MANY_LANES || lane == WHOLE_WARP;
        since > stamp.clock && (with == Mask::MAX || !needs_all && with >> stamp.lane & 1 == 1)
    }
}

/// Who wrote and who read some bytes last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell {
    pub write: Stamp,
    pub read: Stamp,
}

/// How memory is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Use {
    Read,
    /// A read that races with no atomic write.
    AtomicRead,
    Write,
    /// A write, with a read before it or without, that races with nothing atomic.
    Atomic,
}

/// An earlier use that races with one now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conflict {
    pub earlier: Stamp,
    pub was_write: bool,
}

impl Cell {
    /// Notes a use, and says which earlier one it races with.
    pub(crate) fn note(
        &mut self,
        viewer: &Viewer,
        lane: usize,
        place: usize,
        usage: Use,
    ) -> Option<Conflict> {
        let stamp = Stamp::new(viewer, lane, place, matches!(usage, Use::Atomic | Use::AtomicRead));
        let is_read = matches!(usage, Use::Read | Use::AtomicRead);
        let races = |earlier: &Stamp| {
            let is_harmless = earlier.is_nobody() || earlier.is_atomic && stamp.is_atomic;
            !is_harmless && !viewer.is_behind(earlier, lane)
        };
        let mut conflict = None;
        if races(&self.write) {
            conflict = Some(Conflict { earlier: self.write, was_write: true });
        } else if !is_read && races(&self.read) {
            conflict = Some(Conflict { earlier: self.read, was_write: false });
        }
        match usage {
            Use::Read | Use::AtomicRead
                if self.read.is_nobody() || viewer.is_behind(&self.read, lane) =>
            {
                self.read = stamp
            }
            Use::Read | Use::AtomicRead => self.read = self.read.merged(&stamp),
            Use::Write | Use::Atomic => *self = Cell { write: stamp, read: Stamp::default() },
        }
        conflict
    }
}
