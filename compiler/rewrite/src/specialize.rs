//! Replaces symbols that can have one value only by that value, so that what depends on them folds.
//!
//! Before, with `height in 224..=224` and `rows = height floordiv 16`:
//! ```text
//! %1 = venc.patchify %pixel_values {rows = rows, cols = cols} : [images, rows*cols, 768] x f32
//! ```
//! After:
//! ```text
//! %1 = venc.patchify %pixel_values {rows = 14, cols = 14} : [images, 196, 768] x f32
//! ```
//! The declarations stay: a call still binds `height`, and is refused where it is not 224.

use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::{Dim, Symbol, Symbols};
use ocellus_dialects::venc::Module;

/// The module in which every symbol of one value is that value.
pub fn specialize(module: &Module) -> Module {
    let constant = |symbol: &Symbol| only_value(&module.symbols, symbol).map(Dim::from);
    let dim = |dim: &Dim| dim.substitute(&constant);
    let ty = |ty: &mut TensorType| ty.shape.iter_mut().for_each(|slot| *slot = dim(slot));
    let mut specialized = module.clone();
    for function in &mut specialized.functions {
        function.arguments.iter_mut().for_each(|argument| ty(&mut argument.ty));
        for node in &mut function.nodes {
            ty(&mut node.ty);
            node.op = node.op.map_dims(dim);
        }
    }
    specialized
}

/// The value of a symbol whose range, or whose definition's, is a point.
fn only_value(symbols: &Symbols, symbol: &Symbol) -> Option<i64> {
    symbols.definition(symbol)?;
    let interval = symbols.interval(&Dim::symbol(symbol));
    (interval.min == interval.max).then_some(interval.min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::symbolic::SymbolRange;
    use ocellus_dialects::venc::{FunctionBuilder, Op, Patchify, Role};

    /// One function that cuts images into patches of 16 pixels.
    fn patches(heights: SymbolRange) -> Module {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 8)).unwrap();
        let height = symbols.declare("height", heights).unwrap();
        let rows = symbols.declare_floor_div("rows", height.clone(), 16).unwrap();
        let mut f = FunctionBuilder::new("encode");
        let image = TensorType::new(F32, [images, Dim::from(3), height.clone(), height]);
        let image = f.argument("pixel_values", image, Role::Activation);
        let patchify =
            Op::Patchify(Patchify { height: 16, width: 16, rows: rows.clone(), cols: rows });
        let result = f.push(patchify, &[image]).unwrap();
        f.result("patches", result);
        Module { symbols, functions: vec![f.finish()], entry: "encode".into() }
    }

    #[test]
    fn a_point_range_becomes_a_constant_through_definitions() {
        let module = specialize(&patches(SymbolRange::new(230, 230)));
        let ty = &module.functions[0].nodes[0].ty;
        assert_eq!(ty.to_string(), "[images, 196, 768] x f32");
        module.verify().unwrap();
    }

    #[test]
    fn a_real_range_stays_symbolic() {
        let module = patches(SymbolRange::new(16, 512));
        assert_eq!(specialize(&module), module);
    }
}
