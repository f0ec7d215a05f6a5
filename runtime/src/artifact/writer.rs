//! Writes an artifact: the sizes are known from the plans, so weights stream to their places one after the other.

use super::header::{
    ALIGNMENT, HASH_DIGITS, HASHES, HEADER_HASH, Hashes, LENGTH_BYTES, PROVENANCE, RESERVED,
    TARGETS, code_name, find_header_hash, hash_header, padded, plan_key,
};
use super::variant::check_variants;
use super::{Artifact, ArtifactError, Provenance, TargetRequirements, Variant};
use crate::memory::map_memory;
use crate::new_file::NewFile;
use memmap2::MmapMut;
use ocellus_dialects::plan::Plan;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What safetensors allows.
const MAX_HEADER_BYTES: usize = 100_000_000;

/// All of an artifact but its weights.
#[derive(Clone, Debug)]
pub struct ArtifactContents {
    /// Where it comes from.
    pub provenance: Provenance,
    /// Its program for each target, the least able first.
    pub variants: Vec<VariantContents>,
    /// Texts that travel with the model, by name: the preprocessor's config.
    pub attachments: BTreeMap<String, String>,
}

/// The program for a target, all but its weights.
#[derive(Clone, Debug)]
pub struct VariantContents {
    /// The target.
    pub target: TargetRequirements,
    /// The host program.
    pub plan: Plan,
    /// The code object, of the kind that the target's device loads.
    pub code: Vec<u8>,
}

impl ArtifactContents {
    /// What this version of Ocellus compiles, without attachments. `tag` is what the model is called.
    pub fn new(tag: impl Into<String>, variants: Vec<VariantContents>) -> Self {
        let symbols = variants.first().map_or(&[][..], |variant| &variant.plan.symbols);
        let provenance = Provenance::new(tag, symbols);
        ArtifactContents { provenance, variants, attachments: BTreeMap::new() }
    }
}

/// Writes an artifact, to a [`NewArtifactFile`] or to [`ArtifactMemory`].
pub struct ArtifactWriter<D> {
    metadata: Metadata,
    sections: Vec<Section>,
    hashes: Hashes,
    data_start: u64,
    destination: D,
}

/// What the header says beside where the tensors lie and their hashes.
struct Metadata {
    provenance: Provenance,
    variants: Vec<Variant>,
    attachments: BTreeMap<String, String>,
}

/// A tensor's part of the data.
struct Section {
    name: String,
    offset: u64,
    bytes: u64,
    padded: u64,
    written: bool,
}

/// Where an artifact is written; zeros at first.
pub trait Destination {
    /// What there is when all is written.
    type Written;

    /// Writes bytes to their place.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ArtifactError>;

    /// Ends the work.
    fn finish(self) -> Result<Self::Written, ArtifactError>;
}

/// A file, of which nothing is seen at its path before it is whole.
pub struct NewArtifactFile {
    file: NewFile,
    path: PathBuf,
}

/// Memory.
pub struct ArtifactMemory(MmapMut);

impl ArtifactWriter<NewArtifactFile> {
    /// Begins an artifact at `path`: a file without a name for now, with room for all of it, so that a full disk is known
    /// before the weights are packed.
    pub fn create(path: &Path, contents: ArtifactContents) -> Result<Self, ArtifactError> {
        Self::new(contents, |bytes: u64| {
            let file = NewFile::create(path)
                .and_then(|mut file| file.reserve(bytes).map(|()| file))
                .map_err(|source| ArtifactError::Write { path: path.to_path_buf(), source })?;
            Ok(NewArtifactFile { file, path: path.to_path_buf() })
        })
    }
}

impl ArtifactWriter<ArtifactMemory> {
    /// Begins an artifact in memory.
    pub fn in_memory(contents: ArtifactContents) -> Result<Self, ArtifactError> {
        Self::new(contents, |bytes| {
            let bytes = usize::try_from(bytes).map_err(std::io::Error::other)?;
            Ok(ArtifactMemory(map_memory(bytes)?))
        })
    }
}

impl<D: Destination> ArtifactWriter<D> {
    fn new(
        contents: ArtifactContents,
        destination: impl FnOnce(u64) -> Result<D, ArtifactError>,
    ) -> Result<Self, ArtifactError> {
        let ArtifactContents { provenance, variants, attachments } = contents;
        let (variants, codes): (Vec<Variant>, Vec<Vec<u8>>) = variants
            .into_iter()
            .map(|VariantContents { target, plan, code }| {
                (Variant { target, plan: Arc::new(plan) }, code)
            })
            .unzip();
        check_variants(&variants)?;
        for variant in &variants {
            variant.plan.validate()?;
        }
        let weights = variants.iter().flat_map(|variant| &variant.plan.weights);
        for name in weights.map(|weight| &weight.name).chain(attachments.keys()) {
            if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
                return Err(ArtifactError::ReservedName(name.clone()));
            }
        }
        let sections = lay_out(&variants, &codes)?;
        let metadata = Metadata { provenance, variants, attachments };
        let mut hashes = Hashes::default();
        for section in &sections {
            hashes.tensors.insert(section.name.clone(), "0".repeat(HASH_DIGITS));
        }
        for Variant { target, plan } in &metadata.variants {
            let hash = blake3::hash(plan_text(&target.name, plan)?.as_bytes()).to_string();
            hashes.plans.insert(target.name.clone(), hash);
        }
        // The hashes have a fixed length, so the header has its final length now.
        let data_start = header(&metadata, &sections, &hashes)?.len() as u64;
        let data_bytes = sections.last().map_or(0, |last| last.offset + last.padded);
        let total = data_start.checked_add(data_bytes).ok_or_else(too_large)?;
        let destination = destination(total)?;
        let names: Vec<String> =
            metadata.variants.iter().map(|variant| code_name(&variant.target.name)).collect();
        let mut writer = ArtifactWriter { metadata, sections, hashes, data_start, destination };
        for (name, code) in names.iter().zip(codes) {
            writer.write_section(name, [code])?;
        }
        Ok(writer)
    }

    /// Writes the bytes of a weight, which may come in parts. Each weight of the plans is written once, in any order;
    /// variants that have one of the same name share it.
    pub fn write_weight<Part: AsRef<[u8]>>(
        &mut self,
        name: &str,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<(), ArtifactError> {
        if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
            return Err(ArtifactError::ReservedName(name.to_string()));
        }
        self.write_section(name, parts)
    }

    fn write_section<Part: AsRef<[u8]>>(
        &mut self,
        name: &str,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<(), ArtifactError> {
        let section = self
            .sections
            .iter_mut()
            .find(|section| section.name == name && !section.written)
            .ok_or_else(|| ArtifactError::UnexpectedTensor(name.to_string()))?;
        let size = |found| ArtifactError::TensorSize {
            name: name.to_string(),
            found,
            expected: section.bytes,
        };
        let mut hasher = blake3::Hasher::new();
        let mut position = 0;
        for part in parts {
            let part = part.as_ref();
            let end = position + part.len() as u64;
            if end > section.bytes {
                return Err(size(end));
            }
            self.destination.write_at(self.data_start + section.offset + position, part)?;
            hasher.update(part);
            position = end;
        }
        if position != section.bytes {
            return Err(size(position));
        }
        // The padding itself is there already: both destinations start as zeros.
        hasher.update(&[0; ALIGNMENT as usize][..(section.padded - section.bytes) as usize]);
        section.written = true;
        self.hashes.tensors.insert(name.to_string(), hasher.finalize().to_hex().to_string());
        Ok(())
    }

    /// Writes the header, and ends the work: a file is put in its place, memory is an artifact.
    pub fn finish(mut self) -> Result<D::Written, ArtifactError> {
        if let Some(section) = self.sections.iter().find(|section| !section.written) {
            return Err(ArtifactError::MissingTensor(section.name.clone()));
        }
        let mut header = header(&self.metadata, &self.sections, &self.hashes)?;
        let damaged = || ArtifactError::Damaged { section: "header".to_string() };
        let own = find_header_hash(&header).ok_or_else(damaged)?;
        let hash = hash_header(&header, own.clone()).ok_or_else(damaged)?;
        header.get_mut(own).ok_or_else(damaged)?.copy_from_slice(hash.as_bytes());
        self.destination.write_at(0, &header)?;
        self.destination.finish()
    }
}

impl Destination for NewArtifactFile {
    type Written = ();

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ArtifactError> {
        let file = self.file.file();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(bytes))
            .map_err(|source| ArtifactError::Write { path: self.path.clone(), source })
    }

    fn finish(self) -> Result<(), ArtifactError> {
        let NewArtifactFile { file, path } = self;
        file.put_in_place().map_err(|source| ArtifactError::Write { path, source })?;
        Ok(())
    }
}

impl Destination for ArtifactMemory {
    type Written = Artifact;

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ArtifactError> {
        let start = usize::try_from(offset).map_err(std::io::Error::other)?;
        let place = self.0.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
        place.ok_or_else(too_large)?.copy_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> Result<Artifact, ArtifactError> {
        Artifact::from_memory_just_written(self.0)
    }
}

/// The code first, then the weights in the plans' order, each once.
fn lay_out(variants: &[Variant], codes: &[Vec<u8>]) -> Result<Vec<Section>, ArtifactError> {
    let codes = variants.iter().zip(codes);
    let codes = codes.map(|(variant, code)| (code_name(&variant.target.name), code.len() as u64));
    let weights = variants.iter().flat_map(|variant| &variant.plan.weights);
    let mut sizes = HashMap::new();
    let mut offset = 0u64;
    let mut sections = vec![];
    for (name, bytes) in codes.chain(weights.map(|weight| (weight.name.clone(), weight.bytes))) {
        match sizes.insert(name.clone(), bytes) {
            None => {}
            Some(expected) if expected == bytes => continue,
            Some(expected) => {
                return Err(ArtifactError::TensorSize { name, found: bytes, expected });
            }
        }
        let padded = padded(bytes).ok_or_else(too_large)?;
        sections.push(Section { name, offset, bytes, padded, written: false });
        offset = offset.checked_add(padded).ok_or_else(too_large)?;
    }
    Ok(sections)
}

/// The length and the header, padded so that the data starts at a multiple of the alignment.
fn header(
    Metadata { provenance, variants, attachments }: &Metadata,
    sections: &[Section],
    hashes: &Hashes,
) -> Result<Vec<u8>, ArtifactError> {
    let mut metadata = Map::new();
    metadata.insert(HEADER_HASH.to_string(), json!("0".repeat(HASH_DIGITS)));
    metadata.insert(PROVENANCE.to_string(), json!(text(PROVENANCE, provenance)?));
    metadata.insert(HASHES.to_string(), json!(text(HASHES, hashes)?));
    let targets: Vec<&TargetRequirements> =
        variants.iter().map(|variant| &variant.target).collect();
    metadata.insert(TARGETS.to_string(), json!(text(TARGETS, &targets)?));
    for Variant { target, plan } in variants {
        metadata.insert(plan_key(&target.name), json!(plan_text(&target.name, plan)?));
    }
    for (name, text) in attachments {
        metadata.insert(name.clone(), json!(text));
    }
    let mut entries = Map::new();
    entries.insert("__metadata__".to_string(), Value::Object(metadata));
    for Section { name, offset, padded, .. } in sections {
        let entry = json!({
            "dtype": "U8", "shape": [padded], "data_offsets": [offset, offset + padded],
        });
        entries.insert(name.clone(), entry);
    }
    let mut json = Value::Object(entries).to_string();
    let length = (LENGTH_BYTES + json.len()).next_multiple_of(ALIGNMENT as usize) - LENGTH_BYTES;
    if length > MAX_HEADER_BYTES {
        return Err(ArtifactError::HeaderTooLarge(length));
    }
    json.extend(std::iter::repeat_n(' ', length - json.len()));
    let mut bytes = (length as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    Ok(bytes)
}

fn plan_text(target: &str, plan: &Plan) -> Result<String, ArtifactError> {
    text(&plan_key(target), plan)
}

fn text(key: &str, value: &impl serde::Serialize) -> Result<String, ArtifactError> {
    let key = || key.to_string();
    serde_json::to_string(value).map_err(|source| ArtifactError::Metadata { key: key(), source })
}

fn too_large() -> ArtifactError {
    std::io::Error::from(std::io::ErrorKind::FileTooLarge).into()
}
