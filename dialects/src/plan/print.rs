//! `plan` as MLIR text, memory in front of its first use:
//!
//! ```mlir
//! "plan.piece"() {ranges = ["images in 1..=7"], program = @program0} : () -> ()
//! func.func @program0() {
//!   %buffer0 = "plan.buffer"() {bytes = "images*605184"} : () -> !plan.memory
//!   %weight2 = "plan.weight"() {name = "fc1.weight", bytes = 9437184} : () -> !plan.memory
//!   "plan.launch"(%buffer0, %weight2) {kernel = @gemm, arguments = ["buffer0", "weight2", "images*197"], ..} : ...
//! ```

use super::expression_text::symbol_text;
use super::{
    Expression, LabeledResult, Launch, LaunchArgument, Piece, PieceRange, Place, Plan, Port,
    PortValues, Program, SymbolEntry, SymbolSource,
};
use crate::syntax::text::{quoted, symbol_name};
use std::collections::BTreeSet;

impl Plan {
    /// MLIR text, which MLIR takes by the dialect's IRDL. A number that names no symbol, kernel or weight of the plan, as a
    /// damaged artifact may have, is shown as `?7`.
    pub fn to_mlir(&self) -> String {
        let symbols: Vec<String> = (self.symbols.iter())
            .map(|entry| format!("\n  {}", quoted(&declaration(self, entry))))
            .collect();
        let symbols = symbols.join(",");
        let mut text = format!("module attributes {{plan.symbols = [{symbols}\n]}} {{\n");
        for kernel in &self.kernels {
            text += &format!(
                "  \"plan.kernel\"() {{sym_name = {}, family = {}}} : () -> ()\n",
                quoted(&kernel.symbol),
                quoted(kernel.family.name())
            );
        }
        for piece in &self.pieces {
            text += &piece_line(self, piece);
        }
        for (position, program) in self.programs.iter().enumerate() {
            let program = ProgramText { plan: self, program, written: BTreeSet::new() };
            text += &program.function(position);
        }
        text + "}\n"
    }
}

/// Where a program applies.
fn piece_line(plan: &Plan, piece: &Piece) -> String {
    let range = |range: &PieceRange| {
        quoted(&format!(
            "{} in {}..={}",
            symbol_text(&plan.symbols, range.symbol),
            range.min,
            range.max
        ))
    };
    let ranges: Vec<String> = piece.ranges.iter().map(range).collect();
    format!(
        "  \"plan.piece\"() {{ranges = [{}], program = @program{}}} : () -> ()\n",
        ranges.join(", "),
        piece.program
    )
}

/// `images in 1..=32 step 2` or `rows = height floordiv 16`.
fn declaration(plan: &Plan, SymbolEntry { name, source }: &SymbolEntry) -> String {
    match source {
        SymbolSource::Free { min, max, step: 1 } => format!("{name} in {min}..={max}"),
        SymbolSource::Free { min, max, step } => format!("{name} in {min}..={max} step {step}"),
        SymbolSource::Defined(value) => format!("{name} = {}", value.describe(&plan.symbols)),
    }
}

/// The text of one program.
struct ProgramText<'a> {
    plan: &'a Plan,
    program: &'a Program,
    /// Memory that has its line already: each stands in front of its first use.
    written: BTreeSet<String>,
}

impl ProgramText<'_> {
    fn expression(&self, value: &Expression) -> String {
        value.describe(&self.plan.symbols)
    }

    fn function(mut self, position: usize) -> String {
        let mut text = format!("  func.func @program{position}() {{\n");
        for launch in &self.program.launches {
            text += &self.launch(launch);
        }
        text + "    func.return\n  }\n"
    }

    fn launch(&mut self, launch: &Launch) -> String {
        let mut text = String::new();
        let mut operands = vec![];
        let mut arguments = vec![];
        for argument in &launch.arguments {
            match argument {
                LaunchArgument::Integer(value) => arguments.push(self.expression(value)),
                LaunchArgument::Address { place, offset } => {
                    text += &self.declared(*place);
                    operands.push(format!("%{}", place_name(*place)));
                    arguments.push(self.address(*place, offset));
                }
            }
        }
        let kernel = self.plan.kernels.get(launch.kernel);
        let kernel = kernel.map_or(format!("?{}", launch.kernel), |kernel| kernel.symbol.clone());
        let mut attributes = vec![
            format!("kernel = {}", symbol_name(&kernel)),
            format!("arguments = [{}]", quoted_list(&arguments)),
            format!("tiles = {}", quoted(&self.expression(&launch.tiles))),
            format!("scratch_bytes = {}", quoted(&self.expression(&launch.scratch_bytes))),
        ];
        attributes.extend(launch.result.as_ref().map(|result| self.result(result)));
        let types = vec!["!plan.memory"; operands.len()];
        text + &format!(
            "    \"plan.launch\"({}) {{{}}} : ({}) -> ()\n",
            operands.join(", "),
            attributes.join(", "),
            types.join(", ")
        )
    }

    /// `label = "layers.3", result = "buffer1[images, 197, 768] x f32"`
    fn result(&self, result: &LabeledResult) -> String {
        let dims: Vec<String> = result.shape.iter().map(|d| self.expression(d)).collect();
        let written =
            format!("{}[{}] x {}", place_name(result.place), dims.join(", "), result.element);
        format!("label = {}, result = {}", quoted(&result.label), quoted(&written))
    }

    fn address(&self, place: Place, offset: &Expression) -> String {
        match offset {
            Expression::Constant(0) => place_name(place),
            offset => format!("{} + {}", place_name(place), self.expression(offset)),
        }
    }

    /// The line that says what a place is, in front of its first use.
    fn declared(&mut self, place: Place) -> String {
        let name = place_name(place);
        if !self.written.insert(name.clone()) {
            return String::new();
        }
        let (operation, attributes) = match place {
            Place::Input(i) => ("input", self.port(self.plan.inputs.get(i), i)),
            Place::Output(i) => ("output", self.port(self.plan.outputs.get(i), i)),
            Place::Weight(i) => ("weight", self.weight(i)),
            Place::Buffer(i) => ("buffer", self.buffer(i)),
        };
        format!("    %{name} = \"plan.{operation}\"() {{{attributes}}} : () -> !plan.memory\n")
    }

    fn port(&self, port: Option<&Port>, position: usize) -> String {
        let name = port.map_or(format!("?{position}"), |port| port.name.clone());
        let shape = port.map(|port| port.shape.as_slice()).unwrap_or_default();
        let dims: Vec<String> = shape.iter().map(|dim| self.expression(dim)).collect();
        let text = format!("name = {}, shape = [{}]", quoted(&name), quoted_list(&dims));
        match port.map(|port| &port.values) {
            Some(PortValues::Indices { below, permutation }) => {
                let below: Vec<String> = below.iter().map(|bound| self.expression(bound)).collect();
                let below = quoted_list(&below);
                format!("{text}, indices_below = [{below}], permutation = {permutation}")
            }
            _ => text,
        }
    }

    fn weight(&self, position: usize) -> String {
        let weight = self.plan.weights.get(position);
        let name = weight.map_or(format!("?{position}"), |weight| weight.name.clone());
        // MLIR reads numbers above i64's greatest as negative.
        let bytes = weight.map_or(0, |weight| i64::try_from(weight.bytes).unwrap_or(i64::MAX));
        format!("name = {}, bytes = {bytes}", quoted(&name))
    }

    fn buffer(&self, position: usize) -> String {
        let bytes = self.program.buffers.get(position);
        let bytes = bytes.map_or("?".to_string(), |bytes| self.expression(bytes));
        format!("bytes = {}", quoted(&bytes))
    }
}

fn place_name(place: Place) -> String {
    match place {
        Place::Input(position) => format!("input{position}"),
        Place::Output(position) => format!("output{position}"),
        Place::Weight(position) => format!("weight{position}"),
        Place::Buffer(position) => format!("buffer{position}"),
    }
}

fn quoted_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ElementType;
    use crate::kernel::Family;
    use crate::plan::{KernelEntry, WeightEntry};

    fn product(values: impl IntoIterator<Item = Expression>) -> Expression {
        Expression::Product(values.into_iter().collect())
    }

    /// One gemm over `images * (rows + 1)` rows, and a copy to the output.
    fn plan() -> Plan {
        let (images, rows) = (Expression::Symbol(0), Expression::Symbol(2));
        let tokens = Expression::Sum(vec![rows, Expression::Constant(1)]);
        let all_rows = product([images.clone(), tokens.clone()]);
        let address =
            |place, offset| LaunchArgument::Address { place, offset: Expression::Constant(offset) };
        let launch = |kernel, arguments, result| Launch {
            kernel,
            arguments,
            tiles: Expression::CeilDiv(Box::new(all_rows.clone()), 96),
            scratch_bytes: Expression::Constant(4096),
            result,
        };
        let shape = vec![images, tokens, Expression::Constant(64)];
        let entry = |name: &str, source| SymbolEntry { name: name.into(), source };
        let height = Expression::Symbol(1);
        let kernel = |symbol: &str, family| KernelEntry { symbol: symbol.into(), family };
        let port = |name: &str| Port {
            name: name.into(),
            shape: shape.clone(),
            values: PortValues::Numbers,
        };
        Plan {
            symbols: vec![
                entry("images", SymbolSource::Free { min: 1, max: 32, step: 1 }),
                entry("height", SymbolSource::Free { min: 16, max: 64, step: 16 }),
                entry("rows", SymbolSource::Defined(Expression::FloorDiv(Box::new(height), 16))),
            ],
            inputs: vec![port("x")],
            outputs: vec![port("last_hidden_state")],
            weights: vec![WeightEntry { name: "fc.weight".into(), bytes: 16384 }],
            kernels: vec![kernel("gemm_64x64", Family::Gemm), kernel("copy", Family::Move)],
            pieces: vec![Piece {
                ranges: vec![PieceRange { symbol: 0, min: 1, max: 7 }],
                program: 0,
            }],
            programs: vec![Program {
                buffers: vec![product([all_rows.clone(), Expression::Constant(256)])],
                launches: vec![
                    launch(
                        0,
                        vec![
                            address(Place::Input(0), 0),
                            address(Place::Weight(0), 64),
                            address(Place::Buffer(0), 0),
                            LaunchArgument::Integer(all_rows.clone()),
                        ],
                        Some(LabeledResult {
                            label: "layers.0".into(),
                            place: Place::Buffer(0),
                            element: ElementType::F32,
                            shape: shape.clone(),
                        }),
                    ),
                    launch(
                        1,
                        vec![address(Place::Buffer(0), 0), address(Place::Output(0), 0)],
                        None,
                    ),
                ],
            }],
        }
    }

    #[test]
    fn memory_stands_in_front_of_its_first_use() {
        insta::assert_snapshot!(plan().to_mlir());
    }

    #[test]
    fn a_plan_whose_numbers_lie_is_still_shown() {
        let mut plan = plan();
        plan.symbols.clear();
        plan.weights.clear();
        plan.kernels.clear();
        plan.outputs.clear();
        plan.programs[0].buffers.clear();
        insta::assert_snapshot!(plan.to_mlir());
    }
}
