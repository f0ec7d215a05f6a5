//! Graphs that are made of what a stream is given.

use crate::abi::EdgeData;
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::graph::Graph;
use crate::objects::stream::{Capture, CaptureMode, Kind};
use crate::submission::exchange_thread_mode;

driver_functions! {
    fn cuStreamBeginCapture_v2(stream: Handle, mode: u32) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        let mode = CaptureMode::of(mode).ok_or(Error::INVALID_VALUE)?;
        let own = state.streams.get(stream)?;
        if own.kind == Kind::Legacy {
            return Err(Error::STREAM_CAPTURE_UNSUPPORTED);
        }
        if own.capture.is_some() {
            return Err(Error::ILLEGAL_STATE);
        }
        state.captures += 1;
        let id = state.captures;
        let graph = state.graphs.add(Graph::default());
        let thread = std::thread::current().id();
        let (front, is_origin, is_invalid) = (vec![], true, false);
        let capture = Capture { id, graph, front, is_origin, mode, thread, is_invalid };
        state.streams.get_mut(stream)?.capture = Some(capture);
        Ok(())
    }

    fn cuStreamEndCapture(stream: Handle, graph: Out<Handle>) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        let Some(capture) = state.streams.get(stream)?.capture.clone() else {
            return Err(Error::ILLEGAL_STATE);
        };
        if !capture.is_origin {
            return Err(Error::STREAM_CAPTURE_UNMATCHED);
        }
        let is_of_another = capture.thread != std::thread::current().id();
        if is_of_another && capture.mode != CaptureMode::Relaxed {
            return Err(Error::STREAM_CAPTURE_WRONG_THREAD);
        }
        let outcome = state.outcome(&capture);
        state.end_capture(capture.id);
        match outcome {
            Ok(()) => graph.give(capture.graph),
            Err(error) => {
                state.remove_graph(capture.graph)?;
                graph.offer(0);
                Err(error)
            }
        }
    }

    fn cuStreamIsCapturing(stream: Handle, status: Out<u32>) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        status.give(status_of(state.streams.get(stream)?.capture.as_ref()))
    }

    fn cuStreamGetCaptureInfo_v2(
        stream: Handle,
        status: Out<u32>,
        id: Out<u64>,
        graph: Out<Handle>,
        front: Out<*const Handle>,
        count: Out<usize>,
    ) {
        information(stream, status, id, graph, front, count)
    }

    fn cuStreamGetCaptureInfo_v3(
        stream: Handle,
        status: Out<u32>,
        id: Out<u64>,
        graph: Out<Handle>,
        front: Out<*const Handle>,
        edges: Out<In<EdgeData>>,
        count: Out<usize>,
    ) {
        if !edges.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        information(stream, status, id, graph, front, count)
    }

    fn cuThreadExchangeStreamCaptureMode(mode: Out<u32>) {
        let wanted = CaptureMode::of(mode.get()?).ok_or(Error::INVALID_VALUE)?;
        mode.give(exchange_thread_mode(wanted) as u32)
    }
}

/// `CUstreamCaptureStatus`
fn status_of(capture: Option<&Capture>) -> u32 {
    const NONE: u32 = 0;
    const ACTIVE: u32 = 1;
    const INVALIDATED: u32 = 2;
    match capture {
        None => NONE,
        Some(capture) if capture.is_invalid => INVALIDATED,
        Some(_) => ACTIVE,
    }
}

fn information(
    stream: Handle,
    status: Out<u32>,
    id: Out<u64>,
    graph: Out<Handle>,
    front: Out<*const Handle>,
    count: Out<usize>,
) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    let capture = state.streams.get(stream)?.capture.as_ref();
    status.give(status_of(capture))?;
    if let Some(capture) = capture {
        id.offer(capture.id);
        graph.offer(capture.graph);
        // It is there until the stream is given something.
        front.offer(capture.front.as_ptr());
        count.offer(capture.front.len());
    }
    Ok(())
}

impl State {
    /// Whether a capture gave a graph: all that was forked must be joined again.
    fn outcome(&self, capture: &Capture) -> Result<()> {
        let others = self.streams.iter().filter_map(|(_, stream)| stream.capture.as_ref());
        if others.into_iter().any(|other| other.id == capture.id && other.is_invalid) {
            return Err(Error::STREAM_CAPTURE_INVALIDATED);
        }
        let nodes = &self.graphs.get(capture.graph)?.nodes;
        let mut is_followed = std::collections::HashSet::new();
        for node in nodes {
            is_followed.extend(self.nodes.get(*node)?.after.iter().map(|edge| edge.from));
        }
        let mut ends = nodes.iter().filter(|node| !is_followed.contains(node));
        match ends.all(|node| capture.front.contains(node)) {
            true => Ok(()),
            false => Err(Error::STREAM_CAPTURE_UNJOINED),
        }
    }
}
