//! A kernel: all that its code depends on.

use crate::attention::Attention;
use crate::back_to_back_gemm::BackToBackGemm;
use crate::batched_gemm::BatchedGemm;
use crate::entry::{self, Entry};
use crate::gemm::Gemm;
use crate::mlir::Module;
use crate::movement::Movement;
use crate::rowwise::RowWise;
use crate::{Target, ThreadBlock};
use ocellus_dialects::kernel::Family;
use ocellus_runtime::signature::Signature;

/// A kernel of any family. Equal kernels have equal code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// `merge_heads(softmax(split_heads(q) split_heads(k)^T * scale) split_heads(v))`
    Attention(Attention),
    /// `epilogue(inner_epilogue(prologue(x) first^T) second^T)`
    BackToBackGemm(BackToBackGemm),
    /// `a b` or `a b^T` of activations
    BatchedGemm(BatchedGemm),
    /// `epilogue(prologue(x) weight^T)`
    Gemm(Gemm),
    /// Elements moved, or a few of them weighed.
    Move(Movement, Target),
    /// `epilogue(prologue(x))`
    RowWise(RowWise),
}

impl Kernel {
    /// What the kernel is, in words, as far as a symbol can say it. Other kernels may have the same words: see
    /// [`symbols`](crate::symbols).
    pub(crate) fn name(&self) -> String {
        match self {
            Kernel::Attention(attention) => attention.name(),
            Kernel::BackToBackGemm(gemms) => gemms.name(),
            Kernel::BatchedGemm(gemm) => gemm.name(),
            Kernel::Gemm(gemm) => gemm.name(),
            Kernel::Move(movement, _) => movement.name(),
            Kernel::RowWise(row_wise) => row_wise.name(),
        }
    }

    /// The family: the folder that implements it.
    pub fn family(&self) -> Family {
        match self {
            Kernel::Attention(_) => Family::Attention,
            Kernel::BackToBackGemm(_) => Family::BackToBackGemm,
            Kernel::BatchedGemm(_) => Family::BatchedGemm,
            Kernel::Gemm(gemm) if gemm.product.slices > 1 => Family::PartialGemm,
            Kernel::Gemm(_) => Family::Gemm,
            Kernel::Move(..) => Family::Move,
            Kernel::RowWise(_) => Family::RowWise,
        }
    }

    /// What it is written for.
    pub fn target(&self) -> Target {
        match self {
            Kernel::Attention(attention) => attention.target(),
            Kernel::BackToBackGemm(gemms) => gemms.target.into(),
            Kernel::BatchedGemm(gemm) => gemm.target(),
            Kernel::Gemm(gemm) => gemm.target(),
            Kernel::Move(_, target) => *target,
            Kernel::RowWise(row_wise) => row_wise.target,
        }
    }

    /// How many rows and columns are computed at once: a kernel with fewer does the work of so many.
    pub fn at_once(&self) -> [i64; 2] {
        match self {
            Kernel::Gemm(gemm) => gemm.at_once(),
            Kernel::BackToBackGemm(gemms) => [gemms.rows_at_once(), 1],
            Kernel::Attention(_)
            | Kernel::BatchedGemm(_)
            | Kernel::Move(..)
            | Kernel::RowWise(_) => [1, 1],
        }
    }

    /// How many blocks of rows read a weight at the same time, and so from memory once.
    pub fn blocks_beside(&self) -> i64 {
        match self {
            Kernel::Gemm(gemm) => gemm.blocks_beside(),
            Kernel::Attention(_)
            | Kernel::BackToBackGemm(_)
            | Kernel::BatchedGemm(_)
            | Kernel::Move(..)
            | Kernel::RowWise(_) => 1,
        }
    }

    /// The thread blocks that run it; `None` where it is for a CPU.
    pub fn thread_block(&self) -> Option<ThreadBlock> {
        match (self, self.target()) {
            (_, Target::Cpu(_)) => None,
            (Kernel::Gemm(gemm), Target::Nvidia(_)) => gemm.thread_block(),
            (Kernel::Attention(attention), Target::Nvidia(_)) => attention.thread_block(),
            (Kernel::BatchedGemm(gemm), Target::Nvidia(_)) => gemm.thread_block(),
            (
                Kernel::BackToBackGemm(_) | Kernel::Move(..) | Kernel::RowWise(_),
                Target::Nvidia(_),
            ) => Some(entry::BLOCK_OF_WARPS),
        }
    }

    /// What the code does with its argument block: the module has it beside the code, for whoever loads that.
    pub fn signature(&self) -> Signature {
        match self {
            Kernel::Attention(attention) => attention.signature(),
            Kernel::BackToBackGemm(gemms) => gemms.signature(),
            Kernel::BatchedGemm(gemm) => gemm.signature(),
            Kernel::Gemm(gemm) => gemm.signature(),
            Kernel::Move(movement, target) => movement.signature(*target),
            Kernel::RowWise(row_wise) => row_wise.signature(),
        }
    }

    /// Writes the code into a module, and what it does beside it.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str) {
        let signature = self.signature();
        module.constant(&Signature::symbol_of(symbol), &signature.to_text());
        let entry = Entry {
            symbol,
            words: signature.words.len(),
            scratch_bytes: signature.scratch_bytes.as_constant().unwrap_or_default(),
            target: self.target(),
            blocks_at_once: entry::BLOCKS_AT_ONCE,
        };
        match self {
            Kernel::Attention(attention) => attention.define(module, entry),
            Kernel::BackToBackGemm(gemms) => gemms.define(module, entry),
            Kernel::BatchedGemm(gemm) => gemm.define(module, entry),
            Kernel::Gemm(gemm) => gemm.define(module, entry),
            Kernel::Move(movement, _) => movement.define(module, entry),
            Kernel::RowWise(row_wise) => row_wise.define(module, entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{CpuTarget, Layout, launch};
    use ocellus_dialects::kernel::{EpilogueOp, KernelOp, Prologue};
    use ocellus_dialects::venc::Scale;
    use ocellus_dialects::{ElementType, TensorType};

    #[test]
    fn a_row_wise_kernel_reads_as_what_it_does() {
        let layout = |element| Layout::contiguous(&TensorType::new(element, [100, 19]));
        let op = KernelOp::RowWise {
            prologue: Prologue::None,
            epilogue: vec![EpilogueOp::Elementwise(Scale { factor: 0.5 }.into())],
            to: ElementType::BF16,
        };
        let target = CpuTarget::X86_64_V3;
        let (x, y) = (layout(ElementType::F16), layout(ElementType::BF16));
        let launch = launch(&op, &[x], &y, target).unwrap();
        insta::assert_snapshot!(launch.kernel.emit());
    }
}
