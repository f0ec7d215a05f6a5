//! MLIR: parses the text, lowers it to the `llvm` dialect by upstream's passes, and translates it to LLVM IR.

use super::CodegenError;
use inkwell::llvm_sys::prelude::LLVMModuleRef;
use melior::Context;
use melior::dialect::DialectRegistry;
use melior::ir::Module;
use melior::ir::operation::OperationLike;
use melior::pass::PassManager;
use melior::utility::{
    parse_pass_pipeline, register_all_dialects, register_all_llvm_translations, register_all_passes,
};
use std::sync::{Arc, Mutex};

const PIPELINE: &str = "builtin.module(\
    canonicalize,cse,\
    convert-scf-to-cf,\
    convert-vector-to-llvm,\
    convert-arith-to-llvm,\
    convert-func-to-llvm,\
    convert-cf-to-llvm,\
    reconcile-unrealized-casts)";

/// The text as a module of LLVM IR in `context`.
pub(super) fn to_llvm<'ctx>(
    text: &str,
    context: &'ctx inkwell::context::Context,
) -> Result<inkwell::module::Module<'ctx>, CodegenError> {
    register_all_passes();
    let registry = DialectRegistry::new();
    register_all_dialects(&registry);
    let mlir = Context::new();
    mlir.append_dialect_registry(&registry);
    mlir.load_all_available_dialects();
    register_all_llvm_translations(&mlir);
    let messages = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&messages);
    mlir.attach_diagnostic_handler(move |diagnostic| {
        if let Ok(mut heard) = heard.lock() {
            let line = format!("{}: {diagnostic}\n", diagnostic.location());
            heard.push_str(&line);
        }
        true
    });
    let error = |stage| {
        let message = messages.lock().map(|heard| heard.clone()).unwrap_or_default();
        CodegenError::Mlir { stage, message }
    };

    let mut module = Module::parse(&mlir, text).ok_or_else(|| error("parsing"))?;
    if !module.as_operation().verify() {
        return Err(error("verification"));
    }
    let passes = PassManager::new(&mlir);
    parse_pass_pipeline(passes.as_operation_pass_manager(), PIPELINE.trim())
        .map_err(|_| error("reading the list of passes"))?;
    passes.run(&mut module).map_err(|_| error("lowering"))?;

    // SAFETY: the operation is a module that outlives the call, and both libraries are of one LLVM; the two crates name
    // its context and its module by opaque types of their own.
    let translated = unsafe {
        mlir_sys::mlirTranslateModuleToLLVMIR(
            module.as_operation().to_raw(),
            context.raw() as mlir_sys::LLVMContextRef,
        )
    } as LLVMModuleRef;
    if translated.is_null() {
        return Err(error("translation"));
    }
    // SAFETY: the module is valid, lives in `context`, and nobody else owns it.
    Ok(unsafe { inkwell::module::Module::new(translated) })
}
