//! Each kind of finding, provoked by the smallest kernel that has the fault; and its twin without it, in which nothing is found.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{
    Finding, Footprint, Launch, LaunchError, Memory, Module, Problem, Report, Settings, launch,
};
use support::{Parameters, Run, run_kernel};

const HEAD: &str = ".version 8.4\n.target sm_80\n.address_size 64\n\
    .extern .shared .align 16 .b8 smem[];\n\
    .visible .entry k(.param .u64 data, .param .u64 other) {\n\
    .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<40>; .reg .b64 %rd<20>;\n\
    ld.param.b64 %rd1, [data]; ld.param.b64 %rd2, [other];\n\
    mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd1, %rd3;\n\
    mov.b32 %r3, smem; shl.b32 %r4, %r1, 2; add.s32 %r5, %r3, %r4;\n";

/// Runs a body with two arrays of 4096 bytes, of which the first is written, and 1024 bytes of shared memory.
fn run(body: &str, blocks: u32, threads: u32, settings: &Settings) -> Result<Report, LaunchError> {
    let memory = Memory::new(1 << 20);
    let (data, other) = (memory.allocate(4096).unwrap(), memory.allocate(4096).unwrap());
    memory.write(data, &[1; 4096]).unwrap();
    let run = Run {
        blocks: [blocks, 1, 1],
        threads,
        shared: 1024,
        parameters: Parameters::default().long(data).long(other),
    };
    run_kernel(&format!("{HEAD}{body}\nret;\n}}\n"), &run, &memory, settings)
}

fn finding(body: &str, blocks: u32, threads: u32) -> Finding {
    support::found(run(body, blocks, threads, &Settings::default()))
}

/// A body finds a problem at the line that holds `at`, and its twin finds nothing.
fn check(blocks: u32, threads: u32, problem: Problem, at: &str, wrong: &str, right: &str) {
    let found = finding(wrong, blocks, threads);
    assert_eq!(found.problem, problem, "{found}");
    assert!(found.place.source.contains(at), "{found}");
    if let Err(error) = run(right, blocks, threads, &Settings::default()) {
        panic!("the twin of {wrong}\n{error}");
    }
}

const PASS_AROUND: [&str; 3] = [
    "st.shared.b32 [%r5], %r1;",
    "xor.b32 %r6, %r1, 33; shl.b32 %r6, %r6, 2; add.s32 %r6, %r6, %r3;",
    "ld.shared.b32 %r7, [%r6];",
];

#[test]
fn a_read_that_no_barrier_orders_behind_a_write() {
    let [write, address, read] = PASS_AROUND;
    // The first warp reads before the second writes: shared memory holds nothing there.
    let found = finding(&format!("{address}\n{write}\n{read}"), 1, 64);
    assert_eq!(found.problem, Problem::Uninitialized);
    // Behind a first barrier there is something to read, and the race is seen.
    let start = format!("{address}\n{write}\nbar.sync 0;");
    check(
        1,
        64,
        Problem::SharedRace,
        "ld.shared",
        &format!("{start}\n{read}\nst.shared.b32 [%r5], %r4;"),
        &format!("{start}\n{read}\nbar.sync 0;\nst.shared.b32 [%r5], %r4;"),
    );
}

#[test]
fn lanes_of_a_warp_are_not_ordered_by_running_together() {
    let start = "st.shared.b32 [%r5], %r1; xor.b32 %r6, %r4, 4; add.s32 %r6, %r6, %r3;";
    check(
        1,
        32,
        Problem::SharedRace,
        "ld.shared",
        &format!("{start}\nld.shared.b32 %r7, [%r6];"),
        &format!("{start}\nbar.warp.sync -1;\nld.shared.b32 %r7, [%r6];"),
    );
    let found = finding(&format!("{start}\nld.shared.b32 %r7, [%r6];"), 1, 32);
    assert_eq!(found.thread, [0, 0, 0]);
    assert!(
        found
            .other
            .unwrap()
            .starts_with("written by thread (1, 0, 0) of the same block, line 10: ")
    );
    // A part of the warp that synchronizes orders itself only.
    let half = "setp.lt.u32 %p1, %r1, 16;\n@%p1 bar.warp.sync 0xffff;";
    assert!(
        run(
            &format!("{start}\n{half}\n@%p1 ld.shared.b32 %r7, [%r6];"),
            1,
            32,
            &Settings::default()
        )
        .is_ok()
    );
    let found = finding(&format!("{start}\n{half}\nld.shared.b32 %r7, [%r6];"), 1, 32);
    assert_eq!((found.problem, found.thread), (Problem::SharedRace, [16, 0, 0]));
}

#[test]
fn lanes_that_write_to_one_place_at_once() {
    check(
        1,
        32,
        Problem::SharedRace,
        "st.shared",
        "st.shared.b32 [%r3], %r1;",
        "st.shared.b32 [%r3], %r2;",
    );
    check(
        1,
        32,
        Problem::GlobalRace,
        "st.global",
        "st.global.b32 [%rd1], %r1;",
        "st.global.b32 [%rd1], %r2;",
    );
    assert!(
        run("atom.shared.exch.b32 %r9, [smem], %r1;", 1, 32, &Settings::default()).is_err(),
        "not written before"
    );
    let atomic = "setp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.b32 [smem], 0;\nbar.sync 0;\natom.shared.add.u32 %r9, [smem], %r1;";
    assert!(run(atomic, 1, 64, &Settings::default()).is_ok());
}

#[test]
fn named_barriers_order_those_who_use_them() {
    // The first warp produces, the second consumes.
    let body = |produce: &str, consume: &str| {
        format!(
            "setp.ge.u32 %p1, %r1, 32;\n@%p1 bra $consume;\nst.shared.b32 [%r5], %r1;\n{produce}\nret;\n$consume:\n\
             {consume}\nld.shared.b32 %r6, [%r5+-128];"
        )
    };
    check(
        1,
        64,
        Problem::Uninitialized,
        "ld.shared",
        &body("", "").replace("st.shared", "bar.warp.sync -1; //"),
        &body("bar.arrive 1, 64;", "bar.sync 1, 64;"),
    );
    let found = finding(&body("bar.arrive 2, 64;", "bar.sync 1, 64;"), 1, 64);
    assert_eq!(found.problem, Problem::DivergentBarrier);
    // What is written behind the arrival is not ordered by it.
    let late = body("bar.arrive 1, 64;\nst.shared.b32 [%r5], %r4;", "bar.sync 1, 64;");
    assert_eq!(finding(&late, 1, 64).problem, Problem::SharedRace);
}

#[test]
fn blocks_are_not_ordered() {
    let start = "setp.ne.u32 %p1, %r1, 0;\n@%p1 ret;";
    let found = finding(&format!("{start}\nst.global.b32 [%rd1], %r2;"), 2, 32);
    assert_eq!(found.problem, Problem::GlobalRace);
    assert!(found.other.unwrap().contains("of block ("));
    let found =
        finding(&format!("{start}\nld.global.b32 %r6, [%rd1];\nst.global.b32 [%rd1], %r2;"), 2, 32);
    assert_eq!(found.problem, Problem::GlobalRace);
    let apart = "mul.wide.u32 %rd5, %r2, 4; add.s64 %rd6, %rd1, %rd5;";
    assert!(
        run(&format!("{start}\n{apart}\nst.global.b32 [%rd6], %r2;"), 8, 32, &Settings::default())
            .is_ok()
    );
    assert!(
        run(&format!("{start}\nred.global.add.u32 [%rd1], 1;"), 8, 32, &Settings::default())
            .is_ok()
    );
}

/// The last block to come reads what all have written: the counter is in the first array, the data in the second.
fn last_block(before: &str, after: &str) -> String {
    format!(
        "mul.wide.u32 %rd5, %r2, 128; add.s64 %rd6, %rd2, %rd5; add.s64 %rd7, %rd6, %rd3;\n\
         st.global.b32 [%rd7], %r1;\n{before}\nbar.sync 0;\nsetp.ne.u32 %p1, %r1, 0;\n@%p1 bra $counted;\n\
         atom.global.add.u32 %r6, [%rd1], 1;\nst.shared.b32 [smem], %r6;\n$counted:\nbar.sync 0;\n\
         ld.shared.b32 %r7, [smem];\nand.b32 %r7, %r7, 3;\nsetp.ne.u32 %p2, %r7, 0;\n@%p2 ret;\n{after}\n\
         add.s64 %rd8, %rd2, %rd3;\nld.global.b32 %r8, [%rd8];\nld.global.b32 %r9, [%rd8+128];\n\
         ld.global.b32 %r10, [%rd8+256];\nld.global.b32 %r11, [%rd8+384];"
    )
}

#[test]
fn atomic_operations_with_fences_order_blocks() {
    let fence = "fence.acq_rel.gpu;";
    // The counter begins at 0x01010101, so the fourth to come finds a multiple of four.
    let one_worker = Settings { workers: 1, ..Settings::default() };
    if let Err(error) = run(&last_block(fence, fence), 4, 32, &one_worker) {
        panic!("{error}");
    }
    for (before, after) in [("", fence), (fence, ""), ("", ""), ("fence.acq_rel.cta;", fence)] {
        let found = support::found(run(&last_block(before, after), 4, 32, &one_worker));
        assert_eq!(found.problem, Problem::GlobalRace, "{before} {after}");
        assert!(found.place.source.contains("ld.global"), "{found}");
    }
}

#[test]
fn the_last_block_may_reset_what_all_have_counted() {
    let fence = "fence.acq_rel.gpu;";
    let reset = format!("{fence}\n@!%p1 st.global.b32 [%rd1], 0x01010101;");
    // Workers come in another order each time.
    for _ in 0..200 {
        let settings = Settings { workers: 4, ..Settings::default() };
        if let Err(error) = run(&last_block(fence, &reset), 4, 32, &settings) {
            panic!("{error}");
        }
    }
    let found = support::found(run(&last_block("", &reset), 4, 32, &Settings::default()));
    assert_eq!(found.problem, Problem::GlobalRace);
}

#[test]
fn what_was_never_written() {
    check(
        1,
        32,
        Problem::Uninitialized,
        "ld.global",
        "ld.global.b32 %r6, [%rd2];",
        "ld.global.b32 %r6, [%rd1];",
    );
    check(
        1,
        32,
        Problem::Uninitialized,
        "ld.shared",
        "ld.shared.b32 %r6, [%r5];",
        "st.shared.b32 [%r5], %r1;\nld.shared.b32 %r6, [%r5];",
    );
    // Two of four bytes.
    let half = "mov.b16 %h1, 1;\nst.shared.b16 [%r5], %h1;";
    check(
        1,
        32,
        Problem::Uninitialized,
        "ld.shared.b32",
        &format!("{half}\nld.shared.b32 %r6, [%r5];"),
        &format!("{half}\nld.shared.b16 %h2, [%r5];"),
    );
    check(
        1,
        32,
        Problem::Uninitialized,
        "add.s32 %r7",
        "add.s32 %r7, %r6, 1;",
        "mov.b32 %r6, 0;\nadd.s32 %r7, %r6, 1;",
    );
    // Written in one branch only; moved, which does no harm, and used, which does.
    let branch = "setp.lt.u32 %p1, %r1, 7;\n@%p1 mov.b32 %r6, 5;\nmov.b32 %r8, %r6;";
    let found = finding(&format!("{branch}\nadd.s32 %r7, %r8, 1;"), 1, 32);
    assert_eq!((found.problem, found.thread), (Problem::Uninitialized, [7, 0, 0]));
    assert!(found.detail.contains("%r8"), "{found}");
    assert!(
        run(&format!("{branch}\n@%p1 add.s32 %r7, %r8, 1;"), 1, 32, &Settings::default()).is_ok()
    );
    let settings = Settings { finds_uninitialized: false, ..Settings::default() };
    assert!(run("ld.global.b32 %r6, [%rd2];", 1, 32, &settings).is_ok());
}

#[test]
fn out_of_bounds() {
    for (wrong, right) in [
        ("ld.global.b32 %r6, [%rd1+4096];", "ld.global.b32 %r6, [%rd1+4092];"),
        ("ld.global.b32 %r6, [%rd1+-4];", "ld.global.b32 %r6, [%rd1];"),
        ("st.shared.b32 [%r3+1024], %r2;", "st.shared.b32 [%r3+1020], %r2;"),
        ("st.shared.b32 [%r3+-4], %r2;", "st.shared.b32 [%r3], %r2;"),
        ("ld.param.b64 %rd9, [data+16];", "ld.param.b64 %rd9, [data+8];"),
        (
            ".local .align 8 .b8 depot[16];\nst.local.b32 [depot+16], %r1;",
            ".local .align 8 .b8 depot[16];\nst.local.b32 [depot+12], %r1;",
        ),
        ("mov.b64 %rd9, 0;\nld.b32 %r6, [%rd9];", "ld.b32 %r6, [%rd1];"),
        (
            "cp.async.cg.shared.global [%r3], [%rd1], 16, 17;",
            "cp.async.cg.shared.global [%r3], [%rd1+4096], 16, 0;",
        ),
    ] {
        // One thread, so that nothing else can be wrong.
        check(1, 1, Problem::OutOfBounds, wrong.lines().last().unwrap(), wrong, right);
    }
    let found = finding("ld.global.b32 %r6, [%rd1+4096];", 1, 1);
    assert!(found.detail.ends_with("byte 4096 of an allocation of 4096 bytes"), "{found}");
}

#[test]
fn misaligned() {
    for (wrong, right) in [
        (
            "ld.global.v4.b32 {%r6, %r7, %r8, %r9}, [%rd1+8];",
            "ld.global.v4.b32 {%r6, %r7, %r8, %r9}, [%rd1+16];",
        ),
        ("ld.global.b32 %r6, [%rd1+2];", "ld.global.b16 %h1, [%rd1+2];"),
        ("st.shared.v2.b32 [%r3+4], {%r1, %r1};", "st.shared.v2.b32 [%r3+8], {%r1, %r1};"),
        (
            "cp.async.ca.shared.global [%r3+4], [%rd1], 8;",
            "cp.async.ca.shared.global [%r3+8], [%rd1], 8;",
        ),
        (
            "cp.async.ca.shared.global [%r3], [%rd1+4], 8;",
            "cp.async.ca.shared.global [%r3], [%rd1+8], 8;",
        ),
    ] {
        check(1, 1, Problem::Misaligned, wrong, wrong, right);
    }
}

#[test]
fn barriers_that_not_all_reach() {
    let exit = "setp.eq.u32 %p1, %r1, 5;\n@%p1 ret;";
    let found = finding(&format!("{exit}\nbar.sync 0;"), 1, 64);
    assert_eq!(found.problem, Problem::DivergentBarrier);
    assert!(found.detail.contains("lanes 0x20 of the warp have returned"), "{found}");
    let branch = "setp.eq.u32 %p1, %r1, 5;\n@%p1 bra $past;\nbar.sync 0;\n$past:";
    assert_eq!(finding(branch, 1, 64).problem, Problem::DivergentBarrier);
    let warp = "setp.ge.u32 %p1, %r1, 32;\n@%p1 ret;\nbar.sync 0;";
    let found = finding(warp, 1, 64);
    assert_eq!(found.problem, Problem::DivergentBarrier);
    assert!(found.detail.contains("32 have returned"), "{found}");
    assert_eq!(finding("bar.sync 1, 33;", 1, 64).problem, Problem::DivergentBarrier);
    assert_eq!(finding("bar.sync 16;", 1, 64).problem, Problem::DivergentBarrier);
    // Threads may come to a barrier that is not aligned one by one.
    let apart = "setp.eq.u32 %p1, %r1, 5;\n@%p1 bra $other;\nbarrier.sync 0;\nbra $past;\n$other:\nbarrier.sync 0;\n$past:";
    assert!(run(apart, 1, 64, &Settings::default()).is_ok());
    // A block with part of a warp.
    assert!(run("bar.sync 0;", 1, 40, &Settings::default()).is_ok());
}

#[test]
fn deadlock() {
    let two = "setp.lt.u32 %p1, %r1, 32;\n@%p1 bra $other;\nbar.sync 1, 64;\nbra $past;\n$other:\nbar.sync 2, 64;\n$past:";
    let found = finding(two, 1, 64);
    assert_eq!(found.problem, Problem::Deadlock);
    assert!(found.other.unwrap().contains("of warp 1 wait at line"));
    let lanes = "setp.lt.u32 %p1, %r1, 16;\n@%p1 bra $other;\nbra $past;\n$other:\n\
                 shfl.sync.idx.b32 %r6, %r1, 0, 31, -1;\nbar.sync 0;\n$past:\nbar.sync 0;";
    assert!(matches!(finding(lanes, 1, 32).problem, Problem::DivergentBarrier | Problem::Deadlock));
}

#[test]
fn instructions_of_a_whole_warp() {
    let some = "setp.lt.u32 %p1, %r1, 16;";
    let found =
        finding(&format!("{some}\n@%p1 shfl.sync.idx.b32 %r6, %r1, 20, 31, 0xffff;"), 1, 32);
    assert_eq!(found.problem, Problem::InactiveLane);
    let found =
        finding(&format!("{some}\n@!%p1 shfl.sync.idx.b32 %r6, %r1, 20, 31, 0xffff;"), 1, 32);
    assert_eq!((found.problem, found.thread), (Problem::DivergentWarp, [16, 0, 0]));
    let start = "st.shared.b32 [%r5], %r1;\nshl.b32 %r6, %r1, 4;\nand.b32 %r6, %r6, 112;\nadd.s32 %r6, %r6, %r3;\nbar.sync 0;";
    check(
        1,
        32,
        Problem::DivergentWarp,
        "ldmatrix",
        &format!("{some}\n{start}\n@%p1 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r7}}, [%r6];"),
        &format!("{start}\nldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r7}}, [%r6];"),
    );
}

const COPY: &str = "shl.b32 %r6, %r1, 4; add.s32 %r7, %r3, %r6; mul.wide.u32 %rd5, %r1, 16; add.s64 %rd6, %rd1, %rd5;\n\
                    cp.async.cg.shared.global [%r7], [%rd6], 16;\ncp.async.commit_group;";

#[test]
fn a_copy_that_was_not_waited_for() {
    let read = "ld.shared.b32 %r8, [%r7];";
    let other = "cp.async.cg.shared.global [%r7+512], [%rd6], 16;\ncp.async.commit_group;";
    check(
        1,
        32,
        Problem::PendingCopy,
        read,
        &format!("{COPY}\n{read}"),
        &format!("{COPY}\ncp.async.wait_group 0;\n{read}"),
    );
    check(
        1,
        32,
        Problem::PendingCopy,
        read,
        &format!("{COPY}\n{other}\ncp.async.wait_group 2;\n{read}"),
        &format!("{COPY}\n{other}\ncp.async.wait_group 1;\n{read}"),
    );
    // A copy whose group was never closed is waited for by `wait_all` alone.
    let open = COPY.replace("cp.async.commit_group;", "");
    check(
        1,
        32,
        Problem::PendingCopy,
        read,
        &format!("{open}\ncp.async.wait_group 0;\n{read}"),
        &format!("{open}\ncp.async.wait_all;\n{read}"),
    );
    let found = finding(&format!("{COPY}\n{read}"), 1, 32);
    assert!(found.other.unwrap().contains("cp.async.cg.shared.global [%r7], [%rd6], 16;"));
}

#[test]
fn a_copy_is_seen_by_the_thread_that_waited_and_by_others_behind_a_barrier() {
    let neighbor = "xor.b32 %r9, %r6, 16; add.s32 %r9, %r9, %r3;";
    let read = "ld.shared.b32 %r8, [%r9];";
    check(
        1,
        32,
        Problem::SharedRace,
        read,
        &format!("{COPY}\n{neighbor}\ncp.async.wait_group 0;\n{read}"),
        &format!("{COPY}\n{neighbor}\ncp.async.wait_group 0;\nbar.sync 0;\n{read}"),
    );
    // The barrier before the wait does not help.
    let found =
        finding(&format!("{COPY}\n{neighbor}\nbar.sync 0;\ncp.async.wait_group 0;\n{read}"), 1, 32);
    assert_eq!(found.problem, Problem::SharedRace);
}

#[test]
fn a_write_to_what_a_copy_uses() {
    for (store, at) in
        [("st.shared.b32 [%r7], %r1;", "st.shared"), ("st.global.b32 [%rd6], %r1;", "st.global")]
    {
        check(
            1,
            32,
            Problem::PendingCopy,
            at,
            &format!("{COPY}\n{store}"),
            &format!("{COPY}\ncp.async.wait_group 0;\n{store}"),
        );
    }
    // Another thread writes to what is copied, behind a barrier but before the copy was waited for.
    let other = "xor.b32 %r9, %r1, 1; mul.wide.u32 %rd7, %r9, 16; add.s64 %rd8, %rd1, %rd7;";
    let store = "st.global.b32 [%rd8], %r1;";
    check(
        1,
        64,
        Problem::PendingCopy,
        "st.global",
        &format!("{COPY}\n{other}\nbar.sync 0;\n{store}\ncp.async.wait_group 0;"),
        &format!("{COPY}\n{other}\ncp.async.wait_group 0;\nbar.sync 0;\n{store}"),
    );
}

#[test]
fn a_copy_comes_as_late_as_it_may() {
    // What is copied changes between the copy and the wait, by the hand of another warp: a barrier orders that behind the
    // copy's begin and not behind its end.
    let body = "setp.ge.u32 %p1, %r1, 32;\n@%p1 bra $writes;\ncp.async.ca.shared.global [%r5], [%rd4], 4;\n$writes:\n\
                bar.sync 0;\nmov.b32 %r9, 77;\n@%p1 st.global.b32 [%rd4+-128], %r9;\nbar.sync 0;\ncp.async.wait_all;";
    let found = finding(body, 1, 64);
    assert_eq!(found.problem, Problem::PendingCopy);
    assert!(found.place.source.contains("st.global"), "{found}");
}

#[test]
fn a_kernel_that_gives_up_or_never_ends() {
    assert_eq!(finding("trap;", 1, 32).problem, Problem::Trap);
    let settings = Settings { instructions_a_warp: 10_000, ..Settings::default() };
    let found = support::found(run("$again:\nbra $again;", 1, 32, &settings));
    assert_eq!(found.problem, Problem::Budget);
}

#[test]
fn several_findings_are_collected() {
    let body =
        "ld.global.b32 %r6, [%rd2];\nld.global.b32 %r7, [%rd1+2];\nld.global.b32 %r8, [%rd1+6000];";
    let settings = Settings { most_findings: 10, ..Settings::default() };
    let outcome = run(body, 3, 64, &settings);
    assert_eq!(
        support::problems(&outcome),
        [Problem::Uninitialized, Problem::Misaligned, Problem::OutOfBounds],
        "each once, for all threads and blocks"
    );
    let text = outcome.unwrap_err().to_string();
    assert!(
        text.contains("access out of bounds: 4 bytes at ")
            && text.contains("in kernel `k`, block (")
            && text.contains("line 12: ld.global.b32 %r8, [%rd1+6000];"),
        "{text}"
    );
}

#[test]
fn what_the_launch_before_has_not_finished() {
    let memory = Memory::new(1 << 30);
    let [a, b] = [1, 2].map(|seed| support::upload(&memory, &support::numbers(128 * 128, seed)));
    let c = memory.allocate(128 * 128 * 2).unwrap();
    let text = support::ptx("gemm_64x64x64_2x2_s4_wt");
    let settings = Settings { keeps_footprint: true, ..Settings::default() };
    let run = |text: &str, [a, b, c]: [u64; 3], unfinished: Option<&Footprint>| {
        let module = Module::load(text).unwrap();
        let pointers = Parameters::default().long(a).long(b).long(c).long(b);
        let parameters = pointers.word(128).word(128).word(128).word(128);
        let what = Launch {
            kernel: &module.kernels()[0],
            globals: &module.place(&memory).unwrap(),
            blocks: [4, 1, 1],
            threads: [128, 1, 1],
            dynamic_shared: 65536,
            parameters: &parameters.0,
            unfinished,
        };
        launch(&what, &memory, &settings)
    };
    let first = run(&text, [a, b, c], None).unwrap().footprint;
    assert_eq!(first.written(), std::slice::from_ref(&(c..c + 128 * 128 * 2)));
    assert_eq!(first.read(), [a..a + 128 * 128 * 2, b..b + 128 * 128 * 2]);
    // The second reads the answer of the first as its A, behind the wait; its weights before.
    let d = memory.allocate(128 * 128 * 2).unwrap();
    run(&text, [c, b, d], Some(&first)).unwrap();
    // The answer as the weights, which are read before.
    let found = support::found(run(&text, [b, c, d], Some(&first)));
    assert_eq!(found.problem, Problem::UnfinishedLaunch, "{found}");
    let without = text.replace("griddepcontrol.wait;", "");
    assert_eq!(
        support::found(run(&without, [c, b, d], Some(&first))).problem,
        Problem::UnfinishedLaunch
    );
    // What the first still reads is overwritten.
    assert_eq!(
        support::found(run(&without, [b, b, a], Some(&first))).problem,
        Problem::UnfinishedLaunch
    );
    // A kernel that uses nothing of the sort must wait all the same: whoever waits for it takes it that the first has ended.
    let found = support::found(run(&without, [b, b, d], Some(&first)));
    assert_eq!(found.problem, Problem::UnfinishedLaunch, "{found}");
    assert!(found.to_string().contains("ends without griddepcontrol.wait"), "{found}");
    // One that lets the next begin before it waits leaves to that what it has not waited for; the other way round it does not.
    let next = |before: &str, behind: &str| {
        let text = text.replace("griddepcontrol.launch_dependents;", "");
        let wait = format!("{before}griddepcontrol.wait;{behind}");
        let text = text.replace("griddepcontrol.wait;", &wait);
        run(&text, [b, b, d], Some(&first)).unwrap().footprint
    };
    let release = "griddepcontrol.launch_dependents;";
    let (early, late) = (next(release, ""), next("", release));
    assert!(early.written().contains(&(c..c + 128 * 128 * 2)));
    assert_eq!(late.written(), std::slice::from_ref(&(d..d + 128 * 128 * 2)));
    assert_eq!(next("", "").written(), late.written());
}
