//! Round trips, damage, and artifacts that lie with the right hashes.

mod variants;

use super::FORMAT_VERSION;
use super::header::{
    HASH_DIGITS, HASHES, HEADER_HASH, Hashes, PROVENANCE, TARGETS, code_name, find_header_hash,
    hash_header, plan_key,
};
use super::*;
use crate::test_support::replace_numbers::replace_numbers;
use ocellus_dialects::kernel::Family;
use ocellus_dialects::plan::{
    Expression, KernelEntry, Launch, LaunchArgument, Piece, Place, Plan, Port, PortValues, Program,
    Schedule, SymbolEntry, SymbolSource, WeightEntry,
};
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::json;
use std::error::Error;

fn plan(weights: &[(String, Vec<u8>)]) -> Plan {
    let weights = weights
        .iter()
        .map(|(name, bytes)| WeightEntry { name: name.clone(), bytes: bytes.len() as u64 });
    let dim = |index| Port {
        name: "x".to_string(),
        shape: vec![Expression::Symbol(index)],
        values: PortValues::Numbers,
    };
    let schedule = Schedule {
        kernel: 0,
        tiles: Expression::Sum(vec![Expression::Symbol(0), Expression::Constant(-1)]),
        scratch_bytes: Expression::Constant(0),
    };
    let launch = Launch {
        schedule,
        alternatives: vec![],
        arguments: vec![LaunchArgument::Address {
            place: Place::Buffer(0),
            offset: Expression::FloorDiv(Box::new(Expression::Symbol(1)), 3),
        }],
        result: None,
    };
    let program = Program { buffers: vec![Expression::Symbol(0)], launches: vec![launch] };
    Plan {
        symbols: vec![
            SymbolEntry {
                name: "images".to_string(),
                source: SymbolSource::Free { min: 1, max: 64, step: 1 },
            },
            SymbolEntry {
                name: "tokens".to_string(),
                source: SymbolSource::Defined(Expression::Symbol(0)),
            },
        ],
        inputs: vec![dim(0)],
        outputs: vec![dim(1)],
        weights: weights.collect(),
        kernels: vec![KernelEntry { symbol: "k".to_string(), family: Family::Gemm }],
        programs: vec![program],
        pieces: vec![Piece { ranges: vec![], program: 0 }],
    }
}

/// The target of the artifacts here.
const TARGET: &str = "a machine";

fn target(name: &str) -> TargetRequirements {
    TargetRequirements {
        name: name.to_string(),
        architecture: "x86_64".to_string(),
        features: vec!["avx2".to_string()],
    }
}

fn variant(name: &str, plan: Plan) -> VariantContents {
    VariantContents { target: target(name), plan, code: b"machine code".to_vec() }
}

fn contents(plan: Plan) -> ArtifactContents {
    let attachments = [("preprocessor_config".to_string(), "{\"size\": 224}".to_string())].into();
    ArtifactContents { attachments, ..ArtifactContents::new("a tag", vec![variant(TARGET, plan)]) }
}

fn two_weights() -> Vec<(String, Vec<u8>)> {
    vec![("a".to_string(), vec![1; 100]), ("b".to_string(), (0..=255).collect())]
}

fn fill<D: Destination>(
    mut writer: ArtifactWriter<D>,
    weights: &[(String, Vec<u8>)],
) -> D::Written {
    for (name, bytes) in weights.iter().rev() {
        writer.write_weight(name, bytes.chunks(7)).unwrap();
    }
    writer.finish().unwrap()
}

fn small_artifact() -> Artifact {
    let weights = two_weights();
    fill(ArtifactWriter::in_memory(contents(plan(&weights))).unwrap(), &weights)
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn error_of(bytes: &[u8]) -> String {
    chain(&Artifact::from_bytes(bytes).expect_err("a bad artifact"))
}

#[test]
fn is_a_safetensors_file_whose_tensors_are_aligned() {
    let artifact = small_artifact();
    let tensors = SafeTensors::deserialize(artifact.bytes()).unwrap();
    let mut names = tensors.names();
    names.sort();
    assert_eq!(names, ["a", "b", "ocellus.code/a machine"]);
    assert_eq!(&tensors.tensor("a").unwrap().data()[..100], [1; 100]);
    assert_eq!(tensors.tensor("a").unwrap().data()[100..], [0; 28]);
    for (_, tensor) in tensors.iter() {
        let offset = tensor.data().as_ptr() as usize - artifact.bytes().as_ptr() as usize;
        assert_eq!(offset % 64, 0);
        assert_eq!(tensor.data().as_ptr() as usize % 64, 0);
    }
    assert_eq!(artifact.bytes().len() % 64, 0);
    assert_eq!(artifact.attachment("preprocessor_config"), Some("{\"size\": 224}"));
    assert_eq!(artifact.attachment("ocellus.targets"), None);
}

fn weights() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::btree_map("[a-z0-9\"é\\\\.]{1,12}", bytes, 0..6)
        .prop_map(|map| map.into_iter().collect())
        .prop_filter("reserved", |weights: &Vec<(String, Vec<u8>)>| {
            weights.iter().all(|(name, _)| !name.starts_with("ocellus."))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reads_what_was_written(
        weights in weights(),
        code in prop::collection::vec(any::<u8>(), 0..200),
        text in ".*",
        tag in ".*",
    ) {
        let mut contents = contents(plan(&weights));
        contents.variants[0].code = code;
        contents.attachments.insert("text".to_string(), text);
        contents.provenance.tag = tag;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("artifact.safetensors");
        fill(ArtifactWriter::create(&path, contents.clone()).unwrap(), &weights);
        let in_memory = fill(ArtifactWriter::in_memory(contents.clone()).unwrap(), &weights);
        // SAFETY: nobody else knows the file.
        let opened = unsafe { Artifact::open(&path) }.unwrap();
        prop_assert_eq!(in_memory.bytes(), opened.bytes());
        let variant = opened.variant(TARGET).unwrap();
        prop_assert_eq!(&*variant.plan, &contents.variants[0].plan);
        prop_assert_eq!(&variant.target, &contents.variants[0].target);
        prop_assert_eq!(opened.provenance(), &contents.provenance);
        let code = &contents.variants[0].code;
        prop_assert_eq!(&opened.code(variant)[..code.len()], code);
        prop_assert_eq!(opened.attachment("text"), contents.attachments.get("text").map(|s| s.as_str()));
        for (index, (_, bytes)) in weights.iter().enumerate() {
            prop_assert_eq!(opened.weight(variant, index), Some(bytes.as_slice()));
        }
    }

    /// Bytes replaced, put in and taken out anywhere: found, and no panic.
    #[test]
    fn any_damage_is_found(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let artifact = small_artifact();
        let mut bytes = artifact.bytes().to_vec();
        for (index, byte, kind) in edits {
            let index = index.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => bytes.insert(index, byte),
                _ => {
                    bytes.remove(index);
                }
            }
        }
        prop_assert_eq!(Artifact::from_bytes(&bytes).is_ok(), bytes == artifact.bytes());
    }

    #[test]
    fn noise_is_no_artifact(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Artifact::from_bytes(&bytes).is_err());
    }

    /// A plan whose numbers are anything, with the right hashes.
    #[test]
    fn hostile_plans_are_refused_or_valid(
        edits in prop::collection::vec((any::<prop::sample::Index>(), -3i64..4), 1..4),
    ) {
        let weights = two_weights();
        let text = serde_json::to_string(&plan(&weights)).unwrap();
        let plan = replace_numbers(&text, &edits);
        let bytes = forge(&plan, &provenance(FORMAT_VERSION), &sections(&weights));
        if let Ok(artifact) = Artifact::from_bytes(&bytes) {
            prop_assert!(artifact.variants()[0].plan.validate().is_ok());
        }
    }
}

#[test]
fn every_flipped_byte_is_found() {
    assert_every_flipped_byte_is_found(&small_artifact());
}

fn assert_every_flipped_byte_is_found(artifact: &Artifact) {
    let mut bytes = artifact.bytes().to_vec();
    for index in 0..bytes.len() {
        let flipped = 1 << (index % 8);
        bytes[index] ^= flipped;
        assert!(Artifact::from_bytes(&bytes).is_err(), "byte {index}");
        bytes[index] ^= flipped;
    }
    assert!(Artifact::from_bytes(&bytes).is_ok());
}

#[test]
fn the_damaged_section_is_named() {
    let artifact = small_artifact();
    let text = |bytes: &[u8], section: &str| -> usize {
        let section = section.as_bytes();
        bytes.windows(section.len()).position(|window| window == section).unwrap()
    };
    let bytes = artifact.bytes();
    let last = bytes.len() - 1;
    // Inside the plan: a kernel's family. In the header: a tag. At the end: the last weight.
    let places = [
        ("ocellus.plan/a machine", text(bytes, "gemm")),
        ("header", text(bytes, "a tag")),
        ("ocellus.code/a machine", text(bytes, "machine code")),
        ("ocellus.code/a machine", text(bytes, "machine code") + 40),
        ("a", text(bytes, &"\u{1}".repeat(100))),
        ("b", last),
    ];
    for (section, index) in places {
        let mut bytes = bytes.to_vec();
        bytes[index] ^= 1;
        assert_eq!(
            error_of(&bytes),
            format!(
                "the section `{section}` is damaged, as its hash is another: copy or compile the artifact again"
            )
        );
    }
}

#[test]
fn every_truncation_is_found() {
    let artifact = small_artifact();
    for length in 0..artifact.bytes().len() {
        assert!(Artifact::from_bytes(&artifact.bytes()[..length]).is_err(), "{length} bytes");
    }
}

fn provenance(version: u32) -> String {
    let mut provenance = contents(plan(&[])).provenance;
    provenance.format_version = version;
    provenance.compiler_version = "9.8.7".to_string();
    serde_json::to_string(&provenance).unwrap()
}

fn sections(weights: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut sections = vec![(code_name(TARGET), vec![0; 64])];
    sections.extend_from_slice(weights);
    sections.iter_mut().for_each(|(_, bytes)| bytes.resize(bytes.len().next_multiple_of(64), 0));
    sections
}

/// A file with these texts and tensors, and the right hashes for them.
fn forge(plan: &str, provenance: &str, sections: &[(String, Vec<u8>)]) -> Vec<u8> {
    let targets = serde_json::to_string(&[target(TARGET)]).unwrap();
    forge_variants(&targets, &[(TARGET, plan)], provenance, sections)
}

/// The same, with a list of targets, and the plan of each.
fn forge_variants(
    targets: &str,
    plans: &[(&str, &str)],
    provenance: &str,
    sections: &[(String, Vec<u8>)],
) -> Vec<u8> {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_string();
    let hashes = Hashes {
        plans: plans.iter().map(|(name, plan)| (name.to_string(), hash(plan.as_bytes()))).collect(),
        tensors: sections.iter().map(|(name, bytes)| (name.clone(), hash(bytes))).collect(),
    };
    let mut header = json!({ "__metadata__": {
        HEADER_HASH: "0".repeat(HASH_DIGITS),
        PROVENANCE: provenance,
        TARGETS: targets,
        HASHES: serde_json::to_string(&hashes).unwrap(),
    }});
    for (name, plan) in plans {
        header["__metadata__"][plan_key(name)] = json!(plan);
    }
    let mut data = Vec::new();
    for (name, bytes) in sections {
        let end = data.len() + bytes.len();
        header[name] =
            json!({ "dtype": "U8", "shape": [bytes.len()], "data_offsets": [data.len(), end] });
        data.extend_from_slice(bytes);
    }
    let mut json = header.to_string();
    json.extend(std::iter::repeat_n(' ', (json.len() + 8).next_multiple_of(64) - 8 - json.len()));
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    let own = find_header_hash(&bytes).unwrap();
    let hash = hash_header(&bytes, own.clone()).unwrap();
    bytes[own].copy_from_slice(hash.as_bytes());
    bytes.extend_from_slice(&data);
    bytes
}

#[test]
fn another_version_is_refused() {
    let weights = two_weights();
    let plan = serde_json::to_string(&plan(&weights)).unwrap();
    let forged = |version| forge(&plan, &provenance(version), &sections(&weights));
    assert!(Artifact::from_bytes(&forged(FORMAT_VERSION)).is_ok());
    assert_eq!(
        error_of(&forged(FORMAT_VERSION + 1)),
        format!(
            "the artifact has format version {} (written by ocellus 9.8.7), and this runtime reads version \
             {FORMAT_VERSION}: compile the model again with this version of ocellus",
            FORMAT_VERSION + 1
        )
    );
    let unreadable = forge("[]", "{\"format_version\": 7}", &[]);
    assert!(
        error_of(&unreadable)
            .contains("format version 7 (written by ocellus of an unknown version)")
    );
}

#[test]
fn sections_that_do_not_fit_the_plan_are_named() {
    let weights = two_weights();
    let plan = serde_json::to_string(&plan(&weights)).unwrap();
    let with = |sections: &[(String, Vec<u8>)]| {
        error_of(&forge(&plan, &provenance(FORMAT_VERSION), sections))
    };
    let all = sections(&weights);
    assert_eq!(with(&all[1..]), "there is no tensor `ocellus.code/a machine`");
    assert_eq!(with(&all[..2]), "there is no tensor `b`");
    let mut longer = all.clone();
    longer[2].1.resize(320, 0);
    assert_eq!(with(&longer), "the tensor `b` has 320 bytes, and the plan says 256");
    let mut misaligned = all.clone();
    misaligned.insert(0, ("another".to_string(), vec![0; 3]));
    assert!(with(&misaligned).contains("does not start at a multiple of 64 bytes"));
}

#[test]
fn other_files_are_told_apart() {
    let checkpoint = safetensors::serialize::<_, safetensors::tensor::TensorView<'_>, _>(
        Vec::<(String, _)>::new(),
        None,
    );
    assert!(error_of(&checkpoint.unwrap()).contains("a safetensors file but no artifact"));
    assert!(error_of(b"\xff\xff\xff\xff\xff\xff\xff\xff{}").contains("not a safetensors file"));
    // SAFETY: there is no such file.
    let missing = unsafe { Artifact::open("/nowhere/at/all".as_ref()) }.unwrap_err();
    assert!(
        chain(&missing).starts_with("cannot read the artifact `/nowhere/at/all`: No such file")
    );
}

#[test]
fn the_writer_takes_each_weight_once_and_whole() {
    let weights = two_weights();
    let writer = || ArtifactWriter::in_memory(contents(plan(&weights))).unwrap();
    let text = |result: Result<(), ArtifactError>| result.unwrap_err().to_string();
    assert_eq!(
        text(writer().write_weight("c", [[0u8]])),
        "no plan has a weight `c`, or it was written before"
    );
    assert_eq!(
        text(writer().write_weight("a", [[0u8; 99]])),
        "the tensor `a` has 99 bytes, and the plan says 100"
    );
    assert_eq!(
        text(writer().write_weight("a", [[0u8; 64]; 2])),
        "the tensor `a` has 128 bytes, and the plan says 100"
    );
    let mut twice = writer();
    twice.write_weight("a", [[0u8; 100]]).unwrap();
    assert!(text(twice.write_weight("a", [[0u8; 100]])).contains("written before"));
    assert_eq!(writer().finish().unwrap_err().to_string(), "there is no tensor `a`");
    let reserved = vec![("ocellus.code".to_string(), vec![])];
    let error = ArtifactWriter::in_memory(contents(plan(&reserved))).err().unwrap();
    assert!(error.to_string().contains("`ocellus.code` is reserved"));
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| {
        chain(&ArtifactWriter::create(path, contents(plan(&[]))).err().expect("an error"))
    };
    let nowhere = folder.path().join("no/such/folder/artifact");
    assert!(
        error(&nowhere)
            .starts_with(&format!("cannot write the artifact `{}`: ", nowhere.display()))
    );
    assert!(error(folder.path()).ends_with("is a directory"), "{}", error(folder.path()));
}

#[test]
fn a_file_that_is_written_into_is_noticed_and_one_that_is_replaced_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["artifact", "other"].map(|name| folder.path().join(name));
    std::fs::write(&path, small_artifact().bytes()).unwrap();
    // SAFETY: its bytes are not read again where the test cuts it.
    let open = || unsafe { Artifact::open(&path) }.unwrap();
    let artifact = open();
    assert!(artifact.is_as_opened());
    // The new file is another, and the old one stays for as long as somebody has it open.
    std::fs::write(&other, b"something else").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(artifact.is_as_opened());
    assert_eq!(artifact.bytes(), small_artifact().bytes());

    std::fs::write(&path, artifact.bytes()).unwrap();
    let artifact = open();
    std::fs::write(&path, b"shorter").unwrap();
    assert!(!artifact.is_as_opened());
    assert!(small_artifact().is_as_opened());
}

#[test]
fn nothing_is_left_behind_by_a_writer_that_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    drop(ArtifactWriter::create(&path, contents(plan(&two_weights()))).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
