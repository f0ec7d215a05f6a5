//! What must hold between the functions of a `kernel` module that comes from a text: names, and calls.

use super::{Function, Module, Step};
use crate::syntax;
use crate::venc::reader::Reader;
use crate::venc::{MAX_CALL_DEPTH, MAX_OPERATIONS, ParseError, Role, ValueId};
use std::collections::{HashMap, HashSet};

type Result<T> = std::result::Result<T, ParseError>;

/// The call of a step: callee, operands and result.
type Call<'a> = (&'a str, &'a [ValueId], ValueId);

impl Module {
    /// That functions have names of their own, that the entry is there, that calls give their callees what those take, and
    /// that they end. `parsed` is the text of the module.
    pub(super) fn check_calls(&self, parsed: &syntax::Module) -> Result<()> {
        let header = Reader { name: "module", place: parsed.place, attributes: &[] };
        self.check_names(&header)?;
        for (function, parsed) in self.functions.iter().zip(&parsed.functions) {
            let calls = parsed.operations.iter().filter(|operation| operation.name == "func.call");
            for (operation, call) in calls.zip(function.calls()) {
                self.check_call(function, call).map_err(|e| Reader::of(operation).error(e))?;
            }
        }
        self.check_depth().map_err(|message| header.error(message))
    }

    fn check_names(&self, header: &Reader) -> Result<()> {
        let mut seen = HashSet::new();
        if let Some(twice) = self.functions.iter().find(|f| !seen.insert(f.name.as_str())) {
            return Err(header.error(format!("the function `{}` is there twice", twice.name)));
        }
        let entry = &self.entry;
        match seen.contains(entry.as_str()) {
            true => Ok(()),
            false => Err(header
                .error(format!("the module has no function `@{entry}`, which is to be its entry"))),
        }
    }

    fn check_call(
        &self,
        function: &Function,
        (callee, operands, result): Call,
    ) -> std::result::Result<(), String> {
        let callee = self
            .function(callee)
            .ok_or_else(|| format!("func.call: the module has no function `@{callee}`"))?;
        let name = &callee.name;
        let [(_, given)] = callee.results.as_slice() else {
            return Err(format!("@{name} is called, and must give exactly one result"));
        };
        if operands.len() != callee.arguments.len() {
            let (given, taken) = (operands.len(), callee.arguments.len());
            return Err(format!("@{name} is given {given} operand(s), and takes {taken}"));
        }
        for (operand, argument) in operands.iter().zip(&callee.arguments) {
            let given = &function.value(*operand).ty;
            let (taken, what) = (&callee.value(argument.value).ty, &argument.name);
            if given != taken {
                return Err(format!("@{name} is given {given} for `{what}`, which is {taken}"));
            }
            if argument.role == Role::Weight && !function.is_offline(*operand) {
                return Err(format!(
                    "@{name} is given for its weight `{what}` what changes from call to call"
                ));
            }
        }
        let (given, said) = (&callee.value(*given).ty, &function.value(result).ty);
        match given == said {
            true => Ok(()),
            false => Err(format!("@{name} gives {given}, and its call says {said}")),
        }
    }

    /// That calls end, nest no deeper than [`MAX_CALL_DEPTH`], and come to no more than [`MAX_OPERATIONS`]: a function whose
    /// callees all end does so itself.
    fn check_depth(&self) -> std::result::Result<(), String> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for _ in 0..=MAX_CALL_DEPTH {
            let known = counts.clone();
            for function in self.functions.iter().filter(|f| !known.contains_key(f.name.as_str())) {
                let callees = function.calls().map(|(callee, ..)| known.get(callee).copied());
                let own = Some(function.values.len() as u64);
                let add = |sum: Option<u64>, count: Option<u64>| Some(sum?.saturating_add(count?));
                if let Some(count) = callees.fold(own, add) {
                    counts.insert(&function.name, count);
                }
            }
            if counts.len() == known.len() {
                break;
            }
        }
        for function in &self.functions {
            let name = &function.name;
            match counts.get(name.as_str()) {
                None => {
                    return Err(format!(
                        "the calls of `@{name}` lead into a circle, or nest more than {MAX_CALL_DEPTH} deep"
                    ));
                }
                Some(count) if *count > MAX_OPERATIONS => {
                    return Err(format!(
                        "@{name} has more than {MAX_OPERATIONS} values, those of what it calls among them"
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl Function {
    fn calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call { callee, operands, result, .. } => {
                Some((callee.as_str(), operands.as_slice(), *result))
            }
            Step::Launch { .. } => None,
        })
    }
}
