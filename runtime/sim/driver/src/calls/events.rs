//! Events.

use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::execution::synchronize_mark;
use crate::handles::Handle;
use crate::objects::event::{Event, State as EventState};
use crate::objects::work::Work;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

driver_functions! {
    fn cuEventCreate(event: Out<Handle>, flags: u32) {
        const DISABLES_TIME: u32 = 2;
        const KNOWN: u32 = 7;
        let mut state = lock();
        let context = state.usable()?;
        if flags & !KNOWN != 0 || event.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        let has_time = flags & DISABLES_TIME == 0;
        event.give(state.events.add(Event { context, has_time, state: EventState::Never }))
    }

    fn cuEventDestroy_v2(event: Handle) {
        let mut state = lock();
        state.usable()?;
        state.events.remove(event).map(drop)
    }

    fn cuEventRecord(event: Handle, stream: Handle) {
        record(event, stream)
    }

    fn cuEventRecordWithFlags(event: Handle, stream: Handle, flags: u32) {
        match flags {
            0 => record(event, stream),
            // As a node of a graph of its own.
            1 => Err(Error::NOT_SUPPORTED),
            _ => Err(Error::INVALID_VALUE),
        }
    }

    fn cuEventSynchronize(event: Handle) {
        wait(event)
    }

    /// It does what stands before the event, so that whoever asks again and again gets an answer.
    fn cuEventQuery(event: Handle) {
        wait(event)
    }

    fn cuEventElapsedTime(milliseconds: Out<f32>, start: Handle, end: Handle) {
        elapsed(milliseconds, start, end)
    }

    fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: Handle, end: Handle) {
        elapsed(milliseconds, start, end)
    }
}

fn record(event: Handle, stream: Handle) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    let (own, on) = (state.events.get(event)?, state.streams.get(stream)?);
    if own.context != on.context {
        return Err(Error::INVALID_HANDLE);
    }
    let recorded = match &on.capture {
        Some(capture) if capture.is_invalid => return Err(Error::STREAM_CAPTURE_INVALIDATED),
        Some(capture) => EventState::Captured(capture.id, capture.front.clone()),
        None => {
            let time = Arc::new(OnceLock::new());
            let mark = state.submit(stream, Work::Record(time.clone()))?;
            EventState::Recorded(mark, time)
        }
    };
    state.events.get_mut(event)?.state = recorded;
    Ok(())
}

fn wait(event: Handle) -> Result<()> {
    let state = lock();
    let own = state.events.get(event)?;
    state.sound(own.context)?;
    let mark = match &own.state {
        EventState::Never => return Ok(()),
        EventState::Captured(..) => return Err(Error::CAPTURED_EVENT),
        EventState::Recorded(mark, _) => *mark,
    };
    drop(state);
    synchronize_mark(mark)
}

/// How long it took here, which says nothing of a GPU.
fn elapsed(milliseconds: Out<f32>, start: Handle, end: Handle) -> Result<()> {
    let state = lock();
    let time = |event: Handle| -> Result<Instant> {
        let own = state.events.get(event)?;
        state.sound(own.context)?;
        match &own.state {
            EventState::Recorded(_, time) if own.has_time => {
                time.get().copied().ok_or(Error::NOT_READY)
            }
            _ => Err(Error::INVALID_HANDLE),
        }
    };
    let (start, end) = (time(start)?, time(end)?);
    let between = match end.checked_duration_since(start) {
        Some(after) => after.as_secs_f32(),
        None => -start.duration_since(end).as_secs_f32(),
    };
    milliseconds.give(between * 1000.0)
}
