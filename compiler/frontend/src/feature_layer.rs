//! A feature layer: the output of one of the encoder's blocks, as language models read it, instead of its own results.
//!
//! ```text
//! %7 = call @layer(%6, …)  "layers.10"              %7 = call @layer(%6, …)  "layers.10"
//! %8 = call @layer(%7, …)  "layers.11"     -2       return last_hidden_state = %7
//! %9 = layer_norm(%8, …)                  ───►
//! return last_hidden_state = %9, pooler_output = …
//! ```
//!
//! What comes after the block is dropped, its weights with it.

use ocellus_dialects::ElementType;
use ocellus_dialects::venc::{Cast, Module, Node, Op};

/// The name of the one result, as for a whole encoder.
const RESULT: &str = "last_hidden_state";

/// A layer that the encoder has not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no feature layer {asked}: the encoder has {layers} layers, -{layers}..=-1 counted from the end, \
         0..={} from the beginning", layers.saturating_sub(1))]
pub struct NoSuchLayer {
    /// What was asked for.
    pub asked: i64,
    /// How many layers there are.
    pub layers: usize,
}

/// Makes the output of block `layer` the only result: 0 is the first block; negative numbers count from the end, as in
/// `vision_feature_layer`: -1 is the last block, before the norm that may follow it.
pub fn select_feature_layer(module: &mut Module, layer: i64) -> Result<(), NoSuchLayer> {
    let entry = module.entry.clone();
    let none = NoSuchLayer { asked: layer, layers: 0 };
    let function = module.functions.iter_mut().find(|f| f.name == entry).ok_or(none)?;
    let is_layer = |node: &Node| node.label.as_ref().is_some_and(|l| l.starts_with("layers."));
    let nodes = function.nodes.iter().enumerate();
    let layers: Vec<usize> =
        nodes.filter(|(_, node)| is_layer(node)).map(|(position, _)| position).collect();
    let none = NoSuchLayer { asked: layer, layers: layers.len() };
    let from_begin = if layer < 0 { layer.checked_add(layers.len() as i64) } else { Some(layer) };
    let position = from_begin
        .and_then(|layer| usize::try_from(layer).ok())
        .and_then(|layer| layers.get(layer))
        .ok_or(none)?;
    function.nodes.truncate(position + 1);
    let mut value = function.value_of(*position);
    let ty = function.type_of(value).clone();
    if ty.element != ElementType::F32 {
        let mut ty = ty;
        ty.element = ElementType::F32;
        let op = Op::Cast(Cast { to: ElementType::F32 });
        function.nodes.push(Node { op, operands: vec![value], ty, label: None });
        value = function.value_of(position + 1);
    }
    function.results = vec![(RESULT.to_string(), value)];
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hugging_face::{Options, load_with};
    use std::path::Path;

    fn model(options: &Options) -> crate::Model {
        let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens");
        load_with(goldens.join("vit-base/model"), options).unwrap()
    }

    #[test]
    fn a_layer_that_is_not_there_is_told() {
        let mut module = model(&Options::default()).module;
        let error = select_feature_layer(&mut module, -9).unwrap_err();
        assert_eq!(error.asked, -9);
        assert!(error.to_string().contains("layers"), "{error}");
        assert!(select_feature_layer(&mut module, i64::MIN).is_err());
        assert!(select_feature_layer(&mut module, i64::MAX).is_err());
    }
}
