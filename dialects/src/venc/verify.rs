//! Checks a whole module: what [`infer`] says of each operation, and what holds between functions.

use super::application::Application;
use super::limits::{MAX_CALL_DEPTH, MAX_OPERATIONS};
use super::{Call, Function, Module, Node, Role, Source, ValueId, VencError, Weight, infer};
use crate::symbolic::{Dim, Symbols};
use crate::tensor::{ElementType, TensorType};
use std::collections::{BTreeMap, BTreeSet};

impl Module {
    /// Checks every function: operands made before they are used, types as the operations give them, symbols
    /// declared, callees there and giving one result, and no function calling itself, directly or through others.
    pub fn verify(&self) -> Result<(), VencError> {
        distinct("the function", self.functions.iter().map(|f| f.name.as_str()))?;
        if self.entry_function().is_none() {
            return Err(VencError::NoEntry(self.entry.clone()));
        }
        for function in &self.functions {
            self.verify_function(function).map_err(|source| VencError::InFunction {
                function: function.name.clone(),
                source: Box::new(source),
            })?;
        }
        self.verify_calls()?;
        self.index_bounds().map(drop)
    }

    /// The type of a call of `callee` with such operands.
    pub fn infer_call(
        &self,
        callee: &str,
        operands: &[&TensorType],
    ) -> Result<TensorType, VencError> {
        let function =
            self.function(callee).ok_or_else(|| VencError::UnknownCallee(callee.to_string()))?;
        let (op, declared) = (Call::DECLARATION.name, Call::DECLARATION.operands);
        let app = Application { op, declared, operands };
        if operands.len() != function.arguments.len() {
            let expected = "one operand for each argument of the callee".to_string();
            return Err(VencError::OperandCount { op, expected, given: operands.len() });
        }
        for (index, argument) in function.arguments.iter().enumerate() {
            app.shape(index, &argument.ty.shape)?;
            if operands[index].element != argument.ty.element {
                let reason =
                    format!("and `%{}` is stored as {}", argument.name, argument.ty.element);
                return Err(app.bad_operand(index, reason));
            }
        }
        let not_callable = |reason| VencError::NotCallable { callee: callee.to_string(), reason };
        let [(_, result)] = function.results.as_slice() else {
            return Err(not_callable("must give exactly one result"));
        };
        function
            .has_value(*result)
            .then(|| function.type_of(*result).clone())
            .ok_or_else(|| not_callable("its result is a value that nothing makes"))
    }

    fn verify_function(&self, function: &Function) -> Result<(), VencError> {
        distinct("the argument", function.arguments.iter().map(|a| a.name.as_str()))?;
        distinct("the result", function.results.iter().map(|(name, _)| name.as_str()))?;
        for argument in &function.arguments {
            let place = || format!("the argument `{}`", argument.name);
            declared(&self.symbols, place, &argument.ty)?;
            if argument.role == Role::Weight {
                no_index(place, &argument.ty)?;
            }
        }
        let mut offline: Vec<bool> =
            function.arguments.iter().map(|argument| argument.role == Role::Weight).collect();
        for (position, node) in function.nodes.iter().enumerate() {
            let defined = function.arguments.len() + position;
            if let Some(late) = node.operands.iter().find(|operand| operand.index() >= defined) {
                return Err(VencError::UseBeforeDefinition { op: node.op.name(), value: late.0 });
            }
            self.verify_node(function, node, &offline)?;
            offline.push(node.operands.iter().all(|operand| offline[operand.index()]));
        }
        for (name, value) in &function.results {
            if !function.has_value(*value) {
                return Err(VencError::UnknownResult { name: name.clone(), value: value.0 });
            }
            no_index(|| format!("the result `{name}`"), function.type_of(*value))?;
        }
        Ok(())
    }

    fn verify_node(
        &self,
        function: &Function,
        node: &Node,
        offline: &[bool],
    ) -> Result<(), VencError> {
        declared(&self.symbols, || format!("the result of venc.{}", node.op.name()), &node.ty)?;
        let operands: Vec<&TensorType> =
            node.operands.iter().map(|operand| function.type_of(*operand)).collect();
        let app = node.op.applied_to(&operands);
        let inferred = match node.op.source() {
            Source::Checkpoint(name) => {
                no_index(|| format!("the weight `{name}`"), &node.ty)?;
                app.as_declared()?;
                Weight::verify_type(&app, &node.ty)?;
                node.ty.clone()
            }
            Source::Function(callee) => self.infer_call(callee, &operands)?,
            Source::Operands => infer(&node.op, &operands)?,
        };
        if inferred != node.ty {
            return Err(VencError::RecordedType {
                op: node.op.name(),
                recorded: node.ty.to_string(),
                inferred: inferred.to_string(),
            });
        }
        if let Source::Function(callee) = node.op.source() {
            self.verify_roles(&app, callee, node, offline)?;
        }
        node.op.operation().verify(&app, &self.symbols)
    }

    /// That what a callee takes for a weight comes from the checkpoint.
    fn verify_roles(
        &self,
        app: &Application,
        callee: &str,
        node: &Node,
        offline: &[bool],
    ) -> Result<(), VencError> {
        let Some(function) = self.function(callee) else { return Ok(()) };
        let changing =
            node.operands.iter().zip(&function.arguments).position(|(operand, argument)| {
                argument.role == Role::Weight && !offline[operand.index()]
            });
        match changing {
            None => Ok(()),
            Some(index) => {
                let name = &function.arguments[index].name;
                let reason = format!("and changes from call to call, while `%{name}` is a weight");
                Err(app.bad_operand(index, reason))
            }
        }
    }

    /// That calls end, nest no deeper than [`MAX_CALL_DEPTH`], and come to no more than [`MAX_OPERATIONS`]. Functions are
    /// gone through by depth: one whose callees all end does so itself.
    fn verify_calls(&self) -> Result<(), VencError> {
        let mut operations: BTreeMap<&str, u64> = BTreeMap::new();
        let mut pending: Vec<&Function> = self.functions.iter().collect();
        for depth in 0.. {
            let ends = |f: &&Function| f.callees().all(|callee| operations.contains_key(callee));
            let (ending, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(ends);
            let Some(first) = ending.first() else {
                return match others.first() {
                    None => Ok(()),
                    Some(function) => Err(VencError::CallCircle(function.name.clone())),
                };
            };
            if depth > MAX_CALL_DEPTH {
                return Err(VencError::CallDepth(first.name.clone()));
            }
            for function in ending {
                let called = function.callees().filter_map(|callee| operations.get(callee));
                let own = function.nodes.len() as u64;
                let all = called.fold(own, |sum, count| sum.saturating_add(*count));
                if all > MAX_OPERATIONS {
                    return Err(VencError::TooManyOperations(function.name.clone()));
                }
                operations.insert(function.name.as_str(), all);
            }
            pending = others;
        }
        Ok(())
    }
}

impl Function {
    /// Whether the value is one of this function.
    fn has_value(&self, value: ValueId) -> bool {
        value.index() < self.arguments.len() + self.nodes.len()
    }

    /// The functions that this one calls, as often as it does.
    pub fn callees(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match node.op.source() {
            Source::Function(callee) => Some(callee),
            Source::Checkpoint(_) | Source::Operands => None,
        })
    }
}

fn no_index(place: impl Fn() -> String, ty: &TensorType) -> Result<(), VencError> {
    match ty.element {
        ElementType::I32 => Err(VencError::IndexPlace { place: place(), ty: ty.to_string() }),
        _ => Ok(()),
    }
}

fn declared(
    symbols: &Symbols,
    place: impl Fn() -> String,
    ty: &TensorType,
) -> Result<(), VencError> {
    let mut used = ty.shape.iter().flat_map(Dim::symbols);
    match used.find(|symbol| symbols.definition(symbol).is_none()) {
        None => Ok(()),
        Some(symbol) => Err(VencError::UndeclaredSymbol {
            place: place(),
            ty: ty.to_string(),
            symbol: symbol.to_string(),
        }),
    }
}

fn distinct<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), VencError> {
    let mut seen = BTreeSet::new();
    let mut names = names;
    match names.find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(VencError::Duplicate { kind, name: name.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::SymbolRange;
    use crate::tensor::ElementType::{BF16, F32};
    use crate::venc::{FunctionBuilder, Linear};

    /// `@block(x, w) = x w^T`, called once with a weight of the checkpoint.
    fn module() -> Module {
        let mut symbols = Symbols::default();
        let rows = symbols.declare("rows", SymbolRange::new(1, 8)).unwrap();
        let x = TensorType::new(F32, [rows, Dim::from(4)]);
        let square = TensorType::new(F32, [4i64, 4]);
        let mut block = FunctionBuilder::new("block");
        let operands = [
            block.argument("x", x.clone(), Role::Activation),
            block.argument("w", square.clone(), Role::Weight),
        ];
        let y = block.push(Linear, &operands).unwrap();
        block.result("y", y);
        let mut module =
            Module { symbols, functions: vec![block.finish()], entry: "main".to_string() };
        let mut main = FunctionBuilder::new("main");
        let x = main.argument("x", x, Role::Activation);
        let weight = main.weight("w", square);
        let y = main.call(&module, "block", &[x, weight]).unwrap();
        main.result("y", y);
        module.functions.push(main.finish());
        module
    }

    fn error_after(change: impl FnOnce(&mut Module)) -> String {
        let mut module = module();
        module.verify().unwrap();
        change(&mut module);
        module.verify().unwrap_err().to_string()
    }

    #[test]
    fn messages_name_the_function_the_operation_and_what_is_wrong() {
        let message = error_after(|m| m.functions[0].nodes[0].ty.element = BF16);
        assert_eq!(
            message,
            "in @block: venc.linear is recorded as [rows, 4] x bf16, and gives [rows, 4] x f32"
        );
        let message = error_after(|m| m.functions[0].nodes[0].operands[1] = ValueId(2));
        assert_eq!(message, "in @block: venc.linear uses %2, which no earlier operation makes");
        let message = error_after(|m| m.functions[1].results[0].1 = ValueId(9));
        assert_eq!(message, "in @main: the result `y` is %9, which nothing makes");
        let message = error_after(|m| m.symbols = Symbols::default());
        assert_eq!(
            message,
            "in @block: the argument `x` is [rows, 4] x f32, and the symbol `rows` is not declared"
        );
    }

    #[test]
    fn what_is_called_must_be_callable() {
        let message = error_after(|m| m.functions[0].results.clear());
        assert_eq!(message, "in @main: `@block` is called, and must give exactly one result");
        let message = error_after(|m| m.entry = "forward".into());
        assert_eq!(message, "the module has no function `@forward`, which is to be its entry");
        let message = error_after(|m| {
            let call = Node {
                op: Call { callee: "block".into() }.into(),
                ..m.functions[0].nodes[0].clone()
            };
            m.functions[0].nodes[0] = call;
        });
        assert!(message.starts_with("the calls of `@block` lead into a circle"), "{message}");
    }

    /// Functions of which each calls the one before it so often, the first the block.
    fn chain(length: usize, calls: usize) -> Module {
        let mut module = module();
        for level in 0..length {
            let mut function = module.functions[level].clone();
            function.name = format!("level{level}");
            let callee = module.functions[level].name.clone();
            let call = Node { op: Call { callee }.into(), ..function.nodes[0].clone() };
            function.nodes = vec![call; calls];
            module.functions.insert(level + 1, function);
        }
        module
    }

    #[test]
    fn calls_may_nest_and_not_without_end() {
        chain(40, 1).verify().unwrap();
        chain(MAX_CALL_DEPTH - 1, 1).verify().unwrap();
        let message = chain(MAX_CALL_DEPTH + 8, 1).verify().unwrap_err().to_string();
        assert!(message.contains("nest more than 256 deep"), "{message}");
        chain(12, 2).verify().unwrap();
        let message = chain(24, 2).verify().unwrap_err().to_string();
        assert!(message.contains("has more than 65536 operations"), "{message}");
    }

    #[test]
    fn a_weight_argument_takes_no_activation() {
        let message = error_after(|m| {
            m.functions[0].arguments[0].role = Role::Weight;
        });
        assert_eq!(
            message,
            "in @main: venc.call: operand #0 `argument` is [rows, 4] x f32, and changes from call to call, \
             while `%x` is a weight"
        );
    }
}
