//! Launches, views and what is fused, as their texts say them.

use super::print::{epilogue_step, launch_attributes, prologue_attributes};
use super::{Between, Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Mask, Prologue};
use crate::syntax::Attribute;
use crate::tensor::{ElementType, TensorType};
use crate::venc::parse::operation;
use crate::venc::reader::Reader;
use crate::venc::{Activation, Elementwise, ParseError, ValueId};
use std::collections::VecDeque;

type Result<T> = std::result::Result<T, ParseError>;

/// What is fused into a launch, before it is known into which.
#[derive(Clone)]
pub(super) struct Fused {
    step: FusedStep,
    operands: Vec<ValueId>,
    /// Whether a launch has it.
    pub(super) is_used: bool,
}

#[derive(Clone, Copy)]
enum FusedStep {
    Prologue(Prologue),
    Epilogue(EpilogueOp),
}

/// `"kernel.add"(%bias) {broadcast = "columns"}`
pub(super) fn fused(reader: &Reader, operands: Vec<ValueId>) -> Result<Fused> {
    let affine = !operands.is_empty();
    let name = reader.operation();
    let step = match name {
        "cast" => FusedStep::Prologue(Prologue::Cast { to: element(reader, "to")? }),
        "layer_norm" => {
            FusedStep::Prologue(Prologue::LayerNorm { eps: reader.real("eps")?, affine })
        }
        "rms_norm" => FusedStep::Prologue(Prologue::RmsNorm { eps: reader.real("eps")?, affine }),
        "norm_scale" => FusedStep::Prologue(Prologue::NormScale {
            centered: reader.boolean("centered")?,
            eps: reader.real("eps")?,
        }),
        "sum_slices" => {
            FusedStep::Prologue(Prologue::SumSlices { slices: reader.integer("slices")? })
        }
        "softmax" => FusedStep::Prologue(Prologue::Softmax),
        "add" => FusedStep::Epilogue(EpilogueOp::Combine(Combine::Add, broadcast(reader)?)),
        "multiply" => {
            FusedStep::Epilogue(EpilogueOp::Combine(Combine::Multiply, broadcast(reader)?))
        }
        "gate" => FusedStep::Epilogue(EpilogueOp::Gate(activation(reader)?)),
        "after_tokens" => FusedStep::Epilogue(EpilogueOp::AfterTokens),
        _ => FusedStep::Epilogue(EpilogueOp::Elementwise(elementwise(reader)?)),
    };
    let (known, wanted) = match step {
        FusedStep::Prologue(prologue) => (prologue_attributes(prologue), prologue.operands()),
        FusedStep::Epilogue(op) => (epilogue_step(op).1, op.operands()),
    };
    reader.has_only(known.iter().map(|(name, _)| *name))?;
    match operands.len() == wanted {
        true => Ok(Fused { step, operands, is_used: false }),
        false => {
            let (name, given) = (reader.name, operands.len());
            Err(reader.error(format!("{name} reads {wanted} operand(s), and was given {given}")))
        }
    }
}

/// A function of one element, of which the type of a result says nothing.
fn elementwise(reader: &Reader) -> Result<Elementwise> {
    let name = reader.operation();
    let is_one = Activation::from_name(name).is_some()
        || Elementwise::DECLARATIONS.iter().any(|declared| declared.name == name);
    let no_type = TensorType::new(ElementType::F32, [0i64; 0]);
    let function = if is_one { Elementwise::of(&operation(reader, name, &no_type)?) } else { None };
    function.ok_or_else(|| {
        reader.error(format!("{} is nothing that is fused into a launch", reader.name))
    })
}

/// A launch, with its operands in the order of [`KernelOp`]: `own` are those that it reads itself.
pub(super) fn launch(
    reader: &Reader,
    own: &[(ValueId, &TensorType)],
    fused: Vec<Fused>,
    result: &TensorType,
) -> Result<(KernelOp, Vec<ValueId>)> {
    let mut parts = Parts {
        reader,
        own: own.iter().map(|(id, _)| *id).collect(),
        fused: fused.into(),
        operands: vec![],
    };
    let op = match reader.operation() {
        "gemm" => {
            parts.own(1)?;
            let prologue = parts.prologue();
            parts.own(1)?;
            KernelOp::Gemm {
                prologue,
                epilogue: parts.epilogue(usize::MAX)?,
                tile: GemmTile::read(reader)?,
            }
        }
        "back_to_back_gemm" => {
            parts.own(1)?;
            let all = parts.fused.len();
            let prologue = parts.prologue();
            parts.own(1)?;
            let before = usize::from(parts.fused.len() < all);
            let between = usize::try_from(reader.integer("between")?).unwrap_or(0);
            let middle = parts.epilogue(between.saturating_sub(before))?;
            // What is multiplied by the second weight is stored as that is.
            let element = own.last().map_or(ElementType::F32, |(_, ty)| ty.element);
            parts.own(1)?;
            KernelOp::BackToBackGemm {
                prologue,
                between: Between { epilogue: middle, element },
                epilogue: parts.epilogue(usize::MAX)?,
                rows: reader.integer("rows")?,
            }
        }
        "rowwise" => {
            parts.own(1)?;
            let prologue = parts.prologue();
            KernelOp::RowWise {
                prologue,
                epilogue: parts.epilogue(usize::MAX)?,
                to: result.element,
            }
        }
        name => {
            parts.own(own.len())?;
            plain_launch(reader, name, result)?
        }
    };
    let known = launch_attributes(&op);
    reader.has_only(known.iter().map(|(name, _)| *name).chain(["label"]))?;
    Ok((op, parts.finish()?))
}

/// A launch into which nothing is fused.
fn plain_launch(reader: &Reader, name: &str, result: &TensorType) -> Result<KernelOp> {
    Ok(match name {
        "partial_gemm" => KernelOp::PartialGemm {
            slices: reader.integer("slices")?,
            tile: GemmTile::read(reader)?,
        },
        "batched_gemm" => KernelOp::BatchedGemm { transpose_rhs: reader.boolean("transpose_rhs")? },
        "attention" => KernelOp::Attention {
            heads: reader.integer("heads")?,
            scale: reader.real("scale")?,
            rotary: reader.boolean("rotary")?,
            mask: mask(reader)?,
            warp_queries: reader
                .optional("warp_queries")
                .map(|_| reader.integer("warp_queries"))
                .transpose()?,
        },
        _ => KernelOp::Move(operation(reader, name, result)?),
    })
}

/// The parts of a launch, from which its operands are put in order.
struct Parts<'a> {
    reader: &'a Reader<'a>,
    own: VecDeque<ValueId>,
    fused: VecDeque<Fused>,
    operands: Vec<ValueId>,
}

impl Parts<'_> {
    /// The next operands that the kernel reads itself.
    fn own(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let Some(id) = self.own.pop_front() else {
                let message = format!("{} needs an operand more", self.reader.name);
                return Err(self.reader.error(message));
            };
            self.operands.push(id);
        }
        Ok(())
    }

    fn prologue(&mut self) -> Prologue {
        match self.fused.front().map(|fused| fused.step) {
            Some(FusedStep::Prologue(prologue)) => {
                let fused = self.fused.pop_front();
                self.operands.extend(fused.into_iter().flat_map(|fused| fused.operands));
                prologue
            }
            Some(FusedStep::Epilogue(_)) | None => Prologue::None,
        }
    }

    /// Up to `most` steps.
    fn epilogue(&mut self, max: usize) -> Result<Vec<EpilogueOp>> {
        let mut steps = vec![];
        while steps.len() < max
            && let Some(Fused { step, operands, .. }) = self.fused.pop_front()
        {
            match step {
                FusedStep::Epilogue(op) => steps.push(op),
                FusedStep::Prologue(prologue) => {
                    let (name, prologue) = (self.reader.name, prologue.name());
                    return Err(self.reader.error(format!(
                        "{name} does {prologue} to its rows: it stands in front of all other steps, and is the only one"
                    )));
                }
            }
            self.operands.extend(operands);
        }
        Ok(steps)
    }

    fn finish(self) -> Result<Vec<ValueId>> {
        let name = self.reader.name;
        match (self.own.len(), self.fused.len()) {
            (0, 0) => Ok(self.operands),
            (0, _) => Err(self.reader.error(format!("nothing is fused into {name}"))),
            (many, _) => {
                Err(self.reader.error(format!("{name} is given {many} operand(s) too many")))
            }
        }
    }
}

fn broadcast(reader: &Reader) -> Result<Broadcast> {
    one_of(reader, "broadcast", &Broadcast::ALL, Broadcast::name)
}

fn mask(reader: &Reader) -> Result<Mask> {
    one_of(reader, "mask", &Mask::ALL, Mask::name)
}

fn activation(reader: &Reader) -> Result<Activation> {
    one_of(reader, "activation", Activation::ALL, Activation::name)
}

fn element(reader: &Reader, attribute: &str) -> Result<ElementType> {
    let all = [ElementType::F32, ElementType::BF16, ElementType::F16];
    one_of(reader, attribute, &all, ElementType::name)
}

/// The one that the attribute names.
fn one_of<T: Copy>(
    reader: &Reader,
    attribute: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T> {
    let names: Vec<String> = all.iter().map(|one| format!("\"{}\"", name(*one))).collect();
    let named = |text: &Attribute| {
        let text = text.string()?;
        all.iter().copied().find(|one| name(*one) == text)
    };
    reader.attribute(attribute, &format!("one of {}", names.join(", ")), named)
}
