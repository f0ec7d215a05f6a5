//! [`emit_module`]: the code of kernels as one module.

use crate::Kernel;
use crate::mlir::Module;
use crate::symbols::symbols;
use ocellus_runtime::signature::PLAN_SYMBOL;

impl Kernel {
    /// A module with this kernel alone.
    pub fn emit(&self) -> String {
        emit_module(std::slice::from_ref(self), None)
    }
}

/// A module with these kernels, all for one target. Equal ones, and what several share, are in it once. It names the plan that launches them,
/// by its hash, where there is one.
pub fn emit_module(kernels: &[Kernel], plan: Option<&str>) -> String {
    let mut module = Module::default();
    if let Some(hash) = plan {
        module.constant(PLAN_SYMBOL, hash);
    }
    for (kernel, symbol) in symbols(kernels) {
        kernel.define(&mut module, &symbol);
    }
    module.finish()
}
