//! [`Given`]: what a launch gives for each word.

use super::{Change, Part, Shape, Stage};
use crate::Argument;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::Word;

/// A dimension for each number, a tensor of the launch for each address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Given;

impl Stage for Given {
    type Number = Dim;
    type Address = Tensor;
}

/// A tensor of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tensor {
    /// The operand of that position.
    Operand(usize),
    /// The result.
    Result,
}

/// The argument block of a launch.
#[derive(Debug)]
pub(crate) struct Flat<P> {
    /// Its words, in their order.
    pub(crate) words: Vec<Argument>,
    /// Which words those are: what a kernel that reads them depends on.
    pub(crate) shape: P,
}

/// Takes from the words of a block what a launch gives for them.
pub(crate) fn flatten<P: Part<Given>>(given: P) -> Flat<P::At<Shape>> {
    let mut taken = Taken(vec![]);
    let shape = given.map(&mut taken);
    Flat { words: taken.0, shape }
}

/// What has been given so far.
struct Taken(Vec<Argument>);

impl Change<Given, Shape> for Taken {
    fn number(&mut self, _: Word, number: Dim) {
        self.0.push(Argument::Integer(number));
    }

    fn address(&mut self, tensor: Tensor) {
        self.0.push(match tensor {
            Tensor::Operand(position) => Argument::Operand(position),
            Tensor::Result => Argument::Result,
        });
    }
}
