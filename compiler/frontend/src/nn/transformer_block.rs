//! [`TransformerBlock`]: the pre-norm block that most vision encoders repeat.

use super::{Attention, LayerNorm, Mlp, Module, Result, Scope, Tensor};
use ocellus_dialects::venc::Activation;

/// `x += self_attn(layer_norm1(x)); x += mlp(layer_norm2(x))`.
#[derive(Clone, Copy, Debug)]
pub struct TransformerBlock {
    heads: i64,
    hidden: i64,
    activation: Option<Activation>,
    eps: f64,
}

impl TransformerBlock {
    /// A block whose attention has `heads` heads and whose MLP has `hidden` features; GELU, and `eps = 1e-6`.
    pub fn new(heads: i64, hidden: i64) -> Self {
        TransformerBlock { heads, hidden, activation: Some(Activation::Gelu), eps: 1e-6 }
    }

    /// The same with another activation in the MLP, or none.
    pub fn activation(self, activation: impl Into<Option<Activation>>) -> Self {
        TransformerBlock { activation: activation.into(), ..self }
    }

    /// The same with another `eps` in the norms.
    pub fn eps(self, eps: f64) -> Self {
        TransformerBlock { eps, ..self }
    }
}

impl Module for TransformerBlock {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let norm = LayerNorm::new(self.eps);
        let normed = nn.apply("layer_norm1", &norm, x)?;
        let x = x.add(&nn.apply("self_attn", &Attention::new(self.heads), &normed)?)?;
        let normed = nn.apply("layer_norm2", &norm, &x)?;
        x.add(&nn.apply("mlp", &Mlp::new(self.hidden, self.activation), &normed)?)
    }
}
