//! [`Attention`]: multi-head self-attention, written out (Vaswani et al., arXiv:1706.03762).

use super::{Linear, Module, Result, Scope, Tensor};

/// `out(softmax(q k^T / sqrt(d)) v)` with `heads` heads of `d = width / heads` features each.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    heads: i64,
    qkv_bias: bool,
    names: [&'static str; 4],
}

impl Attention {
    /// Self-attention with that many heads. Its layers are called `q_proj`, `k_proj`, `v_proj` and `out_proj`.
    pub fn new(heads: i64) -> Self {
        Attention { heads, qkv_bias: true, names: ["q_proj", "k_proj", "v_proj", "out_proj"] }
    }

    /// The same with a bias at query, key and value, or without.
    pub fn qkv_bias(self, qkv_bias: bool) -> Self {
        Attention { qkv_bias, ..self }
    }

    /// The same with other names for the layers of query, key, value and output.
    pub fn named(self, names: [&'static str; 4]) -> Self {
        Attention { names, ..self }
    }
}

impl Module for Attention {
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
        let [query, key, value, out] = self.names;
        let width = x.width()?;
        let project = Linear::new(width).bias(self.qkv_bias);
        let query = nn.apply(query, &project, x)?.split_heads(self.heads)?;
        let key = nn.apply(key, &project, x)?.split_heads(self.heads)?;
        let value = nn.apply(value, &project, x)?.split_heads(self.heads)?;
        nn.apply(out, &Linear::new(width), &attend(&query, &key, &value)?.merge_heads()?)
    }
}

/// `softmax(query key^T / sqrt(d)) value` over `[images, heads, tokens, d]`.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
    let depth = query.width()?;
    let scores = query.matmul_transposed(key)?.scale(1.0 / (depth as f64).sqrt())?;
    scores.softmax()?.matmul(value)
}
