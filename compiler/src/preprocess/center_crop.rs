//! The centre crop step.

use image::{RgbImage, imageops};

/// Takes the middle of an image, with black around it where the image is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CenterCrop {
    pub height: u32,
    pub width: u32,
    /// Where an odd number of black lines is added, the odd one goes below and right, as the torchvision backend does;
    /// else above and left, as the Pillow backend does.
    pub odd_line_last: bool,
}

impl CenterCrop {
    /// The middle of the image.
    pub fn apply(&self, image: &RgbImage) -> RgbImage {
        let mut cropped = RgbImage::new(self.width, self.height);
        let left = self.offset(image.width(), self.width);
        let top = self.offset(image.height(), self.height);
        imageops::replace(&mut cropped, image, left, top);
        cropped
    }

    /// Where the image's first pixel lies in the crop; negative where the crop begins inside the image.
    fn offset(&self, image: u32, crop: u32) -> i64 {
        let (image, crop) = (i64::from(image), i64::from(crop));
        if crop <= image {
            return -((image - crop) / 2);
        }
        (crop - image + i64::from(!self.odd_line_last)) / 2
    }
}
