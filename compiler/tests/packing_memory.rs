//! Packing a weight needs about twice its size, however it comes about: what it is made of and the packed weight.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::{RandomWeights, WeightError, WeightSource};
use ocellus_compiler::passes::{PackedWeight, WeightRecipe};
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_dialects::venc::{Concat, Op};
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, Linear, TransformerBlock};
use ocellus_runtime::HostTensor;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts.
struct Counting;

thread_local! {
    /// What this thread has allocated and not freed, and the most that it was. Tests run side by side.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    NOW.set(NOW.get() + bytes);
    MOST.set(MOST.get().max(NOW.get()));
}

// SAFETY: every call is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(address, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that are allocated at once at most while something is done, beyond those that are there before.
fn most_bytes<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.get();
    MOST.set(before);
    let done = work();
    (done, (MOST.get() - before) as usize)
}

const WIDTH: i64 = 768;

/// A block: its three projections become one product, and in f32 the weights of its norms go into weights.
fn model(element: ElementType) -> Model {
    let module = nn::build(element, |nn| {
        let tokens = nn.symbol("tokens", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![1.into(), tokens, WIDTH.into()])])?;
        nn.result("y", &nn.apply("block", &TransformerBlock::new(12, 4 * WIDTH), &x)?)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 3);
    Model::new("wide", module, weights).unwrap()
}

/// What does not grow with a weight.
const BUFFERS: usize = 2 << 20;

/// Bytes in f32 of the largest tensor that a recipe is about.
fn largest(recipe: &WeightRecipe) -> usize {
    let own = 4 * recipe.ty.elements().as_constant().unwrap() as usize;
    recipe.operands.iter().map(largest).fold(own, usize::max)
}

#[test]
fn packing_needs_twice_the_weight() {
    for element in [ElementType::F32, ElementType::BF16] {
        let model = model(element);
        let program = Compiler::new(Target::host().unwrap()).stages(&model).unwrap();
        let weights = &program.host.weights;
        assert!(weights.iter().filter(|weight| weight.packing.is_some()).count() >= 4);
        for weight in weights {
            let (_, max) = most_bytes(|| weight.pack(model.weights.as_ref()).unwrap());
            let bound = 2 * largest(&weight.recipe) + BUFFERS;
            assert!(max <= bound, "{}: {max} bytes, {bound} allowed", weight.name());
            let foreseen = weight.bytes_to_pack() as usize + BUFFERS;
            assert!(max <= foreseen, "{}: {max} bytes, {foreseen} foreseen", weight.name());
        }
    }
}

#[test]
fn what_is_concatenated_is_packed_part_by_part() {
    let model = model(ElementType::BF16);
    let program = Compiler::new(Target::host().unwrap()).stages(&model).unwrap();
    let is_merged = |weight: &&PackedWeight| {
        weight.packing.is_some() && matches!(weight.recipe.op, Op::Concat(Concat { axis: 0 }))
    };
    let merged = program.host.weights.iter().find(is_merged);
    let merged = merged.expect("three projections of one tensor are one product");
    let (packed, max) = most_bytes(|| merged.pack(model.weights.as_ref()).unwrap());
    let bound = packed.bytes.len() + largest(&merged.recipe) / 3 + BUFFERS;
    assert!(max <= bound, "{max} bytes, {bound} allowed");

    // The same numbers as the concatenation as a whole makes.
    let whole = merged.recipe.evaluate(model.weights.as_ref()).unwrap();
    let bytes: Vec<u8> =
        whole.data.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
    assert_eq!(merged.packing.unwrap().pack(&bytes).unwrap(), packed.bytes);
}

/// A weight that no memory holds.
struct Endless;

impl WeightSource for Endless {
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        let bytes = usize::MAX;
        Err(WeightError::OutOfMemory { name: name.to_string(), bytes })
    }

    fn shape(&self, _: &str) -> Result<Vec<usize>, WeightError> {
        Ok(vec![1 << 40, 1 << 20])
    }
}

#[test]
fn a_weight_that_no_memory_holds_is_an_error() {
    let module = nn::build(ElementType::F32, |nn| {
        let [x] = nn.inputs([("x", vec![1.into(), (1i64 << 20).into()])])?;
        nn.result("y", &nn.apply("wide", &Linear::new(1 << 40).bias(false), &x)?)
    });
    let model = Model::new("endless", module.unwrap(), Endless).unwrap();
    let refused = Compiler::new(Target::host().unwrap()).compile(&model).err().unwrap().to_string();
    assert!(refused.contains("memory") || refused.contains("too large"), "{refused}");
}
