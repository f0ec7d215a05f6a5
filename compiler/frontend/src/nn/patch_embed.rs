//! [`PatchEmbed`]: an image as a sequence of patches (Dosovitskiy et al., arXiv:2010.11929).

use super::{Grid, Module, NnError, Result, Scope, Tensor};
use ocellus_dialects::symbolic::Dim;

/// `[images, channels, height, width] -> [images, rows*cols, outputs]`: a convolution whose kernel is as large as its
/// stride, which is a linear map of each patch. Pixels past the last whole patch are dropped, as a convolution does.
///
/// Its weights are those of the convolution: `weight[outputs, channels, patch height, patch width]` and
/// `bias[outputs]`.
#[derive(Clone, Copy, Debug)]
pub struct PatchEmbed {
    height: i64,
    width: i64,
    outputs: i64,
    bias: bool,
}

impl PatchEmbed {
    /// Patches of `(height, width)` pixels, each mapped to `outputs` features, with a bias.
    pub fn new((height, width): (i64, i64), outputs: i64) -> Self {
        PatchEmbed { height, width, outputs, bias: true }
    }

    /// The same with a bias or without.
    pub fn bias(self, bias: bool) -> Self {
        PatchEmbed { bias, ..self }
    }

    /// The patches of an image: its `height` and `width` divided and rounded down, which are the symbols `rows` and
    /// `cols` where the image's sides are symbols.
    pub fn grid(&self, nn: &Scope, image: &Tensor) -> Result<Grid> {
        let [_, _, height, width] = dimensions(image)?;
        Ok(Grid {
            rows: nn.floor_div("rows", height, self.height)?,
            cols: nn.floor_div("cols", width, self.width)?,
        })
    }
}

impl Module for PatchEmbed {
    fn forward(&self, nn: &Scope, image: &Tensor) -> Result<Tensor> {
        let [_, channels, ..] = dimensions(image)?;
        let channels = channels.as_constant().ok_or_else(|| NnError::Symbolic {
            what: "the number of channels",
            dim: channels.clone(),
        })?;
        let patches = image.patchify(self.height, self.width, &self.grid(nn, image)?)?;
        let kernel = nn
            .weight("weight", [self.outputs, channels, self.height, self.width])?
            .reshape([self.outputs, patches.width()?])?;
        let tokens = patches.linear(&kernel)?;
        if !self.bias {
            return Ok(tokens);
        }
        tokens.add(&nn.weight("bias", [self.outputs])?)
    }
}

fn dimensions(image: &Tensor) -> Result<&[Dim; 4]> {
    image.ty().shape.as_slice().try_into().map_err(|_| NnError::NotAnImage(image.ty().clone()))
}
