//! [`Backbone`]: what the configs of all families have in common, and [`VisionEncoder`], what all families are.

use super::LoadError;
use super::config::Config;
use crate::nn::{self, Grid, PatchEmbed, PositionTable, Scope, Tensor};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::Activation;

// Far above any published encoder, and small enough that sums and products of them fit in an i64.
const WIDEST: i64 = 1 << 16;
const DEEPEST: i64 = 1024;
const MAX_IMAGE_SIDE: i64 = 1 << 16;
const MAX_CHANNELS: i64 = 256;

/// An encoder of one family, as its config describes it.
pub(super) trait VisionEncoder {
    /// What the config has in common with the others.
    fn backbone(&self) -> &Backbone;

    /// Whether the family's forward resamples its position table to the image without being asked.
    fn resamples_unasked(&self) -> bool {
        false
    }

    /// Records the encoder, and gives its results by their names in `transformers`. The weights of the encoder lie
    /// under `nn`, those of a projection behind it beside it, under `around`.
    fn forward(
        &self,
        nn: &Scope,
        around: &Scope,
        pixels: &Tensor,
    ) -> nn::Result<Vec<(&'static str, Tensor)>>;
}

/// The defaults in which families differ.
pub(super) struct Defaults {
    /// By its name in `transformers`.
    pub hidden_act: &'static str,
    pub layer_norm_eps: f64,
    pub patch_size: i64,
}

/// What the configs of all families have in common.
#[derive(Clone, Debug)]
pub(super) struct Backbone {
    pub hidden_size: i64,
    pub layers: usize,
    pub heads: i64,
    pub hidden_act: Option<Activation>,
    pub layer_norm_eps: f64,
    pub channels: i64,
    /// Height and width of the images that the position table was made for.
    pub image_size: (i64, i64),
    /// Height and width of a patch.
    pub patch_size: (i64, i64),
}

impl Backbone {
    /// Reads it. The heads must divide the width, and an image must have room for a patch.
    pub fn read(config: &Config, defaults: Defaults) -> Result<Self, LoadError> {
        let hidden_size = config.integer("hidden_size", 768, 1..=WIDEST)?;
        let heads = config.integer("num_attention_heads", 12, 1..=WIDEST)?;
        if hidden_size % heads != 0 {
            let allowed = format!(
                "give a divisor of `hidden_size` = {hidden_size}: each head has an equal part of it"
            );
            return Err(config.wrong("num_attention_heads", allowed));
        }
        let image_size = config.pair("image_size", 224, 1..=MAX_IMAGE_SIDE)?;
        let patch_size = config.pair("patch_size", defaults.patch_size, 1..=MAX_IMAGE_SIDE)?;
        if patch_size.0 > image_size.0 || patch_size.1 > image_size.1 {
            let (height, width) = image_size;
            let allowed = format!("give at most the `image_size` of {height} by {width} pixels");
            return Err(config.wrong("patch_size", allowed));
        }
        Ok(Backbone {
            hidden_size,
            layers: config.integer("num_hidden_layers", 12, 1..=DEEPEST)?.unsigned_abs() as usize,
            heads,
            hidden_act: config.activation("hidden_act", defaults.hidden_act)?,
            layer_norm_eps: config.number("layer_norm_eps", defaults.layer_norm_eps, 0.0..=1.0)?,
            channels: config.integer("num_channels", 3, 1..=MAX_CHANNELS)?,
            image_size,
            patch_size,
        })
    }

    /// The width of the MLP's middle.
    pub fn intermediate_size(config: &Config) -> Result<i64, LoadError> {
        config.integer("intermediate_size", 3072, 1..=4 * WIDEST)
    }

    /// The patch embedding.
    pub fn patch_embed(&self) -> PatchEmbed {
        PatchEmbed::new(self.patch_size, self.hidden_size)
    }

    /// The grid that the position table was made for. A side that the patch does not divide is rounded down, as in
    /// SigLIP's 384 pixels of 14-pixel patches.
    pub fn positions(&self) -> PositionTable {
        PositionTable::new(
            self.image_size.0 / self.patch_size.0,
            self.image_size.1 / self.patch_size.1,
        )
    }

    /// Adds positions to `count` special tokens `[1, count, n]` and to the patches behind them, from one table
    /// `[1, count + positions, n]`. Gives the special tokens, now those of each image, and the patches.
    pub fn add_positions(
        &self,
        (count, special): (i64, &Tensor),
        patches: &Tensor,
        table: &Tensor,
        native: &PositionTable,
        grid: &Grid,
    ) -> nn::Result<(Tensor, Tensor)> {
        let special =
            special.add(&table.slice_tokens(0, count)?)?.broadcast_images(&images(patches))?;
        let positions = native.positions();
        let table = table.slice_tokens(count, positions)?.reshape([positions, self.hidden_size])?;
        Ok((special, patches.add(&native.resample(&table, grid)?)?))
    }
}

/// How many images a batch has.
pub(super) fn images(batch: &Tensor) -> Dim {
    batch.ty().shape.first().cloned().unwrap_or_else(|| Dim::from(1))
}
