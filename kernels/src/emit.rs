//! [`emit_module`]: the code of kernels as one module, and [`emit_modules`] as several.

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

/// A module with these kernels, all for one target. Equal ones, and what several share, are in it once. It names the plan
/// that launches them, by its hash, where there is one.
pub fn emit_module(kernels: &[Kernel], plan: Option<&str>) -> String {
    emit_modules(kernels, plan, usize::MAX).concat()
}

/// The same kernels in modules of so many each, by the same symbols, so that they can be compiled side by side. What kernels
/// of several modules share is in each of these; the first module names the plan.
pub fn emit_modules(kernels: &[Kernel], plan: Option<&str>, each: usize) -> Vec<String> {
    let symbols: Vec<(&Kernel, String)> = symbols(kernels).into_iter().collect();
    let mut parts = symbols.chunks(each.max(1));
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| (None, part));
    std::iter::once((plan, first)).chain(rest).map(|(plan, part)| emit_part(part, plan)).collect()
}

fn emit_part(kernels: &[(&Kernel, String)], plan: Option<&str>) -> String {
    let mut module = Module::default();
    if let Some(hash) = plan {
        module.constant(PLAN_SYMBOL, hash);
    }
    for (kernel, symbol) in kernels {
        kernel.define(&mut module, symbol);
    }
    module.finish()
}
