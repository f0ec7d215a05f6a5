//! What the indices that a call brings must be, so that no operation reads a row that is not there.

use super::{Function, IndexBounds, Module, Node, Source, VencError};
use crate::tensor::{ElementType, TensorType};
use std::collections::BTreeMap;

/// Where indices come from.
#[derive(Clone, Copy)]
enum Origin {
    /// The argument of that position.
    Argument(usize),
    /// They are the inverse of a permutation, and so a permutation.
    Inverse,
}

impl Module {
    /// What each index argument of the entry function must be, by position. An error is an index that nobody could
    /// check when a call begins.
    pub fn index_bounds(&self) -> Result<BTreeMap<usize, IndexBounds>, VencError> {
        let mut known = BTreeMap::new();
        match self.entry_function() {
            Some(entry) => self.bounds_of(entry, &mut known),
            None => Err(VencError::NoEntry(self.entry.clone())),
        }
    }

    /// Calls end, as [`Module::verify`] has seen before it asks.
    fn bounds_of<'a>(
        &'a self,
        function: &'a Function,
        known: &mut BTreeMap<&'a str, BTreeMap<usize, IndexBounds>>,
    ) -> Result<BTreeMap<usize, IndexBounds>, VencError> {
        if let Some(bounds) = known.get(function.name.as_str()) {
            return Ok(bounds.clone());
        }
        let mut bounds: BTreeMap<usize, IndexBounds> = BTreeMap::new();
        let mut origins: Vec<Option<Origin>> = vec![];
        for (position, argument) in function.arguments.iter().enumerate() {
            let is_index = argument.ty.element == ElementType::I32;
            if is_index {
                bounds.insert(position, IndexBounds::default());
            }
            origins.push(is_index.then_some(Origin::Argument(position)));
        }
        for node in &function.nodes {
            for (operand, demanded) in self.demands(function, node, known)? {
                let Some(origin) = node.operands.get(operand).and_then(|id| origins[id.index()])
                else {
                    continue;
                };
                match origin {
                    Origin::Argument(argument) => {
                        bounds.entry(argument).or_default().add(&demanded);
                    }
                    Origin::Inverse => permutes(function, node, operand, &demanded)?,
                }
            }
            let is_permutation = node.op.operation().gives_permutation();
            origins.push(is_permutation.then_some(Origin::Inverse));
        }
        known.insert(&function.name, bounds.clone());
        Ok(bounds)
    }

    /// What a node demands of its operands that are indices.
    fn demands<'a>(
        &'a self,
        function: &Function,
        node: &Node,
        known: &mut BTreeMap<&'a str, BTreeMap<usize, IndexBounds>>,
    ) -> Result<Vec<(usize, IndexBounds)>, VencError> {
        Ok(match node.op.source() {
            Source::Function(callee) => match self.function(callee) {
                Some(callee) => self.bounds_of(callee, known)?.into_iter().collect(),
                None => return Err(VencError::UnknownCallee(callee.to_string())),
            },
            Source::Checkpoint(_) | Source::Operands => {
                let operands: Vec<&TensorType> =
                    node.operands.iter().map(|id| function.type_of(*id)).collect();
                let bounds = || node.op.operation().index_bounds(&operands);
                node.op.index_operand().map(|index| (index, bounds())).into_iter().collect()
            }
        })
    }
}

/// The indices are a permutation by their making: of as many as there are of them.
fn permutes(
    function: &Function,
    node: &Node,
    operand: usize,
    demanded: &IndexBounds,
) -> Result<(), VencError> {
    let operands: Vec<&TensorType> = node.operands.iter().map(|id| function.type_of(*id)).collect();
    let length = operands.get(operand).map(|index| index.elements());
    match demanded.below.iter().find(|rows| Some(*rows) != length.as_ref()) {
        None => Ok(()),
        Some(rows) => {
            let reason = format!(
                "the inverse of a permutation, and reads {rows} rows: it must have as many entries"
            );
            Err(node.op.applied_to(&operands).bad_operand(operand, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Dim, SymbolRange, Symbols};
    use crate::tensor::ElementType::{F32, I32};
    use crate::venc::{FunctionBuilder, GatherRows, InversePermutation, Role, ValueId};

    /// `@main(x, order, some)`: rows in an order and back, and some of them by a function.
    fn module(back: impl Fn(&mut FunctionBuilder, [ValueId; 3]) -> ValueId) -> Module {
        let mut symbols = Symbols::default();
        let tokens = symbols.declare("tokens", SymbolRange::new(1, 64)).unwrap();
        let few = symbols.declare("few", SymbolRange::new(1, 64)).unwrap();
        let x = TensorType::new(F32, [1.into(), tokens.clone(), 8.into()]);
        let index = |length: &Dim| TensorType::new(I32, [length.clone()]);
        let mut pick = FunctionBuilder::new("pick");
        let operands = [
            pick.argument("x", x.clone(), Role::Activation),
            pick.argument("rows", index(&few), Role::Activation),
        ];
        let picked = pick.push(GatherRows, &operands).unwrap();
        pick.result("y", picked);
        let mut module =
            Module { symbols, functions: vec![pick.finish()], entry: "main".to_string() };
        let mut main = FunctionBuilder::new("main");
        let arguments = [
            main.argument("x", x, Role::Activation),
            main.argument("order", index(&tokens), Role::Activation),
            main.argument("some", index(&few), Role::Activation),
        ];
        let ordered = main.push(GatherRows, &arguments[..2]).unwrap();
        let back = back(&mut main, arguments);
        let restored = main.push(GatherRows, &[ordered, back]).unwrap();
        let picked = main.call(&module, "pick", &[arguments[0], arguments[2]]).unwrap();
        main.result("restored", restored);
        main.result("picked", picked);
        module.functions.push(main.finish());
        module
    }

    #[test]
    fn bounds_are_the_rows_read_and_permutations_are_known() {
        let module = module(|main, [_, order, _]| main.push(InversePermutation, &[order]).unwrap());
        module.verify().unwrap();
        let tokens = vec!["tokens".parse::<Dim>().unwrap()];
        let expected = [
            (1, IndexBounds { below: tokens.clone(), permutation: true }),
            (2, IndexBounds { below: tokens, permutation: false }),
        ];
        assert_eq!(module.index_bounds().unwrap(), expected.into());
    }

    #[test]
    fn an_inverse_reads_as_many_rows_as_it_has_entries() {
        let module = module(|main, [_, _, some]| main.push(InversePermutation, &[some]).unwrap());
        let message = module.verify().unwrap_err().to_string();
        assert!(message.contains("venc.gather_rows: operand #1 `index`"), "{message}");
        assert!(message.contains("reads tokens rows"), "{message}");
    }

    #[test]
    fn an_index_is_no_weight_and_no_result() {
        let mut module = module(|_, [_, order, _]| order);
        module.functions[1].results.push(("order".to_string(), ValueId(1)));
        let message = module.verify().unwrap_err().to_string();
        assert!(message.contains("the result `order` is [tokens] x i32"), "{message}");
        module.functions[1].results.pop();
        module.functions[1].arguments[1].role = Role::Weight;
        let message = module.verify().unwrap_err().to_string();
        assert!(message.contains("the argument `order` is [tokens] x i32"), "{message}");
    }
}
