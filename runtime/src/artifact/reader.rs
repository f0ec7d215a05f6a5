//! Reads an artifact, and believes nothing that it says.

use super::FORMAT_VERSION;
use super::header::{
    ALIGNMENT, CODE, HASHES, HEADER_HASH, Hashes, LENGTH_BYTES, PLAN, PROVENANCE, RESERVED,
    find_header_hash, hash_header, padded,
};
use super::{ArtifactError, Provenance};
use crate::memory::map_memory;
use crate::output::write_file;
use crate::pipe::open_regular;
use memmap2::{Mmap, MmapMut};
use ocellus_dialects::plan::Plan;
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// An artifact in memory, whole and of this format; its plan is valid. Whether this machine can run it is another
/// question: see [`DeviceKind::of`](crate::devices::DeviceKind::of).
#[derive(Debug)]
pub struct Artifact {
    bytes: Mmap,
    /// The file that the bytes are mapped from, where they are.
    file: Option<MappedFile>,
    plan: Plan,
    provenance: Provenance,
    attachments: BTreeMap<String, String>,
    sections: HashMap<String, Range<usize>>,
}

/// A file as it was when it was mapped.
#[derive(Debug)]
struct MappedFile {
    file: File,
    state: FileState,
}

/// What changes when somebody writes into a file.
#[derive(Debug, PartialEq)]
struct FileState {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl FileState {
    fn of(file: &File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(FileState { bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// What may change least between versions of the format.
#[derive(serde::Deserialize)]
struct Version {
    format_version: u32,
    #[serde(default)]
    compiler_version: String,
}

impl Artifact {
    /// Maps the file and checks all of it. What reads less of it than all, or cannot promise what follows, gives
    /// [`from_bytes`](Self::from_bytes) a copy.
    ///
    /// # Safety
    /// Nobody may write into the file, or cut it, while the artifact is open: its bytes would change while they are read,
    /// and bytes that are gone kill the process. To move another file to its place is fine, and so is to remove it.
    pub unsafe fn open(path: &Path) -> Result<Self, ArtifactError> {
        let open = || {
            let file = open_regular(path)?;
            let state = FileState::of(&file)?;
            // SAFETY: by the contract of this function.
            let bytes = unsafe { Mmap::map(&file) }?;
            Self::parse(bytes, Some(MappedFile { file, state }), true)
        };
        open().map_err(|source| ArtifactError::Read {
            path: path.to_path_buf(),
            source: Box::new(source),
        })
    }

    /// Whether the file still is as it was opened, as far as its size and the time of its last change tell; bytes in
    /// memory are. It takes less than a microsecond, and finds a file that was copied over before it was read; one that
    /// is copied over while it is read it cannot find.
    pub fn is_as_opened(&self) -> bool {
        self.file.as_ref().is_none_or(|MappedFile { file, state }| {
            FileState::of(file).is_ok_and(|now| now == *state)
        })
    }

    /// Reads an artifact from memory. The bytes are copied, to where vector instructions can read them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut memory = map_memory(bytes.len())?;
        memory.copy_from_slice(bytes);
        Self::parse(memory.make_read_only()?, None, true)
    }

    pub(super) fn from_memory_just_written(memory: MmapMut) -> Result<Self, ArtifactError> {
        Self::parse(memory.make_read_only()?, None, false)
    }

    /// The file as it is: what [`from_bytes`](Self::from_bytes) takes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the file, all of it or nothing.
    pub fn save(&self, path: &Path) -> Result<(), ArtifactError> {
        write_file(path, &self.bytes)
            .map_err(|source| ArtifactError::Write { path: path.to_path_buf(), source })
    }

    /// The host program.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The code object, padded by zeros.
    pub fn code(&self) -> &[u8] {
        self.section(CODE).unwrap_or_default()
    }

    /// The text that travels under this name.
    pub fn attachment(&self, name: &str) -> Option<&str> {
        self.attachments.get(name).map(String::as_str)
    }

    /// A weight, by its position in the plan, aligned to 64 bytes.
    pub fn weight(&self, index: usize) -> Option<&[u8]> {
        let entry = self.plan.weights.get(index)?;
        self.section(&entry.name)?.get(..usize::try_from(entry.bytes).ok()?)
    }

    fn section(&self, name: &str) -> Option<&[u8]> {
        self.bytes.get(self.sections.get(name)?.clone())
    }

    fn parse(
        bytes: Mmap,
        file: Option<MappedFile>,
        verify_data: bool,
    ) -> Result<Self, ArtifactError> {
        let (length, header) =
            SafeTensors::read_metadata(&bytes).map_err(ArtifactError::NotSafetensors)?;
        let data_start = LENGTH_BYTES + length;
        let metadata = header.metadata().as_ref().ok_or(ArtifactError::NotAnArtifact(PLAN))?;
        let text = |key: &'static str| metadata.get(key).ok_or(ArtifactError::NotAnArtifact(key));
        check_version(text(PROVENANCE)?)?;
        let hashes: Hashes = json(HASHES, text(HASHES)?)?;
        check_hash("plan", &hashes.plan, text(PLAN)?.as_bytes())?;
        check_header(bytes.get(..data_start).unwrap_or_default(), text(HEADER_HASH)?)?;
        let sections: HashMap<String, Range<usize>> = header
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let (start, end) = info.data_offsets;
                (name, data_start + start..data_start + end)
            })
            .collect();
        let plan: Plan = json(PLAN, text(PLAN)?)?;
        plan.validate()?;
        check_sections(&plan, &sections)?;
        if verify_data {
            check_data(&bytes, &sections, &hashes)?;
        }
        let attachments = metadata
            .iter()
            .filter(|(key, _)| !RESERVED.iter().any(|reserved| key.starts_with(reserved)))
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        let provenance = json(PROVENANCE, text(PROVENANCE)?)?;
        Ok(Artifact { bytes, file, plan, provenance, attachments, sections })
    }
}

fn json<T: serde::de::DeserializeOwned>(key: &'static str, text: &str) -> Result<T, ArtifactError> {
    serde_json::from_str(text).map_err(|source| ArtifactError::Metadata { key, source })
}

fn check_version(provenance: &str) -> Result<(), ArtifactError> {
    let version: Version = json(PROVENANCE, provenance)?;
    if version.format_version == FORMAT_VERSION {
        return Ok(());
    }
    let unknown = || "of an unknown version".to_string();
    let compiler = Some(version.compiler_version).filter(|text| !text.is_empty());
    Err(ArtifactError::Version {
        found: version.format_version,
        compiler: compiler.unwrap_or_else(unknown),
    })
}

fn check_header(length_and_header: &[u8], expected: &str) -> Result<(), ArtifactError> {
    let found =
        find_header_hash(length_and_header).and_then(|own| hash_header(length_and_header, own));
    match found {
        Some(found) if found == expected => Ok(()),
        _ => Err(ArtifactError::Damaged { section: "header".to_string() }),
    }
}

fn check_hash(section: &str, expected: &str, bytes: &[u8]) -> Result<(), ArtifactError> {
    if blake3::hash(bytes).to_hex().as_str() == expected {
        return Ok(());
    }
    Err(ArtifactError::Damaged { section: section.to_string() })
}

/// Every tensor of the plan is there, with its size, at an address that kernels can use.
fn check_sections(
    plan: &Plan,
    sections: &HashMap<String, Range<usize>>,
) -> Result<(), ArtifactError> {
    if !sections.contains_key(CODE) {
        return Err(ArtifactError::MissingTensor(CODE.to_string()));
    }
    for weight in &plan.weights {
        let section = sections
            .get(&weight.name)
            .ok_or_else(|| ArtifactError::MissingTensor(weight.name.clone()))?;
        if padded(weight.bytes) != Some(section.len() as u64) {
            return Err(ArtifactError::TensorSize {
                name: weight.name.clone(),
                found: section.len() as u64,
                expected: weight.bytes,
            });
        }
    }
    match sections.iter().find(|(_, section)| !(section.start as u64).is_multiple_of(ALIGNMENT)) {
        Some((name, _)) => Err(ArtifactError::Misaligned(name.clone())),
        None => Ok(()),
    }
}

/// Checks the hash of every tensor, on all cores: a large model's weights take longer than all the rest of loading.
fn check_data(
    bytes: &[u8],
    sections: &HashMap<String, Range<usize>>,
    hashes: &Hashes,
) -> Result<(), ArtifactError> {
    let sections: Vec<_> = sections.iter().collect();
    let next = AtomicUsize::new(0);
    let check_some = || {
        while let Some((name, section)) = sections.get(next.fetch_add(1, Ordering::Relaxed)) {
            let expected = hashes.tensors.get(*name).map_or("", String::as_str);
            check_hash(name, expected, bytes.get((*section).clone()).unwrap_or_default())?;
        }
        Ok(())
    };
    let helpers = std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1);
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers.min(sections.len().saturating_sub(1)))
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, check_some).ok())
            .collect();
        let mine = check_some();
        helpers.into_iter().fold(mine, |result, helper| {
            let theirs = helper
                .join()
                .unwrap_or_else(|_| Err(ArtifactError::Damaged { section: "data".to_string() }));
            result.and(theirs)
        })
    })
}
