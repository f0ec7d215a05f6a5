//! [`Layout`]: how an operand lies in memory.

use crate::PatchLayout;
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::View;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Patchify, SelectToken, SliceColumns, SliceTokens};

/// How an operand lies in memory: element `(i0, .., row, column)` of a tensor whose rows are contiguous, or are patches of
/// an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The type.
    pub ty: TensorType,
    /// Elements from one row to the next; from a patch to the one beside it.
    pub row_stride: Dim,
    /// Elements from one index of the first dimension to the next; zero where all images share memory.
    pub image_stride: Dim,
    /// What else there is to know where rows are patches of an image.
    pub patches: Option<PatchLayout>,
}

impl Layout {
    /// The layout of a tensor that is contiguous.
    pub fn contiguous(ty: &TensorType) -> Self {
        let image_stride = ty.shape.iter().skip(1).cloned().product();
        Layout { ty: ty.clone(), row_stride: ty.width(), image_stride, patches: None }
    }

    /// The product of all dimensions but the first and the last.
    pub fn rows_per_image(&self) -> Dim {
        let middle = self.ty.rank().saturating_sub(2);
        self.ty.shape.iter().skip(1).take(middle).cloned().product()
    }

    /// Whether all images share memory.
    pub fn is_shared_by_images(&self) -> bool {
        self.image_stride == Dim::from(0)
    }

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

    /// The view of it, of type `ty`: how many elements it begins behind this one, and its layout. `None` where strides
    /// cannot express it.
    pub fn view(&self, view: &View, ty: &TensorType) -> Option<(Dim, Layout)> {
        if self.patches.is_some() {
            return None;
        }
        let strided = |row_stride: &Dim, image_stride: Dim| Layout {
            ty: ty.clone(),
            row_stride: row_stride.clone(),
            image_stride,
            patches: None,
        };
        let none = Dim::from(0);
        match view {
            View::SliceColumns(SliceColumns { start, .. }) => {
                let layout = strided(&self.row_stride, self.image_stride.clone());
                Some((Dim::from(*start), layout))
            }
            View::SelectToken(SelectToken { index }) => {
                let layout = strided(&self.image_stride, self.image_stride.clone());
                Some((Dim::from(*index) * self.row_stride.clone(), layout))
            }
            View::SliceTokens(SliceTokens { start, .. }) => {
                let layout = strided(&self.row_stride, self.image_stride.clone());
                Some((Dim::from(*start) * self.row_stride.clone(), layout))
            }
            View::Patchify(Patchify { height, width, cols, .. }) => {
                Some((none, Layout::of_patches(self, ty, (*height, *width), cols)?))
            }
            View::BroadcastImages(_) => Some((none.clone(), strided(&self.row_stride, none))),
            View::Reshape(_) => {
                (*self == Layout::contiguous(&self.ty)).then(|| (none, Layout::contiguous(ty)))
            }
        }
    }
}
