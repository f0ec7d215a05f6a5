//! Lowers an operation, compiles its kernel, loads it and runs it on tensors.

use crate::guarded::Guarded;
use crate::near::Near;
use crate::simulated;
use half::{bf16, f16};
use ocellus_codegen::{Optimization, compile_kernels};
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{
    Argument, CpuTarget, Kernel, Launch, Layout, NvidiaTarget, Target, launch, schedules, symbols,
};
use ocellus_runtime::signature::{Access, LaunchWords, Signature, Word};
use std::collections::BTreeMap;
use std::io::{Write, stderr};
use std::sync::Once;

pub type KernelFunction = unsafe extern "C" fn(*const i64, i64, i64, *mut u8);

/// The targets that this machine can run. Those that it cannot are named, where no test captures it.
pub fn targets() -> impl Iterator<Item = CpuTarget> {
    static NAMED: Once = Once::new();
    NAMED.call_once(|| {
        for target in CpuTarget::ALL.iter().filter(|target| !target.runs_here()) {
            let name = Target::from(target).name();
            let _ = writeln!(stderr(), "skipped: this machine cannot run kernels for `{name}`");
        }
    });
    CpuTarget::ALL.into_iter().filter(CpuTarget::runs_here)
}

/// These, and the GPU whose kernels are those of the least able: it is simulated.
pub fn all_targets() -> impl Iterator<Item = Target> {
    targets().map(Target::from).chain([Target::Nvidia(NvidiaTarget::SM_80)])
}

/// A tensor in memory, its rows `row_stride` elements apart.
#[derive(Clone, Debug)]
pub struct Operand {
    pub layout: Layout,
    pub bytes: Vec<u8>,
    /// What each element is after rounding to its storage, contiguous.
    pub values: Vec<f64>,
}

impl Operand {
    /// A contiguous tensor with numbers that look random, uniform in `-scale..scale`.
    pub fn random(seed: u64, element: ElementType, shape: &[i64], scale: f64) -> Self {
        Self::with_gap(seed, element, shape, scale, 0)
    }

    /// The same with `gap` elements, all NaN, between rows.
    pub fn with_gap(seed: u64, element: ElementType, shape: &[i64], scale: f64, gap: i64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0) * scale
        };
        let count = shape.iter().product::<i64>();
        let values: Vec<f64> = (0..count).map(|_| next()).collect();
        Self::of(element, shape, &values, gap)
    }

    /// The same images, `[images, rows, n]`, with that many rows of NaN behind each: tokens that nobody asked for.
    pub fn with_rows_between_images(mut self, rows: i64) -> Self {
        let [images, own, _] = &self.layout.ty.shape[..] else { panic!("{:?}", self.layout) };
        let element = self.layout.ty.element;
        let constant = |dim: &Dim| dim.as_constant().unwrap();
        let row = constant(&self.layout.row_stride);
        let image_bytes = (constant(own) * row * element.bytes()) as usize;
        let between: Vec<u8> = (0..rows * row).flat_map(|_| encode(element, f64::NAN)).collect();
        let images = self.bytes.chunks(image_bytes).take(constant(images) as usize);
        self.bytes = images.flat_map(|image| [image, &between].concat()).collect();
        self.layout.image_stride = Dim::from((constant(own) + rows) * row);
        self
    }

    /// A tensor with these numbers.
    pub fn of(element: ElementType, shape: &[i64], values: &[f64], gap: i64) -> Self {
        let ty = TensorType::new(element, shape.iter().copied());
        let mut layout = Layout::contiguous(&ty);
        let width = shape.last().copied().unwrap_or(1);
        layout.row_stride = Dim::from(width + gap);
        let rows_per_image: i64 = match shape.len() {
            0..=2 => 1,
            rank => shape[1..rank - 1].iter().product(),
        };
        layout.image_stride = Dim::from((width + gap) * rows_per_image);
        let mut bytes = vec![];
        for row in values.chunks(width.max(1) as usize) {
            row.iter().for_each(|value| bytes.extend(encode(element, *value)));
            (0..gap).for_each(|_| bytes.extend(encode(element, f64::NAN)));
        }
        let values = values.iter().map(|value| decode(element, &encode(element, *value))).collect();
        Operand { layout, bytes, values }
    }
}

pub fn encode(element: ElementType, value: f64) -> Vec<u8> {
    match element {
        ElementType::F32 => (value as f32).to_le_bytes().to_vec(),
        ElementType::BF16 => bf16::from_f32(value as f32).to_le_bytes().to_vec(),
        ElementType::F16 => f16::from_f32(value as f32).to_le_bytes().to_vec(),
        ElementType::I32 => (value as i32).to_le_bytes().to_vec(),
    }
}

pub fn decode(element: ElementType, bytes: &[u8]) -> f64 {
    match (element, bytes) {
        (ElementType::F32, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
        (ElementType::I32, &[a, b, c, d]) => f64::from(i32::from_le_bytes([a, b, c, d])),
        (ElementType::BF16, &[a, b]) => f64::from(bf16::from_le_bytes([a, b])),
        (ElementType::F16, &[a, b]) => f64::from(f16::from_le_bytes([a, b])),
        _ => panic!("{} bytes are no {element}", bytes.len()),
    }
}

/// Half a unit in the last place of the storage, relative.
pub fn rounding(element: ElementType) -> f64 {
    match element {
        ElementType::F32 => 2f64.powi(-24),
        ElementType::F16 => 2f64.powi(-11),
        ElementType::I32 => 0.0,
        ElementType::BF16 => 2f64.powi(-8),
    }
}

/// A kernel in memory, ready to run on its operands.
pub struct Loaded {
    _library: libloading::Library,
    pub function: KernelFunction,
    pub launch: Launch<Kernel>,
    memory: Vec<Guarded>,
    result: Guarded,
    /// What the result's memory holds behind all that the kernel writes.
    behind_result: Vec<u8>,
    result_layout: Layout,
    pub block: Vec<i64>,
    pub tiles: i64,
    is_guarded: bool,
}

impl Loaded {
    pub fn new(op: &KernelOp, operands: &[Operand], result: &Operand, target: &CpuTarget) -> Self {
        let layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
        let launch = launch(op, &layouts, &result.layout, target).unwrap();
        Self::launch(launch, operands, result, target, &Bindings::new())
    }

    /// A launch with its symbols bound.
    pub fn launch(
        launch: Launch<Kernel>,
        operands: &[Operand],
        result: &Operand,
        target: &CpuTarget,
        at: &Bindings,
    ) -> Self {
        let code = compile_kernels(
            std::slice::from_ref(&launch.kernel),
            None,
            target,
            Optimization::Full,
            None,
        )
        .unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &code.bytes).unwrap();
        // SAFETY: the object has no initializers.
        let library = unsafe { libloading::Library::new(file.path()) }.unwrap();
        let symbol = &symbols([&launch.kernel])[0];
        // SAFETY: kernels have this signature.
        let function = unsafe { *library.get::<KernelFunction>(symbol.as_bytes()).unwrap() };

        let packed: BTreeMap<usize, _> = launch.packed.iter().copied().collect();
        let tiles = tiles(&launch, at);
        // Memory ends where the signature says that the kernel stops.
        let reach = Reach::of(&launch, tiles, at);
        let memory: Vec<Guarded> = operands
            .iter()
            .enumerate()
            .map(|(position, operand)| {
                let bytes = match packed.get(&position) {
                    Some(packing) => packing.pack(&operand.bytes).unwrap(),
                    None => operand.bytes.clone(),
                };
                let reach = reach.operands.get(&position).copied().unwrap_or(0);
                assert!(reach <= bytes.len(), "operand {position}: {reach} of {}", bytes.len());
                Guarded::copy_of(&bytes[..reach])
            })
            .collect();
        assert!(reach.result <= result.bytes.len(), "{} of {}", reach.result, result.bytes.len());
        let mut result_memory = Guarded::copy_of(&result.bytes[..reach.result]);
        let behind_result = result.bytes[reach.result..].to_vec();
        let word = |argument: &Argument| match argument {
            Argument::Operand(position) => memory[*position].pointer() as i64,
            Argument::Result => result_memory.pointer_mut() as i64,
            Argument::Integer(dim) => dim.evaluate(at).unwrap(),
        };
        let block = launch.arguments.iter().map(word).collect();
        let result_layout = result.layout.clone();
        Loaded {
            _library: library,
            function,
            launch,
            memory,
            result: result_memory,
            behind_result,
            result_layout,
            block,
            tiles,
            is_guarded: true,
        }
    }

    /// The same with its memory where a session has it: in large pages, and with nothing that stops a kernel at the end.
    pub fn unguarded(mut self) -> Self {
        for memory in self.memory.iter_mut().chain([&mut self.result]) {
            let copy = Guarded::unguarded_copy_of(memory.bytes());
            let (from, to) = (memory.pointer() as i64, copy.pointer() as i64);
            self.block.iter_mut().filter(|word| **word == from).for_each(|word| *word = to);
            *memory = copy;
        }
        Loaded { is_guarded: false, ..self }
    }

    pub fn scratch(&self) -> Guarded {
        let bytes = self.launch.scratch_bytes.evaluate(&Bindings::new()).unwrap();
        let bytes = (bytes as usize).max(64);
        match self.is_guarded {
            true => Guarded::new(bytes, 64),
            false => Guarded::unguarded_copy_of(&vec![0xff; bytes]),
        }
    }

    /// Runs all tiles, in intervals of `step`.
    pub fn run(&self, step: i64) {
        let mut scratch = self.scratch();
        assert!(!self.memory.is_empty());
        for first in (0..self.tiles).step_by(step as usize) {
            let end = (first + step).min(self.tiles);
            // SAFETY: the block has what the launch lists, and the memory is as large as its layouts say.
            unsafe { (self.function)(self.block.as_ptr(), first, end, scratch.pointer_mut()) };
        }
    }

    /// The elements of the result, and whether what lies between its rows was left alone.
    pub fn result(&self) -> Vec<f64> {
        elements(&self.result_layout, &[self.result.bytes(), &self.behind_result].concat())
    }
}

/// The elements of a tensor in memory; what lies between its rows must be NaN.
pub fn elements(layout: &Layout, bytes: &[u8]) -> Vec<f64> {
    let element = layout.ty.element;
    let nothing = Bindings::new();
    let [rows, width, stride] = [&layout.ty.rows(), &layout.ty.width(), &layout.row_stride]
        .map(|dim| dim.evaluate(&nothing).unwrap() as usize);
    let size = element.bytes() as usize;
    let mut values = vec![];
    for row in 0..rows {
        let row = &bytes[row * stride * size..(row + 1) * stride * size];
        let (inside, gap) = row.split_at(width * size);
        values.extend(inside.chunks(size).map(|bytes| decode(element, bytes)));
        assert!(gap.chunks(size).all(|bytes| decode(element, bytes).is_nan()));
    }
    values
}

/// How many tiles a launch has.
pub fn tiles(launch: &Launch<Kernel>, at: &Bindings) -> i64 {
    let count = |(extent, step): &(Dim, i64)| (extent.evaluate(at).unwrap() + step - 1) / step;
    launch.tiles.0.iter().map(count).product()
}

/// How far a kernel reaches in a launch, by its signature.
pub struct Reach {
    pub operands: BTreeMap<usize, usize>,
    pub result: usize,
}

impl Reach {
    /// Checks that launch and signature are of one mind, too.
    pub fn of(launch: &Launch<Kernel>, tiles: i64, at: &Bindings) -> Self {
        let signature: Signature = launch.kernel.signature();
        let number = |argument: &Argument| match argument {
            Argument::Integer(dim) => dim.evaluate(at).unwrap(),
            Argument::Operand(_) | Argument::Result => 0,
        };
        let words: Vec<i64> = launch.arguments.iter().map(number).collect();
        let numbers = LaunchWords { words: &words, tiles };
        assert_eq!(words.len(), signature.words.len());
        if let Some(bytes) = launch.scratch_bytes.evaluate(at) {
            signature.check_numbers(&numbers, bytes as usize).unwrap();
            assert!(bytes == 0 || signature.check_numbers(&numbers, bytes as usize - 1).is_err());
        }
        let mut reach = Reach { operands: BTreeMap::new(), result: 0 };
        for pair in launch.arguments.iter().zip(&signature.words) {
            match pair {
                (Argument::Integer(_), Word::Count { .. } | Word::Distance) => {}
                (Argument::Operand(position), Word::Pointer(pointer)) => {
                    assert_eq!(pointer.access, Access::Read);
                    let operand = reach.operands.entry(*position).or_default();
                    *operand = pointer.reach(&numbers).unwrap().max(*operand);
                }
                (Argument::Result, Word::Pointer(pointer)) => {
                    assert_eq!(pointer.access, Access::Write);
                    reach.result = pointer.reach(&numbers).unwrap();
                }
                pair => panic!("{pair:?}"),
            }
        }
        reach
    }
}

/// Runs a kernel on a target: on a CPU, or on the simulator of a GPU.
pub fn run(
    op: &KernelOp,
    operands: &[Operand],
    result: &Operand,
    target: impl Into<Target>,
) -> Vec<f64> {
    match target.into() {
        Target::Cpu(cpu) => run_on_cpu(op, operands, result, &cpu),
        Target::Nvidia(nvidia) => simulated::run(op, operands, result, nvidia).values,
    }
}

/// An operation divided in every way that its family has for it on a target.
pub fn divided(
    op: &KernelOp,
    operands: &[Operand],
    result: &Operand,
    target: Target,
) -> Vec<KernelOp> {
    let layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
    let all = schedules(op, &layouts, &result.layout, target).unwrap();
    all.into_iter().map(|schedule| schedule.op).collect()
}

/// Runs a kernel on this CPU, all at once and tile by tile, which must agree.
fn run_on_cpu(
    op: &KernelOp,
    operands: &[Operand],
    result: &Operand,
    target: &CpuTarget,
) -> Vec<f64> {
    let mut loaded = Loaded::new(op, operands, result, target);
    loaded.run(loaded.tiles.max(1));
    let at_once = loaded.result();
    loaded.result.fill(&result.bytes);
    loaded.run(1);
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&at_once), bits(&loaded.result()));
    at_once
}

/// As [`run`], with code that knows the shape of the first operand and of the result only as dimensions.
pub fn run_symbolic(
    op: &KernelOp,
    operands: &[Operand],
    result: &Operand,
    target: &CpuTarget,
    (shape, at): (&[Dim], &Bindings),
) -> Vec<f64> {
    let symbolic = |layout: &Layout| {
        Layout::contiguous(&TensorType::new(layout.ty.element, shape.iter().cloned()))
    };
    let mut layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
    layouts[0] = symbolic(&layouts[0]);
    let launch = launch(op, &layouts, &symbolic(&result.layout), target).unwrap();
    let loaded = Loaded::launch(launch, operands, result, target, at);
    loaded.run(1);
    loaded.result()
}

/// Holds each element to its bound.
pub fn assert_close<N: Into<Near> + Copy>(found: &[f64], wanted: &[N], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (position, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let Near { value, bound } = (*wanted).into();
        let difference = (found - value).abs();
        assert!(
            difference <= bound,
            "{what}: element {position} is {found}, not {value}: off by {difference}, bound {bound}"
        );
    }
}
