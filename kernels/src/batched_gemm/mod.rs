//! `a b` or `a b^T` for each of the leading dimensions, of two activations: `a[.., m, k]`, and `b[.., k, n]` or
//! `b[.., n, k]`.

mod bound;
mod cpu;
mod nvidia;

pub use nvidia::StagedProduct;

use crate::arguments::{
    Address, Count, Distance, Fixed, Given, Placed, Positive, Tensor, Words, argument_block,
    flatten,
};
use crate::entry::Entry;
use crate::launch::operand;
use crate::mlir::Module;
use crate::{CpuTarget, Launch, Layout, Reason, Target, ThreadBlock, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

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
    /// What it is written for, and how the work is divided there.
    pub division: Division,
}

/// How the work of a batched gemm is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Division {
    /// Among the workers of that CPU.
    Cpu(CpuTarget),
    /// Among the thread blocks of an NVIDIA GPU.
    Nvidia(StagedProduct),
}

argument_block! {
    /// The argument block of a [`BatchedGemm`].
    pub(crate) struct BatchedGemmArguments<S> {
        m: Positive<S>,
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
        target: Target,
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
        let division = match target {
            Target::Cpu(cpu) => Division::Cpu(cpu),
            Target::Nvidia(nvidia) => Division::Nvidia(StagedProduct::of([a, b, result], nvidia)?),
        };
        let gemm = BatchedGemm {
            transpose_rhs,
            a: a.ty.element,
            b: b.ty.element,
            to: result.ty.element,
            division,
        };
        let arguments = BatchedGemmArguments::<Given> {
            m: Positive(m.clone()),
            n: Positive(n.clone()),
            k: Count(k.clone()),
            matrices: Positive(matrices.clone()),
            a: Matrices::of(Tensor::Operand(0), a, &m),
            b: Matrices::of(Tensor::Operand(1), b, if transpose_rhs { &n } else { &k }),
            result: Matrices::of(Tensor::Result, result, &m),
        };
        let (rows, columns) = gemm.tile();
        let [of_depth, rest] = gemm.scratch_bytes();
        let across = (n, columns);
        let down = rows.map(|rows| (m, rows));
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(
                [(images, 1), (matrices, 1)].into_iter().chain(down).chain([across]).collect(),
            ),
            scratch_bytes: k * Dim::from(of_depth) + Dim::from(rest),
            packed: vec![],
            kernel: gemm,
        })
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(BatchedGemmArguments::fixed());
        let (m, n, k) = (arguments.m.amount(), arguments.n.amount(), arguments.k.amount());
        let matrices = arguments.matrices.amount();
        let (rows, columns) = self.tile();
        let across = n.clone().ceil_div(columns);
        let tiles = match rows {
            Some(rows) => m.clone().ceil_div(rows) * across,
            None => across,
        };
        let images = Amount::Tiles.ceil_div(tiles * matrices.clone());
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
        let [of_depth, rest] = self.scratch_bytes();
        words.by_image(k * of_depth + rest)
    }

    /// The name of its symbol: `batched_gemm_transposed_f32`.
    pub(crate) fn name(&self) -> String {
        let transposed = if self.transpose_rhs { "_transposed" } else { "" };
        format!("batched_gemm{transposed}_{}", self.to)
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        match &self.division {
            Division::Cpu(target) => cpu::define(self, target, module, entry),
            Division::Nvidia(staged) => staged.define(self, module, entry),
        }
    }

    /// What it is written for.
    pub(crate) fn target(&self) -> Target {
        match &self.division {
            Division::Cpu(target) => target.into(),
            Division::Nvidia(staged) => staged.target.into(),
        }
    }

    /// The thread blocks that run it, where it is for a GPU.
    pub(crate) fn thread_block(&self) -> Option<ThreadBlock> {
        match &self.division {
            Division::Cpu(_) => None,
            Division::Nvidia(staged) => Some(staged.thread_block()),
        }
    }

    /// Rows of a tile, where it has not all of them, and its columns.
    fn tile(&self) -> (Option<i64>, i64) {
        match &self.division {
            Division::Cpu(target) => (None, cpu::panel_columns(target)),
            Division::Nvidia(staged) => (Some(staged.rows()), staged.columns()),
        }
    }

    /// Bytes of scratch memory that a worker needs: so many for each element of a row of a, and so many more.
    fn scratch_bytes(&self) -> [i64; 2] {
        match &self.division {
            Division::Cpu(target) => cpu::scratch_bytes(target),
            Division::Nvidia(_) => [0, 0],
        }
    }
}
