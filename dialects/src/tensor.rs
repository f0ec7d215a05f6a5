//! Tensor types: an element type and symbolic dimensions.

use crate::symbolic::Dim;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How an element is stored. Arithmetic accumulates in f32 whatever the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// IEEE 754 binary32.
    F32,
    /// The upper half of a binary32.
    BF16,
    /// IEEE 754 binary16.
    F16,
    /// Whole numbers of 32 bits: indices. There is no arithmetic on them; the operations that read them are those with
    /// an [`Op::index_operand`](crate::venc::Op::index_operand).
    I32,
}

impl ElementType {
    /// Bytes of one element.
    pub fn bytes(self) -> i64 {
        match self {
            ElementType::F32 | ElementType::I32 => 4,
            ElementType::BF16 | ElementType::F16 => 2,
        }
    }

    /// The name that MLIR, Hugging Face configs and the command line share.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => "f32",
            ElementType::BF16 => "bf16",
            ElementType::F16 => "f16",
            ElementType::I32 => "i32",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [ElementType::F32, ElementType::BF16, ElementType::F16, ElementType::I32]
            .into_iter()
            .find(|element| element.name() == name)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// How elements are stored.
    pub element: ElementType,
    /// The dimensions, slowest first.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// The type with that element and those dimensions.
    pub fn new(element: ElementType, shape: impl IntoIterator<Item = impl Into<Dim>>) -> Self {
        TensorType { element, shape: shape.into_iter().map(Into::into).collect() }
    }

    /// How many elements there are.
    pub fn elements(&self) -> Dim {
        self.shape.iter().cloned().product()
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The last dimension; `1` for a scalar.
    pub fn width(&self) -> Dim {
        self.shape.last().cloned().unwrap_or_else(|| Dim::from(1))
    }

    /// The product of all dimensions but the last.
    pub fn rows(&self) -> Dim {
        let outer = self.shape.len().saturating_sub(1);
        self.shape[..outer].iter().cloned().product()
    }
}

/// `[images, rows*cols + 1, 768] x f32`, the form that error messages use.
impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(Dim::to_string).collect();
        write!(f, "[{}] x {}", dims.join(", "), self.element)
    }
}
