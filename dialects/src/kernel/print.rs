//! `kernel` as MLIR text, values and with them launches in the order in which they are made:
//!
//! ```mlir
//! %fused4_0 = "kernel.add"(%bias) {broadcast = "columns"} : (tensor<3072xf32>) -> !kernel.fused
//! %fused4_1 = "kernel.gelu"() : () -> !kernel.fused
//! %4 = "kernel.gemm"(%x, %weight, %fused4_0, %fused4_1) : ...
//! ```

use super::view::PREFIX;
use super::{EpilogueOp, Function, KernelOp, Module, Prologue, Step, ValueKind};
use crate::syntax::text::{self, quoted, symbol_name};
use crate::venc::print::{argument, attribute_dictionary, module_header};
use crate::venc::{self, ValueId};
use std::fmt;

/// MLIR text, which MLIR takes by the dialect's IRDL, and which [`Module::parse`] reads back to an equal module.
impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {{", module_header(&self.symbols, &self.entry))?;
        self.functions.iter().try_for_each(|function| write!(f, "{function}"))?;
        f.write_str("}\n")
    }
}

/// The function as it stands in its module.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&FunctionText::new(self).function())
    }
}

/// What the names of what is fused into a launch begin with.
const FUSED: &str = "fused";

/// A value and its type.
type Operand = (String, String);

/// An attribute and its text.
type Attribute = (&'static str, String);

/// The text of one function so far.
struct FunctionText<'a> {
    function: &'a Function,
    arguments: Vec<String>,
    lines: Vec<String>,
}

impl<'a> FunctionText<'a> {
    fn new(function: &'a Function) -> Self {
        let names = function.arguments.iter().map(|a| a.name.as_str());
        // What is fused has names of its own.
        let arguments = match names.clone().any(|name| name.starts_with(FUSED)) {
            true => (0..names.len()).map(|position| format!("%arg{position}")).collect(),
            false => text::value_names(names),
        };
        FunctionText { function, arguments, lines: vec![] }
    }

    fn function(mut self) -> String {
        let function = self.function;
        for position in 0..function.values.len() {
            self.value(ValueId(position as u32));
        }
        let results: Vec<String> = function.results.iter().map(|(_, id)| self.name(*id)).collect();
        let types: Vec<String> = function.results.iter().map(|(_, id)| self.ty(*id)).collect();
        let described: Vec<String> = function
            .results
            .iter()
            .zip(&types)
            .map(|((name, _), ty)| format!("{ty} {{venc.name = {}}}", quoted(name)))
            .collect();
        let arguments: Vec<String> = function
            .arguments
            .iter()
            .zip(&self.arguments)
            .map(|(a, value)| argument(value, &self.ty(a.value), &a.name, a.role))
            .collect();
        let returned = match results.is_empty() {
            true => "func.return".to_string(),
            false => format!("func.return {} : {}", results.join(", "), types.join(", ")),
        };
        format!(
            "  func.func {}({}\n  ) -> ({}) {{\n{}    {returned}\n  }}\n",
            symbol_name(&function.name),
            arguments.join(","),
            described.join(", "),
            self.lines.iter().map(|line| format!("    {line}\n")).collect::<String>(),
        )
    }

    /// A step, after what it reads.
    /// How a value is made.
    fn value(&mut self, id: ValueId) {
        let function = self.function;
        match &function.value(id).kind {
            ValueKind::Argument(_) => {}
            ValueKind::Weight(name) => {
                self.line(id, "\"venc.weight\"", &[], &[("name", quoted(name))]);
            }
            ValueKind::Offline(op, operands) => self.offline(id, op, operands),
            ValueKind::View(view, of) => {
                let read = self.typed_operands(&[*of]);
                let name = format!("\"kernel.{PREFIX}{}\"", view.operation().name());
                self.line(id, &name, &read, &view.operation().dictionary());
            }
            ValueKind::Step(position) => {
                if let Some(step) = function.steps.get(*position) {
                    self.step(*position, step);
                }
            }
        }
    }

    fn step(&mut self, position: usize, step: &Step) {
        match step {
            Step::Launch { op, operands, result, label } => {
                let (mut read, fused) = self.launch_operands(position, op, operands);
                read.extend(fused);
                let mut attributes = launch_attributes(op);
                attributes.extend(label.as_ref().map(|label| ("label", quoted(label))));
                let name = format!("\"kernel.{}\"", launch_name(op));
                self.line(*result, &name, &read, &attributes);
            }
            Step::Call { callee, operands, result, label } => {
                let read = self.typed_operands(operands);
                let attributes: Vec<Attribute> =
                    label.iter().map(|label| ("label", quoted(label))).collect();
                let name = format!("func.call {}", symbol_name(callee));
                self.line(*result, &name, &read, &attributes);
            }
        }
    }

    /// What a launch reads itself, and what was fused into it, each with its type.
    fn launch_operands(
        &mut self,
        position: usize,
        op: &KernelOp,
        operands: &[ValueId],
    ) -> (Vec<Operand>, Vec<Operand>) {
        let mut operands = operands.iter().copied();
        let (mut own, mut fused) = (vec![], vec![]);
        for part in parts(op, operands.len()) {
            match part {
                Part::Own(count) => own.extend(operands.by_ref().take(count)),
                Part::Fused(name, attributes, count) => {
                    fused.push((
                        name,
                        attributes,
                        operands.by_ref().take(count).collect::<Vec<_>>(),
                    ));
                }
            }
        }
        let own = self.typed_operands(&own);
        let fused = fused.into_iter().enumerate().map(|(index, (name, attributes, operands))| {
            let value = format!("%{FUSED}{position}_{index}");
            self.fused(&value, name, &attributes, &operands);
            (value, "!kernel.fused".to_string())
        });
        let fused = fused.collect();
        (own, fused)
    }

    fn fused(&mut self, value: &str, name: &str, attributes: &[Attribute], operands: &[ValueId]) {
        let read = self.typed_operands(operands);
        let (values, types): (Vec<String>, Vec<String>) = read.into_iter().unzip();
        self.lines.push(format!(
            "{value} = \"kernel.{name}\"({}){} : ({}) -> !kernel.fused",
            values.join(", "),
            attribute_dictionary(attributes),
            types.join(", ")
        ));
    }

    fn typed_operands(&self, operands: &[ValueId]) -> Vec<Operand> {
        operands.iter().map(|id| (self.name(*id), self.ty(*id))).collect()
    }

    fn offline(&mut self, id: ValueId, op: &venc::Op, operands: &[ValueId]) {
        let read = self.typed_operands(operands);
        let mut attributes = op.attributes();
        attributes.push(("offline", "true".to_string()));
        self.line(id, &format!("\"venc.{}\"", op.name()), &read, &attributes);
    }

    /// `%result = operation(read) {attributes} : types`
    fn line(
        &mut self,
        result: ValueId,
        operation: &str,
        read: &[Operand],
        attributes: &[Attribute],
    ) {
        let (values, types): (Vec<&str>, Vec<&str>) =
            read.iter().map(|(value, ty)| (value.as_str(), ty.as_str())).unzip();
        self.lines.push(format!(
            "{} = {operation}({}){} : ({}) -> {}",
            self.name(result),
            values.join(", "),
            attribute_dictionary(attributes),
            types.join(", "),
            self.ty(result)
        ));
    }

    fn name(&self, id: ValueId) -> String {
        match self.function.value(id).kind {
            ValueKind::Argument(position) => self.arguments[position].clone(),
            _ => format!("%{}", id.0),
        }
    }

    fn ty(&self, id: ValueId) -> String {
        text::tensor(&self.function.value(id).ty)
    }
}

fn launch_name(op: &KernelOp) -> &'static str {
    match op {
        KernelOp::Move(op) => op.name(),
        KernelOp::Gemm { .. }
        | KernelOp::PartialGemm { .. }
        | KernelOp::BackToBackGemm { .. }
        | KernelOp::BatchedGemm { .. }
        | KernelOp::RowWise { .. }
        | KernelOp::Attention { .. } => op.family().name(),
    }
}

/// A part of a launch, with as many operands as it reads.
enum Part {
    /// What the kernel reads itself.
    Own(usize),
    /// What was fused into it.
    Fused(&'static str, Vec<Attribute>, usize),
}

/// The parts of a launch in the order of its operands, of which there are `operands`.
fn parts(op: &KernelOp, operands: usize) -> Vec<Part> {
    let before = |prologue: Prologue| {
        let is_there = (prologue != Prologue::None).then_some(prologue);
        is_there.map(|p| Part::Fused(p.name(), prologue_attributes(p), p.operands()))
    };
    let behind = |epilogue: &[EpilogueOp]| {
        let step = |step: &EpilogueOp| {
            let (name, attributes) = epilogue_step(*step);
            Part::Fused(name, attributes, step.operands())
        };
        epilogue.iter().map(step).collect::<Vec<_>>()
    };
    let mut parts = vec![Part::Own(1)];
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => {
            parts.extend(before(*prologue));
            parts.push(Part::Own(1));
            parts.extend(behind(epilogue));
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            parts.extend(before(*prologue));
            parts.push(Part::Own(1));
            parts.extend(behind(&between.epilogue));
            parts.push(Part::Own(1));
            parts.extend(behind(epilogue));
        }
        KernelOp::RowWise { prologue, epilogue, .. } => {
            parts.extend(before(*prologue));
            parts.extend(behind(epilogue));
        }
        KernelOp::PartialGemm { .. }
        | KernelOp::BatchedGemm { .. }
        | KernelOp::Attention { .. }
        | KernelOp::Move(_) => {
            parts = vec![Part::Own(operands)];
        }
    }
    parts
}

pub(super) fn launch_attributes(op: &KernelOp) -> Vec<Attribute> {
    let printed = |(name, size): (&'static str, i64)| (name, size.to_string());
    match op {
        KernelOp::RowWise { .. } => vec![],
        KernelOp::PartialGemm { slices, tile } => {
            [("slices", *slices)].into_iter().chain(tile.sizes()).map(printed).collect()
        }
        KernelOp::BackToBackGemm { prologue, between, rows, .. } => {
            let before = usize::from(*prologue != Prologue::None) + between.epilogue.len();
            vec![("between", before.to_string()), ("rows", rows.to_string())]
        }
        KernelOp::Gemm { tile, .. } => tile.sizes().into_iter().map(printed).collect(),
        KernelOp::BatchedGemm { transpose_rhs } => {
            vec![("transpose_rhs", transpose_rhs.to_string())]
        }
        KernelOp::Attention { heads, scale, rotary, mask, warp_queries } => {
            let mut attributes = vec![
                ("heads", heads.to_string()),
                ("scale", text::real(*scale)),
                ("rotary", rotary.to_string()),
                ("mask", quoted(mask.name())),
            ];
            attributes.extend(warp_queries.map(|queries| ("warp_queries", queries.to_string())));
            attributes
        }
        KernelOp::Move(op) => op.attributes(),
    }
}

pub(super) fn prologue_attributes(prologue: Prologue) -> Vec<Attribute> {
    match prologue {
        Prologue::None | Prologue::Softmax => vec![],
        Prologue::Cast { to } => vec![("to", quoted(to.name()))],
        Prologue::SumSlices { slices } => vec![("slices", slices.to_string())],
        Prologue::NormScale { centered, eps } => {
            vec![("centered", centered.to_string()), ("eps", text::real(eps))]
        }
        Prologue::LayerNorm { eps, .. } | Prologue::RmsNorm { eps, .. } => {
            vec![("eps", text::real(eps))]
        }
    }
}

pub(super) fn epilogue_step(step: EpilogueOp) -> (&'static str, Vec<Attribute>) {
    match step {
        EpilogueOp::Combine(combine, broadcast) => {
            (combine.name(), vec![("broadcast", quoted(broadcast.name()))])
        }
        EpilogueOp::Elementwise(function) => {
            (function.operation().name(), function.operation().dictionary())
        }
        EpilogueOp::Gate(activation) => ("gate", vec![("activation", quoted(activation.name()))]),
        EpilogueOp::AfterTokens => ("after_tokens", vec![]),
    }
}
