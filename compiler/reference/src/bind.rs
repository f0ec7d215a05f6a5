//! Checks the inputs of a call against the entry function and binds the symbols by their shapes.

use super::ReferenceError;
use ocellus_dialects::symbolic::{Bindings, Definition, Dim, SymbolError, Symbols};
use ocellus_dialects::venc::{Argument, EvaluationError, Function};
use ocellus_dialects::{HostTensor, element_count};
use std::collections::BTreeMap;

/// A dimension of an input: what is declared and what was given.
#[derive(Clone)]
struct InputDim<'a> {
    input: &'a str,
    position: usize,
    declared: &'a Dim,
    given: i64,
}

/// The size of every symbol in a call with these inputs: a dimension that is a single symbol binds it, and every
/// other dimension must then have the size that its expression gives.
pub fn bind_inputs(
    symbols: &Symbols,
    entry: &Function,
    inputs: &BTreeMap<String, HostTensor>,
) -> Result<Bindings, ReferenceError> {
    refuse_unknown(entry, inputs)?;
    let dims = entry
        .arguments
        .iter()
        .map(|argument| input_dims(argument, inputs))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let free = bind_free(symbols, &dims)?;
    let bindings = symbols.bind(&free).map_err(|error| match error {
        SymbolError::Unbound(symbol) => ReferenceError::Unbound(symbol),
        error => located(&dims, error),
    })?;
    dims.iter().try_for_each(|dim| check_size(dim, &bindings))?;
    Ok(bindings)
}

fn refuse_unknown(
    entry: &Function,
    inputs: &BTreeMap<String, HostTensor>,
) -> Result<(), ReferenceError> {
    let known: Vec<&str> = entry.arguments.iter().map(|a| a.name.as_str()).collect();
    match inputs.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(ReferenceError::UnknownInput { name: name.clone(), known: known.join(", ") })
        }
    }
}

fn input_dims<'a>(
    argument: &'a Argument,
    inputs: &BTreeMap<String, HostTensor>,
) -> Result<Vec<InputDim<'a>>, ReferenceError> {
    let name = argument.name.as_str();
    let declared = &argument.ty.shape;
    let input = inputs.get(name).ok_or_else(|| ReferenceError::MissingInput {
        name: name.to_string(),
        dims: list(declared),
    })?;
    if input.shape.len() != declared.len() {
        return Err(ReferenceError::Rank {
            name: name.to_string(),
            given: input.shape.clone(),
            rank: declared.len(),
            dims: list(declared),
        });
    }
    if element_count(&input.shape) != Some(input.data.len()) {
        return Err(ReferenceError::ElementCount {
            name: name.to_string(),
            elements: input.data.len(),
            shape: input.shape.clone(),
        });
    }
    let dims = input.shape.iter().zip(declared).enumerate();
    Ok(dims
        .map(|(position, (given, declared))| InputDim {
            input: name,
            position,
            declared,
            given: i64::try_from(*given).unwrap_or(i64::MAX),
        })
        .collect())
}

fn bind_free(symbols: &Symbols, dims: &[InputDim]) -> Result<Bindings, ReferenceError> {
    let mut free = Bindings::new();
    for dim in dims {
        let Some(symbol) = dim.declared.as_symbol() else { continue };
        if !matches!(symbols.definition(symbol), Some(Definition::Free(_))) {
            continue;
        }
        let expected = *free.entry(symbol.clone()).or_insert(dim.given);
        if expected != dim.given {
            let first = dims.iter().find(|first| first.declared == dim.declared);
            return Err(ReferenceError::Size {
                name: dim.input.to_string(),
                dim: dim.position,
                given: dim.given,
                declared: dim.declared.to_string(),
                expected,
                first: first.map(|first| (first.input.to_string(), first.position)),
            });
        }
    }
    Ok(free)
}

/// A symbol's error, with the input and the dimension that brought the symbol.
fn located(dims: &[InputDim], error: SymbolError) -> ReferenceError {
    let symbol = match &error {
        SymbolError::OutOfRange { symbol, .. }
        | SymbolError::Unbound(symbol)
        | SymbolError::NotFree { symbol, .. }
        | SymbolError::Redeclared(symbol)
        | SymbolError::BadName(symbol)
        | SymbolError::BadDefinition(symbol)
        | SymbolError::EmptyRange(symbol, _) => Dim::symbol(symbol),
    };
    let (name, dim) = dims
        .iter()
        .find(|dim| *dim.declared == symbol)
        .map(|dim| (dim.input.to_string(), dim.position))
        .unwrap_or_default();
    ReferenceError::OutOfRange { name, dim, source: error }
}

fn check_size(dim: &InputDim, bindings: &Bindings) -> Result<(), ReferenceError> {
    match dim.declared.evaluate(bindings) {
        Some(expected) if expected == dim.given => Ok(()),
        Some(expected) => Err(ReferenceError::Size {
            name: dim.input.to_string(),
            dim: dim.position,
            given: dim.given,
            declared: dim.declared.to_string(),
            expected,
            first: None,
        }),
        None => Err(EvaluationError::EmptyDim {
            op: "input",
            dim: dim.declared.to_string(),
            size: "unknown".into(),
        }
        .into()),
    }
}

fn list(dims: &[Dim]) -> String {
    let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
    format!("[{}]", dims.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::symbolic::{Symbol, SymbolRange};
    use ocellus_dialects::venc::{FunctionBuilder, Role};
    use ocellus_dialects::{ElementType, TensorType};

    /// `pixels[images, 3, height, 32]` and `mask[images, 2 * rows]`, where rows is `height floordiv 16`.
    fn bind(inputs: &[(&str, &[usize])]) -> Result<Bindings, String> {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 4)).unwrap();
        let range = SymbolRange { min: 16, max: 64, step: 8 };
        let height = symbols.declare("height", range).unwrap();
        let rows = symbols.declare_floor_div("rows", height.clone(), 16).unwrap();
        let mut main = FunctionBuilder::new("main");
        let mut argument = |name, shape: Vec<Dim>| {
            main.argument(name, TensorType::new(ElementType::F32, shape), Role::Activation)
        };
        argument("pixels", vec![images.clone(), 3.into(), height, 32.into()]);
        argument("mask", vec![images, Dim::from(2) * rows]);
        let tensor = |shape: &[usize]| HostTensor {
            shape: shape.to_vec(),
            data: vec![0.0; shape.iter().product()],
        };
        let inputs = inputs.iter().map(|(name, shape)| (name.to_string(), tensor(shape))).collect();
        bind_inputs(&symbols, &main.finish(), &inputs).map_err(|error| error.to_string())
    }

    #[test]
    fn shapes_bind_symbols() {
        let bindings = bind(&[("pixels", &[2, 3, 40, 32]), ("mask", &[2, 4])]).unwrap();
        let expected = [("images", 2), ("height", 40), ("rows", 2)];
        assert_eq!(bindings, expected.map(|(name, size)| (Symbol::new(name), size)).into());
    }

    #[test]
    fn errors_name_the_input_the_dim_and_the_symbol() {
        let pixels: (&str, &[usize]) = ("pixels", &[2, 3, 40, 32]);
        for (inputs, message) in [
            (
                vec![pixels],
                "the input `mask` is missing: give a tensor of the dims [images, 2*rows]",
            ),
            (
                vec![pixels, ("mask", &[2, 4]), ("ids", &[1])],
                "the model has no input `ids`; its inputs are: pixels, mask",
            ),
            (
                vec![pixels, ("mask", &[2])],
                "the input `mask` has the dims [2], and must have 2 of them: [images, 2*rows]",
            ),
            (
                vec![pixels, ("mask", &[3, 4])],
                "the input `mask` has 3 as dim 0, where `images` is 2 (by dim 0 of the input `pixels`)",
            ),
            (
                vec![pixels, ("mask", &[2, 5])],
                "the input `mask` has 5 as dim 1, where `2*rows` is 4",
            ),
            (
                vec![("pixels", &[2, 3, 80, 32]), ("mask", &[2, 4])],
                "the input `pixels`, dim 2: height = 80 lies outside the declared range 16..=64 step 8",
            ),
            (
                vec![("pixels", &[0, 3, 40, 32]), ("mask", &[0, 4])],
                "the input `pixels`, dim 0: images = 0 lies outside the declared range 1..=4",
            ),
        ] {
            assert_eq!(bind(&inputs).unwrap_err(), message);
        }
    }
}
