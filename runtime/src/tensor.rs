//! [`HostTensor`]: a tensor in the caller's memory.

/// An f32 tensor, contiguous, slowest dimension first.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct HostTensor {
    /// The dimensions.
    pub shape: Vec<usize>,
    /// The elements; as many as the product of the dimensions.
    pub data: Vec<f32>,
}

impl HostTensor {
    /// A tensor of those elements; `None` where their number is not the product of the dimensions.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Option<Self> {
        let elements = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
        (elements == data.len()).then_some(HostTensor { shape, data })
    }
}
