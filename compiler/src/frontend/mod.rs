//! Where programs come from: a module written with [`nn`], or a checkpoint read by [`hugging_face`].
//!
//! Both end as a [`Model`], which is what the compiler takes.

pub mod hugging_face;
mod model;
pub mod nn;

pub use model::Model;
