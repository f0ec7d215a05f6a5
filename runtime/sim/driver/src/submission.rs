//! From a call to work: into the queue of a stream, or, where the stream is captured, into a graph.

use crate::driver::State;
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::graph::{Edge, Node};
use crate::objects::stream::{CaptureMode, Kind, Mark};
use crate::objects::work::Work;
use std::cell::Cell;
use std::ops::Range;

thread_local! {
    /// How strict the thread is with itself while something is captured.
    static THREAD_MODE: Cell<CaptureMode> = const { Cell::new(CaptureMode::Global) };
}

/// Sets how strict the thread is with itself, and gives what it was.
pub(crate) fn exchange_thread_mode(mode: CaptureMode) -> CaptureMode {
    THREAD_MODE.replace(mode)
}

impl State {
    /// Gives a stream work, behind all that it must wait for.
    pub(crate) fn submit(&mut self, stream: Handle, work: Work) -> Result<Mark> {
        self.submit_after(stream, work, vec![])
    }

    /// The same, behind other places as well. In a capture the mark means nothing.
    pub(crate) fn submit_after(
        &mut self,
        stream: Handle,
        work: Work,
        mut after: Vec<Mark>,
    ) -> Result<Mark> {
        if self.streams.get(stream)?.capture.is_some() {
            self.capture(stream, work)?;
            return Ok(Mark { stream, count: 0 });
        }
        self.poison(stream, &work)?;
        after.extend(self.implicit(stream)?);
        let count = self.streams.get_mut(stream)?.push(work, after);
        Ok(Mark { stream, count })
    }

    /// What the legacy default stream and blocking streams wait for without being told to.
    fn implicit(&mut self, stream: Handle) -> Result<Vec<Mark>> {
        let own = self.streams.get(stream)?;
        let (kind, context) = (own.kind, own.context);
        match kind {
            Kind::NonBlocking => Ok(vec![]),
            Kind::Blocking => {
                let legacy = self.contexts.get(context)?.legacy;
                Ok(vec![Mark { stream: legacy, count: self.streams.get(legacy)?.given }])
            }
            Kind::Legacy => {
                self.refuse_implicit_dependency(context)?;
                let blocking = self
                    .streams
                    .iter()
                    .filter(|(_, other)| other.context == context && other.kind == Kind::Blocking);
                Ok(blocking.map(|(stream, other)| Mark { stream, count: other.given }).collect())
            }
        }
    }

    /// The legacy default stream cannot wait for a blocking stream that is captured; that capture is worth nothing then.
    pub(crate) fn refuse_implicit_dependency(&mut self, context: Handle) -> Result<()> {
        let mut result = Ok(());
        for stream in self.streams.values_mut() {
            let is_it = stream.context == context && stream.kind == Kind::Blocking;
            if let Some(capture) = stream.capture.as_mut().filter(|_| is_it) {
                capture.is_invalid = true;
                result = Err(Error::STREAM_CAPTURE_IMPLICIT);
            }
        }
        result
    }

    /// Fills what a copy will write on the host, so that whoever reads it too early sees it. What still waits to read the same
    /// bytes is left alone.
    fn poison(&mut self, stream: Handle, work: &Work) -> Result<()> {
        let context = self.streams.get(stream)?.context;
        for range in work.host_writes() {
            let overlaps =
                |other: &Range<usize>| range.start < other.end && other.start < range.end;
            let is_read = self
                .streams
                .iter()
                .filter(|(_, other)| other.context == context)
                .flat_map(|(_, other)| &other.queue)
                .any(|item| item.work.calls_host() || item.work.host_reads().iter().any(overlaps));
            let reads_itself = work.calls_host() || work.host_reads().iter().any(overlaps);
            if !is_read && !reads_itself && self.host_memory.holds(&range) {
                let at = std::ptr::with_exposed_provenance_mut::<u8>(range.start);
                // SAFETY: these bytes are page-locked memory, which is there until it is freed or unregistered, and the program
                // has given them to the driver to be written.
                unsafe { at.write_bytes(u8::MAX, range.len()) };
            }
        }
        Ok(())
    }

    /// Makes a node of work, behind those that the stream's capture has come to.
    fn capture(&mut self, stream: Handle, work: Work) -> Result<()> {
        let capture = self.streams.get(stream)?.capture.as_ref().ok_or(Error::UNKNOWN)?;
        if capture.is_invalid {
            return Err(Error::STREAM_CAPTURE_INVALIDATED);
        }
        let graph = capture.graph;
        let overlaps = matches!(&work, Work::Launch(launch) if launch.is_programmatic);
        let mut after = vec![];
        for from in capture.front.clone() {
            let is_launch = matches!(self.nodes.get(from)?.work, Work::Launch(_));
            after.push(Edge { from, is_programmatic: overlaps && is_launch });
        }
        let node = self.nodes.add(Node::new(graph, work, after));
        self.graphs.get_mut(graph)?.nodes.push(node);
        if let Some(capture) = &mut self.streams.get_mut(stream)?.capture {
            capture.front = vec![node];
        }
        Ok(())
    }

    /// Ends a capture in all of its streams.
    pub(crate) fn end_capture(&mut self, id: u64) {
        for stream in self.streams.values_mut() {
            stream.capture.take_if(|capture| capture.id == id);
        }
    }

    /// Refuses what no graph can have while one is captured for which that counts, and makes that capture worth nothing.
    pub(crate) fn refuse_in_capture(&mut self) -> Result<()> {
        let thread = std::thread::current().id();
        let is_lenient = THREAD_MODE.get() == CaptureMode::Relaxed;
        let mut result = Ok(());
        for capture in self.streams.values_mut().filter_map(|stream| stream.capture.as_mut()) {
            let counts = match capture.mode {
                CaptureMode::Relaxed => false,
                _ if is_lenient => false,
                CaptureMode::Global => true,
                CaptureMode::ThreadLocal => capture.thread == thread,
            };
            if counts && capture.is_origin {
                capture.is_invalid = true;
                result = Err(Error::STREAM_CAPTURE_UNSUPPORTED);
            }
        }
        result
    }

    /// Refuses to wait for a stream that is captured, and makes its capture worth nothing.
    pub(crate) fn refuse_captured(&mut self, stream: Handle) -> Result<()> {
        match &mut self.streams.get_mut(stream)?.capture {
            Some(capture) => {
                capture.is_invalid = true;
                Err(Error::STREAM_CAPTURE_UNSUPPORTED)
            }
            None => Ok(()),
        }
    }
}
