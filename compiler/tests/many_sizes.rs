//! One artifact runs at every size of its range: no compiler is left in the process, and no memory is kept for sizes that
//! are gone.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to implement; this one counts and passes on"
)]

use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_frontend::hugging_face;
use ocellus_rewrite::TargetDescription;
use ocellus_runtime::{HostTensor, Options, Session};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// Counts the bytes that are allocated now, and the most that ever were.
struct Counting {
    now: AtomicUsize,
    max: AtomicUsize,
}

#[global_allocator]
static HEAP: Counting = Counting { now: AtomicUsize::new(0), max: AtomicUsize::new(0) };

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = self.now.fetch_add(layout.size(), Relaxed) + layout.size();
        self.max.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.now.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

impl Counting {
    /// Begins to look for the most anew.
    fn restart(&self) {
        self.max.store(self.now.load(Relaxed), Relaxed);
    }
}

const IMAGES: i64 = 4;
const SIDES: (i64, i64) = (14, 70);

/// One call; what it needed is freed again.
fn run(session: &Session, images: i64, height: i64, width: i64) {
    let shape = [images, 3, height, width].map(|dim| dim as usize);
    let data = vec![0.5; shape.iter().product()];
    let pixels = HostTensor::new(shape.to_vec(), data).unwrap();
    let outputs = session.run(&[("pixel_values", &pixels)]).unwrap();
    let (name, hidden) = &outputs[0];
    let tokens = (height / 14) * (width / 14) + 1;
    assert_eq!(name, "last_hidden_state");
    assert_eq!(hidden.shape[..2], [images as usize, tokens as usize]);
    assert!(hidden.data.iter().all(|x| x.is_finite()));
}

#[test]
fn a_thousand_sizes_are_run_by_one_artifact_in_the_memory_of_the_largest() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/dinov2-base/model");
    let sides = SymbolRange::new(SIDES.0, SIDES.1);
    let ranges = [("images", SymbolRange::new(1, IMAGES)), ("height", sides), ("width", sides)];
    let ranges: BTreeMap<String, SymbolRange> = ranges.map(|(s, r)| (s.to_string(), r)).into();
    let options = hugging_face::Options { ranges, ..hugging_face::Options::default() };
    let model = hugging_face::load_with(golden, &options).unwrap();
    // What is best on many cores depends on the size: there are several pieces.
    let target = Target::host().unwrap();
    let machine = TargetDescription::named(&target.name()["cpu:".len()..]).unwrap();
    let compiler = Compiler::new(target).machine(machine.with_units(16));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("encoder.safetensors");
    compiler.compile_to_file(&model, &file, &mut |_| {}).unwrap();
    // From here on there is the file and the runtime, which has no compiler in it.
    drop((model, compiler));
    // SAFETY: the file was compiled above, and nobody else knows it.
    let session =
        unsafe { Session::load(&file, Options { threads: 2, ..Options::default() }) }.unwrap();
    let pieces = session.plan().pieces.len();
    assert!(pieces > 1, "{pieces}");

    HEAP.restart();
    run(&session, IMAGES, SIDES.1, SIDES.1);
    let (arena, max, kept) =
        (session.arena_bytes(), HEAP.max.load(Relaxed), HEAP.now.load(Relaxed));
    HEAP.restart();
    let mut random = StdRng::seed_from_u64(1000);
    let start = Instant::now();
    for _ in 0..1000 {
        let side = |random: &mut StdRng| random.random_range(SIDES.0..=SIDES.1);
        let images = random.random_range(1..=IMAGES);
        run(&session, images, side(&mut random), side(&mut random));
    }
    let took = start.elapsed();
    println!("{took:?} for a thousand sizes in {pieces} pieces, {arena} bytes of arena");
    assert_eq!(session.arena_bytes(), arena, "the arena grew");
    // Another piece may launch a few kernels more, whose arguments a call keeps until the next.
    let slack = 64 << 10;
    let (most_later, kept_later) = (HEAP.max.load(Relaxed), HEAP.now.load(Relaxed));
    assert!(most_later <= max + slack, "{most_later} bytes at once, {max} at the largest size");
    assert!(kept_later <= kept + slack, "{kept_later} bytes are kept, {kept} after the largest");
}
