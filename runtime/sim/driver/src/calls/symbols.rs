//! Functions by their names, for programs that ask the driver for them.

use super::{
    capture, contexts, copies, devices, events, executables, fills, functions, graphs, host_memory,
    initialization, launches, memory, modules, nodes, occupancy, pointers, pools, primary_contexts,
    streams, unsupported,
};
use crate::arguments::{In, Out};
use crate::errors::{Error, Result};
use std::ffi::c_char;

driver_functions! {
    fn cuGetProcAddress_v2(
        name: In<c_char>,
        function: Out<*const ()>,
        version: i32,
        _flags: u64,
        status: Out<u32>,
    ) {
        let found = find(&name.text()?.to_string_lossy(), version)?;
        status.offer(if found.is_some() { 0 } else { 1 });
        function.give(found.unwrap_or(std::ptr::null()))?;
        found.map(drop).ok_or(Error::NOT_FOUND)
    }

    fn cuGetProcAddress(name: In<c_char>, function: Out<*const ()>, version: i32, _flags: u64) {
        let found = find(&name.text()?.to_string_lossy(), version)?;
        function.give(found.unwrap_or(std::ptr::null()))?;
        found.map(drop).ok_or(Error::NOT_FOUND)
    }
}

const ALL: &[&[(&str, *const ())]] = &[
    capture::FUNCTIONS,
    contexts::FUNCTIONS,
    copies::FUNCTIONS,
    devices::FUNCTIONS,
    events::FUNCTIONS,
    executables::FUNCTIONS,
    fills::FUNCTIONS,
    functions::FUNCTIONS,
    graphs::FUNCTIONS,
    host_memory::FUNCTIONS,
    initialization::FUNCTIONS,
    launches::FUNCTIONS,
    memory::FUNCTIONS,
    modules::FUNCTIONS,
    nodes::FUNCTIONS,
    occupancy::FUNCTIONS,
    pointers::FUNCTIONS,
    pools::FUNCTIONS,
    primary_contexts::FUNCTIONS,
    streams::FUNCTIONS,
    unsupported::FUNCTIONS,
    FUNCTIONS,
];

/// From which version of CUDA on a name without its suffix means a function. What is not here has meant the same from the first
/// version on that the simulator speaks of.
const SINCE: &[(&str, i32)] = &[
    ("cuGetProcAddress_v2", 12000),
    ("cuGraphAddKernelNode_v2", 12000),
    ("cuGraphKernelNodeGetParams_v2", 12000),
    ("cuGraphKernelNodeSetParams_v2", 12000),
    ("cuGraphExecKernelNodeSetParams_v2", 12000),
    ("cuGraphExecUpdate_v2", 12000),
    ("cuCtxCreate_v3", 11040),
    ("cuCtxCreate_v4", 13000),
    ("cuCtxGetDevice_v2", 13000),
    ("cuCtxSynchronize_v2", 13000),
    ("cuEventElapsedTime_v2", 12080),
    ("cuStreamGetCaptureInfo_v2", 11030),
    ("cuStreamGetCaptureInfo_v3", 12030),
    ("cuGraphAddDependencies_v2", 12030),
    ("cuGraphRemoveDependencies_v2", 12030),
    ("cuGraphGetEdges_v2", 12030),
    ("cuGraphNodeGetDependencies_v2", 12030),
];

/// The last of the functions that a name meant in a version of CUDA.
fn find(name: &str, version: i32) -> Result<Option<*const ()>> {
    if name.is_empty() {
        return Err(Error::INVALID_VALUE);
    }
    let named = |wanted: &str| {
        ALL.iter().flat_map(|list| *list).find(|(own, _)| *own == wanted).map(|(_, at)| *at)
    };
    if name == "cuGraphInstantiate" {
        let meant = if version >= 12000 { "WithFlags" } else { "_v2" };
        return Ok(named(&format!("{name}{meant}")));
    }
    let since =
        |wanted: &str| SINCE.iter().find(|(own, _)| *own == wanted).map_or(0, |(_, at)| *at);
    let candidates = ["_v4", "_v3", "_v2", ""].map(|suffix| format!("{name}{suffix}"));
    Ok(candidates.iter().filter(|own| since(own) <= version).find_map(|own| named(own)))
}
