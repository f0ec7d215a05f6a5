//! Those who look on while launches run, each of which is waited for.

use super::bound_program::BoundProgram;
use super::call_addresses::CallAddresses;
use super::places::ResultView;
use super::{LaunchTime, RunError};
use crate::devices::Stream;
use crate::memory::may_fail;
use ocellus_dialects::HostTensor;
use ocellus_dialects::plan::Plan;
use std::time::Instant;

/// A launch of a call that is over.
pub struct Launched<'a> {
    pub plan: &'a Plan,
    pub bound: &'a BoundProgram,
    /// Which launch of the program.
    pub launch: usize,
    pub addresses: &'a CallAddresses,
}

/// Looks on while launches run.
pub trait Observer {
    /// The next launch is about to begin.
    fn before(&mut self);
    /// It is over.
    fn after(&mut self, launched: &Launched, stream: &mut dyn Stream) -> Result<(), RunError>;
}

/// Shows each labeled result.
pub struct Results<'a> {
    pub observe: &'a mut dyn FnMut(&str, HostTensor),
}

impl Observer for Results<'_> {
    fn before(&mut self) {}

    fn after(&mut self, launched: &Launched, stream: &mut dyn Stream) -> Result<(), RunError> {
        let Launched { plan, bound, launch, addresses } = launched;
        let entry = &plan.programs[bound.launches.program()].launches[*launch];
        if let (Some(result), Some(view)) = (&entry.result, &bound.results[*launch]) {
            let tensor = read(view, bound.address(view.home, addresses), stream)?;
            (self.observe)(&result.label, tensor);
        }
        Ok(())
    }
}

/// The result that lies there, as f32.
fn read(view: &ResultView, address: i64, stream: &mut dyn Stream) -> Result<HostTensor, RunError> {
    let no_memory =
        || RunError::OutOfMemory { what: "a result that is shown".to_string(), bytes: view.bytes };
    let mut bytes = Vec::new();
    may_fail()
        .ok()
        .and_then(|()| bytes.try_reserve_exact(view.bytes).ok())
        .ok_or_else(no_memory)?;
    bytes.resize(view.bytes, 0);
    // SAFETY: binding has checked that the view lies inside its memory, whose pages are there from the start; the bytes
    // stay until the stream is synchronized.
    unsafe { stream.download(address, &mut bytes) }?;
    stream.synchronize()?;
    HostTensor::from_bytes(view.shape.clone(), view.element, &bytes).ok_or_else(no_memory)
}

/// Takes the time of each launch.
pub struct Times {
    start: Instant,
    /// Those that are over.
    pub times: Vec<LaunchTime>,
}

impl Times {
    /// None yet.
    pub fn new() -> Self {
        Times { start: Instant::now(), times: Vec::new() }
    }
}

impl Observer for Times {
    fn before(&mut self) {
        self.start = Instant::now();
    }

    fn after(&mut self, launched: &Launched, _: &mut dyn Stream) -> Result<(), RunError> {
        let microseconds = self.start.elapsed().as_secs_f64() * 1e6;
        let Launched { plan, bound, launch, .. } = launched;
        let entry = &plan.programs[bound.launches.program()].launches[*launch];
        let Some(ran) = bound.launches.iter().nth(*launch) else { return Ok(()) };
        let kernel = &plan.kernels[ran.kernel];
        self.times.push(LaunchTime {
            symbol: kernel.symbol.clone(),
            family: kernel.family,
            label: entry.result.as_ref().map(|result| result.label.clone()),
            tiles: ran.tiles,
            microseconds,
        });
        Ok(())
    }
}
