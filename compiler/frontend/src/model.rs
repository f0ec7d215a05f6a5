//! [`Model`]: what the compiler takes.

use ocellus_checkpoint::{WeightError, WeightSource, check};
use ocellus_dialects::venc;
use std::sync::Arc;

/// A program, its weights, and what else is known of them.
#[derive(Clone)]
pub struct Model {
    /// What people know it by.
    pub name: String,
    /// The program. Its inputs and results are named as in the Hugging Face forward.
    pub module: venc::Module,
    /// The tensors that the program's [`Op::Weight`](venc::Op::Weight) nodes name.
    pub weights: Arc<dyn WeightSource + Send + Sync>,
    /// The config of the checkpoint's image processor: how an image becomes `pixel_values`.
    pub preprocessor_config: Option<serde_json::Value>,
    /// What a user should know of the checkpoint, though it makes a model: one sentence each.
    pub warnings: Vec<String>,
}

impl Model {
    /// A model of one's own: a program that [`nn::build`](super::nn::build) recorded, and its weights, which must be
    /// there and in shape.
    pub fn new(
        name: &str,
        module: venc::Module,
        weights: impl WeightSource + Send + Sync + 'static,
    ) -> Result<Model, WeightError> {
        check::check(&module, &weights)?;
        let weights = Arc::new(weights);
        let name = name.to_string();
        Ok(Model { name, module, weights, preprocessor_config: None, warnings: vec![] })
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name)
            .field("module", &self.module)
            .field("preprocessor_config", &self.preprocessor_config)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
