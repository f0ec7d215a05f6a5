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
    PortValues, Program, Schedule, SymbolEntry, SymbolSource,
};
use crate::syntax::text::{quoted, symbol_name};
use std::collections::BTreeSet;
use std::fmt;

/// MLIR text, which MLIR takes by the dialect's IRDL, and which [`Plan::parse`] reads back to an equal plan. A number that
/// names no symbol, kernel or weight of the plan, as a damaged artifact may have, is shown as `?7`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbols: Vec<String> = (self.symbols.iter())
            .map(|entry| format!("\n  {}", quoted(&declaration(self, entry))))
            .collect();
        writeln!(f, "module attributes {{plan.symbols = [{}\n]}} {{", symbols.join(","))?;
        for kernel in &self.kernels {
            let (symbol, family) = (quoted(&kernel.symbol), quoted(kernel.family.name()));
            writeln!(
                f,
                "  \"plan.kernel\"() {{sym_name = {symbol}, family = {family}}} : () -> ()"
            )?;
        }
        self.pieces.iter().try_for_each(|piece| f.write_str(&piece_line(self, piece)))?;
        for (position, program) in self.programs.iter().enumerate() {
            let program = ProgramText { plan: self, program, written: BTreeSet::new() };
            f.write_str(&program.function(position))?;
        }
        f.write_str("}\n")
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
        text += &self.unused(position);
        text + "    func.return\n  }\n"
    }

    /// Memory that no launch uses: buffers of this program, and behind the last program what none has used.
    fn unused(&mut self, position: usize) -> String {
        let mut places: Vec<Place> = (0..self.program.buffers.len()).map(Place::Buffer).collect();
        if position + 1 == self.plan.programs.len() {
            let launches = self.plan.programs.iter().flat_map(|program| &program.launches);
            let used: BTreeSet<String> = launches
                .flat_map(|launch| &launch.arguments)
                .filter_map(|argument| match argument {
                    LaunchArgument::Address { place, .. } => Some(place_name(*place)),
                    LaunchArgument::Integer(_) => None,
                })
                .collect();
            let all = (0..self.plan.inputs.len()).map(Place::Input);
            let all = all.chain((0..self.plan.outputs.len()).map(Place::Output));
            let all = all.chain((0..self.plan.weights.len()).map(Place::Weight));
            places.extend(all.filter(|place| !used.contains(&place_name(*place))));
        }
        places.into_iter().map(|place| self.declared(place)).collect()
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
        let [kernel, tiles, scratch_bytes] = self.schedule(&launch.schedule);
        let arguments = format!("arguments = [{}]", quoted_list(&arguments));
        let mut attributes = vec![kernel, arguments, tiles, scratch_bytes];
        if !launch.alternatives.is_empty() {
            let alternatives = launch.alternatives.iter();
            let alternatives: Vec<String> = alternatives
                .map(|schedule| format!("{{{}}}", self.schedule(schedule).join(", ")))
                .collect();
            attributes.push(format!("alternatives = [{}]", alternatives.join(", ")));
        }
        attributes.extend(launch.result.as_ref().map(|result| self.result(result)));
        let types = vec!["!plan.memory"; operands.len()];
        text + &format!(
            "    \"plan.launch\"({}) {{{}}} : ({}) -> ()\n",
            operands.join(", "),
            attributes.join(", "),
            types.join(", ")
        )
    }

    /// `kernel = @gemm`, `tiles = "images*6"`, `scratch_bytes = "0"`
    fn schedule(&self, schedule: &Schedule) -> [String; 3] {
        let kernel = self.plan.kernels.get(schedule.kernel);
        let kernel = kernel.map_or(format!("?{}", schedule.kernel), |kernel| kernel.symbol.clone());
        [
            format!("kernel = {}", symbol_name(&kernel)),
            format!("tiles = {}", quoted(&self.expression(&schedule.tiles))),
            format!("scratch_bytes = {}", quoted(&self.expression(&schedule.scratch_bytes))),
        ]
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

    #[test]
    fn a_plan_whose_numbers_lie_is_still_shown() {
        let text = include_str!("../../../tests/filetests/plan/gemm_and_copy.mlir");
        let mut plan = Plan::parse(text).unwrap();
        plan.symbols.clear();
        plan.weights.clear();
        plan.kernels.clear();
        plan.outputs.clear();
        plan.programs[0].buffers.clear();
        insta::assert_snapshot!(plan.to_string());
    }
}
