//! `Display` of a `kernel` module: one line a value that is made, in the words of the operations.
//!
//! ```text
//! @layer(%x: [images, 197, 64] x f32, weight %norm.weight: [64] x f32, …)
//!   %7 = offline concat(%q, %k, %v) {axis 0} : [192, 64] x f32
//!   %9 = gemm layer_norm(%x, %norm.weight, %norm.bias) {eps 1e-6} by %7 : [images, 197, 192] x f32
//! ```

use super::{
    EpilogueOp, Function, GemmTile, KernelOp, Mask, Module, Prologue, Step, ValueKind, View,
};
use crate::tensor::TensorType;
use crate::venc::{self, Role, ValueId};
use std::fmt;

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, function) in self.functions.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{function}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "@{}(", self.name)?;
        for argument in &self.arguments {
            let weight = if argument.role == Role::Weight { "weight " } else { "" };
            let ty = &self.value(argument.value).ty;
            writeln!(f, "    {weight}{}: {ty},", self.name_of(argument.value))?;
        }
        writeln!(f, ")")?;
        for (position, value) in self.values.iter().enumerate() {
            let id = ValueId(position as u32);
            let what = match &value.kind {
                ValueKind::Argument(_) => continue,
                ValueKind::Weight(name) => format!("weight \"{name}\""),
                ValueKind::Offline(op, operands) => {
                    format!(
                        "offline {}({}){}",
                        op.name(),
                        self.names(operands),
                        attributes_text(op)
                    )
                }
                ValueKind::View(view, of) => view_text(view, &self.name_of(*of), &value.ty),
                ValueKind::Step(step) => match self.steps.get(*step) {
                    Some(step) => self.step_text(step),
                    None => format!("step {step}, which is not there"),
                },
            };
            writeln!(f, "  {} = {what} : {}", self.name_of(id), value.ty)?;
        }
        let results: Vec<String> = self
            .results
            .iter()
            .map(|(name, value)| format!("{name} = {}", self.name_of(*value)))
            .collect();
        writeln!(f, "  return {}", results.join(", "))
    }
}

impl Function {
    fn name_of(&self, value: ValueId) -> String {
        match self.arguments.iter().find(|argument| argument.value == value) {
            Some(argument) => format!("%{}", argument.name),
            None => format!("%{}", value.0),
        }
    }

    fn names(&self, values: &[ValueId]) -> String {
        values.iter().map(|value| self.name_of(*value)).collect::<Vec<_>>().join(", ")
    }

    fn step_text(&self, step: &Step) -> String {
        let (text, label) = match step {
            Step::Call { callee, operands, label, .. } => {
                (format!("call @{callee}({})", self.names(operands)), label)
            }
            Step::Launch { op, operands, label, .. } => (self.launch_text(op, operands), label),
        };
        match label {
            Some(label) => format!("{text} \"{label}\""),
            None => text,
        }
    }

    fn launch_text(&self, op: &KernelOp, operands: &[ValueId]) -> String {
        let mut rest = operands.iter().map(|operand| self.name_of(*operand));
        let mut next = || rest.next().unwrap_or_else(|| "?".into());
        match op {
            KernelOp::Gemm { prologue, epilogue, tile } => {
                let rows = prologue_text(*prologue, &mut next);
                let weight = next();
                let epilogue = epilogue_text(epilogue, &mut next);
                format!("gemm {rows} by {weight}{epilogue}{}", tile_text(*tile))
            }
            KernelOp::PartialGemm { slices, tile } => {
                let (x, weight) = (next(), next());
                format!("partial_gemm {x} by {weight} {{slices {slices}}}{}", tile_text(*tile))
            }
            KernelOp::BackToBackGemm { prologue, between, epilogue, rows: tile } => {
                let rows = prologue_text(*prologue, &mut next);
                let first = next();
                let between = epilogue_text(&between.epilogue, &mut next);
                let second = next();
                let epilogue = epilogue_text(epilogue, &mut next);
                format!("gemm {rows} by {first}{between}, by {second}{epilogue} {{{tile} rows}}")
            }
            KernelOp::RowWise { prologue, epilogue, to } => {
                let rows = prologue_text(*prologue, &mut next);
                format!("rowwise {rows}{} to {to}", epilogue_text(epilogue, &mut next))
            }
            KernelOp::BatchedGemm { transpose_rhs } => {
                let transposed = if *transpose_rhs { " transposed" } else { "" };
                format!("batched_gemm {} by {}{transposed}", next(), next())
            }
            KernelOp::Attention { heads, scale, rotary, mask } => {
                let rotary = if *rotary { ", rotary" } else { "" };
                let mask = if *mask == Mask::Full { "" } else { ", masked by segments" };
                let operands = self.names(operands);
                format!("attention({operands}) {{heads {heads}, scale {scale}{rotary}{mask}}}")
            }
            KernelOp::Move(op) => {
                format!("{}({}){}", op.name(), self.names(operands), attributes_text(op))
            }
        }
    }
}

fn prologue_text(prologue: Prologue, next: &mut impl FnMut() -> String) -> String {
    match prologue {
        Prologue::None => next(),
        Prologue::LayerNorm { eps, .. } | Prologue::RmsNorm { eps, .. } => {
            let operands: Vec<String> = (0..=prologue.operands()).map(|_| next()).collect();
            format!("{}({}) {{eps {eps:?}}}", prologue.name(), operands.join(", "))
        }
        Prologue::NormScale { centered, eps } => {
            let centered = if centered { ", centered" } else { "" };
            format!("norm_scale({}) {{eps {eps:?}{centered}}}", next())
        }
        Prologue::Cast { to } => format!("cast({}) {{to {to}}}", next()),
        Prologue::SumSlices { slices } => format!("sum_slices({}) {{slices {slices}}}", next()),
        Prologue::Softmax => format!("softmax({})", next()),
    }
}

fn epilogue_text(epilogue: &[EpilogueOp], next: &mut impl FnMut() -> String) -> String {
    let step = |op: &EpilogueOp| match op {
        EpilogueOp::Combine(combine, broadcast) => {
            format!(", {} {} {}", combine.name(), broadcast.name(), next())
        }
        EpilogueOp::Elementwise(function) => format!(", {function}"),
        EpilogueOp::Gate(activation) => format!(", gate {}", activation.name()),
        EpilogueOp::AfterTokens => format!(", after tokens {}", next()),
    };
    epilogue.iter().map(step).collect()
}

/// Empty for the default tile.
fn tile_text(tile: GemmTile) -> String {
    match tile == GemmTile::DEFAULT {
        true => String::new(),
        false => format!(" {{tile {} x {}}}", tile.rows, tile.columns),
    }
}

fn view_text(view: &View, of: &str, ty: &TensorType) -> String {
    match view {
        View::SliceColumns { start } => {
            format!("view slice_columns({of}) {{start {start}, length {}}}", ty.width())
        }
        View::SelectToken { index } => format!("view select_token({of}) {{index {index}}}"),
        View::SliceTokens { start } => format!("view slice_tokens({of}) {{start {start}}}"),
        View::Reshape => format!("view reshape({of})"),
        View::BroadcastImages { images } => {
            format!("view broadcast_images({of}) {{images {images}}}")
        }
        View::Patches { height, width, rows, cols } => {
            format!("view patchify({of}) {{patch {height} x {width}, grid {rows} x {cols}}}")
        }
    }
}

fn attributes_text(op: &venc::Op) -> String {
    let attributes = op.attribute_words();
    if attributes.is_empty() { String::new() } else { format!(" {{{}}}", attributes.join(", ")) }
}
