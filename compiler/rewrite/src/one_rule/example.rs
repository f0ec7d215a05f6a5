//! The program that a rule's left side is, of its own example: what its file test begins with.

use crate::analysis::Sort;
use crate::meaning::{Algebra, Children, Meaning, meaning};
use crate::rules::{Condition, Group, Rule};
use crate::saturate::Compiled;
use egg::{ENodeOrVar, Id};
use ocellus_dialects::symbolic::{Dim, Symbols};
use ocellus_dialects::venc::{
    Activation, Attribute, FunctionBuilder, GatherRows, Linear, Module, Op, Role, ValueId,
};
use ocellus_dialects::{ElementType, TensorType};
use std::collections::HashMap;

/// What sizes are.
const SIZES: [(&str, i64); 16] = [
    ("I", 2),
    ("T", 4),
    ("K", 8),
    ("N", 16),
    ("M", 32),
    ("H", 2),
    ("D", 4),
    ("U", 6),
    ("P", 2),
    ("Q", 3),
    ("R", 3),
    ("S", 5),
    ("C", 3),
    ("A", 4),
    ("B", 8),
    ("X", 4),
];

/// The program. Where the left side is something that a kernel reads, a product reads it.
pub(super) fn example(group: Group, rule: &'static Rule) -> Module {
    let mut example = Example { arguments: vec![], values: vec![] };
    let variables = rule.example.split(',').map(|typing| {
        let (name, typing) = typing.split_once(':').unwrap();
        (name.trim(), typing.trim())
    });
    let variables: Vec<(&str, &str)> = variables.collect();
    for (name, typing) in &variables {
        example.declare(name, typing);
    }
    let mut builder = FunctionBuilder::new("main");
    for (name, ty, role) in &example.arguments {
        example.values.push(builder.argument(name, ty.clone(), *role));
    }
    let mut writer = Writer(builder);
    let mut taken = example.values.clone().into_iter();
    let meanings: HashMap<String, Meaning<ValueId>> = variables
        .iter()
        .map(|(name, typing)| {
            (format!("?{name}"), example.meaning(typing, &mut taken, &mut writer))
        })
        .collect();
    let left = Compiled::new(group, rule).unwrap();
    let mut known: Vec<Meaning<ValueId>> = vec![];
    let mut sort = Sort::Value;
    for node in left.left().ast.as_ref() {
        let child = |id: Id| Ok(known[usize::from(id)].clone());
        known.push(match node {
            ENodeOrVar::Var(var) => meanings[&var.to_string()].clone(),
            ENodeOrVar::ENode(term) => {
                sort = Sort::of(term);
                meaning(&mut writer, term, &Children(&child)).unwrap()
            }
        });
    }
    let Some(Meaning::Tensor(mut result)) = known.pop() else { panic!("{}", rule.name) };
    if matches!(sort, Sort::Prologue | Sort::Operand) {
        let ty = writer.type_of(&result);
        let weight = TensorType::new(ty.element, [Dim::from(16), ty.width()]);
        let weight = writer.0.weight("weight", weight);
        result = writer.apply(Linear, &[result, weight]).unwrap();
    }
    let ty = writer.type_of(&result);
    if ty.element == ElementType::I32 {
        let table = TensorType::new(ElementType::F32, [ty.width(), Dim::from(8)]);
        let table = writer.0.weight("table", table);
        result = writer.apply(GatherRows, &[table, result]).unwrap();
    }
    writer.0.result("y", result);
    let module = Module {
        symbols: Symbols::default(),
        functions: vec![writer.0.finish()],
        entry: "main".to_string(),
    };
    module.verify().unwrap_or_else(|error| panic!("{}: {error}", rule.name));
    module
}

struct Example {
    arguments: Vec<(String, TensorType, Role)>,
    values: Vec<ValueId>,
}

impl Example {
    fn dim(&self, text: &str) -> Dim {
        let dim: Dim = text.parse().unwrap();
        dim.substitute(&|symbol| {
            SIZES.iter().find(|(name, _)| *name == symbol.name()).map(|(_, size)| (*size).into())
        })
    }

    fn shape(&self, text: &str) -> Vec<Dim> {
        text.split_whitespace().map(|dim| self.dim(dim)).collect()
    }

    fn argument(&mut self, name: &str, shape: Vec<Dim>, element: ElementType, role: Role) {
        self.arguments.push((name.to_string(), TensorType::new(element, shape), role));
    }

    /// The arguments that a variable needs.
    fn declare(&mut self, name: &str, typing: &str) {
        let (kind, rest) = typing.split_once(' ').unwrap_or((typing, ""));
        let shape = |text: &str| self.shape(text);
        match kind {
            "weight" => self.argument(name, shape(rest), ElementType::F32, Role::Weight),
            "operand" | "prologue" => {
                self.argument(name, shape(rest), ElementType::F32, Role::Activation);
            }
            "product" => {
                let mut rows = shape(rest);
                let width = rows.pop().unwrap();
                rows.push(Dim::from(8));
                self.argument("x", rows, ElementType::F32, Role::Activation);
                self.argument("w", vec![width, Dim::from(8)], ElementType::F32, Role::Weight);
            }
            "operands" => {
                for (position, text) in rest.split(" + ").enumerate() {
                    let name = format!("{name}{position}");
                    let shape = self.shape(text);
                    self.argument(&name, shape, ElementType::F32, Role::Activation);
                }
            }
            "rows" => {
                let dims = shape(&rest.replace("below", ""));
                self.argument(name, dims[..1].to_vec(), ElementType::I32, Role::Activation);
            }
            "permutation" | "segments" => {
                self.argument(name, shape(rest), ElementType::I32, Role::Activation);
            }
            "epilogue" | "mask" | "number" | "activation" | "dim" | "shape" => {}
            word if is_attribute(word, rest) => {}
            _ => self.argument(name, shape(typing), ElementType::F32, Role::Activation),
        }
    }

    /// What a variable stands for.
    fn meaning(
        &self,
        typing: &str,
        taken: &mut impl Iterator<Item = ValueId>,
        writer: &mut Writer,
    ) -> Meaning<ValueId> {
        let (kind, rest) = typing.split_once(' ').unwrap_or((typing, ""));
        match kind {
            "product" => {
                let operands = [taken.next().unwrap(), taken.next().unwrap()];
                Meaning::Tensor(writer.apply(Linear, &operands).unwrap())
            }
            "operands" => Meaning::List(taken.take(rest.split(" + ").count()).collect()),
            "epilogue" => Meaning::Epilogue(vec![]),
            "mask" => Meaning::List(vec![]),
            "number" => Meaning::Attribute(Attribute::number(0.5)),
            "activation" => Meaning::Attribute(Attribute::Activation(Activation::Gelu)),
            "dim" => Meaning::Attribute(Attribute::Dim(self.dim(rest))),
            "shape" => Meaning::Attribute(Attribute::Shape(self.shape(rest))),
            word if is_attribute(word, rest) => Meaning::Attribute(word.parse().unwrap()),
            _ => Meaning::Tensor(taken.next().unwrap()),
        }
    }
}

/// Whether a variable is an attribute itself: `1e-6`, `true`.
fn is_attribute(word: &str, rest: &str) -> bool {
    let is_size = word.starts_with(|c: char| c.is_ascii_uppercase())
        || (!rest.is_empty() && rest.contains(|c: char| c.is_ascii_uppercase()));
    !is_size && rest.is_empty() && word.parse::<Attribute>().is_ok()
}

struct Writer(FunctionBuilder);

impl Algebra for Writer {
    type Tensor = ValueId;

    fn leaf(&mut self, leaf: crate::language::Leaf) -> Result<ValueId, String> {
        Err(format!("{leaf} is in no rule"))
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[ValueId]) -> Result<ValueId, String> {
        self.0.push(op, operands).map_err(|error| error.to_string())
    }

    fn type_of(&self, tensor: &ValueId) -> TensorType {
        self.0.type_of(*tensor).clone()
    }
}

/// Writes the file of each rule that has none.
pub(super) fn write_missing(folder: &std::path::Path) {
    for (group, rule) in crate::rules::all() {
        let path = folder.join(rule.name).with_extension("mlir");
        if path.is_file() {
            continue;
        }
        let assumptions = rule.conditions.iter().map(|condition| match condition {
            Condition::Assumed(assumption) => format!(" --assume {assumption}"),
            _ => String::new(),
        });
        let assumptions = assumptions.collect::<String>();
        let program = in_few_lines(&example(group, rule).to_string());
        let text = format!("// opt --rule {}{assumptions}\n{program}", rule.name);
        std::fs::write(path, text).unwrap();
    }
}

/// The function of a module without what reads back as it is: the module around it, names that values have anyway.
fn in_few_lines(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let mut text = String::new();
    for line in lines {
        let is_of_signature = line.starts_with("  %") && !line.contains(" = \"venc.");
        let mut line = line.replace(" {venc.name = \"y\"}", "");
        if let Some(result) = line.strip_prefix(") -> (").and_then(|line| line.strip_suffix(") {"))
        {
            line = format!(") -> {result} {{");
        }
        let named = line.split_once(" {venc.name = \"");
        match (is_of_signature, named) {
            (true, Some((argument, rest))) => {
                let weight = if rest.contains("venc.weight") { " {venc.weight}" } else { "" };
                let comma = if rest.ends_with(',') { ", " } else { "" };
                text += &format!("{}{weight}{comma}", argument.trim());
            }
            _ if line.ends_with('(') => text += &line,
            _ => text += &format!("{line}\n"),
        }
    }
    text
}
