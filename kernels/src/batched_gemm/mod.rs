//! `a b` or `a b^T` for each of the leading dimensions, of two activations: `a[.., m, k]`, and `b[.., k, n]` or
//! `b[.., n, k]`.

mod cpu;

use crate::launch::operand;
use crate::mlir::Module;
use crate::vector::{CELL, RegisterBlock};
use crate::words::Words;
use crate::{Argument, CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Access, Amount, Signature, Walk};

/// All that a batched gemm's code depends on. Every size is known at run time alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchedGemm {
    /// Whether b's last two dimensions are exchanged.
    pub transpose_rhs: bool,
    /// How a is stored.
    pub a: ElementType,
    /// How b is stored.
    pub b: ElementType,
    /// How the result is stored.
    pub to: ElementType,
}

/// Vectors across a panel of columns.
const PANEL_VECTORS: i64 = 3;

/// What `launch` gives and `cpu` reads of each tensor: its address, its row stride, the stride between the matrices of
/// one image, and the stride between images.
fn matrix_words(address: Argument, layout: &Layout, height: &Dim) -> Vec<Argument> {
    let matrix_stride = height.clone() * layout.row_stride.clone();
    let image_stride = match layout.ty.rank() {
        0..=2 => Dim::from(0),
        _ => layout.image_stride.clone(),
    };
    let strides = [layout.row_stride.clone(), matrix_stride, image_stride];
    [address].into_iter().chain(strides.map(Argument::Integer)).collect()
}

impl BatchedGemm {
    /// The launch. Words of the argument block: m; n; k; matrices in an image; a, b and the result, each an address, a
    /// row stride, a matrix stride and an image stride.
    pub(crate) fn launch(
        transpose_rhs: bool,
        operands: &[Layout],
        result: &Layout,
        target: &CpuTarget,
    ) -> Result<Launch<Self>, Reason> {
        let (a, b) = (operand(operands, 0)?, operand(operands, 1)?);
        let rank = a.ty.rank();
        if rank < 2 || b.ty.rank() != rank || result.ty.rank() != rank {
            let why = format!("{} times {} is no product of matrices", a.ty, b.ty);
            return Err(Reason::Unsupported(why));
        }
        let outer = |layout: &Layout| layout.ty.shape[..rank - 2].to_vec();
        let (m, k) = (a.ty.shape[rank - 2].clone(), a.ty.width());
        let (own_k, n) = match transpose_rhs {
            false => (b.ty.shape[rank - 2].clone(), b.ty.width()),
            true => (b.ty.width(), b.ty.shape[rank - 2].clone()),
        };
        if own_k != k || outer(a) != outer(b) || outer(a) != outer(result) {
            let why = format!("{} does not meet {} in {}", a.ty, b.ty, result.ty);
            return Err(Reason::Unsupported(why));
        }
        let (images, matrices) = match rank {
            2 => (Dim::from(1), Dim::from(1)),
            _ => (a.ty.shape[0].clone(), a.ty.shape[1..rank - 2].iter().cloned().product()),
        };
        let gemm =
            BatchedGemm { transpose_rhs, a: a.ty.element, b: b.ty.element, to: result.ty.element };
        let mut arguments: Vec<Argument> =
            [&m, &n, &k, &matrices].map(|dim| Argument::Integer(dim.clone())).into();
        let b_height = if transpose_rhs { &n } else { &k };
        arguments.extend(matrix_words(Argument::Operand(0), a, &m));
        arguments.extend(matrix_words(Argument::Operand(1), b, b_height));
        arguments.extend(matrix_words(Argument::Result, result, &m));
        let columns = panel_columns(target);
        let rows = RegisterBlock::rows_of(target);
        // A panel of columns and a block of rows, all of k; then a block of the result.
        let packed = k * Dim::from((columns + rows) * CELL);
        Ok(Launch {
            arguments,
            tiles: Tiles(vec![(images, 1), (matrices, 1), (n, columns)]),
            scratch_bytes: packed + Dim::from(rows * columns * CELL),
            packed: vec![],
            kernel: gemm,
        })
    }

    /// What the code does with those words.
    pub(crate) fn signature(&self, target: &CpuTarget) -> Signature {
        let mut words = Words::default();
        let [m, n] = [words.count(), words.positive()];
        let [k, matrices] = [words.count(), words.positive()];
        let panels = n.clone().ceil_div(panel_columns(target));
        let images = Amount::Tiles.ceil_div(panels * matrices.clone());
        let right = if self.transpose_rhs { (&n, &k) } else { (&k, &n) };
        let tensors = [
            (Access::Read, self.a, (&m, &k)),
            (Access::Read, self.b, right),
            (Access::Write, self.to, (&m, &n)),
        ];
        for (access, element, (height, width)) in tensors {
            let at = words.address();
            let [row, matrix, image] = [(); 3].map(|()| words.distance());
            let walk = Walk::run(width.clone()).times(height.clone(), row);
            let walk = walk.times(matrices.clone(), matrix).times(images.clone(), image);
            words.access(access, at, element, vec![walk]);
        }
        let (columns, rows) = (panel_columns(target), RegisterBlock::rows_of(target));
        words.by_image(k * ((columns + rows) * CELL) + rows * columns * CELL)
    }

    /// The name of its symbol: `batched_gemm_transposed_f32`.
    pub(crate) fn name(&self) -> String {
        let transposed = if self.transpose_rhs { "_transposed" } else { "" };
        format!("batched_gemm{transposed}_{}", self.to)
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        cpu::define(self, module, symbol, target);
    }
}

/// Columns of a panel: a tile.
fn panel_columns(target: &CpuTarget) -> i64 {
    PANEL_VECTORS * i64::from(target.lanes())
}
