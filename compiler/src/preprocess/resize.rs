//! The resize step: what size, by what filter.

use super::decode::check_size;
use super::{LONGEST_SIDE, OutputSizeRange, PreprocessError};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
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
}

impl Resample {
    /// The filter of that number.
    pub fn from_number(number: u64) -> Option<Self> {
        use Resample::*;
        [Nearest, Lanczos, Bilinear, Bicubic, Box, Hamming]
            .into_iter()
            .find(|resample| *resample as u64 == number)
    }

    /// The convolution; none for the nearest pixel.
    fn filter(self) -> Option<FilterType> {
        match self {
            Resample::Nearest => None,
            Resample::Lanczos => Some(FilterType::Lanczos3),
            Resample::Bilinear => Some(FilterType::Bilinear),
            // Catmull-Rom is the cubic with a = -0.5, which is Pillow's.
            Resample::Bicubic => Some(FilterType::CatmullRom),
            Resample::Box => Some(FilterType::Box),
            Resample::Hamming => Some(FilterType::Hamming),
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
            Size::ShortestEdge(edge) => OutputSizeRange::within(edge, LONGEST_SIDE),
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
    /// The image resized. `file` is for messages.
    pub fn apply(&self, image: RgbImage, file: &Path) -> Result<RgbImage, PreprocessError> {
        let (height, width) = self.size.of(image.height(), image.width());
        check_size(file, "would be resized to", width, height)?;
        let (height, width) = (height as u32, width as u32);
        if height == 0 || width == 0 {
            return Err(PreprocessError::ZeroSide { file: file.to_path_buf(), width, height });
        }
        if (width, height) == image.dimensions() {
            return Ok(image);
        }
        Ok(match self.resample.filter() {
            Some(filter) => convolved(&image, width, height, filter),
            None => nearest(&image, width, height),
        })
    }
}

/// The image by the nearest pixel.
fn nearest(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    // Pillow adds the step up from pixel to pixel. Where it lands on an edge between two, the sum's rounding decides.
    let positions = |from: u32, to: u32| -> Vec<u32> {
        let step = f64::from(from) / f64::from(to);
        let centres = std::iter::successors(Some(step * 0.5), |centre| Some(centre + step));
        centres.take(to as usize).map(|centre| (centre as u32).min(from - 1)).collect()
    };
    let (columns, rows) = (positions(image.width(), width), positions(image.height(), height));
    RgbImage::from_fn(width, height, |x, y| *image.get_pixel(columns[x as usize], rows[y as usize]))
}

/// The image by a filter along each side, rounded to levels in between.
fn convolved(image: &RgbImage, width: u32, height: u32, filter: FilterType) -> RgbImage {
    // Which side comes first shows in the levels, where the rounding cuts off what a filter overshoots. Pillow 13
    // takes the height first where it loses more than twice as many lines as the width; before, never.
    let (lost_rows, lost_columns) = (
        i64::from(image.height()) - i64::from(height),
        i64::from(image.width()) - i64::from(width),
    );
    let height_first = lost_rows > 0 && lost_rows > 2 * lost_columns;
    let between = match height_first {
        true => (image.width(), height),
        false => (width, image.height()),
    };
    let mut resized = RgbImage::new(width, height);
    for channel in 0..3 {
        let plane = Plane::of(image, channel);
        let plane = plane.convolved(between.0, between.1, filter).convolved(width, height, filter);
        for (pixel, level) in resized.pixels_mut().zip(plane.levels) {
            pixel.0[channel] = level as u8;
        }
    }
    resized
}

/// One channel, in whole levels from 0 to 255.
///
/// They are held as f32, so that the filters sum in floating point: in integers of eight bits they would choose their
/// own order of the sides and round their weights to sixteen bits.
struct Plane {
    width: u32,
    height: u32,
    levels: Vec<f32>,
}

impl Plane {
    fn of(image: &RgbImage, channel: usize) -> Self {
        let levels = image.pixels().map(|pixel| f32::from(pixel.0[channel])).collect();
        Plane { width: image.width(), height: image.height(), levels }
    }

    /// The plane in another size, of which one side at most may be new.
    #[expect(clippy::expect_used, reason = "a plane has as many levels as its size says")]
    fn convolved(&self, width: u32, height: u32, filter: FilterType) -> Self {
        let source = TypedImageRef::<F32>::from_buffer(
            self.width,
            self.height,
            bytemuck::cast_slice(&self.levels),
        )
        .expect("the size is that of the levels");
        let mut levels = vec![0f32; width as usize * height as usize];
        let bytes = bytemuck::cast_slice_mut(&mut levels);
        let mut target = TypedImage::<F32>::from_buffer(width, height, bytes)
            .expect("the size is that of the levels");
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        // Typed: the untyped call would compile the filters of every pixel type there is into this crate.
        Resizer::new()
            .resize_typed(&source, &mut target, &options)
            .expect("both planes are of one pixel type");
        // As Pillow rounds: half goes up.
        levels.iter_mut().for_each(|level| *level = (*level + 0.5).floor().clamp(0.0, 255.0));
        Plane { width, height, levels }
    }
}
