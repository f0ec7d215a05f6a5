//! Graphs: made node by node, captured, changed and launched.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use support::*;

/// What lies at `data` after one launch of a graph.
fn run(machine: &Machine, executable: Address, data: Address) -> Vec<u32> {
    assert_eq!(machine.cuGraphLaunch(executable, 0), 0);
    machine.read(data, 4)
}

fn instantiated(machine: &Machine, graph: Address) -> Address {
    let mut executable = 0;
    assert_eq!(machine.cuGraphInstantiateWithFlags(&mut executable, graph, 0), 0);
    executable
}

#[test]
fn a_graph_is_made_node_by_node() {
    let machine = Machine::new();
    let data = machine.device(Err(4));
    let (mut graph, mut fill, mut double, mut plus) = (0, 0, 0, 0);
    assert_eq!(machine.cuGraphCreate(&mut graph, 0), 0);
    let memset = MemsetNode { to: data, pitch: 0, value: 3, element: 4, width: 4, height: 1 };
    let none = std::ptr::null();
    let context = machine.context;
    assert_eq!(machine.cuGraphAddMemsetNode(&mut fill, graph, none, 0, &memset, context), 0);
    let values = [data as u64, 5];
    let parameters = addresses(&values);
    let node = kernel_node(machine.function(c"plus"), 4, &parameters);
    assert_eq!(machine.cuGraphAddKernelNode_v2(&mut plus, graph, none, 0, &node), 0);
    let node = kernel_node(machine.function(c"double"), 4, &parameters);
    assert_eq!(machine.cuGraphAddKernelNode_v2(&mut double, graph, &raw const fill, 1, &node), 0);
    // Nobody said that the sum stands behind the product.
    assert_eq!(machine.cuGraphAddDependencies(graph, &fill, &plus, 1), 0);
    assert_eq!(run(&machine, instantiated(&machine, graph), data), [(3 * 2) + 5; 4]);
    assert_eq!(machine.cuGraphAddDependencies(graph, &plus, &double, 1), 0);
    let executable = instantiated(&machine, graph);
    assert_eq!(run(&machine, executable, data), [(3 + 5) * 2; 4]);
    // What is changed in it changes neither the graph nor what else was made of it.
    let memset = MemsetNode { value: 4, ..memset };
    let change = |node| machine.cuGraphExecMemsetNodeSetParams(executable, node, &memset, context);
    assert_eq!((change(fill), change(plus)), (0, INVALID_VALUE));
    assert_eq!(machine.cuGraphNodeSetEnabled(executable, plus, 0), 0);
    assert_eq!(run(&machine, executable, data), [4 * 2; 4]);
    assert_eq!(run(&machine, instantiated(&machine, graph), data), [(3 + 5) * 2; 4]);
    // A circle cannot be launched.
    assert_eq!(machine.cuGraphAddDependencies(graph, &double, &fill, 1), 0);
    assert_eq!(machine.cuGraphInstantiateWithFlags(&mut 0, graph, 0), INVALID_VALUE);
    assert_eq!(machine.cuGraphDestroy(graph), 0);
    assert_eq!(machine.cuGraphNodeGetType(fill, &mut 0), INVALID_VALUE);
}

#[test]
fn a_node_shows_and_takes_its_parameters() {
    let machine = Machine::new();
    let data = machine.device(Ok(&[1; 4]));
    let (mut graph, mut plus) = (0, 0);
    assert_eq!(machine.cuGraphCreate(&mut graph, 0), 0);
    let values = [data as u64, 5];
    let parameters = addresses(&values);
    let node = kernel_node(machine.function(c"plus"), 4, &parameters);
    let none = std::ptr::null();
    assert_eq!(machine.cuGraphAddKernelNode_v2(&mut plus, graph, none, 0, &node), 0);
    let mut shown = kernel_node(0, 1, &[]);
    assert_eq!(machine.cuGraphKernelNodeGetParams_v2(plus, &mut shown), 0);
    assert_eq!((shown.function, shown.threads), (node.function, [4, 1, 1]));
    // SAFETY: the node has two parameters, of eight and of four bytes.
    let own = unsafe {
        let parameters = std::slice::from_raw_parts(shown.parameters, 2);
        (parameters[0].cast::<u64>().read(), parameters[1].cast::<u32>().read())
    };
    assert_eq!(own, (data as u64, 5));
    // Its own parameters may be given back to it, with fewer threads.
    let fewer = KernelNode { threads: [2, 1, 1], ..shown };
    assert_eq!(machine.cuGraphKernelNodeSetParams_v2(plus, &fewer), 0);
    assert_eq!(run(&machine, instantiated(&machine, graph), data), [6, 6, 1, 1]);
}

#[test]
fn a_graph_takes_the_nodes_of_another_of_the_same_shape() {
    let machine = Machine::new();
    let data = machine.device(Ok(&[1; 4]));
    let make = |more: u64, kernels: usize| {
        let (mut graph, mut node) = (0, 0);
        assert_eq!(machine.cuGraphCreate(&mut graph, 0), 0);
        let values = [data as u64, more];
        let parameters = addresses(&values);
        let plus = kernel_node(machine.function(c"plus"), 4, &parameters);
        for number in 0..kernels {
            let after = [node];
            let count = number.min(1);
            let after = after.as_ptr();
            assert_eq!(machine.cuGraphAddKernelNode_v2(&mut node, graph, after, count, &plus), 0);
        }
        (graph, node)
    };
    let (graph, node) = make(1, 2);
    let executable = instantiated(&machine, graph);
    assert_eq!(run(&machine, executable, data), [3; 4]);
    let mut information = [9; 3];
    let mut update = |graph| {
        let error = machine.cuGraphExecUpdate_v2(executable, graph, &mut information);
        (error, information[0] as u32)
    };
    assert_eq!(update(make(10, 2).0), (0, 0));
    assert_eq!(update(make(10, 3).0), (UPDATE_FAILURE, 2), "the topology differs");
    assert_eq!(run(&machine, executable, data), [23; 4]);
    // Its nodes are still those of the first graph.
    let values = [data as u64, 100];
    let parameters = addresses(&values);
    let plus = kernel_node(machine.function(c"plus"), 4, &parameters);
    assert_eq!(machine.cuGraphExecKernelNodeSetParams_v2(executable, node, &plus), 0);
    assert_eq!(run(&machine, executable, data), [133; 4]);
}

#[test]
fn a_graph_does_not_run_twice_at_once() {
    let machine = Machine::new();
    let (first, second) = (machine.stream(), machine.stream());
    let data = machine.device(Ok(&[1; 4]));
    assert_eq!(machine.cuStreamBeginCapture_v2(first, THREAD_LOCAL), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, first, &[data as u64]), 0);
    let (mut graph, mut other) = (0, 0);
    assert_eq!(machine.cuStreamEndCapture(first, &mut graph), 0);
    let executable = instantiated(&machine, graph);
    assert_eq!(machine.cuGraphLaunch(executable, first), 0);
    assert_eq!(machine.cuGraphLaunch(executable, second), 0);
    assert_eq!(machine.cuStreamSynchronize(second), 0);
    assert_eq!(machine.read(data, 4), [4; 4], "the second waits for the first");
    // A graph may be a node of another.
    assert_eq!(machine.cuStreamBeginCapture_v2(first, THREAD_LOCAL), 0);
    assert_eq!(machine.cuGraphLaunch(executable, first), 0);
    assert_eq!(machine.cuGraphLaunch(executable, first), 0);
    assert_eq!(machine.cuStreamEndCapture(first, &mut other), 0);
    assert_eq!(run(&machine, instantiated(&machine, other), data), [16; 4]);
}

#[test]
fn a_capture_follows_forks_and_joins() {
    let machine = Machine::new();
    let (first, second) = (machine.stream(), machine.stream());
    let (fork, join) = (machine.event(), machine.event());
    let (data, into) = (machine.device(Ok(&[1; 4])), machine.device(Ok(&[0; 4])));
    let (double, copy) = (machine.function(c"double"), machine.function(c"copy"));
    assert_eq!(machine.cuStreamBeginCapture_v2(first, THREAD_LOCAL), 0);
    assert_eq!(machine.launch(double, 4, first, &[data as u64]), 0);
    assert_eq!(machine.cuEventRecord(fork, first), 0);
    assert_eq!(machine.cuStreamWaitEvent(second, fork, 0), 0);
    let mut status = 0;
    assert_eq!((machine.cuStreamIsCapturing(second, &mut status), status), (0, 1));
    assert_eq!(machine.launch(copy, 4, second, &[data as u64, into as u64]), 0);
    assert_eq!(machine.cuEventRecord(join, second), 0);
    assert_eq!(machine.cuEventQuery(join), CAPTURED_EVENT);
    assert_eq!(machine.cuStreamEndCapture(second, &mut 0), CAPTURE_UNMATCHED);
    assert_eq!(machine.cuStreamWaitEvent(first, join, 0), 0);
    assert_eq!(machine.launch(double, 4, first, &[into as u64]), 0);
    let mut graph = 0;
    assert_eq!(machine.cuStreamEndCapture(first, &mut graph), 0);
    assert_eq!((machine.cuStreamIsCapturing(second, &mut status), status), (0, 0));
    let executable = instantiated(&machine, graph);
    assert_eq!(run(&machine, executable, into), [4; 4]);
    assert_eq!(run(&machine, executable, into), [8; 4]);
    let (mut nodes, mut count, mut kind) = ([0; 4], 4, 9);
    assert_eq!(machine.cuGraphGetNodes(graph, nodes.as_mut_ptr(), &mut count), 0);
    assert_eq!((count, nodes[3]), (3, 0));
    assert_eq!((machine.cuGraphNodeGetType(nodes[0], &mut kind), kind), (0, 0));
    assert_eq!(machine.cuGraphNodeGetDependencies(nodes[2], std::ptr::null_mut(), &mut count), 0);
    assert_eq!(count, 2);
}

#[test]
fn copies_of_a_captured_graph_use_the_memory_as_it_is_then() {
    let machine = Machine::new();
    let (stream, data) = (machine.stream(), machine.device(Ok(&[0; 4])));
    let (from, to) = (machine.pinned(&[1; 4]), machine.pinned(&[0; 4]));
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(machine.cuMemcpyHtoDAsync_v2(data, from.address, 16, stream), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, stream, &[data as u64]), 0);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(to.address, data, 16, stream), 0);
    let mut graph = 0;
    assert_eq!(machine.cuStreamEndCapture(stream, &mut graph), 0);
    let executable = instantiated(&machine, graph);
    for value in [3, 4] {
        from.set(&[value; 4]);
        assert_eq!(machine.cuGraphLaunch(executable, stream), 0);
        assert_eq!(to.get(), [u32::MAX; 4]);
        assert_eq!(machine.cuStreamSynchronize(stream), 0);
        assert_eq!(to.get(), [2 * value; 4]);
    }
}

/// What a capture ends with after something was done in it.
fn ends_with(machine: &Machine, error: u32, what: impl FnOnce(Address) -> u32) {
    let stream = machine.stream();
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(what(stream), error);
    let (mut graph, mut status) = (1, 0);
    assert_eq!((machine.cuStreamIsCapturing(stream, &mut status), status), (0, 2));
    assert_eq!(machine.cuStreamEndCapture(stream, &mut graph), CAPTURE_INVALIDATED);
    assert_eq!((machine.cuStreamSynchronize(stream), graph), (0, 0));
}

#[test]
fn what_no_graph_can_have_ends_a_capture() {
    let machine = Machine::new();
    ends_with(&machine, CAPTURE_UNSUPPORTED, |stream| machine.cuStreamSynchronize(stream));
    ends_with(&machine, CAPTURE_UNSUPPORTED, |stream| machine.cuStreamQuery(stream));
    ends_with(&machine, CAPTURE_UNSUPPORTED, |_| machine.cuCtxSynchronize());
    ends_with(&machine, CAPTURE_UNSUPPORTED, |_| machine.cuMemAlloc_v2(&mut 0, 4));
    // With its stream.
    let stream = machine.stream();
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(machine.cuStreamDestroy_v2(stream), 0);
    assert_eq!(machine.cuCtxSynchronize(), 0);
    // Two captures do not meet.
    let (one, other) = (machine.stream(), machine.event());
    assert_eq!(machine.cuStreamBeginCapture_v2(one, THREAD_LOCAL), 0);
    assert_eq!(machine.cuStreamBeginCapture_v2(one, THREAD_LOCAL), ILLEGAL_STATE);
    assert_eq!(machine.cuEventRecord(other, one), 0);
    ends_with(&machine, CAPTURE_MERGE, |stream| machine.cuStreamWaitEvent(stream, other, 0));
    assert_eq!(machine.cuStreamEndCapture(one, &mut 0), 0);
}

#[test]
fn captures_keep_to_themselves() {
    let machine = Machine::new();
    let (stream, fork, event) = (machine.stream(), machine.stream(), machine.event());
    let (data, double) = (machine.device(Ok(&[1; 4])), machine.function(c"double"));
    // An event from outside.
    assert_eq!(machine.cuEventRecord(event, fork), 0);
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(machine.cuStreamWaitEvent(stream, event, 0), CAPTURE_ISOLATION);
    // What is forked must be joined.
    assert_eq!(machine.cuEventRecord(event, stream), 0);
    assert_eq!(machine.cuStreamWaitEvent(fork, event, 0), 0);
    assert_eq!(machine.launch(double, 4, fork, &[data as u64]), 0);
    assert_eq!(machine.cuStreamEndCapture(stream, &mut 0), CAPTURE_UNJOINED);
    assert_eq!(machine.cuStreamEndCapture(stream, &mut 0), ILLEGAL_STATE);
    // The default stream cannot be captured, nor wait for a capture.
    assert_eq!(machine.cuStreamBeginCapture_v2(0, THREAD_LOCAL), CAPTURE_UNSUPPORTED);
    let mut blocking = 0;
    assert_eq!(machine.cuStreamCreate(&mut blocking, 0), 0);
    assert_eq!(machine.cuStreamBeginCapture_v2(blocking, THREAD_LOCAL), 0);
    assert_eq!(machine.launch(double, 4, 0, &[data as u64]), CAPTURE_IMPLICIT);
    assert_eq!(machine.cuStreamEndCapture(blocking, &mut 0), CAPTURE_INVALIDATED);
    assert_eq!(machine.read(data, 4), [1; 4]);
}

/// A launch that may begin before the one before it has ended.
fn launch_early(machine: &Machine, function: Address, stream: Address, values: &[u64]) -> u32 {
    let mut attribute = [0; 18];
    (attribute[0], attribute[2]) = (6, 1);
    let config = LaunchConfig {
        blocks: [1; 3],
        threads: [4, 1, 1],
        dynamic_shared: 0,
        stream,
        attributes: &raw const attribute,
        attribute_count: 1,
    };
    let parameters = addresses(values);
    machine.cuLaunchKernelEx(&config, function, parameters.as_ptr(), std::ptr::null())
}

#[test]
fn a_launch_that_begins_early_must_wait_before_it_reads() {
    for is_captured in [false, true] {
        for (name, error) in [(c"copy_behind", 0), (c"copy", LAUNCH_FAILED)] {
            let machine = Machine::new();
            let (data, into) = (machine.device(Ok(&[1; 4])), machine.device(Ok(&[0; 4])));
            let (stream, double) = (machine.stream(), machine.function(c"double"));
            let early = |name| {
                let values = [data as u64, into as u64];
                launch_early(&machine, machine.function(name), stream, &values)
            };
            if is_captured {
                assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
            }
            assert_eq!(machine.launch(double, 4, stream, &[data as u64]), 0);
            assert_eq!(early(name), 0);
            if is_captured {
                let mut graph = 0;
                assert_eq!(machine.cuStreamEndCapture(stream, &mut graph), 0);
                let (mut from, mut to, mut edge, mut count) = (0, 0, [9; 8], 1);
                let edges =
                    machine.cuGraphGetEdges_v2(graph, &mut from, &mut to, &mut edge, &mut count);
                // The port that fires early, and the kind of edge.
                assert_eq!((edges, count, edge), (0, 1, [1, 0, 1, 0, 0, 0, 0, 0]));
                assert_eq!(machine.cuGraphLaunch(instantiated(&machine, graph), stream), 0);
            }
            assert_eq!(machine.cuStreamSynchronize(stream), error, "{name:?}");
            if error == 0 {
                assert_eq!(machine.read(into, 4), [2; 4]);
                // What ended before the wait is not early any more.
                assert_eq!(early(c"copy"), 0);
                assert_eq!(machine.cuStreamSynchronize(stream), 0);
            }
            assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
        }
    }
}
