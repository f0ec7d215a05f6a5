//! [`Tensor`]: a tensor in the caller's memory, and [`HostTensor`], the one of f32.

use crate::ElementType;
use half::{bf16, f16};

/// The greatest whole number up to which f32 holds every one: as far as indices go.
pub const MAX_INDEX: i32 = 1 << 24;

/// A tensor, contiguous, slowest dimension first.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tensor<T> {
    /// The dimensions.
    pub shape: Vec<usize>,
    /// The elements; as many as the product of the dimensions.
    pub data: Vec<T>,
}

/// An f32 tensor. Indices in it are whole numbers up to [`MAX_INDEX`].
pub type HostTensor = Tensor<f32>;

impl<T> Tensor<T> {
    /// A tensor of those elements; `None` where their number is not the product of the dimensions.
    pub fn new(shape: Vec<usize>, data: Vec<T>) -> Option<Self> {
        (element_count(&shape)? == data.len()).then_some(Tensor { shape, data })
    }
}

impl Tensor<f32> {
    /// A tensor of zeros; `None` where memory does not suffice.
    pub fn zeros(shape: Vec<usize>) -> Option<Self> {
        let elements = element_count(&shape)?;
        let layout = std::alloc::Layout::array::<f32>(elements).ok()?;
        if layout.size() == 0 {
            return Some(HostTensor { shape, data: Vec::new() });
        }
        // The system gives zeroed pages on first touch, and `vec![0.0; n]` would end the process where it has none.
        // SAFETY: the layout is not empty.
        let address = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<f32>();
        if address.is_null() {
            return None;
        }
        // SAFETY: the global allocator gave that address for `elements` floats, and zero bits are 0.0.
        let data = unsafe { Vec::from_raw_parts(address, elements, elements) };
        Some(HostTensor { shape, data })
    }

    /// Room for so many elements; `None` where memory does not suffice. To collect them without it ends the process
    /// where there is none.
    pub fn room_for(elements: usize) -> Option<Vec<f32>> {
        let mut data = Vec::new();
        data.try_reserve_exact(elements).ok()?;
        Some(data)
    }

    /// A copy; `None` where memory does not suffice.
    pub fn try_clone(&self) -> Option<Self> {
        let mut data = Self::room_for(self.data.len())?;
        data.extend_from_slice(&self.data);
        Some(HostTensor { shape: self.shape.clone(), data })
    }

    /// A tensor of elements as they are stored, little-endian; `None` where their number is not the product of the
    /// dimensions, or memory does not suffice.
    pub fn from_bytes(shape: Vec<usize>, element: ElementType, bytes: &[u8]) -> Option<Self> {
        if element_count(&shape)?.checked_mul(element.bytes() as usize)? != bytes.len() {
            return None;
        }
        let data = match element {
            ElementType::I32 => widen(bytes, |b| i32::from_le_bytes(b) as f32),
            ElementType::F32 => widen(bytes, f32::from_le_bytes),
            ElementType::BF16 => widen(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            ElementType::F16 => widen(bytes, |b| f16::from_le_bytes(b).to_f32()),
        }?;
        Some(HostTensor { shape, data })
    }
}

/// Stored elements as f32; `None` where memory does not suffice.
fn widen<const BYTES: usize>(bytes: &[u8], read: impl Fn([u8; BYTES]) -> f32) -> Option<Vec<f32>> {
    let stored = bytes.as_chunks::<BYTES>().0;
    let mut data = HostTensor::room_for(stored.len())?;
    data.extend(stored.iter().map(|bytes| read(*bytes)));
    Some(data)
}

/// The product of the dimensions; `None` where it overflows.
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_large_is_no_tensor() {
        assert_eq!(HostTensor::zeros(vec![usize::MAX, 2]), None);
        assert_eq!(HostTensor::zeros(vec![1 << 60]), None);
        assert_eq!(HostTensor::zeros(vec![2, 1]).unwrap().data, [0.0, 0.0]);
        assert_eq!(HostTensor::zeros(vec![0, 7]).unwrap().data, [0.0; 0]);
    }

    #[test]
    fn widens() {
        let bytes = [0x80, 0x3f, 0x00, 0xc0];
        let bf16 = HostTensor::from_bytes(vec![2], ElementType::BF16, &bytes).unwrap();
        assert_eq!(bf16.data, [1.0, -2.0]);
        let f16 = HostTensor::from_bytes(vec![1, 2], ElementType::F16, &[0x00, 0x3c, 0x00, 0xc0]);
        assert_eq!(f16.unwrap().data, [1.0, -2.0]);
        assert_eq!(HostTensor::from_bytes(vec![2], ElementType::F32, &bytes), None);
    }
}
