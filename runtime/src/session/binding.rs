//! Checks the inputs of a call, and reads the values of the symbols off their shapes.

use super::RunError;
use super::given::{Given, Held};
use ocellus_dialects::element_count;
use ocellus_dialects::plan::{EvaluationError, Expression, Plan, Port, SymbolEntry, SymbolSource};

/// The inputs in the plan's order, and the value of every symbol.
pub struct Call<'a> {
    pub inputs: Vec<Given<'a>>,
    pub symbols: Vec<i64>,
}

/// The dimension that gave a symbol its value.
#[derive(Clone, Copy)]
struct Binding {
    input: usize,
    axis: usize,
    value: i64,
}

/// Checks names, ranks, sizes and ranges, and binds the symbols.
pub fn bind<'a>(plan: &Plan, given: &[(&str, Given<'a>)]) -> Result<Call<'a>, RunError> {
    let inputs = order(plan, given)?;
    let mut bound: Vec<Option<Binding>> = vec![None; plan.symbols.len()];
    for (input, (port, tensor)) in plan.inputs.iter().zip(&inputs).enumerate() {
        check_elements(plan, port, tensor)?;
        for (axis, (dim, size)) in port.shape.iter().zip(tensor.shape).enumerate() {
            if let Some((index, symbol, range)) = free_symbol(plan, dim) {
                let value = as_integer(*size);
                let here = Binding { input, axis, value };
                match bound[index] {
                    Some(before) if before.value != value => {
                        return Err(conflict(plan, symbol, before, here));
                    }
                    _ => bound[index] = Some(here),
                }
                check_range(&port.name, symbol, range, here)?;
            }
        }
    }
    let symbols = evaluate_symbols(plan, &bound)?;
    check_other_dimensions(plan, &inputs, &symbols)?;
    Ok(Call { inputs, symbols })
}

/// The inputs in the plan's order; each given once, and none beside them.
fn order<'a>(plan: &Plan, given: &[(&str, Given<'a>)]) -> Result<Vec<Given<'a>>, RunError> {
    for (position, (name, _)) in given.iter().enumerate() {
        if !plan.inputs.iter().any(|port| port.name == *name) {
            let (name, expected) = (name.to_string(), describe_inputs(plan));
            return Err(RunError::UnexpectedInput { name, expected });
        }
        if given.iter().take(position).any(|(before, _)| before == name) {
            return Err(RunError::DuplicateInput(name.to_string()));
        }
    }
    plan.inputs
        .iter()
        .map(|port| {
            let found = given.iter().find(|(name, _)| *name == port.name);
            found.map(|(_, tensor)| *tensor).ok_or_else(|| RunError::MissingInput {
                name: port.name.clone(),
                expected: describe_inputs(plan),
            })
        })
        .collect()
}

fn check_elements(plan: &Plan, port: &Port, tensor: &Given) -> Result<(), RunError> {
    if tensor.shape.len() != port.shape.len() {
        return Err(RunError::Rank {
            input: port.name.clone(),
            found: tensor.shape.to_vec(),
            expected: describe_shape(plan, port),
        });
    }
    match tensor.elements {
        Held::Host(elements) if element_count(tensor.shape) != Some(elements.count()) => {
            Err(RunError::Elements {
                input: port.name.clone(),
                shape: tensor.shape.to_vec(),
                elements: elements.count(),
            })
        }
        // Of a tensor on the device the shape says how many elements there are.
        Held::Host(_) | Held::Device(_) => Ok(()),
    }
}

/// The free symbol that a dimension binds, if it does, with its least value, greatest value and step.
fn free_symbol<'p>(
    plan: &'p Plan,
    dim: &Expression,
) -> Option<(usize, &'p SymbolEntry, (i64, i64, i64))> {
    let Expression::Symbol(index) = dim else { return None };
    let symbol = plan.symbols.get(*index)?;
    match symbol.source {
        SymbolSource::Free { min, max, step } => Some((*index, symbol, (min, max, step))),
        SymbolSource::Defined(_) => None,
    }
}

fn conflict(plan: &Plan, symbol: &SymbolEntry, before: Binding, here: Binding) -> RunError {
    let name = |input: usize| plan.inputs.get(input).map_or("", |port| &port.name).to_string();
    RunError::Conflict {
        symbol: symbol.name.clone(),
        input: name(here.input),
        axis: here.axis,
        found: here.value,
        input_before: name(before.input),
        axis_before: before.axis,
        before: before.value,
    }
}

fn check_range(
    input: &str,
    symbol: &SymbolEntry,
    (min, max, step): (i64, i64, i64),
    Binding { axis, value, .. }: Binding,
) -> Result<(), RunError> {
    if min <= value && value <= max && value % step == 0 {
        return Ok(());
    }
    if value < 1 {
        // No range has such a size: `--range` refuses it.
        return Err(RunError::NoSize {
            symbol: symbol.name.clone(),
            value,
            input: input.to_string(),
            axis,
            min,
        });
    }
    let with_step = |before: &str, step: i64| match step {
        1 => String::new(),
        step => format!("{before}{step}"),
    };
    // A step that the value does not have cannot stay.
    let wider_step = if value % step == 0 { step } else { 1 };
    Err(RunError::OutOfRange {
        symbol: symbol.name.clone(),
        value,
        input: input.to_string(),
        axis,
        range: format!("{min}..={max}{}", with_step(" step ", step)),
        wider: format!(
            "{}={}..={}{}",
            symbol.name,
            min.min(value),
            max.max(value),
            // As `--range` has it.
            with_step("/", wider_step)
        ),
    })
}

fn evaluate_symbols(plan: &Plan, bound: &[Option<Binding>]) -> Result<Vec<i64>, RunError> {
    let mut values = Vec::with_capacity(plan.symbols.len());
    for (symbol, bound) in plan.symbols.iter().zip(bound) {
        let value = match (&symbol.source, bound) {
            (SymbolSource::Defined(expression), _) => expression
                .evaluate(&values)
                .map_err(|source| expression_error(plan, expression, &values, source))?,
            (SymbolSource::Free { .. }, Some(bound)) => bound.value,
            // Validation has seen that an input brings it.
            (SymbolSource::Free { .. }, None) => {
                return Err(RunError::NoPiece(format!("an unbound `{}`", symbol.name)));
            }
        };
        values.push(value);
    }
    Ok(values)
}

/// Checks the dimensions that are no free symbols: constants, and expressions.
fn check_other_dimensions(plan: &Plan, inputs: &[Given], symbols: &[i64]) -> Result<(), RunError> {
    for (port, tensor) in plan.inputs.iter().zip(inputs) {
        for (axis, (dim, size)) in port.shape.iter().zip(tensor.shape).enumerate() {
            let expected = dim
                .evaluate(symbols)
                .map_err(|source| expression_error(plan, dim, symbols, source))?;
            if as_integer(*size) != expected {
                let text = dim.describe(&plan.symbols);
                let expected = match dim {
                    Expression::Constant(_) => text,
                    _ => format!("{expected} = {text}"),
                };
                return Err(RunError::Dimension {
                    input: port.name.clone(),
                    axis,
                    found: as_integer(*size),
                    expected,
                    shape: describe_shape(plan, port),
                });
            }
        }
    }
    Ok(())
}

/// A tensor of no elements may claim any size; no range contains the largest one.
fn as_integer(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub fn expression_error(
    plan: &Plan,
    expression: &Expression,
    values: &[i64],
    source: EvaluationError,
) -> RunError {
    RunError::Expression {
        expression: expression.describe(&plan.symbols),
        symbols: describe_values(plan, values),
        source,
    }
}

/// `images = 2, height = 224`.
pub fn describe_values(plan: &Plan, values: &[i64]) -> String {
    let pairs = plan.symbols.iter().zip(values);
    let pairs: Vec<String> =
        pairs.map(|(symbol, value)| format!("{} = {value}", symbol.name)).collect();
    pairs.join(", ")
}

fn describe_inputs(plan: &Plan) -> String {
    let inputs = plan.inputs.iter();
    let inputs: Vec<String> =
        inputs.map(|port| format!("`{}` {}", port.name, describe_shape(plan, port))).collect();
    inputs.join(", ")
}

fn describe_shape(plan: &Plan, port: &Port) -> String {
    let dims: Vec<String> = port.shape.iter().map(|dim| dim.describe(&plan.symbols)).collect();
    format!("[{}]", dims.join(", "))
}
