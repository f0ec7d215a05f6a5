//! From image files to `pixel_values`, as a checkpoint's processor config says.
//!
//! The answer is that of the Pillow backend of Hugging Face's image processors, given the image by their own
//! `load_image`, in the same five steps:
//!
//! ```text
//! a.jpg ── decode ──► upright RGB levels ── resize ──► ── centre crop ──► levels [3, h, w]
//!                                                      ── rescale ──► ── normalise ──► pixel_values [1, 3, h, w]
//! ```
//!
//! Up to the crop all is in whole levels from 0 to 255, and the filters round to them after each direction, as
//! Pillow's do.

mod center_crop;
mod config;
mod decode;
mod error;
mod pixel_budget;
mod processor_config;
mod resize;

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod processor_files;

pub use decode::DecodeError;
pub use error::PreprocessError;
pub use pixel_budget::PixelBudget;
pub use processor_config::ProcessorConfig;

use center_crop::CenterCrop;
use decode::decode;
use ocellus_runtime::HostTensor;
use resize::Resize;
use std::ops::RangeInclusive;
use std::path::Path;

/// The longest side of an image, decoded, resized or cropped, in pixels.
const LONGEST_SIDE: u32 = 65_535;

/// The most pixels of an image, decoded, resized or cropped: where Pillow takes a file for a decompression bomb.
const MOST_PIXELS: u64 = 2 * 89_478_485;

/// Turns image files into `pixel_values`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessor {
    resize: Option<Resize>,
    crop: Option<CenterCrop>,
    /// By channel and level, what stands in `pixel_values`: rescaling and normalising are one table.
    values: [Vec<f32>; 3],
}

/// The sizes that a [`Preprocessor`] can give, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSizeRange {
    /// Of the image's height.
    pub height: RangeInclusive<u64>,
    /// Of the image's width.
    pub width: RangeInclusive<u64>,
    /// Both are multiples of it.
    pub step: u64,
}

impl Preprocessor {
    /// The preprocessor of a checkpoint's directory.
    ///
    /// # Errors
    /// The directory has no [`ProcessorConfig`], or one that cannot be read, makes no sense, or asks for what is not
    /// done here.
    pub fn load(directory: &Path) -> Result<Self, PreprocessError> {
        match ProcessorConfig::load(directory)? {
            Some(config) => Preprocessor::new(&config),
            None => Err(PreprocessError::NoConfig { directory: directory.to_path_buf() }),
        }
    }

    /// The preprocessor that a config describes.
    pub fn new(config: &ProcessorConfig) -> Result<Self, PreprocessError> {
        config::preprocessor(config)
    }

    /// The sizes that it can give, whatever the image: the range to compile for.
    pub fn output_size_range(&self) -> OutputSizeRange {
        if let Some(crop) = self.crop {
            return OutputSizeRange::exactly(crop.height, crop.width);
        }
        self.resize
            .as_ref()
            .map_or(OutputSizeRange::any(), |resize| resize.size.output_size_range())
    }

    /// The `pixel_values` of those files, `[images, 3, height, width]`.
    ///
    /// # Errors
    /// A file that cannot be read, is no image, has a zero side or too many pixels; and files that come out in
    /// different sizes, which one tensor cannot hold.
    pub fn run(&self, files: &[impl AsRef<Path>]) -> Result<HostTensor, PreprocessError> {
        let mut size = None;
        let mut data = Vec::new();
        for file in files {
            let file = file.as_ref();
            let image = self.levels(file)?;
            let (expected, first) = *size.get_or_insert((image.dimensions(), file));
            if image.dimensions() != expected {
                return Err(PreprocessError::DifferentSizes {
                    first: first.to_path_buf(),
                    first_size: expected,
                    second: file.to_path_buf(),
                    second_size: image.dimensions(),
                });
            }
            for (channel, values) in self.values.iter().enumerate() {
                data.extend(image.pixels().map(|pixel| values[usize::from(pixel.0[channel])]));
            }
        }
        let (width, height) = size.map_or((0, 0), |(size, _)| size);
        Ok(HostTensor { shape: vec![files.len(), 3, height as usize, width as usize], data })
    }

    /// One file as levels: decoded, resized, cropped.
    fn levels(&self, file: &Path) -> Result<image::RgbImage, PreprocessError> {
        let mut image = decode(file)?;
        if let Some(resize) = &self.resize {
            image = resize.apply(image, file)?;
        }
        if let Some(crop) = &self.crop {
            image = crop.apply(&image);
        }
        Ok(image)
    }
}

impl OutputSizeRange {
    /// One size.
    fn exactly(height: u32, width: u32) -> Self {
        let point = |side| u64::from(side)..=u64::from(side);
        OutputSizeRange { height: point(height), width: point(width), step: 1 }
    }

    /// Sides within `shortest` and `longest`.
    fn within(shortest: u32, longest: u32) -> Self {
        let range = u64::from(shortest)..=u64::from(longest);
        OutputSizeRange { height: range.clone(), width: range, step: 1 }
    }

    /// Every size that an image can have.
    fn any() -> Self {
        OutputSizeRange::within(1, LONGEST_SIDE)
    }
}
