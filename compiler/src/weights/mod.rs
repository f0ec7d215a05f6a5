//! Where a model's weights come from.

use ocellus_runtime::HostTensor;

/// A weight that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// No tensor has that name.
    #[error("the checkpoint has no tensor `{0}`")]
    Missing(String),
    /// A tensor that is not what the model's config says.
    #[error("the tensor `{name}` has the shape {found:?}, and the config asks for {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that follows from the config.
        expected: Vec<usize>,
    },
}

/// Tensors by name. The numbers are as stored, widened to f32.
pub trait WeightSource {
    /// The tensor of that name.
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError>;
}

/// Weights in memory.
impl WeightSource for std::collections::BTreeMap<String, HostTensor> {
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        self.get(name).cloned().ok_or_else(|| WeightError::Missing(name.to_string()))
    }
}
