//! [`Tensor`]: a value of the program that is being recorded, with an operation of `venc` in every method.
//!
//! What each operation means, and which operands it takes, is said once, at [`Op`].

use super::scope::Recording;
use super::{Grid, NnError, Result};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{
    Activate, Activation, Add, BroadcastImages, Cast, Concat, GatherRows, InversePermutation,
    LayerNorm, Linear, MaskSegments, Matmul, MeanTokens, MergeHeads, Multiply, Op, Patchify,
    Reshape, RmsNorm, Rope, Scale, SelectToken, SliceColumns, SliceTokens, Softmax, SplitHeads,
    ValueId,
};
use ocellus_dialects::{ElementType, TensorType};
use std::cell::RefCell;
use std::rc::Rc;

/// A value of the program that is being recorded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(super) recording: Rc<RefCell<Recording>>,
    pub(super) function: usize,
    pub(super) value: ValueId,
    pub(super) ty: TensorType,
}

impl Tensor {
    /// Its element type and dimensions.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// The last dimension, which must be a constant.
    pub fn width(&self) -> Result<i64> {
        let dim = self.ty.width();
        dim.as_constant().ok_or(NnError::Symbolic { what: "the last dimension", dim })
    }

    /// Names the value, for people and for `verify`.
    pub fn label(self, label: &str) -> Tensor {
        self.recording.borrow_mut().label(&self, label);
        self
    }

    /// `self weight^T`, without bias. `weight` is `[outputs, inputs]`.
    pub fn linear(&self, weight: &Tensor) -> Result<Tensor> {
        self.apply(Linear, &[weight])
    }

    /// The matrix product over the last two dimensions.
    pub fn matmul(&self, rhs: &Tensor) -> Result<Tensor> {
        self.apply(Matmul { transpose_rhs: false }, &[rhs])
    }

    /// The matrix product with `rhs` transposed in its last two dimensions.
    pub fn matmul_transposed(&self, rhs: &Tensor) -> Result<Tensor> {
        self.apply(Matmul { transpose_rhs: true }, &[rhs])
    }

    /// The sum. The dimensions of `other` are the last ones of this tensor, or 1.
    pub fn add(&self, other: &Tensor) -> Result<Tensor> {
        self.apply(Add, &[other])
    }

    /// The product of each two elements. The dimensions of `other` are the last ones of this tensor, or 1.
    pub fn multiply(&self, other: &Tensor) -> Result<Tensor> {
        self.apply(Multiply, &[other])
    }

    /// Each element times a number.
    pub fn scale(&self, factor: f64) -> Result<Tensor> {
        self.apply(Scale { factor }, &[])
    }

    /// A function of each element; this tensor where there is none.
    pub fn activate(&self, activation: impl Into<Option<Activation>>) -> Result<Tensor> {
        match activation.into() {
            Some(activation) => self.apply(Activate { function: activation }, &[]),
            None => Ok(self.clone()),
        }
    }

    /// The layer norm over the last dimension.
    pub fn layer_norm(&self, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
        self.apply(LayerNorm { eps }, &[weight, bias])
    }

    /// The layer norm over the last dimension with neither weight nor bias.
    pub fn plain_layer_norm(&self, eps: f64) -> Result<Tensor> {
        self.apply(LayerNorm { eps }, &[])
    }

    /// The root-mean-square norm over the last dimension with no weight.
    pub fn plain_rms_norm(&self, eps: f64) -> Result<Tensor> {
        self.apply(RmsNorm { eps }, &[])
    }

    /// The root-mean-square norm over the last dimension.
    pub fn rms_norm(&self, weight: &Tensor, eps: f64) -> Result<Tensor> {
        self.apply(RmsNorm { eps }, &[weight])
    }

    /// The softmax over the last dimension.
    pub fn softmax(&self) -> Result<Tensor> {
        self.apply(Softmax, &[])
    }

    /// `[images, tokens, heads*d]` as `[images, heads, tokens, d]`.
    pub fn split_heads(&self, heads: i64) -> Result<Tensor> {
        self.apply(SplitHeads { heads }, &[])
    }

    /// `[images, heads, tokens, d]` as `[images, tokens, heads*d]`.
    pub fn merge_heads(&self) -> Result<Tensor> {
        self.apply(MergeHeads, &[])
    }

    /// This tensor and `others`, one after the other along `axis`.
    pub fn concat(&self, axis: usize, others: &[&Tensor]) -> Result<Tensor> {
        if others.is_empty() {
            return Ok(self.clone());
        }
        self.apply(Concat { axis }, others)
    }

    /// `length` columns from `start`.
    pub fn slice_columns(&self, start: i64, length: i64) -> Result<Tensor> {
        self.apply(SliceColumns { start, length }, &[])
    }

    /// `length` tokens from `start`.
    pub fn slice_tokens(&self, start: i64, length: impl Into<Dim>) -> Result<Tensor> {
        self.apply(SliceTokens { start, length: length.into() }, &[])
    }

    /// One token of each image.
    pub fn select_token(&self, index: i64) -> Result<Tensor> {
        self.apply(SelectToken { index }, &[])
    }

    /// The mean over the tokens of each image.
    pub fn mean_tokens(&self) -> Result<Tensor> {
        self.apply(MeanTokens, &[])
    }

    /// Each head of each token rotated by the token's row of `cos` and `sin`, both `[tokens, width / heads]`: rotary
    /// embeddings (Su et al., arXiv:2104.09864) in the order of `rotate_half`.
    pub fn rope(&self, cos: &Tensor, sin: &Tensor, heads: i64) -> Result<Tensor> {
        self.apply(Rope { heads }, &[cos, sin])
    }

    /// Row `i` of the result is row `index[i]` of this tensor, for each image.
    pub fn gather_rows(&self, index: &Tensor) -> Result<Tensor> {
        self.apply(GatherRows, &[index])
    }

    /// Of a permutation: what undoes it.
    pub fn inverse_permutation(&self) -> Result<Tensor> {
        self.apply(InversePermutation, &[])
    }

    /// Scores of a query and a key of different segments become minus infinity. `segments` has a number for each token,
    /// or for each token of each image.
    pub fn mask_segments(&self, segments: &Tensor) -> Result<Tensor> {
        self.apply(MaskSegments, &[segments])
    }

    /// The same for each image.
    pub fn broadcast_images(&self, images: &Dim) -> Result<Tensor> {
        self.apply(BroadcastImages { images: images.clone() }, &[])
    }

    /// The same elements under other dimensions.
    pub fn reshape<D: Into<Dim>>(&self, shape: impl IntoIterator<Item = D>) -> Result<Tensor> {
        let shape: Vec<Dim> = shape.into_iter().map(Into::into).collect();
        if shape == self.ty.shape {
            return Ok(self.clone());
        }
        self.apply(Reshape { shape }, &[])
    }

    /// Rounded to another storage.
    pub fn cast(&self, to: ElementType) -> Result<Tensor> {
        if to == self.ty.element {
            return Ok(self.clone());
        }
        self.apply(Cast { to }, &[])
    }

    /// The patches of an image.
    pub(super) fn patchify(&self, height: i64, width: i64, grid: &Grid) -> Result<Tensor> {
        let (rows, cols) = (grid.rows.clone(), grid.cols.clone());
        self.apply(Patchify { height, width, rows, cols }, &[])
    }

    /// Any operation of `venc`, this tensor its first operand: `x.apply(Clamp { min: -1.0, max: 1.0 }, &[])`. The other
    /// methods are short for it.
    ///
    /// # Errors
    ///
    /// Operands that the operation does not take, or of another program.
    pub fn apply(&self, op: impl Into<Op>, others: &[&Tensor]) -> Result<Tensor> {
        let op = op.into();
        if others.iter().any(|other| !Rc::ptr_eq(&self.recording, &other.recording)) {
            return Err(NnError::ForeignTensor);
        }
        let operands: Vec<&Tensor> = std::iter::once(self).chain(others.iter().copied()).collect();
        let mut recording = self.recording.borrow_mut();
        let (function, value, ty) = recording.push(op, &operands)?;
        Ok(Tensor { recording: self.recording.clone(), function, value, ty })
    }
}
