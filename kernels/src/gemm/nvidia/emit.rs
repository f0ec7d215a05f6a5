//! Writes the gemm for an NVIDIA GPU.

use super::StagedGemm;
use super::answer::Answer;
use super::copies::Copies;
use super::fragments::Fragments;
use super::main_loop::MainLoop;
use super::shared_sums;
use super::thread::{Thread, Tile};
use super::x_rows::XRows;
use crate::arguments::place;
use crate::entry::{Entry, define_tiles, special_register, special_register_anew};
use crate::gemm::tokens_before::BoundTokens;
use crate::gemm::{GemmArguments, Product};
use crate::mlir::{Builder, Comparison, Module, Scalar, Type, Value};
use crate::nvidia::{barrier, wait};
use crate::rows::{BoundEpilogue, BoundRows};

impl StagedGemm {
    /// Writes the kernel of a gemm into a module.
    pub(in crate::gemm) fn define(&self, product: &Product, module: &mut Module, entry: Entry<'_>) {
        let threads = self.schedule.threads();
        define_tiles(&entry, module, threads, |b, tile, memory| {
            self.tile(b, product, tile, memory);
        });
    }

    /// Computes the tile of that number.
    fn tile(
        &self,
        b: &mut Builder,
        product: &Product,
        (block, number): (Value, Value),
        memory: Value,
    ) {
        let schedule = &self.schedule;
        let arguments: GemmArguments<_> = place(product.arguments());
        let x = XRows::load(b, block, &arguments.x);
        let weight = arguments.weight.load(b, block);
        let rows = arguments.rows.load(b, block);

        let thread = special_register(b, "tid.x");
        let thread = Thread::of(b, schedule, thread);
        let tile = Tile::of(b, schedule, product, (number, rows));
        let (copies, sources) = Copies::of(b, self, product, (&thread, &tile), (&x, weight));
        let fragments = Fragments::of(b, schedule, product, &thread);
        let depth = schedule.warps.depth;
        let main_loop = MainLoop {
            schedule,
            memory,
            copies: &copies,
            fragments: &fragments,
            steps: (product.slice_depth() + depth - 1) / depth,
        };
        let mut sums = main_loop.run(b, sources);
        // Nothing may still be on its way to memory that is used otherwise, nor may a warp still read it.
        wait(b, 0);
        barrier(b);
        // Loaded and computed here, none of this takes registers in the loop.
        let [number, thread] = ["ctaid.x", "tid.x"].map(|name| special_register_anew(b, name));
        let thread = Thread::of(b, schedule, thread);
        let rows = arguments.rows.load(b, block);
        let tile = Tile::of(b, schedule, product, (number, rows));
        let epilogue = BoundEpilogue::load(b, block, &arguments.epilogue);
        let result = BoundRows::load_even(b, block, &arguments.result, product.to);
        let tokens = arguments.tokens_before.map(|tokens| BoundTokens::load(b, block, &tokens));
        if schedule.warps.slices > 1 {
            sums = shared_sums::add(b, schedule, &thread, memory, &sums);
        }
        if let Some(tokens) = &tokens {
            self.write_tokens(b, product, (tokens, &result), (&thread, &tile));
        }
        let epilogue = &epilogue;
        let answer = Answer { gemm: self, product, tile, thread, epilogue, result, tokens };
        answer.write(b, memory, &sums);
    }

    /// The first tile of some rows also writes the tokens of the images that begin there, in all columns.
    fn write_tokens(
        &self,
        b: &mut Builder,
        product: &Product,
        (tokens, result): (&BoundTokens, &BoundRows),
        (thread, tile): (&Thread, &Tile),
    ) {
        let zero = b.integer(0, Type::I32);
        let is_first = b.compare(Comparison::Equal, tile.column, zero);
        b.if_then(is_first, |b| {
            let rows = (tile.first_row, tile.end_row(b, &self.schedule));
            let warp = b.extend_unsigned(thread.in_block.warp, Scalar::I64);
            let sharers = (warp, self.schedule.warps());
            tokens.write(b, self.target, rows, sharers, (result, product.width()));
        });
    }
}
