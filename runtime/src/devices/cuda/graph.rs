//! [`ProgramGraph`]: a program as one graph, of which a size patches what it changes.
//!
//! Sizes are arguments of kernels, and these lie in the nodes. To give a node other arguments takes a fraction of a launch;
//! to give it another grid takes three times as long, once more at the next launch, and the node is slower for ever after
//! (`benches/nvidia`). A block behind the last tile does nothing, so a grid may be larger than it need be. So it is changed
//! where it is too small, to some more than is needed; and where it is so much too large that its idle blocks take longer than
//! the change.

use super::edges;
use super::kernel_arguments::KernelArguments;
use super::module::{Kernel, Module};
use crate::devices::{DeviceError, Launch, Launches};
use cudarc::driver::sys::{
    self, CUDA_KERNEL_NODE_PARAMS, CUgraph, CUgraphExec, CUgraphNode, CUresult, CUstream,
};
use std::sync::Arc;

/// Large grids are multiples of so many blocks. Those that are idle for it take 0.15 µs at most, which is what a node whose grid
/// was ever changed takes longer at every launch.
const STEP: u32 = 256;

/// A grid that has more idle blocks than this is made smaller: they would take 1.2 µs at every launch, a change takes 1.1 µs
/// once.
const MAX_IDLE: u32 = 2048;

/// A program whose launches are nodes, one behind the other. Where both kernels of an edge [begin early](super::KernelEntry), it is
/// programmatic.
pub struct ProgramGraph {
    module: Arc<Module>,
    graph: CUgraph,
    executable: CUgraphExec,
    nodes: Vec<Node>,
    /// What the nodes were told last.
    last: Launches,
}

// SAFETY: a graph belongs to whoever has it, on whichever thread.
unsafe impl Send for ProgramGraph {}

/// A launch.
struct Node {
    handle: CUgraphNode,
    /// Its grid.
    blocks: u32,
    /// Whether its kernel waits for the launch before.
    begins_early: bool,
}

impl ProgramGraph {
    /// The graph of a program. The context has been entered.
    pub fn new(module: &Arc<Module>, program: &Launches) -> Result<Self, DeviceError> {
        let context = &module.context;
        let mut graph = std::ptr::null_mut();
        // SAFETY: the driver writes an address there.
        context.check("cuGraphCreate", unsafe { sys::cuGraphCreate(&mut graph, 0) })?;
        let mut made = ProgramGraph {
            module: module.clone(),
            graph,
            executable: std::ptr::null_mut(),
            nodes: Vec::with_capacity(program.iter().len()),
            last: program.clone(),
        };
        for launch in program.iter() {
            made.add(launch)?;
        }
        // SAFETY: the driver writes an address there; the graph is there.
        let result =
            unsafe { sys::cuGraphInstantiateWithFlags(&mut made.executable, made.graph, 0) };
        context.check("cuGraphInstantiate", result)?;
        Ok(made)
    }

    /// Adds a launch behind all others.
    fn add(&mut self, launch: Launch<'_>) -> Result<(), DeviceError> {
        let kernel = self.module.at(launch.kernel)?;
        let blocks = roomy(kernel.blocks(&launch)?);
        let begins_early = kernel.entry.begins_early;
        let last = self.nodes.last().map(|node| (node.handle, node.begins_early));
        let may_overlap = begins_early && self.module.context.has_programmatic_edges;
        let overlapped = last.filter(|(_, before)| may_overlap && *before);
        let before = last.filter(|_| overlapped.is_none());
        let before: Vec<CUgraphNode> = before.map(|(handle, _)| handle).into_iter().collect();
        let mut handle = std::ptr::null_mut();
        let result = with_parameters(kernel, launch, blocks, |parameters| {
            // SAFETY: the driver writes an address there, and copies the parameters; graph and node before are there.
            unsafe {
                let (graph, before_it) = (self.graph, before.as_ptr());
                sys::cuGraphAddKernelNode_v2(
                    &mut handle,
                    graph,
                    before_it,
                    before.len(),
                    parameters,
                )
            }
        });
        let added = self.module.context.check("cuGraphAddKernelNode", result);
        added.map_err(|error| kernel.refused(error))?;
        if let Some((before, _)) = overlapped {
            // SAFETY: the driver has such edges, and all is there.
            let result = unsafe { edges::add_programmatic(self.graph, before, handle) };
            self.module.context.check("cuGraphAddDependencies", result)?;
        }
        self.nodes.push(Node { handle, blocks, begins_early });
        Ok(())
    }

    /// Tells the nodes what has changed since the last run; says whether it is this program at all.
    pub fn update(&mut self, program: &Launches) -> Result<bool, DeviceError> {
        let Some(changes) = program.changes_since(&self.last) else { return Ok(false) };
        for (position, launch) in program.concerned_by(&changes) {
            if is_told() {
                self.patch(position, launch)?;
            }
        }
        self.last.clone_from(program);
        Ok(true)
    }

    /// Gives a node other arguments, and another grid where it must be.
    fn patch(&mut self, position: usize, launch: Launch<'_>) -> Result<(), DeviceError> {
        let kernel = self.module.at(launch.kernel)?;
        let needed = kernel.blocks(&launch)?;
        let Some(node) = self.nodes.get_mut(position) else { return Ok(()) };
        node.blocks = grid_for(needed, node.blocks);
        let (executable, handle) = (self.executable, node.handle);
        let result = with_parameters(kernel, launch, node.blocks, |parameters| {
            // SAFETY: the node is one of the graph that was instantiated, and its kernel stays the same; the driver copies the
            // parameters.
            unsafe { sys::cuGraphExecKernelNodeSetParams_v2(executable, handle, parameters) }
        });
        let patched = self.module.context.check("cuGraphExecKernelNodeSetParams", result);
        Ok(patched.map_err(|error| kernel.refused(error))?)
    }

    /// Runs the program on a stream.
    ///
    /// # Safety
    /// As for [`Stream::run_program`](crate::devices::Stream::run_program).
    pub unsafe fn launch(&self, stream: CUstream) -> CUresult {
        // SAFETY: graph and stream are there; the caller vouches for the kernels.
        unsafe { sys::cuGraphLaunch(self.executable, stream) }
    }

    /// What it runs.
    pub fn program(&self) -> &Launches {
        &self.last
    }
}

impl Drop for ProgramGraph {
    fn drop(&mut self) {
        if self.module.context.enter().is_err() {
            return;
        }
        // SAFETY: both were made in this context; a run of them that is not done yet keeps what it needs.
        unsafe {
            if !self.executable.is_null() {
                let _ = sys::cuGraphExecDestroy(self.executable);
            }
            let _ = sys::cuGraphDestroy(self.graph);
        }
    }
}

/// The grid for so many blocks, of a node that has had `before`.
fn grid_for(needed: u32, before: u32) -> u32 {
    let is_fit = (needed..=needed.saturating_add(MAX_IDLE)).contains(&before);
    if is_fit { before } else { roomy(needed) }
}

/// A grid of so many blocks or somewhat more, so that it serves the sizes nearby too.
fn roomy(blocks: u32) -> u32 {
    match blocks.max(1) {
        few @ ..STEP => few.next_power_of_two(),
        many => many.checked_next_multiple_of(STEP).unwrap_or(many),
    }
}

/// The parameters of a node that launches a kernel, for as long as `call` takes.
fn with_parameters<T>(
    kernel: &Kernel,
    launch: Launch<'_>,
    blocks: u32,
    call: impl FnOnce(&CUDA_KERNEL_NODE_PARAMS) -> T,
) -> T {
    let mut arguments = KernelArguments::new(&launch);
    call(&CUDA_KERNEL_NODE_PARAMS {
        func: kernel.function,
        gridDimX: blocks,
        gridDimY: 1,
        gridDimZ: 1,
        blockDimX: kernel.entry.threads,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: kernel.entry.shared_bytes,
        kernelParams: arguments.as_parameters().as_mut_ptr(),
        extra: std::ptr::null_mut(),
        kern: std::ptr::null_mut(),
        ctx: std::ptr::null_mut(),
    })
}

#[cfg(not(test))]
fn is_told() -> bool {
    true
}

#[cfg(test)]
use faults::is_told;

/// Leaves out one of the patches of a thread's graphs.
#[cfg(test)]
pub mod faults {
    use std::cell::Cell;

    thread_local! {
        static PATCHES_BEFORE: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Does `call`, in which the patch behind so many of this thread is left out; says whether there was such a patch.
    pub fn with_patch_left_out<T>(patches: usize, call: impl FnOnce() -> T) -> (T, bool) {
        PATCHES_BEFORE.set(Some(patches));
        let result = call();
        (result, PATCHES_BEFORE.take().is_none())
    }

    pub fn is_told() -> bool {
        match PATCHES_BEFORE.get() {
            None => true,
            Some(0) => {
                PATCHES_BEFORE.set(None);
                false
            }
            Some(patches) => {
                PATCHES_BEFORE.set(Some(patches - 1));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_little_room_to_spare() {
        assert_eq!([0, 1, 5, 255, 256, 257, 1000].map(roomy), [1, 1, 8, 256, 256, 512, 1024]);
        assert_eq!(roomy(u32::MAX), u32::MAX);
    }

    #[test]
    fn a_grid_stays_where_it_is_large_enough_and_not_far_too_large() {
        assert_eq!([0, 5, 8].map(|needed| grid_for(needed, 8)), [8, 8, 8]);
        assert_eq!(grid_for(9, 8), 16);
        assert_eq!(grid_for(256, 256 + MAX_IDLE), 256 + MAX_IDLE);
        assert_eq!(grid_for(255, 256 + MAX_IDLE), 256);
    }
}
