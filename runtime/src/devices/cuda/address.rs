//! Whose memory an address is, as the driver knows it.

use super::context::Context;
use super::error::CudaError;
use cudarc::driver::sys::{self, CUmemorytype, CUpointer_attribute, CUresult};
use std::ffi::c_void;

/// Whether an address is one of the memory of a context's GPU.
pub fn check(context: &Context, address: u64) -> Result<(), CudaError> {
    context.enter()?;
    let wanted = CUmemorytype::CU_MEMORYTYPE_DEVICE as u32;
    let kind = attribute(context, CUpointer_attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address)?;
    if kind != Some(wanted) {
        return Err(CudaError::NotOnGpu { address });
    }
    let of_device = CUpointer_attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL;
    let (found, own) = (attribute(context, of_device, address)?, context.gpu.ordinal);
    match found {
        Some(found) if found == own => Ok(()),
        Some(found) => Err(CudaError::OtherGpu { address, found, own }),
        None => Err(CudaError::NotOnGpu { address }),
    }
}

/// What the driver knows of an address; `None` where it has never given that address to anybody.
fn attribute(
    context: &Context,
    attribute: CUpointer_attribute,
    address: u64,
) -> Result<Option<u32>, CudaError> {
    let mut value = 0u32;
    let place = (&raw mut value).cast::<c_void>();
    // SAFETY: what is asked for here is a number of 32 bits, which the driver writes there.
    match unsafe { sys::cuPointerGetAttribute(place, attribute, address) } {
        CUresult::CUDA_ERROR_INVALID_VALUE => Ok(None),
        result => context.check("cuPointerGetAttribute", result).map(|()| Some(value)),
    }
}
