//! Functions for what the simulator has not. They look at nothing that they are given, and say so.

use crate::errors::{Error, Result};

driver_functions! {
    fn cuMemAllocManaged() {
        unsupported()
    }
    fn cuMemAdvise_v2() {
        unsupported()
    }
    fn cuMemPrefetchAsync_v2() {
        unsupported()
    }
    fn cuStreamAttachMemAsync() {
        unsupported()
    }
    fn cuMemHostGetDevicePointer_v2() {
        unsupported()
    }
    fn cuLaunchCooperativeKernel() {
        unsupported()
    }
    fn cuOccupancyMaxActiveClusters() {
        unsupported()
    }
    fn cuOccupancyMaxPotentialClusterSize() {
        unsupported()
    }
    fn cuImportExternalMemory() {
        unsupported()
    }
    fn cuDestroyExternalMemory() {
        unsupported()
    }
    fn cuExternalMemoryGetMappedBuffer() {
        unsupported()
    }
    fn cuMemcpyPeerAsync() {
        unsupported()
    }
    fn cuGraphAddNode_v2() {
        unsupported()
    }
    fn cuGraphAddMemAllocNode() {
        unsupported()
    }
    fn cuGraphAddMemFreeNode() {
        unsupported()
    }
    fn cuLibraryLoadData() {
        unsupported()
    }
}

fn unsupported() -> Result<()> {
    Err(Error::NOT_SUPPORTED)
}
