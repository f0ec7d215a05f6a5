//! Which sizes a model is compiled for: what the caller asks for, else what the model's forward takes, else what its
//! preprocessor gives, else any.

use super::LoadError;
use super::backbone::VisionEncoder;
use super::config::Config;
use ocellus_dialects::symbolic::SymbolRange;
use serde_json::Value;
use std::collections::BTreeMap;

const ANY: i64 = i32::MAX as i64;
const SYMBOLS: [&str; 3] = ["images", "height", "width"];

/// The ranges of `images`, `height` and `width`.
pub(super) fn ranges(
    encoder: &dyn VisionEncoder,
    preprocessor: Option<&Config>,
    asked: &BTreeMap<String, SymbolRange>,
) -> Result<[SymbolRange; 3], LoadError> {
    if let Some(unknown) = asked.keys().find(|name| !SYMBOLS.contains(&name.as_str())) {
        return Err(LoadError::UnknownSymbol(unknown.clone()));
    }
    let patch = encoder.backbone().patch_size;
    let size = match encoder.resamples_unasked() {
        // The others refuse every other size, unless they are asked to resample their positions.
        false => Some(encoder.backbone().image_size),
        true => preprocessor.map(preprocessed_size).transpose()?.flatten(),
    };
    let default = |side: Option<i64>, patch: i64| match side {
        Some(side) => SymbolRange::new(side.max(patch), side.max(patch)),
        None => SymbolRange::new(patch, ANY),
    };
    let [images, height, width] = SYMBOLS.map(|name| asked.get(name).copied());
    let ranges = [
        images.unwrap_or_else(|| SymbolRange::new(1, ANY)),
        height.unwrap_or_else(|| default(size.map(|(height, _)| height), patch.0)),
        width.unwrap_or_else(|| default(size.map(|(_, width)| width), patch.1)),
    ];
    for (symbol, range, patch) in [("height", ranges[1], patch.0), ("width", ranges[2], patch.1)] {
        if range.min < patch {
            return Err(LoadError::BelowOnePatch { symbol, range: range.to_string(), patch });
        }
    }
    Ok(ranges)
}

/// The height and width that every image has after preprocessing, where that is one size for all.
fn preprocessed_size(config: &Config) -> Result<Option<(i64, i64)>, LoadError> {
    if config.flag("do_center_crop", false)? {
        return Ok(both_sides(config.get("crop_size")));
    }
    if config.flag("do_resize", true)? {
        return Ok(config
            .get("size")
            .filter(|size| size.is_object())
            .and_then(|size| both_sides(Some(size))));
    }
    Ok(None)
}

/// `{"height": h, "width": w}`, or one number for both.
fn both_sides(size: Option<&Value>) -> Option<(i64, i64)> {
    let size = size?;
    let side = |key: &str| size.get(key)?.as_i64();
    match size.as_i64() {
        Some(side) => Some((side, side)),
        None => side("height").zip(side("width")),
    }
    .filter(|(height, width)| *height >= 1 && *width >= 1)
}
