//! [`Operation`]: an operation of `venc` as the head of a term.

use egg::Id;
use ocellus_dialects::venc::{Attribute, Declaration, Op, Times};
use std::fmt;

/// An operation, without its attributes: these are children of its term.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation(
    /// Its place among [`Op::DECLARATIONS`].
    u8,
);

/// Operations that are no terms: a weight is a value that is given, and a call has a term of its own.
const NO_TERMS: [&str; 2] = ["weight", "call"];

impl Operation {
    /// The operation of that name.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |declared: &&Declaration| declared.name == name;
        let place =
            Op::DECLARATIONS.iter().position(is_it).filter(|_| !NO_TERMS.contains(&name))?;
        u8::try_from(place).ok().map(Operation)
    }

    /// The operation that `op` is one of.
    pub fn of(op: &Op) -> Option<Self> {
        Operation::named(op.operation().declaration().name)
    }

    /// What is declared of it.
    pub fn declaration(self) -> &'static Declaration {
        Op::DECLARATIONS[usize::from(self.0)]
    }

    /// Its name in rules.
    pub fn name(self) -> &'static str {
        self.declaration().name
    }

    /// Whether its operands are one list.
    pub fn takes_list(self) -> bool {
        self.declaration().operands.iter().any(|operand| operand.times == Times::Repeated)
    }

    /// Whether a term of it may have so many children.
    pub fn has_children(self, children: usize) -> bool {
        let declared = self.declaration();
        let operands = |times| declared.operands.iter().filter(move |o| o.times == times).count();
        let (once, optional) = (operands(Times::Once), operands(Times::Optional));
        match children.checked_sub(declared.attributes.len()) {
            Some(given) if self.takes_list() => given == 1,
            Some(given) => given == once || given == once + optional,
            None => false,
        }
    }

    /// The operands among the children of a term of it, and the attributes.
    pub fn split(self, children: &[Id]) -> (&[Id], &[Id]) {
        let attributes = self.declaration().attributes.len();
        children.split_at(children.len().saturating_sub(attributes))
    }

    /// The operation with those attributes.
    pub fn with_attributes(self, attributes: &[Attribute]) -> Result<Op, String> {
        (self.declaration().with_attributes)(attributes).ok_or_else(|| {
            let given: Vec<String> = attributes.iter().map(Attribute::to_string).collect();
            format!("venc.{self} has no attributes {}", given.join(" "))
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::MAX_CHILDREN;
    use super::*;

    #[test]
    fn every_operation_has_room_for_its_children() {
        for declared in Op::DECLARATIONS {
            let children = declared.operands.len() + declared.attributes.len();
            assert!(children <= MAX_CHILDREN, "venc.{} has {children}", declared.name);
        }
    }
}
