//! What the kernel families can do: [`launch`] and [`schedules`], which nobody else decides.
//!
//! ```text
//! gemm prologue softmax [i*197, 768] x [768, 768]^T      refused: a softmax before a gemm is a row-wise kernel
//! gemm [i*197, 768] x [768, 768]^T                       a launch for each tile: 96 x 64, 96 x 32, 48 x 64, ..
//! ```

use crate::attention::{self, Attention};
use crate::back_to_back_gemm::{self, BackToBackGemm};
use crate::batched_gemm::BatchedGemm;
use crate::gemm::{self, Gemm};
use crate::movement::Movement;
use crate::rowwise::RowWise;
use crate::{Argument, CpuTarget, Kernel, Launch, Layout, Reason, Refusal, Target};
use ocellus_dialects::kernel::KernelOp;
use ocellus_runtime::signature::{Access, Signature, Word};

/// One way to divide the work of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The operation so divided.
    pub op: KernelOp,
    /// The launch that does it.
    pub launch: Launch<Kernel>,
}

/// The launch that does `op` as it is divided there. `operands` are in the order that [`KernelOp`] says.
pub fn launch(
    op: &KernelOp,
    operands: &[Layout],
    result: &Layout,
    target: impl Into<Target>,
) -> Result<Launch<Kernel>, Refusal> {
    let target = target.into();
    let launch = || -> Result<Launch<Kernel>, Reason> {
        refuse_patches(op, operands)?;
        let cpu = || cpu(target);
        Ok(match op {
            KernelOp::Gemm { prologue, epilogue, tile } => {
                Gemm::launch((*prologue, epilogue), *tile, operands, result, target)?
                    .map(Kernel::Gemm)
            }
            KernelOp::PartialGemm { slices, tile } => {
                Gemm::launch_partial(*slices, *tile, operands, result, target)?.map(Kernel::Gemm)
            }
            KernelOp::BackToBackGemm { prologue, between, epilogue, rows } => {
                let chain = (*prologue, between, epilogue.as_slice());
                BackToBackGemm::launch(chain, *rows, operands, result, &cpu()?)?
                    .map(Kernel::BackToBackGemm)
            }
            KernelOp::RowWise { prologue, epilogue, to } => {
                RowWise::launch(*prologue, epilogue, *to, operands, result, target)?
                    .map(Kernel::RowWise)
            }
            KernelOp::Attention { heads, scale, rotary, mask, warp_queries } => {
                let (scores, read) = ((*heads, *scale), (*rotary, *mask));
                Attention::launch(scores, read, *warp_queries, operands, result, target)?
                    .map(Kernel::Attention)
            }
            KernelOp::Move(op) => Movement::launch(op, operands, result, target)?
                .map(|movement| Kernel::Move(movement, target)),
            KernelOp::BatchedGemm { transpose_rhs } => {
                BatchedGemm::launch(*transpose_rhs, operands, result, target)?
                    .map(Kernel::BatchedGemm)
            }
        })
    };
    let launch = launch().map_err(|reason| Refusal { family: op.family(), reason })?;
    debug_assert!(launch.gives_what_is_read(), "{op:?}: the kernel reads other words");
    Ok(launch)
}

/// The schedules of `op`, however it is divided there: the default first.
pub fn schedules(
    op: &KernelOp,
    operands: &[Layout],
    result: &Layout,
    target: impl Into<Target>,
) -> Result<Vec<Schedule>, Refusal> {
    let target = target.into();
    let scheduled = |op: KernelOp| {
        let launch = launch(&op, operands, result, target)?;
        Ok(Schedule { op, launch })
    };
    divisions(op, operands, result, target).into_iter().map(scheduled).collect()
}

/// `op` in every division that its family has for operands of those types.
fn divisions(op: &KernelOp, operands: &[Layout], result: &Layout, target: Target) -> Vec<KernelOp> {
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => {
            let weight = operands.get(1 + prologue.operands());
            let divided =
                |tile| KernelOp::Gemm { prologue: *prologue, epilogue: epilogue.clone(), tile };
            gemm::tiles_of([operands.first(), weight], result, target)
                .into_iter()
                .map(divided)
                .collect()
        }
        KernelOp::PartialGemm { slices, .. } => {
            let divided = |tile| KernelOp::PartialGemm { slices: *slices, tile };
            let read = [operands.first(), operands.get(1)];
            gemm::tiles_of(read, result, target).into_iter().map(divided).collect()
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            let divided = |rows| KernelOp::BackToBackGemm {
                prologue: *prologue,
                between: between.clone(),
                epilogue: epilogue.clone(),
                rows,
            };
            back_to_back_gemm::ROWS.map(divided).into()
        }
        KernelOp::Attention { heads, scale, rotary, mask, .. } => {
            let (heads, scale, rotary, mask) = (*heads, *scale, *rotary, *mask);
            let divided =
                |warp_queries| KernelOp::Attention { heads, scale, rotary, mask, warp_queries };
            attention::warp_queries_of(heads, (rotary, mask), operands.first(), target)
                .into_iter()
                .map(divided)
                .collect()
        }
        KernelOp::RowWise { .. } | KernelOp::Move(_) | KernelOp::BatchedGemm { .. } => {
            vec![op.clone()]
        }
    }
}

/// The CPU; the families that are written for CPUs alone refuse another target.
fn cpu(target: Target) -> Result<CpuTarget, Reason> {
    match target {
        Target::Cpu(cpu) => Ok(cpu),
        Target::Nvidia(nvidia) => {
            Err(Reason::Unsupported(format!("it is written for CPUs, not for {}", nvidia.name)))
        }
    }
}

/// Refuses patches of an image where rows must each lie in one run. A gemm copies the rows of x in any case, so it alone
/// gathers them.
fn refuse_patches(op: &KernelOp, operands: &[Layout]) -> Result<(), Reason> {
    let gathers = usize::from(matches!(op, KernelOp::Gemm { .. }));
    let refused = |(position, layout): (usize, &Layout)| {
        layout.patches.is_some().then(|| {
            let why = format!("operand {position}, {}, is patches of an image", layout.ty);
            Reason::Unsupported(why)
        })
    };
    operands.iter().enumerate().skip(gathers).find_map(refused).map_or(Ok(()), Err)
}

impl Launch<Kernel> {
    /// Whether it gives the words that the kernel reads: a number for each number, an operand where the kernel reads and
    /// the result where it writes.
    fn gives_what_is_read(&self) -> bool {
        let Signature { words, .. } = self.kernel.signature();
        let fits = |(argument, word): (&Argument, &Word)| match (argument, word) {
            (Argument::Integer(_), Word::Count { .. } | Word::Distance) => true,
            (Argument::Operand(_), Word::Pointer(pointer)) => pointer.access == Access::Read,
            (Argument::Result, Word::Pointer(pointer)) => pointer.access == Access::Write,
            _ => false,
        };
        words.len() == self.arguments.len() && self.arguments.iter().zip(&words).all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::TensorType;
    use ocellus_dialects::kernel::{
        Broadcast, Combine, EpilogueOp, Family, GemmTile, Prologue, View,
    };
    use ocellus_dialects::symbolic::Dim;
    use ocellus_dialects::venc::Patchify;

    const TARGET: CpuTarget = CpuTarget::X86_64_V4;

    fn layout(shape: &[&str]) -> Layout {
        let dims = shape.iter().map(|dim| dim.parse::<Dim>().unwrap());
        Layout::contiguous(&TensorType::new(F32, dims))
    }

    fn gemm(prologue: Prologue) -> KernelOp {
        KernelOp::Gemm { prologue, epilogue: vec![], tile: GemmTile::DEFAULT }
    }

    fn refusal(op: &KernelOp, operands: &[Layout], result: &Layout) -> String {
        let refused = schedules(op, operands, result, TARGET).unwrap_err();
        assert_eq!(launch(op, operands, result, TARGET), Err(refused.clone()));
        assert_eq!(refused.family, op.family());
        refused.to_string()
    }

    #[test]
    fn a_gemm_is_cut_into_tiles_the_default_first() {
        let operands = [layout(&["images*197", "768"]), layout(&["768", "768"])];
        let all = schedules(&gemm(Prologue::None), &operands, &operands[0], TARGET).unwrap();
        let tile = |schedule: &Schedule| match &schedule.op {
            KernelOp::Gemm { tile, .. } => *tile,
            other => panic!("{other:?}"),
        };
        assert_eq!(tile(&all[0]), GemmTile::DEFAULT);
        assert!(all.len() > 3, "{all:?}");
        for schedule in &all {
            let found = launch(&schedule.op, &operands, &operands[0], TARGET).unwrap();
            assert_eq!(found, schedule.launch);
            assert_eq!(found.kernel.family(), Family::Gemm);
        }
    }

    #[test]
    fn what_no_kernel_does_is_refused_with_a_reason() {
        let x = layout(&["images", "197", "768"]);
        let operands = [x.clone(), layout(&["768", "768"])];
        assert_eq!(
            refusal(&gemm(Prologue::Softmax), &operands, &x),
            "`gemm` has no kernel for this: a softmax, the scale of a norm or a sum of slices before a gemm is a \
             row-wise kernel of its own"
        );
        let combine = EpilogueOp::Combine(Combine::Add, Broadcast::Full);
        let add = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![combine], to: F32 };
        let [rows, cols] = ["14", "14"].map(|dim| dim.parse().unwrap());
        let patches = View::from(Patchify { height: 16, width: 16, rows, cols });
        let image = layout(&["images", "3", "224", "224"]);
        let (_, patches) = image.view(&patches, &x.ty).unwrap();
        assert_eq!(
            refusal(&add, &[x.clone(), patches], &x),
            "`rowwise` has no kernel for this: operand 1, [images, 197, 768] x f32, is patches of an image"
        );
    }

    #[test]
    fn a_launch_gives_the_words_that_the_kernel_reads() {
        let operands = [layout(&["images*197", "768"]), layout(&["768", "768"])];
        let launch = launch(&gemm(Prologue::None), &operands, &operands[0], TARGET).unwrap();
        assert!(launch.gives_what_is_read());
        let [mut fewer, mut exchanged] = [launch.clone(), launch];
        fewer.arguments.pop();
        exchanged.arguments.swap(0, 1);
        assert!(!fewer.gives_what_is_read() && !exchanged.gives_what_is_read());
    }
}
