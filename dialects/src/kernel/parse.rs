//! Reads `kernel` from MLIR text: what [`Module`]'s printer writes, and what MLIR takes for the same.

use super::parse_launch::{Fused, fused, launch};
use super::typing::infer;
use super::view::PREFIX;
use super::{Argument, Function, KernelOp, Module, Step, Value, ValueKind, View};
use crate::symbolic::Symbols;
use crate::syntax::{self, Attribute, Operation};
use crate::tensor::{ElementType, TensorType};
use crate::venc::parse::operation;
use crate::venc::parts::{Values, arguments, header, results};
use crate::venc::reader::Reader;
use crate::venc::{self, Op, ParseError, Source, ValueId, VencError};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, ParseError>;

/// How far work on weights and views may be built on each other: what goes through them is recursive itself.
const MAX_NESTED: usize = 1000;

impl Module {
    /// The module that a text holds. What each launch gives is what the text says, by the typing of what it does; calls end,
    /// and give their callees what those take.
    pub fn parse(text: &str) -> Result<Module> {
        let parsed = syntax::parse(text)?;
        let (symbols, entry) = header(&parsed)?;
        let functions = parsed.functions.iter().map(|f| FunctionReader::read(f, &symbols));
        let functions = functions.collect::<Result<_>>()?;
        let module = Module { symbols, functions, entry };
        module.check_calls(&parsed)?;
        Ok(module)
    }
}

/// A function as far as it was read.
struct FunctionReader<'a> {
    symbols: &'a Symbols,
    names: Values,
    fused: HashMap<&'a str, Fused>,
    /// How far each value is built on others without a launch between.
    depths: Vec<usize>,
    function: Function,
}

impl<'a> FunctionReader<'a> {
    fn read(parsed: &'a syntax::Function, symbols: &'a Symbols) -> Result<Function> {
        let place = Reader { name: "func.func", place: parsed.place, attributes: &[] };
        let mut names = Values::default();
        let (mut taken, mut values) = (vec![], vec![]);
        for (position, argument) in arguments(parsed, &mut names)?.into_iter().enumerate() {
            let venc::Argument { name, ty, role } = argument;
            declared(&place, &ty, symbols)?;
            taken.push(Argument { name, role, value: ValueId(position as u32) });
            values.push(Value { kind: ValueKind::Argument(position), ty });
        }
        let mut reader = FunctionReader {
            symbols,
            names,
            fused: HashMap::new(),
            depths: vec![0; values.len()],
            function: Function {
                name: parsed.name.clone(),
                arguments: taken,
                values,
                steps: vec![],
                results: vec![],
            },
        };
        let returned = reader.operations(&parsed.operations)?;
        if let Some((name, _)) = reader.fused.iter().find(|(_, fused)| !fused.is_used) {
            return Err(place.error(format!("%{name} is fused into no launch")));
        }
        reader.function.results = results(&place, parsed, returned, &reader.names)?;
        Ok(reader.function)
    }

    /// What is returned, where there is a return.
    fn operations(&mut self, operations: &'a [Operation]) -> Result<Option<Vec<ValueId>>> {
        let mut returned = None;
        for operation in operations {
            let reader = Reader::of(operation);
            if returned.is_some() {
                return Err(reader.behind_the_end());
            }
            if operation.name == "func.return" {
                returned = Some(self.names.operands(operation)?);
                continue;
            }
            let is_fused = |ty: &syntax::Type| ty.name == FUSED && ty.parameters.is_none();
            match operation.name.split_once('.') {
                Some(("func", "call")) => self.call(&reader, operation)?,
                Some(("venc", name)) => self.of_weights(&reader, name, operation)?,
                Some(("kernel", name)) => match operation.result_types.as_slice() {
                    [ty] if is_fused(ty) => self.fused(&reader, operation)?,
                    _ => match name.strip_prefix(PREFIX) {
                        Some(name) => self.view(&reader, name, operation)?,
                        None => self.launch(&reader, operation)?,
                    },
                },
                _ => {
                    let message = format!("{} is no operation of kernel", operation.name);
                    return Err(reader.error(message));
                }
            }
        }
        Ok(returned)
    }

    fn call(&mut self, reader: &Reader, operation: &Operation) -> Result<()> {
        reader.has_only(["callee", "label"].into_iter())?;
        let callee = reader.attribute("callee", "a name", Attribute::symbol)?;
        let (operands, label) = (self.names.operands(operation)?, reader.label()?);
        let result = self.step_result(reader, operation)?;
        self.function.steps.push(Step::Call { callee, operands, result, label });
        Ok(())
    }

    /// A tensor of the checkpoint, or work on such.
    fn of_weights(&mut self, reader: &Reader, name: &str, operation: &Operation) -> Result<()> {
        let ty = reader.result_type(operation)?;
        let op = self::operation(reader, name, &ty)?;
        let known = op.attributes();
        let mut known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let operands = self.names.operands(operation)?;
        let kind = match op.source() {
            Source::Checkpoint(name) => match operands.is_empty() {
                true => ValueKind::Weight(name.to_string()),
                false => return Err(reader.error("venc.weight takes no operand".to_string())),
            },
            Source::Function(_) | Source::Operands => {
                known.push("offline");
                if reader.optional("offline") != Some(&Attribute::Boolean(true)) {
                    return Err(reader.error(format!(
                        "venc.{name} is no launch; work on weights is marked: {{offline = true}}"
                    )));
                }
                self.gives(reader, &op, &operands, &ty)?;
                if let Some(position) =
                    operands.iter().position(|id| !self.function.is_offline(*id))
                {
                    let message = format!("operand #{position} of venc.{name} is made at run time");
                    return Err(reader.error(message));
                }
                ValueKind::Offline(op, operands)
            }
        };
        reader.has_only(known.into_iter())?;
        self.value(reader, operation, kind, ty).map(drop)
    }

    /// `"kernel.view_slice_columns"(%4) {start = 64, length = 64}`
    fn view(&mut self, reader: &Reader, name: &str, operation: &Operation) -> Result<()> {
        let ty = reader.result_type(operation)?;
        let op = self::operation(reader, name, &ty)?;
        let view = View::of(&op).ok_or_else(|| reader.unknown_operation())?;
        reader.has_only(op.attributes().iter().map(|(name, _)| *name))?;
        let operands = self.names.operands(operation)?;
        self.gives(reader, &op, &operands, &ty)?;
        match operands.as_slice() {
            [of] => self.value(reader, operation, ValueKind::View(view, *of), ty).map(drop),
            _ => Err(reader.error(format!("{} reads one value", operation.name))),
        }
    }

    /// That a `venc` operation gives what the text says.
    fn gives(
        &self,
        reader: &Reader,
        op: &Op,
        operands: &[ValueId],
        said: &TensorType,
    ) -> Result<()> {
        let operands: Vec<&TensorType> =
            operands.iter().map(|id| self.names.type_of(*id)).collect();
        let wrong = |error: VencError| reader.error(format!("{}: {error}", reader.name));
        let given = venc::infer(op, &operands).map_err(wrong)?;
        if given != *said {
            return Err(reader.gives_other(&given, said));
        }
        op.operation().verify(&op.applied_to(&operands), self.symbols).map_err(wrong)
    }

    fn fused(&mut self, reader: &Reader, operation: &'a Operation) -> Result<()> {
        let operands = self.names.operands(operation)?;
        let fused = fused(reader, operands)?;
        let result = reader.result_name(operation)?;
        match self.fused.insert(result, fused) {
            None => Ok(()),
            Some(_) => Err(reader.error(format!("%{result} is defined twice"))),
        }
    }

    fn launch(&mut self, reader: &Reader, operation: &Operation) -> Result<()> {
        let ty = reader.result_type(operation)?;
        let (mut own, mut steps) = (vec![], vec![]);
        for (value, said) in reader.typed_operands(operation)? {
            if said.name != FUSED {
                own.push(self.names.operand(reader, value, said)?);
                continue;
            }
            let fused = self.fused.get_mut(value.name.as_str()).ok_or_else(|| {
                reader.error(format!("%{} is defined nowhere before", value.name))
            })?;
            fused.is_used = true;
            steps.push(fused.clone());
        }
        let own: Vec<(ValueId, &TensorType)> =
            own.into_iter().map(|id| (id, self.names.type_of(id))).collect();
        let (op, operands) = launch(reader, &own, steps, &ty)?;
        self.check_launch(reader, &op, &operands, &ty)?;
        let label = reader.label()?;
        let result = self.step_result(reader, operation)?;
        self.function.steps.push(Step::Launch { op, operands, result, label });
        Ok(())
    }

    /// That a launch gives what the text says, and that its weights are work of compile time.
    fn check_launch(
        &self,
        reader: &Reader,
        op: &KernelOp,
        operands: &[ValueId],
        said: &TensorType,
    ) -> Result<()> {
        let types: Vec<&TensorType> = operands.iter().map(|id| self.names.type_of(*id)).collect();
        let name = reader.name;
        let given = infer(op, &types).map_err(|error| reader.error(format!("{name}: {error}")))?;
        let fits = match op {
            // Sums are f32, and stored as whoever reads them wants.
            KernelOp::Gemm { .. } | KernelOp::BackToBackGemm { .. } => {
                given.shape == said.shape && said.element != ElementType::I32
            }
            KernelOp::RowWise { .. }
            | KernelOp::PartialGemm { .. }
            | KernelOp::BatchedGemm { .. }
            | KernelOp::Attention { .. }
            | KernelOp::Move(_) => given == *said,
        };
        if !fits {
            return Err(reader.gives_other(&given, said));
        }
        match op.weights().into_iter().find(|at| !self.function.is_offline(operands[*at])) {
            None => Ok(()),
            Some(at) => Err(reader.error(format!(
                "{name}: its weight, operand #{at} of the launch, is made at run time"
            ))),
        }
    }

    fn step_result(&mut self, reader: &Reader, operation: &Operation) -> Result<ValueId> {
        let kind = ValueKind::Step(self.function.steps.len());
        let ty = reader.result_type(operation)?;
        self.value(reader, operation, kind, ty)
    }

    /// Adds the result of an operation.
    fn value(
        &mut self,
        reader: &Reader,
        operation: &Operation,
        kind: ValueKind,
        ty: TensorType,
    ) -> Result<ValueId> {
        declared(reader, &ty, self.symbols)?;
        let depth = |id: &ValueId| self.depths[id.index()] + 1;
        let depth = match &kind {
            ValueKind::Offline(_, operands) => operands.iter().map(depth).max().unwrap_or(0),
            ValueKind::View(_, of) => depth(of),
            ValueKind::Argument(_) | ValueKind::Weight(_) | ValueKind::Step(_) => 0,
        };
        if depth > MAX_NESTED {
            return Err(reader.error(format!(
                "work on weights and views are built on each other more than {MAX_NESTED} deep"
            )));
        }
        self.depths.push(depth);
        let id = self.names.define_result(reader, operation, &ty)?;
        self.function.values.push(Value { kind, ty });
        Ok(id)
    }
}

/// The type of what was fused into a launch.
const FUSED: &str = "!kernel.fused";

fn declared(reader: &Reader, ty: &TensorType, symbols: &Symbols) -> Result<()> {
    let mut used = ty.shape.iter().flat_map(|dim| dim.symbols());
    match used.find(|symbol| symbols.definition(symbol).is_none()) {
        None => Ok(()),
        Some(symbol) => Err(reader.error(format!(
            "{}: {ty} speaks of the symbol `{symbol}`, which is not declared",
            reader.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::modules;
    use crate::syntax::damage::{damaged, damages};
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn print_and_parse_are_inverse(module in modules()) {
            let text = module.to_string();
            let read = Module::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(&read, &module);
            prop_assert_eq!(read.to_string(), text);
        }

        #[test]
        fn damaged_text_gives_an_error_or_a_module(module in modules(), damages in damages()) {
            let text = damaged(&module.to_string(), &damages);
            // Whatever is read can be written.
            if let Ok(module) = Module::parse(&text) {
                prop_assert_eq!(Module::parse(&module.to_string()), Ok(module));
            }
        }
    }

    /// What is held against each other above is all that there is.
    #[test]
    fn random_modules_have_all_that_there_is() {
        let mut runner = TestRunner::deterministic();
        let texts =
            (0..200).map(|_| modules().new_tree(&mut runner).unwrap().current().to_string());
        let text = texts.collect::<String>();
        for name in [
            "venc.weight",
            "kernel.view_slice_columns",
            "kernel.view_select_token",
            "kernel.view_slice_tokens",
            "kernel.view_reshape",
            "kernel.view_broadcast_images",
            "kernel.view_patchify",
            "kernel.cast",
            "kernel.layer_norm",
            "kernel.rms_norm",
            "kernel.norm_scale",
            "kernel.sum_slices",
            "kernel.softmax",
            "kernel.add",
            "kernel.multiply",
            "kernel.gelu",
            "kernel.scale",
            "kernel.clamp",
            "kernel.gate",
            "kernel.after_tokens",
            "kernel.gemm",
            "kernel.partial_gemm",
            "kernel.back_to_back_gemm",
            "kernel.batched_gemm",
            "kernel.rowwise",
            "kernel.attention",
            "kernel.rope",
            "kernel.gather_rows",
        ] {
            assert!(text.contains(&format!("\"{name}\"")), "{name}");
        }
        let broadcasts = ["full", "columns", "rows", "table"].map(|how| format!("= \"{how}\""));
        for word in broadcasts.iter().map(String::as_str).chain([
            "offline",
            "func.call",
            "rotary = true",
            "\"segments\"",
        ]) {
            assert!(text.contains(word), "{word}");
        }
    }
}
