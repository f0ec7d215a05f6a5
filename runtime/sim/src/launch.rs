//! A launch: a grid of blocks, run by as many workers as there are CPUs.

use crate::clocks::MOST_WARPS;
use crate::counters::{Counters, Report};
use crate::finding::{Finding, Problem};
use crate::footprint::Footprint;
use crate::machine::{Findings, Grid, LaunchOrder, run_block};
use crate::memory::{GlobalShadow, Memory};
use crate::module::{Globals, Kernel};
use crate::registers::LANES;
use crate::settings::Settings;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The most bytes of shared memory that a block may have on the largest GPU of today.
pub const MOST_SHARED: u32 = 232_448;

/// What is launched.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// The variables of its module.
    pub globals: &'a Globals,
    /// Blocks along each axis.
    pub blocks: [u32; 3],
    /// Threads of a block along each axis.
    pub threads: [u32; 3],
    /// Bytes of shared memory beyond those that the kernel declares.
    pub dynamic_shared: u32,
    /// The bytes of the parameters, laid out as [`Kernel::parameters`] says.
    pub parameters: &'a [u8],
    /// What the launch before may still read and write until this one has executed `griddepcontrol.wait` (programmatic
    /// dependent launch); none where the launch before has ended.
    pub unfinished: Option<&'a Footprint>,
}

/// Why a launch gave no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LaunchError {
    /// It cannot be launched so.
    #[error("kernel `{kernel}` cannot be launched so: {message}")]
    Refused {
        /// The kernel.
        kernel: String,
        /// Why.
        message: String,
    },
    /// The kernel is wrong.
    #[error("{}", All(.0))]
    Found(Vec<Finding>),
}

struct All<'a>(&'a [Finding]);

impl fmt::Display for All<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            write!(f, "{}{finding}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl Launch<'_> {
    fn refuse(&self) -> Option<String> {
        let code = &self.kernel.code;
        // What exceeds 64 bits is too many all the same.
        let product =
            |extents: [u32; 3]| extents.into_iter().map(u64::from).fold(1, u64::saturating_mul);
        let (blocks, threads) = (product(self.blocks), product(self.threads));
        if blocks == 0 || threads == 0 {
            return Some("a grid has a block and a thread at least".to_string());
        }
        if blocks > u64::from(u32::MAX >> 1) {
            return Some(format!("{blocks} blocks are too many"));
        }
        if threads > (MOST_WARPS * LANES) as u64 {
            return Some(format!("{threads} threads are too many for a block"));
        }
        if let Some(required) = code.required_threads
            && required != self.threads
        {
            return Some(format!("its blocks have {required:?} threads, not {:?}", self.threads));
        }
        if let Some(most) = code.most_threads.map(product).filter(|most| threads > *most) {
            return Some(format!("its blocks have {most} threads at most, not {threads}"));
        }
        let shared = u64::from(code.static_shared) + u64::from(self.dynamic_shared);
        if shared > u64::from(MOST_SHARED) {
            return Some(format!(
                "{shared} bytes of shared memory are wanted, and {MOST_SHARED} is the most"
            ));
        }
        let (wanted, given) = (code.parameter_bytes, self.parameters.len());
        (wanted != given).then(|| format!("its parameters have {wanted} bytes, not {given}"))
    }
}

/// Runs a kernel to its end.
pub fn launch(
    launch: &Launch,
    memory: &Memory,
    settings: &Settings,
) -> Result<Report, LaunchError> {
    let code = &*launch.kernel.code;
    if let Some(message) = launch.refuse() {
        return Err(LaunchError::Refused { kernel: code.name.clone(), message });
    }
    let allocations = memory.allocations();
    let grid = Grid {
        code,
        globals: launch.globals,
        settings,
        parameters: launch.parameters,
        blocks: launch.blocks,
        threads: launch.threads,
        shared_bytes: code.static_shared + launch.dynamic_shared,
        dynamic_shared: launch.dynamic_shared,
        shadow: GlobalShadow::new(allocations.len()),
        allocations,
        unfinished: launch.unfinished,
        order: LaunchOrder::default(),
        findings: Findings::default(),
    };
    let counters = run(&grid, launch.blocks.iter().product());
    let footprint = match settings.keeps_footprint {
        true => footprint(&grid),
        false => Footprint::default(),
    };
    let never_waited = never_waited(&grid);
    let mut found = grid.findings.take();
    if found.is_empty() {
        found.extend(never_waited);
    }
    match found.is_empty() {
        true => Ok(counters.report(code, footprint)),
        false => Err(LaunchError::Found(found)),
    }
}

/// What the launch behind must not use before it has waited: what this one used, and what the one before still may, where this
/// one let the launch behind begin without waiting first.
fn footprint(grid: &Grid) -> Footprint {
    let own = grid.shadow.footprint(&grid.allocations);
    match grid.unfinished.filter(|_| grid.order.has_not_held_back()) {
        Some(unfinished) => own.with(unfinished),
        None => own,
    }
}

/// What is wrong with a launch that begins before the one before has ended, and may end before it as well: whoever waits for this
/// one takes it that the one before is done, too.
fn never_waited(grid: &Grid) -> Option<Finding> {
    grid.unfinished.filter(|_| grid.order.has_not_waited())?;
    Some(Finding {
        problem: Problem::UnfinishedLaunch,
        kernel: grid.code.name.clone(),
        block: [0; 3],
        thread: [0; 3],
        place: grid.code.places.last()?.clone(),
        detail: "the kernel ends without griddepcontrol.wait, so that whoever waits for it does not wait for the launch \
                 before"
            .to_string(),
        other: None,
    })
}

/// Runs all blocks; a worker takes the next when it has done one.
fn run(grid: &Grid, blocks: u32) -> Counters {
    let workers = match grid.settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let next = AtomicU32::new(0);
    let work = || {
        let mut counters = Counters::new(grid.code.instructions.len());
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= blocks || grid.findings.stops() {
                return counters;
            }
            run_block(grid, number, &mut counters);
        }
    };
    let workers = workers.min(blocks as usize);
    if workers == 1 {
        return work();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(counters) => all.add(&counters),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}
