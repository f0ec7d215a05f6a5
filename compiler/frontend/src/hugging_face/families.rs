//! The supported families, and how each is found in a config and in a checkpoint.

use super::backbone::VisionEncoder;
use super::config::Config;
use super::names::{self, Renaming};
use super::tower::Tower;
use super::{LoadError, clip, dinov2, siglip, similar, vit};
use ocellus_checkpoint::Checkpoint;
use std::path::Path;

/// Reads a family's config. The function tells whether the checkpoint has a tensor of the encoder.
type Read = fn(&Config, &dyn Fn(&str) -> bool) -> Result<Box<dyn VisionEncoder>, LoadError>;

/// A family of vision encoders.
#[derive(Debug)]
pub(super) struct Family {
    /// The `model_type` of the vision encoder's own config.
    model_type: &'static str,
    /// The `model_type` of a model around it that has this encoder in its `vision_config`.
    full_model_type: Option<&'static str>,
    /// Reads its config.
    pub read: Read,
    /// The tensor by which its place in a checkpoint is found.
    patch_embedding: &'static str,
    /// Where published checkpoints have it.
    pub published_under: &'static str,
    /// What `transformers` 5 calls otherwise.
    renamed: &'static [Renaming],
    /// Tensors that lie among those of the encoder, and that it does not read; `*` is any ending.
    pub unused: &'static [&'static str],
}

static FAMILIES: [Family; 6] = [
    Family {
        model_type: "vit",
        full_model_type: None,
        read: vit::vit,
        patch_embedding: "embeddings.patch_embeddings.projection.weight",
        published_under: "",
        renamed: names::VIT,
        unused: &["embeddings.mask_token", "classifier.*", "decoder.*"],
    },
    Family {
        model_type: "deit",
        full_model_type: None,
        read: vit::deit,
        patch_embedding: "embeddings.patch_embeddings.projection.weight",
        published_under: "",
        renamed: names::VIT,
        unused: &[
            "embeddings.mask_token",
            "classifier.*",
            "cls_classifier.*",
            "distillation_classifier.*",
            "decoder.*",
        ],
    },
    Family {
        model_type: "clip_vision_model",
        full_model_type: Some("clip"),
        read: clip::clip,
        patch_embedding: "embeddings.patch_embedding.weight",
        published_under: "vision_model",
        renamed: &[],
        unused: &["embeddings.position_ids"],
    },
    Family {
        model_type: "siglip_vision_model",
        full_model_type: Some("siglip"),
        read: siglip::siglip,
        patch_embedding: "embeddings.patch_embedding.weight",
        published_under: "vision_model",
        renamed: &[],
        unused: &["embeddings.position_ids"],
    },
    Family {
        model_type: "dinov2",
        full_model_type: None,
        read: dinov2::dinov2,
        patch_embedding: "embeddings.patch_embeddings.projection.weight",
        published_under: "",
        renamed: names::DINOV2,
        unused: &["embeddings.mask_token", "classifier.*"],
    },
    Family {
        model_type: "dinov2_with_registers",
        full_model_type: None,
        read: dinov2::dinov2_with_registers,
        patch_embedding: "embeddings.patch_embeddings.projection.weight",
        published_under: "",
        renamed: names::DINOV2,
        // With no registers there is still a tensor of none.
        unused: &["embeddings.mask_token", "embeddings.register_tokens", "classifier.*"],
    },
];

/// The family of a config, and the part of the config that describes the vision encoder: the whole, or its
/// `vision_config`.
pub(super) fn of(config: Config) -> Result<(&'static Family, Config), LoadError> {
    let whole = config.text("model_type")?;
    let full = FAMILIES.iter().find(|family| whole.is_some() && family.full_model_type == whole);
    // Early CLIP configs have the values in `vision_config_dict`, which `transformers` prefers.
    let nested = match config.nested("vision_config_dict")? {
        None => config.nested("vision_config")?,
        legacy => legacy,
    };
    let vision = match (nested, full) {
        (Some(vision), _) => vision,
        // A full model that says nothing of its encoder has one of the default sizes.
        (None, Some(_)) => config.empty("vision_config"),
        (None, None) => config.clone(),
    };
    let named = match vision.text("model_type")? {
        None => full,
        Some(name) => FAMILIES.iter().find(|family| family.model_type == name),
    };
    match named {
        Some(family) => Ok((family, vision)),
        None => {
            let known = FAMILIES.each_ref().map(|family| family.model_type);
            let full = FAMILIES.iter().filter_map(|family| family.full_model_type);
            let all: Vec<&str> = known.into_iter().chain(full).collect();
            let asked = vision.text("model_type")?.unwrap_or_default();
            let meant = similar::nearest(asked, &all);
            let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            let known = known.join(", ");
            let allowed = format!("{meant}the supported vision encoders are {known}");
            Err(vision.wrong("model_type", allowed))
        }
    }
}

impl Family {
    /// Finds the encoder among the tensors of a checkpoint.
    pub fn find(&self, path: &Path, checkpoint: &Checkpoint) -> Result<Tower, LoadError> {
        let places: Vec<&str> = checkpoint
            .names()
            .filter_map(|name| name.strip_suffix(self.patch_embedding))
            .filter(|place| place.is_empty() || place.ends_with('.'))
            .collect();
        let encoder = |reason| LoadError::Encoder { path: path.to_path_buf(), reason };
        match places.as_slice() {
            [place] => {
                Tower::of(checkpoint, place.trim_end_matches('.'), self.renamed).map_err(encoder)
            }
            [] => Err(encoder(format!(
                "no tensor is called `{}`, alone or behind a prefix: these are not the weights of a `{}`, or \
                 not under the names of `transformers`",
                self.patch_embedding, self.model_type
            ))),
            [first, second, ..] => Err(encoder(format!(
                "there are several vision encoders, under `{first}` and `{second}`: keep the one to compile"
            ))),
        }
    }
}
