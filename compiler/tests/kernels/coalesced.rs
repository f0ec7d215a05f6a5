//! What every kernel for GPUs asks of memory: in each request, hardly more sectors of 32 bytes than its bytes fill.
//!
//! The list cannot lose a kernel: it goes over the families and over what is declared of moves and of operations on rows.

use crate::launch::Operand;
use crate::near::step;
use crate::simulated;
use ocellus_dialects::ElementType::{self, BF16, F32, I32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{
    Between, Broadcast, Combine, EpilogueOp, Family, GemmTile, KernelOp, Mask, Moved, Prologue,
    RowOperation, infer,
};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{
    Activate, Activation, BroadcastImages, Concat, GatherRows, InterpolatePositions,
    InterpolationFilter, InversePermutation, MaskSegments, MeanTokens, MergeHeads, Op, Patchify,
    Rope, SliceTokens, SplitHeads,
};
use ocellus_kernels::{Layout, NvidiaTarget, launch};
use ocellus_sim::{Counts, LineCounts};

const TARGET: NvidiaTarget = NvidiaTarget::SM_80;

/// The tokens of an image of 224 pixels in patches of 16, the width of a ViT-B, and its heads.
const TOKENS: i64 = 197;
const PATCHES: i64 = 196;
const WIDTH: i64 = 768;
const HEADS: i64 = 12;

/// Runs that begin with a sector and end with one.
const WHOLE_SECTORS: f64 = 1.0;

/// A launch, and what it may ask for.
struct Case {
    op: KernelOp,
    operands: Vec<Operand>,
    /// Sectors of a request, in parts of the fewest that hold its bytes.
    most: f64,
    /// Why not fewer.
    why: &'static str,
}

impl Case {
    fn new(op: KernelOp, operands: impl Into<Vec<Operand>>) -> Self {
        Case { op, operands: operands.into(), most: WHOLE_SECTORS, why: "" }
    }

    fn moved(op: impl Into<Op>, operands: impl Into<Vec<Operand>>) -> Self {
        Self::new(KernelOp::Move(op.into()), operands)
    }

    /// The same, which may ask for more.
    fn at_most(self, most: f64, why: &'static str) -> Self {
        Case { most, why, ..self }
    }

    /// What it gives.
    fn result(&self) -> Operand {
        let types: Vec<&TensorType> =
            self.operands.iter().map(|operand| &operand.layout.ty).collect();
        let ty = infer(&self.op, &types).unwrap();
        let shape: Vec<i64> = ty.shape.iter().map(|dim| dim.as_constant().unwrap()).collect();
        let element = match &self.op {
            KernelOp::PartialGemm { .. } => F32,
            _ => ty.element,
        };
        Operand::of(element, &shape, &vec![f64::NAN; shape.iter().product::<i64>() as usize], 0)
    }

    fn name(&self) -> String {
        let details = match &self.op {
            KernelOp::Gemm { epilogue, .. } => format!("{} steps", epilogue.len()),
            KernelOp::RowWise { prologue, epilogue, to } => {
                format!("{} {} steps {to}", prologue.name(), epilogue.len())
            }
            KernelOp::BatchedGemm { transpose_rhs: true } => "transposed".to_string(),
            KernelOp::BatchedGemm { transpose_rhs: false } => String::new(),
            KernelOp::PartialGemm { .. } | KernelOp::BackToBackGemm { .. } => String::new(),
            KernelOp::Attention { rotary, mask, .. } => {
                format!("{} {}", if *rotary { "rotary" } else { "" }, mask.name())
            }
            KernelOp::Move(op) => op.name().to_string(),
        };
        format!("{} {details} {}", self.op.family(), self.operands[0].layout.ty)
    }

    /// Runs it, and looks for the instruction that asks for the most.
    fn run(&self) -> Asked {
        let outcome = simulated::run(&self.op, &self.operands, &self.result(), TARGET);
        let asking = outcome.report.lines.into_iter().filter(|line| line.counts.ideal_sectors > 0);
        let worst = asking.max_by(|a, b| ratio(&a.counts).total_cmp(&ratio(&b.counts))).unwrap();
        Asked { total: outcome.report.total, worst }
    }

    /// What is asked for, as a line of a table.
    fn line(&self, Asked { total, worst }: &Asked) -> String {
        format!(
            "{:<62} {:>9} bytes {:>7} sectors of {:>7}: {:.2}, worst {:.2} in {}, allowed {:.2} {}",
            self.name(),
            total.global_loaded + total.global_stored,
            total.sectors,
            total.ideal_sectors,
            ratio(total),
            ratio(&worst.counts),
            worst.opcode,
            self.most,
            self.why,
        )
    }

    /// What is wrong with it, where an instruction asks for more than is allowed.
    fn complaint(&self, Asked { worst, .. }: &Asked) -> Option<String> {
        let LineCounts { line, opcode, counts } = worst;
        (ratio(counts) > self.most).then(|| {
            let (asked, fewest) = (counts.sectors, counts.ideal_sectors);
            let name = self.name();
            format!("{name}: line {line}, {opcode}, asks for {asked} sectors where {fewest} hold its bytes")
        })
    }
}

/// What a launch asks memory for.
struct Asked {
    total: Counts,
    /// The instruction that asks for most sectors, in parts of the fewest.
    worst: LineCounts,
}

/// Sectors, in parts of the fewest that hold as many bytes.
fn ratio(counts: &Counts) -> f64 {
    counts.sectors as f64 / counts.ideal_sectors as f64
}

/// The launches of a family.
fn of_family(family: Family) -> Vec<Case> {
    match family {
        Family::Attention => attention(),
        Family::BatchedGemm => batched_gemms(),
        Family::Gemm => gemms(),
        Family::Move => Moved::DECLARATIONS.iter().flat_map(|op| moves(op.name)).collect(),
        Family::PartialGemm => partial_gemms(),
        Family::RowWise => row_wise(),
        Family::BackToBackGemm => {
            assert_is_for_cpus_alone();
            vec![]
        }
    }
}

fn random(element: ElementType, shape: &[i64]) -> Operand {
    Operand::random(shape.iter().sum::<i64>() as u64, element, shape, 1.0)
}

/// Rows of tokens, of one of three projections that lie beside each other.
fn projected(element: ElementType, tokens: i64, width: i64) -> Operand {
    Operand::with_gap(7, element, &[1, tokens, width], 1.0, 2 * width)
}

/// Runs of a few tokens.
fn segments(shape: &[i64]) -> Operand {
    let count = shape.iter().product::<i64>();
    let segments: Vec<f64> = (0..count).map(|token| (token / 49) as f64).collect();
    Operand::of(I32, shape, &segments, 0)
}

fn add(broadcast: Broadcast) -> EpilogueOp {
    EpilogueOp::Combine(Combine::Add, broadcast)
}

/// With all that may be fused into it; `staged_attention` looks at heads of every size.
fn attention() -> Vec<Case> {
    let op = KernelOp::Attention {
        heads: 2,
        scale: 0.1,
        rotary: true,
        mask: Mask::Segments,
        warp_queries: None,
    };
    let qkv = [1, 2, 3].map(|_| projected(BF16, PATCHES, 2 * 80));
    let tables = [1, 2].map(|_| random(F32, &[PATCHES, 80]));
    vec![Case::new(op, [&qkv[..], &tables, &[segments(&[PATCHES])]].concat())]
}

fn batched_gemms() -> Vec<Case> {
    let product = |transpose_rhs, right: [i64; 3]| {
        Case::new(
            KernelOp::BatchedGemm { transpose_rhs },
            [random(BF16, &[2, 192, 64]), random(BF16, &right)],
        )
    };
    vec![product(true, [2, 192, 64]), product(false, [2, 64, 192])]
}

fn gemms() -> Vec<Case> {
    let gemm =
        |epilogue| KernelOp::Gemm { prologue: Prologue::None, epilogue, tile: GemmTile::DEFAULT };
    let columns = 256;
    let (x, weight) = (random(BF16, &[1, TOKENS, WIDTH]), random(BF16, &[columns, WIDTH]));
    let residual = Case::new(
        gemm(vec![add(Broadcast::Columns), add(Broadcast::Full)]),
        [x.clone(), weight.clone(), random(BF16, &[columns]), random(BF16, &[1, TOKENS, columns])],
    );
    let gated = Case::new(gemm(vec![EpilogueOp::Gate(Activation::Silu)]), [x, weight.clone()]);
    let image = random(BF16, &[1, 3, 224, 224]);
    let ty = TensorType::new(BF16, [1, PATCHES, WIDTH]);
    let layout = Layout::of_patches(&image.layout, &ty, (16, 16), &Dim::from(14)).unwrap();
    let patches = Case::new(
        gemm(vec![add(Broadcast::Table), EpilogueOp::AfterTokens]),
        [
            Operand { layout, ..image },
            weight,
            random(BF16, &[PATCHES, columns]),
            random(BF16, &[1, 1, columns]),
        ],
    );
    vec![residual, gated, patches]
}

fn partial_gemms() -> Vec<Case> {
    let op = KernelOp::PartialGemm { slices: 4, tile: GemmTile::DEFAULT };
    vec![Case::new(op, [random(BF16, &[50, WIDTH]), random(BF16, &[256, WIDTH])])]
}

fn row_wise() -> Vec<Case> {
    let rows = |element| random(element, &[1, TOKENS, WIDTH]);
    let with = |epilogue, operands: &[Operand], to| {
        let op = KernelOp::RowWise { prologue: Prologue::None, epilogue, to };
        Case::new(op, operands)
    };
    let combined = |broadcast, other: &[i64]| {
        with(vec![add(broadcast)], &[rows(BF16), random(BF16, other)], BF16)
    };
    let steps = Broadcast::ALL.map(|broadcast| match broadcast {
        Broadcast::Full => combined(broadcast, &[1, TOKENS, WIDTH]),
        Broadcast::Columns => combined(broadcast, &[WIDTH]),
        Broadcast::Rows => combined(broadcast, &[1, TOKENS, 1]),
        Broadcast::Table => combined(broadcast, &[PATCHES + 1, WIDTH]),
    });
    let activation = step(Activate { function: Activation::Gelu });
    let activated = with(vec![activation], &[rows(F32)], BF16);
    let prologues = RowOperation::DECLARATIONS.iter().flat_map(|op| after_prologue(op.name, &rows));
    prologues.chain(steps).chain([activated]).collect()
}

/// What happens to rows first.
fn after_prologue(name: &str, rows: &impl Fn(ElementType) -> Operand) -> Vec<Case> {
    let rows_of = |prologue, operands: &[Operand]| {
        let op = KernelOp::RowWise { prologue, epilogue: vec![], to: BF16 };
        Case::new(op, operands)
    };
    let (eps, column) = (1e-6, || random(BF16, &[WIDTH]));
    match name {
        // A cast by itself is a row-wise kernel without a prologue.
        "cast" => vec![rows_of(Prologue::None, &[rows(F32)])],
        "layer_norm" => vec![rows_of(
            Prologue::LayerNorm { eps, affine: true },
            &[rows(BF16), column(), column()],
        )],
        "rms_norm" => {
            vec![rows_of(Prologue::RmsNorm { eps, affine: true }, &[rows(BF16), column()])]
        }
        "norm_scale" => vec![rows_of(Prologue::NormScale { centered: true, eps }, &[rows(BF16)])],
        "sum_slices" => {
            let slices = random(F32, &[4, 50, WIDTH]);
            vec![rows_of(Prologue::SumSlices { slices: 4 }, &[slices])]
        }
        "softmax" => {
            let scores = |tokens| random(BF16, &[1, 2, tokens, tokens]);
            let odd = rows_of(Prologue::Softmax, &[scores(TOKENS)]);
            vec![
                rows_of(Prologue::Softmax, &[scores(192)]),
                odd.at_most(1.5, "rows of 394 bytes begin anywhere in a sector"),
            ]
        }
        other => panic!("no launch of {other}"),
    }
}

fn moves(name: &str) -> Vec<Case> {
    let tokens = |element| random(element, &[2, TOKENS, WIDTH]);
    match name {
        "broadcast_images" => {
            let images = Dim::from(3);
            vec![Case::moved(BroadcastImages { images }, [random(BF16, &[1, 7, WIDTH])])]
        }
        "concat" => {
            let classes = random(BF16, &[2, 1, WIDTH]);
            let patches = random(BF16, &[2, PATCHES, WIDTH]);
            let halves = [1, 2].map(|_| random(BF16, &[2, PATCHES, WIDTH / 2]));
            vec![
                Case::moved(Concat { axis: 1 }, [classes, patches]),
                Case::moved(Concat { axis: 2 }, halves),
            ]
        }
        "gather_rows" => {
            let order: Vec<f64> = (0..PATCHES).map(|row| ((row * 37) % PATCHES) as f64).collect();
            let index = Operand::of(I32, &[PATCHES], &order, 0);
            vec![Case::moved(GatherRows, [random(BF16, &[1, PATCHES, WIDTH]), index])]
        }
        "interpolate_positions" => {
            let (rows, cols) = (Dim::from(7), Dim::from(9));
            let (native_rows, native_cols) = (14, 14);
            let (filter, antialias) = (InterpolationFilter::Bicubic, true);
            let op =
                InterpolatePositions { native_rows, native_cols, rows, cols, filter, antialias };
            vec![Case::moved(op, [random(BF16, &[PATCHES, WIDTH])])]
        }
        "inverse_permutation" => {
            let order: Vec<f64> = (0..1024).map(|i| ((i * 389 + 1) % 1024) as f64).collect();
            let order = Operand::of(I32, &[1024], &order, 0);
            let scattered = "each index goes to a place of its own";
            vec![Case::moved(InversePermutation, [order]).at_most(8.0, scattered)]
        }
        "mask_segments" => {
            let mask = |tokens| {
                let scores = random(BF16, &[1, 2, tokens, tokens]);
                Case::moved(MaskSegments, [scores, segments(&[tokens])])
            };
            let odd = "rows of 394 bytes begin anywhere in a sector";
            vec![mask(192), mask(TOKENS).at_most(1.5, odd)]
        }
        "mean_tokens" => vec![BF16, F32]
            .into_iter()
            .map(|element| Case::moved(MeanTokens, [tokens(element)]))
            .collect(),
        "merge_heads" => vec![Case::moved(MergeHeads, [random(BF16, &[1, HEADS, TOKENS, 64])])],
        "patchify" => {
            let patches = |side: i64| {
                let (rows, cols) = (Dim::from(224 / side), Dim::from(224 / side));
                let op = Patchify { height: side, width: side, rows, cols };
                Case::moved(op, [random(BF16, &[1, 3, 224, 224])])
            };
            let odd = "28 bytes of a patch begin anywhere in a sector";
            vec![patches(16), patches(14).at_most(2.75, odd)]
        }
        "rope" => {
            let rotated = |heads: i64, head_size: i64| {
                let tables = [1, 2].map(|_| random(F32, &[PATCHES, head_size]));
                let x = projected(BF16, PATCHES, heads * head_size);
                Case::moved(Rope { heads }, [&[x][..], &tables].concat())
            };
            let odd = "half of a head of 80 is two sectors and a half";
            vec![rotated(HEADS, 64), rotated(16, 80).at_most(1.3, odd)]
        }
        "slice_tokens" => {
            let length = Dim::from(PATCHES);
            vec![Case::moved(SliceTokens { start: 1, length }, [tokens(BF16)])]
        }
        "split_heads" => {
            vec![Case::moved(SplitHeads { heads: HEADS }, [projected(BF16, TOKENS, WIDTH)])]
        }
        other => panic!("no launch of {other}"),
    }
}

/// The one family without a kernel for GPUs, which has nothing to be counted.
fn assert_is_for_cpus_alone() {
    let op = KernelOp::BackToBackGemm {
        prologue: Prologue::None,
        between: Between { epilogue: vec![], element: BF16 },
        epilogue: vec![],
        rows: 64,
    };
    let layout = Layout::contiguous(&TensorType::new(BF16, [64, 64]));
    let refused = launch(&op, &vec![layout.clone(); 3], &layout, TARGET).unwrap_err();
    assert!(refused.to_string().contains("it is written for CPUs"), "{refused}");
}

#[test]
fn no_request_asks_for_sectors_in_vain() {
    let mut complaints = vec![];
    for case in Family::ALL.into_iter().flat_map(of_family) {
        let asked = case.run();
        println!("{}", case.line(&asked));
        complaints.extend(case.complaint(&asked));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
