//! A system that does not let a process use the CPU's matrix tiles.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod support;

use ocellus_runtime::artifact::TargetRequirements;
use ocellus_runtime::devices::cpu::{UnfitCpu, check, host_features};
use ocellus_runtime::{Artifact, ArtifactContents, VariantContents};
use std::process::Command;
use support::{artifact, code, load, plan};

/// Set for the process that is in the sandbox.
const IN_SANDBOX: &str = "OCELLUS_TEST_IN_SANDBOX";

fn tiles() -> TargetRequirements {
    TargetRequirements {
        name: "cpu:sapphirerapids".into(),
        architecture: "x86_64".into(),
        features: vec!["amx-tile".into(), "amx-bf16".into()],
    }
}

/// An artifact for CPUs without tiles, and for those with them.
fn both() -> Artifact {
    let without = TargetRequirements { name: "cpu:any".into(), features: vec![], ..tiles() };
    let variant = |target| VariantContents { target, plan: plan(), code: code().to_vec() };
    artifact(ArtifactContents::new("both", vec![variant(without), variant(tiles())]))
}

/// Lets no system call `arch_prctl` through, from here on.
fn forbid_arch_prctl() {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // The number of the call lies at the start of what a filter sees.
    let mut filter = [
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_arch_prctl as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the filter lives until the call returns, and both calls read nothing else of ours.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program), 0);
    }
}

#[test]
fn a_sandbox_that_forbids_tiles_is_an_error_that_says_so() {
    if !host_features().contains(&"amx-tile") {
        assert!(matches!(check(&tiles()), Err(UnfitCpu::Features { .. })));
        return;
    }
    if std::env::var_os(IN_SANDBOX).is_none() {
        assert_eq!(check(&tiles()), Ok(()));
        assert_eq!(load(both(), 1).unwrap().target(), &tiles());
        let test = std::thread::current().name().map(String::from).unwrap();
        let run = Command::new(std::env::current_exe().unwrap())
            .args([&test, "--exact", "--nocapture"])
            .env(IN_SANDBOX, "1")
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        return;
    }
    // The compiler that makes the code would not start in the sandbox.
    let both = both();
    forbid_arch_prctl();
    let message = check(&tiles()).unwrap_err().to_string();
    assert!(message.contains("`cpu:sapphirerapids`"), "{message}");
    assert!(message.contains("Operation not permitted"), "{message}");
    assert!(message.contains("`--target cpu:x86-64-v4`"), "{message}");
    // Another variant runs in its place.
    let session = load(both, 1).unwrap();
    assert_eq!(session.target().name, "cpu:any");
    let [note] = &session.notes()[..] else { panic!("{:?}", session.notes()) };
    assert!(note.contains("does not, as the system does not let this process use"), "{note}");
}
