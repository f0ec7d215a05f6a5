//! Edges of a graph behind which a launch begins before the one before has ended: programmatic dependent launch.
//!
//! A kernel that begins early waits in each of its threads for the launch before, and all that it was to wait for is done then: that
//! launch has ended, and was itself such a one, or one behind a full edge. So edges need lead from one launch to the next alone.

use super::library;
use cudarc::driver::sys::{
    self, CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC, CUgraph, CUgraphDependencyType, CUgraphEdgeData,
    CUgraphNode, CUresult,
};

/// The first CUDA that has such edges.
const SINCE: (u32, u32) = (12, 3);

/// Whether a driver for that version of CUDA, such as `12.3`, has such edges.
pub fn are_programmatic(version: &str) -> bool {
    let number = |text: &str| text.parse().ok();
    let version =
        version.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    version.is_some_and(|version: (u32, u32)| version >= SINCE) && library::has_edges()
}

/// Lets the launch of one node begin as soon as all blocks of the other have let it, or have ended.
///
/// # Safety
/// The driver has such edges, and graph and nodes are there.
pub unsafe fn add_programmatic(graph: CUgraph, from: CUgraphNode, to: CUgraphNode) -> CUresult {
    let edge = CUgraphEdgeData {
        from_port: CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC as u8,
        to_port: 0,
        type_: CUgraphDependencyType::CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC as u8,
        reserved: [0; 5],
    };
    // SAFETY: by the contract of this function; there is one of each.
    unsafe { sys::cuGraphAddDependencies_v2(graph, &from, &to, &edge, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::cuda::Driver;

    #[test]
    fn a_driver_has_them_from_a_version_on() {
        library::load(Driver::Simulator).unwrap();
        for (version, has_them) in
            [("12.2", false), ("11.8", false), ("12.3", true), ("13.0", true), ("", false)]
        {
            assert_eq!(are_programmatic(version), has_them, "{version}");
        }
    }
}
