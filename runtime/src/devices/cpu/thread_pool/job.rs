//! [`Job`]: a launch as threads run it.

use crate::devices::cpu::KernelFunction;
use std::ops::Range;

/// A kernel with its arguments.
#[derive(Clone, Copy)]
pub struct Job {
    /// The code.
    pub kernel: KernelFunction,
    /// The argument block.
    pub arguments: *const i64,
    /// How much scratch memory each thread needs that takes part.
    pub scratch_bytes: usize,
}

/// The first word of a thread's scratch memory when it begins with a launch.
pub const NOTHING_PREPARED: i64 = -1;

impl Job {
    /// Makes the scratch memory of a thread ready for its first call.
    ///
    /// # Safety
    /// The scratch memory is aligned to eight bytes and has as many, and nobody else uses it.
    pub unsafe fn begin(&self, scratch: *mut u8) {
        // SAFETY: by the contract of this function.
        unsafe { scratch.cast::<i64>().write(NOTHING_PREPARED) };
    }

    /// Runs some tiles.
    ///
    /// # Safety
    /// Kernel and arguments are valid for these tiles, and the scratch memory is such as the kernel needs.
    pub unsafe fn run(&self, scratch: *mut u8, tiles: Range<u32>) {
        // SAFETY: by the contract of this function.
        unsafe {
            (self.kernel)(self.arguments, i64::from(tiles.start), i64::from(tiles.end), scratch);
        }
    }
}
