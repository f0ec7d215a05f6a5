//! Random modules, for the tests of what takes any module: operations are drawn from their declarations.

use super::{
    Activation, Attribute, AttributeKind, Declaration, FunctionBuilder, Holds, InterpolationFilter,
    Module, Op, Patchify, Role, Times, ValueId, VencError, infer,
};
use crate::symbolic::{Dim, SymbolRange, Symbols};
use crate::tensor::{ElementType, TensorType};
use proptest::prelude::*;

/// A module with a block and an entry: each step picks an operation, its operands and its attributes, and is skipped where
/// they do not fit.
pub(crate) fn modules() -> impl Strategy<Value = Module> {
    let steps = || {
        let choices = prop::collection::vec(0usize..64, CHOICES);
        prop::collection::vec((0..Op::DECLARATIONS.len(), choices), 0..40)
    };
    (steps(), steps(), 1i64..9, any::<bool>()).prop_map(|(block, main, divisor, bf16)| {
        let element = if bf16 { ElementType::BF16 } else { ElementType::F32 };
        module(&block, &main, divisor, element).unwrap()
    })
}

/// Numbers that a step is made of: more than an operation has operands and attributes.
const CHOICES: usize = 10;

/// Which operation, and what decides the rest.
type Step = (usize, Vec<usize>);

struct Sizes {
    symbols: Symbols,
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
    let sizes = Sizes {
        symbols: symbols.clone(),
        images: images.clone(),
        rows: rows.clone(),
        cols: cols.clone(),
    };
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
    let patches = function.push(Patchify { height: divisor, width: 7, rows, cols }, &[image])?;
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

/// Adds a node for each step whose operation takes such operands, and returns the last value.
fn append(function: &mut FunctionBuilder, steps: &[Step], sizes: &Sizes) -> ValueId {
    // Four arguments, of which the third is an index.
    let mut values = vec![ValueId(0), ValueId(1), ValueId(2), ValueId(3)];
    for (index, (operation, choices)) in steps.iter().enumerate() {
        let declared = Op::DECLARATIONS[*operation];
        let mut choices = choices.iter().copied();
        let operands = operands(declared, &values, &mut choices);
        let ty = function.type_of(operands.first().copied().unwrap_or(ValueId(0))).clone();
        let mut attribute = |kind| attribute(kind, &ty, sizes, choices.next().unwrap_or(index));
        let attributes: Vec<Attribute> =
            declared.attributes.iter().map(|declared| attribute(declared.kind)).collect();
        let made = match (declared.with_attributes)(&attributes) {
            Some(Op::Weight(weight)) => {
                Ok(function.weight(&weight.name, TensorType::new(ElementType::F32, [8i64])))
            }
            Some(op) => {
                let types: Vec<&TensorType> =
                    operands.iter().map(|operand| function.type_of(*operand)).collect();
                infer(&op, &types)
                    .and_then(|_| op.operation().verify(&op.applied_to(&types), &sizes.symbols))
                    .and_then(|()| function.push(op, &operands))
            }
            None => continue,
        };
        if let Ok(value) = made {
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

/// Some of the values, as many as the operation takes. What is optional is there or not, what is repeated up to twice.
fn operands(
    declared: &Declaration,
    values: &[ValueId],
    choices: &mut impl Iterator<Item = usize>,
) -> Vec<ValueId> {
    let mut choose = || choices.next().unwrap_or(0);
    let (all_optional, repeated) = (choose().is_multiple_of(2), choose() % 3);
    let mut operands = vec![];
    for operand in declared.operands {
        let times = match operand.times {
            Times::Once => 1,
            Times::Optional => usize::from(all_optional),
            Times::Repeated => repeated,
        };
        let value = match operand.holds {
            Holds::Numbers => values[choose() % values.len()],
            Holds::Indices => ValueId(2),
        };
        operands.extend(std::iter::repeat_n(value, times));
    }
    operands
}

/// A value of that kind, more often than not one that goes with operands of that type.
fn attribute(kind: AttributeKind, ty: &TensorType, sizes: &Sizes, choice: usize) -> Attribute {
    let patches = sizes.rows.clone() * sizes.cols.clone();
    match kind {
        AttributeKind::Integer => Attribute::Dim(Dim::from([0, 1, 2, 3, 4, -1][choice % 6])),
        AttributeKind::Dim => {
            let dims = [patches, sizes.images.clone(), sizes.rows.clone(), Dim::from(3)];
            Attribute::Dim(dims[choice % dims.len()].clone())
        }
        AttributeKind::Number => {
            let sign = if choice.is_multiple_of(4) { -3.0 } else { 1.0 };
            Attribute::number(sign * 0.1f64.powi(choice as i32))
        }
        AttributeKind::Shape => Attribute::Shape(match choice % 3 {
            0 => ty.shape.iter().rev().cloned().collect(),
            1 => vec![Dim::from(1), ty.elements()],
            _ => vec![],
        }),
        AttributeKind::Element => {
            let storages =
                [ElementType::F32, ElementType::BF16, ElementType::F16, ElementType::I32];
            Attribute::Element(storages[choice % storages.len()])
        }
        AttributeKind::Activation => {
            Attribute::Activation(Activation::ALL[choice % Activation::ALL.len()])
        }
        AttributeKind::Filter => Attribute::Filter(InterpolationFilter::ALL[choice % 2]),
        AttributeKind::Flag => Attribute::Flag(choice.is_multiple_of(2)),
        AttributeKind::Name => Attribute::Name(format!("weights.{choice}")),
    }
}
