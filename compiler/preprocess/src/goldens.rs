//! Holds the preprocessor against Hugging Face's, on the goldens of `tests/goldens/preprocessing`.

use super::Preprocessor;
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/preprocessing")
}

/// The folders with a processor.
fn processors() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(goldens()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> =
        entries.filter(|folder| folder.join("preprocessor_config.json").exists()).collect();
    folders.sort();
    assert!(folders.len() > 10, "the goldens are not where they should be");
    folders
}

/// How many levels differ from those of a golden, in words; empty where none do.
fn difference(preprocessor: &Preprocessor, images: &Path, golden: &Path) -> String {
    let bytes = std::fs::read(golden).unwrap();
    let mut report = String::new();
    for (file, expected) in SafeTensors::deserialize(&bytes).unwrap().iter() {
        let levels = preprocessor.levels(&images.join(file)).unwrap();
        let name = format!("{}: {file}", golden.display());
        assert_eq!([3, levels.height, levels.width], expected.shape(), "{name}");
        let planes = (0..3).flat_map(|channel| levels.bytes[channel..].iter().step_by(3));
        let differing = planes.zip(expected.data()).filter(|(a, b)| a != b).count();
        if differing != 0 {
            report += &format!("{name}: {differing} of {} differ\n", levels.bytes.len());
        }
    }
    report
}

#[test]
fn levels_are_those_of_pillow() {
    let mut report = String::new();
    for folder in processors() {
        let preprocessor = Preprocessor::load(&folder).unwrap();
        let (images, levels) = (goldens().join("images"), folder.join("levels.safetensors"));
        report += &difference(&preprocessor, &images, &levels);
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn of_a_thin_image_only_what_the_crop_shows_is_resized() {
    let thin = goldens().join("thin");
    let mut report = String::new();
    for name in ["clip", "clip-padded", "dinov2"] {
        let folder = goldens().join(name);
        let preprocessor = Preprocessor::load(&folder).unwrap();
        report += &difference(&preprocessor, &thin, &folder.join("thin.safetensors"));
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn pixel_values_are_those_of_transformers() {
    for folder in processors() {
        let bytes = std::fs::read(folder.join("rgb.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let expected = tensors.tensor("pixel_values").unwrap();
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(expected.data());

        let preprocessor = Preprocessor::load(&folder).unwrap();
        let found = preprocessor.run(&[goldens().join("images/rgb.png")]).unwrap();
        assert_eq!(found.shape, expected.shape());
        // The torchvision backend, which is that of one golden, takes the two last steps in another order.
        let rounding = if folder.to_string_lossy().contains("-fast-") { 1e-6 } else { 0.0 };
        let differs = |(a, b): &(&f32, &f32)| (*a - *b).abs() > rounding;
        let differing = found.data.iter().zip(&values).filter(differs).count();
        assert_eq!(differing, 0, "{}: of {}", folder.display(), values.len());
    }
}
