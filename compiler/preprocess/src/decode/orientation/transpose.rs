//! Turns and mirrors an image.

use image::{RgbImage, imageops};

/// The image as EXIF's orientation `orientation`, from 1 to 8, says that it is to be seen.
pub(super) fn transpose(mut image: RgbImage, orientation: u8) -> RgbImage {
    match orientation {
        2 => imageops::flip_horizontal_in_place(&mut image),
        3 => imageops::rotate180_in_place(&mut image),
        4 => imageops::flip_vertical_in_place(&mut image),
        5 => {
            image = imageops::rotate90(&image);
            imageops::flip_horizontal_in_place(&mut image);
        }
        6 => image = imageops::rotate90(&image),
        7 => {
            image = imageops::rotate270(&image);
            imageops::flip_horizontal_in_place(&mut image);
        }
        8 => image = imageops::rotate270(&image),
        _ => {}
    }
    image
}
