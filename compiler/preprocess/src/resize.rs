//! The resize step: what size, by what filter.

use super::resample::filter::{self, Filter};
use super::resample::{Levels, OutputPart, View, resample};
use super::{MAX_LINES, MAX_SIDE, OutputSizeRange, PreprocessError};
use std::path::Path;

/// The resize step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resize {
    pub size: Size,
    pub resample: Resample,
}

/// `size` in its several forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// `{"height", "width"}`: that size, whatever the aspect ratio.
    Exactly { height: u32, width: u32 },
    /// `{"shortest_edge"}`: the shorter side becomes this, and the aspect ratio stays.
    ShortestEdge(u32),
    /// `{"shortest_edge", "longest_edge"}`: the shorter side becomes this, or less where the longer side would
    /// become more than its bound.
    Edges { shortest: u32, longest: u32 },
    /// `{"max_height", "max_width"}`: as large as fits, with the aspect ratio.
    Within { height: u32, width: u32 },
}

/// Pillow's filters, by the numbers that `resample` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resample {
    Nearest = 0,
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
    Box = 4,
    Hamming = 5,
    Mks2013 = 6,
    Mks2021 = 7,
}

impl Resample {
    /// The filter of that number.
    pub fn from_number(number: u64) -> Option<Self> {
        use Resample::*;
        [Nearest, Lanczos, Bilinear, Bicubic, Box, Hamming, Mks2013, Mks2021]
            .into_iter()
            .find(|resample| *resample as u64 == number)
    }

    /// The filter; none for the nearest pixel.
    fn filter(self) -> Option<&'static Filter> {
        match self {
            Resample::Nearest => None,
            Resample::Lanczos => Some(&filter::LANCZOS),
            Resample::Bilinear => Some(&filter::BILINEAR),
            Resample::Bicubic => Some(&filter::BICUBIC),
            Resample::Box => Some(&filter::BOX),
            Resample::Hamming => Some(&filter::HAMMING),
            Resample::Mks2013 => Some(&filter::MKS2013),
            Resample::Mks2021 => Some(&filter::MKS2021),
        }
    }
}

impl Size {
    /// Height and width of what an image of that height and width becomes. As in transformers, products are divided in
    /// floating point and cut off, so that a long side may come out zero.
    fn of(self, height: u32, width: u32) -> (u64, u64) {
        let cut = |side: f64| side as u64;
        let (tall, wide) = (f64::from(height), f64::from(width));
        let (short, long) = (tall.min(wide), tall.max(wide));
        let with_aspect_ratio = |short_edge: u64, long_edge: u64| {
            if width <= height { (long_edge, short_edge) } else { (short_edge, long_edge) }
        };
        match self {
            Size::Exactly { height, width } => (height.into(), width.into()),
            Size::ShortestEdge(edge) => {
                with_aspect_ratio(edge.into(), cut(f64::from(edge) * long / short))
            }
            Size::Edges { shortest, longest } => {
                let (shortest, longest) = (f64::from(shortest), f64::from(longest));
                if long / short * shortest > longest {
                    // The longer side's bound decides. The shorter is rounded, half to even as Python does, and the
                    // longer follows from what it was before the rounding.
                    let exact = longest * short / long;
                    let edge = exact.round_ties_even();
                    if short == edge {
                        return (height.into(), width.into());
                    }
                    return with_aspect_ratio(cut(edge), cut(exact * long / short));
                }
                if short == shortest {
                    return (height.into(), width.into());
                }
                with_aspect_ratio(cut(shortest), cut(shortest * long / short))
            }
            Size::Within { height: tallest, width: widest } => {
                let scale = (f64::from(tallest) / tall).min(f64::from(widest) / wide);
                (cut(tall * scale), cut(wide * scale))
            }
        }
    }

    /// The sizes that can come out.
    pub fn output_size_range(self) -> OutputSizeRange {
        match self {
            Size::Exactly { height, width } => OutputSizeRange::exactly(height, width),
            Size::ShortestEdge(edge) => OutputSizeRange::within(edge, MAX_SIDE),
            Size::Edges { longest, .. } => OutputSizeRange::within(1, longest),
            Size::Within { height, width } => OutputSizeRange {
                height: 1..=u64::from(height),
                width: 1..=u64::from(width),
                step: 1,
            },
        }
    }
}

impl Resize {
    /// Width and height of what an image of that width and height becomes. `file` is for messages.
    pub fn size_of(
        &self,
        width: u32,
        height: u32,
        file: &Path,
    ) -> Result<(u32, u32), PreprocessError> {
        let (height, width) = self.size.of(height, width);
        let side = |side: u64| u32::try_from(side).ok().filter(|side| *side <= MAX_LINES);
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            let becomes = "would be resized to";
            return Err(PreprocessError::TooLarge {
                file: file.to_path_buf(),
                becomes,
                width,
                height,
            });
        };
        if height == 0 || width == 0 {
            return Err(PreprocessError::ResizedToNothing {
                file: file.to_path_buf(),
                width,
                height,
            });
        }
        Ok((width, height))
    }

    /// The wanted part of the image resized. `file` is for messages.
    pub fn apply(
        &self,
        image: View<'_>,
        output: &OutputPart,
        file: &Path,
    ) -> Result<Levels, PreprocessError> {
        resample(image, output, self.resample.filter()).ok_or_else(|| {
            PreprocessError::TooManyWeights {
                file: file.to_path_buf(),
                size: (image.width as u32, image.height as u32),
                output: (output.width, output.height),
            }
        })
    }
}
