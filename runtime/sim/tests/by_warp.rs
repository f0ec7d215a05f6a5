//! What the lanes of a warp do together: shuffles, votes, matrices in their registers, atomic operations, divergence.
//!
//! Where the registers of a lane lie in a matrix is said here as the PTX ISA says it, element by element, and nowhere else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use half::{bf16, f16};
use ocellus_sim::{Memory, Settings};
use support::{Parameters, Run, run_kernel};

const HEAD: &str = ".version 8.4\n.target sm_90\n.address_size 64\n\
    .extern .shared .align 16 .b8 smem[];\n\
    .visible .entry k(.param .u64 in, .param .u64 out) {\n\
    .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<60>; .reg .f32 %f<9>; .reg .b64 %rd<20>; .reg .f64 %fd<9>;\n\
    ld.param.b64 %rd1, [in]; ld.param.b64 %rd2, [out]; mov.u32 %r1, %tid.x;\n\
    mul.wide.u32 %rd3, %r1, 64; add.s64 %rd1, %rd1, %rd3; add.s64 %rd2, %rd2, %rd3; mov.b32 %r2, smem;\n";

/// Runs a body with 16 words of input for each thread, and gives the words of output that it wrote, the rest as ones.
fn run_threads(body: &str, input: &[[u32; 16]]) -> Vec<[u32; 16]> {
    let memory = Memory::new(1 << 20);
    let bytes: Vec<u8> = input.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
    let at = memory.allocate(bytes.len() as u64).unwrap();
    memory.write(at, &bytes).unwrap();
    let out = memory.allocate(bytes.len() as u64).unwrap();
    let run = Run {
        blocks: [1; 3],
        threads: input.len() as u32,
        shared: 4096,
        parameters: Parameters::default().long(at).long(out),
    };
    if let Err(error) =
        run_kernel(&format!("{HEAD}{body}\nret; }}"), &run, &memory, &Settings::default())
    {
        panic!("{error}");
    }
    let mut bytes = vec![0; bytes.len()];
    memory.read(out, &mut bytes).unwrap();
    let words: Vec<u32> =
        bytes.chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
    words.chunks(16).map(|words| words.try_into().unwrap()).collect()
}

/// The first word of output of each of 32 threads.
fn run_warp(body: &str) -> Vec<u32> {
    let input: Vec<[u32; 16]> = (0..32).map(|lane| [100 + lane; 16]).collect();
    run_threads(&format!("{body}\nst.global.b32 [%rd2], %r9;"), &input)
        .iter()
        .map(|words| words[0])
        .collect()
}

#[test]
fn shuffles() {
    let of = |mode: &str, by: u32, clamp: u32| {
        let body = format!(
            "shfl.sync.{mode}.b32 %r3|%p1, %r1, {by}, {clamp}, -1;\nselp.b32 %r4, 100, 0, %p1;\nadd.s32 %r9, %r3, %r4;"
        );
        run_warp(&body)
    };
    for lane in 0..32u32 {
        let at = lane as usize;
        assert_eq!(of("up", 3, 0)[at], if lane >= 3 { lane - 3 + 100 } else { lane });
        assert_eq!(of("down", 3, 31)[at], if lane + 3 <= 31 { lane + 3 + 100 } else { lane });
        assert_eq!(of("bfly", 5, 31)[at], (lane ^ 5) + 100);
        assert_eq!(of("idx", 5, 31)[at], 105);
        // Segments of eight lanes.
        let segment = lane & !7;
        assert_eq!(of("idx", 5, 0x181f)[at], segment + 5 + 100);
        assert_eq!(
            of("down", 3, 0x181f)[at],
            if lane % 8 + 3 <= 7 { lane + 3 + 100 } else { lane }
        );
        assert_eq!(of("up", 3, 0x1800)[at], if lane % 8 >= 3 { lane - 3 + 100 } else { lane });
    }
}

#[test]
fn votes_and_reductions() {
    let odd = "and.b32 %r3, %r1, 1; setp.ne.b32 %p1, %r3, 0;";
    assert_eq!(run_warp(&format!("{odd} vote.sync.ballot.b32 %r9, %p1, -1;")), [0xaaaa_aaaa; 32]);
    let truth = |vote: &str| {
        run_warp(&format!("{odd} vote.sync.{vote}.pred %p2, %p1, -1; selp.b32 %r9, 1, 0, %p2;"))[7]
    };
    assert_eq!([truth("all"), truth("any"), truth("uni")], [0, 1, 0]);
    assert_eq!(run_warp("redux.sync.add.s32 %r9, %r1, -1;"), [496; 32]);
    assert_eq!(run_warp("not.b32 %r3, %r1; redux.sync.max.s32 %r9, %r3, -1;"), [u32::MAX; 32]);
    assert_eq!(run_warp("not.b32 %r3, %r1; redux.sync.min.u32 %r9, %r3, -1;"), [!31; 32]);
    assert_eq!(run_warp("redux.sync.or.b32 %r9, %r1, -1;"), [31; 32]);
    let same = run_warp("and.b32 %r3, %r1, 3; match.any.sync.b32 %r9, %r3, -1;");
    assert!(same.iter().enumerate().all(|(lane, mask)| *mask == 0x1111_1111 << (lane % 4)));
    assert_eq!(run_warp("mov.b32 %r3, 1; match.all.sync.b32 %r9|%p1, %r3, -1;"), [u32::MAX; 32]);
    let elected = run_warp("elect.sync %r3|%p1, -1; selp.b32 %r9, 7, %r3, %p1;");
    assert_eq!((elected[0], elected[5]), (7, 0));
}

#[test]
fn lanes_that_went_different_ways_meet_again() {
    // A loop of as many rounds as the lane's number; behind it, all must be there.
    let body = "mov.b32 %r3, 0;\n$loop:\nsetp.ge.u32 %p1, %r3, %r1;\n@%p1 bra $out;\nadd.s32 %r3, %r3, 1;\nbra $loop;\n\
                $out:\nactivemask.b32 %r4;\nxor.b32 %r9, %r4, %r3;";
    assert!(run_warp(body).iter().enumerate().all(|(lane, word)| *word == u32::MAX ^ lane as u32));
    // The same where the way out stands before the loop in the text.
    let body = "mov.b32 %r3, 0;\nbra $loop;\n$out:\nactivemask.b32 %r4;\nxor.b32 %r9, %r4, %r3;\nbra $end;\n\
                $loop:\nsetp.ge.u32 %p1, %r3, %r1;\n@%p1 bra $out;\nadd.s32 %r3, %r3, 1;\nbra $loop;\n$end:";
    assert!(run_warp(body).iter().enumerate().all(|(lane, word)| *word == u32::MAX ^ lane as u32));
    // Branches in a branch.
    let body = "and.b32 %r3, %r1, 1; setp.eq.s32 %p1, %r3, 0; and.b32 %r4, %r1, 2; setp.eq.s32 %p2, %r4, 0;\n\
                @%p1 bra $even;\nmov.b32 %r5, 1;\n@%p2 bra $join;\nmov.b32 %r5, 3;\nbra $join;\n$even:\nactivemask.b32 %r5;\n\
                $join:\nactivemask.b32 %r6;\nnot.b32 %r6, %r6;\nadd.s32 %r9, %r5, %r6;";
    let wanted = |lane: usize| [0x5555_5555, 1, 0x5555_5555, 3][lane % 4];
    assert!(run_warp(body).iter().enumerate().all(|(lane, word)| *word == wanted(lane)));
    // Lanes wait for each other in different branches.
    let body = "setp.lt.u32 %p1, %r1, 16;\n@%p1 bra $low;\nmov.b32 %r5, 1;\nbar.warp.sync -1;\nbra $join;\n$low:\n\
                mov.b32 %r5, 2;\nbar.warp.sync -1;\n$join:\nshfl.sync.idx.b32 %r9, %r5, 16, 31, -1;";
    assert_eq!(run_warp(body), [1; 32]);
    // Some are predicated off.
    let body =
        "mov.b32 %r9, 5;\nsetp.lt.u32 %p1, %r1, 16;\n@%p1 redux.sync.add.s32 %r9, %r1, 0xffff;";
    assert!(
        run_warp(body)
            .iter()
            .enumerate()
            .all(|(lane, word)| *word == if lane < 16 { 120 } else { 5 })
    );
}

#[test]
fn memory_of_every_kind() {
    let body = ".local .align 16 .b8 depot[32];\nmov.b64 %rd5, depot; cvta.local.u64 %rd6, %rd5;\n\
                st.b32 [%rd6+4], %r1; st.local.b16 [depot+8], 7; ld.local.b32 %r3, [%rd5+4]; ld.u16 %h1, [%rd6+8];\n\
                cvt.u32.u16 %r4, %h1; add.s32 %r9, %r3, %r4;";
    assert!(run_warp(body).iter().enumerate().all(|(lane, word)| *word == lane as u32 + 7));
    let body = "cvta.shared.u64 %rd5, smem; shl.b32 %r3, %r1, 2; cvt.u64.u32 %rd6, %r3; add.s64 %rd6, %rd6, %rd5;\n\
                st.b32 [%rd6], %r1; add.s32 %r4, %r2, %r3; ld.shared.b32 %r5, [%r4]; cvta.to.shared.u64 %rd7, %rd6;\n\
                cvt.u32.u64 %r6, %rd7; sub.s32 %r6, %r6, %r4; isspacep.shared %p1, %rd6; selp.b32 %r7, 64, 0, %p1;\n\
                add.s32 %r9, %r5, %r6; add.s32 %r9, %r9, %r7;";
    assert!(run_warp(body).iter().enumerate().all(|(lane, word)| *word == lane as u32 + 64));
    // Signs and widths.
    let body = "st.global.b32 [%rd2+4], 0x8081; ld.global.s8 %r3, [%rd2+4]; ld.global.u8 %r4, [%rd2+5]; \
                ld.global.s16 %h1, [%rd2+4]; cvt.s32.s16 %r5, %h1; sub.s32 %r9, %r4, %r3; sub.s32 %r9, %r9, %r5;";
    assert_eq!(run_warp(body), [128 + 127 + 0x7f7f; 32]);
    let body = "mov.b32 %r3, 7; mov.b64 %rd5, 0x100000002; st.global.v2.b64 [%rd2+16], {%rd5, %rd5};\n\
                ld.global.v4.b32 {%r4, %r5, %r6, %r7}, [%rd2+16]; mad.lo.s32 %r9, %r4, 1000, %r7;";
    assert_eq!(run_warp(body), [2001; 32]);
}

#[test]
fn atomic_operations() {
    let start = "setp.ne.u32 %p1, %r1, 0;\n@!%p1 st.shared.b32 [smem], 5;\nbar.sync 0;";
    let of = |what: &str| {
        let mut all =
            run_warp(&format!("{start}\natom.shared.{what};\nbar.sync 0;\nmov.b32 %r8, %r9;"));
        all.sort_unstable();
        all
    };
    assert_eq!(of("add.u32 %r9, [smem], 2"), (0..32).map(|i| 5 + 2 * i).collect::<Vec<_>>());
    assert_eq!(of("inc.u32 %r9, [smem], 7")[..8], [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(of("max.s32 %r9, [smem], %r1")[31], 30);
    assert_eq!(of("cas.b32 %r9, [smem], 5, 9")[..2], [5, 9]);
    let after = |what: &str| {
        run_warp(&format!("{start}\nred.shared.{what};\nbar.sync 0;\nld.shared.b32 %r9, [smem];"))
            [0]
    };
    assert_eq!(after("min.s32 [smem], %r1"), 0);
    assert_eq!(after("xor.b32 [smem], %r1"), 5);
    assert_eq!(after("or.b32 [smem], %r1"), 31);
    let start = start.replace("5;", "0x3f800000;");
    let sum = run_warp(&format!(
        "{start}\nred.shared.add.f32 [smem], 0f40000000;\nbar.sync 0;\nld.shared.b32 %r9, [smem];"
    ));
    assert_eq!(f32::from_bits(sum[0]), 65.0);
    let long = "setp.ne.u32 %p1, %r1, 0;\n@!%p1 st.shared.b64 [smem], 1;\nbar.sync 0;\nmov.b64 %rd5, 0x100000001;\n\
                atom.shared.add.u64 %rd6, [smem], %rd5;\nbar.sync 0;\nld.shared.b32 %r3, [smem+4];\nld.shared.b32 %r4, [smem];\n\
                mad.lo.s32 %r9, %r3, 1000, %r4;";
    assert_eq!(run_warp(long), [32_033; 32]);
}

#[test]
fn carries() {
    let body = "mov.b32 %r3, 0xffffffff;\nadd.cc.u32 %r4, %r3, %r1;\naddc.u32 %r9, 10, 0;";
    assert!(
        run_warp(body).iter().enumerate().all(|(lane, word)| *word == 10 + u32::from(lane > 0))
    );
    let body = "sub.cc.u32 %r4, 5, %r1;\nsubc.u32 %r9, 10, 0;";
    assert!(
        run_warp(body).iter().enumerate().all(|(lane, word)| *word == 10 - u32::from(lane > 5))
    );
    let body =
        "mov.b32 %r3, 0x80000000;\nmad.lo.cc.u32 %r4, %r3, 2, 7;\nmadc.hi.u32 %r9, %r3, 2, %r4;";
    assert_eq!(run_warp(body), [1 + 7; 32]);
}

#[test]
fn barriers_that_count() {
    let input = vec![[0; 16]; 64];
    let body = "and.b32 %r3, %r1, 3; setp.eq.s32 %p1, %r3, 0;\nbar.red.popc.u32 %r4, 0, %p1;\nbar.red.and.pred %p2, 0, %p1;\n\
                bar.red.or.pred %p3, 0, !%p1;\nselp.b32 %r5, 100, 0, %p2;\nselp.b32 %r6, 1000, 0, %p3;\n\
                add.s32 %r4, %r4, %r5; add.s32 %r4, %r4, %r6;\nst.global.b32 [%rd2], %r4;";
    assert!(run_threads(body, &input).iter().all(|words| words[0] == 1016));
}

/// The 16-bit element of a matrix that each half of a lane's register holds, as `ldmatrix` gives it.
fn ldmatrix_element(lane: usize, half: usize, is_transposed: bool) -> (usize, usize) {
    let (row, column) = (lane / 4, 2 * (lane % 4) + half);
    if is_transposed { (column, row) } else { (row, column) }
}

#[test]
fn ldmatrix_and_stmatrix() {
    for (count, is_transposed) in
        [(1, false), (2, false), (4, false), (1, true), (2, true), (4, true)]
    {
        let trans = if is_transposed { ".trans" } else { "" };
        let registers = ["%r10", "%r11", "%r12", "%r13"][..count].join(", ");
        // Element (row, column) of matrix j is 1000 j + 10 row + column; rows lie 48 bytes apart.
        let words = |j: usize, row: usize, pair: usize| {
            let element = |column: usize| (1000 * j + 10 * row + column) as u32;
            element(2 * pair) | element(2 * pair + 1) << 16
        };
        let input: Vec<[u32; 16]> = (0..32)
            .map(|thread| {
                std::array::from_fn(|i| if i < 4 { words(thread / 8, thread % 8, i) } else { 0 })
            })
            .collect();
        let start = "mul.lo.s32 %r3, %r1, 48; add.s32 %r3, %r3, %r2; ld.global.v4.b32 {%r4, %r5, %r6, %r7}, [%rd1];\n";
        let body = format!(
            "{start}st.shared.v4.b32 [%r3], {{%r4, %r5, %r6, %r7}};\nbar.sync 0;\nmov.b32 %r11, 0; mov.b32 %r12, 0; \
             mov.b32 %r13, 0;\nldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{registers}}}, [%r3];\n\
             st.global.v4.b32 [%rd2], {{%r10, %r11, %r12, %r13}};"
        );
        for (lane, out) in run_threads(&body, &input).iter().enumerate() {
            for (j, word) in out[..count].iter().enumerate() {
                for half in 0..2 {
                    let (row, column) = ldmatrix_element(lane, half, is_transposed);
                    assert_eq!(
                        (word >> (16 * half)) as usize & 0xffff,
                        1000 * j + 10 * row + column
                    );
                }
            }
        }
        // And back: what stmatrix writes, ldmatrix reads.
        let back = format!(
            "{start}stmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 [%r3], {{%r4, %r5, %r6, %r7}};\nbar.sync 0;\n\
             ldmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 {{%r10, %r11, %r12, %r13}}, [%r3];\n\
             st.global.v4.b32 [%rd2], {{%r10, %r11, %r12, %r13}};"
        );
        assert!(
            run_threads(&back, &input)
                .iter()
                .zip(&input)
                .all(|(out, input)| out[..4] == input[..4])
        );
    }
    let body = "ld.global.b32 %r3, [%rd1];\nmovmatrix.sync.aligned.m8n8.trans.b16 %r4, %r3;\n\
                movmatrix.sync.aligned.m8n8.trans.b16 %r5, %r4;\nst.global.v2.b32 [%rd2], {%r4, %r5};";
    let input: Vec<[u32; 16]> = (0..32).map(|lane| [lane << 16 | (lane + 50); 16]).collect();
    let out = run_threads(body, &input);
    assert_eq!(out[1][0], (8 + 50) | (12 + 50) << 16, "column 0 of rows 2 and 3");
    assert!(out.iter().zip(&input).all(|(out, input)| out[1] == input[0]));
}

/// Where an element of a lane's fragment lies in its matrix, by lane and number of the element.
type Places = fn(usize, usize) -> (usize, usize);

struct Fragments {
    opcode: &'static str,
    k: usize,
    /// Bits of an element of A and B, and how one is written from a small integer.
    bits: u32,
    encode: fn(i32) -> u32,
    a: Places,
    b: Places,
    /// Whether sums are f16, or integers; else they are f32.
    sums: Sums,
}

#[derive(Clone, Copy, PartialEq)]
enum Sums {
    F32,
    F16,
    S32,
}

/// Of C and D, whatever the shape.
fn c_place(lane: usize, i: usize) -> (usize, usize) {
    (if i < 2 { lane / 4 } else { lane / 4 + 8 }, 2 * (lane % 4) + i % 2)
}

fn as_bf16(x: i32) -> u32 {
    u32::from(bf16::from_f32(x as f32).to_bits())
}

fn as_f16(x: i32) -> u32 {
    u32::from(f16::from_f32(x as f32).to_bits())
}

fn as_f32(x: i32) -> u32 {
    // The last 13 bits of a tf32 do not count.
    (x as f32).to_bits() | 0x1fff
}

fn as_byte(x: i32) -> u32 {
    x as u32 & 0xff
}

const A_16: Places = |lane, i| {
    let row = if i < 2 || (4..6).contains(&i) { lane / 4 } else { lane / 4 + 8 };
    (row, 2 * (lane % 4) + i % 2 + if i >= 4 { 8 } else { 0 })
};
const B_16: Places = |lane, i| (2 * (lane % 4) + i % 2 + if i >= 2 { 8 } else { 0 }, lane / 4);
const A_8: Places = |lane, i| (if i < 2 { lane / 4 } else { lane / 4 + 8 }, 2 * (lane % 4) + i % 2);
const B_8: Places = |lane, i| (2 * (lane % 4) + i, lane / 4);
const A_TF32: Places = |lane, i| {
    (if i % 2 == 0 { lane / 4 } else { lane / 4 + 8 }, lane % 4 + if i >= 2 { 4 } else { 0 })
};
const B_TF32: Places = |lane, i| (lane % 4 + 4 * i, lane / 4);
const A_BYTES: Places = |lane, i| {
    let row = if i < 4 || (8..12).contains(&i) { lane / 4 } else { lane / 4 + 8 };
    (row, 4 * (lane % 4) + i % 4 + if i >= 8 { 16 } else { 0 })
};
const B_BYTES: Places = |lane, i| (4 * (lane % 4) + i % 4 + if i >= 4 { 16 } else { 0 }, lane / 4);

const SHAPES: [Fragments; 10] = [
    Fragments {
        opcode: "m16n8k16.row.col.f32.bf16.bf16.f32",
        k: 16,
        bits: 16,
        encode: as_bf16,
        a: A_16,
        b: B_16,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k8.row.col.f32.bf16.bf16.f32",
        k: 8,
        bits: 16,
        encode: as_bf16,
        a: A_8,
        b: B_8,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k16.row.col.f32.f16.f16.f32",
        k: 16,
        bits: 16,
        encode: as_f16,
        a: A_16,
        b: B_16,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k8.row.col.f32.f16.f16.f32",
        k: 8,
        bits: 16,
        encode: as_f16,
        a: A_8,
        b: B_8,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k16.row.col.f16.f16.f16.f16",
        k: 16,
        bits: 16,
        encode: as_f16,
        a: A_16,
        b: B_16,
        sums: Sums::F16,
    },
    Fragments {
        opcode: "m16n8k8.row.col.f16.f16.f16.f16",
        k: 8,
        bits: 16,
        encode: as_f16,
        a: A_8,
        b: B_8,
        sums: Sums::F16,
    },
    Fragments {
        opcode: "m16n8k8.row.col.f32.tf32.tf32.f32",
        k: 8,
        bits: 32,
        encode: as_f32,
        a: A_TF32,
        b: B_TF32,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k4.row.col.f32.tf32.tf32.f32",
        k: 4,
        bits: 32,
        encode: as_f32,
        a: A_TF32,
        b: B_TF32,
        sums: Sums::F32,
    },
    Fragments {
        opcode: "m16n8k32.row.col.s32.s8.s8.s32",
        k: 32,
        bits: 8,
        encode: as_byte,
        a: A_BYTES,
        b: B_BYTES,
        sums: Sums::S32,
    },
    Fragments {
        opcode: "m16n8k16.row.col.s32.s8.s8.s32",
        k: 16,
        bits: 8,
        encode: as_byte,
        a: A_BYTES,
        b: B_BYTES,
        sums: Sums::S32,
    },
];

#[test]
fn products_of_matrices() {
    let a = |row: usize, k: usize| ((row * 7 + k * 3) % 11) as i32 - 5;
    let b = |k: usize, column: usize| ((k * 5 + column * 2) % 7) as i32 - 3;
    let c = |row: usize, column: usize| (row * 8 + column) as i32 - 60;
    for shape in &SHAPES {
        let each = (32 / shape.bits) as usize;
        let (a_count, b_count) = (16 * shape.k / 32 / each, 8 * shape.k / 32 / each);
        let packed =
            |places: Places, value: &dyn Fn(usize, usize) -> i32, lane: usize, register: usize| {
                (0..each).fold(0, |word, part| {
                    let (row, column) = places(lane, register * each + part);
                    word | (shape.encode)(value(row, column)) << (part as u32 * shape.bits)
                })
            };
        let c_word = |lane: usize, register: usize| match shape.sums {
            Sums::F32 => {
                let (row, column) = c_place(lane, register);
                (c(row, column) as f32).to_bits()
            }
            Sums::S32 => {
                let (row, column) = c_place(lane, register);
                c(row, column) as u32
            }
            Sums::F16 => (0..2).fold(0, |word, part| {
                let (row, column) = c_place(lane, 2 * register + part);
                word | as_f16(c(row, column)) << (16 * part)
            }),
        };
        let c_count = if shape.sums == Sums::F16 { 2 } else { 4 };
        let input: Vec<[u32; 16]> = (0..32)
            .map(|lane| {
                std::array::from_fn(|i| match i {
                    0..4 if i < a_count => packed(shape.a, &a, lane, i),
                    4..8 if i - 4 < b_count => packed(shape.b, &b, lane, i - 4),
                    8..12 if i - 8 < c_count => c_word(lane, i - 8),
                    _ => 0,
                })
            })
            .collect();
        let names = |first: usize, count: usize| {
            (first..first + count).map(|i| format!("%r{i}")).collect::<Vec<_>>().join(", ")
        };
        let body = format!(
            "ld.global.v4.b32 {{%r20, %r21, %r22, %r23}}, [%rd1];\nld.global.v4.b32 {{%r24, %r25, %r26, %r27}}, [%rd1+16];\n\
             ld.global.v4.b32 {{%r28, %r29, %r30, %r31}}, [%rd1+32];\nmov.b32 %r34, 0; mov.b32 %r35, 0;\n\
             mma.sync.aligned.{} {{{}}}, {{{}}}, {{{}}}, {{{}}};\nst.global.v4.b32 [%rd2], {{%r32, %r33, %r34, %r35}};",
            shape.opcode,
            names(32, c_count),
            names(20, a_count),
            names(24, b_count),
            names(28, c_count)
        );
        let out = run_threads(&body, &input);
        for (lane, words) in out.iter().enumerate() {
            for i in 0..4 {
                let answer = match shape.sums {
                    Sums::F32 => f32::from_bits(words[i]) as i32,
                    Sums::S32 => words[i] as i32,
                    Sums::F16 => {
                        f16::from_bits((words[i / 2] >> (16 * (i % 2))) as u16).to_f32() as i32
                    }
                };
                let (row, column) = c_place(lane, i);
                let wanted =
                    c(row, column) + (0..shape.k).map(|k| a(row, k) * b(k, column)).sum::<i32>();
                assert_eq!(answer, wanted, "{}: row {row}, column {column}", shape.opcode);
            }
        }
    }
}

#[test]
fn products_of_doubles() {
    let body = "ld.global.v2.f64 {%fd1, %fd2}, [%rd1];\nld.global.v2.f64 {%fd3, %fd4}, [%rd1+16];\n\
                mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%fd5, %fd6}, {%fd1}, {%fd2}, {%fd3, %fd4};\n\
                st.global.v2.f64 [%rd2], {%fd5, %fd6};";
    let (a, b) = (
        |row: usize, k: usize| (row * 4 + k) as f64,
        |k: usize, column: usize| (k * 10 + column) as f64,
    );
    let input: Vec<[u32; 16]> = (0..32)
        .map(|lane| {
            let values = [a(lane / 4, lane % 4), b(lane % 4, lane / 4), 1.0, 2.0];
            std::array::from_fn(|i| {
                values.get(i / 2).map_or(0, |v| (v.to_bits() >> (32 * (i % 2))) as u32)
            })
        })
        .collect();
    for (lane, words) in run_threads(body, &input).iter().enumerate() {
        for i in 0..2 {
            let answer =
                f64::from_bits(u64::from(words[2 * i]) | u64::from(words[2 * i + 1]) << 32);
            let (row, column) = (lane / 4, 2 * (lane % 4) + i);
            let wanted = (1 + i) as f64 + (0..4).map(|k| a(row, k) * b(k, column)).sum::<f64>();
            assert_eq!(answer, wanted);
        }
    }
}

#[test]
fn variables_of_a_module() {
    let text = ".version 8.4\n.target sm_80\n.address_size 64\n.global .align 4 .b32 table[4] = {10, 20, 30};\n\
                .const .align 8 .u64 where[1] = {table+4};\n.visible .entry k(.param .u64 out) {\n\
                .reg .b32 %r<9>; .reg .b64 %rd<9>; .shared .align 4 .b8 tile[8];\n\
                ld.param.b64 %rd1, [out]; ld.const.b64 %rd2, [where]; ld.global.b32 %r1, [%rd2]; ld.global.b32 %r2, [table+8];\n\
                ld.global.b32 %r3, [table+12]; add.s32 %r1, %r1, %r2; add.s32 %r1, %r1, %r3; st.shared.b32 [tile+4], %r1;\n\
                ld.shared.b32 %r4, [tile+4]; st.global.b32 [%rd1], %r4; ret; }";
    let memory = Memory::new(1 << 20);
    let out = memory.allocate(4).unwrap();
    let run =
        Run { blocks: [1; 3], threads: 1, shared: 0, parameters: Parameters::default().long(out) };
    run_kernel(text, &run, &memory, &Settings::default()).unwrap();
    let mut bytes = [0; 4];
    memory.read(out, &mut bytes).unwrap();
    assert_eq!(u32::from_le_bytes(bytes), 50);
}
