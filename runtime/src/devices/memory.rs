//! [`Memory`]: memory that kernels address.

/// Whose memory a device's kernels address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySpace {
    /// The host's: an address of the host is one of the device.
    Host,
    /// The device's own: what kernels read must be copied there, and what they write copied back.
    Device,
}

/// Memory that kernels address, given back when it is dropped.
pub struct Memory {
    address: i64,
    bytes: usize,
    _owner: Box<dyn Send + Sync>,
}

impl Memory {
    /// Memory starts at multiples of this.
    pub const ALIGNMENT: usize = 64;

    /// The memory that lies there for as long as `owner` does.
    pub fn new(address: i64, bytes: usize, owner: impl Send + Sync + 'static) -> Self {
        Memory { address, bytes, _owner: Box::new(owner) }
    }

    /// Where it starts, as kernels address it.
    pub fn address(&self) -> i64 {
        self.address
    }

    /// Its size.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
