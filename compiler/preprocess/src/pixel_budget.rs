//! [`PixelBudget`]: processors that keep an image's aspect ratio, and give it as many pixels as a budget allows.
//!
//! Those of Qwen2-VL and its kin. Both sides are multiples of `patch_size * merge_size`, and their product lies between
//! `min_pixels` and `max_pixels`, which newer configs call `size.shortest_edge` and `size.longest_edge`. What such a
//! processor would do to an image is not done here; which sizes can come out is known all the same.

use super::{MAX_SIDE, OutputSizeRange, ProcessorConfig};
use serde_json::Value;

/// Images that are longer than that many times their width are refused by these processors. Rounding a side of one and a
/// half factors down to one makes a ratio of 200 one of at most 301.
const MAX_RATIO: u64 = 301;

/// What such a processor's config says of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelBudget {
    /// Both sides are multiples of it.
    factor: u64,
    min_pixels: u64,
    max_pixels: u64,
}

impl PixelBudget {
    /// The budget that a processor's config sets; `None` where it speaks of none that makes sense.
    pub fn of(config: &ProcessorConfig) -> Option<Self> {
        let size = config.keys.get("size");
        let number = |value: Option<&Value>| value.and_then(Value::as_u64);
        let outside = |key: &str| number(config.keys.get(key));
        let in_size = |key: &str| number(size.and_then(|size| size.get(key)));
        let side = |key: &str| outside(key).filter(|side| (1..=u64::from(MAX_SIDE)).contains(side));
        let bound = |key: &str, edge: &str| outside(key).or(in_size(key)).or(in_size(edge));
        let factor = side("patch_size")?.checked_mul(side("merge_size")?)?;
        let max_pixels = bound("max_pixels", "longest_edge")?;
        let min_pixels = bound("min_pixels", "shortest_edge").unwrap_or(1);
        let is_sensible = min_pixels <= max_pixels && factor.checked_mul(factor)? <= max_pixels;
        is_sensible.then_some(PixelBudget { factor, min_pixels, max_pixels })
    }

    /// The sizes that can come out, whatever the image.
    pub fn output_size_range(self) -> OutputSizeRange {
        let multiple = |pixels: u64| pixels - pixels % self.factor;
        let longest = self.max_pixels.saturating_mul(MAX_RATIO).isqrt().min(MAX_SIDE.into());
        let shortest = multiple((self.min_pixels / MAX_RATIO).isqrt()).max(self.factor);
        let sides = shortest..=multiple(longest).max(shortest);
        OutputSizeRange { height: sides.clone(), width: sides, step: self.factor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::path::Path;

    /// `smart_resize` of transformers.
    fn smart_resize(budget: PixelBudget, height: u64, width: u64) -> (u64, u64) {
        let factor = budget.factor as f64;
        let (tall, wide) = (height as f64, width as f64);
        let fit = |side: f64, round: fn(f64) -> f64| (round(side / factor) * factor).max(factor);
        let rounded = [tall, wide].map(|side| fit(side, f64::round_ties_even));
        let area = rounded[0] * rounded[1];
        let [height, width] = if area > budget.max_pixels as f64 {
            let beta = (tall * wide / budget.max_pixels as f64).sqrt();
            [tall, wide].map(|side| fit(side / beta, f64::floor))
        } else if area < budget.min_pixels as f64 {
            let beta = (budget.min_pixels as f64 / (tall * wide)).sqrt();
            [tall, wide].map(|side| fit(side * beta, f64::ceil))
        } else {
            rounded
        };
        (height as u64, width as u64)
    }

    fn budget_of(config: &Value) -> Option<PixelBudget> {
        let file = Path::new("processor_config.json");
        PixelBudget::of(&ProcessorConfig::from_json(&config.to_string(), file).unwrap())
    }

    #[test]
    fn old_and_new_names_say_the_same() {
        let old =
            json!({"patch_size": 14, "merge_size": 2, "min_pixels": 3136, "max_pixels": 12845056});
        let budget = budget_of(&old).unwrap();
        for (min, max) in [("shortest_edge", "longest_edge"), ("min_pixels", "max_pixels")] {
            let new =
                json!({"patch_size": 14, "merge_size": 2, "size": {min: 3136, max: 12845056}});
            assert_eq!(budget_of(&new), Some(budget));
        }
        let range = budget.output_size_range();
        assert_eq!((range.height.clone(), range.step), (28..=62160, 28));
        for (key, value) in
            [("max_pixels", json!(3)), ("merge_size", json!(-1)), ("patch_size", json!("14"))]
        {
            let mut wrong = old.clone();
            wrong[key] = value;
            assert_eq!(budget_of(&wrong), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_image_its_size_is_in_the_range(
            (patch, merge) in (1u64..33, 1u64..5),
            (min, more) in (0u64..200_000, 0u64..2_000_000),
            short in 1u64..5000,
            ratio in 1.0f64..200.0,
            is_tall in any::<bool>(),
        ) {
            let factor = patch * merge;
            let min_pixels = min.max(1);
            let max_pixels = (min_pixels + more).max(factor * factor);
            let budget = PixelBudget { factor, min_pixels, max_pixels };
            let long = (short as f64 * ratio).floor() as u64;
            let (height, width) = if is_tall { (long, short) } else { (short, long) };
            let sides = smart_resize(budget, height, width);
            let range = budget.output_size_range();
            for side in [sides.0, sides.1] {
                prop_assert!(range.height.contains(&side), "{sides:?} {range:?}");
                prop_assert_eq!(side % range.step, 0);
            }
        }
    }
}
