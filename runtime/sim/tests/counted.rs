//! What is counted, against counts worked out by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{Counts, Memory, Module, Report, Settings};
use support::{Parameters, Run, run_kernel};

/// Runs a body in one warp, with 16 KiB that are written and 8 KiB of shared memory, and gives what its last line did.
fn counts(body: &str) -> Counts {
    let report = report(body);
    let line = report.lines.iter().rfind(|line| line.opcode != "ret");
    line.unwrap().counts
}

fn report(body: &str) -> Report {
    let text = format!(
        ".version 8.4\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 smem[];\n\
         .visible .entry k(.param .u64 data) {{ .reg .pred %p<9>; .reg .b32 %r<20>; .reg .b64 %rd<9>;\n\
         ld.param.b64 %rd1, [data]; mov.u32 %r1, %tid.x; mov.b32 %r2, smem;\n{body}\nret;\n}}\n"
    );
    let memory = Memory::new(1 << 20);
    let data = memory.allocate(16384).unwrap();
    memory.write(data, &[1; 16384]).unwrap();
    let run = Run {
        blocks: [1; 3],
        threads: 32,
        shared: 8192,
        parameters: Parameters::default().long(data),
    };
    run_kernel(&text, &run, &memory, &Settings::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The addresses of lanes so many bytes apart, in `%rd3` and `%r4`.
fn stride(bytes: u32) -> String {
    format!(
        "mul.lo.s32 %r3, %r1, {bytes}; cvt.u64.u32 %rd2, %r3; add.s64 %rd3, %rd1, %rd2; add.s32 %r4, %r2, %r3;\n"
    )
}

#[test]
fn sectors_of_global_memory() {
    for (bytes, access, touched, ideal) in [
        (4, "ld.global.b32 %r5, [%rd3];", 4, 4),
        (16, "ld.global.v4.b32 {%r5, %r6, %r7, %r8}, [%rd3];", 16, 16),
        (8, "ld.global.b32 %r5, [%rd3];", 8, 4),
        (512, "ld.global.b32 %r5, [%rd3];", 32, 4),
        (0, "ld.global.b32 %r5, [%rd3];", 1, 1),
        (4, "ld.global.b32 %r5, [%rd3+16];", 5, 4),
        (4, "st.global.b32 [%rd3], %r1;", 4, 4),
        (16, "cp.async.cg.shared.global [%r4], [%rd3], 16;", 16, 16),
        (32, "cp.async.ca.shared.global [%r4], [%rd3], 8;", 32, 8),
    ] {
        let counts = counts(&format!("{}{access}", stride(bytes)));
        assert_eq!((counts.sectors, counts.ideal_sectors), (touched, ideal), "{access} by {bytes}");
        assert_eq!((counts.warps, counts.threads), (1, 32));
    }
    let counts =
        counts(&format!("{}setp.lt.u32 %p1, %r1, 8;\n@%p1 ld.global.b32 %r5, [%rd3];", stride(4)));
    assert_eq!((counts.sectors, counts.threads, counts.global_loaded), (1, 8, 32));
}

#[test]
fn conflicts_in_shared_memory() {
    for (bytes, access, passes, conflicts) in [
        (4, "st.shared.b32 [%r4], %r1;", 1, 0),
        (8, "st.shared.b32 [%r4], %r1;", 2, 1),
        (128, "st.shared.b32 [%r4], %r1;", 32, 31),
        (132, "st.shared.b32 [%r4], %r1;", 1, 0),
        (8, "st.shared.v2.b32 [%r4], {%r1, %r1};", 2, 0),
        (16, "st.shared.v4.b32 [%r4], {%r1, %r1, %r1, %r1};", 4, 0),
        (128, "st.shared.v4.b32 [%r4], {%r1, %r1, %r1, %r1};", 32, 28),
        (144, "st.shared.v4.b32 [%r4], {%r1, %r1, %r1, %r1};", 4, 0),
    ] {
        let counts = counts(&format!("{}{access}", stride(bytes)));
        assert_eq!(
            (counts.wavefronts, counts.conflicts),
            (passes, conflicts),
            "{access} by {bytes}"
        );
    }
    // ldmatrix reads a matrix in one pass where its eight rows lie in different banks.
    for (bytes, conflicts) in [(16, 0), (64, 4 * 3), (128, 4 * 7), (144, 0)] {
        let fill = "st.shared.v4.b32 [%r4], {%r1, %r1, %r1, %r1};\nbar.sync 0;";
        let load = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r5, %r6, %r7, %r8}, [%r4];";
        let counts = counts(&format!("{}{fill}\n{load}", stride(bytes)));
        assert_eq!(
            (counts.wavefronts, counts.conflicts),
            (4 + conflicts, conflicts),
            "rows {bytes} bytes apart"
        );
    }
}

#[test]
fn the_whole_is_the_sum_of_its_lines() {
    let report = report(&format!(
        "{}st.shared.b32 [%r4], %r1;\nbar.sync 0;\nld.shared.b32 %r5, [%r4];",
        stride(8)
    ));
    let sum =
        |of: fn(&Counts) -> u64| report.lines.iter().map(|line| of(&line.counts)).sum::<u64>();
    assert_eq!(report.total.warps, sum(|counts| counts.warps));
    assert_eq!(report.total.conflicts, 2);
    assert_eq!(report.barriers, 1);
    assert!(report.lines.is_sorted_by_key(|line| line.line));
}

#[test]
fn modules_and_memories_are_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Module>();
    is_shared::<Memory>();
}
