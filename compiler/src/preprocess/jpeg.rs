//! The levels of a JPEG as Pillow has them, to the bit.
//!
//! The standard leaves the inverse transform and the way chroma is enlarged to the decoder: others are up to four levels
//! away from libjpeg, which Pillow uses, and so is what a model saw in training. libjpeg is C, so a file reaches it only
//! after a memory-safe decoder has accepted the whole of it.

use image::RgbImage;
use std::path::Path;

/// The levels as libjpeg decodes them; `None` where it refuses the file or its colours (CMYK), which other decoders take.
pub(super) fn levels_of_libjpeg(file: &Path) -> Option<RgbImage> {
    // libjpeg reports errors by unwinding.
    std::panic::catch_unwind(|| read(file).ok()).ok()??
}

fn read(file: &Path) -> std::io::Result<Option<RgbImage>> {
    let mut decompressed = mozjpeg::Decompress::new_path(file)?.rgb()?;
    let (width, height) = (decompressed.width(), decompressed.height());
    let levels = decompressed.read_scanlines::<u8>()?;
    decompressed.finish()?;
    let sides = u32::try_from(width).ok().zip(u32::try_from(height).ok());
    Ok(sides.and_then(|(width, height)| RgbImage::from_raw(width, height, levels)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_jpeg_is_refused_without_a_crash() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(levels_of_libjpeg(&folder.join("Cargo.toml")), None);
        assert_eq!(levels_of_libjpeg(&folder.join("no such file")), None);
    }

    #[test]
    fn a_jpeg_that_ends_early_does_not_crash() {
        let jpeg = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/images/harbour.jpg");
        let bytes = std::fs::read(jpeg).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.jpg");
        for length in [0, 2, 20, 200, 2000, bytes.len() / 2] {
            std::fs::write(&file, &bytes[..length]).unwrap();
            let levels = levels_of_libjpeg(&file);
            assert!(levels.is_none_or(|image| image.dimensions() == (640, 426)), "{length}");
        }
    }
}
