//! `ocellus doctor`, and what every command has in common.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use support::ocellus;

#[test]
fn doctor_reports_this_machine_as_text_and_as_json() {
    let text = ocellus(["doctor"]).success().stdout;
    assert!(text.contains("cores") && text.contains("linker"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&ocellus(["doctor", "--json"]).success().stdout).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(json["cores"].as_u64(), Some(cores));
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    ocellus(["no-such-command"]).failure(2, &["no-such-command"]);
    ocellus(["doctor", "--no-such-flag"]).failure(2, &["--no-such-flag"]);
}

#[test]
fn doctor_says_what_gpus_there_are_and_which_assembler() {
    let text = ocellus(["doctor"]).success().stdout;
    assert!(text.contains("\ngpus ") && text.contains("\nptxas "), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&ocellus(["doctor", "--json"]).success().stdout).unwrap();
    assert_eq!(json["gpus"].is_null(), text.contains("`libcuda.so.1`) is not installed"));
    assert_eq!(json["ptxas"].is_null(), text.contains("`pip install nvidia-cuda-nvcc` brings one"));
}
