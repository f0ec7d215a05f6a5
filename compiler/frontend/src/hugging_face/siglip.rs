//! SigLIP's vision encoder (Zhai et al., arXiv:2303.15343): no class token, and a head that pools by attention from a
//! learned probe.

use super::LoadError;
use super::backbone::{Backbone, Defaults, VisionEncoder, images};
use super::config::Config;
use crate::nn::{self, LayerNorm, Linear, Mlp, Module, Scope, Tensor, TransformerBlock, attend};

struct Siglip {
    backbone: Backbone,
    intermediate_size: i64,
    head: bool,
}

/// Reads a SigLIP vision config.
pub(super) fn siglip(
    config: &Config,
    _: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    let defaults =
        Defaults { hidden_act: "gelu_pytorch_tanh", layer_norm_eps: 1e-6, patch_size: 16 };
    Ok(Box::new(Siglip {
        backbone: Backbone::read(config, defaults)?,
        intermediate_size: Backbone::intermediate_size(config)?,
        head: config.flag("vision_use_head", true)?,
    }))
}

impl Siglip {
    fn embeddings(&self, nn: &Scope, pixels: &Tensor) -> nn::Result<Tensor> {
        let (patch, native) = (self.backbone.patch_embed(), self.backbone.positions());
        let grid = patch.grid(nn, pixels)?;
        let patches = nn.apply("patch_embedding", &patch, pixels)?;
        let shape = [native.positions(), self.backbone.hidden_size];
        let table = nn.weight("position_embedding.weight", shape)?;
        patches.add(&native.resample(&table, &grid)?)
    }
}

impl VisionEncoder for Siglip {
    fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    fn forward(
        &self,
        nn: &Scope,
        _: &Scope,
        pixels: &Tensor,
    ) -> nn::Result<Vec<(&'static str, Tensor)>> {
        let Backbone { layers, heads, hidden_act, layer_norm_eps, .. } = self.backbone;
        let block = TransformerBlock::new(heads, self.intermediate_size)
            .activation(hidden_act)
            .eps(layer_norm_eps);
        let x = self.embeddings(&nn.child("embeddings"), pixels)?.label("embeddings");
        let x = nn.repeat("encoder.layers", layers, &block, &x)?;
        let x = nn.apply("post_layernorm", &LayerNorm::new(layer_norm_eps), &x)?;
        let mut results = vec![("last_hidden_state", x.clone())];
        if self.head {
            results.push(("pooler_output", nn.apply("head", &PoolingHead(self), &x)?));
        }
        Ok(results)
    }
}

/// `[images, tokens, n] -> [images, n]`: attention from one learned query to all tokens, and an MLP.
struct PoolingHead<'a>(&'a Siglip);

impl Module for PoolingHead<'_> {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let Backbone { hidden_act, layer_norm_eps, .. } = self.0.backbone;
        let x = self.attend_from_probe(nn, x)?;
        let normed = nn.apply("layernorm", &LayerNorm::new(layer_norm_eps), &x)?;
        let mlp = Mlp::new(self.0.intermediate_size, hidden_act);
        x.add(&nn.apply("mlp", &mlp, &normed)?)?.select_token(0)
    }
}

impl PoolingHead<'_> {
    /// `torch.nn.MultiheadAttention`, whose `in_proj` has the rows of query, key and value one after the other. The
    /// query comes from weights alone, so it is the same for each image and computed at compile time.
    fn attend_from_probe(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let Backbone { hidden_size: width, heads, .. } = self.0.backbone;
        let attention = nn.child("attention");
        let weight = attention.weight("in_proj_weight", [3 * width, width])?.reshape([
            1,
            3 * width,
            width,
        ])?;
        let bias = attention.weight("in_proj_bias", [3 * width])?;
        let project = |x: &Tensor, part: i64| {
            let weight = weight.slice_tokens(part * width, width)?.reshape([width, width])?;
            x.linear(&weight)?.add(&bias.slice_columns(part * width, width)?)?.split_heads(heads)
        };
        let probe = nn.weight("probe", [1, 1, width])?;
        let query = project(&probe, 0)?.broadcast_images(&images(x))?;
        let pooled = attend(&query, &project(x, 1)?, &project(x, 2)?)?.merge_heads()?;
        attention.apply("out_proj", &Linear::new(width), &pooled)
    }
}
