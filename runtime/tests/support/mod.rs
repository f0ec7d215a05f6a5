//! A small artifact, made by hand: `y = x * weight + 1` where `rows` is at most 32, and `+ 2` above.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests")]

pub mod gpu;
pub mod replace_numbers;

use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Family;
use ocellus_dialects::plan::*;
use ocellus_runtime::devices::cpu::host_features;
use ocellus_runtime::signature::{Access, Amount, Pointer, Signature, Walk, Word};
use ocellus_runtime::{
    Artifact, ArtifactContents, ArtifactWriter, HostTensor, LoadError, Options, Session,
    TargetRequirements, VariantContents,
};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

pub const WIDTH: usize = 4;
pub const WEIGHT: [f32; WIDTH] = [1.0, 2.0, -3.0, 0.5];

/// The shared object of `kernels.c`.
pub fn code() -> &'static [u8] {
    static CODE: OnceLock<Vec<u8>> = OnceLock::new();
    CODE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let object = folder.path().join("kernels.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/kernels.c");
        let texts = folder.path().join("signatures.c");
        let text = |(kernel, signature): (&str, Signature)| {
            let text = signature.to_text();
            format!("const char {}[] = {text:?};\n", Signature::symbol_of(kernel))
        };
        std::fs::write(&texts, signatures().map(text).concat()).unwrap();
        let status = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .args([&object, &source, &texts])
            .status()
            .expect("the C compiler that rustc links with");
        assert!(status.success());
        std::fs::read(object).unwrap()
    })
}

/// What the kernels do with their arguments.
fn signatures() -> [(&'static str, Signature); 5] {
    let pointer = |access, element_bytes, walk| {
        Word::Pointer(Pointer { access, element_bytes, walks: vec![walk] })
    };
    let row = || Walk::run(WIDTH as i64);
    let rows = || row().times(Amount::Tiles, WIDTH as i64);
    let signature = |words, scratch_bytes| Signature { words, tiles: None, scratch_bytes };
    let scale = vec![
        pointer(Access::Read, 4, rows()),
        pointer(Access::Read, 4, row()),
        pointer(Access::Write, 4, rows()),
    ];
    let add = vec![
        pointer(Access::Read, 4, rows()),
        Word::Count { min: 0 },
        pointer(Access::Write, 4, rows()),
        pointer(Access::Write, 2, rows()),
    ];
    let probe = vec![
        Word::Count { min: 0 },
        pointer(Access::Write, 4, Walk::run(Amount::Word(2))),
        Word::Count { min: 0 },
    ];
    [
        ("scale_rows", signature(scale.clone(), Amount::Constant(4 * WIDTH as i64))),
        ("scale_rows_slowly", signature(scale, Amount::Constant(4 * WIDTH as i64))),
        ("add_rows", signature(add, Amount::Constant(0))),
        ("probe_scratch", signature(probe, Amount::Word(0))),
        ("nothing", signature(vec![], Amount::Constant(0))),
    ]
}

/// A session of an artifact whose code is that of `kernels.c`.
pub fn load(artifact: Artifact, threads: usize) -> Result<Session, LoadError> {
    // SAFETY: the kernels are what their signatures say.
    unsafe { Session::new(artifact, Options { threads, ..Options::default() }) }
}

pub fn constant(value: i64) -> Expression {
    Expression::Constant(value)
}

pub fn numbers(name: &str, shape: Vec<Expression>) -> Port {
    Port { name: name.to_string(), shape, values: PortValues::Numbers }
}

pub fn rows() -> Expression {
    Expression::Symbol(0)
}

/// The bytes of `rows` rows of that many bytes.
pub fn row_bytes(bytes: i64) -> Expression {
    Expression::Product(vec![rows(), constant(bytes)])
}

pub fn address(place: Place) -> LaunchArgument {
    LaunchArgument::Address { place, offset: constant(0) }
}

/// Buffer 0 holds `x * weight`, buffer 1 the result as bf16.
fn program(addend: i64) -> Program {
    let shape = vec![rows(), constant(WIDTH as i64)];
    let result = |label: &str, place, element| {
        Some(LabeledResult { label: label.to_string(), place, element, shape: shape.clone() })
    };
    let scale = Launch {
        schedule: Schedule { kernel: 0, tiles: rows(), scratch_bytes: constant(4 * WIDTH as i64) },
        alternatives: vec![],
        arguments: vec![
            address(Place::Input(0)),
            address(Place::Weight(0)),
            address(Place::Buffer(0)),
        ],
        result: result("scaled", Place::Buffer(0), ElementType::F32),
    };
    let add = Launch {
        schedule: Schedule { kernel: 1, tiles: rows(), scratch_bytes: constant(0) },
        alternatives: vec![],
        arguments: vec![
            address(Place::Buffer(0)),
            LaunchArgument::Integer(constant(addend)),
            address(Place::Output(0)),
            address(Place::Buffer(1)),
        ],
        result: result("added", Place::Buffer(1), ElementType::BF16),
    };
    let probe = Launch {
        schedule: Schedule { kernel: 2, tiles: constant(1), scratch_bytes: row_bytes(1000) },
        alternatives: vec![],
        arguments: vec![
            LaunchArgument::Integer(row_bytes(1000)),
            address(Place::Output(1)),
            LaunchArgument::Integer(Expression::Symbol(1)),
        ],
        result: None,
    };
    Program {
        buffers: vec![row_bytes(4 * WIDTH as i64), row_bytes(2 * WIDTH as i64)],
        launches: vec![scale, add, probe],
    }
}

fn piece(min: i64, max: i64, program: usize) -> Piece {
    Piece { ranges: vec![PieceRange { symbol: 0, min, max }], program }
}

pub fn plan() -> Plan {
    let kernel = |symbol: &str, family| KernelEntry { symbol: symbol.to_string(), family };
    Plan {
        symbols: vec![
            SymbolEntry {
                name: "rows".to_string(),
                source: SymbolSource::Free { min: 1, max: 64, step: 1 },
            },
            SymbolEntry {
                name: "half".to_string(),
                source: SymbolSource::Defined(Expression::CeilDiv(Box::new(rows()), 2)),
            },
        ],
        inputs: vec![numbers("x", vec![rows(), constant(WIDTH as i64)])],
        outputs: vec![
            numbers("y", vec![rows(), constant(WIDTH as i64)]),
            numbers("scratch_is_aligned", vec![constant(1), Expression::Symbol(1)]),
        ],
        weights: vec![WeightEntry { name: "weight".to_string(), bytes: 4 * WIDTH as u64 }],
        kernels: vec![
            kernel("scale_rows", Family::RowWise),
            kernel("add_rows", Family::RowWise),
            kernel("probe_scratch", Family::Move),
        ],
        programs: vec![program(1), program(2)],
        pieces: vec![piece(1, 32, 0), piece(1, 64, 1)],
    }
}

/// The same, where the first launch of each program has two schedules: a slow one, by the compiler's choice, and another.
pub fn plan_with_schedules() -> Plan {
    let mut plan = plan();
    plan.kernels.push(KernelEntry { symbol: "scale_rows_slowly".into(), family: Family::RowWise });
    for program in &mut plan.programs {
        let launch = &mut program.launches[0];
        let slow = Schedule { kernel: 3, ..launch.schedule.clone() };
        launch.alternatives = vec![std::mem::replace(&mut launch.schedule, slow)];
    }
    plan
}

pub fn target() -> TargetRequirements {
    TargetRequirements {
        name: "cpu".to_string(),
        architecture: std::env::consts::ARCH.to_string(),
        features: host_features().into_iter().map(str::to_string).collect(),
    }
}

pub fn contents(plan: Plan) -> ArtifactContents {
    let variant = VariantContents { target: target(), plan, code: code().to_vec() };
    let attachments = [("preprocessor_config".to_string(), "{}".to_string())].into();
    ArtifactContents { attachments, ..ArtifactContents::new("test", vec![variant]) }
}

pub fn artifact(contents: ArtifactContents) -> Artifact {
    let mut writer = ArtifactWriter::in_memory(contents).unwrap();
    writer.write_weight("weight", WEIGHT.map(f32::to_le_bytes)).unwrap();
    writer.finish().unwrap()
}

pub fn write_artifact(path: &Path) {
    write_artifact_of(path, contents(plan()));
}

pub fn write_artifact_of(path: &Path, contents: ArtifactContents) {
    let mut writer = ArtifactWriter::create(path, contents).unwrap();
    writer.write_weight("weight", WEIGHT.map(f32::to_le_bytes)).unwrap();
    writer.finish().unwrap();
}

pub fn input(rows: usize) -> HostTensor {
    let data = (0..rows * WIDTH).map(|i| i as f32 * 0.25 - 7.0).collect();
    HostTensor::new(vec![rows, WIDTH], data).unwrap()
}

/// What the model computes, before and after the addition.
pub fn expected(input: &HostTensor) -> (Vec<f32>, Vec<f32>) {
    let addend = if input.shape[0] <= 32 { 1.0 } else { 2.0 };
    let scaled: Vec<f32> =
        input.data.iter().enumerate().map(|(i, x)| x * WEIGHT[i % WIDTH]).collect();
    let added = scaled.iter().map(|x| x + addend).collect();
    (scaled, added)
}

/// The error and all that caused it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
