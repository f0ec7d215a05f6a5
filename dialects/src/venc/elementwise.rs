//! [`Elementwise`]: the operations that a kernel can do to an element before it stores it.

use super::subset::subset;
use super::{Activate, Attribute, AttributePlace, Clamp, Scale};
use std::fmt;
use std::hash::{Hash, Hasher};

subset! {
    /// An operation that is a function of each element by itself: a step of an epilogue. Two are equal where they give the
    /// same bits: `-0.0` is another factor than `0.0`.
    #[derive(Clone, Copy, Debug)]
    pub Elementwise { Activate, Clamp, Scale }
}

impl Copy for Activate {}
impl Copy for Clamp {}
impl Copy for Scale {}

/// `gelu`, `scale 0.5`.
impl fmt::Display for Elementwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation();
        f.write_str(operation.name())?;
        let values = operation.declaration().attributes.iter().zip(operation.attributes());
        for (declared, value) in values {
            match (declared.place, value) {
                (AttributePlace::Name, _) => {}
                (_, Attribute::Number(number)) => write!(f, " {number}")?,
                (_, value) => write!(f, " {value}")?,
            }
        }
        Ok(())
    }
}

impl Elementwise {
    /// Its text, from which it could be read back to the bit.
    fn identity(&self) -> (&'static str, Vec<(&'static str, String)>) {
        (self.operation().name(), self.operation().dictionary())
    }
}

impl PartialEq for Elementwise {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Elementwise {}

impl Hash for Elementwise {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}
