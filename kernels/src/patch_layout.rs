//! How the patches of an image lie in it, where a kernel reads them without a copy of their own.

use crate::Layout;
use ocellus_dialects::TensorType;
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

impl Layout {
    /// Patches of `height` by `width` pixels of an image, `cols` of them across, typed `ty`; `None` where it is no image.
    pub fn of_patches(
        image: &Layout,
        ty: &TensorType,
        (height, width): (i64, i64),
        cols: &Dim,
    ) -> Option<Layout> {
        let ([_, channels, pixel_rows, _], None) = (image.ty.shape.as_slice(), &image.patches)
        else {
            return None;
        };
        let patches = PatchLayout {
            channels: channels.clone(),
            height,
            width,
            cols: cols.clone(),
            pixel_row_stride: image.row_stride.clone(),
            channel_stride: pixel_rows.clone() * image.row_stride.clone(),
        };
        Some(Layout {
            ty: ty.clone(),
            row_stride: Dim::from(width),
            image_stride: image.image_stride.clone(),
            patches: Some(patches),
        })
    }
}
