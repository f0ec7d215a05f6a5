//! What `transformers` 5 calls otherwise: its models have other tensor names than the checkpoints that are published.
//! It reads both, and writes the published ones unless it is told `save_original_format=False`; a state dict that is
//! saved by hand has the new ones. Ocellus names weights as published.
//!
//! The tables say what `conversion_mapping.py` of `transformers` 5.23 says; `tests/goldens/names.json` holds them to it.

/// Consecutive parts of a name, such as `output.dense` of `layer.0.output.dense.weight`, under both names.
#[derive(Debug)]
pub(super) struct Renaming {
    /// As published.
    published: &'static str,
    /// As `transformers` 5 has it. Several are tensors whose rows, one after the other, are the published one's.
    new: &'static [&'static str],
}

const QUERY: Renaming =
    Renaming { published: "attention.attention.query", new: &["attention.q_proj"] };
const KEY: Renaming = Renaming { published: "attention.attention.key", new: &["attention.k_proj"] };
const VALUE: Renaming =
    Renaming { published: "attention.attention.value", new: &["attention.v_proj"] };
const ATTENTION_OUTPUT: Renaming =
    Renaming { published: "attention.output.dense", new: &["attention.o_proj"] };

/// ViT and DeiT. A name that contains another comes before it.
pub(super) static VIT: &[Renaming] = &[
    Renaming { published: "encoder.layer", new: &["layers"] },
    QUERY,
    KEY,
    VALUE,
    ATTENTION_OUTPUT,
    Renaming { published: "intermediate.dense", new: &["mlp.fc1"] },
    Renaming { published: "output.dense", new: &["mlp.fc2"] },
];

/// DINOv2, with and without registers.
pub(super) static DINOV2: &[Renaming] = &[
    QUERY,
    KEY,
    VALUE,
    ATTENTION_OUTPUT,
    Renaming { published: "mlp.weights_in", new: &["mlp.gate_proj", "mlp.up_proj"] },
    Renaming { published: "mlp.weights_out", new: &["mlp.down_proj"] },
];

/// The published name of a tensor, and, where the tensor has only a part of its rows, the names of all parts and which
/// of them this one is.
#[derive(Debug, PartialEq)]
pub(super) struct Published {
    pub name: String,
    pub parts: Vec<String>,
    pub part: usize,
}

/// The published name of what a checkpoint calls `name`, which may be published or new, or new in some of its parts.
pub(super) fn published(renamed: &[Renaming], name: &str) -> Published {
    let mut published =
        Published { name: name.to_string(), parts: vec![name.to_string()], part: 0 };
    for Renaming { published: old, new } in renamed {
        for (part, one) in new.iter().enumerate() {
            let Some(renamed) = replace(&published.name, one, old) else { continue };
            published.name = renamed;
            if new.len() > 1 {
                let others = new.iter().map(|other| replace(name, one, other));
                published.parts = others.collect::<Option<_>>().unwrap_or_default();
                published.part = part;
            }
            break;
        }
    }
    published
}

/// What `transformers` 5 calls a tensor that is published as `name`.
pub(super) fn new(renamed: &[Renaming], name: &str) -> Vec<String> {
    renamed.iter().fold(vec![name.to_string()], |names, Renaming { published, new }| {
        let renamed = names
            .iter()
            .flat_map(|name| new.iter().filter_map(move |new| replace(name, published, new)));
        let renamed: Vec<String> = renamed.collect();
        if renamed.is_empty() { names } else { renamed }
    })
}

/// `name` with the first place where it has the consecutive parts `from` changed to `to`.
fn replace(name: &str, from: &str, to: &str) -> Option<String> {
    let starts = name.match_indices(from).map(|(start, _)| start);
    let whole = |start: &usize| {
        let (before, after) = (&name[..*start], &name[start + from.len()..]);
        (before.is_empty() || before.ends_with('.')) && (after.is_empty() || after.starts_with('.'))
    };
    let start = starts.into_iter().find(whole)?;
    Some(format!("{}{to}{}", &name[..start], &name[start + from.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_the_other() {
        let cases = [
            (VIT, "encoder.layer.3.attention.attention.key.bias", "layers.3.attention.k_proj.bias"),
            (
                VIT,
                "encoder.layer.11.attention.output.dense.weight",
                "layers.11.attention.o_proj.weight",
            ),
            (VIT, "encoder.layer.0.output.dense.weight", "layers.0.mlp.fc2.weight"),
            (VIT, "encoder.layer.0.layernorm_after.weight", "layers.0.layernorm_after.weight"),
            (VIT, "embeddings.cls_token", "embeddings.cls_token"),
            (DINOV2, "encoder.layer.0.mlp.fc1.weight", "encoder.layer.0.mlp.fc1.weight"),
            (DINOV2, "encoder.layer.0.mlp.weights_out.bias", "encoder.layer.0.mlp.down_proj.bias"),
        ];
        for (renamed, old, newer) in cases {
            for name in [old, newer] {
                let whole = vec![name.to_string()];
                let expected = Published { name: old.to_string(), parts: whole, part: 0 };
                assert_eq!(published(renamed, name), expected);
            }
            assert_eq!(new(renamed, old), [newer]);
        }
        let half = published(VIT, "encoder.layer.0.attention.q_proj.bias");
        assert_eq!(half.name, "encoder.layer.0.attention.attention.query.bias");
    }

    #[test]
    fn a_part_knows_the_others() {
        let parts = ["gate", "up"].map(|part| format!("encoder.layer.7.mlp.{part}_proj.bias"));
        let old = "encoder.layer.7.mlp.weights_in.bias";
        for (part, name) in parts.iter().enumerate() {
            let expected = Published { name: old.to_string(), parts: parts.to_vec(), part };
            assert_eq!(published(DINOV2, name), expected);
        }
        assert_eq!(new(DINOV2, old), parts);
    }

    #[test]
    fn only_whole_parts_of_a_name_are_renamed() {
        for name in ["my_layers.0.x", "layers_.0.x", "attention.q_projection.weight", ""] {
            assert_eq!(published(VIT, name).name, name);
        }
    }
}
