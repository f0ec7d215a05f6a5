//! [`View`]: what can be read otherwise than it lies without being moved.

use crate::venc::subset::subset;

subset! {
    /// A way to read a value without moving it: the operation that it is.
    #[derive(Clone, Debug, PartialEq)]
    pub View { SliceColumns, SelectToken, SliceTokens, Reshape, BroadcastImages, Patchify }
}

/// What stands before the name of the operation in the text.
pub(super) const PREFIX: &str = "view_";
