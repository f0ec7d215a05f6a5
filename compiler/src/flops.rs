//! [`matrix_flops`]: the arithmetic that a model asks for, whatever program is chosen for it.

use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Function, Module, Node, Source};
use std::collections::BTreeMap;

/// The multiplications and additions of the matrix products of one run, in closed form over the module's symbols. Other
/// arithmetic is not counted, as is usual.
pub fn matrix_flops(module: &Module) -> Dim {
    let mut counted = BTreeMap::new();
    // A function stands before those that call it.
    for function in &module.functions {
        let flops = function.nodes.iter().map(|node| node_flops(function, node, &counted)).sum();
        counted.insert(function.name.as_str(), flops);
    }
    counted.remove(module.entry.as_str()).unwrap_or_default()
}

fn node_flops(function: &Function, node: &Node, counted: &BTreeMap<&str, Dim>) -> Dim {
    match node.op.source() {
        Source::Function(callee) => counted.get(callee).cloned().unwrap_or_default(),
        Source::Checkpoint(_) => Dim::default(),
        Source::Operands => {
            let operands: Vec<&TensorType> =
                node.operands.iter().map(|id| function.type_of(*id)).collect();
            let products = node.op.operation().products_summed(&operands).unwrap_or_default();
            node.ty.elements() * products * Dim::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::symbolic::SymbolRange;
    use ocellus_frontend::nn::{self, Linear, Scope, Tensor};

    struct Square;

    impl nn::Module for Square {
        fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
            Linear::new(x.width()?).forward(nn, x)
        }
    }

    #[test]
    fn a_repeated_block_counts_as_often_as_it_is_called() {
        let module = nn::build(ElementType::F32, |nn| {
            let rows = nn.symbol("rows", SymbolRange::new(1, 64))?;
            let [x] = nn.inputs([("x", vec![rows, 8.into()])])?;
            let x = nn.repeat("layers", 3, &Square, &x)?;
            nn.result("y", &nn.apply("head", &Linear::new(4), &x)?)
        })
        .unwrap();
        assert_eq!(matrix_flops(&module).to_string(), "448*rows");
    }
}
