//! [`Refusal`]: why a file could not be had from the hub, and what to do about it.

use crate::HubError;

const TOKENS: &str = "https://huggingface.co/settings/tokens";

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The hub answers with an error.
    #[error("{address} answers {status}{}", code.as_ref().map(|code| format!(" ({})", printable(code))).unwrap_or_default())]
    Status {
        /// The status of HTTP.
        status: u16,
        /// The hub's own name for the error.
        code: Option<String>,
        /// What was asked for.
        address: String,
        /// Where the token came from that was sent.
        token: Option<String>,
    },
    /// Nobody answers.
    #[error("{address} cannot be reached: {source}")]
    Unreachable {
        /// What was asked for.
        address: String,
        /// Why not.
        source: Box<ureq::Error>,
    },
    /// The line fails in the middle of a file.
    #[error("the file at {address} did not come whole: {source}")]
    Interrupted {
        /// Where the file is.
        address: String,
        /// What happened.
        source: std::io::Error,
    },
    /// An answer that no hub gives.
    #[error("the answer of {address} {problem}")]
    Broken {
        /// What was asked for.
        address: String,
        /// What is wrong with it: the rest of a sentence.
        problem: String,
    },
    /// Redirects that do not end.
    #[error("{address} is the last of too many redirects")]
    TooManyRedirects {
        /// Where it was given up.
        address: String,
    },
    /// A name that makes no address.
    #[error("{address:?} is no address")]
    NoAddress {
        /// What was made of the name.
        address: String,
    },
    /// The cache cannot be written.
    #[error("the cache cannot be written: {0}")]
    Cache(#[from] std::io::Error),
}

impl Refusal {
    /// Whether the hub says that it has no such file, rather than that it will not or cannot tell.
    pub fn means_absence(&self) -> bool {
        match self {
            Refusal::Status { code: Some(code), .. } => code == "EntryNotFound",
            Refusal::Status { status, .. } => *status == 404,
            _ => false,
        }
    }

    /// The same for the user, who asked for a model.
    pub fn explained(&self, model: &str, endpoint: &str) -> HubError {
        let what =
            format!("`{model}` is no folder here, and fetching it from the hub failed: {self}");
        HubError::new(what).help(self.advice(model, endpoint))
    }

    fn advice(&self, model: &str, endpoint: &str) -> String {
        match self {
            Refusal::Status { code: Some(code), .. } if code == "GatedRepo" => self.about_access(model, endpoint),
            Refusal::Status { status: 403, .. } => self.about_access(model, endpoint),
            Refusal::Status { status: 401, token: None, .. } => format!(
                "check the name: the hub answers so for models that do not exist, too; if the model is private or gated, set \
                 `HF_TOKEN` to a token that may read it ({TOKENS}), or log in with `hf auth login`"
            ),
            Refusal::Status { status: 401, token: Some(source), .. } => format!(
                "check the name, and the token from `{source}`: it may have expired, or may not read this model; set \
                 `HF_TOKEN` to one that may ({TOKENS})"
            ),
            Refusal::Status { status: 404, .. } => {
                "check the name, or give the path of a folder with `config.json`".to_string()
            }
            Refusal::Status { status: 429, token, .. } => {
                let token = if token.is_none() { ", or set `HF_TOKEN`, which raises the limit" } else { "" };
                format!("the hub has been asked too often from here: wait some minutes{token}")
            }
            Refusal::Status { .. } | Refusal::Interrupted { .. } => {
                "this is most often over soon: try again; what was fetched whole is kept".to_string()
            }
            Refusal::Unreachable { .. } => "check the network, the proxy (`HTTPS_PROXY`) and `HF_ENDPOINT`, or give the path of \
                 a folder with `config.json`; a slow hub gets more time by `HF_HUB_ETAG_TIMEOUT=60`"
                .to_string(),
            Refusal::Broken { .. } | Refusal::TooManyRedirects { .. } | Refusal::NoAddress { .. } => {
                "this is no hub of Hugging Face, or something stands between: check `HF_ENDPOINT` and the proxy".to_string()
            }
            Refusal::Cache(_) => "set `HF_HUB_CACHE` to a folder that is writable and has room".to_string(),
        }
    }

    fn about_access(&self, model: &str, endpoint: &str) -> String {
        let token = match self {
            Refusal::Status { token: Some(source), .. } => {
                format!("the token from `{source}` has none; use one of an account that has it")
            }
            _ => format!("set `HF_TOKEN` to a token of an account that has it ({TOKENS})"),
        };
        format!("the model is gated or closed: ask for access at {endpoint}/{model}, and {token}")
    }
}

/// What a server says, as far as it is a word.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
