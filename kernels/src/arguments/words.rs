//! [`Words`]: what a kernel does with the words of its argument block.

use super::{Address, Change, Part, Placed, Shape};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Access, Amount, Pointer, Signature, Walk, Word};

/// Where each word of that shape stands.
pub(crate) fn place<P: Part<Shape>>(shape: P) -> P::At<Placed> {
    Words::of(shape).1
}

/// The words of a [`Signature`].
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<Word>);

impl Words {
    /// The words of that shape, and where each stands.
    pub(crate) fn of<P: Part<Shape>>(shape: P) -> (Words, P::At<Placed>) {
        let mut words = Words::default();
        let placed = shape.map(&mut words);
        (words, placed)
    }

    /// The kernel reads there.
    pub(crate) fn read(
        &mut self,
        at: &Address<Placed>,
        element: ElementType,
        walks: impl Into<Vec<Walk>>,
    ) {
        self.access(Access::Read, at, element, walks.into());
    }

    /// The kernel reads a run of elements there.
    pub(crate) fn read_run(
        &mut self,
        at: &Address<Placed>,
        element: ElementType,
        elements: impl Into<Amount>,
    ) {
        self.read(at, element, [Walk::run(elements)]);
    }

    /// The kernel writes there.
    pub(crate) fn write(
        &mut self,
        at: &Address<Placed>,
        element: ElementType,
        walks: impl Into<Vec<Walk>>,
    ) {
        self.access(Access::Write, at, element, walks.into());
    }

    fn access(
        &mut self,
        access: Access,
        Address(position): &Address<Placed>,
        element: ElementType,
        walks: Vec<Walk>,
    ) {
        let pointer = Pointer { access, element_bytes: element.bytes(), walks };
        if let Some(word) = self.0.get_mut(*position) {
            *word = Word::Pointer(pointer);
        }
    }

    /// The signature of a kernel whose words say how many tiles there are.
    pub(crate) fn tiled(self, tiles: Amount, scratch_bytes: impl Into<Amount>) -> Signature {
        Signature { words: self.0, tiles: Some(tiles), scratch_bytes: scratch_bytes.into() }
    }

    /// The signature of a kernel whose tiles say how many images there are.
    pub(crate) fn by_image(self, scratch_bytes: impl Into<Amount>) -> Signature {
        Signature { words: self.0, tiles: None, scratch_bytes: scratch_bytes.into() }
    }
}

impl Change<Shape, Placed> for Words {
    fn number(&mut self, kind: Word, (): ()) -> usize {
        self.0.push(kind);
        self.0.len() - 1
    }

    fn address(&mut self, (): ()) -> usize {
        // Replaced by what is done there.
        self.number(Word::Distance, ())
    }
}
