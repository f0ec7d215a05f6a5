//! Holds the preprocessor against Hugging Face's, on the goldens of `tests/goldens/preprocessing`.

use super::Preprocessor;
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

/// The most levels that one pixel may be away.
const MOST_LEVELS: i32 = 1;

/// What they may be in the mean. Only sums that lie halfway between two levels differ: Pillow's weights have 22 bits, ours
/// 53.
const MOST_LEVELS_IN_THE_MEAN: f64 = 0.06;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/preprocessing")
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

/// Largest and mean distance in levels.
fn distance(found: &[u8], expected: &[u8]) -> (i32, f64) {
    let distances =
        || found.iter().zip(expected).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
    (distances().max().unwrap(), distances().sum::<i32>() as f64 / found.len() as f64)
}

#[test]
fn levels_are_those_of_pillow() {
    let mut report = String::new();
    for folder in processors() {
        let preprocessor = Preprocessor::load(&folder).unwrap();
        let bytes = std::fs::read(folder.join("levels.safetensors")).unwrap();
        for (file, expected) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            let image = preprocessor.levels(&goldens().join("images").join(file)).unwrap();
            let shape = [3, image.height() as usize, image.width() as usize];
            let name = format!("{}: {file}", folder.file_name().unwrap().display());
            assert_eq!(shape, expected.shape(), "{name}");
            let planes: Vec<u8> = (0..3)
                .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
                .collect();
            let (largest, mean) = distance(&planes, expected.data());
            if largest > MOST_LEVELS || mean > MOST_LEVELS_IN_THE_MEAN {
                report +=
                    &format!("{name}: at most {largest} levels away, {mean:.4} in the mean\n");
            }
        }
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

        // One level, in the units of this processor.
        let plane = found.data.len() / 3;
        let mut differing = 0;
        for (index, (a, b)) in found.data.iter().zip(&values).enumerate() {
            let levels = &preprocessor.values[index / plane];
            let level = levels[1] - levels[0];
            assert!((a - b).abs() <= 1.001 * level, "{}: {index}: {a} {b}", folder.display());
            differing += usize::from((a - b).abs() > 1e-6 * b.abs().max(1.0));
        }
        assert!(differing * 20 <= values.len(), "{}: {differing} differ", folder.display());
    }
}
