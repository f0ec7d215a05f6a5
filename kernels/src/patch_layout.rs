//! How the patches of an image lie in it, where a kernel reads them without a copy of their own.

use ocellus_dialects::symbolic::Dim;

/// Patches of an image `[images, channels, H, W]` as rows of `channels * height * width` elements. A row is no run of
/// memory: it is `channels * height` runs of `width` pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchLayout {
    /// Channels of the image.
    pub channels: Dim,
    /// Pixels in a patch, downwards.
    pub height: i64,
    /// Pixels in a patch, across.
    pub width: i64,
    /// Patches across.
    pub cols: Dim,
    /// Elements from one row of pixels to the next.
    pub pixel_row_stride: Dim,
    /// Elements from one channel to the next.
    pub channel_stride: Dim,
}
