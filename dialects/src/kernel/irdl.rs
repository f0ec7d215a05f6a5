//! What `mlir/kernel.irdl` has of the operations of `venc`, as MLIR's IRDL defines it.

use super::View;
use super::view::PREFIX;
use crate::venc::Elementwise;
use crate::venc::irdl::{TENSOR, names, operation};

/// What a step of an epilogue is.
const FUSED: &str = "irdl.base @kernel::@fused";

/// The functions of one element: steps of an epilogue, which read nothing beside it.
pub fn elementwise_irdl() -> String {
    let mut text = String::new();
    for declared in Elementwise::DECLARATIONS {
        for name in names(declared) {
            operation(&mut text, name, (&[], declared.attributes), FUSED);
        }
    }
    text
}

/// The ways to read a value without moving it.
pub fn view_irdl() -> String {
    let mut text = String::new();
    for declared in View::DECLARATIONS {
        let name = format!("{PREFIX}{}", declared.name);
        operation(&mut text, &name, (declared.operands, declared.attributes), TENSOR);
    }
    text
}
