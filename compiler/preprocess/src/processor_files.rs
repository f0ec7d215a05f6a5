//! Holds the choice of a processor's files, and the meaning of their keys, against `transformers`, on the cases of
//! `tests/goldens/preprocessing/processor-files.json`.

use super::{Preprocessor, ProcessorConfig};
use ocellus_checkpoint::python_json;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/preprocessing")
}

/// A folder with those files.
fn folder(files: &Map<String, Value>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
    }
    folder
}

/// What is wrong with our answer to a case.
fn fault(case: &Value) -> Option<String> {
    let folder = folder(case["files"].as_object().unwrap());
    let preprocessor = match (Preprocessor::load(folder.path()), case.get("shape")) {
        (Ok(preprocessor), Some(_)) => preprocessor,
        (Err(error), Some(_)) => return Some(format!("refused: {error}")),
        (Ok(_), None) => return Some("accepted, where transformers refuses".to_string()),
        (Err(_), None) => return None,
    };
    let found = preprocessor.run(&[goldens().join("images/rgb.png")]).unwrap();
    let shape: Vec<usize> = serde_json::from_value(case["shape"].clone()).unwrap();
    if found.shape != shape {
        return Some(format!("the shape is {:?} and should be {shape:?}", found.shape));
    }
    let expected: Vec<f32> = serde_json::from_value(case["values"].clone()).unwrap();
    let (height, width) = (shape[2], shape[3]);
    let places = (0..3).flat_map(|channel| {
        (0..9).map(move |place| {
            let (y, x) = (place / 3 * (height - 1) / 2, place % 3 * (width - 1) / 2);
            (channel, (channel * height + y) * width + x)
        })
    });
    places.zip(expected).find_map(|((channel, at), expected)| {
        let found = found.data[at];
        // The goldens have four digits behind the point.
        let is_near = (found - expected).abs() <= 1e-4;
        (!is_near).then(|| format!("channel {channel} at {at} is {found}, not {expected}"))
    })
}

#[test]
fn files_and_keys_mean_what_they_mean_to_transformers() {
    let file = goldens().join("processor-files.json");
    let Some(Value::Array(cases)) = python_json::read(&file).unwrap() else { panic!("a list") };
    assert!(cases.len() > 50);
    let faults: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case["name"].as_str()?, fault(case)?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_not_absent() {
    let good = r#"{"image_processor_type": "ViTImageProcessor"}"#;
    type Spoil = fn(&Path);
    let bad: [(&str, Spoil); 4] = [
        ("no regular file", |path| std::fs::create_dir(path).unwrap()),
        ("link leads to a file that is not there", |path| {
            std::os::unix::fs::symlink("nowhere", path).unwrap();
        }),
        ("is not a JSON object", |path| std::fs::write(path, "{").unwrap()),
        ("is not a JSON object", |path| std::fs::write(path, "[]").unwrap()),
    ];
    for (expected, spoil) in bad {
        for (name, other) in [
            ("processor_config.json", "preprocessor_config.json"),
            ("preprocessor_config.json", ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            if !other.is_empty() {
                std::fs::write(folder.path().join(other), good).unwrap();
            }
            spoil(&folder.path().join(name));
            let error = ProcessorConfig::load(folder.path()).unwrap_err();
            let text = format!("{error}: {:?}", std::error::Error::source(&error));
            assert!(text.contains(name), "{text}");
            assert!(text.contains(expected), "{text}");
        }
        // `config.json` is read where nothing else names the class.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("preprocessor_config.json"), "{}").unwrap();
        spoil(&folder.path().join("config.json"));
        assert!(ProcessorConfig::load(folder.path()).is_err());
    }
}

#[test]
fn what_an_artifact_carries_says_all_that_the_files_said() {
    let file = goldens().join("processor-files.json");
    let Some(Value::Array(cases)) = python_json::read(&file).unwrap() else { panic!("a list") };
    for case in &cases {
        let folder = folder(case["files"].as_object().unwrap());
        let Ok(Some(config)) = ProcessorConfig::load(folder.path()) else { continue };
        let text = config.clone().into_json().to_string();
        let carried = ProcessorConfig::from_json(&text, Path::new("a.safetensors")).unwrap();
        let (original, carried) = (Preprocessor::new(&config), Preprocessor::new(&carried));
        assert_eq!(original.is_ok(), carried.is_ok(), "{case}");
        if let (Ok(original), Ok(carried)) = (original, carried) {
            assert_eq!(original, carried, "{case}");
        }
    }
}
