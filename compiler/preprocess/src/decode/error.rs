//! [`DecodeError`].

/// Why the bytes of a file give no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the last pixel.
    #[error("the file ends before the image is complete; it is damaged or was not copied whole")]
    Truncated,
    /// The bytes are not what the format allows, or use a part of it that is not read here.
    #[error("{0}")]
    Malformed(String),
    /// An image without pixels.
    #[error("it is {width} pixels wide and {height} high")]
    ZeroSide {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// More pixels than memory should be spent on.
    #[error("it is {width} pixels wide and {height} high")]
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The system has no memory for the pixels.
    #[error("there is no memory for its pixels, {bytes} bytes")]
    OutOfMemory {
        /// How much it would take.
        bytes: usize,
    },
}

impl DecodeError {
    /// A file that breaks its format's rules, with what is wrong as a sentence without its full stop.
    pub(super) fn malformed(problem: impl Into<String>) -> Self {
        DecodeError::Malformed(problem.into())
    }
}
