//! Models by their names, from a hub on this machine that behaves well, badly, and worse.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::hub::{Answer, Hub};
use support::{Outcome, goldens};

const NAME: &str = "owner/name";

/// The files of a golden's model.
fn model(golden: &str) -> BTreeMap<String, Answer> {
    let entries = std::fs::read_dir(goldens().join(golden).join("model")).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            (name, Answer::file(std::fs::read(path).unwrap()))
        })
        .collect()
}

/// What is said of a model that was fetched and read.
const READ: &[&str] = &["there is no symbol `frames`"];

/// A machine with an empty cache, and a hub.
struct Machine {
    folder: tempfile::TempDir,
    endpoint: String,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(hub: &Hub) -> Self {
        let (folder, endpoint) = (tempfile::tempdir().unwrap(), hub.endpoint());
        Machine { folder, endpoint, variables: vec![] }
    }

    fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("home/hub")
    }

    fn repository(&self) -> PathBuf {
        self.cache().join("models--owner--name")
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocellus"));
        for (name, _) in std::env::vars() {
            if name.starts_with("HF_") || name.contains("HUGGING") || name.ends_with("_OFFLINE") {
                command.env_remove(name);
            }
        }
        for proxy in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        command.env("HF_ENDPOINT", &self.endpoint).env("HF_HOME", self.folder.path().join("home"));
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path());
        Outcome::of(command.args(arguments))
    }

    /// Fetches the model, and reads it, but compiles nothing: it has no symbol `frames`.
    fn fetch(&self) -> Outcome {
        self.run(&["compile", NAME, "--emit", "venc", "--range", "frames=1..=2"])
    }

    /// Whether the cache takes what is in it for the whole model.
    fn is_whole(&self) -> bool {
        self.repository().join("refs/main").exists()
    }

    /// The files in the folder, links and all, but not those of the cache.
    fn strangers(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("home")).collect()
    }
}

fn partial_files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.join("blobs")) else { return 0 };
    entries
        .filter(|entry| entry.as_ref().unwrap().path().to_string_lossy().contains(".ocellus-"))
        .count()
}

#[test]
fn a_model_is_fetched_once_and_then_there_without_a_hub() {
    let hub = Hub::serving(model("vit-sharded"));
    let machine = Machine::new(&hub);
    machine.fetch().failure(1, READ);
    let asked = hub.requests();
    machine.fetch().failure(1, READ);
    // Only whether `main` has moved is asked again.
    assert_eq!(hub.requests()[asked.len()..].len(), 1);

    let offline = |variable| Machine {
        variables: vec![(variable, "1".into())],
        endpoint: "http://127.0.0.1:9".into(),
        folder: tempfile::tempdir().unwrap(),
    };
    let there = machine.cache().display().to_string();
    for variable in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        offline(variable).with("HF_HUB_CACHE", &there).fetch().failure(1, READ);
        offline(variable).with("HUGGINGFACE_HUB_CACHE", &there).fetch().failure(1, READ);
        offline(variable)
            .fetch()
            .failure(1, &[variable, "`owner/name`", "HF_HUB_CACHE", "nothing of it lies in"]);
    }
    // A hub that is gone is as good as none.
    drop(hub);
    let outcome = machine.fetch().failure(1, READ);
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("fetched before"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn one_file_comes_before_shards_and_the_new_processor_before_the_old() {
    let mut files = model("dinov2-base");
    files.insert(
        "model.safetensors.index.json".into(),
        Answer::file(r#"{"weight_map": {"x": "no.safetensors"}}"#),
    );
    let processor = |side: u32| {
        format!(
            r#"{{"image_processor_type": "ViTImageProcessor", "size": {{"height": {side}, "width": {side}}}, "a": NaN}}"#
        )
    };
    files.insert("preprocessor_config.json".into(), Answer::file(processor(32)));
    files.insert(
        "processor_config.json".into(),
        Answer::file(format!(r#"{{"image_processor": {}}}"#, processor(24))),
    );
    let hub = Hub::serving(files);
    let machine = Machine::new(&hub);
    machine.fetch().failure(1, READ);
    assert!(!hub.requests().iter().any(|request| request.path.contains("index.json")));

    // The range follows from the processor, and the artifact carries it.
    let image = goldens().join("preprocessing/images/rgb.png");
    let [image, artifact, output] = [
        image,
        machine.folder.path().join("a.safetensors"),
        machine.folder.path().join("o.safetensors"),
    ]
    .map(|path| path.to_str().unwrap().to_string());
    machine.run(&["compile", NAME, "-o", &artifact]).success();
    machine.run(&["run", &artifact, "--image", &image, "-o", &output]).success();
    let bytes = std::fs::read(output).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let patches = 24 / config_number("dinov2-base", "patch_size");
    assert_eq!(tensors.tensor("last_hidden_state").unwrap().shape()[1], 1 + patches * patches);
}

fn config_number(golden: &str, key: &str) -> usize {
    let text = std::fs::read_to_string(goldens().join(golden).join("model/config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config[key].as_u64().unwrap() as usize
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let storage = Hub::serving(model("vit-base"));
    let mut files = model("vit-base");
    let Some(Answer::File { content, .. }) = files.remove("model.safetensors") else { panic!() };
    let elsewhere = format!("{}/storage/model.safetensors", storage.endpoint());
    files.insert(
        "model.safetensors".into(),
        Answer::Elsewhere { address: elsewhere, length: content.len() },
    );
    let hub = Hub::serving_to("hf_secret", files);

    let outcome = Machine::new(&hub).fetch();
    outcome.failure(1, &["401", "`HF_TOKEN`", "settings/tokens", "check the name"]);
    Machine::new(&hub)
        .with("HF_TOKEN", "hf_wrong")
        .fetch()
        .failure(1, &["401", "the token from `HF_TOKEN`", "expired"]);
    let silent =
        Machine::new(&hub).with("HF_TOKEN", "hf_secret").with("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    silent.fetch().failure(1, &["401"]);

    for variable in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        Machine::new(&hub).with(variable, "hf_secret\n").fetch().failure(1, READ);
    }
    let machine = Machine::new(&hub);
    std::fs::create_dir_all(machine.folder.path().join("home")).unwrap();
    std::fs::write(machine.folder.path().join("home/token"), "hf_secret\n").unwrap();
    machine.fetch().failure(1, READ);
    assert!(storage.requests().len() >= 3);
    assert!(storage.requests().iter().all(|request| request.token.is_none()));
}

#[test]
fn a_file_that_could_not_be_had_is_not_absent() {
    for file in ["processor_config.json", "preprocessor_config.json", "model.safetensors"] {
        let failing = |answer: Answer| {
            let mut files = model("vit-sharded");
            files.insert(file.into(), answer);
            let hub = Hub::serving(files);
            let machine = Machine::new(&hub).with("HF_HUB_ETAG_TIMEOUT", "1");
            let outcome = machine.fetch();
            assert_eq!(machine.is_whole(), outcome.stderr.contains(READ[0]));
            outcome
        };
        failing(Answer::Status(503, "")).failure(1, &["503", file, "try again"]);
        failing(Answer::Status(404, "RepoNotFound")).failure(1, &["404", "RepoNotFound"]);
        failing(Answer::Status(403, "GatedRepo"))
            .failure(1, &["403", "ask for access at", "`HF_TOKEN`"]);
        failing(Answer::Never).failure(1, &["cannot be reached", "HF_HUB_ETAG_TIMEOUT"]);
        failing(Answer::Status(404, "EntryNotFound")).failure(1, READ);
        failing(Answer::Status(404, "")).failure(1, READ);
    }
    let mut files = model("vit-base");
    files.insert("config.json".into(), Answer::Status(429, ""));
    Machine::new(&Hub::serving(files)).fetch().failure(1, &["429", "wait", "`HF_TOKEN`"]);
    Machine::new(&Hub::serving(BTreeMap::new()))
        .fetch()
        .failure(1, &["`owner/name`", "no `config.json`"]);
    Machine::new(&Hub::serving(BTreeMap::new()))
        .with("HF_ENDPOINT", "mirror")
        .fetch()
        .failure(1, &["`HF_ENDPOINT`"]);
}

#[test]
fn a_hub_that_is_busy_is_asked_again() {
    let mut files = model("vit-base");
    for answer in files.values_mut() {
        *answer = Answer::Once(Box::new(Answer::Status(503, "")), Box::new(answer.clone()));
    }
    Machine::new(&Hub::serving(files)).fetch().failure(1, READ);
}

#[test]
fn an_interrupted_download_never_looks_whole() {
    let cut = |answer: &dyn Fn(Vec<u8>) -> Answer| {
        let mut files = model("vit-base");
        let Some(Answer::File { content, .. }) = files.remove("model.safetensors") else {
            panic!()
        };
        files.insert("model.safetensors".into(), answer(content));
        let hub = Hub::serving(files);
        let machine = Machine::new(&hub).with("HF_HUB_DOWNLOAD_TIMEOUT", "1");
        let outcome = machine.fetch();
        assert_eq!(partial_files(&machine.repository()), 0);
        let snapshot = machine.repository().join("snapshots").join(support::hub::COMMIT);
        assert_eq!(machine.is_whole(), outcome.stderr.contains(READ[0]));
        assert_eq!(machine.is_whole(), snapshot.join("model.safetensors").exists());
        outcome
    };
    // A line that fails again and again, each time a bit later, is taken up where it failed.
    cut(&|content| Answer::Cut { content, at: 100_000, takes_up: true }).failure(1, READ);
    cut(&|content| Answer::Cut { content, at: 0, takes_up: true })
        .failure(1, &["did not come whole", "try again"]);
    cut(&|content| Answer::Chunked { content, is_whole: true }).failure(1, READ);
    cut(&|content| Answer::Chunked { content, is_whole: false })
        .failure(1, &["did not come whole"]);
    cut(&|content| Answer::WithoutLength { content }).failure(1, &["does not say how long"]);
    cut(&|content| Answer::Elsewhere {
        address: "http://127.0.0.1:9/x".into(),
        length: content.len(),
    })
    .failure(1, &["127.0.0.1:9", "cannot be reached"]);
}

#[test]
fn pickled_weights_are_told_with_how_to_convert_them() {
    let mut files = model("vit-base");
    files.remove("model.safetensors");
    Machine::new(&Hub::serving(files.clone()))
        .fetch()
        .failure(1, &["no `model.safetensors` or `model.safetensors.index.json`"]);
    files.insert("pytorch_model.bin".into(), Answer::file("pickle"));
    Machine::new(&Hub::serving(files)).fetch().failure(1, &["pytorch_model.bin", "save_file"]);
}

#[test]
fn a_hostile_hub_makes_nothing_outside_the_cache() {
    let shards = [
        "../../../../../escaped.safetensors",
        "/tmp/escaped.safetensors",
        "..",
        "a/b.safetensors",
        "a\\b.safetensors",
        "a\u{0}.safetensors",
        "\n.safetensors",
        "",
        "refs/main",
        "config.json",
    ];
    for shard in shards {
        let mut files = model("vit-sharded");
        let index = serde_json::json!({"weight_map": {"x": shard}}).to_string();
        files.insert("model.safetensors.index.json".into(), Answer::file(index));
        let hub = Hub::serving(files);
        let machine = Machine::new(&hub);
        machine.fetch().failure(
            1,
            &["model.safetensors.index.json", "a shard is a file in the same directory"],
        );
        assert_eq!(machine.strangers(), Vec::<PathBuf>::new());
        assert!(hub.requests().iter().all(|request| !request.path.contains("escaped")));
    }
    for (commit, etag) in [
        ("../../../escaped", "e"),
        ("/tmp/escaped", "e"),
        ("..", "e"),
        ("", "e"),
        ("c", "../../../escaped"),
        ("c", "/tmp/escaped"),
        ("c", ".."),
        ("c", ""),
        ("c", "\u{7f}"),
    ] {
        let content = std::fs::read(goldens().join("vit-base/model/config.json")).unwrap();
        let answer = Answer::File { content, commit: commit.into(), etag: etag.into() };
        let hub = Hub::serving([("config.json".to_string(), answer)].into());
        let machine = Machine::new(&hub);
        machine.fetch().failure(1, &["HF_ENDPOINT"]);
        assert_eq!(machine.strangers(), Vec::<PathBuf>::new());
        assert!(!machine.cache().exists());
    }
    for address in [
        "file:///etc/passwd",
        "not an address",
        "",
        "ftp://x/y",
        "http://",
        "//",
        "/owner/name/resolve/main/config.json",
    ] {
        let answer = Answer::Elsewhere { address: address.into(), length: 10 };
        let hub = Hub::serving([("config.json".to_string(), answer)].into());
        Machine::new(&hub).fetch().failure(1, &["HF_ENDPOINT"]);
    }
}

#[test]
fn what_comes_after_main_has_moved_is_of_the_same_commit() {
    let of = |commit: &str, content: &[u8]| Answer::File {
        content: content.to_vec(),
        commit: commit.into(),
        etag: format!("e-{}", content.len()),
    };
    let mut files = model("vit-base");
    let Some(Answer::File { content, .. }) = files.remove("model.safetensors") else { panic!() };
    let (newer, pinned) =
        (Box::new(of("newer", b"of another commit")), Box::new(Answer::file(content)));
    files.insert("model.safetensors".into(), Answer::Moved { main: newer, pinned });
    // A file that the newer commit has no more.
    let processor = of(support::hub::COMMIT, br#"{"image_processor_type": "ViTImageProcessor"}"#);
    let gone = Box::new(Answer::GoneSince("newer"));
    files.insert(
        "preprocessor_config.json".into(),
        Answer::Moved { main: gone, pinned: Box::new(processor) },
    );
    let hub = Hub::serving(files);
    let machine = Machine::new(&hub);
    machine.fetch().failure(1, READ);
    let snapshot = machine.repository().join("snapshots").join(support::hub::COMMIT);
    assert!(snapshot.join("preprocessor_config.json").is_file());
}

#[test]
fn a_content_that_changes_while_it_is_fetched_is_not_mixed() {
    let mut files = model("vit-base");
    let Some(Answer::File { content, .. }) = files.remove("model.safetensors") else { panic!() };
    let first = Answer::Cut { content: content.clone(), at: 1000, takes_up: true };
    let later = Answer::File { content, commit: support::hub::COMMIT.into(), etag: "other".into() };
    files.insert("model.safetensors".into(), Answer::Once(Box::new(first), Box::new(later)));
    let hub = Hub::serving(files);
    let machine = Machine::new(&hub);
    machine.fetch().failure(1, &["it was changed meanwhile", "try again"]);
    assert!(!machine.is_whole());
    machine.fetch().failure(1, READ);
}
