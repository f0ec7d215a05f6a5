//! Graphs that can be launched, and their nodes, which may be changed from launch to launch.

use super::launch_parameters::Wanted;
use super::nodes::replaced;
use crate::abi::{
    ExecUpdateResultInfo, GraphInstantiateParams, HostNodeParams, KernelNodeParams,
    KernelNodeParamsV1, Memcpy3d, MemsetNodeParams,
};
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::graph::{Executable, ExecutableNode, node_type};
use crate::objects::work::{HostCall, Work};
use std::ffi::c_char;
use std::sync::Arc;

driver_functions! {
    fn cuGraphInstantiateWithFlags(executable: Out<Handle>, graph: Handle, flags: u64) {
        instantiate(executable, graph, flags)
    }

    fn cuGraphInstantiate_v2(
        executable: Out<Handle>,
        graph: Handle,
        error_node: Out<Handle>,
        log: Out<c_char>,
        log_bytes: usize,
    ) {
        error_node.offer(0);
        if log_bytes > 0 {
            log.offer(0);
        }
        instantiate(executable, graph, 0)
    }

    fn cuGraphInstantiateWithParams(
        executable: Out<Handle>,
        graph: Handle,
        parameters: Out<GraphInstantiateParams>,
    ) {
        let mut own = parameters.get()?;
        let result = instantiate(executable, graph, own.flags);
        (own.error_node, own.result) = (0, u32::from(result.is_err()));
        parameters.give(own)?;
        result
    }

    fn cuGraphExecDestroy(executable: Handle) {
        lock().executables.remove(executable).map(drop).map_err(|_| Error::INVALID_VALUE)
    }

    fn cuGraphUpload(executable: Handle, stream: Handle) {
        let mut state = lock();
        state.stream(stream)?;
        state.executables.get(executable).map(drop).map_err(|_| Error::INVALID_VALUE)
    }

    fn cuGraphLaunch(executable: Handle, stream: Handle) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        let own = state.executables.get(executable).map_err(|_| Error::INVALID_VALUE)?;
        if own.context != state.streams.get(stream)?.context {
            return Err(Error::INVALID_HANDLE);
        }
        let (schedule, before) = (own.schedule()?, own.launched);
        let is_captured = state.streams.get(stream)?.capture.is_some();
        let before = before.into_iter().collect();
        let mark = state.submit_after(stream, Work::Graph(schedule), before)?;
        if !is_captured {
            state.executables.get_mut(executable)?.launched = Some(mark);
        }
        Ok(())
    }

    fn cuGraphExecGetFlags(executable: Handle, flags: Out<u64>) {
        lock().executables.get(executable).map_err(|_| Error::INVALID_VALUE)?;
        flags.give(0)
    }

    fn cuGraphExecKernelNodeSetParams_v2(
        executable: Handle,
        node: Handle,
        parameters: In<KernelNodeParams>,
    ) {
        set_kernel(executable, node, &parameters.get()?)
    }

    fn cuGraphExecKernelNodeSetParams(
        executable: Handle,
        node: Handle,
        parameters: In<KernelNodeParamsV1>,
    ) {
        set_kernel(executable, node, &parameters.get()?.later())
    }

    fn cuGraphExecMemcpyNodeSetParams(
        executable: Handle,
        node: Handle,
        parameters: In<Memcpy3d>,
        context: Handle,
    ) {
        let mut state = lock();
        let work = state.copy_of(&parameters.get()?, context)?;
        state.replace_in(executable, node, work)
    }

    fn cuGraphExecMemsetNodeSetParams(
        executable: Handle,
        node: Handle,
        parameters: In<MemsetNodeParams>,
        context: Handle,
    ) {
        let mut state = lock();
        let work = state.fill_of(&parameters.get()?, context)?;
        state.replace_in(executable, node, work)
    }

    fn cuGraphExecHostNodeSetParams(
        executable: Handle,
        node: Handle,
        parameters: In<HostNodeParams>,
    ) {
        let HostNodeParams { function, data } = parameters.get()?;
        let function = function.ok_or(Error::INVALID_VALUE)?;
        lock().replace_in(executable, node, Work::Call(HostCall { function, data }))
    }

    fn cuGraphNodeSetEnabled(executable: Handle, node: Handle, is_enabled: u32) {
        let mut state = lock();
        let own = state.executables.get_mut(executable).map_err(|_| Error::INVALID_VALUE)?;
        own.node_mut(node)?.is_enabled = is_enabled != 0;
        Ok(())
    }

    fn cuGraphNodeGetEnabled(executable: Handle, node: Handle, is_enabled: Out<u32>) {
        let mut state = lock();
        let own = state.executables.get_mut(executable).map_err(|_| Error::INVALID_VALUE)?;
        is_enabled.give(u32::from(own.node_mut(node)?.is_enabled))
    }

    fn cuGraphExecUpdate_v2(
        executable: Handle,
        graph: Handle,
        information: Out<ExecUpdateResultInfo>,
    ) {
        let (result, node) = update(executable, graph)?;
        information.give(ExecUpdateResultInfo { result, node, from_node: 0 })?;
        of_update(result)
    }

    fn cuGraphExecUpdate(
        executable: Handle,
        graph: Handle,
        error_node: Out<Handle>,
        result: Out<u32>,
    ) {
        let (outcome, node) = update(executable, graph)?;
        error_node.offer(node);
        result.give(outcome)?;
        of_update(outcome)
    }
}

fn instantiate(executable: Out<Handle>, graph: Handle, flags: u64) -> Result<()> {
    const FREES_ON_LAUNCH: u64 = 1;
    const DEVICE_LAUNCH: u64 = 4;
    const KNOWN: u64 = 15;
    let mut state = lock();
    let context = state.usable()?;
    let both = FREES_ON_LAUNCH | DEVICE_LAUNCH;
    if executable.is_null() || flags & !KNOWN != 0 || flags & both == both {
        return Err(Error::INVALID_VALUE);
    }
    if flags & DEVICE_LAUNCH != 0 {
        return Err(Error::NOT_SUPPORTED);
    }
    let made = Executable::new(context, state.graph(graph)?, &state.nodes)?;
    executable.give(state.executables.add(made))
}

fn set_kernel(executable: Handle, node: Handle, parameters: &KernelNodeParams) -> Result<()> {
    let mut state = lock();
    let launch = state.launch(&Wanted::of_node(parameters))?;
    state.replace_in(executable, node, Work::Launch(Arc::new(launch)))
}

impl State {
    fn replace_in(&mut self, executable: Handle, node: Handle, work: Work) -> Result<()> {
        let own = self.executables.get_mut(executable).map_err(|_| Error::INVALID_VALUE)?;
        let own = own.node_mut(node)?;
        own.work = replaced(&own.work, work)?;
        Ok(())
    }
}

/// What an update came to, as the driver API numbers it.
const UPDATED: u32 = 0;
const TOPOLOGY_CHANGED: u32 = 2;
const TYPE_CHANGED: u32 = 3;

fn of_update(result: u32) -> Result<()> {
    match result {
        UPDATED => Ok(()),
        _ => Err(Error::GRAPH_EXEC_UPDATE_FAILURE),
    }
}

/// Lets all nodes do what those of another graph do, if that differs in nothing else; and the first node that differs.
fn update(executable: Handle, graph: Handle) -> Result<(u32, Handle)> {
    let mut state = lock();
    let own = state.executables.get(executable).map_err(|_| Error::INVALID_VALUE)?;
    let other = Executable::new(own.context, state.graph(graph)?, &state.nodes)?;
    if own.nodes.len() != other.nodes.len() {
        return Ok((TOPOLOGY_CHANGED, 0));
    }
    for ((_, old), (handle, new)) in own.nodes.iter().zip(&other.nodes) {
        if node_type(&old.work) != node_type(&new.work) {
            return Ok((TYPE_CHANGED, *handle));
        }
        if places(own, old) != places(&other, new) {
            return Ok((TOPOLOGY_CHANGED, *handle));
        }
    }
    let own = state.executables.get_mut(executable)?;
    for ((_, old), (_, new)) in own.nodes.iter_mut().zip(other.nodes) {
        old.work = new.work;
    }
    Ok((UPDATED, 0))
}

/// Behind which nodes a node stands, by their places.
fn places(executable: &Executable, node: &ExecutableNode) -> Vec<(Option<usize>, bool)> {
    let place = |from| executable.nodes.iter().position(|(handle, _)| *handle == from);
    let mut places: Vec<(Option<usize>, bool)> =
        node.after.iter().map(|edge| (place(edge.from), edge.is_programmatic)).collect();
    places.sort_unstable();
    places
}
