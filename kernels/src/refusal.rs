//! [`Refusal`]: that a kernel family has no kernel for an operation, and why.

use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::Family;
use ocellus_dialects::symbolic::Dim;

/// A kernel family has no kernel for an operation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{family}` has no kernel for this: {reason}")]
pub struct Refusal {
    /// The family.
    pub family: Family,
    /// Why.
    pub reason: Reason,
}

/// Why an operation has no kernel.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Fewer operands than the operation reads.
    #[error("operand {operand} is missing")]
    MissingOperand {
        /// Its position.
        operand: usize,
    },
    /// The last dimension is not what the operation needs.
    #[error("operand {operand} is {ty}, but its last dimension must be {wanted}")]
    Width {
        /// Its position.
        operand: usize,
        /// Its type.
        ty: TensorType,
        /// The dimension.
        wanted: Dim,
    },
    /// A size that code is written for is known only at run time.
    #[error("operand {operand} is {ty}: {what} must be known at compile time")]
    Dynamic {
        /// Its position.
        operand: usize,
        /// Its type.
        ty: TensorType,
        /// Which size.
        what: &'static str,
    },
    /// What is asked for that no kernel of the family can do.
    #[error("{0}")]
    Unsupported(String),
}
