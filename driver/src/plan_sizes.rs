//! [`PlanSizes`]: the sizes that an artifact runs at, and inputs of those sizes.

use crate::diagnostic::Diagnostic;
use crate::inputs::Inputs;
use ocellus::FLOPS_ATTACHMENT;
use ocellus::dialects::plan::{Expression, Plan, Port, PortValues, SymbolSource};
use ocellus::dialects::symbolic::{Bindings, Dim, Symbol};
use ocellus::runtime::{Artifact, HostTensor};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The most elements of an input that a benchmark makes by itself: some 20 images of 224 by 224.
const MAX_ELEMENTS: i64 = 3 << 20;

/// Sizes that a range can have.
const SIZES: RangeInclusive<i64> = 1..=i32::MAX as i64;

/// `--size images=8,height=224`: values by symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeArgument(pub BTreeMap<String, i64>);

impl FromStr for SizeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (symbol, value) = pair.split_once('=')?;
            Some((
                symbol.trim().to_string(),
                value.trim().parse().ok().filter(|value| SIZES.contains(value))?,
            ))
        };
        let pairs: Option<_> = text.split(',').map(pair).collect();
        pairs.map(SizeArgument).ok_or_else(|| {
            let max = SIZES.end();
            format!("`{text}` is no size: write `images=8,height=224`, each in 1..={max}")
        })
    }
}

/// The sizes that an artifact runs at.
pub struct PlanSizes<'a> {
    plan: &'a Plan,
    flops: Option<Dim>,
}

impl<'a> PlanSizes<'a> {
    /// Those of an artifact.
    pub fn of(artifact: &'a Artifact) -> Self {
        let flops = artifact.attachment(FLOPS_ATTACHMENT).and_then(|text| text.parse().ok());
        PlanSizes { plan: artifact.plan(), flops }
    }

    /// Sizes from one end of the range to the other, as far as inputs stay small: one to eight images, and every other
    /// symbol at its least, middle and greatest value.
    pub fn over_the_range(&self) -> Vec<BTreeMap<String, i64>> {
        let mut sizes: Vec<BTreeMap<String, i64>> = vec![];
        for (numerator, denominator) in [(0, 1), (1, 2), (1, 1)] {
            for images in [1, 2, 4, 8] {
                let size: BTreeMap<String, i64> = self
                    .free()
                    .map(|(name, min, max, step)| {
                        let value = match name {
                            "images" => images.clamp(min, max),
                            _ => min + (max - min) / denominator * numerator,
                        };
                        (name.to_string(), value - value % step)
                    })
                    .collect();
                let affordable =
                    self.elements(&size).is_some_and(|elements| elements <= MAX_ELEMENTS);
                if !sizes.contains(&size) && (affordable || sizes.is_empty()) {
                    sizes.push(size);
                }
            }
        }
        sizes
    }

    fn free(&self) -> impl Iterator<Item = (&'a str, i64, i64, i64)> {
        self.plan.symbols.iter().filter_map(|symbol| match symbol.source {
            SymbolSource::Free { min, max, step } => Some((symbol.name.as_str(), min, max, step)),
            SymbolSource::Defined(_) => None,
        })
    }

    /// Every symbol's value; a free symbol that is not named has its least.
    fn bind(&self, size: &BTreeMap<String, i64>) -> Option<Vec<i64>> {
        let mut values = vec![];
        for symbol in &self.plan.symbols {
            let value = match &symbol.source {
                SymbolSource::Free { min, .. } => *size.get(&symbol.name).unwrap_or(min),
                SymbolSource::Defined(expression) => expression.evaluate(&values).ok()?,
            };
            values.push(value);
        }
        Some(values)
    }

    fn elements(&self, size: &BTreeMap<String, i64>) -> Option<i64> {
        let values = self.bind(size)?;
        let dims = self.plan.inputs.iter().map(|port| {
            port.shape
                .iter()
                .try_fold(1i64, |product, dim| product.checked_mul(dim.evaluate(&values).ok()?))
        });
        dims.sum()
    }

    /// Inputs of that size. Their numbers lie between -1 and 1 and are the same in every run.
    pub fn inputs(&self, size: &BTreeMap<String, i64>) -> Result<Inputs, Diagnostic> {
        if let Some(unknown) =
            size.keys().find(|name| !self.free().any(|(free, ..)| free == **name))
        {
            let known: Vec<&str> = self.free().map(|(name, ..)| name).collect();
            return Err(Diagnostic::usage(format!(
                "there is no symbol `{unknown}` to give a value to"
            ))
            .help(format!("the symbols are {}", known.join(", "))));
        }
        let values = self.bind(size);
        let tensor = |port: &Port| {
            let dims = port.shape.iter().map(|dim| {
                let dim = dim.evaluate(values.as_deref()?).ok()?;
                usize::try_from(dim).ok()
            });
            let shape: Vec<usize> = dims.collect::<Option<_>>()?;
            let elements = shape.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim))?;
            let mut data = HostTensor::room_for(elements)?;
            let element = |position| match (&port.values, values.as_deref()) {
                (PortValues::Indices { below, .. }, Some(values)) => {
                    row_number(position, below, values)
                }
                _ => pseudorandom(position),
            };
            data.extend((0..elements).map(element));
            HostTensor::new(shape, data)
        };
        let tensors = self.plan.inputs.iter().map(|port| {
            let tensor = tensor(port).ok_or_else(|| {
                let sizes: Vec<String> =
                    size.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let dims = port.shape.iter().map(|dim| dim.evaluate(values.as_deref()?).ok());
                let bytes = dims.map(|dim| dim.unwrap_or(i64::MAX).max(0) as u64);
                let bytes = bytes.fold(4, u64::saturating_mul);
                Diagnostic::new(format!(
                    "the input `{}` does not fit in memory: {bytes} bytes are needed",
                    port.name
                ))
                .within(format!("the size {}", sizes.join(",")))
                .help("give a smaller size")
            })?;
            Ok((port.name.clone(), tensor))
        });
        tensors.collect()
    }

    /// The values that inputs bring to the symbols.
    pub fn of_inputs(&self, inputs: &Inputs) -> Bindings {
        let mut size = BTreeMap::new();
        for port in &self.plan.inputs {
            let shape = inputs.get(&port.name).map_or(&[][..], |tensor| &tensor.shape);
            for (dim, value) in port.shape.iter().zip(shape) {
                if let Expression::Symbol(symbol) = dim
                    && let (Some(symbol), Ok(value)) =
                        (self.plan.symbols.get(*symbol), i64::try_from(*value))
                {
                    size.insert(symbol.name.clone(), value);
                }
            }
        }
        let values = self.bind(&size).unwrap_or_default();
        let names = self.plan.symbols.iter().map(|symbol| Symbol::new(&symbol.name));
        names.zip(values).collect()
    }

    /// The free symbols' values, for people.
    pub fn describe(&self, bindings: &Bindings) -> String {
        let free = self
            .free()
            .filter_map(|(name, ..)| Some(format!("{name}={}", bindings.get(&Symbol::new(name))?)));
        let text = free.collect::<Vec<_>>().join(",");
        if text.is_empty() { "the one size".to_string() } else { text }
    }

    /// The value of a symbol; `None` where there is none of that name.
    pub fn value(&self, bindings: &Bindings, name: &str) -> Option<i64> {
        bindings.get(&Symbol::new(name)).copied()
    }

    /// Floating-point operations of one run, where the artifact says.
    pub fn flops(&self, bindings: &Bindings) -> Option<i64> {
        self.flops.as_ref()?.evaluate(bindings)
    }
}

/// Each row in its order, which is a permutation too; again from the first where there are fewer rows than indices.
fn row_number(position: usize, below: &[Expression], values: &[i64]) -> f32 {
    let rows = below.iter().filter_map(|rows| rows.evaluate(values).ok()).min();
    let rows = rows.and_then(|rows| usize::try_from(rows).ok()).filter(|rows| *rows > 0);
    rows.map_or(position, |rows| position % rows) as f32
}

/// A number between -1 and 1 (splitmix64 of the position).
fn pseudorandom(position: usize) -> f32 {
    let mut z = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}
