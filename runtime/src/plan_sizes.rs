//! [`PlanSizes`]: the sizes that a plan runs at, and inputs of those sizes for who measures it.

use crate::session::Dispatch;
use crate::size::Size;
use ocellus_dialects::HostTensor;
use ocellus_dialects::plan::{Expression, Plan, Port, PortValues, SymbolSource};
use ocellus_dialects::symbolic::{Bindings, Symbol};
use std::collections::BTreeMap;

/// The most elements of inputs of a size that nobody asked for: some 20 images of 224 by 224.
const MAX_ELEMENTS: i64 = 3 << 20;

/// The most combinations of values that are looked at.
const MAX_GRID: usize = 10_000;

/// A size that there are no inputs of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It gives a value to what is no symbol.
    #[error("there is no symbol `{symbol}` to give a value to: the symbols are {known}")]
    UnknownSymbol {
        /// What it gives a value to.
        symbol: String,
        /// The free symbols.
        known: String,
    },
    /// It is too large.
    #[error(
        "the input `{input}` does not fit in memory at {size}: {bytes} bytes are needed; give a smaller size"
    )]
    OutOfMemory {
        /// Which input.
        input: String,
        /// The size.
        size: Size,
        /// How many bytes it has.
        bytes: u64,
    },
}

/// Tensors by the names of the plan's inputs.
type Inputs = BTreeMap<String, HostTensor>;

/// The sizes that a plan runs at.
pub struct PlanSizes<'a> {
    plan: &'a Plan,
}

impl<'a> PlanSizes<'a> {
    /// Those of a plan.
    pub fn of(plan: &'a Plan) -> Self {
        PlanSizes { plan }
    }

    /// Sizes from one end of the range to the other, as far as inputs stay small: one to eight images, and every other
    /// symbol at its least, middle and greatest value.
    pub fn over_the_range(&self) -> Vec<Size> {
        let mut sizes: Vec<Size> = vec![];
        for (numerator, denominator) in [(0, 1), (1, 2), (1, 1)] {
            for images in [1, 2, 4, 8] {
                let values = self.free().map(|(name, min, max, step)| {
                    let value = match name {
                        "images" => images.clamp(min, max),
                        _ => min + (max - min) / denominator * numerator,
                    };
                    (name.to_string(), value - value % step)
                });
                let size = Size(values.collect());
                let affordable =
                    self.elements(&size).is_some_and(|elements| elements <= MAX_ELEMENTS);
                if !sizes.contains(&size) && (affordable || sizes.is_empty()) {
                    sizes.push(size);
                }
            }
        }
        sizes
    }

    /// For each program a small, a middle and a large size at which it runs, as far as inputs stay small.
    pub fn of_each_program(&self) -> Vec<Size> {
        let dispatch = Dispatch::new(self.plan);
        let mut of_programs: BTreeMap<usize, Vec<(i64, Size)>> = BTreeMap::new();
        for size in self.grid() {
            let values = self.bind(&size);
            let program = values.and_then(|values| dispatch.program_at(&values));
            if let (Some(program), Some(elements)) = (program, self.elements(&size)) {
                of_programs.entry(program).or_default().push((elements, size));
            }
        }
        let mut chosen = vec![];
        for mut sizes in of_programs.into_values() {
            sizes.sort();
            let affordable = sizes.partition_point(|(elements, _)| *elements <= MAX_ELEMENTS);
            sizes.truncate(affordable.max(1));
            let mut positions = vec![0, sizes.len() / 2, sizes.len() - 1];
            positions.dedup();
            chosen.extend(positions.into_iter().map(|position| sizes[position].1.clone()));
        }
        chosen
    }

    /// Combinations of values of the free symbols, each a doubling apart.
    fn grid(&self) -> Vec<Size> {
        let mut sizes = vec![Size::default()];
        for (name, min, max, step) in self.free() {
            let doubled = |value: &i64| value.checked_mul(2).filter(|doubled| *doubled < max);
            // From the least multiple of the step up: nothing doubles from zero.
            let doublings = std::iter::successors(Some(min.max(step)), doubled);
            let mut values: Vec<i64> = [min].into_iter().chain(doublings).chain([max]).collect();
            values.dedup();
            let with = |size: &Size, value: i64| {
                let mut size = size.clone();
                size.0.insert(name.to_string(), value);
                size
            };
            sizes = sizes
                .iter()
                .flat_map(|size| values.iter().map(move |value| with(size, *value)))
                .take(MAX_GRID)
                .collect();
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
    fn bind(&self, size: &Size) -> Option<Vec<i64>> {
        let mut values = vec![];
        for symbol in &self.plan.symbols {
            let value = match &symbol.source {
                SymbolSource::Free { min, .. } => *size.0.get(&symbol.name).unwrap_or(min),
                SymbolSource::Defined(expression) => expression.evaluate(&values).ok()?,
            };
            values.push(value);
        }
        Some(values)
    }

    fn elements(&self, size: &Size) -> Option<i64> {
        let values = self.bind(size)?;
        self.plan.inputs.iter().try_fold(0i64, |sum, port| {
            let mut dims = port.shape.iter();
            let elements = dims
                .try_fold(1i64, |product, dim| product.checked_mul(dim.evaluate(&values).ok()?))?;
            sum.checked_add(elements)
        })
    }

    /// Inputs of that size. Their numbers lie between -1 and 1 and are the same in every run.
    ///
    /// # Errors
    /// Where it names what is no symbol, or inputs would not fit into memory.
    pub fn inputs(&self, size: &Size) -> Result<Inputs, SizeError> {
        let is_free = |name: &str| self.free().any(|(free, ..)| free == name);
        if let Some(unknown) = size.0.keys().find(|name| !is_free(name)) {
            let known: Vec<&str> = self.free().map(|(name, ..)| name).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            return Err(SizeError::UnknownSymbol { symbol: unknown.clone(), known });
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
                let dims = port.shape.iter().map(|dim| dim.evaluate(values.as_deref()?).ok());
                let bytes = dims.map(|dim| dim.unwrap_or(i64::MAX).max(0) as u64);
                SizeError::OutOfMemory {
                    input: port.name.clone(),
                    size: size.clone(),
                    bytes: bytes.fold(4, u64::saturating_mul),
                }
            })?;
            Ok((port.name.clone(), tensor))
        });
        tensors.collect()
    }

    /// The values that inputs bring to the symbols.
    pub fn of_inputs(&self, inputs: &Inputs) -> Bindings {
        let mut size = Size::default();
        for port in &self.plan.inputs {
            let shape = inputs.get(&port.name).map_or(&[][..], |tensor| &tensor.shape);
            for (dim, value) in port.shape.iter().zip(shape) {
                if let Expression::Symbol(symbol) = dim
                    && let (Some(symbol), Ok(value)) =
                        (self.plan.symbols.get(*symbol), i64::try_from(*value))
                {
                    size.0.insert(symbol.name.clone(), value);
                }
            }
        }
        let values = self.bind(&size).unwrap_or_default();
        let names = self.plan.symbols.iter().map(|symbol| Symbol::new(&symbol.name));
        names.zip(values).collect()
    }

    /// The free symbols' values.
    pub fn size(&self, bindings: &Bindings) -> Size {
        let free = self.free();
        let pair = |name: &str| Some((name.to_string(), *bindings.get(&Symbol::new(name))?));
        Size(free.filter_map(|(name, ..)| pair(name)).collect())
    }

    /// The value of a symbol; `None` where there is none of that name.
    pub fn value(&self, bindings: &Bindings, name: &str) -> Option<i64> {
        bindings.get(&Symbol::new(name)).copied()
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

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::plan::{Piece, Program, SymbolEntry};

    /// Two inputs of so many elements as a range allows.
    fn two_inputs(max: i64) -> Plan {
        let port = |name: &str| Port {
            name: name.into(),
            shape: vec![Expression::Symbol(0)],
            values: PortValues::Numbers,
        };
        Plan {
            symbols: vec![SymbolEntry {
                name: "rows".into(),
                source: SymbolSource::Free { min: 1, max, step: 1 },
            }],
            inputs: vec![port("a"), port("b")],
            outputs: vec![],
            weights: vec![],
            kernels: vec![],
            programs: vec![Program { buffers: vec![], launches: vec![] }],
            pieces: vec![Piece { ranges: vec![], program: 0 }],
        }
    }

    #[test]
    fn sizes_whose_elements_are_more_than_can_be_counted_are_left_out() {
        let plan = two_inputs(i64::MAX);
        let sizes = PlanSizes::of(&plan);
        assert_eq!(sizes.over_the_range(), ["rows=1".parse().unwrap()]);
        assert_eq!(sizes.of_each_program()[0].to_string(), "rows=1");
    }
}
