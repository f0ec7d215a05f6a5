//! Type inference: checks an application of an [`Op`] and gives the type of its result.
//!
//! Every message names the operation, the operand and the dimensions that disagree.

use super::Op;
use super::error::VencError;
use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};

/// One application of an operation, with what its checks need in order to report.
pub(super) struct Application<'a> {
    pub(super) op: &'static str,
    pub(super) operands: &'a [&'a TensorType],
}

impl<'a> Application<'a> {
    pub(super) fn take<const N: usize>(
        &self,
        expected: &'static str,
    ) -> Result<[&'a TensorType; N], VencError> {
        self.operands.try_into().map_err(|_| VencError::OperandCount {
            op: self.op,
            expected,
            given: self.operands.len(),
        })
    }

    fn too_few(&self) -> VencError {
        let given = self.operands.len();
        VencError::OperandCount { op: self.op, expected: "two tensors or more", given }
    }

    pub(super) fn bad_operand(
        &self,
        index: usize,
        operand: &'static str,
        expected: String,
    ) -> VencError {
        let given = self.operands.get(index).map(|ty| ty.to_string()).unwrap_or_default();
        VencError::Operand { op: self.op, index, operand, given, expected }
    }

    pub(super) fn bad_attribute(
        &self,
        attribute: &'static str,
        reason: impl Into<String>,
    ) -> VencError {
        VencError::Attribute { op: self.op, attribute, reason: reason.into() }
    }

    fn rank(&self, index: usize, operand: &'static str, rank: usize) -> Result<(), VencError> {
        if self.operands[index].rank() == rank {
            return Ok(());
        }
        Err(self.bad_operand(index, operand, format!("and must have {rank} dimension(s)")))
    }

    fn at_least(&self, index: usize, operand: &'static str, rank: usize) -> Result<(), VencError> {
        if self.operands[index].rank() >= rank {
            return Ok(());
        }
        Err(self.bad_operand(index, operand, format!("and must have at least {rank} dimension(s)")))
    }

    pub(super) fn shape(
        &self,
        index: usize,
        operand: &'static str,
        shape: &[Dim],
    ) -> Result<(), VencError> {
        if self.operands[index].shape == shape {
            return Ok(());
        }
        let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
        Err(self.bad_operand(
            index,
            operand,
            format!("and must have the dims [{}]", dims.join(", ")),
        ))
    }

    /// That the operand which holds indices is stored as `i32`, and no other.
    fn indices(&self, position: Option<usize>) -> Result<(), VencError> {
        for (index, ty) in self.operands.iter().enumerate() {
            let expected = match (position == Some(index), ty.element == ElementType::I32) {
                (true, false) => "and holds indices, which are stored as i32",
                (false, true) => {
                    "and i32 is for indices: gather_rows, inverse_permutation and mask_segments read them"
                }
                _ => continue,
            };
            return Err(self.bad_operand(index, "", expected.to_string()));
        }
        Ok(())
    }

    fn same_element(&self) -> Result<(), VencError> {
        let first = self.operands[0].element;
        match self.operands.iter().position(|ty| ty.element != first) {
            None => Ok(()),
            Some(index) => Err(self.bad_operand(
                index,
                "",
                format!("and must be stored as {first}, as operand #0 is: insert a venc.cast"),
            )),
        }
    }
}

/// The type of `op` applied to `operands`. A [`Op::Weight`] has no operands to infer from and a [`Op::Call`] needs
/// the module: both are errors here; [`Module::verify`] and the builder handle them.
pub fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, VencError> {
    let app = Application { op: op.name(), operands };
    app.indices(op.index_operand())?;
    match op {
        Op::Weight { .. } | Op::Call { .. } => Err(VencError::OperandCount {
            op: op.name(),
            expected: "its type from its declaration",
            given: operands.len(),
        }),
        Op::Patchify { height, width, rows, cols } => patchify(&app, *height, *width, rows, cols),
        Op::Linear => linear(&app),
        Op::LinearSlices { slices } => linear_slices(&app, *slices),
        Op::SumSlices { to: ElementType::I32 } => {
            Err(app.bad_attribute("to", "indices are inputs of the model: no sum is one"))
        }
        Op::SumSlices { to } => {
            let [x] = app.take("`x`")?;
            app.at_least(0, "x", 2)?;
            Ok(TensorType { element: *to, shape: x.shape[1..].to_vec() })
        }
        Op::Matmul { transpose_rhs } => matmul(&app, *transpose_rhs),
        Op::Add | Op::Multiply => broadcast(&app),
        Op::Scale { factor } if !factor.is_finite() => {
            Err(app.bad_attribute("factor", format!("{factor} is not finite")))
        }
        Op::Scale { .. } | Op::Activate(_) => Ok(app.take::<1>("one tensor")?[0].clone()),
        Op::NormScale { eps, .. } => {
            let mut scale = norm(&app, *eps, &[])?;
            if let Some(width) = scale.shape.last_mut() {
                *width = Dim::from(1);
            }
            Ok(scale)
        }
        Op::Softmax | Op::Centre => {
            let [x] = app.take("one tensor")?;
            app.at_least(0, "x", 1)?;
            Ok(x.clone())
        }
        Op::LayerNorm { eps } => norm(&app, *eps, &["gain", "bias"]),
        Op::RmsNorm { eps } => norm(&app, *eps, &["gain"]),
        Op::Rope { heads } => rope(&app, *heads),
        Op::GatherRows => gather_rows(&app),
        Op::InversePermutation => {
            let [index] = app.take("`index`")?;
            app.rank(0, "index", 1)?;
            Ok(index.clone())
        }
        Op::MaskSegments => mask_segments(&app),
        Op::SplitHeads { heads } => split_heads(&app, *heads),
        Op::MergeHeads => merge_heads(&app),
        Op::Concat { axis } => concat(&app, *axis),
        Op::Columns { start, length } => columns(&app, *start, *length),
        Op::Tokens { start, length } => tokens(&app, *start, length),
        Op::SelectToken { index } => select_token(&app, *index),
        Op::MeanTokens => {
            let [x] = app.take("one tensor")?;
            app.rank(0, "x", 3)?;
            Ok(TensorType::new(x.element, [x.shape[0].clone(), x.shape[2].clone()]))
        }
        Op::Expand { images } => expand(&app, images),
        Op::Reshape { shape } => reshape(&app, shape),
        Op::InterpolatePositions { native_rows, native_cols, rows, cols, .. } => {
            let positions = rows.clone() * cols.clone();
            interpolate_positions(&app, *native_rows, *native_cols, positions)
        }
        Op::Cast { to: ElementType::I32 } => {
            Err(app.bad_attribute("to", "indices are inputs of the model: nothing is cast to i32"))
        }
        Op::Cast { to } => {
            let [x] = app.take("one tensor")?;
            Ok(TensorType { element: *to, shape: x.shape.clone() })
        }
    }
}

fn linear_slices(app: &Application, slices: i64) -> Result<TensorType, VencError> {
    let product = linear(app)?;
    let depth = app.operands[1].width().as_constant();
    if slices < 1 || depth.is_none_or(|depth| depth % slices != 0) {
        let depth = app.operands[1].width();
        return Err(
            app.bad_attribute("slices", format!("{slices} does not divide the width {depth}"))
        );
    }
    let shape = std::iter::once(Dim::from(slices)).chain(product.shape).collect();
    Ok(TensorType { element: ElementType::F32, shape })
}

fn patchify(
    app: &Application,
    height: i64,
    width: i64,
    rows: &Dim,
    cols: &Dim,
) -> Result<TensorType, VencError> {
    let [image] = app.take("one image tensor")?;
    app.rank(0, "image", 4)?;
    if height < 1 || width < 1 {
        return Err(
            app.bad_attribute("height", format!("a patch of {height} x {width} pixels is empty"))
        );
    }
    let patch = image.shape[1].clone() * Dim::from(height) * Dim::from(width);
    Ok(TensorType::new(image.element, [image.shape[0].clone(), rows.clone() * cols.clone(), patch]))
}

fn linear(app: &Application) -> Result<TensorType, VencError> {
    let [x, weight] = app.take("`x` and `weight`")?;
    app.at_least(0, "x", 1)?;
    app.rank(1, "weight", 2)?;
    app.same_element()?;
    app.shape(1, "weight", &[weight.shape[0].clone(), x.width()])?;
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = weight.shape[0].clone();
    }
    Ok(TensorType { element: x.element, shape })
}

fn matmul(app: &Application, transpose_rhs: bool) -> Result<TensorType, VencError> {
    let [a, b] = app.take("`a` and `b`")?;
    app.at_least(0, "a", 2)?;
    app.rank(1, "b", a.rank())?;
    app.same_element()?;
    let leading = a.rank() - 2;
    let (k, n) = if transpose_rhs { (leading + 1, leading) } else { (leading, leading + 1) };
    if b.shape[..leading] != a.shape[..leading] || b.shape[k] != a.shape[leading + 1] {
        let wanted = "and must have `a`'s leading dims, and `a`'s last as its inner one";
        return Err(app.bad_operand(1, "b", format!("{wanted}; `a` is {a}")));
    }
    let mut shape = a.shape.clone();
    shape[leading + 1] = b.shape[n].clone();
    Ok(TensorType { element: a.element, shape })
}

fn broadcast(app: &Application) -> Result<TensorType, VencError> {
    let [a, b] = app.take("`a` and `b`")?;
    app.same_element()?;
    let one = Dim::from(1);
    let fits = b.rank() <= a.rank()
        && b.shape.iter().rev().zip(a.shape.iter().rev()).all(|(b, a)| b == a || *b == one);
    if !fits {
        let reason = format!("and its dims must be the last ones of `a`, or 1; `a` is {a}");
        return Err(app.bad_operand(1, "b", reason));
    }
    Ok(a.clone())
}

fn norm(app: &Application, eps: f64, vectors: &[&'static str]) -> Result<TensorType, VencError> {
    let given = app.operands.len();
    if given != 1 && given != 1 + vectors.len() {
        let expected = match vectors.len() {
            2 => "`x`, or `x`, `gain` and `bias`",
            _ => "`x`, or `x` and `gain`",
        };
        return Err(VencError::OperandCount { op: app.op, expected, given });
    }
    if !(eps.is_finite() && eps >= 0.0) {
        return Err(app.bad_attribute("eps", format!("{eps} is not a finite number of at least 0")));
    }
    app.at_least(0, "x", 1)?;
    app.same_element()?;
    for (position, vector) in vectors.iter().enumerate().take(given - 1) {
        app.shape(position + 1, vector, &[app.operands[0].width()])?;
    }
    Ok(app.operands[0].clone())
}

fn rope(app: &Application, heads: i64) -> Result<TensorType, VencError> {
    let [x, cos, sin] = app.take("`x`, `cos` and `sin`")?;
    app.rank(0, "x", 3)?;
    let depth = x.shape[2].exact_quotient(heads).filter(|_| heads > 0);
    let depth = depth.filter(|depth| depth.exact_quotient(2).is_some()).ok_or_else(|| {
        app.bad_attribute("heads", format!("{heads} does not cut the width of {x} into even heads"))
    })?;
    for (index, (name, table)) in [("cos", cos), ("sin", sin)].into_iter().enumerate() {
        app.shape(index + 1, name, &[x.shape[1].clone(), depth.clone()])?;
        if table.element != ElementType::F32 {
            let reason = "and the tables of rotary embeddings are f32: insert a venc.cast";
            return Err(app.bad_operand(index + 1, name, reason.into()));
        }
    }
    Ok(x.clone())
}

fn gather_rows(app: &Application) -> Result<TensorType, VencError> {
    let [x, index] = app.take("`x` and `index`")?;
    app.at_least(0, "x", 2)?;
    if x.rank() > 3 {
        return Err(app.bad_operand(0, "x", "and must have at most 3 dimension(s)".into()));
    }
    app.rank(1, "index", 1)?;
    let mut shape = x.shape.clone();
    let rows = x.rank() - 2;
    shape[rows] = index.shape[0].clone();
    Ok(TensorType { element: x.element, shape })
}

fn mask_segments(app: &Application) -> Result<TensorType, VencError> {
    let [scores, segments] = app.take("`scores` and `segments`")?;
    app.rank(0, "scores", 4)?;
    if scores.shape[2] != scores.shape[3] {
        let reason = "and must have as many queries as keys: segments are of the tokens";
        return Err(app.bad_operand(0, "scores", reason.into()));
    }
    match segments.rank() {
        1 => app.shape(1, "segments", &[scores.shape[3].clone()])?,
        _ => app.shape(1, "segments", &[scores.shape[0].clone(), scores.shape[3].clone()])?,
    }
    Ok(scores.clone())
}

fn split_heads(app: &Application, heads: i64) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.rank(0, "x", 3)?;
    let depth = x.shape[2].exact_quotient(heads).filter(|_| heads > 0).ok_or_else(|| {
        app.bad_attribute("heads", format!("{heads} does not divide the width of {x}"))
    })?;
    let [images, tokens] = [x.shape[0].clone(), x.shape[1].clone()];
    Ok(TensorType::new(x.element, [images, Dim::from(heads), tokens, depth]))
}

fn merge_heads(app: &Application) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.rank(0, "x", 4)?;
    let [images, heads, tokens, depth] = [0, 1, 2, 3].map(|axis| x.shape[axis].clone());
    Ok(TensorType::new(x.element, [images, tokens, heads * depth]))
}

fn concat(app: &Application, axis: usize) -> Result<TensorType, VencError> {
    let [first, rest @ ..] = app.operands else { return Err(app.too_few()) };
    if rest.is_empty() {
        return Err(app.too_few());
    }
    app.same_element()?;
    if axis >= first.rank() {
        return Err(app.bad_attribute("axis", format!("{axis} is no dimension of {first}")));
    }
    let mut shape = first.shape.clone();
    for (index, ty) in rest.iter().enumerate() {
        let mut wanted = first.shape.clone();
        if let (Some(slot), Some(dim)) = (wanted.get_mut(axis), ty.shape.get(axis)) {
            *slot = dim.clone();
        }
        app.shape(index + 1, "operand", &wanted)?;
        shape[axis] = shape[axis].clone() + ty.shape[axis].clone();
    }
    if let Some(other) = rest.iter().skip(1).position(|ty| *ty != rest[1]) {
        let reason = "and must be of the third's type: concatenate in two steps".to_string();
        return Err(app.bad_operand(other + 2, "operand", reason));
    }
    Ok(TensorType { element: first.element, shape })
}

fn columns(app: &Application, start: i64, length: i64) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.at_least(0, "x", 1)?;
    let inside = x.width().as_constant().is_some_and(|width| {
        start >= 0 && length > 0 && start.checked_add(length).is_some_and(|end| end <= width)
    });
    if !inside {
        return Err(app.bad_attribute("start", format!("{start} and `length` {length} leave {x}")));
    }
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = Dim::from(length);
    }
    Ok(TensorType { element: x.element, shape })
}

fn tokens(app: &Application, start: i64, length: &Dim) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.rank(0, "x", 3)?;
    // What remains behind the slice must be a constant or a polynomial without negative coefficients: never negative.
    let behind = x.shape[1].clone() - length.clone() - Dim::from(start);
    if start < 0 || behind.terms().any(|(coefficient, _)| coefficient < 0) {
        return Err(app.bad_attribute("start", format!("{start} and `length` {length} leave {x}")));
    }
    let [images, width] = [x.shape[0].clone(), x.shape[2].clone()];
    Ok(TensorType::new(x.element, [images, length.clone(), width]))
}

fn select_token(app: &Application, index: i64) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.rank(0, "x", 3)?;
    if index < 0 || x.shape[1].as_constant().is_some_and(|tokens| index >= tokens) {
        return Err(app.bad_attribute("index", format!("{index} is no token of {x}")));
    }
    Ok(TensorType::new(x.element, [x.shape[0].clone(), x.shape[2].clone()]))
}

fn expand(app: &Application, images: &Dim) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    app.at_least(0, "x", 1)?;
    if x.shape[0] != Dim::from(1) {
        return Err(app.bad_operand(0, "x", "and its first dim must be 1".into()));
    }
    let mut shape = x.shape.clone();
    shape[0] = images.clone();
    Ok(TensorType { element: x.element, shape })
}

fn reshape(app: &Application, shape: &[Dim]) -> Result<TensorType, VencError> {
    let [x] = app.take("one tensor")?;
    let result = TensorType { element: x.element, shape: shape.to_vec() };
    if result.elements() != x.elements() {
        let reason =
            format!("[{}] elements are not the {} of {x}", result.elements(), x.elements());
        return Err(app.bad_attribute("shape", reason));
    }
    Ok(result)
}

fn interpolate_positions(
    app: &Application,
    native_rows: i64,
    native_cols: i64,
    positions: Dim,
) -> Result<TensorType, VencError> {
    let [table] = app.take("one table")?;
    app.rank(0, "table", 2)?;
    if native_rows < 1 || native_cols < 1 {
        let reason = format!("a grid of {native_rows} x {native_cols} positions is empty");
        return Err(app.bad_attribute("native_rows", reason));
    }
    let native = Dim::from(native_rows) * Dim::from(native_cols);
    app.shape(0, "table", &[native, table.width()])?;
    Ok(TensorType::new(table.element, [positions, table.width()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Symbol;
    use crate::tensor::ElementType::{BF16, F32};

    fn tokens_of(width: i64) -> TensorType {
        let dim = |name| Dim::symbol(&Symbol::new(name));
        TensorType::new(
            F32,
            [dim("images"), dim("rows") * dim("cols") + Dim::from(1), Dim::from(width)],
        )
    }

    #[test]
    fn messages_name_the_op_the_operand_and_the_dims() {
        let weight = TensorType::new(F32, [768i64, 512]);
        assert_eq!(
            infer(&Op::Linear, &[&tokens_of(384), &weight]).unwrap_err().to_string(),
            "venc.linear: operand #1 `weight` is [768, 512] x f32, and must have the dims [768, 384]"
        );
        let stored = TensorType::new(BF16, [768i64, 384]);
        let error = infer(&Op::Linear, &[&tokens_of(384), &stored]).unwrap_err().to_string();
        assert!(error.contains("#1") && error.contains("venc.cast"), "{error}");
    }

    #[test]
    fn heads_must_divide_the_width() {
        let error = infer(&Op::SplitHeads { heads: 7 }, &[&tokens_of(384)]).unwrap_err();
        assert!(error.to_string().contains("`heads`: 7 does not divide"), "{error}");
        let split = infer(&Op::SplitHeads { heads: 6 }, &[&tokens_of(384)]).unwrap();
        assert_eq!(infer(&Op::MergeHeads, &[&split]).unwrap(), tokens_of(384));
    }

    #[test]
    fn indices_are_read_by_what_reads_indices_alone() {
        let x = tokens_of(8);
        let index = TensorType::new(ElementType::I32, [x.shape[1].clone()]);
        let message =
            |op: Op, operands: &[&TensorType]| infer(&op, operands).unwrap_err().to_string();
        let text = message(Op::Add, &[&index, &index]);
        assert!(text.starts_with("venc.add: operand #0") && text.contains("i32 is for"), "{text}");
        let text = message(Op::GatherRows, &[&x, &x]);
        assert!(text.contains("#1") && text.contains("stored as i32"), "{text}");
        let text = message(Op::Cast { to: ElementType::I32 }, &[&x]);
        assert!(text.contains("nothing is cast to i32"), "{text}");
        assert_eq!(infer(&Op::GatherRows, &[&x, &index]).unwrap(), x);
        assert_eq!(infer(&Op::InversePermutation, &[&index]).unwrap(), index);
    }

    #[test]
    fn rotary_tables_and_segments_are_of_the_tokens() {
        let x = tokens_of(8);
        let table = |width: i64| TensorType::new(F32, [x.shape[1].clone(), Dim::from(width)]);
        let rope = |heads, width| infer(&Op::Rope { heads }, &[&x, &table(width), &table(width)]);
        assert_eq!(rope(2, 4).unwrap(), x);
        assert!(rope(2, 2).unwrap_err().to_string().contains("`cos`"));
        assert!(rope(8, 1).unwrap_err().to_string().contains("even heads"));
        let half = TensorType { element: BF16, ..table(4) };
        let text = infer(&Op::Rope { heads: 2 }, &[&x, &table(4), &half]).unwrap_err().to_string();
        assert!(text.contains("#2 `sin`") && text.contains("venc.cast"), "{text}");

        let tokens = x.shape[1].clone();
        let scores = |keys: Dim| {
            TensorType::new(F32, [x.shape[0].clone(), Dim::from(2), tokens.clone(), keys])
        };
        let segments = |shape: &[Dim]| TensorType::new(ElementType::I32, shape.iter().cloned());
        let mask =
            |keys: Dim, shape: &[Dim]| infer(&Op::MaskSegments, &[&scores(keys), &segments(shape)]);
        let images = x.shape[0].clone();
        assert!(mask(tokens.clone(), std::slice::from_ref(&tokens)).is_ok());
        assert!(mask(tokens.clone(), &[images.clone(), tokens.clone()]).is_ok());
        assert!(mask(tokens.clone(), &[images]).is_err());
        assert!(mask(Dim::from(3), std::slice::from_ref(&tokens)).is_err());
    }

    #[test]
    fn a_slice_of_tokens_stays_inside_for_every_size() {
        let x = tokens_of(8);
        let patches = x.shape[1].clone() - Dim::from(1);
        let slice = |start, length: Dim| infer(&Op::Tokens { start, length }, &[&x]);
        assert!(slice(1, patches.clone()).is_ok());
        assert!(slice(2, patches).is_err());
        assert!(slice(-1, Dim::from(1)).is_err());
    }
}
