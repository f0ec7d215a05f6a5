//! Prints what the gemm reaches. Not a test: figures of a shared machine say little.

use crate::launch::{Loaded, Operand};
use crate::near::step;
use ocellus_dialects::ElementType::{self, BF16, F32};
use ocellus_dialects::kernel::{
    Between, Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Mask, Prologue,
};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::Patchify;
use ocellus_dialects::venc::{Activate, Activation};
use ocellus_kernels::{CpuTarget, Layout, back_to_back_gemm, gemm};

const WORKERS: i64 = 2;

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
}

/// The time that this thread has run: others on the machine do not count.
fn cpu_seconds() -> f64 {
    const THREAD_CPU_TIME: i32 = 3;
    let mut time = [0; 2];
    // SAFETY: a `timespec` is two 64-bit integers on the targets that these kernels are for.
    assert_eq!(unsafe { clock_gettime(THREAD_CPU_TIME, &mut time) }, 0);
    time[0] as f64 + time[1] as f64 * 1e-9
}

/// This machine's, or what the environment names.
fn target() -> CpuTarget {
    let target = match std::env::var("OCELLUS_BENCH_TARGET") {
        Ok(name) => CpuTarget::from_name(&name).unwrap(),
        Err(_) => CpuTarget::host().unwrap(),
    };
    // Whoever asks gets the permission to use tiles.
    assert!(target.runs_here(), "{}", target.name);
    target
}

/// Both, or what the environment names.
fn elements() -> Vec<ElementType> {
    match std::env::var("OCELLUS_BENCH_ELEMENT") {
        Ok(name) => vec![ElementType::from_name(&name).unwrap()],
        Err(_) => vec![F32, BF16],
    }
}

/// An interval as the runtime cuts it: half of what is left, again and again.
fn halves(first: i64, end: i64) -> Vec<(i64, i64)> {
    let mut parts = vec![];
    let mut first = first;
    while first < end {
        let middle = first + (end - first + 1) / 2;
        parts.push((first, middle));
        first = middle;
    }
    parts
}

fn gflops(op: &KernelOp, operands: &[Operand], result: &Operand, flops: f64) -> f64 {
    let loaded = Loaded::new(op, operands, result, &target()).unguarded();
    let share = (loaded.tiles + WORKERS - 1) / WORKERS;
    let mut scratch: Vec<_> = (0..WORKERS).map(|_| loaded.scratch()).collect();
    let (function, block) = (loaded.function, &loaded.block);
    let mut best = f64::INFINITY;
    for _ in 0..12 {
        let repeats = 1 + (2e10 / flops / 4.0) as usize;
        let barrier = std::sync::Barrier::new(WORKERS as usize);
        let times: Vec<f64> = std::thread::scope(|scope| {
            let barrier = &barrier;
            let workers: Vec<_> = scratch
                .iter_mut()
                .enumerate()
                .map(|(worker, scratch)| {
                    let first = worker as i64 * share;
                    let end = (first + share).min(loaded.tiles);
                    let parts = halves(first, end);
                    scope.spawn(move || {
                        barrier.wait();
                        let start = cpu_seconds();
                        for _ in 0..repeats {
                            // SAFETY: scratch is at least a cache line. As for each launch, nothing is prepared.
                            unsafe { scratch.pointer_mut().cast::<i64>().write(-1) };
                            for (first, end) in &parts {
                                // SAFETY: as in `Loaded::run`; workers have disjoint tiles and their own scratch.
                                unsafe {
                                    function(block.as_ptr(), *first, *end, scratch.pointer_mut())
                                };
                            }
                        }
                        (cpu_seconds() - start) / repeats as f64
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        best = best.min(times.into_iter().fold(0.0, f64::max));
    }
    flops / best * 1e-9
}

/// The rate of a gemm under the best of its tiles.
fn measure(element: ElementType, m: i64, n: i64, k: i64, fused: bool) -> f64 {
    let x = Operand::random(1, element, &[m, k], 1.0);
    let w = Operand::random(2, element, &[n, k], 1.0);
    let result = Operand::random(3, element, &[m, n], 1.0);
    let vector = |seed, width| Operand::random(seed, element, &[width], 1.0);
    let (prologue, epilogue, operands) = match fused {
        false => (Prologue::None, vec![], vec![x, w]),
        true => (
            Prologue::LayerNorm { eps: 1e-6, affine: true },
            vec![
                EpilogueOp::Combine(Combine::Add, Broadcast::Columns),
                step(Activate { function: Activation::Gelu }),
            ],
            vec![x, vector(4, k), vector(5, k), w, vector(6, n)],
        ),
    };
    let rates = gemm::tiles(k, n, (element, element), &target()).into_iter().map(|tile| {
        let op = KernelOp::Gemm { prologue, epilogue: epilogue.clone(), tile };
        gflops(&op, &operands, &result, 2.0 * (m * n * k) as f64)
    });
    rates.fold(0.0, f64::max)
}

#[test]
#[ignore = "a measurement; run it with --release --nocapture on a quiet machine"]
fn gemm_throughput() {
    let layers = [(768, 768), (2304, 768), (3072, 768), (768, 3072)];
    let of_layers = [197, 1576].into_iter().flat_map(|m| layers.map(|(n, k)| [m, n, k]));
    let shapes: Vec<[i64; 3]> = of_layers.chain([[1024; 3], [2048; 3]]).collect();
    for element in elements() {
        for &[m, n, k] in &shapes {
            let [plain, fused] = [false, true].map(|fused| measure(element, m, n, k, fused));
            println!(
                "{element} {m:>5} x {n:>4} x {k:>4}: {plain:>5.0} GFLOP/s, layer_norm bias gelu {fused:>5.0}"
            );
        }
    }
}

#[test]
#[ignore = "a measurement; run it with --release --nocapture on a quiet machine"]
fn attention_throughput() {
    let layers = [
        ("ViT-B/16 at 224, batch 1", 1, 12, 64, 197),
        ("ViT-B/16 at 224, batch 8", 8, 12, 64, 197),
        ("SigLIP-so400m at 384", 1, 16, 72, 729),
        ("DINOv2-B/14 at 518", 1, 12, 64, 1370),
    ];
    for element in [F32, BF16] {
        for (layer, images, heads, head_size, tokens) in layers {
            let shape = [images, tokens, heads * head_size];
            let operands = [1, 2, 3].map(|seed| Operand::random(seed, element, &shape, 1.0));
            let result = Operand::random(4, element, &shape, 1.0);
            let op = KernelOp::Attention {
                heads,
                scale: 1.0 / (head_size as f64).sqrt(),
                rotary: false,
                mask: Mask::Full,
                warp_queries: None,
            };
            let flops = 4.0 * (images * heads * head_size * tokens * tokens) as f64;
            let attention = gflops(&op, &operands, &result, flops);
            let gemm =
                measure(element, images * tokens, heads * head_size, heads * head_size, false);
            println!(
                "{element} {layer:<24}: {attention:>5.0} GFLOP/s, {:.2} of the gemm's {gemm:>5.0}",
                attention / gemm
            );
        }
    }
}

/// Two products in one launch, by rows of a tile, beside both in a launch each.
#[test]
#[ignore = "a measurement; run it with --release --nocapture on a quiet machine"]
fn mlp_throughput() {
    for (m, k, hidden) in [(17, 48, 80), (17, 192, 768), (197, 384, 1536), (197, 768, 3072)] {
        let x = Operand::random(1, F32, &[m, k], 1.0);
        let first = Operand::random(2, F32, &[hidden, k], 1.0);
        let second = Operand::random(3, F32, &[k, hidden], 1.0);
        let flops = 4.0 * (m * k * hidden) as f64;
        let apart = [(hidden, k), (k, hidden)].map(|(n, k)| 1.0 / measure(F32, m, n, k, false));
        let apart = 2.0 / apart.iter().sum::<f64>();
        let together = back_to_back_gemm::ROWS.map(|rows| {
            let op = KernelOp::BackToBackGemm {
                prologue: Prologue::None,
                between: Between { epilogue: vec![], element: F32 },
                epilogue: vec![],
                rows,
            };
            let operands = [x.clone(), first.clone(), second.clone()];
            let rate = gflops(&op, &operands, &Operand::random(4, F32, &[m, k], 1.0), flops);
            format!("{rows} rows {rate:>4.0}")
        });
        println!(
            "{m:>4} x {k:>4} x {hidden:>4}: apart {apart:>4.0} GFLOP/s, {}",
            together.join(", ")
        );
    }
}

/// A patch embedding that gathers its rows, beside one in two launches: patches written out, then multiplied.
#[test]
#[ignore = "a measurement; run it with --release --nocapture on a quiet machine"]
fn patch_embedding_throughput() {
    for element in [F32, BF16] {
        for (images, size, patch, n) in [(1, 224, 16, 768), (8, 224, 16, 768), (8, 224, 14, 1024)] {
            let image = Operand::random(1, element, &[images, 3, size, size], 1.0);
            let across = size / patch;
            let (m, k) = (images * across * across, 3 * patch * patch);
            let flops = 2.0 * (m * n * k) as f64;
            let (rows, cols) = (Dim::from(across), Dim::from(across));
            let copy = Patchify { height: patch, width: patch, rows, cols: cols.clone() };
            let written_out = Operand::random(2, element, &[images, across * across, k], 1.0);
            let copied = [image.clone()];
            let copying = gflops(&KernelOp::Move(copy.into()), &copied, &written_out, flops);
            let product = measure(element, m, n, k, false);
            let apart = 1.0 / (1.0 / copying + 1.0 / product);

            let ty = &written_out.layout.ty;
            let layout = Layout::of_patches(&image.layout, ty, (patch, patch), &cols).unwrap();
            let tile = GemmTile::DEFAULT;
            let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile };
            let operands = [Operand { layout, ..image }, Operand::random(3, element, &[n, k], 1.0)];
            let result = Operand::random(4, element, &[m, n], 1.0);
            let together = gflops(&op, &operands, &result, flops);
            println!(
                "{element} {images} of {size}, patch {patch:>2}, {n:>4}: apart {apart:>4.0} GFLOP/s, together \
                 {together:>4.0}, the product alone {product:>4.0}"
            );
        }
    }
}
