//! CLIP's vision encoder (Radford et al., arXiv:2103.00020): a norm in front of the layers, and one behind them for
//! the class token alone.

use super::LoadError;
use super::backbone::{Backbone, Defaults, VisionEncoder};
use super::config::Config;
use crate::nn::{self, LayerNorm, Linear, Scope, Tensor, TransformerBlock};

struct Clip {
    backbone: Backbone,
    intermediate_size: i64,
    /// The width of `image_embeds`, where the checkpoint is a `CLIPVisionModelWithProjection`.
    projection: Option<i64>,
}

/// Reads a CLIP vision config.
pub(super) fn clip(
    config: &Config,
    _: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    let defaults = Defaults { hidden_act: "quick_gelu", layer_norm_eps: 1e-5, patch_size: 32 };
    let projected = config.is_architecture("CLIPVisionModelWithProjection");
    let projection = match projected {
        true => Some(config.integer("projection_dim", 512, 1..=1 << 16)?),
        false => None,
    };
    Ok(Box::new(Clip {
        backbone: Backbone::read(config, defaults)?,
        intermediate_size: Backbone::intermediate_size(config)?,
        projection,
    }))
}

impl Clip {
    fn embeddings(&self, nn: &Scope, pixels: &Tensor) -> nn::Result<Tensor> {
        let (patch, native) = (self.backbone.patch_embed().bias(false), self.backbone.positions());
        let grid = patch.grid(nn, pixels)?;
        let patches = nn.apply("patch_embedding", &patch, pixels)?;
        let (width, positions) = (self.backbone.hidden_size, 1 + native.positions());
        let class = nn.weight("class_embedding", [width])?.reshape([1, 1, width])?;
        let table = nn
            .weight("position_embedding.weight", [positions, width])?
            .reshape([1, positions, width])?;
        let (class, patches) =
            self.backbone.add_positions((1, &class), &patches, &table, &native, &grid)?;
        class.concat(1, &[&patches])
    }
}

impl VisionEncoder for Clip {
    fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    fn forward(
        &self,
        nn: &Scope,
        around: &Scope,
        pixels: &Tensor,
    ) -> nn::Result<Vec<(&'static str, Tensor)>> {
        let Backbone { layers, heads, hidden_act, layer_norm_eps, .. } = self.backbone;
        let norm = LayerNorm::new(layer_norm_eps);
        let block = TransformerBlock::new(heads, self.intermediate_size)
            .activation(hidden_act)
            .eps(layer_norm_eps);
        let x = self.embeddings(&nn.child("embeddings"), pixels)?;
        // The name is misspelt in every published checkpoint.
        let x = nn.apply("pre_layrnorm", &norm, &x)?.label("embeddings");
        let x = nn.repeat("encoder.layers", layers, &block, &x)?;
        let pooled = nn.apply("post_layernorm", &norm, &x.select_token(0)?)?;
        let mut results = vec![("last_hidden_state", x), ("pooler_output", pooled.clone())];
        if let Some(width) = self.projection {
            let project = Linear::new(width).bias(false);
            results.push(("image_embeds", around.apply("visual_projection", &project, &pooled)?));
        }
        Ok(results)
    }
}
