//! The inverse of a permutation: `inverse[index[i]] = i`. Tiles write different places, as no index is there twice.

use super::image_rows::index_at;
use super::{Movement, expect_index};
use crate::arguments::{
    Address, Count, Fixed, Given, Tensor, Words, argument_block, flatten, place,
};
use crate::entry::{Entry, Worker};
use crate::launch::operand;
use crate::mlir::{Module, Scalar};
use crate::vector::{element_pointer, for_each_column};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Signature, Walk};

/// Indices of a tile.
const TILE: i64 = 4096;

argument_block! {
    /// The argument block.
    struct InversePermutationArguments<S> {
        index: Address<S>,
        result: Address<S>,
        /// How many indices there are.
        count: Count<S>,
    }
}

/// The launch.
pub(super) fn launch(
    operands: &[Layout],
    result: &Layout,
    target: Target,
) -> Result<Launch<Movement>, Reason> {
    expect_index("inverse_permutation", 0, operand(operands, 0)?)?;
    expect_index("inverse_permutation", 1, result)?;
    let count = result.ty.elements();
    let arguments = InversePermutationArguments::<Given> {
        index: Address(Tensor::Operand(0)),
        result: Address(Tensor::Result),
        count: Count(count.clone()),
    };
    Ok(Launch {
        arguments: flatten(arguments).words,
        tiles: Tiles(vec![(count, target.tile_columns(TILE))]),
        scratch_bytes: Dim::from(0),
        packed: vec![],
        kernel: Movement::InversePermutation,
    })
}

/// What the code does with its argument block.
pub(super) fn signature(target: Target) -> Signature {
    let (mut words, arguments) = Words::of(InversePermutationArguments::fixed());
    let count = arguments.count.amount();
    words.read_run(&arguments.index, ElementType::I32, count.clone());
    words.write(&arguments.result, ElementType::I32, [Walk::run(count.clone())]);
    words.tiled(count.ceil_div(target.tile_columns(TILE)), 0)
}

/// Writes the kernel into a module.
pub(super) fn define(module: &mut Module, entry: Entry<'_>) {
    entry.define(module, |b, Worker { block, first, end, .. }| {
        let arguments = place(InversePermutationArguments::fixed());
        let index = arguments.index.load(b, block);
        let result = arguments.result.load(b, block);
        let count = arguments.count.load(b, block);
        let tile = entry.target.tile_columns(TILE);
        let first = b.mul_constant(first, tile);
        let end = b.mul_constant(end, tile);
        let end = b.min(end, count);
        let last = b.add_constant(count, -1);
        for_each_column(b, entry.target, (first, end), |b, position| {
            // A call has checked the index. One that is wrong all the same must not lead out of the result.
            let place = index_at(b, index, position);
            let place = b.min(place, last);
            let to = element_pointer(b, result, ElementType::I32, place);
            let position = b.truncate_integer(position, Scalar::I32);
            b.store(position, to);
        });
    });
}
