//! Models by their name on the Hugging Face hub.
//!
//! `hf-hub`, the client in Rust, takes neither the token nor the cache that the environment names, waits without end,
//! trusts what a server calls a file, and panics on some of it. So this asks by HTTP itself, and keeps what it gets in
//! the layout of the client in Python, by the same variables ([`Settings`]). All files of a model are of one commit.

mod cache;
mod client;
mod refusal;
mod settings;

pub use settings::cache as cache_folder;

use crate::diagnostic::Diagnostic;
use cache::{Repository, Word};
use client::{Client, Found, RemoteFile};
use indicatif::{ProgressBar, ProgressStyle};
use ocellus_checkpoint::files::{self, ShardIndex, WeightFile};
use ocellus_preprocess::ProcessorConfig;
use refusal::Refusal;
use settings::Settings;
use std::io::IsTerminal;
use std::path::PathBuf;

const CONFIG: &str = "config.json";
const MAIN: &str = "main";

/// Files that say that a model has weights of another format only.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// The longest file that no bar is shown for, in bytes.
const QUICK: u64 = 1 << 20;

/// Whether a name could be one of the hub: `name` or `owner/name`.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (1..=96).contains(&part.len())
            && part.chars().all(|c| is_word(c) || c == '-' || c == '.')
            && part.starts_with(is_word)
            && part.ends_with(is_word)
    };
    let is_allowed = !text.contains("--") && !text.contains("..") && !text.ends_with(".git");
    is_allowed
        && match text.split_once('/') {
            Some((owner, name)) => part(owner) && part(name),
            None => part(text),
        }
}

/// The folder that holds a model's config and weights, fetched where they are not there yet.
pub fn fetch(name: &str) -> Result<PathBuf, Diagnostic> {
    let settings = Settings::from_environment()?;
    let repository = Repository::new(&settings.cache, name);
    if let Some(variable) = settings.offline {
        return repository
            .last_snapshot()
            .map_err(|reason| not_in_the_cache(name, variable, &reason));
    }
    let endpoint = settings.endpoint.clone();
    let fetch = Fetch {
        name,
        repository,
        shows_progress: settings.shows_progress,
        client: Client::new(settings),
    };
    let config = match fetch.client.find(&fetch.client.address(name, MAIN, CONFIG)) {
        Ok(Found::File(config)) => config,
        Ok(Found::Nothing(_)) => {
            return Err(Diagnostic::new(format!(
                "`{name}` is no folder here, and on the hub it has no `{CONFIG}`"
            ))
            .help("check the name; it must be a model of `transformers`"));
        }
        // What was whole once is good enough while the hub cannot be asked.
        Err(refusal) => {
            let diagnostic = refusal.explained(name, &endpoint);
            let snapshot = fetch.repository.last_snapshot().map_err(|_| diagnostic)?;
            warn(&format!(
                "{refusal}; taking what was fetched before, from {}",
                snapshot.display()
            ));
            return Ok(snapshot);
        }
    };
    let commit = config.commit.clone();
    fetch.all(config, &commit).map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal.explained(name, &endpoint),
        Failure::Told(diagnostic) => diagnostic,
    })
}

/// Fetches the files of one model.
struct Fetch<'a> {
    name: &'a str,
    repository: Repository,
    client: Client,
    shows_progress: bool,
}

/// Why a model was not fetched.
enum Failure {
    Refused(Refusal),
    Told(Diagnostic),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Told(diagnostic)
    }
}

impl Fetch<'_> {
    /// All that is needed of a commit, into its snapshot.
    fn all(&self, config: Box<RemoteFile>, commit: &Word) -> Result<PathBuf, Failure> {
        let snapshot = self.repository.snapshot(commit);
        if !self.repository.has(commit, CONFIG) {
            self.keep(config, commit, CONFIG)?;
        }
        // Not every model has one; where it has none, images cannot be preprocessed, and `run --image` says so.
        for file in ProcessorConfig::FILES {
            self.get(commit, file)?;
        }
        let candidates = WeightFile::candidates(&snapshot).map_err(Diagnostic::from)?;
        for candidate in &candidates {
            if !self.get(commit, candidate.name())? {
                continue;
            }
            if let WeightFile::Index(index) = candidate {
                let path = snapshot.join(index);
                let index = ShardIndex::read(&path).map_err(Diagnostic::from)?;
                for shard in index.shards() {
                    if !self.get(commit, shard)? {
                        return Err(self
                            .lacks(&format!("the shard `{shard}` of its index"))
                            .into());
                    }
                }
            }
            self.repository.set_main(commit).map_err(Refusal::from)?;
            return Ok(snapshot);
        }
        Err(self.no_weights(commit, &candidates)?.into())
    }

    /// Fetches a file of a commit, unless it is there. Whether there is one.
    fn get(&self, commit: &Word, file: &str) -> Result<bool, Refusal> {
        if self.repository.has(commit, file) {
            return Ok(true);
        }
        if self.repository.lacks(commit, file) {
            return Ok(false);
        }
        match self.find(commit, file)? {
            Found::File(remote) => self.keep(remote, commit, file).map(|()| true),
            Found::Nothing(_) => {
                self.repository.note_absence(commit, file)?;
                Ok(false)
            }
        }
    }

    /// The file as it is in that commit, even where `main` has moved on since.
    fn find(&self, commit: &Word, file: &str) -> Result<Found, Refusal> {
        let found = self.client.find(&self.client.address(self.name, MAIN, file))?;
        if found.commit().is_none_or(|found| found == commit) {
            return Ok(found);
        }
        self.client.find(&self.client.address(self.name, &commit.to_string(), file))
    }

    fn keep(&self, remote: Box<RemoteFile>, commit: &Word, file: &str) -> Result<(), Refusal> {
        if !file.ends_with(".safetensors") {
            remote.must_be_small()?;
        }
        let (etag, length) = (remote.etag.clone(), remote.length);
        let bar = self.progress_bar(file, length);
        let outcome = self.repository.keep((commit, file), (&etag, length), |blob| {
            self.client.download(remote, blob, &|written| bar.set_position(written))
        });
        bar.finish_and_clear();
        outcome
    }

    fn progress_bar(&self, file: &str, length: Option<u64>) -> ProgressBar {
        let is_long = length.is_some_and(|length| length > QUICK);
        if !(is_long && self.shows_progress && std::io::stderr().is_terminal()) {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {bar:24} {bytes} of {total_bytes} ({eta})")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style);
        bar.with_message(file.to_string())
    }

    fn no_weights(&self, commit: &Word, candidates: &[WeightFile]) -> Result<Diagnostic, Refusal> {
        let looked_for: Vec<String> =
            candidates.iter().map(|candidate| format!("`{}`", candidate.name())).collect();
        let diagnostic = self.lacks(&looked_for.join(" or "));
        for file in PICKLED {
            if let Found::File(_) = self.find(commit, file)? {
                let advice = format!(
                    "its weights are pickled (`{file}`), and such files run code of their own: fetch it (`hf download {}`), \
                     and {}",
                    self.name,
                    files::CONVERSION
                );
                return Ok(diagnostic.help(advice));
            }
        }
        Ok(diagnostic.help("give a model with weights in safetensors"))
    }

    fn lacks(&self, what: &str) -> Diagnostic {
        Diagnostic::new(format!("`{}` on the hub has no {what}", self.name))
    }
}

fn not_in_the_cache(name: &str, variable: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(format!(
        "`{name}` is no folder here, it is not whole in the cache, and `{variable}` forbids to ask the hub: {reason}"
    ))
    .help(format!(
        "fetch it once without `{variable}`, or set `HF_HUB_CACHE` or `HF_HOME` to where it was fetched"
    ))
}

/// A warning is worth a line; where nobody can read it, it is not worth a failure.
fn warn(text: &str) {
    ocellus_runtime::terminal::say(format_args!("warning: {text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        for name in ["google/siglip-base-patch16-224", "gpt2", "a/b.c_d", "_a/b_"] {
            assert!(is_name(name), "{name}");
        }
        let long = format!("a/{}", "b".repeat(97));
        for path in [
            "./model", "../x/y", "a/b/c", "/abs", "a b", "", "a/", "a/../b", "a..b", "a--b",
            "a.git", "-a", "a-", "a/b.", ".a/b", "é/b", &long,
        ] {
            assert!(!is_name(path), "{path}");
        }
    }
}
