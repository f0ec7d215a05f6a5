//! Every rule, without being named here, on random instances: both sides are computed by the reference interpreter.

use super::{Assumption, Group, Rule, all};
use crate::analysis::{LeafFacts, Types};
use crate::language::{Leaf, Term};
use crate::meaning::{Algebra, Children, Meaning, meaning};
use crate::saturate::{Compiled, RuleStatistics};
use egg::{EGraph, RecExpr, Searcher};
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol};
use ocellus_dialects::venc::{self, Activation, Attribute, Op};
use ocellus_dialects::{ElementType, HostTensor, TensorType};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

/// Random instances of each rule.
const INSTANCES: u64 = 12;

/// The interpreter rounds the result of each operation to f32 (2^-24, relatively) and accumulates in f64. The sides of
/// a rule differ by a dozen such roundings, each amplified by at most a factor of ten or so in a product or a softmax of
/// numbers near one: 12 * 10 * 2^-24 = 0.7e-5.
const TOLERANCE: f64 = 1e-5;

/// Draws terms for the variables of a rule.
struct Instance {
    random: StdRng,
    sizes: Bindings,
    given: Vec<(TensorType, bool, HostTensor)>,
}

impl Instance {
    fn new(seed: u64) -> Self {
        Instance { random: StdRng::seed_from_u64(seed), sizes: Bindings::new(), given: vec![] }
    }

    /// The value of `H*D+1`, where each new name is a new random size.
    fn size(&mut self, text: &str) -> i64 {
        let dim: Dim = text.parse().unwrap_or_else(|error| panic!("{error}"));
        for symbol in dim.symbols().cloned().collect::<Vec<Symbol>>() {
            let drawn = self.random.random_range(1..=4);
            self.sizes.entry(symbol).or_insert(drawn);
        }
        dim.evaluate(&self.sizes).unwrap()
    }

    fn shape(&mut self, text: &str) -> Vec<i64> {
        text.split_whitespace().map(|dim| self.size(dim)).collect()
    }

    fn number(&mut self) -> f64 {
        self.random.random_range(0.25..2.0)
    }

    fn tensor(&mut self, shape: &[i64], is_weight: bool) -> String {
        let elements: i64 = shape.iter().product();
        let data = (0..elements).map(|_| self.random.random_range(-2.0f32..2.0)).collect();
        let dims = shape.iter().map(|dim| *dim as usize).collect();
        let ty = TensorType::new(ElementType::F32, shape.iter().copied());
        self.given.push((ty, is_weight, HostTensor::new(dims, data).unwrap()));
        format!("%{}", self.given.len() - 1)
    }

    fn indices(&mut self, shape: &[i64], data: Vec<f32>) -> String {
        let dims = shape.iter().map(|dim| *dim as usize).collect();
        let ty = TensorType::new(ElementType::I32, shape.iter().copied());
        self.given.push((ty, false, HostTensor::new(dims, data).unwrap()));
        format!("%{}", self.given.len() - 1)
    }

    fn permutation(&mut self, count: i64) -> String {
        let mut order: Vec<f32> = (0..count).map(|index| index as f32).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.random.random_range(0..=last));
        }
        self.indices(&[count], order)
    }

    /// A few segments, not in runs, of each image or of all.
    fn segments(&mut self, shape: &[i64]) -> String {
        let shape = if self.random.random() { shape } else { &shape[shape.len() - 1..] };
        let count = shape.iter().product::<i64>();
        let data = (0..count).map(|_| self.random.random_range(-1..2) as f32).collect();
        self.indices(shape, data)
    }

    fn operand(&mut self, shape: &[i64]) -> String {
        format!("(read {})", self.tensor(shape, false))
    }

    fn prologue(&mut self, shape: &[i64]) -> String {
        let x = self.operand(shape);
        let width = &shape[shape.len() - 1..];
        match self.random.random_range(0..6) {
            0 => format!("(softmax_rows {x})"),
            1 => format!("(rms_norm_rows {x} {} 1e-6)", self.tensor(width, true)),
            2 => {
                let (norm_weight, bias) = (self.tensor(width, true), self.tensor(width, true));
                format!("(layer_norm_rows {x} {norm_weight} {bias} 1e-6)")
            }
            3 => format!("(layer_norm_rows {x} 1e-6)"),
            4 => format!("(rms_norm_rows {x} 1e-6)"),
            _ => format!("(as_is {x})"),
        }
    }

    fn product(&mut self, shape: &[i64]) -> String {
        if self.random.random() {
            return format!("(rows {})", self.prologue(shape));
        }
        let (outer, width) = shape.split_at(shape.len() - 1);
        let inner = self.random.random_range(1..=4);
        let rows = self.prologue(&[outer, &[inner]].concat());
        format!("(gemm {rows} {})", self.tensor(&[width[0], inner], true))
    }

    fn epilogue(&mut self, shape: &[i64]) -> String {
        let mut text = "result".to_string();
        for _ in 0..self.random.random_range(0..3) {
            text = match self.random.random_range(0..4) {
                0 => format!("(then_scale {text} {:?})", self.number()),
                1 => format!("(then_activate {text} {})", self.activation()),
                2 => {
                    let vector = self.tensor(&shape[shape.len() - 1..], true);
                    format!("(then_add_columns {text} {vector})")
                }
                _ => {
                    let vector = self.tensor(&shape[shape.len() - 1..], true);
                    format!("(then_multiply_columns {text} {vector})")
                }
            };
        }
        text
    }

    fn activation(&mut self) -> &'static str {
        let all = Activation::ALL;
        all[self.random.random_range(0..all.len())].name()
    }

    /// The term for one variable of [`Rule::example`].
    fn term(&mut self, typing: &str) -> String {
        let (kind, rest) = typing.split_once(' ').unwrap_or((typing, ""));
        match kind {
            "weight" => {
                let shape = self.shape(rest);
                self.tensor(&shape, true)
            }
            "operand" => {
                let shape = self.shape(rest);
                self.operand(&shape)
            }
            "prologue" => {
                let shape = self.shape(rest);
                self.prologue(&shape)
            }
            "product" => {
                let shape = self.shape(rest);
                self.product(&shape)
            }
            "epilogue" => {
                let shape = self.shape(rest);
                self.epilogue(&shape)
            }
            "operands" => {
                let shapes: Vec<_> = rest.split(" + ").map(|shape| self.shape(shape)).collect();
                shapes.iter().rev().fold("end".to_string(), |list, shape| {
                    format!("(list {} {list})", self.operand(shape))
                })
            }
            "rows" => {
                let sizes = self.shape(&rest.replace("below", ""));
                let data = (0..sizes[0]).map(|_| self.random.random_range(0..sizes[1]) as f32);
                let data = data.collect();
                self.indices(&sizes[..1], data)
            }
            "permutation" => {
                let count = self.size(rest);
                self.permutation(count)
            }
            "segments" => {
                let shape = self.shape(rest);
                self.segments(&shape)
            }
            "mask" if self.random.random() => "end".to_string(),
            "mask" => {
                let shape = self.shape(rest);
                format!("(list (read {}) end)", self.segments(&shape))
            }
            "number" => format!("{:?}", self.number()),
            "activation" => self.activation().to_string(),
            "dim" => self.size(rest).to_string(),
            "shape" => {
                let dims: Vec<String> = self.shape(rest).iter().map(i64::to_string).collect();
                format!("[{}]", dims.join(","))
            }
            word if word.parse::<Attribute>().is_ok()
                && !word.starts_with(|c: char| c.is_ascii_uppercase())
                && rest.is_empty() =>
            {
                word.to_string()
            }
            _ => {
                let shape = self.shape(typing);
                self.tensor(&shape, false)
            }
        }
    }

    fn types(&self) -> Types {
        let given = self.given.iter().enumerate().map(|(number, (ty, is_weight, _))| {
            let facts = LeafFacts { ty: ty.clone(), is_weight: *is_weight };
            (Leaf(number as u32), facts)
        });
        let assumptions = Assumption::ALL.into();
        Types { given: given.collect(), assumptions, ..Types::default() }
    }
}

/// Tensors as an algebra: to apply an operation is to compute it.
struct Evaluation<'a>(&'a Instance);

impl Algebra for Evaluation<'_> {
    type Tensor = HostTensor;

    fn given(&mut self, given: Leaf) -> Result<HostTensor, String> {
        Ok(self.0.given[given.0 as usize].2.clone())
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[HostTensor]) -> Result<HostTensor, String> {
        let op = op.into();
        let operands: Vec<&HostTensor> = operands.iter().collect();
        venc::evaluate(&op, &operands, &Bindings::new()).map_err(|error| error.to_string())
    }

    fn type_of(&self, tensor: &HostTensor) -> TensorType {
        TensorType::new(ElementType::F32, tensor.shape.iter().map(|dim| *dim as i64))
    }
}

fn evaluate(instance: &Instance, term: &RecExpr<Term>) -> Meaning<HostTensor> {
    let mut known: Vec<Meaning<HostTensor>> = vec![];
    for node in term.as_ref() {
        let child = |id: egg::Id| Ok(known[usize::from(id)].clone());
        let found = meaning(&mut Evaluation(instance), node, &Children(&child));
        known.push(found.unwrap_or_else(|error| panic!("{error} in {term}")));
    }
    known.pop().unwrap()
}

/// A pattern's text with terms for its variables.
fn instantiate(pattern: &str, terms: &BTreeMap<String, String>) -> RecExpr<Term> {
    let spaced = pattern.replace('(', " ( ").replace(')', " ) ");
    let words = spaced.split_whitespace().map(|word| match terms.get(word) {
        Some(term) => term.as_str(),
        None => word,
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.parse().unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Largest difference over the largest magnitude, at least one. Infinities, as of masked scores, must be the same.
fn difference(left: &HostTensor, right: &HostTensor) -> f64 {
    assert_eq!(left.shape, right.shape);
    let finite = left.data.iter().filter(|x| x.is_finite());
    let largest = finite.fold(1.0f64, |largest, x| largest.max(f64::from(x.abs())));
    let pairs = left.data.iter().zip(&right.data);
    // `max` would pass over a NaN.
    let apart = |(a, b): (&f32, &f32)| if a == b { 0.0 } else { f64::from((a - b).abs()) };
    let worst = pairs.map(apart).fold(0.0, |worst, difference| {
        if difference > worst || difference.is_nan() { difference } else { worst }
    });
    worst / largest
}

fn check(group: Group, rule: &'static Rule, seed: u64) {
    let mut instance = Instance::new(seed);
    let mut terms = BTreeMap::new();
    for typing in rule.example.split(',') {
        let (name, typing) = typing.split_once(':').unwrap_or_else(|| panic!("{typing}"));
        let term = instance.term(typing.trim());
        terms.insert(format!("?{}", name.trim()), term);
    }
    let left = instantiate(rule.left, &terms);
    let right = instantiate(&rule.expanded_right(), &terms);

    let compiled = Compiled::new(group, rule).unwrap();
    let mut egraph = EGraph::new(instance.types());
    let root = egraph.add_expr(&left);
    egraph.rebuild();
    let matches = compiled.left().search(&egraph);
    assert!(matches.iter().any(|found| found.eclass == egraph.find(root)), "{}", rule.name);
    let mut statistics = RuleStatistics::default();
    compiled.apply(&mut egraph, &matches, &mut statistics);
    egraph.rebuild();
    let conflict = egraph.analysis.conflict.borrow().clone();
    assert_eq!(conflict, None, "{}", rule.name);
    assert!(statistics.fired > 0, "{} does not fire on {left}: {statistics:?}", rule.name);
    let right_class = egraph.lookup_expr(&right);
    assert_eq!(right_class, Some(egraph.find(root)), "{}", rule.name);

    match (evaluate(&instance, &left), evaluate(&instance, &right)) {
        (Meaning::Tensor(left_value), Meaning::Tensor(right_value)) => {
            let difference = difference(&left_value, &right_value);
            assert!(
                difference <= TOLERANCE,
                "{}: {left} and {right} differ by {difference:e}",
                rule.name
            );
        }
        (left, right) => assert_eq!(left, right),
    }
}

#[test]
fn both_sides_of_every_rule_are_equal() {
    for (group, rule) in all() {
        for seed in 0..INSTANCES {
            check(group, rule, seed);
        }
    }
}

#[test]
fn a_rule_that_is_wrong_is_found() {
    const WRONG: Rule = Rule {
        name: "wrong",
        left: "(add (scale ?x ?f) ?y)",
        right: "(scale (add ?x ?y) ?f)",
        definitions: &[],
        conditions: &[],
        because: "It is not.",
        example: "x: I T K, y: I T K, f: number",
    };
    assert!(std::panic::catch_unwind(|| check(Group::Exploration, &WRONG, 1)).is_err());
}

#[test]
fn every_rule_has_a_name_and_a_reason_of_its_own() {
    let mut names: Vec<&str> = all().map(|(_, rule)| rule.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two rules have one name");
    for (_, rule) in all() {
        assert!(rule.because.ends_with('.'), "{}", rule.name);
    }
}
