//! Reads an artifact, and believes nothing that it says.

use super::FORMAT_VERSION;
use super::header::{
    ALIGNMENT, HASHES, HEADER_HASH, Hashes, LENGTH_BYTES, PROVENANCE, RESERVED, TARGETS, code_name,
    find_header_hash, hash_header, padded, plan_key,
};
use super::variant::check_variants;
use super::{ArtifactError, Provenance, TargetRequirements, Variant};
use crate::memory::map_memory;
use crate::output::write_file;
use crate::pipe::open_regular;
use memmap2::{Mmap, MmapMut};
use ocellus_dialects::plan::Plan;
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// An artifact in memory, whole and of this format; its plans are valid. Whether this machine can run one is another
/// question: see [`DeviceKind::of`](crate::devices::DeviceKind::of).
#[derive(Debug)]
pub struct Artifact {
    bytes: Mmap,
    /// The file that the bytes are mapped from, where they are.
    file: Option<MappedFile>,
    variants: Vec<Variant>,
    provenance: Provenance,
    attachments: BTreeMap<String, String>,
    sections: HashMap<String, Range<usize>>,
    hashes: Hashes,
    /// Which tensors are held against their hashes.
    checked: Checked,
}

/// Which tensors of an artifact are held against their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checked {
    /// All of them were, or their bytes were never out of sight.
    All,
    /// Those of a variant are, when it is [used](Artifact::check).
    WhenUsed,
}

/// A file as it was when it was mapped.
#[derive(Debug)]
struct MappedFile {
    file: File,
    path: PathBuf,
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
        // SAFETY: by the contract of this function.
        let mut artifact = unsafe { Self::map(path) }?;
        artifact.check(artifact.sections.keys().map(String::as_str))?;
        artifact.checked = Checked::All;
        Ok(artifact)
    }

    /// The same, without the tensors: those of the variant that is used are [checked](Self::check) then. To read all that other
    /// machines would run takes as long again for each of them.
    ///
    /// # Safety
    /// As for [`open`](Self::open).
    pub(crate) unsafe fn map(path: &Path) -> Result<Self, ArtifactError> {
        let open = || {
            let file = open_regular(path)?;
            let state = FileState::of(&file)?;
            // SAFETY: by the contract of this function.
            let bytes = unsafe { Mmap::map(&file) }?;
            let path = path.to_path_buf();
            Self::parse(bytes, Some(MappedFile { file, path, state }), Checked::WhenUsed)
        };
        open().map_err(|source| within(path, source))
    }

    /// Whether the file still is as it was opened, as far as its size and the time of its last change tell; bytes in
    /// memory are. It takes less than a microsecond, and finds a file that was copied over before it was read; one that
    /// is copied over while it is read it cannot find.
    pub fn is_as_opened(&self) -> bool {
        self.file.as_ref().is_none_or(|MappedFile { file, state, .. }| {
            FileState::of(file).is_ok_and(|now| now == *state)
        })
    }

    /// Reads an artifact from memory. The bytes are copied, to where vector instructions can read them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut memory = map_memory(bytes.len())?;
        memory.copy_from_slice(bytes);
        let mut artifact = Self::parse(memory.make_read_only()?, None, Checked::WhenUsed)?;
        artifact.check(artifact.sections.keys().map(String::as_str))?;
        artifact.checked = Checked::All;
        Ok(artifact)
    }

    pub(super) fn from_memory_just_written(memory: MmapMut) -> Result<Self, ArtifactError> {
        Self::parse(memory.make_read_only()?, None, Checked::All)
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

    /// Its program for each target, the least able first. There is at least one, and all have the same inputs and outputs.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The program for the target of that name.
    pub fn variant(&self, target: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.target.name == target)
    }

    /// Whether the input of that name is one of indices.
    pub fn holds_indices(&self, input: &str) -> bool {
        self.variants.iter().any(|variant| variant.plan.holds_indices(input))
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The code object of a variant, padded by zeros.
    pub fn code(&self, variant: &Variant) -> &[u8] {
        self.section(&code_name(&variant.target.name)).unwrap_or_default()
    }

    /// The text that travels under this name.
    pub fn attachment(&self, name: &str) -> Option<&str> {
        self.attachments.get(name).map(String::as_str)
    }

    /// A weight of a variant, by its position in the plan, aligned to 64 bytes.
    pub fn weight(&self, variant: &Variant, index: usize) -> Option<&[u8]> {
        let entry = variant.plan.weights.get(index)?;
        self.section(&entry.name)?.get(..usize::try_from(entry.bytes).ok()?)
    }

    /// Holds the code of a variant against its hash, if that was not done.
    pub(crate) fn check_code(&self, variant: &Variant) -> Result<(), ArtifactError> {
        self.check([code_name(&variant.target.name).as_str()])
    }

    /// Holds the weights of a variant against their hashes, if that was not done.
    pub(crate) fn check_weights(&self, variant: &Variant) -> Result<(), ArtifactError> {
        self.check(variant.plan.weights.iter().map(|weight| weight.name.as_str()))
    }

    fn check<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), ArtifactError> {
        if self.checked == Checked::All {
            return Ok(());
        }
        let sections: Vec<(&str, &[u8])> =
            names.into_iter().map(|name| (name, self.section(name).unwrap_or_default())).collect();
        check_data(&sections, &self.hashes).map_err(|source| match &self.file {
            Some(file) => within(&file.path, source),
            None => source,
        })
    }

    fn section(&self, name: &str) -> Option<&[u8]> {
        self.bytes.get(self.sections.get(name)?.clone())
    }

    fn parse(
        bytes: Mmap,
        file: Option<MappedFile>,
        checked: Checked,
    ) -> Result<Self, ArtifactError> {
        let (length, header) =
            SafeTensors::read_metadata(&bytes).map_err(ArtifactError::NotSafetensors)?;
        let data_start = LENGTH_BYTES + length;
        let metadata =
            header.metadata().as_ref().ok_or(ArtifactError::NotAnArtifact(PROVENANCE))?;
        let text = |key: &'static str| metadata.get(key).ok_or(ArtifactError::NotAnArtifact(key));
        check_version(text(PROVENANCE)?)?;
        let hashes: Hashes = json(HASHES, text(HASHES)?)?;
        let targets: Vec<TargetRequirements> = json(TARGETS, text(TARGETS)?)?;
        let plan_texts = targets.into_iter().map(|target| {
            let key = plan_key(&target.name);
            let missing = || ArtifactError::MissingPlan(target.name.clone());
            let text = metadata.get(&key).ok_or_else(missing)?;
            let expected = hashes.plans.get(&target.name).map_or("", String::as_str);
            check_hash(&key, expected, text.as_bytes())?;
            Ok((target, key, text))
        });
        let plan_texts = plan_texts.collect::<Result<Vec<_>, ArtifactError>>()?;
        check_header(bytes.get(..data_start).unwrap_or_default(), text(HEADER_HASH)?)?;
        let sections: HashMap<String, Range<usize>> = header
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let (start, end) = info.data_offsets;
                (name, data_start + start..data_start + end)
            })
            .collect();
        let variants = plan_texts.into_iter().map(|(target, key, text)| {
            let plan: Plan = json(&key, text)?;
            plan.validate()?;
            Ok(Variant { target, plan: Arc::new(plan) })
        });
        let variants = variants.collect::<Result<Vec<_>, ArtifactError>>()?;
        check_variants(&variants)?;
        check_sections(&variants, &sections)?;
        let attachments = metadata
            .iter()
            .filter(|(key, _)| !RESERVED.iter().any(|reserved| key.starts_with(reserved)))
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        let provenance = json(PROVENANCE, text(PROVENANCE)?)?;
        Ok(Artifact { bytes, file, variants, provenance, attachments, sections, hashes, checked })
    }
}

/// Names the file that is at fault.
fn within(path: &Path, source: ArtifactError) -> ArtifactError {
    ArtifactError::Read { path: path.to_path_buf(), source: Box::new(source) }
}

fn json<T: serde::de::DeserializeOwned>(key: &str, text: &str) -> Result<T, ArtifactError> {
    let key = || key.to_string();
    serde_json::from_str(text).map_err(|source| ArtifactError::Metadata { key: key(), source })
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

/// Every tensor of the plans is there, with its size, at an address that kernels can use.
fn check_sections(
    variants: &[Variant],
    sections: &HashMap<String, Range<usize>>,
) -> Result<(), ArtifactError> {
    let missing = |name: &str| ArtifactError::MissingTensor(name.to_string());
    for variant in variants {
        let code = code_name(&variant.target.name);
        if !sections.contains_key(&code) {
            return Err(missing(&code));
        }
        for weight in &variant.plan.weights {
            let section = sections.get(&weight.name).ok_or_else(|| missing(&weight.name))?;
            if padded(weight.bytes) != Some(section.len() as u64) {
                return Err(ArtifactError::TensorSize {
                    name: weight.name.clone(),
                    found: section.len() as u64,
                    expected: weight.bytes,
                });
            }
        }
    }
    match sections.iter().find(|(_, section)| !(section.start as u64).is_multiple_of(ALIGNMENT)) {
        Some((name, _)) => Err(ArtifactError::Misaligned(name.clone())),
        None => Ok(()),
    }
}

/// Checks the hash of each tensor, on all cores: a large model's weights take longer than all the rest of loading.
fn check_data(sections: &[(&str, &[u8])], hashes: &Hashes) -> Result<(), ArtifactError> {
    let next = AtomicUsize::new(0);
    let check_some = || {
        while let Some((name, bytes)) = sections.get(next.fetch_add(1, Ordering::Relaxed)) {
            let expected = hashes.tensors.get(*name).map_or("", String::as_str);
            check_hash(name, expected, bytes)?;
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
