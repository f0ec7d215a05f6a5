//! Replaces each call by the steps of its callee: the host program is flat.
//!
//! Before:
//! ```text
//! @encode: %7 = call @layer(%3, %w0, %w1)     @layer(%x, %a, %b): %3 = launch gemm(%x, %a, %b)
//!          %8 = call @layer(%7, %w2, %w3)
//! ```
//! After:
//! ```text
//! @encode: %7 = launch gemm(%3, %w0, %w1)
//!          %8 = launch gemm(%7, %w2, %w3)
//! ```
//! Both launches are the same kernel: its code is emitted once, whatever the number of layers.

use super::PassError;
use ocellus_dialects::kernel::{Function, Module, Step, Value, ValueKind};
use ocellus_dialects::venc::{MAX_CALL_DEPTH, ValueId};

/// The entry function with every call inlined.
pub fn inline_calls(module: &Module) -> Result<Function, PassError> {
    let entry = find(module, &module.entry)?;
    let flat = Function {
        name: entry.name.clone(),
        arguments: entry.arguments.clone(),
        values: vec![],
        steps: vec![],
        results: vec![],
    };
    let mut inliner = Inliner { module, flat };
    let arguments: Vec<ValueId> = entry
        .arguments
        .iter()
        .enumerate()
        .map(|(position, argument)| {
            let ty = entry.value(argument.value).ty.clone();
            inliner.push(Value { kind: ValueKind::Argument(position), ty })
        })
        .collect();
    let values = inliner.inline(entry, &arguments, None, 0)?;
    let mut flat = inliner.flat;
    for (argument, value) in flat.arguments.iter_mut().zip(arguments) {
        argument.value = value;
    }
    flat.results =
        entry.results.iter().map(|(name, id)| (name.clone(), values[id.index()])).collect();
    Ok(flat)
}

fn find<'a>(module: &'a Module, name: &str) -> Result<&'a Function, PassError> {
    module.function(name).ok_or_else(|| PassError::UnknownFunction(name.to_string()))
}

struct Inliner<'a> {
    module: &'a Module,
    flat: Function,
}

impl Inliner<'_> {
    /// Appends the body of `function`, and returns the flat value of each of its values. `label` names its result.
    fn inline(
        &mut self,
        function: &Function,
        arguments: &[ValueId],
        label: Option<&str>,
        depth: usize,
    ) -> Result<Vec<ValueId>, PassError> {
        // What was a `venc` module calls in no circle: only one that was made by hand gets here.
        if depth > MAX_CALL_DEPTH {
            return Err(PassError::CallDepth(function.name.clone()));
        }
        let mut made: Vec<ValueId> = Vec::with_capacity(function.values.len());
        for value in &function.values {
            // Values come after their operands, so what is made so far is all that this one can need.
            let flat = |id: &ValueId| {
                made.get(id.index()).copied().ok_or_else(|| PassError::Undefined {
                    function: function.name.clone(),
                    value: id.0,
                })
            };
            let kind = match &value.kind {
                ValueKind::Argument(position) => {
                    made.push(arguments[*position]);
                    continue;
                }
                ValueKind::Step(position) => {
                    let step = &function.steps[*position];
                    let operands = step.operands().iter().map(flat).collect::<Result<_, _>>()?;
                    let is_result = function.results.iter().any(|(_, id)| *id == step.result());
                    let label = nested_label(label, step.label(), is_result);
                    let result = self.inline_step(step, operands, value, label, depth)?;
                    made.push(result);
                    continue;
                }
                ValueKind::Weight(name) => ValueKind::Weight(name.clone()),
                ValueKind::Offline(op, operands) => {
                    let operands = operands.iter().map(flat).collect::<Result<_, _>>()?;
                    ValueKind::Offline(op.clone(), operands)
                }
                ValueKind::View(view, of) => ValueKind::View(view.clone(), flat(of)?),
            };
            made.push(self.push(Value { kind, ty: value.ty.clone() }));
        }
        Ok(made)
    }

    fn inline_step(
        &mut self,
        step: &Step,
        operands: Vec<ValueId>,
        made: &Value,
        label: Option<String>,
        depth: usize,
    ) -> Result<ValueId, PassError> {
        match step {
            Step::Launch { op, .. } => {
                let kind = ValueKind::Step(self.flat.steps.len());
                let result = self.push(Value { kind, ty: made.ty.clone() });
                self.flat.steps.push(Step::Launch { op: op.clone(), operands, result, label });
                Ok(result)
            }
            Step::Call { callee, .. } => {
                let callee = find(self.module, callee)?;
                let values = self.inline(callee, &operands, label.as_deref(), depth + 1)?;
                let (_, result) = callee
                    .results
                    .first()
                    .ok_or_else(|| PassError::UnknownFunction(callee.name.clone()))?;
                Ok(values[result.index()])
            }
        }
    }

    fn push(&mut self, value: Value) -> ValueId {
        self.flat.values.push(value);
        ValueId(self.flat.values.len() as u32 - 1)
    }
}

/// The result of a callee bears the label of the call; what is inside bears both.
fn nested_label(outer: Option<&str>, own: Option<&str>, is_result: bool) -> Option<String> {
    match (outer, own) {
        (Some(outer), _) if is_result => Some(outer.to_string()),
        (Some(outer), Some(own)) => Some(format!("{outer}.{own}")),
        (None, Some(own)) => Some(own.to_string()),
        (_, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::TensorType;
    use ocellus_dialects::kernel::Argument;
    use ocellus_dialects::symbolic::Symbols;
    use ocellus_dialects::venc::Role;

    /// Functions of which each calls the next, and the last the first where it is to.
    fn chain(length: usize, in_a_circle: bool) -> Module {
        let ty = TensorType::new(F32, [4i64, 4]);
        let function = |position: usize| {
            let next = (position + 1) % length;
            let calls = next > 0 || in_a_circle;
            let argument = Value { kind: ValueKind::Argument(0), ty: ty.clone() };
            let call = Step::Call {
                callee: format!("level{next}"),
                operands: vec![ValueId(0)],
                result: ValueId(1),
                label: None,
            };
            let called = Value { kind: ValueKind::Step(0), ty: ty.clone() };
            Function {
                name: format!("level{position}"),
                arguments: vec![Argument {
                    name: "x".into(),
                    value: ValueId(0),
                    role: Role::Activation,
                }],
                values: if calls { vec![argument, called] } else { vec![argument] },
                steps: if calls { vec![call] } else { vec![] },
                results: vec![("y".into(), ValueId(u32::from(calls)))],
            }
        };
        let functions = (0..length).map(function).collect();
        Module { symbols: Symbols::default(), functions, entry: "level0".into() }
    }

    #[test]
    fn a_long_chain_of_calls_is_no_circle() {
        let flat = inline_calls(&chain(200, false)).unwrap();
        assert_eq!((flat.steps.len(), flat.values.len()), (0, 1));
        let error = inline_calls(&chain(3, true)).unwrap_err().to_string();
        assert!(error.contains("calls nest more than 256 deep"), "{error}");
    }
}
