//! A gemm that gathers its rows out of an image, against `venc.patchify` and loops.

use crate::gemm::product_on;
use crate::launch::{Operand, all_targets, assert_close, run, targets};
use crate::movement::reference;
use crate::near::{self, Near};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{
    Broadcast, Combine, EpilogueOp, Family, GemmTile, KernelOp, Prologue,
};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Op, Patchify};
use ocellus_kernels::{CpuTarget, Layout, Reason, Refusal, Target, launch};

/// An image read as patches, and those patches written out.
fn patches(image: &Operand, (height, width): (i64, i64)) -> (Operand, Operand) {
    let shape = &image.layout.ty.shape;
    let count = |at: usize, size: i64| Dim::from(shape[at].as_constant().unwrap() / size);
    let (rows, cols) = (count(2, height), count(3, width));
    let op = Op::Patchify(Patchify { height, width, rows, cols: cols.clone() });
    let (shape, values) = reference(&op, std::slice::from_ref(image));
    let written_out = Operand::of(image.layout.ty.element, &shape, &values, 0);
    let ty = &written_out.layout.ty;
    let layout = Layout::of_patches(&image.layout, ty, (height, width), &cols).unwrap();
    (Operand { layout, ..image.clone() }, written_out)
}

struct Case {
    patch: (i64, i64),
    image: [i64; 4],
    gap: i64,
    n: i64,
    /// How pixels are stored.
    pixel: ElementType,
    /// How all else is.
    element: ElementType,
    prologue: Prologue,
    tile: GemmTile,
}

impl Case {
    fn check(&self, target: impl Into<Target>) {
        let target = target.into();
        let Case { patch, image, gap, n, pixel, element, prologue, tile } = *self;
        let image = Operand::with_gap(1, pixel, &image, 1.0, gap);
        let (x, written_out) = patches(&image, patch);
        let [rows, k] = [&written_out.layout.ty.rows(), &written_out.layout.ty.width()]
            .map(|dim| dim.as_constant().unwrap());
        let weight = Operand::random(2, element, &[n, k], 1.0);
        let bias = Operand::random(3, element, &[n], 1.0);
        // A table of positions, the same for each image.
        let table_rows = written_out.layout.ty.shape[1].as_constant().unwrap();
        let table = Operand::random(4, element, &[table_rows, n], 1.0);
        let add = |broadcast| EpilogueOp::Combine(Combine::Add, broadcast);
        let epilogue = vec![add(Broadcast::Columns), add(Broadcast::Table)];
        let op = KernelOp::Gemm { prologue, epilogue: epilogue.clone(), tile };
        let empty = vec![f64::NAN; (rows * n) as usize];
        let result = Operand::of(element, &[rows, n], &empty, 1);
        let operands = [x, weight.clone(), bias.clone(), table.clone()];
        let found = run(&op, &operands, &result, target);

        let mut wanted: Vec<Near> = vec![];
        for (row, x) in written_out.values.chunks(k as usize).enumerate() {
            let x = near::prologue(prologue, x, &[], &[]);
            for (column, weight) in weight.values.chunks(k as usize).enumerate() {
                let position = table.values[row % table_rows as usize * n as usize + column];
                let others = [bias.values[column], position];
                let near =
                    near::epilogue(&epilogue, product_on(&target, &x, weight, element), &others);
                wanted.push(near.rounded(element));
            }
        }
        let what = format!("{} {element} {patch:?} {prologue:?}", target.name());
        assert_close(&found, &wanted, &what);
    }
}

#[test]
fn patches_of_every_size_are_multiplied_where_they_lie() {
    let sizes = [
        // The usual ones, as wide as a vector, or as half of one.
        ((16, 16), [2, 3, 35, 50], 0),
        ((8, 8), [3, 3, 16, 24], 0),
        // As wide as no vector is.
        ((14, 14), [2, 3, 30, 43], 3),
        ((7, 7), [1, 3, 22, 21], 0),
        ((2, 20), [2, 1, 7, 41], 1),
        // One pixel, one patch, and more than one block of rows.
        ((1, 1), [2, 2, 3, 5], 0),
        ((5, 3), [1, 2, 5, 3], 2),
        ((4, 6), [2, 1, 41, 49], 0),
    ];
    for target in all_targets() {
        for element in [F32, BF16, F16] {
            // A GPU copies what has as many bytes in the same way.
            if element == F16 && matches!(target, Target::Nvidia(_)) {
                continue;
            }
            for (patch, image, gap) in sizes {
                let (prologue, tile) = (Prologue::None, GemmTile::DEFAULT);
                Case { patch, image, gap, n: 37, pixel: element, element, prologue, tile }
                    .check(target);
            }
        }
    }
}

#[test]
fn pixels_are_rounded_on_their_way() {
    for target in all_targets() {
        for (element, patch, image) in
            [(BF16, (16, 16), [2, 3, 35, 48]), (F16, (14, 14), [1, 3, 30, 43])]
        {
            let (prologue, tile) = (Prologue::Cast { to: element }, GemmTile::DEFAULT);
            Case { patch, image, gap: 0, n: 37, pixel: F32, element, prologue, tile }.check(target);
        }
    }
}

#[test]
fn patches_are_normalized_and_cut_into_any_tiles() {
    let prologue = Prologue::LayerNorm { eps: 1e-6, affine: false };
    for target in targets() {
        for (rows, columns) in [(1, 1), (24, 64), (1000, 1000)] {
            let tile = GemmTile::packed(rows, columns);
            let (patch, image) = ((7, 14), [3, 3, 36, 60]);
            Case { patch, image, gap: 0, n: 101, pixel: F32, element: F32, prologue, tile }
                .check(target);
        }
    }
}

#[test]
fn patches_are_read_where_they_lie_by_a_gemm_alone() {
    let image = Operand::random(1, F32, &[1, 3, 28, 28], 1.0);
    let (x, written_out) = patches(&image, (14, 14));
    let result = Layout::contiguous(&written_out.layout.ty);
    let target = CpuTarget::X86_64_V3;
    let op = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![], to: F32 };
    let error = launch(&op, &[x.layout], &result, target).unwrap_err();
    assert!(
        matches!(error, Refusal { family: Family::RowWise, reason: Reason::Unsupported(_) }),
        "{error}"
    );
    // Nor is a tensor of other dimensions an image.
    let ty = TensorType::new(F32, [4, 588]);
    assert_eq!(Layout::of_patches(&result, &ty, (14, 14), &Dim::from(2)), None);
}
