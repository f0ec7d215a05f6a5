//! What the nodes of a graph do.

use super::launch_parameters::Wanted;
use crate::abi::{
    HostNodeParams, KernelNodeParams, KernelNodeParamsV1, Memcpy3d, Memcpy3dEnd, MemsetNodeParams,
};
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::work::{Fill, HostCall, Launch, Source, Work};
use std::sync::Arc;

driver_functions! {
    fn cuGraphAddKernelNode_v2(
        node: Out<Handle>,
        graph: Handle,
        after: In<Handle>,
        count: usize,
        parameters: In<KernelNodeParams>,
    ) {
        add_kernel(node, graph, &after.list(count)?, &parameters.get()?)
    }

    fn cuGraphAddKernelNode(
        node: Out<Handle>,
        graph: Handle,
        after: In<Handle>,
        count: usize,
        parameters: In<KernelNodeParamsV1>,
    ) {
        add_kernel(node, graph, &after.list(count)?, &parameters.get()?.later())
    }

    fn cuGraphKernelNodeSetParams_v2(node: Handle, parameters: In<KernelNodeParams>) {
        set_kernel(node, &parameters.get()?)
    }

    fn cuGraphKernelNodeSetParams(node: Handle, parameters: In<KernelNodeParamsV1>) {
        set_kernel(node, &parameters.get()?.later())
    }

    fn cuGraphKernelNodeGetParams_v2(node: Handle, parameters: Out<KernelNodeParams>) {
        parameters.give(kernel(node)?)
    }

    fn cuGraphKernelNodeGetParams(node: Handle, parameters: Out<KernelNodeParamsV1>) {
        let KernelNodeParams {
            function,
            blocks,
            threads,
            dynamic_shared,
            parameters: own,
            extra,
            ..
        } = kernel(node)?;
        let parameters_of = KernelNodeParamsV1 {
            function,
            blocks,
            threads,
            dynamic_shared,
            parameters: own,
            extra,
        };
        parameters.give(parameters_of)
    }

    fn cuGraphAddEmptyNode(node: Out<Handle>, graph: Handle, after: In<Handle>, count: usize) {
        add(&mut lock(), node, graph, &after.list(count)?, Work::Nothing)
    }

    fn cuGraphAddMemcpyNode(
        node: Out<Handle>,
        graph: Handle,
        after: In<Handle>,
        count: usize,
        parameters: In<Memcpy3d>,
        context: Handle,
    ) {
        let mut state = lock();
        let work = state.copy_of(&parameters.get()?, context)?;
        add(&mut state, node, graph, &after.list(count)?, work)
    }

    fn cuGraphMemcpyNodeSetParams(node: Handle, parameters: In<Memcpy3d>) {
        let mut state = lock();
        let context = state.usable()?;
        let work = state.copy_of(&parameters.get()?, context)?;
        state.replace(node, work)
    }

    fn cuGraphMemcpyNodeGetParams(node: Handle, parameters: Out<Memcpy3d>) {
        let state = lock();
        parameters.give(parameters_of_copy(&state.node(node)?.work).ok_or(Error::INVALID_VALUE)?)
    }

    fn cuGraphAddMemsetNode(
        node: Out<Handle>,
        graph: Handle,
        after: In<Handle>,
        count: usize,
        parameters: In<MemsetNodeParams>,
        context: Handle,
    ) {
        let mut state = lock();
        let work = state.fill_of(&parameters.get()?, context)?;
        add(&mut state, node, graph, &after.list(count)?, work)
    }

    fn cuGraphMemsetNodeSetParams(node: Handle, parameters: In<MemsetNodeParams>) {
        let mut state = lock();
        let context = state.usable()?;
        let work = state.fill_of(&parameters.get()?, context)?;
        state.replace(node, work)
    }

    fn cuGraphMemsetNodeGetParams(node: Handle, parameters: Out<MemsetNodeParams>) {
        let state = lock();
        let Work::Fill(fill) = &state.node(node)?.work else { return Err(Error::INVALID_VALUE) };
        parameters.give(MemsetNodeParams {
            to: fill.to,
            pitch: fill.pitch as usize,
            value: fill.value,
            element: fill.element,
            width: fill.width as usize,
            height: fill.height as usize,
        })
    }

    fn cuGraphAddHostNode(
        node: Out<Handle>,
        graph: Handle,
        after: In<Handle>,
        count: usize,
        parameters: In<HostNodeParams>,
    ) {
        let HostNodeParams { function, data } = parameters.get()?;
        let function = function.ok_or(Error::INVALID_VALUE)?;
        let work = Work::Call(HostCall { function, data });
        add(&mut lock(), node, graph, &after.list(count)?, work)
    }
}

fn add(
    state: &mut State,
    node: Out<Handle>,
    graph: Handle,
    after: &[Handle],
    work: Work,
) -> Result<()> {
    if node.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    node.give(state.add_node(graph, work, after)?)
}

fn add_kernel(
    node: Out<Handle>,
    graph: Handle,
    after: &[Handle],
    parameters: &KernelNodeParams,
) -> Result<()> {
    let mut state = lock();
    let launch = state.launch(&Wanted::of_node(parameters))?;
    add(&mut state, node, graph, after, Work::Launch(Arc::new(launch)))
}

fn set_kernel(node: Handle, parameters: &KernelNodeParams) -> Result<()> {
    let mut state = lock();
    let launch = state.launch(&Wanted::of_node(parameters))?;
    state.replace(node, Work::Launch(Arc::new(launch)))
}

/// The parameters of a launch. Their addresses lead into the node, until it is changed.
fn kernel(node: Handle) -> Result<KernelNodeParams> {
    let mut state = lock();
    let Work::Launch(launch) = state.node(node)?.work.clone() else {
        return Err(Error::INVALID_VALUE);
    };
    let base = launch.parameters.as_ptr().expose_provenance();
    let addresses: Arc<[usize]> =
        launch.kernel.parameters().iter().map(|layout| base + layout.offset).collect();
    let parameters = In::to(&addresses).cast();
    let params = KernelNodeParams {
        function: launch.function,
        blocks: launch.blocks,
        threads: launch.threads,
        dynamic_shared: launch.dynamic_shared,
        parameters,
        extra: In::none(),
        kernel: 0,
        context: 0,
    };
    state.nodes.get_mut(node)?.shown = Some((launch, addresses));
    Ok(params)
}

impl State {
    /// Lets a node do other work of the same kind.
    fn replace(&mut self, node: Handle, work: Work) -> Result<()> {
        let own = self.nodes.get_mut(node).map_err(|_| Error::INVALID_VALUE)?;
        own.work = replaced(&own.work, work)?;
        own.shown = None;
        Ok(())
    }

    /// A copy as the driver API describes those of up to three dimensions; only those whose bytes lie together are supported.
    pub(super) fn copy_of(&self, parameters: &Memcpy3d, context: Handle) -> Result<Work> {
        const HOST: u32 = 1;
        const DEVICE: u32 = 2;
        let Memcpy3d { from, to, width_bytes, height, depth } = parameters;
        self.sound(context)?;
        let is_flat = |end: &Memcpy3dEnd| end.y == 0 && end.z == 0 && end.level == 0;
        if *height != 1 || *depth != 1 || !is_flat(from) || !is_flat(to) {
            return Err(Error::NOT_SUPPORTED);
        }
        let device = |end: &Memcpy3dEnd| end.device.wrapping_add(end.x_bytes as u64);
        let host = |end: &Memcpy3dEnd| end.host.wrapping_add(end.x_bytes);
        let bytes = *width_bytes;
        let work = match (from.memory_type, to.memory_type) {
            (HOST, DEVICE) => {
                Work::Upload { to: device(to), from: Source::Host(host(from)), bytes }
            }
            (DEVICE, HOST) => Work::Download { to: host(to), from: device(from), bytes },
            (DEVICE, DEVICE) => Work::Copy { to: device(to), from: device(from), bytes },
            _ => return Err(Error::NOT_SUPPORTED),
        };
        self.check_copy(context, &work)?;
        Ok(work)
    }

    pub(super) fn fill_of(&self, parameters: &MemsetNodeParams, context: Handle) -> Result<Work> {
        self.sound(context)?;
        let fill = Fill {
            to: parameters.to,
            pitch: parameters.pitch as u64,
            element: parameters.element,
            value: parameters.value,
            width: parameters.width as u64,
            height: parameters.height as u64,
        };
        if fill.width == 0 || fill.height == 0 {
            return Err(Error::INVALID_VALUE);
        }
        self.check_fill(context, &fill)?;
        Ok(Work::Fill(fill))
    }
}

/// The work that takes the place of other work, if it is of the same kind. A launch that may begin early still may.
pub(super) fn replaced(old: &Work, new: Work) -> Result<Work> {
    match (old, new) {
        (Work::Launch(old), Work::Launch(new)) => {
            let is_programmatic = old.is_programmatic;
            Ok(Work::Launch(Arc::new(Launch { is_programmatic, ..Launch::clone(&new) })))
        }
        (old, new)
            if crate::objects::graph::node_type(old) == crate::objects::graph::node_type(&new) =>
        {
            Ok(new)
        }
        _ => Err(Error::INVALID_VALUE),
    }
}

fn parameters_of_copy(work: &Work) -> Option<Memcpy3d> {
    let end = |memory_type, host, device| Memcpy3dEnd {
        x_bytes: 0,
        y: 0,
        z: 0,
        level: 0,
        memory_type,
        host,
        device,
        array: 0,
        reserved: 0,
        pitch: 0,
        rows: 0,
    };
    let (from, to, width_bytes) = match work {
        Work::Upload { to, from: Source::Host(from), bytes } => {
            (end(1, *from, 0), end(2, 0, *to), *bytes)
        }
        Work::Download { to, from, bytes } => (end(2, 0, *from), end(1, *to, 0), *bytes),
        Work::Copy { to, from, bytes } => (end(2, 0, *from), end(2, 0, *to), *bytes),
        _ => return None,
    };
    Some(Memcpy3d { from, to, width_bytes, height: 1, depth: 1 })
}
