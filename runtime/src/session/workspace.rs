//! [`Workspace`]: the memory that programs run in, and the program that is bound to it.

use super::RunError;
use super::bound_program::{BoundProgram, EvaluatedProgram};
use crate::devices::Device;
use crate::memory::map_memory;
use memmap2::MmapMut;

/// A device, the arena, and the program of the last call. A bound program holds addresses of the arena, so the three have
/// one owner, and the arena is replaced only while nothing is bound.
pub struct Workspace {
    device: Box<dyn Device>,
    /// Holds the buffers of the program that runs. Only grows.
    arena: MmapMut,
    /// The next call is likely to have the same sizes.
    bound: Option<BoundProgram>,
}

impl Workspace {
    /// A workspace with nothing bound to it.
    pub fn new(device: Box<dyn Device>) -> std::io::Result<Self> {
        Ok(Workspace { device, arena: map_memory(1)?, bound: None })
    }

    /// The size of the arena in bytes.
    pub fn arena_bytes(&self) -> usize {
        self.arena.len()
    }

    /// The program for these sizes, and the device that runs it: what the last call left, or what `evaluate` gives, which
    /// gets its memory here. Where that fails, nothing is bound, and the next call begins anew.
    pub fn bind(
        &mut self,
        symbols: Vec<i64>,
        evaluate: impl FnOnce(Vec<i64>) -> Result<EvaluatedProgram, RunError>,
    ) -> Result<(&mut BoundProgram, &mut dyn Device), RunError> {
        let bound = match self.bound.take() {
            Some(bound) if bound.symbols == symbols => bound,
            _ => self.place(evaluate(symbols)?)?,
        };
        Ok((self.bound.insert(bound), &mut *self.device))
    }

    /// Gives a program its memory. Whatever is bound must not be used again.
    fn place(&mut self, program: EvaluatedProgram) -> Result<BoundProgram, RunError> {
        let bytes = program.arena_bytes();
        if bytes > self.arena.len() {
            self.arena = map_memory(bytes)
                .map_err(|_| RunError::OutOfMemory { what: "the arena".to_string(), bytes })?;
        }
        self.device.reserve_scratch(program.scratch_bytes())?;
        Ok(program.at(self.arena.as_mut_ptr() as i64))
    }
}
