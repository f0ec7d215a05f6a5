//! Which sizes a model is compiled for: what the caller asks for, else what the model's forward takes, else what its
//! preprocessor gives, else any.

use super::LoadError;
use super::backbone::VisionEncoder;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_preprocess::OutputSizeRange;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

const ANY: i64 = i32::MAX as i64;
const SYMBOLS: [&str; 3] = ["images", "height", "width"];

/// The ranges of `images`, `height` and `width`.
pub(super) fn ranges(
    encoder: &dyn VisionEncoder,
    preprocessed: Option<&OutputSizeRange>,
    asked: &BTreeMap<String, SymbolRange>,
) -> Result<[SymbolRange; 3], LoadError> {
    if let Some(unknown) = asked.keys().find(|name| !SYMBOLS.contains(&name.as_str())) {
        return Err(LoadError::UnknownSymbol(unknown.clone()));
    }
    let patch = encoder.backbone().patch_size;
    let (height, width) = match (encoder.resamples_unasked(), preprocessed) {
        // These refuse every other size, unless they are asked to resample their positions.
        (false, _) => {
            let (height, width) = encoder.backbone().image_size;
            (SymbolRange::new(height, height), SymbolRange::new(width, width))
        }
        (true, Some(sizes)) => {
            let step = sizes.step;
            (within(&sizes.height, step, patch.0), within(&sizes.width, step, patch.1))
        }
        (true, None) => (SymbolRange::new(patch.0, ANY), SymbolRange::new(patch.1, ANY)),
    };
    let defaults = [SymbolRange::new(1, ANY), height, width];
    let [images, height, width] = [0, 1, 2]
        .map(|position| asked.get(SYMBOLS[position]).copied().unwrap_or(defaults[position]));
    for (symbol, range, patch) in [("height", height, patch.0), ("width", width, patch.1)] {
        if range.step >= 1 && range.first() < patch {
            return Err(LoadError::BelowOnePatch { symbol, range: range.to_string(), patch });
        }
    }
    Ok([images, height, width])
}

/// The sizes of a side that have room for a patch; that of one patch where none has.
fn within(side: &RangeInclusive<u64>, step: u64, patch: i64) -> SymbolRange {
    let pixels = |size: u64| i64::try_from(size).unwrap_or(ANY).clamp(patch, ANY);
    let (min, max) = (pixels(*side.start()), pixels(*side.end()));
    let range = SymbolRange { min, max, step: i64::try_from(step).unwrap_or(1) };
    // A processor for other patches: its steps may pass over all that has room for one of these.
    if range.first() <= max { range } else { SymbolRange::new(min, max) }
}
