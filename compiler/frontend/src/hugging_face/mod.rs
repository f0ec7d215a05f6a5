//! Reads a Hugging Face directory: `config.json`, one or many `.safetensors`, and the image processor's config.
//!
//! Each family is one file that reads its part of the config and records its forward, with the weights under the
//! names of the published checkpoints; `names` has those of newer ones. Here is what they share: which family it is,
//! where in the checkpoint its weights lie, and how large its images may be.

mod activations;
mod backbone;
mod clip;
mod config;
mod dinov2;
mod error;
mod families;
mod image_range;
mod names;
mod siglip;
mod similar;
mod tower;
mod vit;

pub use error::LoadError;

use super::Model;
use super::feature_layer::select_feature_layer;
use super::nn;
use backbone::VisionEncoder;
use config::Config;
use families::Family;
use ocellus_checkpoint::{Checkpoint, WeightError, check};
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_dialects::{ElementType, venc};
use ocellus_preprocess::{OutputSizeRange, PixelBudget, Preprocessor, ProcessorConfig};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use tower::Tower;

/// How to read a checkpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the program's tensors are stored. Inputs and results are f32 whatever it is.
    pub element: ElementType,
    /// The sizes to compile for, of `images`, `height` and `width`. What is not here has a default: any number of
    /// images; for the sides, the size that the model's forward takes, or, where it takes any, what the preprocessor
    /// gives.
    pub ranges: BTreeMap<String, SymbolRange>,
    /// The block whose output is the only result, if not the encoder's own are; negative numbers count from the end.
    pub feature_layer: Option<i64>,
    /// What people know the model by; the directory's name where it is not given.
    pub name: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            element: ElementType::F32,
            ranges: BTreeMap::new(),
            feature_layer: None,
            name: None,
        }
    }
}

/// The model in a Hugging Face directory, in f32 and for its own image size.
pub fn load(path: impl AsRef<Path>) -> Result<Model, LoadError> {
    load_with(path, &Options::default())
}

/// The model in a Hugging Face directory.
///
/// The directory may hold a vision encoder or a full model around one; only the encoder is read, in its own terms:
/// the results are those of `CLIPVisionModel` for a `CLIPModel`.
pub fn load_with(path: impl AsRef<Path>, options: &Options) -> Result<Model, LoadError> {
    let path = path.as_ref();
    let config = Config::read(&path.join("config.json"))?;
    let (family, config) = families::of(config)?;
    let checkpoint = Checkpoint::open(path)?;
    let tower = family.find(path, &checkpoint)?;
    let encoder = (family.read)(&config, &|name| tower.has(name))?;
    let warnings = config.warnings();
    let processor = ProcessorConfig::load(path)?;
    let sizes = processor.as_ref().and_then(preprocessed_sizes);
    let module = record(encoder.as_ref(), &tower, sizes.as_ref(), options)?;
    check_weights(&module, &checkpoint, family, &tower).map_err(|source| LoadError::Mismatch {
        path: path.to_path_buf(),
        source: Box::new(source),
        defaults: config.defaults(),
    })?;
    let mut module = module;
    if let Some(layer) = options.feature_layer {
        select_feature_layer(&mut module, layer)
            .map_err(|source| LoadError::FeatureLayer { path: path.to_path_buf(), source })?;
    }
    let directory = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = options.name.clone().or(directory).unwrap_or_else(|| "model".to_string());
    let preprocessor_config = processor.map(ProcessorConfig::into_json);
    Ok(Model { name, module, weights: Arc::new(checkpoint), preprocessor_config, warnings })
}

/// The program of the encoder that a config describes, with every part that is optional in a checkpoint, and its
/// weights named as published.
pub(super) fn declare(config: Map<String, Value>) -> Result<venc::Module, LoadError> {
    let (family, config) = families::of(Config::new(Path::new("config.json"), config))?;
    let encoder = (family.read)(&config, &|_| true)?;
    record(encoder.as_ref(), &Tower::under(family.published_under), None, &Options::default())
}

fn record(
    encoder: &dyn VisionEncoder,
    tower: &Tower,
    preprocessed: Option<&OutputSizeRange>,
    options: &Options,
) -> Result<venc::Module, LoadError> {
    let [images, height, width] = image_range::ranges(encoder, preprocessed, &options.ranges)?;
    let names = Rc::new(tower.clone());
    let module = nn::build_with_names(options.element, names, |nn| {
        let images = nn.symbol("images", images)?;
        let (height, width) = (nn.symbol("height", height)?, nn.symbol("width", width)?);
        let channels = encoder.backbone().channels.into();
        let [pixels] = nn.inputs([("pixel_values", vec![images, channels, height, width])])?;
        let (inside, around) = (nn.child(&tower.path), nn.child(tower.parent()));
        for (name, result) in encoder.forward(&inside, &around, &pixels)? {
            nn.result(name, &result)?;
        }
        Ok(())
    })?;
    Ok(module)
}

fn check_weights(
    module: &venc::Module,
    checkpoint: &Checkpoint,
    family: &Family,
    tower: &Tower,
) -> Result<(), WeightError> {
    check::check(module, checkpoint)?;
    let inside = checkpoint.names().filter(|name| tower.inside(name).is_some());
    check::check_all_read(module, inside, |name| {
        let name = tower.inside(name).unwrap_or(name);
        family.unused.iter().any(|unused| match unused.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *unused,
        })
    })
}

/// The sizes that a processor gives, where that is known. One that cannot be run here does not keep tensors from being
/// encoded; it says so when it is given an image.
fn preprocessed_sizes(config: &ProcessorConfig) -> Option<OutputSizeRange> {
    match Preprocessor::new(config) {
        Ok(preprocessor) => Some(preprocessor.output_size_range()),
        Err(_) => PixelBudget::of(config).map(PixelBudget::output_size_range),
    }
}
