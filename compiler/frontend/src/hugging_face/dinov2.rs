//! DINOv2 (Oquab et al., arXiv:2304.07193), without and with registers (Darcet et al., arXiv:2309.16588): layer scale
//! behind each half of a block, and SwiGLU in the largest model.

use super::LoadError;
use super::backbone::{Backbone, Defaults, VisionEncoder, images};
use super::config::Config;
use super::vit::ATTENTION;
use crate::nn::{self, Attention, LayerNorm, Linear, Mlp, Module, Scope, Tensor};
use ocellus_dialects::venc::Activation;

struct Dinov2 {
    backbone: Backbone,
    mlp_hidden: i64,
    swiglu: bool,
    qkv_bias: bool,
    registers: i64,
    /// Whether a position table that shrinks is low-passed.
    antialias: bool,
}

/// Reads a DINOv2 config.
pub(super) fn dinov2(
    config: &Config,
    _: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    Ok(Box::new(Dinov2::read(config, 14)?))
}

/// The same with registers, whose position table is also resampled in another way.
pub(super) fn dinov2_with_registers(
    config: &Config,
    _: &dyn Fn(&str) -> bool,
) -> Result<Box<dyn VisionEncoder>, LoadError> {
    let registers = config.integer("num_register_tokens", 4, 0..=4096)?;
    Ok(Box::new(Dinov2 { registers, antialias: true, ..Dinov2::read(config, 16)? }))
}

impl Dinov2 {
    fn read(config: &Config, patch_size: i64) -> Result<Self, LoadError> {
        let defaults = Defaults { hidden_act: "gelu", layer_norm_eps: 1e-6, patch_size };
        let backbone = Backbone::read(config, defaults)?;
        let ratio = config.number("mlp_ratio", 4.0, 0.0..=64.0)?;
        let mlp_hidden = (backbone.hidden_size as f64 * ratio) as i64;
        if mlp_hidden < 1 {
            return Err(config.wrong("mlp_ratio", "give one that leaves the MLP a feature"));
        }
        Ok(Dinov2 {
            mlp_hidden,
            swiglu: config.flag("use_swiglu_ffn", false)?,
            qkv_bias: config.flag("qkv_bias", true)?,
            registers: 0,
            antialias: false,
            backbone,
        })
    }

    fn embeddings(&self, nn: &Scope, pixels: &Tensor) -> nn::Result<Tensor> {
        let patch = self.backbone.patch_embed();
        let native = self.backbone.positions().antialias(self.antialias);
        let grid = patch.grid(nn, pixels)?;
        let patches = nn.apply("patch_embeddings.projection", &patch, pixels)?;
        let width = self.backbone.hidden_size;
        let class = nn.weight("cls_token", [1, 1, width])?;
        let table = nn.weight("position_embeddings", [1, 1 + native.positions(), width])?;
        let (class, patches) =
            self.backbone.add_positions((1, &class), &patches, &table, &native, &grid)?;
        if self.registers == 0 {
            return class.concat(1, &[&patches]);
        }
        // Registers have no position.
        let registers = nn.weight("register_tokens", [1, self.registers, width])?;
        class.concat(1, &[&registers.broadcast_images(&images(pixels))?, &patches])
    }
}

impl VisionEncoder for Dinov2 {
    fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    fn resamples_unasked(&self) -> bool {
        true
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
        let pooled = x.select_token(0)?;
        Ok(vec![("last_hidden_state", x), ("pooler_output", pooled)])
    }
}

struct Layer<'a>(&'a Dinov2);

impl Module for Layer<'_> {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let Backbone { heads, hidden_act, layer_norm_eps, .. } = self.0.backbone;
        let norm = LayerNorm::new(layer_norm_eps);
        let attention = Attention::new(heads).named(ATTENTION).qkv_bias(self.0.qkv_bias);
        let attended = nn.apply("attention", &attention, &nn.apply("norm1", &norm, x)?)?;
        let x = x.add(&nn.apply("layer_scale1", &LayerScale, &attended)?)?;
        let normed = nn.apply("norm2", &norm, &x)?;
        let hidden = self.0.mlp_hidden;
        let fed = match self.0.swiglu {
            true => nn.apply("mlp", &SwiGlu::new(hidden), &normed)?,
            false => nn.apply("mlp", &Mlp::new(hidden, hidden_act), &normed)?,
        };
        x.add(&nn.apply("layer_scale2", &LayerScale, &fed)?)
    }
}

/// One learned factor for each feature (Touvron et al., arXiv:2103.17239).
struct LayerScale;

impl Module for LayerScale {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        x.multiply(&nn.weight("lambda1", [x.width()?])?)
    }
}

/// `weights_out(silu(a) * b)`, where `a` and `b` are the halves of `weights_in(x)`.
struct SwiGlu {
    half: i64,
}

impl SwiGlu {
    /// Two thirds of an MLP's middle, so that it has as many weights, rounded up to a multiple of 8.
    fn new(mlp_hidden: i64) -> Self {
        SwiGlu { half: ((mlp_hidden as f64 * 2.0 / 3.0) as i64 + 7) / 8 * 8 }
    }
}

impl Module for SwiGlu {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let both = nn.apply("weights_in", &Linear::new(2 * self.half), x)?;
        let gate = both.slice_columns(0, self.half)?.activate(Activation::Silu)?;
        let hidden = gate.multiply(&both.slice_columns(self.half, self.half)?)?;
        nn.apply("weights_out", &Linear::new(x.width()?), &hidden)
    }
}
