//! [`infer`]: what a launch gives, by the typing of the `venc` operations that it does.

use super::{EpilogueOp, KernelOp, Mask, Prologue};
use crate::tensor::{ElementType, TensorType};
use crate::venc::{
    self, Cast, Concat, Linear, LinearSlices, MaskSegments, Matmul, MergeHeads, Op, Rope, Scale,
    SliceColumns, Softmax, SplitHeads,
};

type Result<T> = std::result::Result<T, String>;

/// The type of what a launch gives. How a kernel stores it is up to whoever launches it, but for one that moves elements:
/// the element is one that it may have.
pub fn infer(op: &KernelOp, operands: &[&TensorType]) -> Result<TensorType> {
    let mut operands = operands.iter().copied();
    let given = match op {
        KernelOp::Gemm { prologue, epilogue, tile } => {
            at_least_one("tile", tile.sizes().into_iter().map(|(_, size)| size))?;
            let rows = rows(*prologue, &mut operands)?;
            let product = apply(Linear, &[&rows, next(&mut operands)?])?;
            epilogue_of(epilogue, product, &mut operands)?
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, rows: tile } => {
            at_least_one("block", [*tile])?;
            let rows = rows(*prologue, &mut operands)?;
            let product = apply(Linear, &[&rows, next(&mut operands)?])?;
            let mut middle = epilogue_of(&between.epilogue, product, &mut operands)?;
            middle.element = between.element;
            let product = apply(Linear, &[&middle, next(&mut operands)?])?;
            epilogue_of(epilogue, product, &mut operands)?
        }
        KernelOp::RowWise { prologue, epilogue, to } => {
            let rows = rows(*prologue, &mut operands)?;
            let given = epilogue_of(epilogue, rows, &mut operands)?;
            apply(Cast { to: *to }, &[&given])?
        }
        KernelOp::PartialGemm { slices, tile } => {
            at_least_one("tile", tile.sizes().into_iter().map(|(_, size)| size))?;
            apply(LinearSlices { slices: *slices }, &[next(&mut operands)?, next(&mut operands)?])?
        }
        KernelOp::BatchedGemm { transpose_rhs } => {
            let transpose_rhs = *transpose_rhs;
            apply(Matmul { transpose_rhs }, &[next(&mut operands)?, next(&mut operands)?])?
        }
        KernelOp::Attention { heads, scale, rotary, mask, warp_queries } => {
            at_least_one("warp", *warp_queries)?;
            attention((*heads, *scale), (*rotary, *mask), &mut operands)?
        }
        KernelOp::Move(op) => apply(op.clone(), &operands.by_ref().collect::<Vec<_>>())?,
    };
    match operands.next() {
        None => Ok(given),
        Some(ty) => Err(format!("it does not read its last operand, {ty}")),
    }
}

fn apply(op: impl Into<Op>, operands: &[&TensorType]) -> Result<TensorType> {
    venc::infer(&op.into(), operands).map_err(|error| error.to_string())
}

fn next<'a>(operands: &mut impl Iterator<Item = &'a TensorType>) -> Result<&'a TensorType> {
    operands.next().ok_or_else(|| "it needs an operand more".to_string())
}

fn at_least_one(what: &str, sizes: impl IntoIterator<Item = i64>) -> Result<()> {
    match sizes.into_iter().all(|size| size >= 1) {
        true => Ok(()),
        false => Err(format!("its {what} has nothing in it")),
    }
}

/// The rows that a kernel computes on: the first operand after its prologue.
fn rows<'a>(
    prologue: Prologue,
    operands: &mut impl Iterator<Item = &'a TensorType>,
) -> Result<TensorType> {
    let x = next(operands)?;
    if let Prologue::SumSlices { slices } = prologue
        && x.shape.first().and_then(|dim| dim.as_constant()) != Some(slices)
    {
        return Err(format!("{x} is not {slices} slices"));
    }
    let Some(op) = prologue.operation(x) else { return Ok(x.clone()) };
    let mut all = vec![x];
    all.extend(operands.take(prologue.operands()));
    apply(op, &all)
}

/// What is left of `given` behind an epilogue. Storage does not matter: it is done in f32.
fn epilogue_of<'a>(
    epilogue: &[EpilogueOp],
    mut given: TensorType,
    operands: &mut impl Iterator<Item = &'a TensorType>,
) -> Result<TensorType> {
    for step in epilogue {
        match step {
            EpilogueOp::Elementwise(_) => {}
            EpilogueOp::Combine(combine, broadcast) => {
                let operand = next(operands)?;
                if operand.element == ElementType::I32 || !broadcast.meets(&given, operand) {
                    let (what, how) = (combine.name(), broadcast.name());
                    return Err(format!("`{what}` to {given} cannot read {operand} as `{how}`"));
                }
            }
            EpilogueOp::Gate(_) => {
                let halves = given.width().as_constant().filter(|width| width % 2 == 0);
                let width = halves.ok_or_else(|| format!("{given} has no halves for a gate"))?;
                given = apply(SliceColumns { start: 0, length: width / 2 }, &[&given])?;
            }
            EpilogueOp::AfterTokens => {
                let tokens = next(operands)?;
                let tokens = TensorType { element: given.element, shape: tokens.shape.clone() };
                given = apply(Concat { axis: 1 }, &[&tokens, &given])?;
            }
        }
    }
    Ok(given)
}

fn attention<'a>(
    (heads, factor): (i64, f64),
    (rotary, mask): (bool, Mask),
    operands: &mut impl Iterator<Item = &'a TensorType>,
) -> Result<TensorType> {
    let [mut q, mut k, v] =
        [next(operands)?.clone(), next(operands)?.clone(), next(operands)?.clone()];
    if rotary {
        let [cos, sin] = [next(operands)?, next(operands)?];
        q = apply(Rope { heads }, &[&q, cos, sin])?;
        k = apply(Rope { heads }, &[&k, cos, sin])?;
    }
    let split = |x: &TensorType| apply(SplitHeads { heads }, &[x]);
    let [q, k, v] = [split(&q)?, split(&k)?, split(&v)?];
    let scores = apply(Matmul { transpose_rhs: true }, &[&q, &k])?;
    let scores = apply(Scale { factor }, &[&scores])?;
    let scores = match mask {
        Mask::Full => scores,
        Mask::Segments => apply(MaskSegments, &[&scores, next(operands)?])?,
    };
    let weights = apply(Softmax, &[&scores])?;
    let mixed = apply(Matmul { transpose_rhs: false }, &[&weights, &v])?;
    apply(MergeHeads, &[&mixed])
}
