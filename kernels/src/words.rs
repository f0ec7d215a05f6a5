//! [`Words`]: what a kernel reads of its argument block, declared in the order in which it does.

use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Access, Amount, Pointer, Signature, Walk, Word};

/// The words of a [`Signature`] so far.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<Word>);

/// The place of an address, until it is known what is done there: that may depend on words behind it.
#[must_use]
pub(crate) struct Address(usize);

/// The words of a tensor of images: its address, the distance of rows, the distance of images.
pub(crate) struct RowsOfImages {
    at: Address,
    row: Amount,
    image: Amount,
}

impl RowsOfImages {
    /// So many elements in each of so many rows of so many images.
    pub(crate) fn walk(&self, [images, rows, width]: [&Amount; 3]) -> Walk {
        let walk = Walk::run(width.clone()).times(rows.clone(), self.row.clone());
        walk.times(images.clone(), self.image.clone())
    }

    /// The kernel reads there.
    pub(crate) fn read(self, words: &mut Words, element: ElementType, extent: [&Amount; 3]) {
        let walk = self.walk(extent);
        words.read(self.at, element, [walk]);
    }

    /// The kernel writes there.
    pub(crate) fn write(self, words: &mut Words, element: ElementType, extent: [&Amount; 3]) {
        let walk = self.walk(extent);
        words.write(self.at, element, [walk]);
    }
}

impl Words {
    /// The next word is a number of things.
    pub(crate) fn count(&mut self) -> Amount {
        self.number(Word::Count { min: 0 })
    }

    /// The next word is a number of things, at least one: the kernel divides by it.
    pub(crate) fn positive(&mut self) -> Amount {
        self.number(Word::Count { min: 1 })
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

    /// The next words are an address and the distances of rows and of images.
    pub(crate) fn rows_of_images(&mut self) -> RowsOfImages {
        RowsOfImages { at: self.address(), row: self.distance(), image: self.distance() }
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

    /// The signature of a kernel whose tiles say how many images there are.
    pub(crate) fn by_image(self, scratch_bytes: impl Into<Amount>) -> Signature {
        Signature { words: self.0, tiles: None, scratch_bytes: scratch_bytes.into() }
    }
}
