//! `merge_heads(softmax(mask(split_heads(q) split_heads(k)^T * scale)) split_heads(v))`: `q[images, queries, heads*d]`, `k`
//! and `v[images, keys, heads*d]`. Scores never reach memory beyond a worker's scratch. Rotary embeddings are applied to q
//! and k where those are copied into it, and keys of other segments than those of a tile's queries are not read at all.

mod cpu;
mod powers;
mod schedule;

use crate::launch::operand;
use crate::mlir::Module;
use crate::movement::{rotary_head_size, segment_image_stride};
use crate::rows::Real;
use crate::words::Words;
use crate::{Argument, CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Mask;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};
use schedule::{Schedule, TILE_QUERIES};

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
}

impl Attention {
    /// The launch. Words of the argument block: q, k, v and the result, each an address, a row stride and an image
    /// stride; how many queries an image has; how many keys; of a rotary one cos and sin, each an address and a row
    /// stride; of a masked one the segments: address, image stride.
    pub(crate) fn launch(
        (heads, scale): (i64, f64),
        (rotary, mask): (bool, Mask),
        operands: &[Layout],
        result: &Layout,
        target: &CpuTarget,
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
        let attention = Attention {
            element: q.ty.element,
            heads,
            head_size: known / heads,
            scale: Real::new(scale),
            rotary,
            mask,
        };
        if (rotary || mask == Mask::Segments) && q.ty.shape[1] != k.ty.shape[1] {
            let why = format!("keys of {} are other tokens than queries of {}", k.ty, q.ty);
            return Err(Reason::Unsupported(why));
        }
        let rows_of = |address, layout: &Layout| {
            let strides = [&layout.row_stride, &layout.image_stride];
            [address].into_iter().chain(strides.map(|stride| Argument::Integer(stride.clone())))
        };
        let (images, queries) = (result.ty.shape[0].clone(), result.ty.shape[1].clone());
        let mut arguments: Vec<Argument> = vec![];
        for (position, layout) in [q, k, v].into_iter().enumerate() {
            arguments.extend(rows_of(Argument::Operand(position), layout));
        }
        arguments.extend(rows_of(Argument::Result, result));
        arguments.push(Argument::Integer(queries.clone()));
        arguments.push(Argument::Integer(k.ty.shape[1].clone()));
        let mut position = 3;
        if rotary {
            let tables = [operand(operands, 3)?, operand(operands, 4)?];
            rotary_head_size(heads, q, tables)?;
            for table in tables {
                arguments.push(Argument::Operand(position));
                arguments.push(Argument::Integer(table.row_stride.clone()));
                position += 1;
            }
        }
        if mask == Mask::Segments {
            let stride = segment_image_stride(operand(operands, position)?)?;
            arguments.extend([Argument::Operand(position), Argument::Integer(stride)]);
        }
        Ok(Launch {
            arguments,
            tiles: Tiles(vec![(images, 1), (Dim::from(heads), 1), (queries, TILE_QUERIES)]),
            scratch_bytes: Dim::from(attention.schedule(target).scratch().bytes),
            packed: vec![],
            kernel: attention,
        })
    }

    /// What the code does with those words.
    pub(crate) fn signature(&self, target: &CpuTarget) -> Signature {
        let mut words = Words::default();
        let [q, k, v, result] = [(); 4].map(|()| words.rows_of_images());
        let (queries, keys) = (words.positive(), words.count());
        let images = Amount::Tiles.ceil_div(queries.clone().ceil_div(TILE_QUERIES) * self.heads);
        let width = Amount::Constant(self.heads * self.head_size);
        for (tensor, tokens) in [(q, &queries), (k, &keys), (v, &keys)] {
            tensor.read(&mut words, self.element, [&images, tokens, &width]);
        }
        result.write(&mut words, self.element, [&images, &queries, &width]);
        // Queries and keys are rotated, and masked, by the same tables.
        if self.rotary {
            for _ in 0..2 {
                let (at, row) = (words.address(), words.distance());
                let rows = [&queries, &keys];
                let walk =
                    |rows: &Amount| Walk::run(self.head_size).times(rows.clone(), row.clone());
                words.read(at, ElementType::F32, rows.map(walk));
            }
        }
        if self.mask == Mask::Segments {
            let (at, image) = (words.address(), words.distance());
            let walk =
                |tokens: &Amount| Walk::run(tokens.clone()).times(images.clone(), image.clone());
            words.read(at, ElementType::I32, [&queries, &keys].map(walk));
        }
        words.by_image(self.schedule(target).scratch().bytes)
    }

    /// The name of its symbol: `attention_12x64_rotary_segments_bf16`.
    pub(crate) fn name(&self) -> String {
        let rotary = if self.rotary { "_rotary" } else { "" };
        let mask = if self.mask == Mask::Segments { "_segments" } else { "" };
        format!("attention_{}x{}{rotary}{mask}_{}", self.heads, self.head_size, self.element)
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        cpu::define(self, module, symbol, target);
    }

    fn schedule(&self, target: &CpuTarget) -> Schedule {
        Schedule {
            rotary: self.rotary,
            masked: self.mask == Mask::Segments,
            ..Schedule::new(self.element, self.head_size, target)
        }
    }
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
