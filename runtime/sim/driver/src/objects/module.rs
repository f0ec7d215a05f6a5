//! Modules and their functions.

use crate::handles::Handle;
use ocellus_sim::{Globals, Kernel};
use std::ffi::CString;
use std::sync::Arc;

/// A module that is loaded.
pub(crate) struct Module {
    pub context: Handle,
    /// Its functions, in the order of the text.
    pub functions: Vec<Handle>,
    pub globals: Arc<Globals>,
}

/// A kernel of a module.
pub(crate) struct Function {
    pub context: Handle,
    pub module: Handle,
    pub name: CString,
    pub kernel: Kernel,
    pub globals: Arc<Globals>,
    /// The target of the text, 80 for `sm_80`.
    pub target: u32,
    /// The most bytes of dynamic shared memory that a launch may ask for.
    pub most_dynamic_shared: u32,
    /// The share of shared memory that is preferred, in percent; -1 for none.
    pub carveout: i32,
}

impl Function {
    /// The threads that a block may have.
    pub(crate) fn most_threads(&self) -> u32 {
        const OF_ALL: u32 = 1024;
        let own = self.kernel.required_threads().or(self.kernel.most_threads());
        let product = |sides: [u32; 3]| sides.into_iter().fold(1, u32::saturating_mul);
        own.map_or(OF_ALL, product).min(OF_ALL)
    }
}
