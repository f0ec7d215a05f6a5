//! What runs a block: its warps, its shared memory, its barriers.

mod access;
pub(crate) mod address;
mod atomics;
mod barrier;
mod block;
mod copies;
mod local;
mod matrix;
mod shared;
mod together;
mod warp;

pub(crate) use block::run_block;

use crate::clocks::{Clocks, Conflict, Viewer};
use crate::code::Code;
use crate::counters::Counters;
use crate::finding::{Finding, Problem};
use crate::footprint::Footprint;
use crate::memory::{Allocation, GlobalShadow};
use crate::module::Globals;
use crate::registers::{LANES, Mask};
use crate::settings::Settings;
use barrier::Barriers;
use copies::Copies;
use shared::Shared;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What all blocks of a launch have in common.
pub(crate) struct Grid<'a> {
    pub code: &'a Code,
    pub globals: &'a Globals,
    pub settings: &'a Settings,
    pub parameters: &'a [u8],
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub shared_bytes: u32,
    pub dynamic_shared: u32,
    pub allocations: Arc<Vec<Arc<Allocation>>>,
    pub shadow: GlobalShadow,
    /// What the launch before may still use.
    pub unfinished: Option<&'a Footprint>,
    pub order: LaunchOrder,
    pub findings: Findings,
}

/// What the blocks of a launch that begins early have done to keep the order of launches.
#[derive(Default)]
pub(crate) struct LaunchOrder {
    /// Whether a thread has waited for the launch before: the launch ends behind it then.
    has_waited: AtomicBool,
    /// Whether a block has waited before it let the launch behind begin: that begins behind the launch before, too.
    has_held_back: AtomicBool,
}

impl LaunchOrder {
    /// Whether the launch may have ended before the one before it.
    pub(crate) fn has_not_waited(&self) -> bool {
        !self.has_waited.load(Relaxed)
    }

    /// Whether the launch behind may begin while the launch before is not finished.
    pub(crate) fn has_not_held_back(&self) -> bool {
        !self.has_held_back.load(Relaxed)
    }
}

/// What was found by all workers.
#[derive(Default)]
pub(crate) struct Findings {
    found: Mutex<Found>,
    stops: AtomicBool,
}

#[derive(Default)]
struct Found {
    all: Vec<Finding>,
    /// Kinds, and the instructions where they were found.
    known: HashSet<(Problem, usize)>,
}

impl Findings {
    /// Whether the launch is to stop.
    pub(crate) fn stops(&self) -> bool {
        self.stops.load(Relaxed)
    }

    /// All of them, in the order of blocks and lines.
    pub(crate) fn take(self) -> Vec<Finding> {
        let mut found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner).all;
        found.sort_by_key(|finding| {
            let [x, y, z] = finding.block;
            ([z, y, x], finding.place.line)
        });
        found
    }

    /// Keeps a finding, if it is the first of its kind at its place.
    fn add(&self, finding: Finding, place: usize, most: usize) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.all.len() < most && found.known.insert((finding.problem, place)) {
            found.all.push(finding);
        }
        if found.all.len() >= most.max(1) {
            self.stops.store(true, Relaxed);
        }
    }
}

/// A block as it runs.
pub(crate) struct Machine<'a> {
    pub grid: &'a Grid<'a>,
    pub block: [u32; 3],
    pub number: u32,
    pub shared: Shared,
    pub clocks: Clocks,
    pub barriers: Barriers,
    /// The asynchronous copies of each warp.
    pub copies: Vec<Copies>,
    pub counters: &'a mut Counters,
    /// Of each warp, the lanes that have waited for the launch before.
    pub awaited: Vec<Mask>,
    /// Whether it let the launch behind begin before any of its threads had waited for the launch before.
    pub has_released_early: bool,
    /// The allocation that was used last.
    pub last_allocation: usize,
    /// Whether something was found after which the block cannot go on.
    pub is_aborted: bool,
}

/// A thread and the instruction that it executes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub warp: usize,
    pub lane: usize,
    pub place: usize,
}

impl Machine<'_> {
    /// `griddepcontrol.launch_dependents`
    fn release_launch(&mut self) {
        self.has_released_early |= !self.has_waited();
    }

    /// Whether a thread of the block has waited for the launch before.
    fn has_waited(&self) -> bool {
        self.awaited.iter().any(|lanes| *lanes != 0)
    }

    /// Notes of a block that ends what it did to keep the order of launches.
    fn note_order(&self) {
        if self.has_waited() {
            self.grid.order.has_waited.store(true, Relaxed);
            if !self.has_released_early {
                self.grid.order.has_held_back.store(true, Relaxed);
            }
        }
    }

    pub(crate) fn viewer(&self, warp: usize) -> Viewer<'_> {
        Viewer { clocks: &self.clocks, block: self.number, warp }
    }

    fn thread_of(&self, thread: usize) -> [u32; 3] {
        let [x, y, _] = self.grid.threads;
        let thread = thread as u32;
        [thread % x, thread / x % y, thread / (x * y)]
    }

    pub(crate) fn find(&self, problem: Problem, who: Who, detail: String, other: Option<String>) {
        let code = self.grid.code;
        let finding = Finding {
            problem,
            kernel: code.name.clone(),
            block: self.block,
            thread: self.thread_of(who.warp * LANES + who.lane),
            place: code.places[who.place].clone(),
            detail,
            other,
        };
        self.grid.findings.add(finding, who.place, self.grid.settings.most_findings);
    }

    /// Reports a race.
    pub(crate) fn find_race(
        &self,
        problem: Problem,
        who: Who,
        address: u64,
        is_write: bool,
        conflict: Conflict,
    ) {
        let now = if is_write { "writes" } else { "reads" };
        let then = if conflict.was_write { "written" } else { "read" };
        let [x, y, z] = self.thread_of(conflict.earlier.thread());
        let by = match conflict.earlier.block == self.number {
            true => format!("thread ({x}, {y}, {z}) of the same block"),
            false if conflict.earlier.is_of_many_blocks() => {
                "threads of several blocks".to_string()
            }
            false => {
                let [bx, by, bz] = self.grid.block_at(conflict.earlier.block);
                format!("thread ({x}, {y}, {z}) of block ({bx}, {by}, {bz})")
            }
        };
        let place = &self.grid.code.places[conflict.earlier.place()];
        let detail =
            format!("it {now} {address:#x}, and nothing orders that behind an earlier use");
        self.find(problem, who, detail, Some(format!("{then} by {by}, {place}")));
    }
}

impl Grid<'_> {
    /// The block of a number.
    pub(crate) fn block_at(&self, number: u32) -> [u32; 3] {
        let [x, y, _] = self.blocks;
        [number % x, number / x % y, number / (x * y)]
    }
}
