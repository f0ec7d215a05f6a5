//! [`LayerNorm`] and [`RmsNorm`].

use super::{Module, Result, Scope, Tensor};

/// The layer norm over the last dimension, with the weights `weight` and `bias`.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    eps: f64,
    affine: bool,
}

impl LayerNorm {
    /// A layer norm that adds `eps` to the variance.
    pub fn new(eps: f64) -> Self {
        LayerNorm { eps, affine: true }
    }

    /// The same with neither weight (PyTorch's `elementwise_affine=False`).
    pub fn without_weights(self) -> Self {
        LayerNorm { affine: false, ..self }
    }
}

impl Module for LayerNorm {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        if !self.affine {
            return x.plain_layer_norm(self.eps);
        }
        let width = x.width()?;
        x.layer_norm(&nn.weight("weight", [width])?, &nn.weight("bias", [width])?, self.eps)
    }
}

/// The root-mean-square norm over the last dimension, with the weight `weight`.
#[derive(Clone, Copy, Debug)]
pub struct RmsNorm {
    eps: f64,
    affine: bool,
}

impl RmsNorm {
    /// A norm that adds `eps` to the mean square.
    pub fn new(eps: f64) -> Self {
        RmsNorm { eps, affine: true }
    }

    /// The same with no weight (PyTorch's `elementwise_affine=False`).
    pub fn without_weight(self) -> Self {
        RmsNorm { affine: false, ..self }
    }
}

impl Module for RmsNorm {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        if !self.affine {
            return x.plain_rms_norm(self.eps);
        }
        x.rms_norm(&nn.weight("weight", [x.width()?])?, self.eps)
    }
}
