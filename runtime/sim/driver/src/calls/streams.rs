//! Streams.

use crate::arguments::Out;
use crate::calls::contexts::GREATEST_PRIORITY;
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::execution::synchronize_mark;
use crate::handles::Handle;
use crate::objects::event::State as EventState;
use crate::objects::stream::{Capture, Kind, Mark, Stream};
use crate::objects::work::Work;

driver_functions! {
    fn cuStreamCreate(stream: Out<Handle>, flags: u32) {
        create(stream, flags, 0)
    }

    fn cuStreamCreateWithPriority(stream: Out<Handle>, flags: u32, priority: i32) {
        create(stream, flags, priority)
    }

    /// What the stream was given is done all the same, when something waits for it.
    fn cuStreamDestroy_v2(stream: Handle) {
        let mut state = lock();
        state.usable()?;
        let own = state.streams.get_mut(stream)?;
        if own.is_destroyed || own.kind == Kind::Legacy {
            return Err(Error::INVALID_HANDLE);
        }
        own.is_destroyed = true;
        let (capture, is_idle) = (own.capture.take(), own.queue.is_empty() && !own.is_busy);
        if is_idle {
            state.streams.remove(stream)?;
        }
        match capture {
            Some(capture) if capture.is_origin => {
                state.end_capture(capture.id);
                state.remove_graph(capture.graph)
            }
            _ => Ok(()),
        }
    }

    fn cuStreamSynchronize(stream: Handle) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        state.refuse_captured(stream)?;
        let mark = state.end_of_all(stream)?;
        drop(state);
        synchronize_mark(mark)
    }

    /// It does what the stream was given, so that whoever asks again and again gets an answer.
    fn cuStreamQuery(stream: Handle) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        state.refuse_captured(stream)?;
        let mark = state.end_of_all(stream)?;
        drop(state);
        synchronize_mark(mark)
    }

    fn cuStreamWaitEvent(stream: Handle, event: Handle, _flags: u32) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        let is_captured = state.streams.get(stream)?.capture.is_some();
        match &state.events.get(event)?.state {
            EventState::Never => Ok(()),
            EventState::Recorded(..) if is_captured => Err(Error::STREAM_CAPTURE_ISOLATION),
            EventState::Recorded(mark, _) => {
                let mark = *mark;
                state.submit_after(stream, Work::Nothing, vec![mark]).map(drop)
            }
            EventState::Captured(capture, nodes) => {
                let (capture, nodes) = (*capture, nodes.clone());
                state.join_capture(stream, capture, &nodes)
            }
        }
    }

    fn cuStreamGetCtx(stream: Handle, context: Out<Handle>) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        context.give(state.streams.get(stream)?.context)
    }

    fn cuStreamGetFlags(stream: Handle, flags: Out<u32>) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        flags.give(state.streams.get(stream)?.flags)
    }

    fn cuStreamGetPriority(stream: Handle, priority: Out<i32>) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        priority.give(state.streams.get(stream)?.priority)
    }

    fn cuStreamGetId(stream: Handle, id: Out<u64>) {
        let stream = lock().stream(stream)?;
        id.give(stream as u64)
    }
}

fn create(stream: Out<Handle>, flags: u32, priority: i32) -> Result<()> {
    let mut state = lock();
    let context = state.usable()?;
    let kind = match flags {
        0 => Kind::Blocking,
        1 => Kind::NonBlocking,
        _ => return Err(Error::INVALID_VALUE),
    };
    if stream.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    let priority = priority.clamp(GREATEST_PRIORITY, 0);
    stream.give(state.streams.add(Stream::new(context, kind, flags, priority)))
}

impl State {
    /// The end of a stream. The legacy default stream is behind all blocking streams, even where it was given nothing.
    fn end_of_all(&mut self, stream: Handle) -> Result<Mark> {
        match self.streams.get(stream)?.kind {
            Kind::Legacy => self.submit(stream, Work::Nothing),
            Kind::Blocking | Kind::NonBlocking => self.end_of(stream),
        }
    }

    /// Makes a stream wait for nodes of a capture, and thereby part of it.
    fn join_capture(&mut self, stream: Handle, id: u64, nodes: &[Handle]) -> Result<()> {
        let all = self.streams.iter().filter_map(|(_, stream)| stream.capture.as_ref());
        let origin = all.into_iter().find(|capture| capture.id == id && capture.is_origin);
        // A capture that ended left its events behind.
        let origin = origin.ok_or(Error::INVALID_VALUE)?.clone();
        let own = self.streams.get_mut(stream)?;
        if own.kind == Kind::Legacy {
            return Err(Error::STREAM_CAPTURE_IMPLICIT);
        }
        match &mut own.capture {
            Some(capture) if capture.id != id => {
                capture.is_invalid = true;
                Err(Error::STREAM_CAPTURE_MERGE)
            }
            Some(capture) => {
                let new = nodes.iter().filter(|node| !capture.front.contains(node));
                let new: Vec<Handle> = new.copied().collect();
                capture.front.extend(new);
                Ok(())
            }
            None => {
                let front = nodes.to_vec();
                own.capture = Some(Capture { front, is_origin: false, ..origin });
                Ok(())
            }
        }
    }
}
