//! Answers that are no numbers, and where they begin.
//!
//! [`Session::run`] neither looks nor speaks. Whoever wants to know asks [`Session::find_non_finite`] behind the call: it
//! scans the outputs, and only where one of them holds an infinity or a NaN it runs the model once more and looks at each
//! labeled value in the order of the launches.

use crate::session::{Outputs, RunError, Session};
use ocellus_dialects::plan::Plan;
use ocellus_dialects::{AnyTensor, ElementType, HostTensor};
use std::fmt;

/// The greatest number that f16 holds.
const MAX_F16: f32 = 65504.0;

/// An output that holds an infinity or a NaN, and what is known of its cause.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// The first such output.
    pub output: String,
    /// How many of its elements are not finite, of how many.
    pub elements: (usize, usize),
    /// Where it begins.
    pub origin: Origin,
}

/// Where values that are not finite begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// An input holds one: the model is not at fault.
    Input {
        /// The input.
        name: String,
        /// The index of its first such element.
        index: Vec<usize>,
        /// The element.
        value: f32,
    },
    /// A weight holds one.
    Weight(String),
    /// All before it is finite, as far as values have labels.
    Value {
        /// The label of the first value that is not finite, or the name of the output itself.
        label: String,
        /// Its first element that is not finite.
        value: f32,
        /// The narrowest storage of values in the program.
        storage: ElementType,
    },
}

/// The first element of a tensor that is an infinity or a NaN, by its position.
pub fn first_non_finite(data: &[f32]) -> Option<usize> {
    data.iter().position(|x| !x.is_finite())
}

impl NonFinite {
    /// What there is to say of outputs and the inputs that they come from: nothing where the outputs are finite; the
    /// cause where an input is not; and otherwise what `find` finds.
    pub fn of<'a, T: AnyTensor + ?Sized + 'a, E>(
        outputs: &[(String, HostTensor)],
        inputs: impl IntoIterator<Item = (&'a str, &'a T)>,
        find: impl FnOnce() -> Result<Origin, E>,
    ) -> Result<Option<Self>, E> {
        let bad = outputs.iter().find(|(_, tensor)| first_non_finite(&tensor.data).is_some());
        let Some((output, tensor)) = bad else { return Ok(None) };
        let bad_elements = tensor.data.iter().filter(|x| !x.is_finite()).count();
        let origin = match inputs.into_iter().find_map(|(name, tensor)| bad_input(name, tensor)) {
            Some(origin) => origin,
            None => find()?,
        };
        let elements = (bad_elements, tensor.data.len());
        Ok(Some(NonFinite { output: output.clone(), elements, origin }))
    }
}

fn bad_input<T: AnyTensor + ?Sized>(name: &str, tensor: &T) -> Option<Origin> {
    let (position, value) = tensor.elements().first_non_finite()?;
    let mut rest = position;
    let mut index: Vec<usize> = tensor
        .shape()
        .iter()
        .rev()
        .map(|dim| {
            let place = rest % dim.max(&1);
            rest /= dim.max(&1);
            place
        })
        .collect();
    index.reverse();
    Some(Origin::Input { name: name.to_string(), index, value })
}

impl Session {
    /// Where the `outputs` of a call with these `inputs` stopped being numbers; `None` where all of them are finite,
    /// which costs no more than to read them. Otherwise the model runs once more.
    pub fn find_non_finite<T: AnyTensor + ?Sized>(
        &self,
        inputs: &[(&str, &T)],
        outputs: &Outputs,
    ) -> Result<Option<NonFinite>, RunError> {
        let plan = self.plan();
        let numbers = inputs.iter().copied().filter(|(name, _)| !plan.holds_indices(name));
        NonFinite::of(outputs, numbers, || {
            let mut first = None;
            let mut observe = |label: &str, tensor: HostTensor| {
                if first.is_none()
                    && let Some(position) = first_non_finite(&tensor.data)
                {
                    first = Some((label.to_string(), tensor.data[position]));
                }
            };
            let again = self.run_observed(inputs, &mut observe)?;
            let output = || {
                again.iter().find_map(|(name, tensor)| {
                    let position = first_non_finite(&tensor.data)?;
                    Some((name.clone(), tensor.data[position]))
                })
            };
            let (label, value) = first.or_else(output).unwrap_or((String::new(), f32::NAN));
            Ok(Origin::Value { label, value, storage: storage(plan) })
        })
    }
}

/// The narrowest storage of a labeled value; that with the least range where two are as narrow.
fn storage(plan: &Plan) -> ElementType {
    let launches = plan.programs.iter().flat_map(|program| &program.launches);
    let elements = launches.filter_map(|launch| Some(launch.result.as_ref()?.element));
    let range = |element: &ElementType| match element {
        ElementType::F16 => 0,
        ElementType::BF16 => 1,
        ElementType::F32 | ElementType::I32 => 2,
    };
    elements.min_by_key(range).unwrap_or(ElementType::F32)
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bad, all) = self.elements;
        write!(
            f,
            "{bad} of the {all} numbers of the output `{}` are infinite or NaN",
            self.output
        )?;
        match &self.origin {
            Origin::Input { name, index, value } => {
                write!(f, ", and so is the input `{name}`: its element {index:?} is {value}")
            }
            Origin::Weight(weight) => write!(f, ": {weight}"),
            Origin::Value { label, value, storage } => {
                write!(
                    f,
                    ", and all inputs are finite. The first value that is not is `{label}`, which holds {value}: "
                )?;
                match storage {
                    ElementType::F16 => write!(
                        f,
                        "f16 ends at {MAX_F16}, so compile the model with `--dtype bf16` or `--dtype f32`"
                    ),
                    ElementType::BF16 | ElementType::F32 | ElementType::I32 => f.write_str(
                        "look for the cause in the weights that it is computed from (compiling the model names those \
                         that are not finite) and in the size of the inputs",
                    ),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn tensor(shape: &[usize], data: &[f32]) -> HostTensor {
        HostTensor::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    fn found(output: &[f32], input: &HostTensor, storage: ElementType) -> Option<String> {
        let outputs = [("features".to_string(), tensor(&[output.len()], output))];
        let find = || {
            let (label, value) = ("layers.3.mlp".to_string(), f32::INFINITY);
            Ok::<_, Infallible>(Origin::Value { label, value, storage })
        };
        let found = NonFinite::of(&outputs, [("pixel_values", input)], find).unwrap();
        found.map(|found| found.to_string())
    }

    #[test]
    fn finite_outputs_are_not_looked_into() {
        let input = tensor(&[1], &[f32::NAN]);
        assert_eq!(found(&[1.0, f32::MAX, -0.0], &input, ElementType::F16), None);
    }

    #[test]
    fn the_cause_and_what_to_do_are_said() {
        let input = tensor(&[2, 3], &[1.0; 6]);
        let output = [1.0, f32::NAN, f32::NEG_INFINITY, 2.0];
        let text = found(&output, &input, ElementType::F16).unwrap();
        assert_eq!(
            text,
            "2 of the 4 numbers of the output `features` are infinite or NaN, and all inputs are finite. The first \
             value that is not is `layers.3.mlp`, which holds inf: f16 ends at 65504, so compile the model with \
             `--dtype bf16` or `--dtype f32`"
        );
        let text = found(&output, &input, ElementType::F32).unwrap();
        assert!(text.contains("holds inf: look for the cause in the weights"), "{text}");
        let input = tensor(&[2, 3], &[1.0, 1.0, 1.0, 1.0, 1.0, f32::NAN]);
        let text = found(&output, &input, ElementType::F16).unwrap();
        assert!(
            text.ends_with("and so is the input `pixel_values`: its element [1, 2] is NaN"),
            "{text}"
        );
    }
}
