//! An image file as upright RGB levels, as transformers' `load_image` gives it: EXIF orientation applied, then Pillow's
//! `convert("RGB")`, which drops alpha.

use super::jpeg::levels_of_libjpeg;
use super::{LONGEST_SIDE, MOST_PIXELS, PreprocessError};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The image in a file. The bytes decide on the format, not the name.
pub(super) fn decode(file: &Path) -> Result<RgbImage, PreprocessError> {
    let unreadable = |source| PreprocessError::Unreadable { file: file.to_path_buf(), source };
    let undecodable = |source| PreprocessError::Undecodable { file: file.to_path_buf(), source };
    let opened = File::open(file).map_err(unreadable)?;
    let mut reader =
        ImageReader::new(BufReader::new(opened)).with_guessed_format().map_err(unreadable)?;
    let Some(format) = reader.format() else {
        return Err(PreprocessError::NotAnImage { file: file.to_path_buf() });
    };
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(undecodable)?;

    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(PreprocessError::ZeroSide { file: file.to_path_buf(), width, height });
    }
    check_size(file, "is", width.into(), height.into())?;

    // A damaged EXIF block says nothing about the pixels, so the image is taken as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    // The decoder above has judged the file; of a JPEG, Pillow's levels are libjpeg's.
    let of_libjpeg = match format {
        ImageFormat::Jpeg => levels_of_libjpeg(file),
        _ => None,
    };
    let levels = of_libjpeg.filter(|levels| levels.dimensions() == (width, height));
    let mut image = DynamicImage::ImageRgb8(levels.unwrap_or_else(|| convert_to_rgb(image)));
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Fails where that many pixels are too many.
pub(super) fn check_size(
    file: &Path,
    becomes: &'static str,
    width: u64,
    height: u64,
) -> Result<(), PreprocessError> {
    let side = u64::from(LONGEST_SIDE);
    if width > side || height > side || width * height > MOST_PIXELS {
        let file = file.to_path_buf();
        return Err(PreprocessError::TooLarge { file, becomes, width, height });
    }
    Ok(())
}

/// What a decoder may use: eight bytes a pixel is the widest colour type, twice that leaves it room to work.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * MOST_PIXELS);
    limits
}

/// Pillow's `convert("RGB")`. Alpha is dropped, not blended; gray is repeated.
fn convert_to_rgb(image: DynamicImage) -> RgbImage {
    match image {
        // Pillow keeps 16-bit gray as it is, and its way to RGB cuts off at 255. The model sees what it saw in training.
        DynamicImage::ImageLuma16(gray) => map_pixels(&gray, |level| level.min(255) as u8),
        DynamicImage::ImageLumaA16(gray) => map_pixels(&gray, high_byte),
        DynamicImage::ImageRgb16(rgb) => map_pixels(&rgb, high_byte),
        DynamicImage::ImageRgba16(rgba) => map_pixels(&rgba, high_byte),
        other => other.into_rgb8(),
    }
}

/// Pillow reads 16 bits a channel of colour as 8 by leaving the low byte away.
fn high_byte(level: u16) -> u8 {
    level.to_be_bytes()[0]
}

/// The image with each level narrowed. Gray goes to all three channels; what follows the colour is dropped.
fn map_pixels<P: image::Pixel<Subpixel = u16>>(
    image: &image::ImageBuffer<P, Vec<u16>>,
    narrow: impl Fn(u16) -> u8,
) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        image::Rgb(image.get_pixel(x, y).to_rgb().0.map(&narrow))
    })
}
