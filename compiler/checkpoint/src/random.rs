//! [`RandomWeights`]: weights for a program that has none yet.

use super::{WeightError, WeightSource, check};
use ocellus_dialects::HostTensor;
use ocellus_dialects::venc::{Module, Source, ValueId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::f32::consts::TAU;

/// The standard deviation that `transformers` initializes with.
const DEVIATION: f32 = 0.02;

/// Normally distributed weights, the same ones for the same seed. What scales (the weight of a norm, a layer scale) is
/// close to 1 and everything else close to 0, so that activations stay of the order of 1 through any number of layers.
///
/// A tensor is made when it is asked for.
#[derive(Clone, Debug)]
pub struct RandomWeights {
    shapes: BTreeMap<String, Vec<usize>>,
    norm_weights: HashSet<String>,
    seed: u64,
}

impl RandomWeights {
    /// The weights that `module` reads.
    pub fn new(module: &Module, seed: u64) -> Self {
        RandomWeights { shapes: check::declared(module), norm_weights: norm_weights(module), seed }
    }

    /// The name and the dimensions of each tensor, sorted by name.
    pub fn shapes(&self) -> &BTreeMap<String, Vec<usize>> {
        &self.shapes
    }
}

impl WeightSource for RandomWeights {
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        let shape = self.shape(name)?;
        let mean = if self.norm_weights.contains(name) { 1.0 } else { 0.0 };
        // Seeded by name, so that a tensor does not depend on which others there are.
        let mut seed = [0; 32];
        seed.copy_from_slice(
            blake3::Hasher::new()
                .update(&self.seed.to_le_bytes())
                .update(name.as_bytes())
                .finalize()
                .as_bytes(),
        );
        let elements = shape.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim));
        let numbers = elements.and_then(HostTensor::room_for).ok_or_else(|| {
            let bytes = shape.iter().fold(4usize, |bytes, dim| bytes.saturating_mul(*dim));
            WeightError::OutOfMemory { name: name.to_string(), bytes }
        })?;
        let data = normal(SmallRng::from_seed(seed), numbers, elements.unwrap_or(0), mean);
        HostTensor::new(shape, data).ok_or_else(|| WeightError::Missing(name.to_string()))
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightError> {
        self.shapes.get(name).cloned().ok_or_else(|| WeightError::Missing(name.to_string()))
    }
}

/// Normal numbers in that room, two at a time (Box & Muller 1958).
fn normal(mut rng: SmallRng, mut numbers: Vec<f32>, count: usize, mean: f32) -> Vec<f32> {
    numbers.resize(count, mean);
    for pair in numbers.chunks_mut(2) {
        let radius = DEVIATION * (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
        let (sin, cos) = (TAU * rng.random::<f32>()).sin_cos();
        pair.iter_mut().zip([cos, sin]).for_each(|(number, unit)| *number += radius * unit);
    }
    numbers
}

/// The weights that something is multiplied by, element for element: the second operand of a norm or a product,
/// here or in a function that is called. Callees come before their callers.
fn norm_weights(module: &Module) -> HashSet<String> {
    let mut norm_weights_of: HashMap<&str, HashSet<ValueId>> = HashMap::new();
    let mut names = HashSet::new();
    for function in &module.functions {
        let mut norm_weights = HashSet::new();
        for node in &function.nodes {
            match node.op.source() {
                Source::Function(callee) => {
                    let inner = norm_weights_of.get(callee);
                    let is_norm_weight = |position: usize| {
                        inner.is_some_and(|inner| inner.contains(&ValueId(position as u32)))
                    };
                    let operands = node.operands.iter().enumerate();
                    norm_weights.extend(
                        operands.filter(|(i, _)| is_norm_weight(*i)).map(|(_, value)| *value),
                    );
                }
                Source::Checkpoint(_) | Source::Operands => {
                    let factor = node.op.operation().factor();
                    norm_weights.extend(factor.and_then(|at| node.operands.get(at).copied()));
                }
            }
        }
        for value in &norm_weights {
            let node = function.node_of(*value);
            if let Some(Source::Checkpoint(name)) = node.map(|node| node.op.source()) {
                names.insert(name.to_string());
            }
        }
        norm_weights_of.insert(&function.name, norm_weights);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder() -> Module {
        let norm_weight = "layers.1.layer_norm2.weight";
        let bias = "layers.0.layer_norm1.bias";
        let weight = "layers.1.mlp.fc1.weight";
        let text = format!(
            r#"
func.func @main(%x: tensor<9x64xf32> {{venc.name = "x"}}) -> tensor<9x256xf32> {{
  %norm_weight = "venc.weight"() {{name = "{norm_weight}"}} : () -> tensor<64xf32>
  %bias = "venc.weight"() {{name = "{bias}"}} : () -> tensor<64xf32>
  %weight = "venc.weight"() {{name = "{weight}"}} : () -> tensor<256x64xf32>
  %0 = "venc.layer_norm"(%x, %norm_weight, %bias) {{eps = 1.0e-6 : f64}} : (tensor<9x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<9x64xf32>
  %y = "venc.linear"(%0, %weight) : (tensor<9x64xf32>, tensor<256x64xf32>) -> tensor<9x256xf32>
  func.return %y : tensor<9x256xf32>
}}"#
        );
        Module::parse(&text).unwrap()
    }

    fn mean_and_deviation(tensor: &HostTensor) -> (f32, f32) {
        let count = tensor.data.len() as f32;
        let mean = tensor.data.iter().sum::<f32>() / count;
        let variance = tensor.data.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / count;
        (mean, variance.sqrt())
    }

    #[test]
    fn norm_weights_are_near_one_and_the_rest_near_zero() {
        let weights = RandomWeights::new(&encoder(), 7);
        for (name, expected) in [
            ("layers.1.layer_norm2.weight", 1.0),
            ("layers.0.layer_norm1.bias", 0.0),
            ("layers.1.mlp.fc1.weight", 0.0),
        ] {
            let tensor = weights.tensor(name).unwrap();
            let (mean, deviation) = mean_and_deviation(&tensor);
            // Five standard errors of the mean, and of the deviation.
            let error = 5.0 * DEVIATION / (tensor.data.len() as f32).sqrt();
            assert!((mean - expected).abs() < error, "{name}: {mean}");
            assert!((deviation - DEVIATION).abs() < error, "{name}: {deviation}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_numbers_again() {
        let numbers = |seed| RandomWeights::new(&encoder(), seed).tensor("layers.1.mlp.fc1.weight");
        assert_eq!(numbers(1).unwrap(), numbers(1).unwrap());
        assert_ne!(numbers(1).unwrap(), numbers(2).unwrap());
    }
}
