//! [`KernelArguments`]: the arguments of a launch as the driver takes them.

use crate::devices::Launch;
use std::ffi::c_void;

/// The parameters of a kernel: the words of its argument block, and the number of its tiles.
pub struct KernelArguments {
    words: *const i64,
    tiles: i64,
    parameters: [*mut c_void; 2],
}

impl KernelArguments {
    /// Those of a launch, whose words must stay.
    pub fn new(launch: &Launch<'_>) -> Self {
        let parameters = [std::ptr::null_mut(); 2];
        KernelArguments { words: launch.arguments.as_ptr(), tiles: launch.tiles.into(), parameters }
    }

    /// Where each parameter lies, until this is moved. The driver copies them; it writes nothing.
    pub fn as_parameters(&mut self) -> &mut [*mut c_void; 2] {
        self.parameters = [self.words.cast_mut().cast(), (&raw mut self.tiles).cast()];
        &mut self.parameters
    }
}
