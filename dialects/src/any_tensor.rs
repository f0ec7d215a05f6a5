//! [`AnyTensor`]: a tensor in the caller's memory, whatever the type of its elements.

use crate::Tensor;
use half::{bf16, f16};

/// The elements of a tensor, contiguous, slowest dimension first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Elements<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// The upper half of single precision.
    BF16(&'a [bf16]),
    /// Half precision.
    F16(&'a [f16]),
    /// Whole numbers of 32 bits.
    I32(&'a [i32]),
    /// Whole numbers of 64 bits.
    I64(&'a [i64]),
}

impl Elements<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Elements::F32(elements) => elements.len(),
            Elements::BF16(elements) => elements.len(),
            Elements::F16(elements) => elements.len(),
            Elements::I32(elements) => elements.len(),
            Elements::I64(elements) => elements.len(),
        }
    }

    /// What their type is called, such as `bf16`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Elements::F32(_) => "f32",
            Elements::BF16(_) => "bf16",
            Elements::F16(_) => "f16",
            Elements::I32(_) => "i32",
            Elements::I64(_) => "i64",
        }
    }

    /// The first that is an infinity or a NaN: its position, and itself.
    pub fn first_non_finite(&self) -> Option<(usize, f32)> {
        match self {
            Elements::F32(elements) => first_non_finite(elements, |each| each),
            Elements::BF16(elements) => first_non_finite(elements, bf16::to_f32),
            Elements::F16(elements) => first_non_finite(elements, f16::to_f32),
            Elements::I32(_) | Elements::I64(_) => None,
        }
    }
}

fn first_non_finite<T: Copy>(of: &[T], as_f32: impl Fn(T) -> f32) -> Option<(usize, f32)> {
    of.iter().map(|each| as_f32(*each)).enumerate().find(|(_, value)| !value.is_finite())
}

/// A type that elements of a tensor may have.
pub trait Element: Copy {
    /// Elements of this type.
    fn elements(of: &[Self]) -> Elements<'_>;
}

/// One line for each type: it is the name of the variant that holds it.
macro_rules! elements {
    ($($type:ty: $variant:ident),*) => {
        $(impl Element for $type {
            fn elements(of: &[Self]) -> Elements<'_> {
                Elements::$variant(of)
            }
        })*
    };
}

elements!(f32: F32, bf16: BF16, f16: F16, i32: I32, i64: I64);

/// A tensor, by its shape and its elements.
pub trait AnyTensor {
    /// The dimensions.
    fn shape(&self) -> &[usize];

    /// The elements; as many as the product of the dimensions.
    fn elements(&self) -> Elements<'_>;
}

impl<T: Element> AnyTensor for Tensor<T> {
    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn elements(&self) -> Elements<'_> {
        T::elements(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_type() {
        let halves = Tensor::new(vec![2, 1], [1.5, f32::INFINITY].map(f16::from_f32).to_vec());
        let indices = Tensor::new(vec![2], vec![i64::MAX, -1]);
        let tensors: [&dyn AnyTensor; 2] = [&halves.unwrap(), &indices.unwrap()];
        assert_eq!(tensors.map(|tensor| tensor.elements().type_name()), ["f16", "i64"]);
        assert_eq!(tensors.map(|tensor| tensor.elements().count()), [2, 2]);
        let bad = tensors.map(|tensor| tensor.elements().first_non_finite());
        assert_eq!(bad, [Some((1, f32::INFINITY)), None]);
    }
}
