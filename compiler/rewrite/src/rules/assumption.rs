//! [`Assumption`]: what no program says of its data, and a user may.

use std::fmt;
use std::str::FromStr;

/// Something that a user says of all data that a compiled model will see. Rules may demand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Assumption {
    /// The mean of each row that a layer norm reads is at most 16 times its standard deviation. A program that relies on
    /// it may then be wrong by 16 times the rounding of f32 in a sum, which is less than what models are verified to.
    CenteredRows,
}

impl Assumption {
    /// Every assumption.
    pub const ALL: [Assumption; 1] = [Assumption::CenteredRows];

    /// The name that `--assume` takes.
    pub fn name(self) -> &'static str {
        match self {
            Assumption::CenteredRows => "centered-rows",
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of an assumption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no assumption `{0}`; there is `centered-rows`: the mean of each row that a layer norm reads is at most 16 \
         times its standard deviation"
)]
pub struct UnknownAssumption(String);

impl FromStr for Assumption {
    type Err = UnknownAssumption;

    fn from_str(name: &str) -> Result<Self, UnknownAssumption> {
        let found = Assumption::ALL.into_iter().find(|assumption| assumption.name() == name);
        found.ok_or_else(|| UnknownAssumption(name.to_string()))
    }
}
