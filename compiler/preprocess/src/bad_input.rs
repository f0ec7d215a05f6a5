//! What a user reads where a config or an image is not what it should be.

use super::{PreprocessError, Preprocessor, ProcessorConfig};
use std::error::Error;
use std::path::{Path, PathBuf};

fn bad_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/preprocessing/bad").join(name)
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
        r#"{"image_processor_type": "ViTImageProcessor", "resample": 8}"#,
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

/// A white line, 1 pixel wide and 60 000 high.
fn line() -> PathBuf {
    bad_file("../thin/line.png")
}

#[test]
fn a_line_becomes_no_wall_where_a_crop_shows_little_of_it() {
    // As a whole it would be 224 pixels wide and 13 440 000 high.
    let clip = parse(r#"{"image_processor_type": "CLIPImageProcessor", "do_normalize": false}"#);
    let values = clip.unwrap().run(&[line()]).unwrap();
    assert_eq!(values.shape, [1, 3, 224, 224]);
    assert!(values.data.iter().all(|value| *value == 1.0));
}

#[test]
fn a_side_may_be_longer_than_two_bytes_can_count() {
    let folder = tempfile::tempdir().unwrap();
    let clip = parse(r#"{"image_processor_type": "CLIPImageProcessor"}"#).unwrap();
    for (name, width, height) in [("tall.png", 1, 70_000), ("wide.png", 70_000, 2)] {
        let file = folder.path().join(name);
        image::RgbImage::new(width, height).save(&file).unwrap();
        assert_eq!(clip.run(&[file]).unwrap().shape, [1, 3, 224, 224]);
    }
}

#[test]
fn a_line_does_not_become_a_wall() {
    let message_with = |keys: &str| {
        let config = format!(r#"{{"image_processor_type": "CLIPImageProcessor", {keys}}}"#);
        message(&parse(&config).unwrap().run(&[line()]).unwrap_err()).replace("../thin/", "")
    };
    assert_eq!(
        message_with(r#""do_center_crop": false"#),
        "the image `line.png` would come out 224 pixels wide and 13440000 high; \
         at max 2147483647 a side and 178956970 in all are taken"
    );
    assert_eq!(
        message_with(
            r#""do_center_crop": false, "size": {"shortest_edge": 16, "longest_edge": 30}"#
        ),
        "the image `line.png` would be resized to 0 pixels wide and 30 high, which leaves nothing of it: \
         it is too thin for this processor"
    );
    // Longer than an `int` of C, with which Pillow counts: it refuses that, crop or no crop.
    assert_eq!(
        message_with(r#""size": 65535"#),
        "the image `line.png` would be resized to 65535 pixels wide and 3932100000 high; \
         at max 2147483647 a side and 178956970 in all are taken"
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
fn the_error_is_that_of_the_first_file_for_any_number_of_threads() {
    let config = r#"{"image_processor_type": "ViTImageProcessor", "do_resize": false}"#;
    let preprocessor = parse(config).unwrap();
    let good = ["rgb.png", "rgb.png"].map(|name| bad_file("../images").join(name));
    let (tall, text) = (bad_file("../images/tall.png"), bad_file("text.png"));
    let [first, second] = good;
    for threads in 1..6 {
        let threads = std::num::NonZeroUsize::new(threads).unwrap();
        let error = |files: &[&PathBuf]| preprocessor.run_on(files, threads).unwrap_err();
        let unlike = error(&[&first, &second, &tall, &text]);
        assert!(matches!(unlike, PreprocessError::DifferentSizes { .. }), "{unlike}");
        let no_image = error(&[&first, &second, &text, &tall]);
        assert!(matches!(no_image, PreprocessError::NotAnImage { .. }), "{no_image}");
    }
}

#[test]
fn pixel_values_do_not_depend_on_the_number_of_threads() {
    let vit = parse(r#"{"image_processor_type": "ViTImageProcessor", "size": 16}"#).unwrap();
    let files = ["rgb.png", "photo.jpg", "tall.png", "turned.jpg", "palette.gif", "rgba.png"];
    let files = files.map(|name| bad_file("../images").join(name));
    let run = |threads| vit.run_on(&files, std::num::NonZeroUsize::new(threads).unwrap()).unwrap();
    let one = run(1);
    assert_eq!(one.shape, [6, 3, 16, 16]);
    for threads in 2..8 {
        assert_eq!(run(threads), one);
    }
    for (image, file) in one.data.chunks(3 * 16 * 16).zip(files) {
        assert_eq!(vit.run(&[file]).unwrap().data, image);
    }
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
