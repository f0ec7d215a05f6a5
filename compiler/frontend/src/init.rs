//! Makes the directory of a published architecture, with random weights: something real to compile without a
//! download.

use super::Model;
use super::hugging_face;
use super::new_directory::NewDirectory;
use ocellus_checkpoint::{RandomWeights, WeightSource};
use ocellus_dialects::venc;
use safetensors::tensor::{Dtype, View};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

pub use super::init_error::InitError;

/// The configs of the architectures, as they are on the hub.
const ARCHITECTURES: &str = include_str!("architectures.json");

/// The seed of the weights: a model made twice is the same.
const SEED: u64 = 0;

/// The names of the architectures.
pub fn architectures() -> Result<Vec<String>, InitError> {
    Ok(table()?.into_iter().map(|(name, _)| name).collect())
}

/// Writes `config.json`, `preprocessor_config.json` and `model.safetensors` of an architecture into a new or empty
/// directory. The weights are f32, named and shaped as the loader reads them. All of it appears, or nothing.
pub fn init(name: &str, directory: &Path) -> Result<(), InitError> {
    make(architecture(name)?, directory)
}

fn make(mut architecture: Map<String, Value>, directory: &Path) -> Result<(), InitError> {
    let new = NewDirectory::create(directory)?;
    for (file, key) in
        [("config.json", "config"), ("preprocessor_config.json", "preprocessor_config")]
    {
        let object =
            architecture.get(key).ok_or_else(|| InitError::Table(format!("no `{key}`")))?;
        let text = serde_json::to_string_pretty(object)
            .map_err(|error| InitError::Table(error.to_string()))?;
        std::fs::write(new.path(file), text + "\n").map_err(|source| io(directory, source))?;
    }
    let module = declare(&mut architecture)?;
    write_weights(&RandomWeights::new(&module, SEED), &new, directory)?;
    new.put_in_place().map_err(|source| io(directory, source))
}

/// An architecture with those same random weights, which are made as they are read: nothing is written.
pub fn random_model(name: &str) -> Result<Model, InitError> {
    let module = declare(&mut architecture(name)?)?;
    let weights = RandomWeights::new(&module, SEED);
    Model::new(name, module, weights).map_err(|error| InitError::Table(error.to_string()))
}

fn architecture(name: &str) -> Result<Map<String, Value>, InitError> {
    let mut table = table()?;
    match table.remove(name) {
        Some(Value::Object(architecture)) => Ok(architecture),
        _ => {
            let known = table.into_iter().map(|(name, _)| name).collect();
            Err(InitError::Unknown { name: name.to_string(), known })
        }
    }
}

fn declare(architecture: &mut Map<String, Value>) -> Result<venc::Module, InitError> {
    match architecture.remove("config") {
        Some(Value::Object(config)) => Ok(hugging_face::declare(config)?),
        _ => Err(InitError::Table("`config` is no object".to_string())),
    }
}

fn table() -> Result<Map<String, Value>, InitError> {
    serde_json::from_str(ARCHITECTURES).map_err(|error| InitError::Table(error.to_string()))
}

fn io(path: &Path, source: std::io::Error) -> InitError {
    InitError::Io { path: path.to_path_buf(), source }
}

/// A tensor that is made when it is written: no more than one is in memory.
struct Lazy<'a> {
    weights: &'a RandomWeights,
    name: &'a str,
    shape: &'a [usize],
}

impl View for Lazy<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let numbers = self.weights.tensor(self.name).map(|tensor| tensor.data).unwrap_or_default();
        let mut bytes = vec![0; self.data_len()];
        let slots = bytes.as_chunks_mut::<4>().0;
        slots.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = number.to_le_bytes());
        bytes.into()
    }

    fn data_len(&self) -> usize {
        4 * self.shape.iter().product::<usize>()
    }
}

fn write_weights(
    weights: &RandomWeights,
    new: &NewDirectory,
    directory: &Path,
) -> Result<(), InitError> {
    let tensors =
        weights.shapes().iter().map(|(name, shape)| (name, Lazy { weights, name, shape }));
    let bytes = tensors.clone().map(|(_, tensor)| tensor.data_len() as u64).sum();
    new.check_room(bytes).map_err(|source| io(directory, source))?;
    // `transformers` asks for this entry.
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let path = new.path("model.safetensors");
    safetensors::serialize_to_file(tensors, Some(metadata), &path).map_err(|source| {
        InitError::Weights { path: directory.join("model.safetensors"), source }
    })?;
    // That wrote it for its owner alone, and a model is as open as its config.
    let rights = std::fs::metadata(new.path("config.json")).map(|config| config.permissions());
    rights
        .and_then(|rights| std::fs::set_permissions(path, rights))
        .map_err(|source| io(directory, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_makes_a_program_of_its_published_size() {
        // Parameters in millions: those of the model cards, with the pooler of a ViT, without heads and text towers.
        let published = HashMap::from([
            ("vit-base-patch16-224", 86.4),
            ("vit-large-patch16-224", 304.4),
            ("deit-base-distilled-patch16-224", 86.4),
            ("clip-vit-base-patch32", 87.5),
            ("clip-vit-large-patch14-336", 303.5),
            ("siglip-base-patch16-224", 92.9),
            ("siglip-so400m-patch14-384", 428.2),
            ("dinov2-base", 86.6),
            ("dinov2-with-registers-base", 86.6),
            ("dinov2-giant", 1136.5),
        ]);
        let table = table().unwrap();
        assert_eq!(table.len(), published.len());
        for (name, architecture) in table {
            let config = architecture["config"].as_object().unwrap().clone();
            let module = hugging_face::declare(config).unwrap();
            module.verify().unwrap();
            let weights = RandomWeights::new(&module, 0);
            let sizes = weights.shapes().values().map(|shape| shape.iter().product::<usize>());
            let millions = sizes.sum::<usize>() as f64 / 1e6;
            assert!((millions - published[name.as_str()]).abs() < 0.06, "{name}: {millions}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_model_is_all_there_and_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let mut small = architecture("vit-base-patch16-224").unwrap();
        let config = small["config"].as_object_mut().unwrap();
        for (key, value) in [
            ("hidden_size", 8),
            ("num_hidden_layers", 1),
            ("num_attention_heads", 2),
            ("intermediate_size", 8),
            ("image_size", 32),
        ] {
            config.insert(key.to_string(), value.into());
        }
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("in/new");
        make(small, &directory).unwrap();
        std::fs::write(folder.path().join("any"), "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
            assert_eq!(mode(&directory.join(file)), mode(&folder.path().join("any")), "{file}");
        }
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 3);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        hugging_face::load(&directory).unwrap();
    }

    #[test]
    fn what_cannot_be_made_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let error = init("vit-huge", directory.path()).unwrap_err().to_string();
        assert!(error.starts_with("there is no architecture `vit-huge`; there are: "), "{error}");
        assert!(error.contains("siglip-base-patch16-224, siglip-so400m-patch14-384"), "{error}");
        std::fs::write(directory.path().join("notes.txt"), "").unwrap();
        let error = init("vit-base-patch16-224", directory.path()).unwrap_err().to_string();
        assert!(error.contains("is there and not empty"), "{error}");
    }
}
