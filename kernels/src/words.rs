//! [`Words`]: what a kernel reads of its argument block, declared in the order in which it does.

use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Access, Amount, Pointer, Signature, Walk, Word};

/// The words of a [`Signature`] so far.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<Word>);

/// The place of an address, until it is known what is done there: that may depend on words behind it.
#[must_use]
pub(crate) struct Address(usize);

impl Words {
    /// The next word is a number of things.
    pub(crate) fn count(&mut self) -> Amount {
        self.number(Word::Count { least: 0 })
    }

    /// The next word is a number of things, at least one: the kernel divides by it.
    pub(crate) fn positive(&mut self) -> Amount {
        self.number(Word::Count { least: 1 })
    }

    /// The next word is a number of elements from one thing to the next.
    pub(crate) fn distance(&mut self) -> Amount {
        self.number(Word::Distance)
    }

    fn number(&mut self, word: Word) -> Amount {
        self.0.push(word);
        Amount::Word(self.0.len() - 1)
    }

    /// The next word is an address.
    pub(crate) fn address(&mut self) -> Address {
        // Replaced by what is done there.
        self.0.push(Word::Distance);
        Address(self.0.len() - 1)
    }

    /// The kernel reads there.
    pub(crate) fn read(&mut self, at: Address, element: ElementType, walks: impl Into<Vec<Walk>>) {
        self.access(Access::Read, at, element, walks.into());
    }

    /// The kernel writes there.
    pub(crate) fn write(&mut self, at: Address, element: ElementType, walks: impl Into<Vec<Walk>>) {
        self.access(Access::Write, at, element, walks.into());
    }

    /// The kernel reads a run of elements at the next word.
    pub(crate) fn read_run(&mut self, element: ElementType, elements: impl Into<Amount>) {
        let at = self.address();
        self.read(at, element, [Walk::run(elements)]);
    }

    /// Reads or writes: what is done at an address.
    pub(crate) fn access(
        &mut self,
        access: Access,
        Address(at): Address,
        element: ElementType,
        walks: Vec<Walk>,
    ) {
        let pointer = Pointer { access, element_bytes: element.bytes(), walks };
        if let Some(word) = self.0.get_mut(at) {
            *word = Word::Pointer(pointer);
        }
    }

    /// The signature of a kernel whose words say how many tiles there are.
    pub(crate) fn tiled(self, tiles: Amount, scratch_bytes: impl Into<Amount>) -> Signature {
        Signature { words: self.0, tiles: Some(tiles), scratch_bytes: scratch_bytes.into() }
    }
}
