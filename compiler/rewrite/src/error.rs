//! What can go wrong between a `venc` module and its kernels.

use super::analysis::Conflict;
use ocellus_dialects::venc::VencError;

/// A module that could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// `--disable` of a rule that is not there.
    #[error("there is no rule `{name}`; {hint}")]
    UnknownRule {
        /// What was given.
        name: String,
        /// Rules of a similar name.
        hint: String,
    },
    /// A rule that was to be used by itself, and could not be.
    #[error("the rule `{rule}` is not used: {reason}")]
    UnusedRule {
        /// The rule.
        rule: String,
        /// Why.
        reason: String,
    },
    /// A rule that cannot be read. A defect of Ocellus.
    #[error("internal error: the rule `{rule}` cannot be read: {reason}")]
    MalformedRule {
        /// The rule.
        rule: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A rule that made two terms equal that are not. A defect of Ocellus.
    #[error(
        "internal error in @{function}: the rule `{rule}` is unsound (by {}): it makes\n  {}\nequal to\n  {}\n\
         compile with `--disable {rule}`, and report this",
        conflict.reason, conflict.left, conflict.right
    )]
    Unsound {
        /// The function that was being rewritten.
        function: String,
        /// The rule that was being applied.
        rule: String,
        /// The two terms.
        conflict: Box<Conflict>,
    },
    /// A value that no kernel can make.
    #[error("in @{function}: no kernel can compute {term}, which is {ty}{hint}")]
    NoKernel {
        /// The function.
        function: String,
        /// The operation.
        term: String,
        /// Its type.
        ty: String,
        /// Why kernel families refused it, and the disabled rules, where there are any.
        hint: String,
    },
    /// A module that is not well formed.
    #[error(transparent)]
    Venc(#[from] VencError),
    /// A launch of a program that its kernel family does not do.
    #[error(transparent)]
    Kernel(#[from] ocellus_kernels::Refusal),
    /// An operand of a launch that cannot be read as it lies.
    #[error(transparent)]
    View(#[from] ocellus_kernels::NotStrided),
    /// Symbols that no size was given for.
    #[error("the cost in @{function} depends on a symbol that has no value: {dim}")]
    Unbound {
        /// The function.
        function: String,
        /// The dimension.
        dim: String,
    },
    /// A size that does not say what a symbol of the module is.
    #[error("the size at which kernels are to be chosen gives the symbol `{0}` no value")]
    NoValue(String),
    /// Ranges that no call can be in.
    #[error("the declared ranges cannot be met: {0}")]
    Range(String),
    /// A target description that cannot be read.
    #[error("the target description {name}: {reason}")]
    Target {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Something that the rules promise does not hold. A defect of Ocellus.
    #[error("internal error in @{function}: {reason}")]
    Internal {
        /// The function.
        function: String,
        /// What does not hold.
        reason: String,
    },
}
