//! [`Grid`]: how patches lie in an image.

use ocellus_dialects::symbolic::Dim;

/// How many patches an image has downwards and across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Patches downwards.
    pub rows: Dim,
    /// Patches across.
    pub cols: Dim,
}

impl Grid {
    /// How many patches there are.
    pub fn patches(&self) -> Dim {
        self.rows.clone() * self.cols.clone()
    }
}
