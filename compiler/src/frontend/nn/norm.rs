//! [`LayerNorm`] and [`RmsNorm`].

use super::{Module, Result, Scope, Tensor};

/// The layer norm over the last dimension, with the weights `weight` and `bias`.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    eps: f64,
}

impl LayerNorm {
    /// A layer norm that adds `eps` to the variance.
    pub fn new(eps: f64) -> Self {
        LayerNorm { eps }
    }
}

impl Module for LayerNorm {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let width = x.width()?;
        x.layer_norm(&nn.weight("weight", [width])?, &nn.weight("bias", [width])?, self.eps)
    }
}

/// The root-mean-square norm over the last dimension, with the weight `weight`.
#[derive(Clone, Copy, Debug)]
pub struct RmsNorm {
    eps: f64,
}

impl RmsNorm {
    /// A norm that adds `eps` to the mean square.
    pub fn new(eps: f64) -> Self {
        RmsNorm { eps }
    }
}

impl Module for RmsNorm {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        x.rms_norm(&nn.weight("weight", [x.width()?])?, self.eps)
    }
}
