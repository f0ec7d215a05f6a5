//! ViT (Dosovitskiy et al., arXiv:2010.11929), and DeiT (Touvron et al., arXiv:2012.12877), which is ViT with a
//! distillation token behind the class token.

use super::LoadError;
use super::backbone::{Backbone, Defaults, VisionEncoder};
use super::config::Config;
use crate::nn::{self, Attention, LayerNorm, Linear, Module, Scope, Tensor};
use ocellus_dialects::venc::Activation;

/// The names of attention's layers, in every checkpoint that descends from ViT's.
pub(super) const ATTENTION: [&str; 4] =
    ["attention.query", "attention.key", "attention.value", "output.dense"];

struct Vit {
    backbone: Backbone,
    intermediate_size: i64,
    qkv_bias: bool,
    distilled: bool,
    pooler: Option<Pooler>,
}

struct Pooler {
    outputs: i64,
    activation: Option<Activation>,
}

/// Reads a ViT's config. `has` tells whether the checkpoint has a tensor: one without a pooler gives no
/// `pooler_output`.
pub(super) fn vit(
    config: &Config,
    has: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    Ok(Box::new(Vit::read(config, has, false)?))
}

/// The same for DeiT.
pub(super) fn deit(
    config: &Config,
    has: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    Ok(Box::new(Vit::read(config, has, true)?))
}

impl Vit {
    fn read(
        config: &Config,
        has: &dyn Fn(&str) -> bool,
        distilled: bool,
    ) -> Result<Self, LoadError> {
        let defaults = Defaults { hidden_act: "gelu", layer_norm_eps: 1e-12, patch_size: 16 };
        let backbone = Backbone::read(config, defaults)?;
        let pooler = Pooler {
            outputs: config
                .integer_if_any("pooler_output_size", 1..=1 << 16)?
                .unwrap_or(backbone.hidden_size),
            activation: config.activation("pooler_act", "tanh")?,
        };
        Ok(Vit {
            intermediate_size: Backbone::intermediate_size(config)?,
            qkv_bias: config.flag("qkv_bias", true)?,
            distilled,
            pooler: has("pooler.dense.weight").then_some(pooler),
            backbone,
        })
    }

    fn embeddings(&self, nn: &Scope, pixels: &Tensor) -> nn::Result<Tensor> {
        let (patch, native) = (self.backbone.patch_embed(), self.backbone.positions());
        let grid = patch.grid(nn, pixels)?;
        let patches = nn.apply("patch_embeddings.projection", &patch, pixels)?;
        let width = self.backbone.hidden_size;
        let class = nn.weight("cls_token", [1, 1, width])?;
        let (count, special) = match self.distilled {
            false => (1, class),
            true => (2, class.concat(1, &[&nn.weight("distillation_token", [1, 1, width])?])?),
        };
        let table = nn.weight("position_embeddings", [1, count + native.positions(), width])?;
        let (special, patches) =
            self.backbone.add_positions((count, &special), &patches, &table, &native, &grid)?;
        special.concat(1, &[&patches])
    }
}

impl VisionEncoder for Vit {
    fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    fn forward(
        &self,
        nn: &Scope,
        _: &Scope,
        pixels: &Tensor,
    ) -> nn::Result<Vec<(&'static str, Tensor)>> {
        let Backbone { layers, layer_norm_eps, .. } = self.backbone;
        let x = self.embeddings(&nn.child("embeddings"), pixels)?.label("embeddings");
        let x = nn.repeat("encoder.layer", layers, &Layer(self), &x)?;
        let x = nn.apply("layernorm", &LayerNorm::new(layer_norm_eps), &x)?;
        let mut results = vec![("last_hidden_state", x.clone())];
        if let Some(pooler) = &self.pooler {
            let first = x.select_token(0)?;
            let pooled = nn.apply("pooler.dense", &Linear::new(pooler.outputs), &first)?;
            results.push(("pooler_output", pooled.activate(pooler.activation)?));
        }
        Ok(results)
    }
}

struct Layer<'a>(&'a Vit);

impl Module for Layer<'_> {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let Backbone { hidden_size, heads, hidden_act, layer_norm_eps, .. } = self.0.backbone;
        let norm = LayerNorm::new(layer_norm_eps);
        let attention = Attention::new(heads).named(ATTENTION).qkv_bias(self.0.qkv_bias);
        let normed = nn.apply("layernorm_before", &norm, x)?;
        let x = x.add(&nn.apply("attention", &attention, &normed)?)?;
        let normed = nn.apply("layernorm_after", &norm, &x)?;
        let hidden = nn
            .apply("intermediate.dense", &Linear::new(self.0.intermediate_size), &normed)?
            .activate(hidden_act)?;
        x.add(&nn.apply("output.dense", &Linear::new(hidden_size), &hidden)?)
    }
}
