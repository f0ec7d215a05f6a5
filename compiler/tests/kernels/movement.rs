//! The kernels that move elements, against the reference interpreter.

use crate::launch::{Operand, all_targets, assert_close, rounding, run};
use ocellus_codegen::{Assembler, Optimization, emit_assembly};
use ocellus_dialects::ElementType::{self, BF16, F16, F32, I32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{
    self, BroadcastImages, Concat, GatherRows, InterpolatePositions, InterpolationFilter,
    InversePermutation, MaskSegments, MeanTokens, MergeHeads, Op, Patchify, Rope, SliceTokens,
    SplitHeads,
};
use ocellus_kernels::{CpuTarget, Kernel, Launch, Layout, NvidiaTarget, Refusal, Target, launch};
use ocellus_runtime::HostTensor;

/// What `op` makes of the operands' values, and its shape.
pub fn reference(op: &Op, operands: &[Operand]) -> (Vec<i64>, Vec<f64>) {
    let tensor = |operand: &Operand| {
        let sizes = operand.layout.ty.shape.iter().map(|dim| dim.as_constant().unwrap() as usize);
        let values = operand.values.iter().map(|value| *value as f32).collect();
        HostTensor::new(sizes.collect(), values).unwrap()
    };
    let tensors: Vec<HostTensor> = operands.iter().map(tensor).collect();
    let result = venc::evaluate(op, &tensors.iter().collect::<Vec<_>>(), &Bindings::new()).unwrap();
    let shape = result.shape.iter().map(|size| *size as i64).collect();
    (shape, result.data.iter().map(|value| f64::from(*value)).collect())
}

/// Holds the kernel to the reference, each element to `bound` of its own magnitude and of `scale`.
fn check(op: impl Into<Op>, operands: &[Operand], error: f64, gap: i64, target: Target) {
    let op = op.into();
    let element = operands[0].layout.ty.element;
    let (shape, wanted) = reference(&op, operands);
    let empty = vec![f64::NAN; wanted.len()];
    let result = Operand::of(element, &shape, &empty, gap);
    let what = format!("{} {element} {op:?}", target.name());
    let found = run(&KernelOp::Move(op), operands, &result, target);
    let round = if error == 0.0 { 0.0 } else { rounding(element) };
    let wanted: Vec<(f64, f64)> =
        wanted.into_iter().map(|value| (value, error + value.abs() * round)).collect();
    assert_close(&found, &wanted, &what);
}

fn on_every_target(mut body: impl FnMut(ElementType, Target)) {
    for target in all_targets() {
        body(F32, target);
        // Bits are bits on any CPU.
        if !matches!(target, Target::Cpu(cpu) if cpu != CpuTarget::X86_64_V3) {
            body(BF16, target);
        }
    }
}

#[test]
fn patches_of_any_size_are_cut_and_what_is_left_over_is_dropped() {
    on_every_target(|element, target| {
        for (height, width, shape, gap) in
            [(16, 16, [2, 3, 35, 50], 0), (14, 14, [1, 3, 28, 29], 3), (3, 5, [3, 1, 10, 11], 0)]
        {
            let (rows, cols) = (Dim::from(shape[2] / height), Dim::from(shape[3] / width));
            let op = Patchify { height, width, rows, cols };
            let image = Operand::with_gap(1, element, &shape, 1.0, gap);
            check(op, &[image], 0.0, gap, target);
        }
    });
}

#[test]
fn tokens_follow_each_other_and_one_may_be_the_same_in_each_image() {
    on_every_target(|element, target| {
        let class = Operand::random(1, element, &[1, 1, 40], 1.0);
        let written_out = Operand::of(element, &[3, 1, 40], &class.values.repeat(3), 0);
        let mut expanded = class;
        expanded.layout.ty.shape[0] = Dim::from(3);
        expanded.layout.image_stride = Dim::from(0);
        let patches = Operand::with_gap(2, element, &[3, 37, 40], 1.0, 5);
        let op = Op::Concat(Concat { axis: 1 });
        let (shape, wanted) = reference(&op, &[written_out, patches.clone()]);
        let result = Operand::of(element, &shape, &vec![f64::NAN; wanted.len()], 2);
        let operands = [expanded, patches];
        let found = run(&KernelOp::Move(op), &operands, &result, target);
        assert_eq!(found, wanted, "{}", target.name());
    });
}

#[test]
fn rows_are_sliced_repeated_and_joined() {
    on_every_target(|element, target| {
        let x = Operand::with_gap(1, element, &[3, 21, 37], 1.0, 4);
        let length = Dim::from(16);
        check(SliceTokens { start: 5, length }, std::slice::from_ref(&x), 0.0, 1, target);

        let narrow = Operand::with_gap(2, element, &[3, 21, 6], 1.0, 1);
        let operands = [x, narrow];
        check(Concat { axis: 2 }, &operands, 0.0, 3, target);

        let images = Dim::from(4);
        for shape in [&[1, 45][..], &[1, 9, 45]] {
            let one = Operand::with_gap(3, element, shape, 1.0, 2);
            check(BroadcastImages { images: images.clone() }, &[one], 0.0, 0, target);
        }
    });
}

#[test]
fn rows_are_gathered_in_the_order_of_an_index() {
    on_every_target(|element, target| {
        let index: Vec<f64> = (0..45).map(|row| f64::from((row * 7) % 37)).collect();
        let index = Operand::of(I32, &[45], &index, 0);
        for (shape, gap) in [(&[3, 37, 40][..], 0), (&[2, 37, 5], 3), (&[37, 70], 1)] {
            let x = Operand::with_gap(1, element, shape, 1.0, gap);
            let operands = [x, index.clone()];
            check(GatherRows, &operands, 0.0, gap, target);
        }
    });
}

#[test]
fn permutations_are_inverted() {
    for target in all_targets() {
        for count in [1, 4095, 4097, 10_000] {
            // A step that shares no factor with the count visits each place once.
            let order: Vec<f64> = (0..count).map(|i| ((i * 7919 + 1) % count) as f64).collect();
            let order = Operand::of(I32, &[count], &order, 0);
            check(InversePermutation, &[order], 0.0, 0, target);
        }
    }
}

#[test]
fn scores_between_segments_are_masked() {
    on_every_target(|element, target| {
        // Rows that begin anywhere, and rows that a GPU reads in vectors.
        for (shape, gap) in [(&[37][..], 2), (&[3, 37], 2), (&[40], 0), (&[3, 40], 0)] {
            let tokens = shape[shape.len() - 1];
            let scores = Operand::with_gap(1, element, &[3, 2, tokens, tokens], 1.0, gap);
            let count = shape.iter().product::<i64>();
            let segments: Vec<f64> = (0..count).map(|token| (token % 5 - 2) as f64).collect();
            let operands = [scores.clone(), Operand::of(I32, shape, &segments, 0)];
            let op = Op::MaskSegments(MaskSegments);
            let (shape, wanted) = reference(&op, &operands);
            let result = Operand::of(element, &shape, &vec![f64::NAN; wanted.len()], gap / 2);
            let op = KernelOp::Move(op);
            assert_eq!(run(&op, &operands, &result, target), wanted, "{}", target.name());
        }
    });
}

/// Two products and a sum of numbers below 1, in f32.
#[test]
fn heads_are_rotated() {
    on_every_target(|element, target| {
        for (heads, head_size, gaps) in [
            (1, 2, [4, 1, 3]),
            (3, 16, [4, 1, 3]),
            (2, 80, [4, 1, 3]),
            (4, 10, [4, 1, 3]),
            // A GPU rotates several columns at once, here four and two.
            (3, 80, [0, 0, 0]),
            (4, 36, [4, 0, 0]),
        ] {
            let [gap, of_tables, of_result] = gaps;
            let x = Operand::with_gap(1, element, &[2, 19, heads * head_size], 1.0, gap);
            let table = |seed| Operand::with_gap(seed, F32, &[19, head_size], 1.0, of_tables);
            let error = 4.0 * rounding(F32);
            check(Rope { heads }, &[x, table(2), table(3)], error, of_result, target);
        }
    });
}

#[test]
fn heads_are_split_and_merged() {
    on_every_target(|element, target| {
        let whole = Operand::with_gap(1, element, &[2, 29, 5 * 24], 1.0, 4);
        let heads = 5;
        check(SplitHeads { heads }, &[whole], 0.0, 0, target);
        let split = Operand::random(2, element, &[2, 5, 29, 24], 1.0);
        check(MergeHeads, &[split], 0.0, 4, target);
    });
}

/// A mean of numbers below 1 is off by at most the roundings of a block's sum and of the sum of blocks.
#[test]
fn means_are_right_over_many_tokens() {
    for target in all_targets() {
        for (element, tokens, width, gap) in [
            (F32, 1, 5, 3),
            (F32, 1000, 300, 3),
            (BF16, 197, 70, 3),
            // On a GPU threads share the tokens: four, eight and two.
            (F32, 1000, 300, 0),
            (BF16, 197, 72, 8),
            (BF16, 3, 70, 0),
        ] {
            let x = Operand::with_gap(1, element, &[2, tokens, width], 1.0, gap);
            let error = (64 + tokens / 64 + 2) as f64 * rounding(F32);
            check(MeanTokens, &[x], error, 0, target);
        }
    }
}

/// Weights are right to 5 roundings, and there are as many products as taps; their magnitudes sum to at most 2.
#[test]
fn position_tables_are_resampled_as_the_reference_does() {
    let filters = [InterpolationFilter::Bilinear, InterpolationFilter::Bicubic];
    for (filter, antialias) in filters.into_iter().flat_map(|f| [(f, false), (f, true)]) {
        let cpu = match antialias {
            true => CpuTarget::X86_64_V3,
            false => CpuTarget::host().unwrap(),
        };
        for (element, (native_rows, native_cols), (rows, cols), (width, gap)) in [
            (F32, (7, 5), (7, 5), (53, 3)),
            (F32, (7, 5), (3, 11), (56, 0)),
            (F32, (16, 16), (5, 31), (53, 3)),
            (F32, (37, 37), (16, 1), (56, 0)),
            (F32, (1, 2), (9, 4), (53, 3)),
            (F16, (6, 6), (4, 9), (53, 3)),
            (F16, (6, 6), (4, 9), (56, 0)),
        ] {
            let shape = [native_rows * native_cols, width];
            let table = Operand::with_gap(1, element, &shape, 1.0, gap);
            let (rows, cols) = (Dim::from(rows), Dim::from(cols));
            let op =
                InterpolatePositions { native_rows, native_cols, rows, cols, filter, antialias };
            let error = if element == F32 { 1e-6 } else { 1e-6 + rounding(element) * 1e-3 };
            for target in [cpu.into(), NvidiaTarget::SM_80.into()] {
                check(op.clone(), std::slice::from_ref(&table), error, gap, target);
            }
        }
    }
}

/// A table of bf16, resampled on a GPU.
fn resampled_on_gpu(
    (native_rows, native_cols): (i64, i64),
    width: i64,
    antialias: bool,
) -> Result<Launch<Kernel>, Refusal> {
    let [rows, cols] = [40, 30].map(Dim::from);
    let filter = InterpolationFilter::Bicubic;
    let op = InterpolatePositions { native_rows, native_cols, rows, cols, filter, antialias };
    let layout = |rows: i64| Layout::contiguous(&TensorType::new(BF16, [rows, width]));
    let table = layout(native_rows * native_cols);
    launch(&KernelOp::Move(op.into()), &[table], &layout(40 * 30), NvidiaTarget::SM_80)
}

/// A kernel may declare 48 KiB of the memory that a block shares, in which four warps keep taps.
#[test]
fn the_taps_of_four_warps_have_room_on_a_gpu_or_the_table_is_refused() {
    for side in [14, 37, 64] {
        let launch = resampled_on_gpu((side, side), 64, true).unwrap();
        let bytes = launch.scratch_bytes.as_constant().unwrap();
        assert!(4 * bytes <= 48 << 10, "{side}: {bytes}");
    }
    let refused = resampled_on_gpu((2, 2000), 64, true).unwrap_err().to_string();
    assert!(refused.contains("the taps of a grid of 2 x 2000 take"), "{refused}");
}

/// Those of DINOv2's table, and positions of odd length, which take the most registers.
#[test]
fn the_assembler_finds_room_for_taps_and_for_the_elements_of_all_of_them() {
    let Some(assembler) = Assembler::find() else {
        eprintln!("skipped: there is no ptxas here (`pip install nvidia-cuda-nvcc` brings one)");
        return;
    };
    let gpu = NvidiaTarget::SM_80;
    for (width, antialias) in [(768, true), (770, false), (771, false)] {
        let kernel = resampled_on_gpu((37, 37), width, antialias).unwrap().kernel;
        let text = emit_assembly(&[kernel], gpu, Optimization::Full).unwrap();
        assembler.assemble(&text, gpu.name).unwrap().check(gpu.name).unwrap();
    }
}

#[test]
fn a_result_of_another_storage_or_rank_is_refused() {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let refuse = |op: Op, operands: &[Layout], result: &Layout| {
        let op = KernelOp::Move(op);
        launch(&op, operands, result, CpuTarget::X86_64_V3).unwrap_err().to_string()
    };
    let tokens = layout(F32, &[1, 4, 48]);
    let cases = [
        (
            refuse(MeanTokens.into(), std::slice::from_ref(&tokens), &layout(BF16, &[1, 48])),
            "cannot give",
        ),
        (refuse(MeanTokens.into(), &[], &tokens), "operand 0 is missing"),
        (
            refuse(MergeHeads.into(), std::slice::from_ref(&tokens), &tokens),
            "merge_heads wants 4 dimensions",
        ),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
}
