//! The inverse of a permutation: `inverse[index[i]] = i`. Tiles write different places, as no index is there twice.

use super::image_rows::index_at;
use super::{Movement, expect_index};
use crate::launch::operand;
use crate::mlir::{Linkage, Module, Scalar, Type};
use crate::rows::ArgumentReader;
use crate::vector::element_pointer;
use crate::words::Words;
use crate::{Argument, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Signature, Walk};

/// Indices of a tile.
const TILE: i64 = 4096;

/// The launch. Words of the argument block: the index; the result; how many they are.
pub(super) fn launch(operands: &[Layout], result: &Layout) -> Result<Launch<Movement>, Reason> {
    expect_index("inverse_permutation", 0, operand(operands, 0)?)?;
    expect_index("inverse_permutation", 1, result)?;
    let count = result.ty.elements();
    Ok(Launch {
        arguments: vec![Argument::Operand(0), Argument::Result, Argument::Integer(count.clone())],
        tiles: Tiles(vec![(count, TILE)]),
        scratch_bytes: Dim::from(0),
        packed: vec![],
        kernel: Movement::InversePermutation,
    })
}

/// What the code does with those words.
pub(super) fn signature() -> Signature {
    let mut words = Words::default();
    let [index, result] = [(); 2].map(|()| words.address());
    let count = words.count();
    words.read(index, ElementType::I32, [Walk::run(count.clone())]);
    words.write(result, ElementType::I32, [Walk::run(count.clone())]);
    words.tiled(count.ceil_div(TILE), 0)
}

/// Writes the kernel into a module.
pub(super) fn define(module: &mut Module, symbol: &str) {
    let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
    module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
        let &[block, first, end, _] = parameters else { return };
        let mut arguments = ArgumentReader::new(block);
        let index = arguments.pointer(b);
        let result = arguments.pointer(b);
        let count = arguments.integer(b);
        let first = b.mul_constant(first, TILE);
        let end = b.mul_constant(end, TILE);
        let end = b.min(end, count);
        let last = b.add_constant(count, -1);
        b.for_each((first, end, 1), |b, position| {
            // A call has checked the index. One that is wrong all the same must not lead out of the result.
            let place = index_at(b, index, position);
            let place = b.min(place, last);
            let to = element_pointer(b, result, ElementType::I32, place);
            let position = b.truncate_integer(position, Scalar::I32);
            b.store(position, to);
        });
    });
}
