//! [`VencError`]: why a module, or an application of an operation, is not one.

use super::limits::{MAX_CALL_DEPTH, MAX_OPERATIONS};

/// An operation applied to operands that it does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VencError {
    /// The wrong number of operands.
    #[error("venc.{op} takes {expected}, and was given {given} operand(s)")]
    OperandCount {
        /// The operation.
        op: &'static str,
        /// What it takes.
        expected: String,
        /// How many it was given.
        given: usize,
    },
    /// An operand of the wrong type.
    #[error("venc.{op}: operand #{index} `{operand}` is {given}, {expected}")]
    Operand {
        /// The operation.
        op: &'static str,
        /// Which operand.
        index: usize,
        /// What the operand is called in the operation's declaration.
        operand: &'static str,
        /// Its type.
        given: String,
        /// What is wrong with it.
        expected: String,
    },
    /// An attribute that no operands go with.
    #[error("venc.{op}: attribute `{attribute}`: {reason}")]
    Attribute {
        /// The operation.
        op: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A call of a function that is not there.
    #[error("venc.call: the module has no function `@{0}`")]
    UnknownCallee(String),
    /// A value that is used before it is made.
    #[error("venc.{op} uses %{value}, which no earlier operation makes")]
    UseBeforeDefinition {
        /// The operation.
        op: &'static str,
        /// The number of the value.
        value: u32,
    },
    /// A node whose recorded type is not what its operation gives.
    #[error("venc.{op} is recorded as {recorded}, and gives {inferred}")]
    RecordedType {
        /// The operation.
        op: &'static str,
        /// The type in the module.
        recorded: String,
        /// The type that follows from the operands.
        inferred: String,
    },
    /// A module without the function that a run calls.
    #[error("the module has no function `@{0}`, which is to be its entry")]
    NoEntry(String),
    /// Two functions, arguments or results of one name.
    #[error("{kind} `{name}` is there twice")]
    Duplicate {
        /// What bears the name.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A called function that does not give one result.
    #[error("`@{callee}` is called, and {reason}")]
    NotCallable {
        /// The function.
        callee: String,
        /// Why it cannot be called.
        reason: &'static str,
    },
    /// A function whose calls do not end.
    #[error(
        "the calls of `@{0}` lead into a circle: no function may call itself, directly or through others"
    )]
    CallCircle(String),
    /// A function whose calls nest too deep.
    #[error("the calls of `@{0}` nest more than {MAX_CALL_DEPTH} deep: make one function of some")]
    CallDepth(String),
    /// A function whose calls double the program with each level.
    #[error(
        "`@{0}`, with each call replaced by what it calls, has more than {MAX_OPERATIONS} operations: functions that \
         call others twice double the program with each level"
    )]
    TooManyOperations(String),
    /// A result that is no value of its function.
    #[error("the result `{name}` is %{value}, which nothing makes")]
    UnknownResult {
        /// The result.
        name: String,
        /// The number of the value.
        value: u32,
    },
    /// A dimension over symbols that the module does not declare.
    #[error("{place} is {ty}, and the symbol `{symbol}` is not declared")]
    UndeclaredSymbol {
        /// The operation or the argument.
        place: String,
        /// Its type.
        ty: String,
        /// The symbol.
        symbol: String,
    },
    /// Indices where only numbers can be.
    #[error(
        "{place} is {ty}: indices are arguments that change from call to call, no weights and no results"
    )]
    IndexPlace {
        /// The argument, the weight or the result.
        place: String,
        /// Its type.
        ty: String,
    },
    /// The same, with the function it was found in.
    #[error("in @{function}: {source}")]
    InFunction {
        /// The function.
        function: String,
        /// What is wrong.
        source: Box<VencError>,
    },
}
