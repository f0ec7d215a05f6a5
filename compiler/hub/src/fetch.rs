//! [`fetch`]: all files of a model that are needed, of one commit, into its snapshot.

use crate::cache::{Repository, Word};
use crate::client::{Client, Found, RemoteFile};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::{HubError, Observer};
use ocellus_checkpoint::files::{self, ShardIndex, WeightFile};
use ocellus_preprocess::ProcessorConfig;
use std::path::PathBuf;

const CONFIG: &str = "config.json";
const MAIN: &str = "main";

/// Files that say that a model has weights of another format only.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// The folder that holds a model's config and weights, fetched where they are not there yet. The environment says where the
/// hub and its cache are, by the variables of `huggingface_hub`.
///
/// # Errors
/// The hub or the cache cannot be read, has no such model, or has it without weights in safetensors; each with advice.
pub fn fetch(name: &str, observer: &dyn Observer) -> Result<PathBuf, HubError> {
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
        observer: settings.shows_progress.then_some(observer),
        client: Client::new(settings),
    };
    let config = match fetch.client.find(&fetch.client.address(name, MAIN, CONFIG)) {
        Ok(Found::File(config)) => config,
        Ok(Found::Nothing(_)) => {
            return Err(HubError::new(format!(
                "`{name}` is no folder here, and on the hub it has no `{CONFIG}`"
            ))
            .help("check the name; it must be a model of `transformers`"));
        }
        // What was whole once is good enough while the hub cannot be asked.
        Err(refusal) => {
            let error = refusal.explained(name, &endpoint);
            let snapshot = fetch.repository.last_snapshot().map_err(|_| error)?;
            observer.warning(&format!(
                "{refusal}; taking what was fetched before, from {}",
                snapshot.display()
            ));
            return Ok(snapshot);
        }
    };
    let commit = config.commit.clone();
    fetch.all(config, &commit).map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal.explained(name, &endpoint),
        Failure::Told(error) => error,
    })
}

/// Fetches the files of one model.
struct Fetch<'a> {
    name: &'a str,
    repository: Repository,
    client: Client,
    /// Who is told of downloads.
    observer: Option<&'a dyn Observer>,
}

/// Why a model was not fetched.
enum Failure {
    Refused(Refusal),
    Told(HubError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Failure::Told(error)
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
        let candidates = WeightFile::candidates(&snapshot).map_err(HubError::of)?;
        for candidate in &candidates {
            if !self.get(commit, candidate.name())? {
                continue;
            }
            if let WeightFile::Index(index) = candidate {
                let path = snapshot.join(index);
                let index = ShardIndex::read(&path).map_err(HubError::of)?;
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
        let tell = |bytes: u64, is_done: bool| {
            if let Some(observer) = self.observer {
                observer.downloaded(file, bytes, length, is_done);
            }
        };
        let outcome = self.repository.keep((commit, file), (&etag, length), |blob| {
            self.client.download(remote, blob, &|written| tell(written, false))
        });
        tell(length.unwrap_or(0), true);
        outcome
    }

    fn no_weights(&self, commit: &Word, candidates: &[WeightFile]) -> Result<HubError, Refusal> {
        let looked_for: Vec<String> =
            candidates.iter().map(|candidate| format!("`{}`", candidate.name())).collect();
        let error = self.lacks(&looked_for.join(" or "));
        for file in PICKLED {
            if let Found::File(_) = self.find(commit, file)? {
                let advice = format!(
                    "its weights are pickled (`{file}`), and such files run code of their own: fetch it (`hf download {}`), \
                     and {}",
                    self.name,
                    files::CONVERSION
                );
                return Ok(error.help(advice));
            }
        }
        Ok(error.help("give a model with weights in safetensors"))
    }

    fn lacks(&self, what: &str) -> HubError {
        HubError::new(format!("`{}` on the hub has no {what}", self.name))
    }
}

fn not_in_the_cache(name: &str, variable: &str, reason: &str) -> HubError {
    HubError::new(format!(
        "`{name}` is no folder here, it is not whole in the cache, and `{variable}` forbids to ask the hub: {reason}"
    ))
    .help(format!(
        "fetch it once without `{variable}`, or set `HF_HUB_CACHE` or `HF_HOME` to where it was fetched"
    ))
}
