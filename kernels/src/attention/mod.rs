//! `merge_heads(softmax(mask(split_heads(q) split_heads(k)^T * scale)) split_heads(v))`: `q[images, queries, heads*d]`, `k`
//! and `v[images, keys, heads*d]`. Scores never reach memory beyond a worker's scratch. Rotary embeddings are applied to q
//! and k where those are copied into it, and keys of other segments than those of a tile's queries are not read at all.

mod cpu;
mod nvidia;
mod powers;

pub use cpu::TILE_QUERIES as CPU_TILE_QUERIES;
use nvidia::Heads;
pub use nvidia::{Schedule, WarpAttention};

use crate::arguments::{Count, Fixed, Given, Positive, Tensor, Words, argument_block, flatten};
use crate::entry::Entry;
use crate::launch::operand;
use crate::mlir::Module;
use crate::movement::{SegmentsOperand, rotary_head_size};
use crate::rows::{EvenRows, ImageExtent, Real, RowsOfImages};
use crate::{CpuTarget, Launch, Layout, Reason, Target, ThreadBlock, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Mask;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that an attention's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attention {
    /// How all operands and the result are stored.
    pub element: ElementType,
    /// How many heads.
    pub heads: i64,
    /// Elements of a head.
    pub head_size: i64,
    /// What scores are multiplied by.
    pub scale: Real,
    /// Whether q and k are rotated as they are read.
    pub rotary: bool,
    /// Which keys a query attends to.
    pub mask: Mask,
    /// What it is written for, and how the work is divided there.
    pub division: Division,
}

/// How the work of an attention is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Division {
    /// Among the workers of that CPU.
    Cpu(CpuTarget),
    /// Among the thread blocks of an NVIDIA GPU.
    Nvidia(WarpAttention),
}

argument_block! {
    /// The argument block of an [`Attention`].
    pub(crate) struct AttentionArguments<S> {
        q: RowsOfImages<S>,
        k: RowsOfImages<S>,
        v: RowsOfImages<S>,
        result: RowsOfImages<S>,
        /// Queries of an image.
        queries: Positive<S>,
        /// Keys of an image.
        keys: Count<S>,
        /// Of a rotary one.
        tables: Option<RotaryTables<S>>,
        /// Of a masked one.
        segments: Option<SegmentsOperand<S>>,
    }
}

argument_block! {
    /// The tables of a rotary embedding: a row for each token, the same for all images.
    pub(crate) struct RotaryTables<S> {
        cos: EvenRows<S>,
        sin: EvenRows<S>,
    }
}

impl Attention {
    /// The launch.
    pub(crate) fn launch(
        (heads, scale): (i64, f64),
        (rotary, mask): (bool, Mask),
        warp_queries: Option<i64>,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Self>, Reason> {
        let [q, k, v] = [operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?];
        let width = q.ty.width();
        for (position, layout) in [(0, q), (1, k), (2, v), (3, result)] {
            expect_like(position, layout, q)?;
        }
        let known = width.as_constant().ok_or_else(|| Reason::Dynamic {
            operand: 0,
            ty: q.ty.clone(),
            what: "the size of a head",
        })?;
        if heads < 1 || known < heads || known % heads != 0 {
            let why = format!("{known} columns do not make {heads} heads");
            return Err(Reason::Unsupported(why));
        }
        // The negation of "in the range" refuses a NaN too.
        if !powers::SCALES.contains(&scale.abs()) {
            let why = format!("the scale is {scale}");
            return Err(Reason::Unsupported(why));
        }
        if (rotary || mask == Mask::Segments) && q.ty.shape[1] != k.ty.shape[1] {
            let why = format!("keys of {} are other tokens than queries of {}", k.ty, q.ty);
            return Err(Reason::Unsupported(why));
        }
        let (images, queries) = (result.ty.shape[0].clone(), result.ty.shape[1].clone());
        let tables = match rotary {
            true => {
                let (cos, sin) = (operand(operands, 3)?, operand(operands, 4)?);
                rotary_head_size(heads, q, [cos, sin])?;
                Some(RotaryTables {
                    cos: EvenRows::of(Tensor::Operand(3), cos),
                    sin: EvenRows::of(Tensor::Operand(4), sin),
                })
            }
            false => None,
        };
        let head_size = known / heads;
        let division = match target {
            Target::Cpu(cpu) => match warp_queries {
                None => Division::Cpu(cpu),
                Some(queries) => {
                    let why = format!("{} has no warps of {queries} queries", cpu.name);
                    return Err(Reason::Unsupported(why));
                }
            },
            Target::Nvidia(nvidia) => {
                let tables: Vec<&Layout> =
                    operands.iter().skip(3).take(if rotary { 2 } else { 0 }).collect();
                let all = [q, k, v, result];
                let heads = Heads { size: head_size, rotary, masked: mask == Mask::Segments };
                Division::Nvidia(WarpAttention::of(heads, warp_queries, all, &tables, nvidia)?)
            }
        };
        let segments = match mask {
            Mask::Segments => {
                let position = if rotary { 5 } else { 3 };
                Some(SegmentsOperand::of(position, operand(operands, position)?)?)
            }
            Mask::Full => None,
        };
        let arguments = AttentionArguments::<Given> {
            q: RowsOfImages::of(Tensor::Operand(0), q),
            k: RowsOfImages::of(Tensor::Operand(1), k),
            v: RowsOfImages::of(Tensor::Operand(2), v),
            result: RowsOfImages::of(Tensor::Result, result),
            queries: Positive(queries.clone()),
            keys: Count(k.ty.shape[1].clone()),
            tables,
            segments,
        };
        let attention = Attention {
            element: q.ty.element,
            heads,
            head_size,
            scale: Real::new(scale),
            rotary,
            mask,
            division,
        };
        let step = attention.tile_queries();
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(images, 1), (Dim::from(heads), 1), (queries, step)]),
            scratch_bytes: Dim::from(attention.scratch_bytes()),
            packed: vec![],
            kernel: attention,
        })
    }

    /// Which words its argument block has.
    fn arguments(&self) -> AttentionArguments {
        AttentionArguments {
            q: RowsOfImages::fixed(),
            k: RowsOfImages::fixed(),
            v: RowsOfImages::fixed(),
            result: RowsOfImages::fixed(),
            queries: Positive::fixed(),
            keys: Count::fixed(),
            tables: self.rotary.then(RotaryTables::fixed),
            segments: (self.mask == Mask::Segments).then(SegmentsOperand::fixed),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(self.arguments());
        let AttentionArguments { q, k, v, result, .. } = arguments;
        let (queries, keys) = (arguments.queries.amount(), arguments.keys.amount());
        let images =
            Amount::Tiles.ceil_div(queries.clone().ceil_div(self.tile_queries()) * self.heads);
        let columns = Amount::Constant(self.heads * self.head_size);
        let of = |rows: &Amount| ImageExtent {
            images: images.clone(),
            rows: rows.clone(),
            columns: columns.clone(),
        };
        q.read(&mut words, self.element, &of(&queries));
        k.read(&mut words, self.element, &of(&keys));
        v.read(&mut words, self.element, &of(&keys));
        result.write(&mut words, self.element, &of(&queries));
        // Queries and keys are rotated, and masked, by the same tables.
        let tokens = [queries, keys];
        if let Some(RotaryTables { cos, sin }) = arguments.tables {
            for table in [cos, sin] {
                let walks = tokens.clone().map(|rows| table.walk(rows, self.head_size));
                words.read(&table.start, ElementType::F32, walks);
            }
        }
        if let Some(segments) = arguments.segments {
            segments.read(&mut words, &images, tokens);
        }
        words.by_image(self.scratch_bytes())
    }

    /// The name of its symbol: `attention_12x64_rotary_segments_bf16`.
    pub(crate) fn name(&self) -> String {
        let rotary = if self.rotary { "_rotary" } else { "" };
        let mask = if self.mask == Mask::Segments { "_segments" } else { "" };
        format!("attention_{}x{}{rotary}{mask}_{}", self.heads, self.head_size, self.element)
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        match &self.division {
            Division::Cpu(target) => cpu::define(self, target, module, entry),
            Division::Nvidia(warps) => warps.define(self, module, entry),
        }
    }

    /// What it is written for.
    pub(crate) fn target(&self) -> Target {
        match &self.division {
            Division::Cpu(target) => target.into(),
            Division::Nvidia(warps) => warps.target.into(),
        }
    }

    /// The thread blocks that run it, where it is for a GPU.
    pub(crate) fn thread_block(&self) -> Option<ThreadBlock> {
        match &self.division {
            Division::Cpu(_) => None,
            Division::Nvidia(warps) => Some(warps.thread_block()),
        }
    }

    /// Queries of a tile.
    fn tile_queries(&self) -> i64 {
        match &self.division {
            Division::Cpu(_) => cpu::TILE_QUERIES,
            Division::Nvidia(warps) => warps.tile_queries(),
        }
    }

    /// Bytes of scratch memory that a worker needs.
    fn scratch_bytes(&self) -> i64 {
        match &self.division {
            Division::Cpu(target) => cpu::scratch_bytes(self, target),
            Division::Nvidia(_) => 0,
        }
    }
}

/// The queries of a warp worth choosing among for a q that lies so, the default first: `None` is what the family has anyway.
pub(crate) fn warp_queries_of(
    heads: i64,
    (rotary, mask): (bool, Mask),
    q: Option<&Layout>,
    target: Target,
) -> Vec<Option<i64>> {
    let mut all = vec![None];
    if let (Target::Nvidia(nvidia), Some(q)) = (target, q) {
        let size = q.ty.width().as_constant().and_then(|width| width.checked_div(heads));
        let heads = size.map(|size| Heads { size, rotary, masked: mask == Mask::Segments });
        let more = heads.and_then(|heads| nvidia::more_queries(heads, q.ty.element, nvidia));
        all.extend(more.map(Some));
    }
    all
}

/// Rank 3, the columns and the storage of q.
fn expect_like(position: usize, layout: &Layout, q: &Layout) -> Result<(), Reason> {
    if layout.ty.width() != q.ty.width() {
        let (ty, wanted) = (layout.ty.clone(), q.ty.width());
        return Err(Reason::Width { operand: position, ty, wanted });
    }
    match layout.ty.rank() == 3 && layout.ty.element == q.ty.element {
        true => Ok(()),
        false => Err(Reason::Unsupported(format!(
            "{} beside a q of {}: both must be [.., tokens, n]",
            layout.ty, q.ty
        ))),
    }
}
