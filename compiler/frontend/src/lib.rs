//! Where programs come from: a module written with [`nn`], or a checkpoint read by [`hugging_face`].
//!
//! Both end as a [`Model`], which is what the compiler takes. [`init`](init::init) makes checkpoints with random weights.

pub mod feature_layer;
pub mod hugging_face;
pub mod init;
mod init_error;
mod model;
mod new_directory;
pub mod nn;

pub use model::Model;
