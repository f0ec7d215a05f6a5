//! Random modules, for the tests of what takes any module.

use super::{
    Activation, FunctionBuilder, InterpolationFilter, Module, Op, Role, ValueId, VencError,
};
use crate::symbolic::{Dim, SymbolRange, Symbols};
use crate::tensor::{ElementType, TensorType};
use proptest::prelude::*;

/// A module with a block and an entry: each `step` picks an operation and its operands, and is skipped where they do
/// not fit.
pub(crate) fn modules() -> impl Strategy<Value = Module> {
    let steps = || prop::collection::vec((0usize..44, 0usize..64, 0usize..64), 0..20);
    (steps(), steps(), 1i64..9, any::<bool>()).prop_map(|(block, main, divisor, bf16)| {
        let element = if bf16 { ElementType::BF16 } else { ElementType::F32 };
        module(&block, &main, divisor, element).unwrap()
    })
}

type Step = (usize, usize, usize);

struct Sizes {
    images: Dim,
    rows: Dim,
    cols: Dim,
}

fn module(
    block: &[Step],
    main: &[Step],
    divisor: i64,
    element: ElementType,
) -> Result<Module, VencError> {
    let mut symbols = Symbols::default();
    let mut declare = |name, min, max, step| {
        symbols.declare(name, SymbolRange { min, max, step }).unwrap_or_default()
    };
    let images = declare("images", 1, 32, 1);
    let [height, width] = [declare("height", 14, 448, 14), declare("width", 16, 99, 1)];
    let rows = symbols.declare_floor_div("rows", height.clone(), divisor).unwrap_or_default();
    let cols = symbols.declare_floor_div("cols", width.clone(), 7).unwrap_or_default();
    let sizes = Sizes { images: images.clone(), rows: rows.clone(), cols: cols.clone() };
    let tokens = TensorType::new(
        element,
        [images.clone(), rows.clone() * cols.clone() + Dim::from(1), Dim::from(8)],
    );

    let mut function = FunctionBuilder::new("layer \"0\"");
    let x = function.argument("x", tokens.clone(), Role::Activation);
    function.argument("w", TensorType::new(element, [8i64, 8]), Role::Weight);
    let order = TensorType::new(ElementType::I32, [tokens.shape[1].clone()]);
    function.argument("order", order.clone(), Role::Activation);
    let table = TensorType::new(ElementType::F32, [tokens.shape[1].clone(), Dim::from(4)]);
    function.argument("table", table.clone(), Role::Activation);
    append(&mut function, block, &sizes);
    function.result("x", x);
    let functions = vec![function.finish()];
    let mut module = Module { symbols, functions, entry: "main".to_string() };

    let mut function = FunctionBuilder::new("main");
    let image = TensorType::new(ElementType::F32, [images, Dim::from(3), height, width]);
    let image = function.argument("pixel_values", image, Role::Activation);
    let x = function.argument("embeddings", tokens, Role::Activation);
    let order = function.argument("order", order, Role::Activation);
    let table = function.argument("table", table, Role::Activation);
    let weight = function.weight("layers.0.weight", TensorType::new(element, [8i64, 8]));
    let patches =
        function.push(Op::Patchify { height: divisor, width: 7, rows, cols }, &[image])?;
    function.label(patches, "patches");
    let called = function.call(&module, "layer \"0\"", &[x, weight, order, table])?;
    function.label(called, "layers.0");
    let last = append(&mut function, main, &sizes);
    function.result("last_hidden_state", last);
    function.result("patches", patches);
    module.functions.push(function.finish());
    module.verify()?;
    Ok(module)
}

/// Adds a node for each step, and returns the last value.
fn append(function: &mut FunctionBuilder, steps: &[Step], sizes: &Sizes) -> ValueId {
    // Four arguments, of which the third is an index and the fourth a table of angles.
    let mut values = vec![ValueId(0), ValueId(1), ValueId(2), ValueId(3)];
    for (index, (op, a, b)) in steps.iter().enumerate() {
        let (a, b) = (values[a % values.len()], values[b % values.len()]);
        let ty = function.type_of(a).clone();
        let op = operation(*op, &ty, index as i64, sizes);
        let operands = match &op {
            Op::Weight { name } => {
                if ty.element != ElementType::I32 {
                    values.push(function.weight(name, TensorType::new(ty.element, [8i64])));
                }
                continue;
            }
            Op::Linear | Op::LinearSlices { .. } | Op::Matmul { .. } | Op::Add | Op::Multiply => {
                vec![a, b]
            }
            Op::RmsNorm { .. } if index % 2 == 0 => vec![a, b],
            Op::LayerNorm { .. } if index % 2 == 0 => vec![a, b, b],
            Op::Concat { .. } => vec![a, b, a],
            Op::GatherRows | Op::MaskSegments => vec![a, ValueId(2)],
            Op::InversePermutation => vec![ValueId(2)],
            Op::Rope { .. } => vec![a, ValueId(3), ValueId(3)],
            _ => vec![a],
        };
        if let Ok(value) = function.push(op, &operands) {
            if index % 3 == 0 {
                function.label(value, &format!("step {index} \"\\ ä\n"));
            }
            values.push(value);
        }
    }
    // Indices are no results.
    let is_number = |value: &ValueId| function.type_of(*value).element != ElementType::I32;
    values.into_iter().rev().find(is_number).unwrap_or(ValueId(0))
}

fn operation(choice: usize, ty: &TensorType, index: i64, sizes: &Sizes) -> Op {
    let factor = 0.1f64.powi(index as i32) * if index % 2 == 0 { 1.0 } else { -3.0 };
    match choice {
        0 => Op::Linear,
        1 | 2 => Op::Matmul { transpose_rhs: choice == 1 },
        3 => Op::Add,
        4 => Op::Multiply,
        5 => Op::Scale { factor },
        6 => Op::LayerNorm { eps: factor.abs() },
        7 => Op::RmsNorm { eps: 1e-6 },
        8 => Op::Softmax,
        9 => Op::SplitHeads { heads: 2 },
        10 => Op::MergeHeads,
        11 | 12 => Op::Concat { axis: choice - 10 },
        13 => Op::Columns { start: index % 4, length: 3 },
        14 => Op::Tokens { start: 1, length: sizes.rows.clone() * sizes.cols.clone() },
        15 => Op::SelectToken { index: 0 },
        16 => Op::MeanTokens,
        17 => Op::Expand { images: sizes.images.clone() },
        18 => Op::Reshape { shape: vec![Dim::from(1), ty.elements()] },
        19 | 20 => Op::InterpolatePositions {
            native_rows: 2,
            native_cols: 4,
            rows: sizes.rows.clone(),
            cols: sizes.cols.clone(),
            filter: match choice {
                19 => InterpolationFilter::Bicubic,
                _ => InterpolationFilter::Bilinear,
            },
            antialias: choice == 19,
        },
        21 => Op::Cast { to: ElementType::F16 },
        22 => Op::Cast { to: ElementType::F32 },
        23 => Op::Reshape { shape: ty.shape.iter().rev().cloned().collect() },
        30 => Op::GatherRows,
        31 => Op::InversePermutation,
        32 => Op::MaskSegments,
        33 => Op::Rope { heads: 2 },
        36 => Op::LinearSlices { slices: 2 },
        37 => Op::SumSlices { to: ElementType::F32 },
        34 => Op::NormScale { centred: index % 2 == 0, eps: 1e-6 },
        35 => Op::Centre,
        24..30 => {
            let all = Activation::ALL;
            Op::Activate(all[(choice - 24 + 6 * index as usize) % all.len()])
        }
        _ => Op::Weight { name: format!("weights.{index}") },
    }
}
