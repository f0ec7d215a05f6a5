//! From image files to `pixel_values`, as a checkpoint's processor config says.
//!
//! The answer is that of the Pillow backend of Hugging Face's image processors, given the image by their own
//! `load_image`, in the same five steps:
//!
//! ```text
//! a.jpg ── decode ──► upright RGB levels ── resize ──► ── center crop ──► levels [3, h, w]
//!                                                      ── rescale ──► ── normalize ──► pixel_values [1, 3, h, w]
//! ```
//!
//! Up to the crop all is in whole levels from 0 to 255, and the filters round to them after each direction, as
//! Pillow's do.

mod center_crop;
mod config;
mod decode;
mod error;
mod parallel;
mod pixel_budget;
mod processor_config;
mod resample;
mod resize;
mod values;

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
use ocellus_dialects::HostTensor;
use resample::{CHANNELS, Levels, OutputPart, View};
use resize::Resize;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use values::Values;

/// The longest side that a config can ask for, in pixels.
const MAX_SIDE: u32 = 65_535;

/// The longest side of an image, in pixels: Pillow counts with C's `int`.
const MAX_LINES: u32 = i32::MAX.unsigned_abs();

/// The most pixels of an image, decoded or as it comes out: where Pillow takes a file for a decompression bomb.
const MAX_PIXELS: u64 = 2 * 89_478_485;

/// Turns image files into `pixel_values`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessor {
    resize: Option<Resize>,
    crop: Option<CenterCrop>,
    values: Values,
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

    /// The `pixel_values` of those files, `[images, 3, height, width]`. As many are in work at a time as there are cores.
    ///
    /// # Errors
    /// A file that cannot be read, is no image, has a zero side or too many pixels; and files that come out in
    /// different sizes, which one tensor cannot hold. Of several errors, that of the first file.
    pub fn run(&self, files: &[impl AsRef<Path> + Sync]) -> Result<HostTensor, PreprocessError> {
        self.run_on(files, thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// As [`run`](Self::run), with that many threads. The answer is the same for any number; each holds one decoded
    /// image.
    pub fn run_on(
        &self,
        files: &[impl AsRef<Path> + Sync],
        threads: NonZeroUsize,
    ) -> Result<HostTensor, PreprocessError> {
        let first: OnceLock<((u32, u32), &Path)> = OnceLock::new();
        let is_like_first = |levels: &Levels, second: &Path| match first.get() {
            Some((size, first)) if *size != levels.size() => Err(PreprocessError::DifferentSizes {
                first: first.to_path_buf(),
                first_size: *size,
                second: second.to_path_buf(),
                second_size: levels.size(),
            }),
            _ => Ok(()),
        };
        let outcomes = parallel::in_order(files.iter(), threads, |index, file| {
            let file: &Path = file.as_ref();
            let levels = self.levels(file)?;
            if index == 0 {
                first.get_or_init(|| (levels.size(), file));
            }
            // Where the first is done, this saves the work on the rest; below, it is.
            is_like_first(&levels, file)?;
            Ok::<_, PreprocessError>(levels)
        });
        let mut images = Vec::with_capacity(files.len());
        for (outcome, file) in outcomes.into_iter().zip(files) {
            let levels = outcome?;
            is_like_first(&levels, file.as_ref())?;
            images.push(levels);
        }
        self.pixel_values(&images, threads)
    }

    /// The `pixel_values` of images of one size.
    fn pixel_values(
        &self,
        images: &[Levels],
        threads: NonZeroUsize,
    ) -> Result<HostTensor, PreprocessError> {
        let (width, height) = images.first().map_or((0, 0), |image| (image.width, image.height));
        let mut tensor = HostTensor::zeros(vec![images.len(), CHANNELS, height, width])
            .ok_or(PreprocessError::NoMemory { images: images.len(), width, height })?;
        let outputs = tensor.data.chunks_exact_mut((CHANNELS * height * width).max(1));
        parallel::in_order(outputs.zip(images), threads, |_, (output, levels)| {
            self.values.fill(output, levels);
            Ok::<_, ()>(())
        });
        Ok(tensor)
    }

    /// One file as levels: decoded, resized, cropped.
    fn levels(&self, file: &Path) -> Result<Levels, PreprocessError> {
        let image = decode(file)?;
        let (width, height) = image.dimensions();
        let part = self.part(width, height, file)?;
        let (width, height) = (width as usize, height as usize);
        let levels = match &self.resize {
            Some(resize) => resize.apply(View::new(&image, width, height), &part, file)?,
            None if part.is_whole() => Levels { width, height, bytes: image.into_raw() },
            None => View::new(&image, width, height).part(&part).to_levels(),
        };
        Ok(match &self.crop {
            Some(crop) => crop.pad(levels),
            None => levels,
        })
    }

    /// What an image of that size becomes when it is resized, and which part of that the crop shows.
    ///
    /// The rest is never computed, so only the part has to be of a size that memory should be spent on.
    fn part(&self, width: u32, height: u32, file: &Path) -> Result<OutputPart, PreprocessError> {
        let (width, height) = match &self.resize {
            Some(resize) => resize.size_of(width, height, file)?,
            None => (width, height),
        };
        let part = match &self.crop {
            Some(crop) => crop.part(width, height),
            None => OutputPart::whole(width, height),
        };
        let (width, height) = part.size();
        check_size(file, "would come out", width.into(), height.into())?;
        Ok(part)
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
        OutputSizeRange::within(1, MAX_SIDE)
    }
}

/// Fails where that many pixels are too many.
fn check_size(
    file: &Path,
    becomes: &'static str,
    width: u64,
    height: u64,
) -> Result<(), PreprocessError> {
    let side = u64::from(MAX_LINES);
    if width > side || height > side || width * height > MAX_PIXELS {
        let file = file.to_path_buf();
        return Err(PreprocessError::TooLarge { file, becomes, width, height });
    }
    Ok(())
}
