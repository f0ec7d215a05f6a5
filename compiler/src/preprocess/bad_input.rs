//! What a user reads where a config or an image is not what it should be.

use super::{PreprocessError, Preprocessor, ProcessorConfig};
use std::error::Error;
use std::path::{Path, PathBuf};

fn bad_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/preprocessing/bad").join(name)
}

fn parse(text: &str) -> Result<Preprocessor, PreprocessError> {
    Preprocessor::new(&ProcessorConfig::from_json(text, Path::new("preprocessor_config.json"))?)
}

/// An error with its causes, without the directory.
fn message(error: &dyn Error) -> String {
    let mut text = error.to_string();
    if let Some(cause) = error.source() {
        text = format!("{text}: {}", message(cause));
    }
    text.replace(&format!("{}/", bad_file("").display().to_string().trim_end_matches('/')), "")
}

#[test]
fn configs() {
    let configs = [
        "{",
        "[]",
        "{}",
        r#"{"image_processor_type": "SamImageProcessor"}"#,
        r#"{"image_processor_type": 3}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "do_resize": "yes"}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "do_resize": NaN}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": null}"#,
        r#"{"image_processor_type": "CLIPImageProcessor", "crop_size": null}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_mean": null}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "do_pad": true}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": -224}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": 0}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": 224.5}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": [1, 2, 3]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": 1e30, "width": 224}}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": 60000, "width": 60000}}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": 224}}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"longest_edge": 224}}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "resample": 6}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "do_center_crop": true}"#,
        r#"{"image_processor_type": "CLIPImageProcessor", "crop_size": {"shortest_edge": 224}}"#,
        r#"{"image_processor_type": "CLIPImageProcessor", "crop_size": {"height": 224, "width": -1}}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_mean": [0.5]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_mean": ["a", 0, 0]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 1e300]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_mean": [NaN, 0.5, 0.5]}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "image_std": Infinity}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "rescale_factor": 1e999}"#,
        r#"{"image_processor_type": "ViTImageProcessor", "rescale_factor": -1}"#,
    ];
    let messages =
        configs.map(|config| format!("{config}\n  {}", message(&parse(config).unwrap_err())));
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn images() {
    let vit = parse(r#"{"image_processor_type": "ViTImageProcessor"}"#).unwrap();
    let files = [
        "absent.png",
        "text.png",
        "empty.jpg",
        "truncated.jpg",
        "truncated.png",
        "zero-width.png",
        "zero-height.png",
        "zero-width.bmp",
        "zero-height.gif",
        "bomb.png",
    ];
    let messages = files
        .map(|file| format!("{file}\n  {}", message(&vit.run(&[bad_file(file)]).unwrap_err())));
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_line_does_not_become_a_wall() {
    let clip = parse(r#"{"image_processor_type": "CLIPImageProcessor"}"#).unwrap();
    assert_eq!(
        message(&clip.run(&[bad_file("line.png")]).unwrap_err()),
        "the image `line.png` would be resized to 224 pixels wide and 13440000 high; \
         at most 65535 a side and 178956970 in all are taken"
    );
}

#[test]
fn images_of_different_sizes_do_not_share_a_tensor() {
    let config = r#"{"image_processor_type": "ViTImageProcessor", "do_resize": false}"#;
    let images = ["rgb.png", "tall.png"].map(|name| bad_file("../images").join(name));
    let error = parse(config).unwrap().run(&images).unwrap_err();
    assert!(matches!(
        &error,
        PreprocessError::DifferentSizes { first_size: (97, 63), second_size: (20, 151), .. }
    ));
    assert!(error.to_string().contains("97x63") && error.to_string().contains("tall.png"));
}

#[test]
fn the_model_type_decides_where_nothing_names_a_processor() {
    let named = parse(r#"{"image_processor_type": "BitImageProcessor"}"#).unwrap();
    assert_eq!(parse(r#"{"model_type": "dinov2"}"#).unwrap(), named);
}

#[test]
fn output_sizes_bound_what_comes_out() {
    let range = |config: &str| parse(config).unwrap().output_size_range();
    let fixed =
        range(r#"{"feature_extractor_type": "DeiTFeatureExtractor", "crop_size": [192, 160]}"#);
    assert_eq!((fixed.height, fixed.width), (192..=192, 160..=160));
    let free = range(
        r#"{"image_processor_type": "SiglipImageProcessor",
            "size": {"shortest_edge": 10, "longest_edge": 50}}"#,
    );
    assert_eq!((free.height, free.width), (1..=50, 1..=50));
}
