//! The keys of a [`ProcessorConfig`], as a [`Preprocessor`].
//!
//! A key that is not there has its class's default. `null` is a value of its own, as in `transformers` 5: of a flag it
//! is false, and of a value that a step needs it is an error, unless the step is left out.

use super::center_crop::CenterCrop;
use super::processor_config::{CLASS, MODEL_TYPE, ProcessorConfig};
use super::resize::{Resample, Resize, Size};
use super::values::Values;
use super::{MAX_PIXELS, MAX_SIDE, PreprocessError, Preprocessor};
use serde_json::{Map, Value};

/// What a processor's class says where its config is silent.
struct Defaults {
    /// The class in transformers, without its ending.
    name: &'static str,
    size: DefaultSize,
    /// Whether a `size` that is one number is a square, or else the shorter side.
    default_to_square: bool,
    /// Whether `use_square_size` makes the default size a square, whatever `size` says.
    knows_use_square_size: bool,
    /// The side of the square that is cut out, where the class crops.
    crop_size: Option<u32>,
    resample: Resample,
    image_mean: [f64; 3],
    image_std: [f64; 3],
}

enum DefaultSize {
    Square(u32),
    ShortestEdge(u32),
}

impl DefaultSize {
    fn side(&self) -> u32 {
        match self {
            DefaultSize::Square(side) | DefaultSize::ShortestEdge(side) => *side,
        }
    }
}

const HALF: [f64; 3] = [0.5; 3];
const CLIP_MEAN: [f64; 3] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: [f64; 3] = [0.26862954, 0.26130258, 0.27577711];

const VIT: Defaults = Defaults {
    name: "ViT",
    size: DefaultSize::Square(224),
    default_to_square: true,
    knows_use_square_size: false,
    crop_size: None,
    resample: Resample::Bilinear,
    image_mean: HALF,
    image_std: HALF,
};
const DEIT: Defaults = Defaults {
    name: "DeiT",
    size: DefaultSize::Square(256),
    crop_size: Some(224),
    resample: Resample::Bicubic,
    ..VIT
};
const CLIP: Defaults = Defaults {
    name: "CLIP",
    size: DefaultSize::ShortestEdge(224),
    default_to_square: false,
    knows_use_square_size: true,
    crop_size: Some(224),
    resample: Resample::Bicubic,
    image_mean: CLIP_MEAN,
    image_std: CLIP_STD,
};
const BIT: Defaults = Defaults { name: "Bit", knows_use_square_size: false, ..CLIP };
const SIGLIP: Defaults =
    Defaults { name: "Siglip", default_to_square: false, resample: Resample::Bicubic, ..VIT };

const PROCESSORS: [&Defaults; 5] = [&VIT, &DEIT, &CLIP, &SIGLIP, &BIT];

/// The processor that transformers takes for a `model_type` where nothing names one.
const BY_MODEL_TYPE: [(&str, &Defaults); 8] = [
    ("vit", &VIT),
    ("deit", &DEIT),
    ("clip", &CLIP),
    ("clip_vision_model", &CLIP),
    ("siglip", &SIGLIP),
    ("siglip_vision_model", &SIGLIP),
    ("dinov2", &BIT),
    ("dinov2_with_registers", &BIT),
];

/// The preprocessor that a config describes.
pub(super) fn preprocessor(config: &ProcessorConfig) -> Result<Preprocessor, PreprocessError> {
    let config = Config(config);
    let (defaults, fast) = config.processor()?;
    config.check_other_steps()?;
    Ok(Preprocessor {
        resize: config.resize(defaults)?,
        crop: config.center_crop(defaults, fast)?,
        values: config.values(defaults)?,
    })
}

/// The keys, read one by one.
struct Config<'a>(&'a ProcessorConfig);

impl Config<'_> {
    /// The error that a key's value causes; `problem` ends a sentence about the key.
    fn error(&self, key: &str, problem: impl Into<String>) -> PreprocessError {
        let (file, key) = (self.0.file.clone(), format!("{}{key}", self.0.within));
        PreprocessError::Config { file, key, problem: problem.into() }
    }

    /// The name under a key, where there is one.
    fn name(&self, key: &str) -> Option<&Value> {
        self.0.keys.get(key).filter(|value| !value.is_null())
    }

    /// What a step needs; `None` where the key is missing, and the class's default stands for it.
    fn value(&self, key: &str, step: &str) -> Result<Option<&Value>, PreprocessError> {
        match self.0.keys.get(key) {
            Some(Value::Null) => {
                let problem = format!(
                    "is null, and `{step}` is true: give a value, or leave the key out for the default of the class"
                );
                Err(self.error(key, problem))
            }
            value => Ok(value),
        }
    }

    /// A flag is true or false as Python has it. Only of texts and lists nobody means that every one but the empty one
    /// is true.
    fn flag(&self, key: &str, default: bool) -> Result<bool, PreprocessError> {
        match self.0.keys.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(number)) => Ok(number.as_f64() != Some(0.0)),
            Some(other) => Err(self.error(key, format!("is {other}; it must be true or false"))),
        }
    }

    /// The processor's defaults, and whether it is one of the `…Fast` ones.
    fn processor(&self) -> Result<(&'static Defaults, bool), PreprocessError> {
        let Some(key) = CLASS.into_iter().find(|key| self.name(key).is_some()) else {
            let model_type = self.name(MODEL_TYPE).and_then(Value::as_str);
            let processor = BY_MODEL_TYPE.iter().find(|(known, _)| Some(*known) == model_type);
            return processor.map(|(_, defaults)| (*defaults, false)).ok_or_else(|| {
                self.error(CLASS[0], "is missing, and the model's type implies none")
            });
        };
        let class = self.name(key).and_then(Value::as_str).unwrap_or_default();
        let plain = class.strip_suffix("Fast").unwrap_or(class);
        let plain = plain.strip_suffix("Pil").unwrap_or(plain);
        let name = plain.strip_suffix("ImageProcessor").or(plain.strip_suffix("FeatureExtractor"));
        let defaults = PROCESSORS.into_iter().find(|defaults| Some(defaults.name) == name);
        let defaults = defaults.ok_or_else(|| {
            let known = PROCESSORS.map(|defaults| format!("{}ImageProcessor", defaults.name));
            let found = self.name(key).unwrap_or(&Value::Null);
            self.error(key, format!("is {found}; known are {}", known.join(", ")))
        })?;
        Ok((defaults, class.ends_with("Fast")))
    }

    /// Checks the flags of what is not done here. Other classes have more steps; these five ignore what they do not
    /// know, so that only padding would go unseen.
    fn check_other_steps(&self) -> Result<(), PreprocessError> {
        if self.flag("do_pad", false)? {
            return Err(self.error("do_pad", "is true, and padding is not supported"));
        }
        // Files are always converted, as transformers does when it loads them; only a wrong type is worth a word.
        self.flag("do_convert_rgb", true).map(|_| ())
    }

    fn resize(&self, defaults: &Defaults) -> Result<Option<Resize>, PreprocessError> {
        if !self.flag("do_resize", true)? {
            return Ok(None);
        }
        Ok(Some(Resize { size: self.size(defaults)?, resample: self.resample(defaults)? }))
    }

    fn resample(&self, defaults: &Defaults) -> Result<Resample, PreprocessError> {
        let Some(value) = self.value("resample", "do_resize")? else {
            return Ok(defaults.resample);
        };
        value.as_u64().and_then(Resample::from_number).ok_or_else(|| {
            self.error(
                "resample",
                format!("is {value}; it must be a number from 0 to 7, one of Pillow's filters"),
            )
        })
    }

    fn size(&self, defaults: &Defaults) -> Result<Size, PreprocessError> {
        let square = self.flag("default_to_square", defaults.default_to_square)?;
        let one_number = |side| match square {
            true => Size::Exactly { height: side, width: side },
            false => Size::ShortestEdge(side),
        };
        if defaults.knows_use_square_size && self.flag("use_square_size", false)? {
            let side = defaults.size.side();
            return Ok(Size::Exactly { height: side, width: side });
        }
        let size = match self.value("size", "do_resize")? {
            None => match defaults.size {
                DefaultSize::Square(side) => Size::Exactly { height: side, width: side },
                DefaultSize::ShortestEdge(side) => Size::ShortestEdge(side),
            },
            Some(Value::Object(sides)) => self.size_by_keys(sides)?,
            Some(Value::Array(sides)) => {
                let (height, width) = self.height_and_width("size", sides)?;
                Size::Exactly { height, width }
            }
            Some(number) => one_number(self.side("size", number)?),
        };
        if let Size::Exactly { height, width } | Size::Within { height, width } = size {
            self.check_area("size", height, width)?;
        }
        Ok(size)
    }

    /// A `size` with named sides.
    fn size_by_keys(&self, sides: &Map<String, Value>) -> Result<Size, PreprocessError> {
        let side = |name: &str| self.named_side("size", sides, name);
        let mut names: Vec<&str> = sides
            .iter()
            .filter(|(_, side)| !side.is_null())
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        match names.as_slice() {
            ["height", "width"] => {
                Ok(Size::Exactly { height: side("height")?, width: side("width")? })
            }
            ["shortest_edge"] => Ok(Size::ShortestEdge(side("shortest_edge")?)),
            ["longest_edge", "shortest_edge"] => Ok(Size::Edges {
                shortest: side("shortest_edge")?,
                longest: side("longest_edge")?,
            }),
            ["max_height", "max_width"] => {
                Ok(Size::Within { height: side("max_height")?, width: side("max_width")? })
            }
            _ => Err(self.error(
                "size",
                format!(
                    "has {names:?}; it must have height and width, shortest_edge, shortest_edge and longest_edge, \
                     or max_height and max_width"
                ),
            )),
        }
    }

    fn center_crop(
        &self,
        defaults: &Defaults,
        fast: bool,
    ) -> Result<Option<CenterCrop>, PreprocessError> {
        if !self.flag("do_center_crop", defaults.crop_size.is_some())? {
            return Ok(None);
        }
        let (height, width) = match self.value("crop_size", "do_center_crop")? {
            None => {
                let side = defaults.crop_size.ok_or_else(|| {
                    self.error("crop_size", "is missing, and `do_center_crop` is true")
                })?;
                (side, side)
            }
            Some(Value::Object(sides)) => (
                self.named_side("crop_size", sides, "height")?,
                self.named_side("crop_size", sides, "width")?,
            ),
            Some(Value::Array(sides)) => self.height_and_width("crop_size", sides)?,
            Some(number) => {
                let side = self.side("crop_size", number)?;
                (side, side)
            }
        };
        self.check_area("crop_size", height, width)?;
        Ok(Some(CenterCrop { height, width, odd_line_last: fast }))
    }

    fn height_and_width(&self, key: &str, sides: &[Value]) -> Result<(u32, u32), PreprocessError> {
        let [height, width] = sides else {
            return Err(self.error(key, "is a list; it must have two numbers, height and width"));
        };
        Ok((self.side(key, height)?, self.side(key, width)?))
    }

    fn named_side(
        &self,
        key: &str,
        sides: &Map<String, Value>,
        name: &str,
    ) -> Result<u32, PreprocessError> {
        let side = sides.get(name).filter(|side| !side.is_null());
        let side = side.ok_or_else(|| self.error(key, format!("has no `{name}`")))?;
        self.side(&format!("{key}.{name}"), side)
    }

    /// A side in pixels.
    fn side(&self, key: &str, value: &Value) -> Result<u32, PreprocessError> {
        let side = value.as_u64().and_then(|side| u32::try_from(side).ok());
        side.filter(|side| (1..=MAX_SIDE).contains(side)).ok_or_else(|| {
            self.error(key, format!("is {value}; it must be from 1 to {MAX_SIDE} pixels"))
        })
    }

    fn check_area(&self, key: &str, height: u32, width: u32) -> Result<(), PreprocessError> {
        if u64::from(height) * u64::from(width) > MAX_PIXELS {
            let problem = format!("is {height} by {width}, more than {MAX_PIXELS} pixels");
            return Err(self.error(key, problem));
        }
        Ok(())
    }

    /// Rescaling and normalizing as one table by channel and level, in transformers' own arithmetic: the product in
    /// f64, all else in f32.
    fn values(&self, defaults: &Defaults) -> Result<Values, PreprocessError> {
        let factor = match self.flag("do_rescale", true)? {
            true => {
                let factor = self.value("rescale_factor", "do_rescale")?;
                self.positive("rescale_factor", factor, 1.0 / 255.0)?
            }
            false => 1.0,
        };
        let normalize = match self.flag("do_normalize", true)? {
            true => Some(self.mean_and_std(defaults)?),
            false => None,
        };
        Ok(Values(std::array::from_fn(|channel| {
            std::array::from_fn(|level| {
                let rescaled = (level as f64 * factor) as f32;
                let Some((mean, std)) = &normalize else { return rescaled };
                (rescaled - mean[channel] as f32) / std[channel] as f32
            })
        })))
    }

    fn mean_and_std(&self, defaults: &Defaults) -> Result<([f64; 3], [f64; 3]), PreprocessError> {
        let mean = self
            .by_channel("image_mean", defaults.image_mean, |key, value| self.finite(key, value))?;
        let std = self.by_channel("image_std", defaults.image_std, |key, value| {
            self.positive(key, Some(value), 1.0)
        })?;
        Ok((mean, std))
    }

    /// One number for all channels, or a list of three.
    fn by_channel(
        &self,
        key: &str,
        default: [f64; 3],
        number: impl Fn(&str, &Value) -> Result<f64, PreprocessError>,
    ) -> Result<[f64; 3], PreprocessError> {
        match self.value(key, "do_normalize")? {
            None => Ok(default),
            Some(Value::Array(values)) => match values.as_slice() {
                [red, green, blue] => {
                    Ok([number(key, red)?, number(key, green)?, number(key, blue)?])
                }
                _ => Err(self.error(
                    key,
                    format!("has {} numbers; RGB images have three channels", values.len()),
                )),
            },
            Some(value) => Ok([number(key, value)?; 3]),
        }
    }

    fn finite(&self, key: &str, value: &Value) -> Result<f64, PreprocessError> {
        // Beyond f32 a number would become infinite on the way to `pixel_values`.
        value.as_f64().filter(|number| (*number as f32).is_finite()).ok_or_else(|| {
            self.error(key, format!("is {value}; it must be a number that f32 can hold"))
        })
    }

    fn positive(
        &self,
        key: &str,
        value: Option<&Value>,
        default: f64,
    ) -> Result<f64, PreprocessError> {
        let Some(value) = value else { return Ok(default) };
        let number = self.finite(key, value)?;
        match number as f32 > 0.0 {
            true => Ok(number),
            false => Err(self.error(key, format!("is {value}; it must be above zero"))),
        }
    }
}
