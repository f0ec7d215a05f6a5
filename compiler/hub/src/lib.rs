//! Models by their name on the Hugging Face hub.
//!
//! `hf-hub`, the client in Rust, takes neither the token nor the cache that the environment names, waits without end,
//! trusts what a server calls a file, and panics on some of it. So this asks by HTTP itself, and keeps what it gets in
//! the layout of the client in Python, by the same variables. All files of a model are of one commit.
//!
//! ```no_run
//! let folder = ocellus_hub::fetch("google/siglip-base-patch16-224", &ocellus_hub::Unobserved)?;
//! println!("{}", folder.display());
//! # Ok::<(), ocellus_hub::HubError>(())
//! ```

mod cache;
mod client;
mod error;
mod fetch;
mod name;
mod observer;
mod refusal;
mod settings;

pub use error::HubError;
pub use fetch::fetch;
pub use name::is_name;
pub use observer::{Observer, Unobserved};
pub use settings::cache as cache_folder;
