//! [`Mlp`] and [`GatedMlp`]: the feed-forward half of a transformer block.

use super::{Linear, Module, Result, Scope, Tensor};
use ocellus_dialects::venc::Activation;

/// `fc2(activation(fc1(x)))`, as wide at the end as at the beginning.
#[derive(Clone, Copy, Debug)]
pub struct Mlp {
    hidden: i64,
    activation: Option<Activation>,
}

impl Mlp {
    /// An MLP with `hidden` features between its two layers, with an activation or none.
    pub fn new(hidden: i64, activation: impl Into<Option<Activation>>) -> Self {
        Mlp { hidden, activation: activation.into() }
    }
}

impl Module for Mlp {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let hidden = nn.apply("fc1", &Linear::new(self.hidden), x)?.activate(self.activation)?;
        nn.apply("fc2", &Linear::new(x.width()?), &hidden)
    }
}

/// `down_proj(activation(gate_proj(x)) * up_proj(x))` (Shazeer, arXiv:2002.05202).
#[derive(Clone, Copy, Debug)]
pub struct GatedMlp {
    hidden: i64,
    activation: Option<Activation>,
}

impl GatedMlp {
    /// A gated MLP with `hidden` features between its layers, with an activation or none.
    pub fn new(hidden: i64, activation: impl Into<Option<Activation>>) -> Self {
        GatedMlp { hidden, activation: activation.into() }
    }
}

impl Module for GatedMlp {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let to_hidden = Linear::new(self.hidden);
        let gate = nn.apply("gate_proj", &to_hidden, x)?.activate(self.activation)?;
        let hidden = gate.multiply(&nn.apply("up_proj", &to_hidden, x)?)?;
        nn.apply("down_proj", &Linear::new(x.width()?), &hidden)
    }
}
