//! Runs a module, node by node.

use super::{ReferenceError, bind_inputs};
use ocellus_checkpoint::{WeightError, WeightSource};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{
    self, EvaluationError, Function, Module, Node, Op, Role, Source, ValueId, VencError,
    round_in_place,
};
use ocellus_dialects::{HostTensor, TensorType};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The results of `module` for these inputs, by name.
pub fn evaluate(
    module: &Module,
    weights: &dyn WeightSource,
    inputs: &BTreeMap<String, HostTensor>,
) -> Result<BTreeMap<String, HostTensor>, ReferenceError> {
    evaluate_observed(module, weights, inputs, &mut |_, _| {})
}

/// As [`evaluate`], and tells `observe` every labeled value that the module computes, in order. The label of a value
/// inside a called function comes after that of the call: `layers.3.attention`.
pub fn evaluate_observed(
    module: &Module,
    weights: &dyn WeightSource,
    inputs: &BTreeMap<String, HostTensor>,
    observe: &mut dyn FnMut(&str, &HostTensor),
) -> Result<BTreeMap<String, HostTensor>, ReferenceError> {
    module.verify()?;
    let entry =
        module.entry_function().ok_or_else(|| VencError::UnknownCallee(module.entry.clone()))?;
    let bindings = bind_inputs(&module.symbols, entry, inputs)?;
    let copy = |input: &HostTensor| {
        let too_large = || EvaluationError::too_large("input", &input.shape, size_of::<f32>());
        input.try_clone().map(Rc::new).ok_or_else(too_large)
    };
    let given = entry.arguments.iter().filter_map(|argument| inputs.get(&argument.name));
    let arguments = given.map(copy).collect::<Result<_, _>>()?;
    let mut interpreter = Interpreter { module, weights, bindings, observe };
    let results = interpreter.run(entry, arguments, "")?;
    Ok(results.into_iter().map(|(name, tensor)| (name, Rc::unwrap_or_clone(tensor))).collect())
}

struct Interpreter<'a> {
    module: &'a Module,
    weights: &'a dyn WeightSource,
    bindings: Bindings,
    observe: &'a mut dyn FnMut(&str, &HostTensor),
}

/// The values of a function while it runs. A value is there from when it is made until its last use, so that a deep
/// encoder holds the weights of one layer at a time.
struct Frame<'a> {
    function: &'a Function,
    values: Vec<Option<Rc<HostTensor>>>,
    /// The position of the last node that uses each value; results are used after the last node.
    last_use: Vec<usize>,
    /// Which values depend on weights alone.
    offline: Vec<bool>,
}

impl<'a> Frame<'a> {
    fn new(function: &'a Function, arguments: Vec<Rc<HostTensor>>) -> Self {
        let mut last_use = vec![0; function.arguments.len() + function.nodes.len()];
        for (position, node) in function.nodes.iter().enumerate() {
            node.operands.iter().for_each(|operand| last_use[operand.index()] = position);
        }
        for (_, result) in &function.results {
            last_use[result.index()] = function.nodes.len();
        }
        let offline = function.arguments.iter().map(|a| a.role == Role::Weight).collect();
        let values = arguments.into_iter().map(Some).collect();
        Frame { function, values, last_use, offline }
    }

    fn add(&mut self, node: &Node, value: Option<Rc<HostTensor>>) {
        let offline = node.operands.iter().all(|operand| self.offline[operand.index()]);
        self.offline.push(offline);
        self.values.push(value);
    }

    fn free_after(&mut self, position: usize) {
        let node = &self.function.nodes[position];
        let done =
            node.operands.iter().filter(|operand| self.last_use[operand.index()] <= position);
        done.for_each(|operand| self.values[operand.index()] = None);
    }
}

impl Interpreter<'_> {
    /// Runs a verified function.
    fn run(
        &mut self,
        function: &Function,
        arguments: Vec<Rc<HostTensor>>,
        prefix: &str,
    ) -> Result<Vec<(String, Rc<HostTensor>)>, ReferenceError> {
        let mut frame = Frame::new(function, arguments);
        for (position, node) in function.nodes.iter().enumerate() {
            // A weight is loaded by its first use.
            if let Source::Checkpoint(_) = node.op.source() {
                frame.add(node, None);
                continue;
            }
            let operands = self.read_all(&mut frame, &node.operands)?;
            let label = node.label.as_ref().map(|label| format!("{prefix}{label}"));
            let value = match node.op.source() {
                Source::Function(callee) => {
                    self.call(callee, operands, label.as_deref(), prefix)?
                }
                Source::Checkpoint(_) | Source::Operands => self.apply(node, &operands, &frame)?,
            };
            self.check_shape(node, &value)?;
            if let Some(label) = &label {
                (self.observe)(label, &value);
            }
            frame.add(node, Some(value));
            frame.free_after(position);
        }
        let (names, ids): (Vec<String>, Vec<ValueId>) = function.results.iter().cloned().unzip();
        let results = self.read_all(&mut frame, &ids)?;
        Ok(names.into_iter().zip(results).collect())
    }

    fn read_all(
        &self,
        frame: &mut Frame,
        ids: &[ValueId],
    ) -> Result<Vec<Rc<HostTensor>>, ReferenceError> {
        ids.iter().map(|id| self.read(frame, *id)).collect()
    }

    fn read(&self, frame: &mut Frame, id: ValueId) -> Result<Rc<HostTensor>, ReferenceError> {
        if let Some(value) = &frame.values[id.index()] {
            return Ok(value.clone());
        }
        let node = frame.function.node_of(id).map(|node| (&node.ty, node.op.source()));
        let Some((ty, Source::Checkpoint(name))) = node else {
            let name = format!("%{}", id.0);
            return Err(WeightError::Missing(name).into());
        };
        let weight = Rc::new(self.load(name, ty)?);
        frame.values[id.index()] = Some(weight.clone());
        Ok(weight)
    }

    /// A tensor of the checkpoint, rounded to its storage in the module.
    fn load(&self, name: &str, ty: &TensorType) -> Result<HostTensor, ReferenceError> {
        let mut stored = self.weights.tensor(name)?;
        let expected = self.sizes("weight", &ty.shape)?;
        if stored.shape != expected {
            let (name, found) = (name.to_string(), stored.shape);
            return Err(WeightError::Shape { name, found, expected }.into());
        }
        round_in_place(ty.element, &mut stored.data);
        Ok(stored)
    }

    fn apply(
        &self,
        node: &Node,
        operands: &[Rc<HostTensor>],
        frame: &Frame,
    ) -> Result<Rc<HostTensor>, ReferenceError> {
        // Activations are not rounded.
        if let (Op::Cast(_), [x]) = (&node.op, operands)
            && !frame.offline[node.operands[0].index()]
        {
            return Ok(x.clone());
        }
        let operands: Vec<&HostTensor> = operands.iter().map(Rc::as_ref).collect();
        Ok(Rc::new(venc::evaluate(&node.op, &operands, &self.bindings)?))
    }

    fn call(
        &mut self,
        callee: &str,
        operands: Vec<Rc<HostTensor>>,
        label: Option<&str>,
        prefix: &str,
    ) -> Result<Rc<HostTensor>, ReferenceError> {
        let unknown = || VencError::UnknownCallee(callee.to_string());
        let function = self.module.function(callee).ok_or_else(unknown)?;
        let prefix = label.map_or(prefix.to_string(), |label| format!("{label}."));
        let results = self.run(function, operands, &prefix)?;
        Ok(results.into_iter().next().ok_or_else(unknown)?.1)
    }

    fn check_shape(&self, node: &Node, value: &HostTensor) -> Result<(), ReferenceError> {
        if self.sizes(node.op.name(), &node.ty.shape)? == value.shape {
            return Ok(());
        }
        Err(EvaluationError::ResultShape {
            op: node.op.name(),
            given: value.shape.clone(),
            declared: node.ty.to_string(),
        }
        .into())
    }

    fn sizes(&self, op: &'static str, dims: &[Dim]) -> Result<Vec<usize>, ReferenceError> {
        dims.iter()
            .map(|dim| match dim.evaluate(&self.bindings) {
                Some(size) if size >= 1 => Ok(size as usize),
                size => Err(EvaluationError::EmptyDim {
                    op,
                    dim: dim.to_string(),
                    size: size.map_or("unknown".to_string(), |size| size.to_string()),
                }
                .into()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::{self, BF16, F32};
    use ocellus_dialects::symbolic::{SymbolRange, Symbols};
    use ocellus_dialects::venc::{Add, Cast, FunctionBuilder};

    /// Two calls of `@double_and_shift(x, w) = x + x + w`, labeled `layers.0` and `layers.1`, in that storage.
    fn module(storage: ElementType) -> Module {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 4)).unwrap();
        let x = TensorType::new(storage, [images, Dim::from(2)]);
        let vector = TensorType::new(storage, [2i64]);

        let mut block = FunctionBuilder::new("double_and_shift");
        let argument = block.argument("x", x.clone(), Role::Activation);
        let shift = block.argument("w", vector.clone(), Role::Weight);
        let doubled = block.push(Add, &[argument, argument]).unwrap();
        block.label(doubled, "doubled");
        let shifted = block.push(Add, &[doubled, shift]).unwrap();
        block.result("x", shifted);
        let functions = vec![block.finish()];
        let mut module = Module { symbols, functions, entry: "main".to_string() };

        let mut main = FunctionBuilder::new("main");
        let input = TensorType { element: F32, ..x };
        let input = main.argument("x", input, Role::Activation);
        let mut x = main.push(Cast { to: storage }, &[input]).unwrap();
        for layer in 0..2 {
            let shift = main.weight(&format!("layers.{layer}.w"), vector.clone());
            x = main.call(&module, "double_and_shift", &[x, shift]).unwrap();
            main.label(x, &format!("layers.{layer}"));
        }
        let x = main.push(Cast { to: F32 }, &[x]).unwrap();
        main.result("last_hidden_state", x);
        module.functions.push(main.finish());
        module
    }

    fn tensors(named: &[(&str, &[usize], &[f32])]) -> BTreeMap<String, HostTensor> {
        named
            .iter()
            .map(|(name, shape, data)| {
                (name.to_string(), HostTensor::new(shape.to_vec(), data.to_vec()).unwrap())
            })
            .collect()
    }

    fn weights() -> BTreeMap<String, HostTensor> {
        tensors(&[("layers.0.w", &[2], &[1.0, 2.0]), ("layers.1.w", &[2], &[10.0, 20.0])])
    }

    #[test]
    fn calls_are_followed_and_labels_told_in_order() {
        let mut seen = vec![];
        let inputs = tensors(&[("x", &[1, 2], &[1.0, -1.0])]);
        let results = evaluate_observed(&module(F32), &weights(), &inputs, &mut |label, value| {
            seen.push((label.to_string(), value.data.clone()));
        })
        .unwrap();
        // 2 * (2 * 1 + 1) + 10 = 16 and 2 * (2 * -1 + 2) + 20 = 20.
        assert_eq!(results, tensors(&[("last_hidden_state", &[1, 2], &[16.0, 20.0])]));
        let expected: [(&str, &[f32]); 4] = [
            ("layers.0.doubled", &[2.0, -2.0]),
            ("layers.0", &[3.0, 0.0]),
            ("layers.1.doubled", &[6.0, 0.0]),
            ("layers.1", &[16.0, 20.0]),
        ];
        assert_eq!(seen, expected.map(|(label, data)| (label.to_string(), data.to_vec())));
    }

    #[test]
    fn weights_are_rounded_to_their_storage_and_activations_are_not() {
        // 1 + 2^-10 is no bf16 number; the nearest is 1.
        let fine = 1.0 + 1.0 / 1024.0;
        let inputs = tensors(&[("x", &[1, 2], &[fine, 0.0])]);
        let weights =
            tensors(&[("layers.0.w", &[2], &[0.0, fine]), ("layers.1.w", &[2], &[0.0, 0.0])]);
        let results = evaluate(&module(BF16), &weights, &inputs).unwrap();
        assert_eq!(results["last_hidden_state"].data, [4.0 * fine, 2.0]);
    }

    #[test]
    fn a_weight_of_another_shape_or_none_is_an_error() {
        let inputs = tensors(&[("x", &[1, 2], &[1.0, -1.0])]);
        let error = |weights: &[(&str, &[usize], &[f32])]| {
            evaluate(&module(F32), &tensors(weights), &inputs).unwrap_err().to_string()
        };
        assert_eq!(error(&[]), "the checkpoint has no tensor `layers.0.w`");
        assert_eq!(
            error(&[("layers.0.w", &[1], &[1.0])]),
            "the tensor `layers.0.w` has the shape [1], and the config asks for [2]"
        );
    }

    #[test]
    fn a_module_is_verified_before_it_runs() {
        let mut module = module(F32);
        module.functions[0].nodes[0].operands[1] = ValueId(7);
        let error = evaluate(&module, &weights(), &BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(
            error,
            "in @double_and_shift: venc.add uses %7, which no earlier operation makes"
        );
    }
}
