//! [`Gpu`]: the GPUs that a driver finds, and what they are.

use super::call::check;
use super::capability::Capability;
use super::error::CudaError;
use super::library::{self, Driver};
use cudarc::driver::sys::{self, CUdevice, CUdevice_attribute, CUresult};
use std::ffi::CStr;

/// Bytes of a GPU's name, its end included.
const NAME_BYTES: usize = 256;

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Its compute capability.
    pub capability: Capability,
    /// Bytes of its memory.
    pub memory_bytes: usize,
    /// How many multiprocessors it has.
    pub multiprocessors: u32,
    /// The most bytes of shared memory that a launch can give a block.
    pub shared_bytes: u32,
    /// Its number: the driver counts from 0 those that it shows.
    pub ordinal: u32,
    /// As the driver names it in its calls.
    pub(super) device: CUdevice,
}

/// What a driver finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverReport {
    /// The newest CUDA that the driver knows, such as `13.0`.
    pub version: String,
    /// The GPUs, in its order; `CUDA_VISIBLE_DEVICES` says which it shows, and in which order.
    pub gpus: Vec<Gpu>,
}

/// What a driver finds here. It is loaded and set up, and stays so.
pub fn examine(driver: Driver) -> Result<DriverReport, CudaError> {
    library::load(driver)?;
    let version = version()?;
    // SAFETY: nothing is asked of the caller.
    let result = unsafe { sys::cuInit(0) };
    if result == CUresult::CUDA_ERROR_NO_DEVICE {
        return Ok(DriverReport { version, gpus: Vec::new() });
    }
    check("cuInit", result)?;
    let mut count = 0;
    // SAFETY: the driver writes a number there.
    check("cuDeviceGetCount", unsafe { sys::cuDeviceGetCount(&mut count) })?;
    let gpus = (0..count).map(gpu).collect::<Result<_, _>>()?;
    Ok(DriverReport { version, gpus })
}

/// The GPU of that number, and the version of the driver.
pub(super) fn numbered(driver: Driver, ordinal: u32) -> Result<(Gpu, String), CudaError> {
    let DriverReport { version, gpus } = examine(driver)?;
    let count = gpus.len();
    match gpus.into_iter().find(|gpu| gpu.ordinal == ordinal) {
        Some(gpu) => Ok((gpu, version)),
        None if count == 0 => Err(CudaError::NoGpu { driver: version }),
        None => Err(CudaError::NoSuchGpu { asked: ordinal, count }),
    }
}

fn version() -> Result<String, CudaError> {
    let mut version = 0;
    // SAFETY: the driver writes a number there.
    check("cuDriverGetVersion", unsafe { sys::cuDriverGetVersion(&mut version) })?;
    Ok(format!("{}.{}", version / 1000, version % 1000 / 10))
}

fn gpu(ordinal: i32) -> Result<Gpu, CudaError> {
    let mut device = 0;
    // SAFETY: the driver writes a number there.
    check("cuDeviceGet", unsafe { sys::cuDeviceGet(&mut device, ordinal) })?;
    let mut memory_bytes = 0;
    // SAFETY: as above; the device is one of the driver's.
    check("cuDeviceTotalMem", unsafe { sys::cuDeviceTotalMem_v2(&mut memory_bytes, device) })?;
    use CUdevice_attribute::*;
    Ok(Gpu {
        name: name(device)?,
        capability: Capability {
            major: attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            minor: attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        },
        memory_bytes,
        multiprocessors: attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        shared_bytes: attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
        ordinal: u32::try_from(ordinal).unwrap_or(0),
        device,
    })
}

fn name(device: CUdevice) -> Result<String, CudaError> {
    let mut name = [0u8; NAME_BYTES];
    // SAFETY: the driver writes a text into so many bytes, one less than there are, so that a zero ends it.
    let result =
        unsafe { sys::cuDeviceGetName(name.as_mut_ptr().cast(), NAME_BYTES as i32 - 1, device) };
    check("cuDeviceGetName", result)?;
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    Ok(name.to_string_lossy().into_owned())
}

fn attribute(device: CUdevice, attribute: CUdevice_attribute) -> Result<u32, CudaError> {
    let mut value = 0;
    // SAFETY: the driver writes a number there.
    let result = unsafe { sys::cuDeviceGetAttribute(&mut value, attribute, device) };
    check("cuDeviceGetAttribute", result)?;
    Ok(u32::try_from(value).unwrap_or(0))
}
