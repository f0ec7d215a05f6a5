//! Memory that is filled with one value.

use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::work::{Fill, Work};

driver_functions! {
    fn cuMemsetD8_v2(to: u64, value: u8, count: usize) {
        fill(row(to, u32::from(value), 1, count), 0)
    }

    fn cuMemsetD16_v2(to: u64, value: u16, count: usize) {
        fill(row(to, u32::from(value), 2, count), 0)
    }

    fn cuMemsetD32_v2(to: u64, value: u32, count: usize) {
        fill(row(to, value, 4, count), 0)
    }

    fn cuMemsetD8Async(to: u64, value: u8, count: usize, stream: Handle) {
        fill(row(to, u32::from(value), 1, count), stream)
    }

    fn cuMemsetD16Async(to: u64, value: u16, count: usize, stream: Handle) {
        fill(row(to, u32::from(value), 2, count), stream)
    }

    fn cuMemsetD32Async(to: u64, value: u32, count: usize, stream: Handle) {
        fill(row(to, value, 4, count), stream)
    }

    fn cuMemsetD2D8_v2(to: u64, pitch: usize, value: u8, width: usize, height: usize) {
        fill(rows(row(to, u32::from(value), 1, width), pitch, height), 0)
    }

    fn cuMemsetD2D32_v2(to: u64, pitch: usize, value: u32, width: usize, height: usize) {
        fill(rows(row(to, value, 4, width), pitch, height), 0)
    }

    fn cuMemsetD2D8Async(
        to: u64,
        pitch: usize,
        value: u8,
        width: usize,
        height: usize,
        stream: Handle,
    ) {
        fill(rows(row(to, u32::from(value), 1, width), pitch, height), stream)
    }

    fn cuMemsetD2D32Async(
        to: u64,
        pitch: usize,
        value: u32,
        width: usize,
        height: usize,
        stream: Handle,
    ) {
        fill(rows(row(to, value, 4, width), pitch, height), stream)
    }
}

fn row(to: u64, value: u32, element: u32, count: usize) -> Fill {
    Fill { to, pitch: 0, element, value, width: count as u64, height: 1 }
}

fn rows(row: Fill, pitch: usize, height: usize) -> Fill {
    Fill { pitch: pitch as u64, height: height as u64, ..row }
}

/// The host does not wait for it.
fn fill(fill: Fill, stream: Handle) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    if fill.width == 0 || fill.height == 0 {
        return Ok(());
    }
    let context = state.streams.get(stream)?.context;
    state.check_fill(context, &fill)?;
    state.submit(stream, Work::Fill(fill)).map(drop)
}

impl State {
    /// Refuses a fill that leaves its memory, or whose elements are not aligned.
    pub(super) fn check_fill(&self, context: Handle, fill: &Fill) -> Result<()> {
        let is_element = matches!(fill.element, 1 | 2 | 4);
        if !is_element || !fill.to.is_multiple_of(u64::from(fill.element)) {
            return Err(Error::INVALID_VALUE);
        }
        if fill.height > 1 && fill.pitch < fill.width.saturating_mul(u64::from(fill.element)) {
            return Err(Error::INVALID_VALUE);
        }
        self.check_range(context, fill.to, fill.span().ok_or(Error::INVALID_VALUE)?)
    }
}
