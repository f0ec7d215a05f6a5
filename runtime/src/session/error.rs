//! [`RunError`]: why a call did not run.

use crate::devices::DeviceError;
use crate::signature::Misfit;
use ocellus_dialects::plan::EvaluationError;

/// Why a call did not run. Nothing was launched, except for [`Device`](Self::Device), and where there is no memory for a
/// result that is shown.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An input that was not given.
    #[error("the input `{name}` is missing: the model takes {expected}")]
    MissingInput {
        /// The input.
        name: String,
        /// All inputs with their shapes.
        expected: String,
    },
    /// An input that the model does not have.
    #[error("the model has no input `{name}`: it takes {expected}")]
    UnexpectedInput {
        /// The input.
        name: String,
        /// All inputs with their shapes.
        expected: String,
    },
    /// An input given twice.
    #[error("the input `{0}` is given twice")]
    DuplicateInput(String),
    /// An input whose elements are not as many as its shape says.
    #[error(
        "the input `{input}` has the shape {shape:?} and {elements} elements, which do not agree"
    )]
    Elements {
        /// The input.
        input: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many elements it has.
        elements: usize,
    },
    /// An input with too many or too few dimensions.
    #[error("the input `{input}` has the shape {found:?}, and the model takes {expected}")]
    Rank {
        /// The input.
        input: String,
        /// Its shape.
        found: Vec<usize>,
        /// What it should be.
        expected: String,
    },
    /// A dimension that is not what the model needs.
    #[error(
        "dimension {axis} of the input `{input}` is {found}, and must be {expected}: the model takes {shape}"
    )]
    Dimension {
        /// The input.
        input: String,
        /// Which dimension.
        axis: usize,
        /// Its size.
        found: i64,
        /// The size that it should have, with the expression for it.
        expected: String,
        /// The whole shape.
        shape: String,
    },
    /// Two inputs that disagree.
    #[error(
        "`{symbol}` is {found} by dimension {axis} of the input `{input}`, and {before} by dimension {axis_before} of \
         the input `{input_before}`: they must agree"
    )]
    Conflict {
        /// The symbol.
        symbol: String,
        /// The input that disagrees with one before it.
        input: String,
        /// Which dimension.
        axis: usize,
        /// Its size.
        found: i64,
        /// The input before.
        input_before: String,
        /// Its dimension.
        axis_before: usize,
        /// The size that it gave.
        before: i64,
    },
    /// An index that is not there, or is no index.
    #[error(
        "the input `{input}` has {value} at position {position}, and its elements must be {wanted}"
    )]
    Index {
        /// The input.
        input: String,
        /// Which of its elements, in order.
        position: usize,
        /// The element.
        value: String,
        /// What it should be.
        wanted: String,
    },
    /// Elements of a type in which kernels cannot be given them.
    #[error("the input `{input}` has elements of the type {found}, and the model takes {wanted}")]
    ElementType {
        /// The input.
        input: String,
        /// Their type.
        found: &'static str,
        /// What to give.
        wanted: &'static str,
    },
    /// Indices that cannot be looked at.
    #[error(
        "the input `{input}` holds indices, which are checked before kernels read them: give it in the memory of the host"
    )]
    IndicesOnDevice {
        /// The input.
        input: String,
    },
    /// An output that the model does not have.
    #[error("the model has no output `{name}`: it gives {expected}")]
    UnexpectedOutput {
        /// The output.
        name: String,
        /// All outputs.
        expected: String,
    },
    /// An output that is bound twice.
    #[error("the output `{0}` is bound twice")]
    DuplicateOutput(String),
    /// A tensor for an output of another shape or type.
    #[error(
        "the output `{output}` is bound to a tensor {found}, and the model gives {wanted} for these inputs"
    )]
    OutputTensor {
        /// The output.
        output: String,
        /// Shape and element type of the tensor.
        found: String,
        /// Those that it must have.
        wanted: String,
    },
    /// A tensor on a device that kernels cannot read or write at once.
    #[error(
        "the tensor for `{name}` begins at {pointer:#x}, which is no multiple of {alignment}: copy it to where it may lie"
    )]
    MisalignedTensor {
        /// The input or output.
        name: String,
        /// Where it begins.
        pointer: u64,
        /// What it must be a multiple of, in bytes.
        alignment: usize,
    },
    /// A tensor that is not on the session's device.
    #[error("the tensor for `{name}` cannot be used where it lies")]
    ForeignTensor {
        /// The input or output.
        name: String,
        /// What the device says.
        #[source]
        source: DeviceError,
    },
    /// A dimension of nothing.
    #[error(
        "`{symbol}` = {value} (dimension {axis} of the input `{input}`), and it must be at least {min}: the input is empty"
    )]
    NoSize {
        /// The symbol.
        symbol: String,
        /// Its value.
        value: i64,
        /// The input that brought it.
        input: String,
        /// Which dimension.
        axis: usize,
        /// The least size of the declared range.
        min: i64,
    },
    /// A size outside the declared range.
    #[error(
        "`{symbol}` = {value} (dimension {axis} of the input `{input}`) lies outside the declared range {range}: give \
         a size inside it, or compile the model again with `--range {wider}`"
    )]
    OutOfRange {
        /// The symbol.
        symbol: String,
        /// Its value.
        value: i64,
        /// The input that brought it.
        input: String,
        /// Which dimension.
        axis: usize,
        /// The declared range, with its step.
        range: String,
        /// A range that contains the value.
        wider: String,
    },
    /// A size for which there is no program.
    #[error("no piece of the artifact covers {0}: compile the model again")]
    NoPiece(String),
    /// A size or an offset of the plan without a value.
    #[error("`{expression}` of the artifact's plan has no value for {symbols}")]
    Expression {
        /// The expression.
        expression: String,
        /// The symbols' values.
        symbols: String,
        /// Why.
        #[source]
        source: EvaluationError,
    },
    /// A size below zero, or beyond what this machine can count.
    #[error("the artifact's plan makes {what} {value}, which is out of bounds")]
    Size {
        /// What has that size.
        what: String,
        /// The size.
        value: i128,
    },
    /// An address outside the memory that it is meant for.
    #[error("{what} of the artifact's plan lies at byte {offset} of a memory of {bytes} bytes")]
    OutOfBounds {
        /// Whose address.
        what: String,
        /// The offset.
        offset: i64,
        /// The size of the memory.
        bytes: usize,
    },
    /// A launch that its kernel must not be given.
    #[error("launch {launch} of the artifact's plan does not fit its kernel `{kernel}`: {misfit}")]
    Misfit {
        /// Which launch of its program.
        launch: usize,
        /// The kernel.
        kernel: String,
        /// What does not fit.
        misfit: Misfit,
    },
    /// A kernel that would leave the memory that it is given.
    #[error(
        "the kernel of launch {launch} of the artifact's plan would go on to byte {end} of argument {argument}, a memory \
         of {bytes} bytes"
    )]
    Reach {
        /// Which launch of its program.
        launch: usize,
        /// Which argument.
        argument: usize,
        /// Where the kernel would stop.
        end: usize,
        /// The size of the memory.
        bytes: usize,
    },
    /// An address that is no multiple of the size of the elements there.
    #[error(
        "argument {argument} of launch {launch} of the artifact's plan starts at byte {offset}, and its elements have \
         {element_bytes}"
    )]
    Misaligned {
        /// Which launch of its program.
        launch: usize,
        /// Which argument.
        argument: usize,
        /// Where it starts.
        offset: i64,
        /// Bytes of an element.
        element_bytes: i64,
    },
    /// A launch that reads what no launch before it wrote.
    #[error(
        "the kernel of launch {launch} of the artifact's plan reads up to byte {end} of argument {argument}, of which \
         {written} bytes are written before"
    )]
    Unwritten {
        /// Which launch of its program.
        launch: usize,
        /// Which argument.
        argument: usize,
        /// Where the kernel would stop.
        end: usize,
        /// How much of the memory was written.
        written: usize,
    },
    /// An output of which a part is not written.
    #[error(
        "the output `{output}` has {bytes} bytes, of which the artifact's plan writes {written}: compile the model again"
    )]
    IncompleteOutput {
        /// The output.
        output: String,
        /// Its size.
        bytes: usize,
        /// How much of it is written.
        written: usize,
    },
    /// An artifact whose file is another than when it was opened.
    #[error(
        "the artifact's file was changed while it was in use, so its weights are not to be trusted: load it again, and \
         replace an artifact by moving another file to its place, not by writing into it"
    )]
    ArtifactChanged,
    /// No memory.
    #[error("cannot allocate {bytes} bytes for {what}: give a smaller input")]
    OutOfMemory {
        /// What the memory is for.
        what: String,
        /// How much.
        bytes: usize,
    },
    /// The device.
    #[error("the device failed")]
    Device(#[from] DeviceError),
}
