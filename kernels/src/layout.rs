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
    /// The first element lies at a multiple of so many elements.
    pub start_alignment: i64,
}

/// Every tensor begins at a multiple of so many bytes, those of callers too. (Those within an arena begin at multiples of
/// 64; no instruction asks for more than 16.)
const TENSOR_ALIGNMENT: i64 = 16;

impl Layout {
    /// The layout of a tensor that is contiguous.
    pub fn contiguous(ty: &TensorType) -> Self {
        let image_stride = ty.shape.iter().skip(1).cloned().product();
        Layout {
            ty: ty.clone(),
            row_stride: ty.width(),
            image_stride,
            patches: None,
            start_alignment: TENSOR_ALIGNMENT / ty.element.bytes(),
        }
    }

    /// The product of all dimensions but the first and the last.
    pub fn rows_per_image(&self) -> Dim {
        let middle = self.ty.rank().saturating_sub(2);
        self.ty.shape.iter().skip(1).take(middle).cloned().product()
    }

    /// The most elements, a power of two, of which every row begins at a multiple; of patches, every row of their pixels.
    pub fn row_alignment(&self) -> i64 {
        let rows = match self.ty.rank() {
            0 | 1 => self.start_alignment,
            _ => aligned(self.start_alignment, &self.row_stride),
        };
        let images = if self.ty.rank() < 3 { rows } else { aligned(rows, &self.image_stride) };
        match &self.patches {
            None => images,
            Some(PatchLayout { pixel_row_stride, channel_stride, .. }) => {
                let distances = [&self.image_stride, pixel_row_stride, channel_stride];
                distances.into_iter().fold(images, aligned)
            }
        }
    }

    /// The most elements of a row, a power of two, that a GPU reads at once from a multiple of as many.
    pub(crate) fn vector(&self) -> i64 {
        self.vector_from(self.row_alignment())
    }

    /// The same of places that are multiples of so many elements.
    pub(crate) fn vector_from(&self, alignment: i64) -> i64 {
        alignment.min(TENSOR_ALIGNMENT / self.ty.element.bytes())
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
            start_alignment: image.start_alignment,
        })
    }

    /// The view of it, of type `ty`: how many elements it begins behind this one, and its layout. `None` where strides
    /// cannot express it.
    pub fn view(&self, view: &View, ty: &TensorType) -> Option<(Dim, Layout)> {
        if self.patches.is_some() {
            return None;
        }
        let strided = |start: Dim, row_stride: &Dim, image_stride: &Dim| {
            let layout = Layout {
                ty: ty.clone(),
                row_stride: row_stride.clone(),
                image_stride: image_stride.clone(),
                patches: None,
                start_alignment: common_power_of_two(self.start_alignment, factor(&start)),
            };
            Some((start, layout))
        };
        let (none, rows, images) = (Dim::from(0), &self.row_stride, &self.image_stride);
        match view {
            View::SliceColumns(SliceColumns { start, .. }) => {
                strided(Dim::from(*start), rows, images)
            }
            View::SelectToken(SelectToken { index }) => {
                strided(Dim::from(*index) * rows.clone(), images, images)
            }
            View::SliceTokens(SliceTokens { start, .. }) => {
                strided(Dim::from(*start) * rows.clone(), rows, images)
            }
            View::Patchify(Patchify { height, width, cols, .. }) => {
                Some((none, Layout::of_patches(self, ty, (*height, *width), cols)?))
            }
            View::BroadcastImages(_) => strided(none.clone(), rows, &none),
            View::Reshape(_) => {
                let contiguous = |ty| {
                    let start_alignment = self.start_alignment;
                    Layout { start_alignment, ..Layout::contiguous(ty) }
                };
                (*self == contiguous(&self.ty)).then(|| (none, contiguous(ty)))
            }
        }
    }
}

/// The greatest power of two that divides a distance, whatever the sizes, and the one that is given.
pub(crate) fn aligned(alignment: i64, distance: &Dim) -> i64 {
    common_power_of_two(alignment, factor(distance))
}

/// What a distance is a multiple of, whatever the sizes: 0 where it is 0.
fn factor(distance: &Dim) -> i64 {
    distance.terms().fold(0, |factor, (coefficient, _)| factor | coefficient)
}

/// The greatest power of two that divides both numbers, of which the first is one.
fn common_power_of_two(power: i64, number: i64) -> i64 {
    let both = power | number;
    both & both.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::{BF16, F32};

    fn contiguous(element: ocellus_dialects::ElementType, shape: &[&str]) -> Layout {
        Layout::contiguous(&TensorType::new(
            element,
            shape.iter().map(|dim| dim.parse::<Dim>().unwrap()),
        ))
    }

    #[test]
    fn rows_are_as_aligned_as_their_distances_and_their_start() {
        assert_eq!(contiguous(BF16, &["images*197", "768"]).row_alignment(), 8);
        assert_eq!(contiguous(F32, &["images*197", "768"]).row_alignment(), 4);
        assert_eq!(contiguous(BF16, &["images", "197", "100"]).row_alignment(), 4);
        assert_eq!(contiguous(BF16, &["7", "33"]).row_alignment(), 1);
        assert_eq!(contiguous(BF16, &["7", "2*rows"]).row_alignment(), 2);
        assert_eq!(contiguous(BF16, &["33"]).row_alignment(), 8);
    }

    #[test]
    fn patches_are_as_aligned_as_their_width_and_the_rows_of_the_image() {
        for (width, side, alignment) in [(16, 224, 8), (14, 224, 2), (16, 210, 2), (7, 224, 1)] {
            let image = Layout::contiguous(&TensorType::new(BF16, [2, 3, side, side]));
            let ty = TensorType::new(BF16, [2, side / width, 3 * width]);
            let cols = Dim::from(side / width);
            let patches = Layout::of_patches(&image, &ty, (1, width), &cols).unwrap();
            assert_eq!(patches.row_alignment(), alignment, "{width} of {side}");
        }
    }

    #[test]
    fn a_view_is_as_aligned_as_where_it_begins() {
        let packed = contiguous(BF16, &["images", "197", "2304"]);
        let ty = contiguous(BF16, &["images", "197", "72"]).ty;
        for (start, alignment) in [(768, 8), (72, 8), (4, 4), (6, 2), (7, 1)] {
            let view = View::from(SliceColumns { start, length: 72 });
            assert_eq!(packed.view(&view, &ty).unwrap().1.row_alignment(), alignment);
        }
        let odd = contiguous(BF16, &["images", "197", "36"]);
        let token = View::from(SelectToken { index: 1 });
        let ty = contiguous(BF16, &["images", "36"]).ty;
        assert_eq!(odd.view(&token, &ty).unwrap().1.row_alignment(), 4);
    }
}
