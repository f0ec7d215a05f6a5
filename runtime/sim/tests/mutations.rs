//! The real gemm and attention kernels with one thing left out: each wait, barrier, fence, mask and predicate in turn. Each is
//! noticed, by a finding or a wrong answer, or stands in `mutations.txt` with the reason why it does not matter.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{LaunchError, Problem, Settings};
use std::collections::{BTreeMap, BTreeSet};
use support::{Attention, Gemm, Parameters, Run, ptx, run_kernel};

/// A kernel's text with one line changed.
struct Mutation {
    /// What is left out, and the line.
    name: String,
    text: String,
}

/// What becomes of a line without its wait, barrier, fence, mask or predicate.
fn weakened(line: &str) -> Vec<(&'static str, String)> {
    let words = line.trim();
    let mut found = vec![];
    let is_ordering =
        ["cp.async.wait_group", "cp.async.commit_group", "bar.sync", "bar.warp.sync", "fence."];
    if is_ordering.iter().any(|start| words.starts_with(start)) {
        found.push(("without", String::new()));
    }
    if let Some((_, rest)) =
        words.strip_prefix('@').and_then(|rest| rest.split_once(char::is_whitespace))
    {
        if rest.starts_with("bra") {
            found.push(("never", String::new()));
        }
        if rest != "bra" || !words.starts_with("@!") {
            found.push(("always", format!("\t{rest}")));
        }
    }
    let operands: Vec<&str> = words
        .split_once(char::is_whitespace)
        .map_or(vec![], |(_, rest)| rest.trim_end_matches(';').split(", ").collect());
    if words.starts_with("selp.b32") && operands.contains(&"16") {
        found.push(("whole copy", format!("\tmov.b32 {}, 16;", operands[0])));
    }
    if words.starts_with("selp.f32")
        || words.starts_with("selp.b32") && operands.contains(&"0fFF800000")
    {
        found.push(("without mask", format!("\tmov.b32 {}, {};", operands[0], operands[1])));
    }
    if words.starts_with("min.u32") {
        found
            .push(("without limit", format!("\tmov.b32 {}, {};", operands[0].trim(), operands[1])));
    }
    found
}

fn mutations(text: &str) -> Vec<Mutation> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = vec![];
    for (place, line) in lines.iter().enumerate() {
        for (what, new) in weakened(line) {
            let mut changed: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
            changed[place] = new;
            let source = line.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(Mutation {
                name: format!("{what}: {}: {source}", place + 1),
                text: changed.join("\n"),
            });
        }
    }
    found
}

/// How a kernel is noticed to be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Notice {
    /// By a finding.
    Found(Problem),
    /// By its answer alone.
    Wrong,
}

/// Runs a kernel several times, to the first run in which it is noticed to be wrong.
trait Judge {
    fn notice(&self, text: &str) -> Option<Notice>;
}

fn settings() -> Settings {
    Settings { instructions_a_warp: 200_000, ..Settings::default() }
}

/// What is noticed in a run: something that is found, or a wrong answer.
fn noticed(
    text: &str,
    run: &Run,
    memory: &ocellus_sim::Memory,
    is_right: impl Fn() -> bool,
) -> Option<Notice> {
    match run_kernel(text, run, memory, &settings()) {
        Err(LaunchError::Found(findings)) => Some(Notice::Found(findings[0].problem)),
        Err(error) => panic!("{error}"),
        Ok(_) => (!is_right()).then_some(Notice::Wrong),
    }
}

struct GemmJudge {
    problems: Vec<Gemm>,
    tile: [usize; 2],
    threads: u32,
    shared: u32,
}

impl Judge for GemmJudge {
    fn notice(&self, text: &str) -> Option<Notice> {
        self.problems.iter().find_map(|gemm| {
            gemm.forget();
            let run = gemm.run(self.tile, self.threads, self.shared);
            let is_whole =
                || gemm.memory.first_unwritten(gemm.c, (gemm.m * gemm.n * 2) as u64) == Ok(None);
            noticed(text, &run, &gemm.memory, || is_whole() && gemm.worst(false) <= 1.0)
        })
    }
}

/// Split-K whose parts the last block of a tile adds.
struct AddingJudge(GemmJudge);

impl Judge for AddingJudge {
    fn notice(&self, text: &str) -> Option<Notice> {
        let GemmJudge { problems, tile, threads, shared } = &self.0;
        problems.iter().find_map(|gemm| {
            gemm.forget();
            let (run, counters) = adding(gemm, *tile, *threads, *shared);
            let is_whole =
                || gemm.memory.first_unwritten(gemm.c, (gemm.m * gemm.n * 2) as u64) == Ok(None);
            // The counters must be zero again for the next launch.
            let is_reset = || {
                let mut bytes = vec![0; run.blocks[0] as usize * 4];
                gemm.memory.read(counters, &mut bytes).unwrap();
                bytes.iter().all(|byte| *byte == 0)
            };
            noticed(text, &run, &gemm.memory, || {
                is_whole() && gemm.worst(false) <= 1.0 && is_reset()
            })
        })
    }
}

/// A launch of three parts, with a workspace that was never written and counters that are zero.
fn adding(gemm: &Gemm, tile: [usize; 2], threads: u32, shared: u32) -> (Run, u64) {
    const PARTS: usize = 3;
    let span = gemm.k.div_ceil(PARTS).next_multiple_of(32);
    let tiles = gemm.m.div_ceil(tile[0]) * gemm.n.div_ceil(tile[1]);
    let workspace = gemm.memory.allocate((tiles * PARTS * tile[0] * tile[1] * 4) as u64).unwrap();
    let counters = gemm.memory.allocate(tiles as u64 * 4).unwrap();
    gemm.memory.write(counters, &vec![0; tiles * 4]).unwrap();
    let pointers = Parameters::default().long(gemm.a).long(gemm.b).long(gemm.c).long(gemm.bias);
    let sizes =
        pointers.word(gemm.m as u32).word(gemm.n as u32).word(gemm.k as u32).word(span as u32);
    let parameters = sizes.long(workspace).long(counters);
    (Run { blocks: [tiles as u32, PARTS as u32, 1], threads, shared, parameters }, counters)
}

struct AttentionJudge {
    problems: Vec<Attention>,
    queries: usize,
    threads: u32,
    shared: u32,
}

impl Judge for AttentionJudge {
    fn notice(&self, text: &str) -> Option<Notice> {
        self.problems.iter().find_map(|attention| {
            attention.forget();
            let run = attention.run(self.queries, self.threads, self.shared);
            let bytes =
                (attention.batch * attention.tokens * attention.heads * attention.head_dim * 2)
                    as u64;
            let is_whole = || attention.memory.first_unwritten(attention.out, bytes) == Ok(None);
            noticed(text, &run, &attention.memory, || is_whole() && attention.worst() <= 1.0)
        })
    }
}

/// The lines of `mutations.txt`: for each kernel, what is not noticed.
fn known(kernel: &str) -> BTreeMap<String, String> {
    let path = format!("{}/tests/mutations.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut current = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.strip_prefix("= ") {
            Some(name) => current = name.to_string(),
            None if current == kernel => {
                let (mutation, reason) =
                    line.split_once(" ## ").unwrap_or_else(|| panic!("no reason: {line}"));
                assert!(reason.len() > 10, "{line}");
                found.insert(mutation.to_string(), reason.to_string());
            }
            None => {}
        }
    }
    found
}

/// What is found where threads are not ordered.
const ORDERING: [Problem; 4] =
    [Problem::SharedRace, Problem::GlobalRace, Problem::PendingCopy, Problem::Uninitialized];

fn check(kernel: &str, judge: &dyn Judge) {
    let text = ptx(kernel);
    assert_eq!(judge.notice(&text), None, "{kernel} is wrong as it is");
    let all = mutations(&text);
    assert!(all.len() > 10);
    let mut missed = BTreeSet::new();
    for mutation in &all {
        match judge.notice(&mutation.text) {
            None => {
                missed.insert(mutation.name.clone());
            }
            // What is missing between threads shows in any run, and not by chance in the answer.
            Some(notice) => assert!(
                !mutation.name.starts_with("without: ")
                    || ORDERING.map(Notice::Found).contains(&notice),
                "{kernel}: {}: {notice:?}",
                mutation.name
            ),
        }
    }
    let known: BTreeSet<String> = known(kernel).into_keys().collect();
    let list = |names: Vec<&String>| {
        names.into_iter().fold(String::new(), |all, name| format!("{all}\n{name}"))
    };
    assert!(
        missed == known,
        "of {} mutations of {kernel}\nnot noticed, and not in the list:{}\nin the list, and noticed or not there:{}",
        all.len(),
        list(missed.difference(&known).collect()),
        list(known.difference(&missed).collect())
    );
}

fn gemms() -> Vec<Gemm> {
    vec![Gemm::new(1, 8, 8), Gemm::new(33, 72, 40), Gemm::new(70, 136, 200), Gemm::new(290, 72, 8)]
}

#[test]
fn gemm() {
    check(
        "gemm_32x64x32_1x2_s3",
        &GemmJudge { problems: gemms(), tile: [32, 64], threads: 64, shared: 18432 },
    );
}

#[test]
fn gemm_that_reads_no_row_past_the_end() {
    check(
        "gemm_32x64x32_1x2_s3_m",
        &GemmJudge { problems: gemms(), tile: [32, 64], threads: 64, shared: 18432 },
    );
}

#[test]
fn gemm_whose_warps_share_k() {
    check(
        "gemm_32x32x32_1x1x2_s3",
        &GemmJudge { problems: gemms(), tile: [32, 32], threads: 64, shared: 12288 },
    );
}

#[test]
fn gemm_whose_blocks_share_k() {
    // Each part must have some of k; of 248 each has two steps or three, so that behind each the zeros past its end are still on
    // their way to where it puts its answer, whichever part is done last and adds.
    let problems = vec![Gemm::new(1, 8, 72), Gemm::new(70, 136, 248), Gemm::new(570, 72, 72)];
    let judge = GemmJudge { problems, tile: [64, 64], threads: 128, shared: 24576 };
    check("gemm_64x64x32_2x2_s3_a", &AddingJudge(judge));
}

fn attentions(head_dim: usize) -> Vec<Attention> {
    vec![
        Attention::new(1, 1, 1, head_dim),
        Attention::new(1, 33, 2, head_dim),
        Attention::new(1, 65, 1, head_dim),
        Attention::new(2, 150, 1, head_dim),
    ]
}

#[test]
fn attention_of_head_dim_72() {
    let judge =
        AttentionJudge { problems: attentions(72), queries: 32, threads: 64, shared: 23040 };
    check("attention_72_q16x2_k32_s2", &judge);
}

#[test]
fn attention_with_scores_ahead() {
    let judge =
        AttentionJudge { problems: attentions(72), queries: 64, threads: 128, shared: 64512 };
    check("attention_72_q16x4_k64_s3_p", &judge);
}

#[test]
fn attention_that_rescales_by_vote() {
    let judge =
        AttentionJudge { problems: attentions(64), queries: 64, threads: 128, shared: 46080 };
    check("attention_64_q16x4_k64_s2_v", &judge);
}
