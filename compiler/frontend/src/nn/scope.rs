//! [`Scope`]: the place in the model where a module stands. It names weights, and records the program.

use super::weight_names::{OwnNames, WeightNames};
use super::{Module, NnError, Result, Tensor, outline};
use ocellus_dialects::symbolic::{Dim, SymbolRange, Symbols};
use ocellus_dialects::venc::{self, FunctionBuilder, Op, Role, ValueId};
use ocellus_dialects::{ElementType, TensorType};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The program as recorded so far.
#[derive(Debug)]
pub(super) struct Recording {
    module: venc::Module,
    /// The entry function and, inside it, the repeated blocks that are being recorded.
    open: Vec<OpenFunction>,
    /// How every tensor of the program is stored.
    element: ElementType,
    names: Rc<dyn WeightNames>,
    functions_opened: usize,
    layers: usize,
}

#[derive(Debug)]
struct OpenFunction {
    /// Tells its tensors from those of other functions.
    id: usize,
    builder: FunctionBuilder,
    weights: HashMap<String, ValueId>,
    empty: bool,
}

impl Recording {
    fn open(&mut self, name: &str) {
        self.functions_opened += 1;
        self.open.push(OpenFunction {
            id: self.functions_opened,
            builder: FunctionBuilder::new(name),
            weights: HashMap::new(),
            empty: true,
        });
    }

    /// The function that records now. One is open from the beginning to the end of [`build`].
    fn current(&mut self) -> Result<&mut OpenFunction> {
        self.open.last_mut().ok_or(NnError::ForeignTensor)
    }

    /// Records an operation on tensors of the current function.
    pub(super) fn push(
        &mut self,
        op: Op,
        operands: &[&Tensor],
    ) -> Result<(usize, ValueId, TensorType)> {
        let function = self.current()?;
        if operands.iter().any(|operand| operand.function != function.id) {
            return Err(NnError::ForeignTensor);
        }
        let values: Vec<ValueId> = operands.iter().map(|operand| operand.value).collect();
        function.empty = false;
        let value = function.builder.push(op, &values)?;
        Ok((function.id, value, function.builder.type_of(value).clone()))
    }

    pub(super) fn label(&mut self, tensor: &Tensor, label: &str) {
        if let Some(function) = self.open.iter_mut().find(|open| open.id == tensor.function) {
            function.builder.label(tensor.value, label);
        }
    }

    fn weight(&mut self, name: &str, ty: TensorType) -> Result<(usize, ValueId)> {
        let function = self.current()?;
        function.empty = false;
        let value = match function.weights.get(name) {
            Some(value) => *value,
            None => {
                let value = function.builder.weight(name, ty.clone());
                function.weights.insert(name.to_string(), value);
                value
            }
        };
        let first = function.builder.type_of(value);
        if *first != ty {
            let (name, first) = (name.to_string(), first.clone());
            return Err(NnError::WeightRedeclared { name, first, second: ty });
        }
        Ok((function.id, value))
    }
}

/// Records a program: `author` declares symbols and inputs, applies modules, and names results.
///
/// Every tensor of the program is stored as `element`; inputs and results are f32 whatever that is.
pub fn build(
    element: ElementType,
    author: impl FnOnce(&Scope) -> Result<()>,
) -> Result<venc::Module> {
    build_with_names(element, Rc::new(OwnNames), author)
}

/// The same, for a checkpoint that has other names than the author gives.
pub(crate) fn build_with_names(
    element: ElementType,
    names: Rc<dyn WeightNames>,
    author: impl FnOnce(&Scope) -> Result<()>,
) -> Result<venc::Module> {
    let entry = "main".to_string();
    let module =
        venc::Module { symbols: Symbols::default(), functions: vec![], entry: entry.clone() };
    let mut recording =
        Recording { module, open: vec![], element, names, functions_opened: 0, layers: 0 };
    recording.open(&entry);
    let scope = Scope { recording: Rc::new(RefCell::new(recording)), path: String::new() };
    author(&scope)?;
    let mut recording = scope.recording.borrow_mut();
    let function = recording.open.pop().ok_or(NnError::ForeignTensor)?.builder.finish();
    let mut module = recording.module.clone();
    module.functions.push(function);
    Ok(module)
}

/// The place in the model where a module stands.
#[derive(Clone, Debug)]
pub struct Scope {
    recording: Rc<RefCell<Recording>>,
    path: String,
}

impl Scope {
    /// The scope `name` inside this one: a weight `weight` there is called `<this>.<name>.weight`. The empty name is
    /// this scope itself.
    pub fn child(&self, name: &str) -> Scope {
        Scope { recording: self.recording.clone(), path: join(&self.path, name) }
    }

    /// Applies a module under a name.
    pub fn apply(&self, name: &str, module: &impl Module, x: &Tensor) -> Result<Tensor> {
        let scope = self.child(name);
        module.forward(&scope, x).map_err(|error| error.at(&scope.path))
    }

    /// Applies `block` `count` times, each time with weights of its own: those of `<name>.0`, `<name>.1`, and so on.
    ///
    /// The program has the block once, as a function that takes its weights as arguments, and so it is optimized and
    /// compiled once. The results are labeled `layers.0`, `layers.1`, …, counted through the whole model.
    pub fn repeat(
        &self,
        name: &str,
        count: usize,
        block: &impl Module,
        x: &Tensor,
    ) -> Result<Tensor> {
        let path = join(&self.path, name);
        let (callee, weights) = self.record_block(block, x).map_err(|error| error.at(&path))?;
        let mut x = x.clone();
        for position in 0..count {
            let weights: Vec<Tensor> = weights
                .iter()
                .map(|(weight, ty)| {
                    let name = format!("{path}.{position}.{weight}");
                    self.declare(&name, ty.clone())
                })
                .collect::<Result<_>>()?;
            x = self.call(&callee, &x, &weights).map_err(|error| error.at(&path))?;
        }
        Ok(x)
    }

    /// Declares a weight of the program's element type.
    pub fn weight<const RANK: usize>(&self, name: &str, shape: [i64; RANK]) -> Result<Tensor> {
        let element = self.element();
        self.declare(&join(&self.path, name), TensorType::new(element, shape))
    }

    /// Declares a size that inputs bring. A range of one size is that number, so that all that is made of it folds.
    pub fn symbol(&self, name: &str, range: impl Into<SymbolRange>) -> Result<Dim> {
        let range = range.into();
        if range.min >= 1 && range.step >= 1 && range.min == range.max && range.contains(range.min)
        {
            return Ok(Dim::from(range.min));
        }
        Ok(self.recording.borrow_mut().module.symbols.declare(name, range)?)
    }

    /// Declares `name = numerator floordiv divisor`; a constant where the numerator is one.
    pub fn floor_div(&self, name: &str, numerator: &Dim, divisor: i64) -> Result<Dim> {
        if let Some(numerator) = numerator.as_constant().filter(|_| divisor >= 1) {
            return Ok(Dim::from(numerator.div_euclid(divisor)));
        }
        let symbols = &mut self.recording.borrow_mut().module.symbols;
        Ok(symbols.declare_floor_div(name, numerator.clone(), divisor)?)
    }

    /// Declares the inputs of the program that hold indices: row numbers, permutations, segments. They come before the
    /// other [inputs](Scope::inputs). What each must be is read off its uses, and checked when a call begins.
    pub fn index_inputs<const COUNT: usize>(
        &self,
        inputs: [(&str, Vec<Dim>); COUNT],
    ) -> Result<[Tensor; COUNT]> {
        self.arguments(ElementType::I32, inputs)
    }

    /// Declares inputs that stay in f32 whatever the program's tensors are stored as, such as rotary tables. They come
    /// before the other [inputs](Scope::inputs).
    pub fn exact_inputs<const COUNT: usize>(
        &self,
        inputs: [(&str, Vec<Dim>); COUNT],
    ) -> Result<[Tensor; COUNT]> {
        self.arguments(ElementType::F32, inputs)
    }

    /// Declares every other input of the program, in f32. What comes back is stored as the program's tensors are.
    pub fn inputs<const COUNT: usize>(
        &self,
        inputs: [(&str, Vec<Dim>); COUNT],
    ) -> Result<[Tensor; COUNT]> {
        let mut tensors = self.arguments(ElementType::F32, inputs)?;
        self.recording.borrow_mut().current()?.empty = false;
        for tensor in &mut tensors {
            *tensor = tensor.cast(self.element())?;
        }
        Ok(tensors)
    }

    fn arguments<const COUNT: usize>(
        &self,
        element: ElementType,
        inputs: [(&str, Vec<Dim>); COUNT],
    ) -> Result<[Tensor; COUNT]> {
        let arguments = {
            let mut recording = self.recording.borrow_mut();
            let function = recording.current()?;
            if !function.empty {
                return Err(NnError::LateInputs);
            }
            inputs.map(|(name, shape)| {
                let ty = TensorType::new(element, shape);
                (function.id, function.builder.argument(name, ty.clone(), Role::Activation), ty)
            })
        };
        Ok(arguments.map(|(function, value, ty)| self.tensor(function, value, ty)))
    }

    /// Names a result of the program. It leaves in f32.
    pub fn result(&self, name: &str, tensor: &Tensor) -> Result<()> {
        let tensor = tensor.cast(ElementType::F32)?;
        let mut recording = self.recording.borrow_mut();
        let function = recording.current()?;
        if tensor.function != function.id || !self.recorded(&tensor) {
            return Err(NnError::ForeignTensor);
        }
        function.builder.result(name, tensor.value);
        Ok(())
    }

    /// How the program's tensors are stored.
    pub fn element(&self) -> ElementType {
        self.recording.borrow().element
    }

    /// Whether a tensor is of this program, and not of another that was recorded before.
    fn recorded(&self, tensor: &Tensor) -> bool {
        Rc::ptr_eq(&self.recording, &tensor.recording)
    }

    /// A weight, read from the tensors that the checkpoint has for it. Inside a repeated block it has no tensor yet:
    /// each call brings its own.
    fn declare(&self, name: &str, ty: TensorType) -> Result<Tensor> {
        let names = match self.recording.borrow().open.len() {
            1 => self.recording.borrow().names.tensors_of(name),
            _ => vec![name.to_string()],
        };
        let count = names.len().max(1) as i64;
        let mut part = ty;
        if let Some(rows) = part.shape.first_mut().filter(|_| count > 1) {
            *rows = Dim::from(rows.as_constant().unwrap_or_default() / count);
        }
        let parts: Vec<Tensor> =
            names.iter().map(|name| self.read(name, part.clone())).collect::<Result<_>>()?;
        let Some((first, rest)) = parts.split_first() else { return self.read(name, part) };
        first.concat(0, &rest.iter().collect::<Vec<_>>())
    }

    fn read(&self, name: &str, ty: TensorType) -> Result<Tensor> {
        let (function, value) = self.recording.borrow_mut().weight(name, ty.clone())?;
        Ok(self.tensor(function, value, ty))
    }

    fn tensor(&self, function: usize, value: ValueId, ty: TensorType) -> Tensor {
        Tensor { recording: self.recording.clone(), function, value, ty }
    }

    /// Records a block as a function of the module; gives its name, and its weights by their names inside it.
    fn record_block(
        &self,
        block: &impl Module,
        x: &Tensor,
    ) -> Result<(String, Vec<(String, TensorType)>)> {
        let (name, argument) = {
            let mut recording = self.recording.borrow_mut();
            let name = match recording.functions_opened {
                1 => "layer".to_string(),
                opened => format!("layer_{opened}"),
            };
            recording.open(&name);
            let function = recording.current()?;
            let ty = x.ty.clone();
            let value = function.builder.argument("x", ty.clone(), Role::Activation);
            (name, self.tensor(function.id, value, ty))
        };
        let inside = Scope { recording: self.recording.clone(), path: String::new() };
        let result = block.forward(&inside, &argument);
        let mut recording = self.recording.borrow_mut();
        let Some(mut recorded) = recording.open.pop() else { return Err(NnError::ForeignTensor) };
        let result = result?;
        if result.function != recorded.id {
            return Err(NnError::ForeignTensor);
        }
        recorded.builder.result("y", result.value);
        let (function, weights) = outline::weights_to_arguments(recorded.builder.finish());
        recording.module.functions.push(function);
        Ok((name, weights))
    }

    /// Calls a recorded block and labels what comes back.
    fn call(&self, callee: &str, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        let operands: Vec<ValueId> =
            std::iter::once(x).chain(weights).map(|tensor| tensor.value).collect();
        let mut recording = self.recording.borrow_mut();
        let Recording { module, open, layers, .. } = &mut *recording;
        let function = open.last_mut().ok_or(NnError::ForeignTensor)?;
        if x.function != function.id || !self.recorded(x) {
            return Err(NnError::ForeignTensor);
        }
        let value = function.builder.call(module, callee, &operands)?;
        function.builder.label(value, &format!("layers.{layers}"));
        *layers += 1;
        Ok(self.tensor(function.id, value, function.builder.type_of(value).clone()))
    }
}

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        (path, "") => path.to_string(),
        ("", name) => name.to_string(),
        (path, name) => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{LayerNorm, Linear, TransformerBlock};
    use ocellus_dialects::venc::Weight;

    fn tokens(nn: &Scope) -> Result<Tensor> {
        let tokens = nn.symbol("tokens", 1..=100)?;
        let [x] = nn.inputs([("x", vec![2.into(), tokens, 8.into()])])?;
        Ok(x)
    }

    #[test]
    fn a_repeated_block_is_one_function_with_weights_of_each_layer() {
        let module = build(ElementType::BF16, |nn| {
            let x = tokens(nn)?;
            nn.result("y", &nn.repeat("layers", 3, &TransformerBlock::new(2, 16), &x)?)
        })
        .unwrap();
        module.verify().unwrap();
        assert_eq!(module.functions.len(), 2);
        let entry = module.entry_function().unwrap();
        let calls: Vec<_> = entry
            .nodes
            .iter()
            .filter(|node| matches!(node.op, Op::Call(_)))
            .map(|node| node.label.clone().unwrap())
            .collect();
        assert_eq!(calls, ["layers.0", "layers.1", "layers.2"]);
        let weight = Op::Weight(Weight { name: "layers.2.mlp.fc1.weight".into() });
        assert!(entry.nodes.iter().any(|node| node.op == weight));
        assert_eq!(entry.arguments[0].ty.element, ElementType::F32);
        assert_eq!(entry.type_of(entry.results[0].1).element, ElementType::F32);
    }

    #[test]
    fn errors_say_where() {
        struct Narrow;
        impl Module for Narrow {
            fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor> {
                x.add(&nn.apply("down", &Linear::new(4), x)?)
            }
        }
        let error = build(ElementType::F32, |nn| {
            let x = tokens(nn)?;
            nn.result("y", &nn.child("encoder").apply("block", &Narrow, &x)?)
        })
        .unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("in `encoder.block`: venc.add: operand #1"), "{message}");
    }

    #[test]
    fn a_block_cannot_reach_outside_itself() {
        struct Reaching(Tensor);
        impl Module for Reaching {
            fn forward(&self, _: &Scope, x: &Tensor) -> Result<Tensor> {
                x.add(&self.0)
            }
        }
        let error = build(ElementType::F32, |nn| {
            let x = tokens(nn)?;
            nn.result("y", &nn.repeat("blocks", 2, &Reaching(x.clone()), &x)?)
        })
        .unwrap_err();
        assert_eq!(error, NnError::ForeignTensor.at("blocks"));
    }

    #[test]
    fn a_tensor_of_another_program_is_refused() {
        let mut stray = None;
        build(ElementType::F32, |nn| {
            let x = tokens(nn)?;
            stray = Some(x.add(&x)?.add(&x)?);
            nn.result("y", &x)
        })
        .unwrap();
        let stray = stray.unwrap();
        type Use = fn(&Scope, &Tensor, &Tensor) -> Result<()>;
        let uses: [Use; 4] = [
            |_, x, stray| x.add(stray).map(drop),
            |_, _, stray| stray.softmax().map(drop),
            |nn, _, stray| nn.result("y", stray),
            |nn, _, stray| nn.repeat("l", 1, &LayerNorm::new(1e-6), stray).map(drop),
        ];
        for wrong in uses {
            let error = build(ElementType::F32, |nn| wrong(nn, &tokens(nn)?, &stray)).unwrap_err();
            assert!(error.to_string().contains("a tensor of another function is used"), "{error}");
        }
    }

    #[test]
    fn one_name_is_one_weight() {
        let error = build(ElementType::F32, |nn| {
            nn.weight("w", [2, 3])?;
            nn.weight("w", [2, 3])?;
            nn.weight("w", [3, 2]).map(drop)
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the weight `w` is declared as [2, 3] x f32 and again as [3, 2] x f32"
        );
    }

    #[test]
    fn sizes_that_cannot_vary_are_constants() {
        let module = build(ElementType::F32, |nn| {
            let height = nn.symbol("height", 64..=64)?;
            let rows = nn.floor_div("rows", &height, 16)?;
            assert_eq!(rows, Dim::from(4));
            let [x] = nn.inputs([("x", vec![rows, 8.into()])])?;
            nn.result("y", &nn.apply("norm", &LayerNorm::new(1e-6), &x)?)
        })
        .unwrap();
        assert_eq!(module.symbols.iter().count(), 0);
    }
}
