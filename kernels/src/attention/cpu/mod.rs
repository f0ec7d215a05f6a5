//! The CPU's attention. Queries lie in the lanes: scores are computed transposed, `keys queries^T`, so that the softmax
//! of a row of scores is arithmetic between registers and never across one, and its exponentials are already the right
//! operand of the second product, `values^T scores^T`. Keys and values are only copied (widened, their rows made
//! contiguous), never transposed; queries and outputs are, and there are fewer of those in a tile.
//!
//! The softmax is that of Milakov & Gimelshein (arXiv:1805.02867), block by block: what was summed so far is scaled
//! whenever a greater score appears.
//!
//! Where there are AMX tiles, attention of bf16 is written otherwise: see [`tiles`].

mod call;
mod copies;
mod operand;
mod outputs;
mod panel;
mod products;
mod queries;
mod rotation;
mod schedule;
mod segments;
mod softmax;
mod tile;
mod tiles;

pub use schedule::TILE_QUERIES;

use super::Attention;
use crate::CpuTarget;
use crate::arguments::place;
use crate::entry::{Entry, Worker};
use crate::mlir::{Builder, Function, Module, Scalar, Type, Value};
use crate::vector::{self, Cell};
use call::Call;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Mask;
use schedule::{Schedule, Scratch};
use tile::Tile;

/// Bytes of scratch memory that a worker needs.
pub(super) fn scratch_bytes(spec: &Attention, target: &CpuTarget) -> i64 {
    let in_tiles = tiles::scratch_bytes(spec, target);
    in_tiles.unwrap_or_else(|| schedule_of(spec, target).scratch().bytes)
}

fn schedule_of(spec: &Attention, target: &CpuTarget) -> Schedule {
    Schedule {
        rotary: spec.rotary,
        masked: spec.mask == Mask::Segments,
        ..Schedule::new(spec.element, spec.head_size, target)
    }
}

/// Writes the kernel.
pub(super) fn define(spec: &Attention, target: &CpuTarget, module: &mut Module, entry: Entry<'_>) {
    let symbol = entry.symbol;
    let schedule = schedule_of(spec, target);
    let emitter = Emitter {
        target,
        element: spec.element,
        heads: spec.heads,
        // Powers of two are cheaper than powers of e.
        scale: spec.scale.get() * std::f64::consts::LOG2_E,
        rotary: spec.rotary,
        mask: spec.mask,
        schedule,
        scratch: schedule.scratch(),
    };
    if let Some(tiles) = tiles::schedule_of(spec, target) {
        return tiles::define(&emitter, (spec, tiles), module, entry);
    }
    let functions = Functions {
        rotate: spec.rotary.then(|| emitter.define_rotate(symbol, module)),
        pack: emitter.define_pack_queries(symbol, module),
        attend: (1..=schedule.vectors)
            .map(|vectors| emitter.define_attend(symbol, vectors, module))
            .collect(),
        store: emitter.define_store_outputs(symbol, module),
    };
    entry.define(module, |b, Worker { block, first, end, scratch }| {
        let arguments = place(spec.arguments());
        let call = Call::load(b, &emitter, scratch, block, &arguments);
        b.for_each((first, end, 1), |b, tile| {
            let tile = Tile::of(&call, b, tile);
            tile.pack_queries(b, &functions);
            tile.start_sums(b);
            tile.attend(b, &functions);
            tile.store_outputs(b, &functions.store);
        });
    });
}

/// The functions of one kernel.
struct Functions {
    /// Of a rotary one: rotates one head of one token.
    rotate: Option<Function>,
    /// Rows of queries become columns.
    pack: Function,
    /// A panel of queries and a block of keys, for each width of a panel.
    attend: Vec<Function>,
    /// Columns of sums become rows of the result.
    store: Function,
}

/// What all functions of one kernel share.
struct Emitter<'a> {
    target: &'a CpuTarget,
    element: ElementType,
    heads: i64,
    scale: f64,
    rotary: bool,
    mask: Mask,
    schedule: Schedule,
    scratch: Scratch,
}

impl Emitter<'_> {
    fn lanes(&self) -> u32 {
        self.target.lanes()
    }

    /// Where full vectors start that together cover `0..length`; the last may overlap the one before. `None` where
    /// `length` is less than a vector.
    fn overlapping(&self, length: i64) -> Option<Vec<i64>> {
        let last = length - self.schedule.lanes;
        (last >= 0).then(|| {
            let mut starts: Vec<i64> = (0..last).step_by(self.schedule.lanes as usize).collect();
            starts.push(last);
            starts
        })
    }

    /// How rows of queries and keys are stored when they are copied: rotated ones are what a cell holds already.
    fn row_element(&self) -> ElementType {
        match self.schedule.cell {
            Cell::F32 if self.rotary => ElementType::F32,
            Cell::F32 | Cell::Bf16Pair => self.element,
        }
    }

    /// Reads cells from rows of queries or keys.
    fn load_cells(&self, b: &mut Builder, pointer: Value, lanes: u32) -> Value {
        match self.schedule.cell {
            Cell::F32 => vector::load(b, self.row_element(), pointer, lanes),
            Cell::Bf16Pair => b.load(pointer, Type::Vector(Scalar::I32, lanes)),
        }
    }
}

/// Two vectors of 16-bit elements as the lower and upper halves of 32-bit cells.
fn interleave(b: &mut Builder, lower: Value, upper: Value) -> Value {
    let lower = b.extend_unsigned(lower, Scalar::I32);
    let upper = b.extend_unsigned(upper, Scalar::I32);
    let upper = b.shift_left(upper, 16);
    b.or(lower, upper)
}
