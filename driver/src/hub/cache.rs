//! [`Repository`]: what was fetched of one model, in the layout of Hugging Face's own client, so that both find what the
//! other fetched.
//!
//! ```text
//! models--owner--name/
//!   refs/main                      the commit that `main` was when it was last fetched
//!   blobs/ETAG                     the content of a file
//!   snapshots/COMMIT/config.json   a link to its blob
//!   .no_exist/COMMIT/file          a file that this commit does not have
//! ```
//!
//! A blob is written under a name of its own, and gets its place only when all of it is there. The reference is moved
//! last: what an interrupted fetch leaves is never taken for a model.

use ocellus_checkpoint::files::{ShardIndex, WeightFile};
use ocellus_runtime::unfinished::{Rights, Unfinished};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A word of the hub that is used as the name of a file: a commit, or the tag of a content.
///
/// What a server says is not trusted: such a word leads nowhere. Beside the hub's own digits it may have signs, as the
/// tags of mirrors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    /// The word, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_graphic() && !"/\\\"".contains(c);
        let is_word =
            (1..=128).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with('.');
        is_word.then(|| Word(text.to_string()))
    }
}

impl AsRef<Path> for Word {
    fn as_ref(&self) -> &Path {
        self.0.as_ref()
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder of one model in the cache.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// That of a model. Nothing is made before something is kept.
    pub fn new(cache: &Path, name: &str) -> Self {
        Repository { folder: cache.join(format!("models--{}", name.replace('/', "--"))) }
    }

    /// The folder of a commit, with the files that were fetched of it.
    pub fn snapshot(&self, commit: &Word) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The snapshot that `main` was when it was last fetched, if it has all that a model needs.
    ///
    /// # Errors
    /// Why there is none: a sentence.
    pub fn last_snapshot(&self) -> Result<PathBuf, String> {
        let reference = self.reference();
        let commit = match fs::read_to_string(&reference) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(format!("nothing of it lies in {}", self.folder.display()));
            }
            Err(error) => return Err(format!("{}: {error}", reference.display())),
        };
        let commit = Word::new(commit.trim())
            .ok_or_else(|| format!("{} does not name a commit", reference.display()))?;
        let snapshot = self.snapshot(&commit);
        match missing_file(&snapshot)? {
            None => Ok(snapshot),
            Some(file) => Err(format!("`{file}` is missing in {}", snapshot.display())),
        }
    }

    /// Whether a commit's file was fetched before.
    pub fn has(&self, commit: &Word, file: &str) -> bool {
        self.snapshot(commit).join(file).is_file()
    }

    /// Whether it is known that a commit has no such file.
    pub fn lacks(&self, commit: &Word, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    /// Notes that a commit has no such file.
    pub fn note_absence(&self, commit: &Word, file: &str) -> io::Result<()> {
        let note = self.absence(commit, file);
        note.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::create(note).map(|_| ())
    }

    /// Keeps a commit's file, whose content has that tag. The content is written by `write`, unless it is there
    /// already, in the length that is expected.
    pub fn keep<E: From<io::Error>>(
        &self,
        (commit, file): (&Word, &str),
        (etag, length): (&Word, Option<u64>),
        write: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<(), E> {
        let blobs = self.folder.join("blobs");
        fs::create_dir_all(&blobs)?;
        fs::create_dir_all(self.snapshot(commit))?;
        let blob = blobs.join(etag);
        let is_whole = fs::metadata(&blob).is_ok_and(|found| {
            found.is_file() && length.is_none_or(|length| length == found.len())
        });
        if !is_whole {
            // Gone again, also where the command is stopped, unless it gets its place.
            let (partial, mut content) = Unfinished::file_in(&blobs, Rights::Default)?;
            write(&mut content)?;
            content.sync_all()?;
            partial.put_in_place(&blob)?;
        }
        Ok(link(&blob, etag, &self.snapshot(commit).join(file))?)
    }

    /// Makes a commit the one that `main` stands for.
    pub fn set_main(&self, commit: &Word) -> io::Result<()> {
        let reference = self.reference();
        if fs::read_to_string(&reference).is_ok_and(|text| text == commit.0) {
            return Ok(());
        }
        let references = self.folder.join("refs");
        fs::create_dir_all(&references)?;
        ocellus_runtime::write_file(&reference, commit.0.as_bytes())
    }

    fn reference(&self) -> PathBuf {
        self.folder.join("refs").join("main")
    }

    fn absence(&self, commit: &Word, file: &str) -> PathBuf {
        self.folder.join(".no_exist").join(commit).join(file)
    }
}

/// What a model needs and a snapshot lacks.
fn missing_file(snapshot: &Path) -> Result<Option<String>, String> {
    let lacks = |file: &str| !snapshot.join(file).is_file();
    if lacks("config.json") {
        return Ok(Some("config.json".to_string()));
    }
    let candidates = WeightFile::candidates(snapshot).map_err(|error| error.to_string())?;
    match candidates.iter().find(|candidate| !lacks(candidate.name())) {
        Some(WeightFile::Whole(_)) => Ok(None),
        Some(WeightFile::Index(index)) => {
            let index =
                ShardIndex::read(&snapshot.join(index)).map_err(|error| error.to_string())?;
            Ok(index.shards().into_iter().find(|shard| lacks(shard)).map(str::to_string))
        }
        None => Ok(candidates.first().map(|candidate| candidate.name().to_string())),
    }
}

/// Puts a link to a blob into a snapshot; the blob itself, where the file system has no links.
fn link(blob: &Path, etag: &Word, file: &Path) -> io::Result<()> {
    let target = Path::new("../../blobs").join(etag);
    if fs::read_link(file).is_ok_and(|found| found == target) {
        return Ok(());
    }
    // A link to a blob that is gone, or to another one.
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match std::os::unix::fs::symlink(target, file) {
        // Another process was quicker, with the same content.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied
                || error.kind() == ErrorKind::Unsupported =>
        {
            fs::rename(blob, file)
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn word(text: &str) -> Word {
        Word::new(text).unwrap()
    }

    fn keep(repository: &Repository, commit: &str, file: &str, etag: &str, content: &str) {
        let length = Some(content.len() as u64);
        let write = |blob: &mut File| blob.write_all(content.as_bytes());
        repository.keep((&word(commit), file), (&word(etag), length), write).unwrap();
    }

    fn all_paths(folder: &Path) -> Vec<String> {
        let mut paths = vec![];
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.symlink_metadata().unwrap().is_dir() {
                true => paths.extend(all_paths(&path)),
                false => paths.push(path.display().to_string()),
            }
        }
        paths.sort();
        paths
    }

    #[test]
    fn words_lead_nowhere() {
        for good in ["0d46d85da5001d52aeda5b00ce9f", "d41d8cd9-5", "a.b", "{SHA1{ab}}"] {
            assert!(Word::new(good).is_some(), "{good}");
        }
        let long = "a".repeat(129);
        for bad in ["", ".", "..", "../x", "/x", "a/b", "a\\b", "a\0", ".x", "é", "a b", &long] {
            assert!(Word::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_kept_file_lies_where_the_other_client_has_it() {
        let cache = tempfile::tempdir().unwrap();
        let repository = Repository::new(cache.path(), "owner/name");
        keep(&repository, "c1", "config.json", "e1", "{}");
        repository.note_absence(&word("c1"), "absent.json").unwrap();
        repository.set_main(&word("c1")).unwrap();
        let paths: Vec<String> = all_paths(cache.path());
        let root = cache.path().join("models--owner--name");
        let expected =
            [".no_exist/c1/absent.json", "blobs/e1", "refs/main", "snapshots/c1/config.json"];
        assert_eq!(paths, expected.map(|path| root.join(path).display().to_string()));
        assert_eq!(fs::read_to_string(root.join("refs/main")).unwrap(), "c1");
        let link = fs::read_link(root.join("snapshots/c1/config.json")).unwrap();
        assert_eq!(link, Path::new("../../blobs/e1"));
        assert!(
            repository.has(&word("c1"), "config.json")
                && repository.lacks(&word("c1"), "absent.json")
        );
        assert!(
            !repository.has(&word("c2"), "config.json")
                && !repository.lacks(&word("c2"), "absent.json")
        );
    }

    #[test]
    fn what_is_not_whole_is_not_kept() {
        let cache = tempfile::tempdir().unwrap();
        let repository = Repository::new(cache.path(), "name");
        let fail = |blob: &mut File| -> io::Result<()> {
            blob.write_all(b"half")?;
            Err(io::Error::other("the line is dead"))
        };
        let (commit, etag) = (word("c"), word("e"));
        repository.keep((&commit, "config.json"), (&etag, None), fail).unwrap_err();
        assert!(!repository.has(&commit, "config.json"));
        assert_eq!(all_paths(cache.path()), Vec::<String>::new());

        // A blob that another program left short, and a link to one that is gone, are mended.
        keep(&repository, "c", "config.json", "e", "whole");
        fs::write(cache.path().join("models--name/blobs/e"), "who").unwrap();
        keep(&repository, "c", "config.json", "e", "whole");
        let file = repository.snapshot(&commit).join("config.json");
        assert_eq!(fs::read_to_string(&file).unwrap(), "whole");
        fs::remove_file(cache.path().join("models--name/blobs/e")).unwrap();
        keep(&repository, "c", "config.json", "f", "other");
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
    }

    #[test]
    fn a_snapshot_that_lacks_a_file_is_not_taken() {
        let cache = tempfile::tempdir().unwrap();
        let repository = Repository::new(cache.path(), "name");
        assert!(repository.last_snapshot().unwrap_err().contains("nothing of it lies in"));
        keep(&repository, "c", "config.json", "e1", "{}");
        repository.set_main(&word("c")).unwrap();
        assert!(repository.last_snapshot().unwrap_err().contains("`model.safetensors` is missing"));
        let index = r#"{"weight_map": {"x": "a.safetensors"}}"#;
        keep(&repository, "c", "model.safetensors.index.json", "e2", index);
        assert!(repository.last_snapshot().unwrap_err().contains("`a.safetensors` is missing"));
        keep(&repository, "c", "a.safetensors", "e3", "");
        assert_eq!(repository.last_snapshot().unwrap(), repository.snapshot(&word("c")));
        fs::write(cache.path().join("models--name/refs/main"), "../../..").unwrap();
        assert!(repository.last_snapshot().unwrap_err().contains("does not name a commit"));
    }
}
