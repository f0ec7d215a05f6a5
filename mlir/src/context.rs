//! [`Context`]: an MLIR context that knows the dialects and keeps what MLIR says.

use super::diagnostics::Diagnostics;
use super::nesting;
use melior::dialect::{DialectHandle, DialectRegistry};
use melior::ir::operation::OperationLike;

/// The dialects, as MLIR loads them.
const DIALECTS: [(&str, &str); 3] = [
    ("venc.irdl", include_str!("../venc.irdl")),
    ("kernel.irdl", include_str!("../kernel.irdl")),
    ("plan.irdl", include_str!("../plan.irdl")),
];

/// A text that is no module of our dialects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MlirError {
    /// What MLIR's parser or verifier says, each message with its line and column.
    #[error("{}", .0.join("\n"))]
    Diagnostics(Vec<String>),
    /// A text that MLIR's parser is not given.
    #[error("the text {0}")]
    Unreadable(String),
}

/// An MLIR context with `venc`, `kernel`, `plan` and upstream's `func` loaded.
pub struct Context {
    // Declared, and so dropped, before the diagnostics that it writes to.
    context: melior::Context,
    diagnostics: Diagnostics,
}

impl Context {
    /// Loads the dialects. An error would be a fault of the IRDL files.
    pub fn new() -> Result<Self, MlirError> {
        // One thread: modules are small, and diagnostics arrive in order.
        let context = melior::Context::new_with_registry(&upstream_dialects(), false);
        context.load_all_available_dialects();
        let diagnostics = Diagnostics::attach(&context);
        let context = Context { context, diagnostics };
        for (file, text) in DIALECTS {
            if !melior::utility::load_irdl_dialects(&context.parse(text)?) {
                return Err(context.failure(&format!("{file} could not be loaded")));
            }
        }
        Ok(context)
    }

    fn parse(&self, text: &str) -> Result<melior::ir::Module<'_>, MlirError> {
        if text.contains('\0') {
            return Err(MlirError::Unreadable("holds a NUL character".into()));
        }
        if nesting::is_too_deep(text) {
            let reason = format!("has brackets nested deeper than {}", nesting::LIMIT);
            return Err(MlirError::Unreadable(reason));
        }
        self.diagnostics.take();
        match melior::ir::Module::parse(&self.context, text) {
            Some(module) if module.as_operation().verify() => Ok(module),
            _ => Err(self.failure("the text is not MLIR")),
        }
    }

    /// Whether MLIR takes a text, by the rules of the dialects.
    pub fn check(&self, text: &str) -> Result<(), MlirError> {
        self.parse(text).map(drop)
    }

    fn failure(&self, otherwise: &str) -> MlirError {
        let messages = self.diagnostics.take();
        match messages.is_empty() {
            true => MlirError::Diagnostics(vec![otherwise.to_string()]),
            false => MlirError::Diagnostics(messages),
        }
    }
}

/// Upstream's dialects that ours stand beside: functions, and IRDL itself.
fn upstream_dialects() -> DialectRegistry {
    let registry = DialectRegistry::new();
    DialectHandle::func().insert_dialect(&registry);
    // SAFETY: the function takes no argument and returns the handle of a dialect that is linked in.
    let irdl = unsafe { DialectHandle::from_raw(mlir_sys::mlirGetDialectHandle__irdl__()) };
    irdl.insert_dialect(&registry);
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> String {
        Context::new().unwrap().check(text).unwrap_err().to_string()
    }

    #[test]
    fn diagnostics_are_returned_with_their_place() {
        let message = messages("func.func @f(%x: tensor<2xf32>) {\n  foo\n}");
        assert!(message.starts_with("line 2, column 3: "), "{message}");
        assert!(message.contains("'foo'"), "{message}");
    }

    #[test]
    fn the_irdl_files_say_what_an_operation_takes() {
        let with =
            |op: &str| messages(&format!("func.func @f(%x: tensor<2xf32>) {{\n{op}\nreturn\n}}"));
        let message = with(r#"%0 = "venc.add"(%x) : (tensor<2xf32>) -> tensor<2xf32>"#);
        assert!(
            message.contains("venc.add")
                && message.contains("expects exactly 2 operands, but got 1"),
            "{message}"
        );
        let message = with(r#"%0 = "venc.scale"(%x) : (tensor<2xf32>) -> tensor<2xf32>"#);
        assert!(message.contains("venc.scale") && message.contains("factor"), "{message}");
        let message =
            with(r#"%0 = "venc.scale"(%x) {factor = "two"} : (tensor<2xf32>) -> tensor<2xf32>"#);
        assert!(message.contains("venc.scale") && message.contains("builtin.float"), "{message}");
        let message = with(r#"%0 = "venc.shuffle"(%x) : (tensor<2xf32>) -> tensor<2xf32>"#);
        assert!(message.contains("venc.shuffle"), "{message}");
    }

    #[test]
    fn text_that_would_end_the_process_is_refused() {
        assert_eq!(messages("\0"), "the text holds a NUL character");
        let deep = format!("module attributes {{a = {}", "[".repeat(1_000_000));
        assert_eq!(messages(&deep), "the text has brackets nested deeper than 100");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_panic() {
        let message = messages(r#""\FF\FE"() : () -> ()"#);
        assert!(message.starts_with("line 1, column "), "{message}");
    }
}
