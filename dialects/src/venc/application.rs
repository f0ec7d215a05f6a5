//! [`Application`]: an operation with the types of its operands, and the checks and messages that operations share.

use super::operand::{Holds, Times};
use super::{Operand, VencError};
use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};

/// More than any dimension of a weight has; the panels and chunks of one of so many can still be counted in 64 bits.
const MAX_OF_A_WEIGHT: i64 = 1 << 40;

/// One application of an operation, with what its checks need in order to report.
pub struct Application<'a> {
    /// The operation's name.
    pub op: &'static str,
    /// What it declares of its operands.
    pub declared: &'static [Operand],
    /// The types of the operands.
    pub operands: &'a [&'a TensorType],
}

impl<'a> Application<'a> {
    /// The operands, of which the declaration has seen that they are so many.
    pub fn take<const N: usize>(&self) -> Result<[&'a TensorType; N], VencError> {
        self.operands.try_into().map_err(|_| self.bad_count())
    }

    /// An error that names the operand.
    pub fn bad_operand(&self, index: usize, expected: impl Into<String>) -> VencError {
        let given = self.operands.get(index).map(|ty| ty.to_string()).unwrap_or_default();
        let operand = self.operand(index).map(|operand| operand.name).unwrap_or_default();
        VencError::Operand { op: self.op, index, operand, given, expected: expected.into() }
    }

    /// An error that names the attribute.
    pub fn bad_attribute(&self, attribute: &'static str, reason: impl Into<String>) -> VencError {
        VencError::Attribute { op: self.op, attribute, reason: reason.into() }
    }

    /// That the operand has those dimensions.
    pub fn shape(&self, index: usize, shape: &[Dim]) -> Result<(), VencError> {
        if self.operands.get(index).is_some_and(|ty| ty.shape == shape) {
            return Ok(());
        }
        let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
        Err(self.bad_operand(index, format!("and must have the dims [{}]", dims.join(", "))))
    }

    /// That all operands are stored alike.
    pub fn same_element(&self) -> Result<(), VencError> {
        let Some(first) = self.operands.first().map(|ty| ty.element) else { return Ok(()) };
        match self.operands.iter().position(|ty| ty.element != first) {
            None => Ok(()),
            Some(index) => {
                let wanted =
                    format!("and must be stored as {first}, as operand #0 is: insert a venc.cast");
                Err(self.bad_operand(index, wanted))
            }
        }
    }

    /// That the dimensions of a weight are numbers that its products can be counted with.
    pub fn countable(&self, index: usize) -> Result<(), VencError> {
        let mut dims = self.operands.get(index).into_iter().flat_map(|ty| &ty.shape);
        match dims.any(|dim| dim.as_constant().is_some_and(|size| size > MAX_OF_A_WEIGHT)) {
            false => Ok(()),
            true => Err(self.bad_operand(
                index,
                format!("and no dimension of it may be above {MAX_OF_A_WEIGHT}"),
            )),
        }
    }

    /// That number, ranks and contents of the operands are as declared.
    pub(super) fn as_declared(&self) -> Result<(), VencError> {
        self.contents()?;
        self.count()?;
        self.ranks()
    }

    fn count(&self) -> Result<(), VencError> {
        let number = |times| self.declared.iter().filter(|operand| operand.times == times).count();
        let (once, optional) = (number(Times::Once), number(Times::Optional));
        let given = self.operands.len();
        let fits = match number(Times::Repeated) {
            0 => given == once || given == once + optional,
            _ => given >= once,
        };
        if fits { Ok(()) } else { Err(self.bad_count()) }
    }

    /// What the operation takes: "`x`, or `x`, `weight` and `bias`".
    fn bad_count(&self) -> VencError {
        let named = |wanted: &[Times]| {
            let operands = self.declared.iter().filter(|operand| wanted.contains(&operand.times));
            let names: Vec<String> =
                operands.map(|operand| format!("`{}`", operand.name)).collect();
            match names.split_last() {
                None => "no operand".to_string(),
                Some((last, [])) => last.clone(),
                Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            }
        };
        let has = |times| self.declared.iter().any(|operand| operand.times == times);
        let mut expected = named(&[Times::Once]);
        if has(Times::Optional) {
            expected = format!("{expected}, or {}", named(&[Times::Once, Times::Optional]));
        }
        if has(Times::Repeated) {
            expected = format!("{expected}, and any number more");
        }
        VencError::OperandCount { op: self.op, expected, given: self.operands.len() }
    }

    /// That what holds indices is stored as `i32`, and nothing else.
    fn contents(&self) -> Result<(), VencError> {
        for (index, ty) in self.operands.iter().enumerate() {
            let holds = self.operand(index).map_or(Holds::Numbers, |operand| operand.holds);
            let expected = match (holds, ty.element == ElementType::I32) {
                (Holds::Indices, false) => "and holds indices, which are stored as i32",
                (Holds::Numbers, true) => {
                    "and i32 is for indices: gather_rows, inverse_permutation and mask_segments read them"
                }
                (Holds::Indices, true) | (Holds::Numbers, false) => continue,
            };
            return Err(self.bad_operand(index, expected));
        }
        Ok(())
    }

    fn ranks(&self) -> Result<(), VencError> {
        for (index, ty) in self.operands.iter().enumerate() {
            let Some(declared) = self.operand(index) else { continue };
            let (min, max) = (declared.least_rank, declared.greatest_rank);
            let expected = match ty.rank() {
                rank if rank >= min && rank <= max => continue,
                _ if min == max => format!("and must have {min} dimension(s)"),
                rank if rank < min => format!("and must have at least {min} dimension(s)"),
                _ => format!("and must have at most {max} dimension(s)"),
            };
            return Err(self.bad_operand(index, expected));
        }
        Ok(())
    }

    /// What is declared of the operand at that position.
    fn operand(&self, index: usize) -> Option<&'static Operand> {
        self.declared.get(index).or(self.declared.last().filter(|o| o.times == Times::Repeated))
    }
}
