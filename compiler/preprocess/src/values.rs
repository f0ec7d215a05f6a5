//! The last step: from levels to `pixel_values`.

use super::resample::{CHANNELS, Levels};

/// By channel and level, what stands in `pixel_values`: rescaling and normalizing are one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values(pub [[f32; 256]; CHANNELS]);

impl Values {
    /// Fills one image of `pixel_values`: one channel behind the other, where a pixel's levels lie side by side.
    pub fn fill(&self, image: &mut [f32], levels: &Levels) {
        let [red, green, blue] = &self.0;
        let plane = levels.width * levels.height;
        let (reds, others) = image.split_at_mut(plane);
        let (greens, blues) = others.split_at_mut(plane);
        let targets = reds.iter_mut().zip(greens).zip(blues);
        for (pixel, ((r, g), b)) in levels.bytes.chunks_exact(CHANNELS).zip(targets) {
            *r = red[usize::from(pixel[0])];
            *g = green[usize::from(pixel[1])];
            *b = blue[usize::from(pixel[2])];
        }
    }
}
