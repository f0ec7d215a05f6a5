//! [`Workspace`]: what a call needs for itself: a stream, an arena, and the program that is bound to it.

use super::RunError;
use super::bound_program::{BoundProgram, EvaluatedProgram};
use crate::devices::{Device, DeviceError, Memory, Stream};

/// A stream, the arena that its launches work in, and the program of the last call. A bound program holds addresses of the
/// arena, so the three have one owner, and the arena is replaced only while nothing is bound.
pub struct Workspace {
    // Dropped first: it waits for what is still done in the arena.
    stream: Box<dyn Stream>,
    /// Holds the buffers of the program that runs. Only grows.
    arena: Option<Memory>,
    /// The next call is likely to have the same sizes.
    bound: Option<BoundProgram>,
}

impl Workspace {
    /// A workspace with nothing bound to it.
    pub fn new(device: &dyn Device) -> Result<Self, DeviceError> {
        Ok(Workspace { stream: device.stream()?, arena: None, bound: None })
    }

    /// The size of the arena in bytes.
    pub fn arena_bytes(&self) -> usize {
        self.arena.as_ref().map_or(0, Memory::bytes)
    }

    /// Whether the program for these sizes is bound.
    pub fn is_bound_to(&self, symbols: &[i64]) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.symbols == symbols)
    }

    /// The program for these sizes, and the stream to run it on: what the last call left, or what `evaluate` gives, which
    /// gets its memory here. Where that fails, nothing is bound, and the next call begins anew.
    pub fn bind(
        &mut self,
        device: &dyn Device,
        symbols: &[i64],
        evaluate: impl FnOnce() -> Result<EvaluatedProgram, RunError>,
    ) -> Result<(&mut BoundProgram, &mut dyn Stream), RunError> {
        let bound = match self.bound.take() {
            Some(bound) if bound.symbols == symbols => bound,
            _ => self.place(device, evaluate()?)?,
        };
        Ok((self.bound.insert(bound), &mut *self.stream))
    }

    /// Gives a program its memory. Whatever is bound must not be used again.
    fn place(
        &mut self,
        device: &dyn Device,
        program: EvaluatedProgram,
    ) -> Result<BoundProgram, RunError> {
        let arena = match self.arena.take() {
            Some(arena) if arena.bytes() >= program.arena_bytes() => arena,
            smaller => {
                // What a call left on a stream of its caller may still run there.
                self.stream.synchronize()?;
                drop(smaller);
                device.allocate(program.arena_bytes()).map_err(no_arena)?
            }
        };
        let start = self.arena.insert(arena).address();
        self.stream.reserve_scratch(program.scratch_bytes())?;
        Ok(program.at(start))
    }
}

fn no_arena(error: DeviceError) -> RunError {
    match error {
        DeviceError::OutOfMemory { bytes, .. } => {
            RunError::OutOfMemory { what: "the arena".to_string(), bytes }
        }
        other => RunError::Device(other),
    }
}
