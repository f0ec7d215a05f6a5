//! Artifacts for several targets, honest and hostile ones.

use super::*;

/// Another plan of the same model: what it makes of the weights is its own.
fn other_plan() -> Plan {
    let weights = [("a".to_string(), vec![1; 100]), ("c".to_string(), vec![3; 70])];
    let mut plan = plan(&weights);
    plan.kernels[0].symbol = "another".to_string();
    plan
}

fn two_variants() -> ArtifactContents {
    let mut contents = contents(plan(&two_weights()));
    let code = b"other code".to_vec();
    contents.variants.push(VariantContents { code, ..variant("another machine", other_plan()) });
    contents
}

fn three_weights() -> Vec<(String, Vec<u8>)> {
    [two_weights(), vec![("c".to_string(), vec![3; 70])]].concat()
}

fn artifact_for_two() -> Artifact {
    fill(ArtifactWriter::in_memory(two_variants()).unwrap(), &three_weights())
}

fn refusal(contents: ArtifactContents) -> String {
    ArtifactWriter::in_memory(contents).err().expect("contents that are refused").to_string()
}

#[test]
fn each_target_has_its_own_program_and_weights_that_are_packed_alike_are_stored_once() {
    let artifact = Artifact::from_bytes(artifact_for_two().bytes()).unwrap();
    let names: Vec<&str> =
        artifact.variants().iter().map(|variant| variant.target.name.as_str()).collect();
    assert_eq!(names, [TARGET, "another machine"], "in the order in which they were given");
    let [first, second] = artifact.variants() else { panic!("{names:?}") };
    assert_eq!((&*first.plan, &*second.plan), (&plan(&two_weights()), &other_plan()));
    assert!(artifact.code(first).starts_with(b"machine code"));
    assert!(artifact.code(second).starts_with(b"other code"));
    let shared = [first, second].map(|variant| artifact.weight(variant, 0).unwrap());
    assert_eq!(shared[0].as_ptr(), shared[1].as_ptr());
    assert_eq!(artifact.weight(second, 1), Some(&[3; 70][..]));
    let tensors = SafeTensors::deserialize(artifact.bytes()).unwrap();
    assert_eq!(tensors.names().len(), 2 + 3);
    assert_eq!(artifact.variant("another machine"), Some(second));
    assert_eq!(artifact.variant("a third"), None);
}

#[test]
fn every_flipped_byte_of_any_variant_is_found() {
    assert_every_flipped_byte_is_found(&artifact_for_two());
}

#[test]
fn of_a_mapped_file_what_a_variant_uses_is_checked_when_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    let artifact = artifact_for_two();
    let place = |section: &[u8]| {
        let bytes = artifact.bytes();
        bytes.windows(section.len()).position(|window| window == section).unwrap()
    };
    // What is damaged, and whose code and weights that is among: of the first variant, of the second.
    for (section, [first, second]) in [
        (&b"machine code"[..], [(true, false), (false, false)]),
        (b"other code", [(false, false), (true, false)]),
        (&[1; 100], [(false, true), (false, true)]),
        (&[3; 70], [(false, false), (false, true)]),
    ] {
        let mut bytes = artifact.bytes().to_vec();
        bytes[place(section)] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        // SAFETY: nobody else knows the file.
        let mapped = unsafe { Artifact::map(&path) }.unwrap();
        for (variant, (code, weights)) in mapped.variants().iter().zip([first, second]) {
            let name = &variant.target.name;
            assert_eq!(mapped.check_code(variant).is_err(), code, "{section:?} for {name}");
            assert_eq!(mapped.check_weights(variant).is_err(), weights, "{section:?} for {name}");
        }
        // SAFETY: as above.
        let error = chain(&unsafe { Artifact::open(&path) }.unwrap_err());
        assert!(error.contains("is damaged") && error.contains("artifact`"), "{error}");
    }
}

#[test]
fn variants_that_do_not_go_together_are_refused() {
    let mut twice = two_variants();
    twice.variants[1].target.name = TARGET.to_string();
    assert_eq!(
        refusal(twice),
        "the artifact has two variants for `a machine`: compile the model again"
    );
    let none = ArtifactContents { variants: vec![], ..two_variants() };
    assert_eq!(refusal(none), "the artifact is for no target: compile the model again");
    let mut larger = two_variants();
    larger.variants[1].plan.weights[0].bytes = 101;
    assert_eq!(refusal(larger), "the tensor `a` has 101 bytes, and the plan says 100");
    let changes: [fn(&mut Plan); 3] = [
        |plan| plan.inputs[0].name = "z".to_string(),
        |plan| plan.outputs[0].shape = vec![],
        |plan| plan.symbols[0].source = SymbolSource::Free { min: 1, max: 65, step: 1 },
    ];
    for change in changes {
        let mut other = two_variants();
        change(&mut other.variants[1].plan);
        assert_eq!(
            refusal(other),
            "the artifact's variant for `another machine` takes other inputs or gives other outputs than that for `a \
             machine`: compile the model again"
        );
    }
}

#[test]
fn malformed_lists_of_targets_are_refused() {
    let weights = two_weights();
    let plan = serde_json::to_string(&plan(&weights)).unwrap();
    let with = |targets: &str| {
        let plans = [(TARGET, plan.as_str())];
        let bytes =
            forge_variants(targets, &plans, &provenance(FORMAT_VERSION), &sections(&weights));
        error_of(&bytes)
    };
    let list = |names: &[&str]| {
        let targets: Vec<TargetRequirements> = names.iter().map(|name| target(name)).collect();
        serde_json::to_string(&targets).unwrap()
    };
    assert_eq!(with("[]"), "the artifact is for no target: compile the model again");
    for no_list in ["{}", "[1]", "", "[{\"name\": \"x\"}]"] {
        assert!(with(no_list).starts_with("the metadata `ocellus.targets` cannot be understood"));
    }
    assert_eq!(
        with(&list(&[TARGET, "another machine"])),
        "the artifact has no plan for `another machine`, which is one of its targets: compile the model again"
    );
    assert_eq!(
        with(&list(&[TARGET, TARGET])),
        "the artifact has two variants for `a machine`: compile the model again"
    );
    let other = serde_json::to_string(&other_plan()).unwrap();
    let plans = [(TARGET, plan.as_str()), ("another machine", other.as_str())];
    let targets = list(&[TARGET, "another machine"]);
    let forged = |sections: &[(String, Vec<u8>)]| {
        error_of(&forge_variants(&targets, &plans, &provenance(FORMAT_VERSION), sections))
    };
    let mut all = sections(&three_weights());
    assert_eq!(forged(&all), "there is no tensor `ocellus.code/another machine`");
    all.push((code_name("another machine"), vec![0; 64]));
    all.retain(|(name, _)| name != "c");
    assert_eq!(forged(&all), "there is no tensor `c`");
}

proptest! {
    /// Plans whose numbers are anything, with the right hashes, beside an honest one.
    #[test]
    fn a_hostile_variant_is_refused_or_valid(
        edits in prop::collection::vec((any::<prop::sample::Index>(), -3i64..4), 1..4),
    ) {
        let honest = serde_json::to_string(&plan(&two_weights())).unwrap();
        let other = serde_json::to_string(&other_plan()).unwrap();
        let hostile = replace_numbers(&other, &edits);
        let plans = [(TARGET, honest.as_str()), ("another machine", hostile.as_str())];
        let targets = [target(TARGET), target("another machine")];
        let targets = serde_json::to_string(&targets).unwrap();
        let mut all = sections(&three_weights());
        all.push((code_name("another machine"), vec![0; 64]));
        let bytes = forge_variants(&targets, &plans, &provenance(FORMAT_VERSION), &all);
        if let Ok(artifact) = Artifact::from_bytes(&bytes) {
            prop_assert!(artifact.variants().iter().all(|variant| variant.plan.validate().is_ok()));
        }
    }
}
