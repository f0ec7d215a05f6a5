//! Outputs that are no numbers: where a session says that they begin, and what `ocellus-run` says of them.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use ocellus_dialects::ElementType;
use ocellus_runtime::{HostTensor, NonFinite, Origin, write_tensors};
use support::*;

/// What there is to say of a run on rows that hold `value` at one place.
fn found(value: f32) -> Option<NonFinite> {
    let session = load(artifact(contents(plan())), 2).unwrap();
    let mut x = input(5);
    x.data[WIDTH + 2] = value;
    let inputs = [("x", &x)];
    let outputs = session.run(&inputs).unwrap();
    session.find_non_finite(&inputs, &outputs).unwrap()
}

#[test]
fn finite_outputs_have_nothing_to_be_said_of() {
    assert_eq!(found(1e30), None);
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    // Times -3 it is beyond f32.
    let NonFinite { output, elements, origin } = found(2e38).unwrap();
    assert_eq!((output.as_str(), elements), ("y", (1, 5 * WIDTH)));
    let (label, value) = ("scaled".to_string(), f32::NEG_INFINITY);
    assert_eq!(origin, Origin::Value { label, value, storage: ElementType::BF16 });
}

#[test]
fn an_input_that_is_not_finite_is_the_cause() {
    let origin = found(f32::INFINITY).unwrap().origin;
    let (name, index) = ("x".to_string(), vec![1, 2]);
    assert_eq!(origin, Origin::Input { name, index, value: f32::INFINITY });
    assert!(found(f32::NAN).unwrap().to_string().contains("its element [1, 2] is NaN"));
}

#[test]
fn the_command_warns_and_writes_what_was_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_artifact(&path("artifact"));
    for (value, warning) in [
        (1.0, None),
        (2e38, Some("The first value that is not is `scaled`, which holds -inf")),
        (f32::NAN, Some("so is the input `x`: its element [0, 2] is NaN")),
    ] {
        let x = HostTensor::new(vec![1, WIDTH], vec![0.0, 0.0, value, 0.0]).unwrap();
        write_tensors(&path("in"), &[("x".to_string(), x)]).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ocellus-run"))
            .arg(path("artifact"))
            .args(["--input".as_ref(), path("in").as_os_str()])
            .args(["--output".as_ref(), path("out").as_os_str()])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && path("out").exists(), "{text}");
        match warning {
            None => assert_eq!(text, ""),
            Some(warning) => {
                assert!(text.starts_with("warning: ") && text.contains(warning), "{text}");
            }
        }
    }
}
