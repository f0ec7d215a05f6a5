//! [`DeviceStream`]: the order of work in which a caller uses a device.

use std::ffi::c_void;

/// A stream of the caller, in whose order a call runs: behind what is in the stream when the call begins, and before what is put
/// there when it has returned.
#[derive(Clone, Copy, Debug)]
pub struct DeviceStream(*mut c_void);

// SAFETY: the driver's streams may be used by any thread.
unsafe impl Send for DeviceStream {}
// SAFETY: as above, and by several at once.
unsafe impl Sync for DeviceStream {}

impl DeviceStream {
    /// The stream of that handle, such as CUDA's `CUstream`; null is CUDA's legacy default stream.
    ///
    /// # Safety
    /// It is a stream of the driver that the session uses, and stays until the calls that are given it have returned.
    pub unsafe fn from_raw(handle: *mut c_void) -> Self {
        DeviceStream(handle)
    }

    /// The handle.
    pub fn as_raw(self) -> *mut c_void {
        self.0
    }
}
