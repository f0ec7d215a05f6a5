//! [`PreprocessError`].

use super::decode::DecodeError;
use super::{MAX_LINES, MAX_PIXELS};
use ocellus_checkpoint::python_json::JsonFileError;
use std::path::{Path, PathBuf};

/// Why there are no `pixel_values`.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// A file that cannot be opened or read.
    #[error("cannot read `{file}`", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A directory without a processor's config.
    #[error(
        "`{directory}` has no config of an image processor: neither a `processor_config.json` with an \
         `image_processor`, nor a `preprocessor_config.json`", directory = directory.display()
    )]
    NoConfig {
        /// The directory.
        directory: PathBuf,
    },
    /// A config that is no JSON object.
    #[error("`{file}` is not a JSON object: {reason}", file = file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key of a processor's config that makes no sense, or asks for what Ocellus does not do.
    #[error("`{key}` in `{file}` {problem}", file = file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with its value, as the end of a sentence about it.
        problem: String,
    },
    /// A file whose first bytes are those of no image format that is read here.
    #[error("`{file}` is not an image: it begins as no PNG, JPEG, WebP, BMP or GIF does", file = file.display())]
    NotAnImage {
        /// The file.
        file: PathBuf,
    },
    /// An image file that cannot be decoded.
    #[error("cannot decode the image `{file}`", file = file.display())]
    Undecodable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// An image file of an absurd length.
    #[error(
        "the image `{file}` has more than {max_bytes} bytes, which no image of a size that is taken needs",
        file = file.display()
    )]
    FileTooLong {
        /// The file.
        file: PathBuf,
        /// How many it may have.
        max_bytes: u64,
    },
    /// An image without pixels.
    #[error("the image `{file}` is {width} pixels wide and {height} high: it has no pixels", file = file.display())]
    ZeroSide {
        /// The file.
        file: PathBuf,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// An image that has more pixels than memory should be spent on.
    #[error(
        "the image `{file}` is {width} pixels wide and {height} high; at most {MAX_PIXELS} pixels in all are taken",
        file = file.display()
    )]
    TooManyPixels {
        /// The file.
        file: PathBuf,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// An image that would be resized to, or would come out, more than memory should be spent on.
    #[error(
        "the image `{file}` {becomes} {width} pixels wide and {height} high; at most {MAX_LINES} a side and \
         {MAX_PIXELS} in all are taken", file = file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// `would be resized to` or `would come out`.
        becomes: &'static str,
        /// The width.
        width: u64,
        /// The height.
        height: u64,
    },
    /// An image that is so thin that resizing it with its aspect ratio leaves nothing of it.
    #[error(
        "the image `{file}` would be resized to {width} pixels wide and {height} high, which leaves nothing of it: \
         it is too thin for this processor", file = file.display()
    )]
    ResizedToNothing {
        /// The file.
        file: PathBuf,
        /// The width that it would have.
        width: u32,
        /// The height that it would have.
        height: u32,
    },
    /// An image whose resizing would take more weights than memory should be spent on: one that is very long.
    #[error(
        "the image `{file}` is {} pixels wide and {} high; to resize it to {} by {} takes more memory than it should: \
         make it smaller first", size.0, size.1, output.0, output.1, file = file.display()
    )]
    TooManyWeights {
        /// The file.
        file: PathBuf,
        /// Its width and height.
        size: (u32, u32),
        /// The width and height that it would have.
        output: (u32, u32),
    },
    /// More images than memory can hold as `pixel_values`.
    #[error(
        "memory does not suffice for the `pixel_values` of {images} images of {width}x{height} pixels; \
         give fewer at a time"
    )]
    NoMemory {
        /// The number of images.
        images: usize,
        /// Their width.
        width: usize,
        /// Their height.
        height: usize,
    },
    /// Images of one call that come out in different sizes.
    #[error(
        "`{first}` comes out {}x{} pixels and `{second}` {}x{}: one call takes images of one size; \
         run them one by one, or let the processor's config crop or resize to a fixed size",
        first_size.0, first_size.1, second_size.0, second_size.1,
        first = first.display(), second = second.display()
    )]
    DifferentSizes {
        /// The first file.
        first: PathBuf,
        /// Its width and height.
        first_size: (u32, u32),
        /// The file that differs.
        second: PathBuf,
        /// Its width and height.
        second_size: (u32, u32),
    },
}

impl From<JsonFileError> for PreprocessError {
    fn from(error: JsonFileError) -> Self {
        match error {
            JsonFileError::Unreadable { path: file, source } => {
                PreprocessError::Unreadable { file, source }
            }
            JsonFileError::Malformed { path: file, reason } => {
                PreprocessError::NotJson { file, reason }
            }
        }
    }
}

impl PreprocessError {
    /// The error about a file that a decoder could not make an image of.
    pub(super) fn of_decoder(error: DecodeError, file: &Path) -> Self {
        let file = file.to_path_buf();
        match error {
            DecodeError::ZeroSide { width, height } => {
                PreprocessError::ZeroSide { file, width, height }
            }
            DecodeError::TooManyPixels { width, height } => {
                PreprocessError::TooManyPixels { file, width, height }
            }
            source => PreprocessError::Undecodable { file, source },
        }
    }
}
