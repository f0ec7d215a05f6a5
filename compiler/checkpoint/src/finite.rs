//! Weights that are no numbers, or will be none once they are rounded to the storage of the program.

use super::{WeightError, WeightSource};
use half::f16;
use ocellus_dialects::ElementType;
use ocellus_dialects::venc::{Module, Op, Weight};
use std::fmt;

/// A weight that is not finite as the program reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum NonFiniteWeight {
    /// The checkpoint says so.
    Stored {
        /// The tensor.
        name: String,
        /// Its first infinity or NaN.
        value: f32,
    },
    /// f16 has no such number.
    Rounded {
        /// The tensor.
        name: String,
        /// The number of the greatest magnitude.
        value: f32,
        /// How many become infinite.
        count: usize,
    },
    /// Computed from weights that are finite.
    Computed {
        /// What was computed.
        recipe: String,
        /// The first infinity or NaN, in the storage of the program.
        value: f32,
    },
}

/// What is wrong with the numbers of the tensor `name`, which a program reads as `element`.
pub fn non_finite(name: &str, data: &[f32], element: ElementType) -> Option<NonFiniteWeight> {
    if fits(data, element) {
        return None;
    }
    let name = name.to_string();
    if let Some(value) = data.iter().find(|x| !x.is_finite()) {
        return Some(NonFiniteWeight::Stored { name, value: *value });
    }
    let beyond = data.iter().copied().filter(|x| !f16::from_f32(*x).is_finite());
    let larger = |so_far: f32, x: f32| if x.abs() > so_far.abs() { x } else { so_far };
    let (count, value) = beyond.fold((0, 0.0), |(n, max), x| (n + 1, larger(max, x)));
    (count > 0).then_some(NonFiniteWeight::Rounded { name, value, count })
}

/// What is wrong with numbers that were computed from weights, none of which had anything wrong with it.
pub fn non_finite_result(
    recipe: impl fmt::Display,
    data: &[f32],
    element: ElementType,
) -> Option<NonFiniteWeight> {
    if fits(data, element) {
        return None;
    }
    let rounded = |x: f32| if element == ElementType::F16 { f16::from_f32(x).to_f32() } else { x };
    let value = data.iter().map(|x| rounded(*x)).find(|x| !x.is_finite())?;
    Some(NonFiniteWeight::Computed { recipe: recipe.to_string(), value })
}

/// Whether all numbers are surely finite in that storage. One pass without branches: every weight goes through it.
fn fits(data: &[f32], element: ElementType) -> bool {
    let max = match element {
        ElementType::F16 => f16::MAX.to_f32(),
        // What rounds to infinity is above half of the last step.
        ElementType::BF16 => half::bf16::MAX.to_f32(),
        ElementType::F32 | ElementType::I32 => f32::MAX,
    };
    data.iter().fold(true, |fits, x| fits & (x.abs() <= max))
}

/// The first weight that `module` reads and that is not finite, in the order in which it reads them.
pub fn first_non_finite_weight(
    module: &Module,
    weights: &dyn WeightSource,
) -> Result<Option<NonFiniteWeight>, WeightError> {
    let nodes = module.functions.iter().flat_map(|function| &function.nodes);
    for node in nodes {
        let Op::Weight(Weight { name }) = &node.op else { continue };
        let found = non_finite(name, &weights.tensor(name)?.data, node.ty.element);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

impl fmt::Display for NonFiniteWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NonFiniteWeight::Stored { name, value } => {
                write!(
                    f,
                    "the tensor `{name}` of the checkpoint holds {value}: download it again, or train it anew"
                )
            }
            NonFiniteWeight::Rounded { name, value, count } => write!(
                f,
                "{count} of the numbers of the tensor `{name}` are infinite in f16, which ends at {}; one is {value}: \
                 compile the model with `--dtype bf16` or `--dtype f32`",
                f16::MAX
            ),
            NonFiniteWeight::Computed { recipe, value } => write!(
                f,
                "the weight {recipe}, which is computed from weights that are finite, holds {value}: \
                 `--disable exploration` leaves that work to each call"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ElementType::{BF16, F16, F32};

    #[test]
    fn what_does_not_fit_its_storage_is_told_from_what_never_was_a_number() {
        let text = |data: &[f32], element| non_finite("w", data, element).map(|w| w.to_string());
        assert_eq!(text(&[1.0, -65504.0, 65519.0], F16), None);
        assert_eq!(text(&[1e6, f32::MAX], F32), None);
        assert_eq!(text(&[1e38], BF16), None);
        let rounded = text(&[1.0, 70000.0, -80000.0], F16).unwrap();
        assert!(rounded.starts_with("2 of the numbers of the tensor `w` are infinite in f16"));
        assert!(rounded.contains("one is -80000: compile the model with `--dtype bf16`"));
        for element in [F16, BF16, F32] {
            let stored = text(&[1.0, f32::NAN, 1e6], element).unwrap();
            assert!(stored.starts_with("the tensor `w` of the checkpoint holds NaN"), "{stored}");
        }
    }

    #[test]
    fn a_computed_weight_is_named_by_how_it_is_made() {
        assert_eq!(non_finite_result("multiply(a, b)", &[65504.0], F16), None);
        let found = non_finite_result("multiply(a, b)", &[1.0, 1e5], F16).unwrap().to_string();
        assert!(found.starts_with("the weight multiply(a, b), which is computed"), "{found}");
        assert!(found.contains("holds inf"), "{found}");
    }
}
