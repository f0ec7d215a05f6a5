//! Turns the weights of a recorded block into arguments, so that one function serves every layer.
//!
//! Before, as the block's module recorded it:
//! ```text
//! func @layer(%x) { %w = weight "fc1.weight"   %y = linear %x, %w   return %y }
//! ```
//! After; the caller passes `layers.0.fc1.weight`, then `layers.1.fc1.weight`, …:
//! ```text
//! func @layer(%x, %fc1.weight) { %y = linear %x, %fc1.weight   return %y }
//! ```

use ocellus_dialects::TensorType;
use ocellus_dialects::venc::{Argument, Function, Node, Op, Role, ValueId, Weight};

/// The function with its weights as arguments behind those it has, and their names and types in that order.
pub(super) fn weights_to_arguments(recorded: Function) -> (Function, Vec<(String, TensorType)>) {
    let mut weights = vec![];
    for node in &recorded.nodes {
        if let Op::Weight(Weight { name }) = &node.op {
            weights.push((name.clone(), node.ty.clone()));
        }
    }
    let mut arguments = recorded.arguments;
    let mut renumbered: Vec<ValueId> = (0..arguments.len() as u32).map(ValueId).collect();
    arguments.extend(weights.iter().map(|(name, ty)| Argument {
        name: name.clone(),
        ty: ty.clone(),
        role: Role::Weight,
    }));

    let mut next_weight = renumbered.len() as u32;
    let mut next_result = arguments.len() as u32;
    let mut nodes: Vec<Node> = vec![];
    for mut node in recorded.nodes {
        let next =
            if matches!(node.op, Op::Weight(_)) { &mut next_weight } else { &mut next_result };
        renumbered.push(ValueId(*next));
        *next += 1;
        if !matches!(node.op, Op::Weight(_)) {
            node.operands.iter_mut().for_each(|operand| *operand = renumbered[operand.index()]);
            nodes.push(node);
        }
    }
    let results = recorded
        .results
        .into_iter()
        .map(|(name, value)| (name, renumbered[value.index()]))
        .collect();
    (Function { name: recorded.name, arguments, nodes, results }, weights)
}
