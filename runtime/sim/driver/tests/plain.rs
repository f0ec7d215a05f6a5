//! A program that uses the driver's functions and knows of nothing else: modules, memory, streams, launches, events, graphs.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use std::ffi::c_void;
use support::*;

#[test]
fn a_kernel_runs_on_memory_of_the_device() {
    let machine = Machine::new();
    let (function, data) = (machine.function(c"double"), machine.device(Ok(&[1, 2, 3, 4])));
    assert_eq!(machine.launch(function, 4, 0, &[data as u64]), 0);
    assert_eq!(machine.read(data, 4), [2, 4, 6, 8]);
    // Parameters in a buffer instead.
    let (buffer, mut size) = ([data as u64], 8_usize);
    let extra = [
        std::ptr::without_provenance(1),
        buffer.as_ptr().cast::<c_void>(),
        std::ptr::without_provenance(2),
        (&raw mut size).cast(),
        std::ptr::null(),
    ];
    let none = std::ptr::null();
    assert_eq!(machine.cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, 0, none, extra.as_ptr()), 0);
    assert_eq!(machine.read(data, 4), [4, 8, 12, 16]);
    assert_eq!(machine.cuMemFree_v2(data), 0);
    assert_eq!(machine.cuMemFree_v2(data), INVALID_VALUE);
    assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
}

#[test]
fn streams_wait_for_each_other_by_events() {
    let machine = Machine::new();
    let (first, second) = (machine.stream(), machine.stream());
    let (data, into) = (machine.device(Ok(&[5; 8])), machine.device(Ok(&[0; 8])));
    let (start, end) = (machine.event(), machine.event());
    assert_eq!(machine.cuEventRecord(start, first), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 8, first, &[data as u64]), 0);
    assert_eq!(machine.cuEventRecord(end, first), 0);
    // Nothing was waited for, so that nothing was done.
    let mut milliseconds = 0.0;
    assert_eq!(machine.cuEventElapsedTime(&mut milliseconds, start, end), 600);
    let copy = machine.function(c"copy");
    assert_eq!(machine.launch(copy, 8, second, &[data as u64, into as u64]), 0);
    assert_eq!(machine.cuStreamSynchronize(second), 0);
    assert_eq!(machine.read(into, 8), [5; 8], "the second stream did not wait");
    assert_eq!(machine.cuStreamWaitEvent(second, end, 0), 0);
    assert_eq!(machine.launch(copy, 8, second, &[data as u64, into as u64]), 0);
    assert_eq!(machine.cuStreamSynchronize(second), 0);
    assert_eq!(machine.read(into, 8), [10; 8]);
    assert_eq!(machine.cuEventElapsedTime(&mut milliseconds, start, end), 0);
    assert!(milliseconds >= 0.0);
    assert_eq!(machine.cuStreamDestroy_v2(second), 0);
    assert_eq!(machine.cuStreamSynchronize(second), INVALID_HANDLE);
}

#[test]
fn a_captured_graph_runs_again_and_its_nodes_are_changed() {
    let machine = Machine::new();
    let (stream, plus) = (machine.stream(), machine.function(c"plus"));
    let data = machine.device(Ok(&[1; 4]));
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(machine.launch(plus, 4, stream, &[data as u64, 10]), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, stream, &[data as u64]), 0);
    let (mut graph, mut executable) = (0, 0);
    assert_eq!(machine.cuStreamEndCapture(stream, &mut graph), 0);
    assert_eq!(machine.cuGraphInstantiateWithFlags(&mut executable, graph, 0), 0);
    assert_eq!(machine.read(data, 4), [1; 4], "to capture runs nothing");
    assert_eq!(machine.cuGraphLaunch(executable, stream), 0);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(machine.read(data, 4), [22; 4]);
    let (mut nodes, mut count) = ([0; 2], 2);
    assert_eq!(machine.cuGraphGetNodes(graph, nodes.as_mut_ptr(), &mut count), 0);
    // A launch that is queued keeps what it had; the next has the new number.
    assert_eq!(machine.cuGraphLaunch(executable, stream), 0);
    let values = [data as u64, 100];
    let parameters = addresses(&values);
    let node = kernel_node(plus, 4, &parameters);
    assert_eq!(machine.cuGraphExecKernelNodeSetParams_v2(executable, nodes[0], &node), 0);
    assert_eq!(machine.cuGraphLaunch(executable, stream), 0);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(machine.read(data, 4), [((22 + 10) * 2 + 100) * 2; 4]);
    assert_eq!(machine.cuGraphExecDestroy(executable), 0);
    assert_eq!(machine.cuGraphLaunch(executable, stream), INVALID_VALUE);
}
