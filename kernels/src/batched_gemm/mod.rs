//! `a b` or `a b^T` for each of the leading dimensions, of two activations: `a[.., m, k]`, and `b[.., k, n]` or
//! `b[.., n, k]`.

mod cpu;

use crate::arguments::{
    Address, Count, Distance, Fixed, Given, Placed, Positive, Tensor, Words, argument_block,
    flatten,
};
use crate::entry::Entry;
use crate::launch::operand;
use crate::mlir::Module;
use crate::vector::{CELL, RegisterBlock};
use crate::{CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

/// All that a batched gemm's code depends on. Every size is known at run time alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchedGemm {
    /// The CPU that it is written for.
    pub target: CpuTarget,
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

argument_block! {
    /// The argument block of a [`BatchedGemm`].
    pub(crate) struct BatchedGemmArguments<S> {
        m: Count<S>,
        n: Positive<S>,
        k: Count<S>,
        /// Matrices in an image.
        matrices: Positive<S>,
        a: Matrices<S>,
        b: Matrices<S>,
        result: Matrices<S>,
    }
}

argument_block! {
    /// Matrices of images: a tensor that is multiplied, or the result.
    pub(crate) struct Matrices<S> {
        /// The first matrix of the first image.
        start: Address<S>,
        /// From each row to the next.
        row_stride: Distance<S>,
        /// From each matrix of an image to the next.
        matrix_stride: Distance<S>,
        /// From each image to the next.
        image_stride: Distance<S>,
    }
}

impl Matrices<Given> {
    /// Those of a tensor of that layout, each so high.
    fn of(tensor: Tensor, layout: &Layout, height: &Dim) -> Self {
        let image_stride = match layout.ty.rank() {
            0..=2 => Dim::from(0),
            _ => layout.image_stride.clone(),
        };
        Matrices {
            start: Address(tensor),
            row_stride: Distance(layout.row_stride.clone()),
            matrix_stride: Distance(height.clone() * layout.row_stride.clone()),
            image_stride: Distance(image_stride),
        }
    }
}

/// How much of the matrices is read or written.
#[derive(Clone, Debug)]
struct MatrixExtent {
    /// So many images.
    images: Amount,
    /// So many matrices of each.
    matrices: Amount,
    /// So many rows of each matrix.
    height: Amount,
    /// So many elements of each row.
    width: Amount,
}

impl Matrices<Placed> {
    fn walk(&self, MatrixExtent { images, matrices, height, width }: MatrixExtent) -> Walk {
        Walk::run(width)
            .times(height, self.row_stride.amount())
            .times(matrices, self.matrix_stride.amount())
            .times(images, self.image_stride.amount())
    }
}

impl BatchedGemm {
    /// The launch.
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
        let gemm = BatchedGemm {
            target: *target,
            transpose_rhs,
            a: a.ty.element,
            b: b.ty.element,
            to: result.ty.element,
        };
        let arguments = BatchedGemmArguments::<Given> {
            m: Count(m.clone()),
            n: Positive(n.clone()),
            k: Count(k.clone()),
            matrices: Positive(matrices.clone()),
            a: Matrices::of(Tensor::Operand(0), a, &m),
            b: Matrices::of(Tensor::Operand(1), b, if transpose_rhs { &n } else { &k }),
            result: Matrices::of(Tensor::Result, result, &m),
        };
        let columns = panel_columns(target);
        let rows = RegisterBlock::rows_of(target);
        // A panel of columns and a block of rows, all of k; then a block of the result.
        let packed = k * Dim::from((columns + rows) * CELL);
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(images, 1), (matrices, 1), (n, columns)]),
            scratch_bytes: packed + Dim::from(rows * columns * CELL),
            packed: vec![],
            kernel: gemm,
        })
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(BatchedGemmArguments::fixed());
        let (m, n, k) = (arguments.m.amount(), arguments.n.amount(), arguments.k.amount());
        let matrices = arguments.matrices.amount();
        let panels = n.clone().ceil_div(panel_columns(&self.target));
        let images = Amount::Tiles.ceil_div(panels * matrices.clone());
        let extent = |height: &Amount, width: &Amount| MatrixExtent {
            images: images.clone(),
            matrices: matrices.clone(),
            height: height.clone(),
            width: width.clone(),
        };
        let right = if self.transpose_rhs { extent(&n, &k) } else { extent(&k, &n) };
        let BatchedGemmArguments { a, b, result, .. } = arguments;
        words.read(&a.start, self.a, [a.walk(extent(&m, &k))]);
        words.read(&b.start, self.b, [b.walk(right)]);
        words.write(&result.start, self.to, [result.walk(extent(&m, &n))]);
        let (columns, rows) = (panel_columns(&self.target), RegisterBlock::rows_of(&self.target));
        words.by_image(k * ((columns + rows) * CELL) + rows * columns * CELL)
    }

    /// The name of its symbol: `batched_gemm_transposed_f32`.
    pub(crate) fn name(&self) -> String {
        let transposed = if self.transpose_rhs { "_transposed" } else { "" };
        format!("batched_gemm{transposed}_{}", self.to)
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        cpu::define(self, module, entry);
    }
}

/// Columns of a panel: a tile.
fn panel_columns(target: &CpuTarget) -> i64 {
    PANEL_VECTORS * i64::from(target.lanes())
}
