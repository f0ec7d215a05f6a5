//! [`Family`]: who does a launch.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kernel family: a folder of `kernels/`, the only judge of what its kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// `softmax(q k^T) v`, the scores never in memory.
    Attention,
    /// Two products in one launch.
    BackToBackGemm,
    /// A product of two activations for each of the leading dimensions.
    BatchedGemm,
    /// A product with a weight.
    Gemm,
    /// Elements moved, or a few of them weighed.
    Move,
    /// Products with slices of a weight: split-K.
    PartialGemm,
    /// Rows, each by itself.
    #[serde(rename = "rowwise")]
    RowWise,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 7] = [
        Family::Attention,
        Family::BackToBackGemm,
        Family::BatchedGemm,
        Family::Gemm,
        Family::Move,
        Family::PartialGemm,
        Family::RowWise,
    ];

    /// Its name in programs, artifacts and reports.
    pub fn name(self) -> &'static str {
        match self {
            Family::Attention => "attention",
            Family::BackToBackGemm => "back_to_back_gemm",
            Family::BatchedGemm => "batched_gemm",
            Family::Gemm => "gemm",
            Family::Move => "move",
            Family::PartialGemm => "partial_gemm",
            Family::RowWise => "rowwise",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no kernel family of that name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("there is no kernel family `{0}`")]
pub struct UnknownFamily(String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(name: &str) -> Result<Self, UnknownFamily> {
        let found = Family::ALL.into_iter().find(|family| family.name() == name);
        found.ok_or_else(|| UnknownFamily(name.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    #[test]
    fn a_family_has_one_name_everywhere() {
        for family in Family::ALL {
            assert_eq!(family.name().parse(), Ok(family));
            let read: Result<Family, Error> =
                Family::deserialize(family.name().into_deserializer());
            assert_eq!(read, Ok(family));
        }
        let error = "gem".parse::<Family>().unwrap_err();
        assert_eq!(error.to_string(), "there is no kernel family `gem`");
    }
}
