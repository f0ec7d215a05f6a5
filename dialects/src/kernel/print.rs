//! `kernel` as MLIR text, launches in the order in which they run:
//!
//! ```mlir
//! %fused4_0 = "kernel.add"(%bias) {broadcast = "columns"} : (tensor<3072xf32>) -> !kernel.fused
//! %fused4_1 = "kernel.gelu"() : () -> !kernel.fused
//! %4 = "kernel.gemm"(%x, %weight, %fused4_0, %fused4_1) : ...
//! ```

use super::{EpilogueOp, Function, KernelOp, Module, Prologue, Step, ValueKind, View};
use crate::syntax::text::{self, quoted, symbol_name};
use crate::venc::print::{argument, attribute_dictionary, module_header};
use crate::venc::{self, ValueId};
use std::collections::HashSet;

impl Module {
    /// MLIR text, which MLIR takes by the dialect's IRDL. `Display` is shorter, and for people alone.
    pub fn to_mlir(&self) -> String {
        let functions: String =
            self.functions.iter().map(|function| FunctionText::new(function).function()).collect();
        format!("{} {{\n{functions}}}\n", module_header(&self.symbols, &self.entry))
    }
}

/// A value and its type.
type Operand = (String, String);

/// An attribute and its text.
type Attribute = (&'static str, String);

/// The text of one function so far.
struct FunctionText<'a> {
    function: &'a Function,
    arguments: Vec<String>,
    /// Values that stand in the text already.
    written: HashSet<ValueId>,
    lines: Vec<String>,
}

impl<'a> FunctionText<'a> {
    fn new(function: &'a Function) -> Self {
        let arguments = text::value_names(function.arguments.iter().map(|a| a.name.as_str()));
        FunctionText { function, arguments, written: HashSet::new(), lines: vec![] }
    }

    fn function(mut self) -> String {
        let function = self.function;
        for (position, step) in function.steps.iter().enumerate() {
            self.step(position, step);
        }
        let results: Vec<String> =
            function.results.iter().map(|(_, id)| self.operand(*id)).collect();
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
            let value = format!("%fused{position}_{index}");
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

    fn typed_operands(&mut self, operands: &[ValueId]) -> Vec<Operand> {
        operands.iter().map(|id| (self.operand(*id), self.ty(*id))).collect()
    }

    /// The name of a value that is about to be read; a weight, a view or offline work is written down first.
    fn operand(&mut self, id: ValueId) -> String {
        let function = self.function;
        if self.written.insert(id) {
            match &function.value(id).kind {
                ValueKind::Argument(_) | ValueKind::Step(_) => {}
                ValueKind::Weight(name) => {
                    self.line(id, "\"venc.weight\"", &[], &[("name", quoted(name))]);
                }
                ValueKind::Offline(op, operands) => self.offline(id, op, operands),
                ValueKind::View(view, of) => {
                    let read = self.typed_operands(&[*of]);
                    let (name, attributes) = view_operation(view);
                    self.line(id, &format!("\"kernel.{name}\""), &read, &attributes);
                }
            }
        }
        self.name(id)
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
        op => op.family().name(),
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

fn launch_attributes(op: &KernelOp) -> Vec<Attribute> {
    match op {
        KernelOp::RowWise { .. } => vec![],
        KernelOp::PartialGemm { slices, tile } => vec![
            ("slices", slices.to_string()),
            ("tile_rows", tile.rows.to_string()),
            ("tile_columns", tile.columns.to_string()),
        ],
        KernelOp::BackToBackGemm { prologue, between, rows, .. } => {
            let before = usize::from(*prologue != Prologue::None) + between.epilogue.len();
            vec![("between", before.to_string()), ("rows", rows.to_string())]
        }
        KernelOp::Gemm { tile, .. } => {
            vec![("tile_rows", tile.rows.to_string()), ("tile_columns", tile.columns.to_string())]
        }
        KernelOp::BatchedGemm { transpose_rhs } => {
            vec![("transpose_rhs", transpose_rhs.to_string())]
        }
        KernelOp::Attention { heads, scale, rotary, mask } => vec![
            ("heads", heads.to_string()),
            ("scale", text::real(*scale)),
            ("rotary", rotary.to_string()),
            ("mask", quoted(mask.name())),
        ],
        KernelOp::Move(op) => op.attributes(),
    }
}

fn prologue_attributes(prologue: Prologue) -> Vec<Attribute> {
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

fn epilogue_step(step: EpilogueOp) -> (&'static str, Vec<Attribute>) {
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

fn view_operation(view: &View) -> (&'static str, Vec<Attribute>) {
    match view {
        View::SliceColumns { start } => ("view_slice_columns", vec![("start", start.to_string())]),
        View::SelectToken { index } => ("view_token", vec![("index", index.to_string())]),
        View::SliceTokens { start } => ("view_slice_tokens", vec![("start", start.to_string())]),
        View::Reshape => ("view_reshape", vec![]),
        View::BroadcastImages { .. } => ("view_broadcast_images", vec![]),
        View::Patches { height, width, rows, cols } => {
            let (rows, cols) = (rows.clone(), cols.clone());
            let op =
                venc::Op::Patchify(venc::Patchify { height: *height, width: *width, rows, cols });
            ("view_patches", op.attributes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Argument, Between, Broadcast, Combine, GemmTile, Mask, Value};
    use crate::symbolic::{Dim, SymbolRange, Symbols};
    use crate::tensor::{ElementType, TensorType};
    use crate::venc::{Activate, Scale};
    use crate::venc::{Activation, Role};

    /// Attention and halves of MLPs: every kind of value, prologues and epilogues.
    fn module() -> Module {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 8)).unwrap();
        let height = symbols.declare("height", SymbolRange::new(16, 64)).unwrap();
        let rows = symbols.declare_floor_div("rows", height, 16).unwrap();
        let tokens = rows + Dim::from(1);
        let wide = |width: i64| {
            TensorType::new(ElementType::F32, [images.clone(), tokens.clone(), width.into()])
        };
        let fixed = |shape: &[i64]| TensorType::new(ElementType::F32, shape.iter().copied());
        let value = |kind, ty| Value { kind, ty };
        let concat = venc::Op::Concat(venc::Concat { axis: 0 });
        let values = vec![
            value(ValueKind::Argument(0), wide(64)),
            value(ValueKind::Argument(1), fixed(&[64])),
            value(ValueKind::Weight("query.weight".into()), fixed(&[64, 64])),
            value(ValueKind::Offline(concat, vec![ValueId(2); 3]), fixed(&[192, 64])),
            value(ValueKind::Step(0), wide(192)),
            value(ValueKind::View(View::SliceColumns { start: 0 }, ValueId(4)), wide(64)),
            value(ValueKind::View(View::SliceColumns { start: 64 }, ValueId(4)), wide(64)),
            value(ValueKind::View(View::SliceColumns { start: 128 }, ValueId(4)), wide(64)),
            value(ValueKind::Step(1), wide(64)),
            value(ValueKind::Step(2), wide(64)),
            value(ValueKind::Step(3), wide(64)),
            value(ValueKind::Step(4), wide(32)),
            value(ValueKind::Step(5), wide(64)),
        ];
        let launch = |op, operands: &[u32], result, label: Option<&str>| Step::Launch {
            op,
            operands: operands.iter().copied().map(ValueId).collect(),
            result: ValueId(result),
            label: label.map(str::to_string),
        };
        let add = |broadcast| EpilogueOp::Combine(Combine::Add, broadcast);
        let attention =
            KernelOp::Attention { heads: 4, scale: 0.25, rotary: false, mask: Mask::Full };
        let steps = vec![
            launch(
                KernelOp::Gemm {
                    prologue: Prologue::LayerNorm { eps: 1e-6, affine: true },
                    epilogue: vec![],
                    tile: GemmTile::DEFAULT,
                },
                &[0, 1, 1, 3],
                4,
                None,
            ),
            launch(attention, &[5, 6, 7], 8, Some("attention")),
            launch(
                KernelOp::Gemm {
                    prologue: Prologue::None,
                    epilogue: vec![
                        add(Broadcast::Columns),
                        EpilogueOp::Elementwise(Activate { function: Activation::Gelu }.into()),
                        add(Broadcast::Full),
                    ],
                    tile: GemmTile { rows: 24, columns: 64 },
                },
                &[8, 2, 1, 0],
                9,
                None,
            ),
            launch(
                KernelOp::RowWise {
                    prologue: Prologue::Softmax,
                    epilogue: vec![EpilogueOp::Elementwise(Scale { factor: 0.5 }.into())],
                    to: ElementType::F32,
                },
                &[9],
                10,
                Some("layer"),
            ),
            launch(
                KernelOp::Gemm {
                    prologue: Prologue::None,
                    epilogue: vec![EpilogueOp::Gate(Activation::Silu)],
                    tile: GemmTile::DEFAULT,
                },
                &[10, 2],
                11,
                None,
            ),
            launch(
                KernelOp::BackToBackGemm {
                    prologue: Prologue::RmsNorm { eps: 1e-5, affine: false },
                    between: Between {
                        epilogue: vec![add(Broadcast::Columns)],
                        element: ElementType::F32,
                    },
                    epilogue: vec![add(Broadcast::Full)],
                    rows: 24,
                },
                &[9, 2, 1, 2, 9],
                12,
                None,
            ),
        ];
        let argument = |name: &str, role, value| Argument {
            name: name.to_string(),
            role,
            value: ValueId(value),
        };
        let function = Function {
            name: "layer".into(),
            arguments: vec![argument("x", Role::Activation, 0), argument("v", Role::Weight, 1)],
            values,
            steps,
            results: vec![("x".into(), ValueId(11)), ("y".into(), ValueId(12))],
        };
        Module { symbols, functions: vec![function], entry: "layer".into() }
    }

    #[test]
    fn what_was_fused_stands_in_front_of_its_launch() {
        insta::assert_snapshot!(module().to_mlir());
    }
}
