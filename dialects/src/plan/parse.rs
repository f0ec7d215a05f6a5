//! Reads a plan from MLIR text: what [`Plan`]'s `Display` writes. Memory is named by what it is and its number, `%buffer0`, in
//! operands and in the texts of arguments.

use super::{
    Expression, KernelEntry, LabeledResult, Launch, LaunchArgument, Piece, PieceRange, Place, Plan,
    Port, PortValues, Program, Schedule, SymbolEntry, SymbolSource, WeightEntry,
};
use crate::ElementType;
use crate::kernel::Family;
use crate::syntax::{self, Attribute, Operation};
use crate::venc::ParseError;
use crate::venc::reader::Reader;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, ParseError>;

/// The attributes of a schedule.
const SCHEDULE: [&str; 3] = ["kernel", "tiles", "scratch_bytes"];

impl Plan {
    /// The plan that a text holds, validated.
    pub fn parse(text: &str) -> Result<Plan> {
        let parsed = syntax::parse(text)?;
        let header = Reader { name: "module", place: parsed.place, attributes: &parsed.attributes };
        let mut reader = PlanReader { symbols: symbols(&header)?, ..PlanReader::default() };
        for operation in parsed.operations.iter().filter(|op| op.name == "plan.kernel") {
            reader.kernel(&Reader::of(operation))?;
        }
        let programs: Vec<&str> = parsed.functions.iter().map(|f| f.name.as_str()).collect();
        let mut pieces = vec![];
        for operation in parsed.operations.iter().filter(|op| op.name != "plan.kernel") {
            pieces.push(reader.piece(&Reader::of(operation), &programs)?);
        }
        let programs = parsed.functions.iter().map(|function| reader.program(function));
        let plan = Plan {
            programs: programs.collect::<Result<_>>()?,
            inputs: all_of(&header, "input", reader.inputs)?,
            outputs: all_of(&header, "output", reader.outputs)?,
            weights: all_of(&header, "weight", reader.weights)?,
            symbols: reader.symbols,
            kernels: reader.kernels,
            pieces,
        };
        match plan.validate() {
            Ok(()) => Ok(plan),
            Err(error) => Err(header.error(error.to_string())),
        }
    }
}

/// The declarations of symbols: `images in 1..=32 step 2` and `rows = height floordiv 16`.
fn symbols(header: &Reader) -> Result<Vec<SymbolEntry>> {
    let mut symbols: Vec<SymbolEntry> = vec![];
    for declaration in header.strings("plan.symbols")? {
        let wrong = || {
            header.error(format!(
                "`{declaration}` declares no symbol: write `images in 1..=32`, `height in 16..=512 step 16` or \
                 `rows = height floordiv 16`"
            ))
        };
        let (name, source) = match declaration.split_once(" = ") {
            Some((name, value)) => {
                let value = Expression::parse(value, &symbols);
                (name, SymbolSource::Defined(value.map_err(|error| header.error(error))?))
            }
            None => {
                let (name, range) = declaration.split_once(" in ").ok_or_else(wrong)?;
                let (range, step) = range.split_once(" step ").unwrap_or((range, "1"));
                let (min, max) = bounds(range).ok_or_else(wrong)?;
                let step = step.parse().map_err(|_| wrong())?;
                (name, SymbolSource::Free { min, max, step })
            }
        };
        if place_of(name).is_some() {
            return Err(header.error(format!("the symbol `{name}` has the name of memory")));
        }
        symbols.push(SymbolEntry { name: name.to_string(), source });
    }
    Ok(symbols)
}

/// `1..=7`
fn bounds(text: &str) -> Option<(i64, i64)> {
    let (min, max) = text.split_once("..=")?;
    Some((min.parse().ok()?, max.parse().ok()?))
}

/// `buffer0`
fn place_of(name: &str) -> Option<Place> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (kind, number) = name.split_at(digits);
    let number = number.parse().ok()?;
    match kind {
        "input" => Some(Place::Input(number)),
        "output" => Some(Place::Output(number)),
        "weight" => Some(Place::Weight(number)),
        "buffer" => Some(Place::Buffer(number)),
        _ => None,
    }
}

/// What is declared by its number, of which none is left out.
fn all_of<T>(reader: &Reader, what: &str, declared: BTreeMap<usize, T>) -> Result<Vec<T>> {
    match declared.keys().enumerate().find(|(position, number)| position != *number) {
        None => Ok(declared.into_values().collect()),
        Some((missing, number)) => {
            Err(reader.error(format!("%{what}{number} is declared, and %{what}{missing} is not")))
        }
    }
}

/// What was read of a plan so far.
#[derive(Default)]
struct PlanReader {
    symbols: Vec<SymbolEntry>,
    kernels: Vec<KernelEntry>,
    inputs: BTreeMap<usize, Port>,
    outputs: BTreeMap<usize, Port>,
    weights: BTreeMap<usize, WeightEntry>,
}

impl PlanReader {
    fn kernel(&mut self, reader: &Reader) -> Result<()> {
        reader.has_only(["sym_name", "family"].into_iter())?;
        let family = reader.string("family")?.parse::<Family>();
        let family = family.map_err(|unknown| reader.error(unknown.to_string()))?;
        let kernel = KernelEntry { symbol: reader.string("sym_name")?, family };
        if self.kernels.iter().any(|known| known.symbol == kernel.symbol) {
            return Err(reader.error(format!("the kernel `{}` is there twice", kernel.symbol)));
        }
        self.kernels.push(kernel);
        Ok(())
    }

    fn piece(&self, reader: &Reader, programs: &[&str]) -> Result<Piece> {
        if reader.name != "plan.piece" {
            let name = reader.name;
            return Err(reader.error(format!("{name} is neither a kernel nor a piece of a plan")));
        }
        reader.has_only(["ranges", "program"].into_iter())?;
        let name = reader.attribute("program", "a name: @program0", Attribute::symbol)?;
        let program = programs.iter().position(|program| *program == name);
        let program =
            program.ok_or_else(|| reader.error(format!("there is no program @{name}")))?;
        let ranges = reader.strings("ranges")?.into_iter().map(|text| self.range(reader, &text));
        Ok(Piece { ranges: ranges.collect::<Result<_>>()?, program })
    }

    /// `images in 1..=7`
    fn range(&self, reader: &Reader, text: &str) -> Result<PieceRange> {
        let read = || {
            let (name, range) = text.split_once(" in ")?;
            let symbol = self.symbols.iter().position(|symbol| symbol.name == name)?;
            let (min, max) = bounds(range)?;
            Some(PieceRange { symbol, min, max })
        };
        read().ok_or_else(|| {
            reader.error(format!("`{text}` is no range of a symbol: write `images in 1..=7`"))
        })
    }

    fn program(&mut self, function: &syntax::Function) -> Result<Program> {
        let place = Reader { name: "func.func", place: function.place, attributes: &[] };
        let (mut buffers, mut launches, mut has_ended) = (BTreeMap::new(), vec![], false);
        if !function.arguments.is_empty() || !function.results.is_empty() {
            let name = &function.name;
            return Err(place.error(format!("@{name} has arguments or results, and is a program")));
        }
        for operation in &function.operations {
            let reader = Reader::of(operation);
            if has_ended {
                return Err(reader.behind_the_end());
            }
            match operation.name.as_str() {
                "func.return" if operation.operands.is_empty() => has_ended = true,
                "plan.launch" => launches.push(self.launch(&reader, operation, &buffers)?),
                _ => self.memory(&reader, operation, &mut buffers)?,
            }
        }
        match has_ended {
            true => Ok(Program { buffers: all_of(&place, "buffer", buffers)?, launches }),
            false => Err(place.error(format!("@{} does not end with func.return", function.name))),
        }
    }

    /// `%buffer0 = "plan.buffer"() {bytes = "images*605184"} : () -> !plan.memory`
    fn memory(
        &mut self,
        reader: &Reader,
        operation: &Operation,
        buffers: &mut BTreeMap<usize, Expression>,
    ) -> Result<()> {
        let name = reader.result_name(operation)?;
        let wrong = || {
            let what = reader.operation();
            reader.error(format!("%{name} is {}: its name must be %{what}0, or so", reader.name))
        };
        let place = place_of(name).filter(|_| operation.operands.is_empty()).ok_or_else(wrong)?;
        let is_same = match (reader.name, place) {
            ("plan.input", Place::Input(position)) => {
                let port = self.port(reader)?;
                self.inputs.entry(position).or_insert_with(|| port.clone()) == &port
            }
            ("plan.output", Place::Output(position)) => {
                let port = self.port(reader)?;
                self.outputs.entry(position).or_insert_with(|| port.clone()) == &port
            }
            ("plan.weight", Place::Weight(position)) => {
                reader.has_only(["name", "bytes"].into_iter())?;
                let bytes = reader.attribute("bytes", "a number of at least 0", |bytes| {
                    bytes.integer().and_then(|bytes| u64::try_from(bytes).ok())
                })?;
                let weight = WeightEntry { name: reader.string("name")?, bytes };
                self.weights.entry(position).or_insert_with(|| weight.clone()) == &weight
            }
            ("plan.buffer", Place::Buffer(position)) => {
                reader.has_only(["bytes"].into_iter())?;
                buffers.insert(position, self.expression_of(reader, "bytes")?).is_none()
            }
            _ if reader.name.starts_with("plan.") => return Err(wrong()),
            _ => return Err(reader.error(format!("{} is no operation of plan", reader.name))),
        };
        match is_same {
            true => Ok(()),
            false => Err(reader.error(format!("%{name} is declared twice, in different ways"))),
        }
    }

    fn port(&self, reader: &Reader) -> Result<Port> {
        reader.has_only(["name", "shape", "indices_below", "permutation"].into_iter())?;
        let values = match reader.optional("indices_below") {
            None => PortValues::Numbers,
            Some(_) => PortValues::Indices {
                below: self.expressions(reader, "indices_below")?,
                permutation: reader.boolean("permutation")?,
            },
        };
        Ok(Port { name: reader.string("name")?, shape: self.expressions(reader, "shape")?, values })
    }

    fn launch(
        &self,
        reader: &Reader,
        operation: &Operation,
        buffers: &BTreeMap<usize, Expression>,
    ) -> Result<Launch> {
        let known = SCHEDULE.iter().chain(&["arguments", "alternatives", "label", "result"]);
        reader.has_only(known.copied())?;
        let mut operands = operation.operands.iter();
        for operand in operands.clone() {
            if !place_of(&operand.name).is_some_and(|place| self.is_declared(place, buffers)) {
                let at = Reader { place: operand.place, ..*reader };
                return Err(at.error(format!("%{} is defined nowhere before", operand.name)));
            }
        }
        let mut arguments = vec![];
        for text in reader.strings("arguments")? {
            let (name, offset) = text.split_once(" + ").unwrap_or((text.as_str(), "0"));
            let Some(place) = place_of(name) else {
                arguments.push(LaunchArgument::Integer(self.expression(reader, &text)?));
                continue;
            };
            if operands.next().is_none_or(|operand| operand.name != name) {
                let message = format!("the argument `{text}` is an address in what is no operand");
                return Err(reader.error(message));
            }
            let offset = self.expression(reader, offset)?;
            arguments.push(LaunchArgument::Address { place, offset });
        }
        if let Some(operand) = operands.next() {
            return Err(reader.error(format!("no argument is an address in %{}", operand.name)));
        }
        Ok(Launch {
            schedule: self.schedule(reader)?,
            alternatives: self.alternatives(reader)?,
            arguments,
            result: match reader.label()? {
                None => None,
                Some(label) => Some(self.result(reader, label)?),
            },
        })
    }

    /// `kernel = @gemm, tiles = "images*6", scratch_bytes = "0"`
    fn schedule(&self, reader: &Reader) -> Result<Schedule> {
        let kernel = reader.attribute("kernel", "a name: @gemm", Attribute::symbol)?;
        let position = self.kernels.iter().position(|known| known.symbol == kernel);
        Ok(Schedule {
            kernel: position
                .ok_or_else(|| reader.error(format!("there is no kernel `{kernel}`")))?,
            tiles: self.expression_of(reader, "tiles")?,
            scratch_bytes: self.expression_of(reader, "scratch_bytes")?,
        })
    }

    /// `alternatives = [{kernel = @gemm, tiles = "images*12", scratch_bytes = "0"}]`
    fn alternatives(&self, reader: &Reader) -> Result<Vec<Schedule>> {
        let wrong = || reader.kind("alternatives", "an array of schedules: [{kernel = @gemm, ..}]");
        let Some(alternatives) = reader.optional("alternatives") else { return Ok(vec![]) };
        let alternatives = alternatives.elements().ok_or_else(wrong)?.iter();
        let schedule = |alternative: &Attribute| {
            let Attribute::Dictionary(attributes) = alternative else { return Err(wrong()) };
            let reader = Reader { attributes, ..*reader };
            reader.has_only(SCHEDULE.into_iter())?;
            self.schedule(&reader)
        };
        alternatives.map(schedule).collect()
    }

    fn is_declared(&self, place: Place, buffers: &BTreeMap<usize, Expression>) -> bool {
        match place {
            Place::Input(position) => self.inputs.contains_key(&position),
            Place::Output(position) => self.outputs.contains_key(&position),
            Place::Weight(position) => self.weights.contains_key(&position),
            Place::Buffer(position) => buffers.contains_key(&position),
        }
    }

    /// `result = "buffer1[images, 197, 768] x f32"`
    fn result(&self, reader: &Reader, label: String) -> Result<LabeledResult> {
        let text = reader.string("result")?;
        let parts = || {
            let (place, rest) = text.split_once('[')?;
            let (dims, element) = rest.split_once("] x ")?;
            Some((place_of(place)?, dims, ElementType::from_name(element)?))
        };
        let (place, dims, element) = parts().ok_or_else(|| {
            reader.error(format!("`{text}` is no result: write `buffer1[images, 768] x f32`"))
        })?;
        let dims = dims.split(", ").filter(|dim| !dim.is_empty());
        let shape = dims.map(|dim| self.expression(reader, dim)).collect::<Result<_>>()?;
        Ok(LabeledResult { label, place, element, shape })
    }

    fn expression(&self, reader: &Reader, text: &str) -> Result<Expression> {
        let error = |error| reader.error(format!("{}: {error}", reader.name));
        Expression::parse(text, &self.symbols).map_err(error)
    }

    fn expression_of(&self, reader: &Reader, attribute: &str) -> Result<Expression> {
        self.expression(reader, &reader.string(attribute)?)
    }

    fn expressions(&self, reader: &Reader, attribute: &str) -> Result<Vec<Expression>> {
        let texts = reader.strings(attribute)?;
        texts.iter().map(|text| self.expression(reader, text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::random::{expressions, plans};
    use crate::syntax::damage::{damaged, damages};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn print_and_parse_are_inverse(plan in plans()) {
            prop_assert_eq!(plan.validate(), Ok(()));
            let text = plan.to_string();
            let read = Plan::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(&read, &plan);
            prop_assert_eq!(read.to_string(), text);
        }

        #[test]
        fn damaged_text_gives_an_error_or_a_plan(plan in plans(), damages in damages()) {
            // Whatever is read must have been validated.
            if let Ok(plan) = Plan::parse(&damaged(&plan.to_string(), &damages)) {
                prop_assert_eq!(plan.validate(), Ok(()));
            }
        }

        #[test]
        fn an_expression_reads_back(expression in expressions(2)) {
            let entry = |name: &str| SymbolEntry {
                name: name.into(),
                source: SymbolSource::Free { min: 1, max: 2, step: 1 },
            };
            let symbols = [entry("images"), entry("floors")];
            prop_assert_eq!(Expression::parse(&expression.describe(&symbols), &symbols), Ok(expression));
        }

        #[test]
        fn any_text_is_an_expression_or_an_error(text in "[-+*() a0-9]{0,20}|\\(*|.{0,20}") {
            let _ = Expression::parse(&text, &[]);
        }
    }
}
