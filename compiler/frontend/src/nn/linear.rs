//! [`Linear`]: `x weight^T + bias`.

use super::{Module, Result, Scope, Tensor};

/// `[.., inputs] -> [.., outputs]`, with the weights `weight[outputs, inputs]` and `bias[outputs]`. The number of
/// inputs is that of the tensor it is applied to.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    outputs: i64,
    bias: bool,
}

impl Linear {
    /// A linear map with a bias.
    pub fn new(outputs: i64) -> Self {
        Linear { outputs, bias: true }
    }

    /// The same with a bias or without.
    pub fn bias(self, bias: bool) -> Self {
        Linear { bias, ..self }
    }
}

impl Module for Linear {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let y = x.linear(&nn.weight("weight", [self.outputs, x.width()?])?)?;
        if !self.bias {
            return Ok(y);
        }
        y.add(&nn.weight("bias", [self.outputs])?)
    }
}
