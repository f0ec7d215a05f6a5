//! What an artifact holds for a GPU: PTX, a cubin where NVIDIA's assembler is found, and how each kernel is launched.

use super::Assembler;
use crate::{CodegenError, Optimization};
use ocellus_kernels::{Kernel, NvidiaTarget, symbols};
use ocellus_runtime::devices::cuda::{CodeObject, KernelEntry};

/// The bytes of a code object with those kernels, for the plan of that hash alone where one is given. With an assembler it
/// has a cubin, and a kernel that keeps values in local memory is refused, unless its code is not optimized.
pub(in super::super) fn code_object(
    kernels: &[Kernel],
    plan: Option<String>,
    ptx: String,
    target: &NvidiaTarget,
    assembler: Option<(&Assembler, Optimization)>,
) -> Result<Vec<u8>, CodegenError> {
    let cubin = match assembler {
        None => None,
        Some((assembler, optimization)) => {
            let cubin = assembler.assemble(&ptx, target.name)?;
            Some(match optimization {
                Optimization::Full => cubin.check(target.name)?.bytes,
                Optimization::Off => cubin.bytes,
            })
        }
    };
    let kernels = symbols(kernels).into_iter();
    let kernels = kernels.map(|(kernel, symbol)| entry(kernel, symbol, target));
    let object = CodeObject {
        architecture: target.name.to_string(),
        plan,
        kernels: kernels.collect(),
        ptx,
        cubin,
    };
    Ok(object.to_bytes()?)
}

/// How a kernel is launched. What is not for a GPU has no blocks, and is refused as such by the code object.
fn entry(kernel: &Kernel, symbol: String, target: &NvidiaTarget) -> KernelEntry {
    let block = kernel.thread_block();
    let number = |of: fn(&ocellus_kernels::ThreadBlock) -> i64| {
        block.as_ref().and_then(|block| u32::try_from(of(block)).ok()).unwrap_or(0)
    };
    KernelEntry {
        symbol,
        signature: kernel.signature(),
        threads: number(|block| block.threads),
        tiles: number(|block| block.tiles),
        shared_bytes: number(|block| block.shared_bytes),
        begins_early: target.begins_early(),
    }
}
