//! Random plans, for the tests of what takes any plan.

use super::{
    Expression, KernelEntry, LabeledResult, Launch, LaunchArgument, Piece, PieceRange, Place, Plan,
    Port, PortValues, Program, Schedule, SymbolEntry, SymbolSource, WeightEntry,
};
use crate::ElementType;
use crate::kernel::Family;
use proptest::collection::vec;
use proptest::prelude::*;

/// Inputs, outputs, weights and kernels of each plan, and buffers of each program.
const EACH: usize = 3;

/// An expression over so many symbols, as the compiler makes them: sums and products of several, and no product in another.
pub(crate) fn expressions(symbols: usize) -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Expression::Constant),
        (0..symbols.max(1)).prop_map(move |position| match symbols {
            0 => Expression::Constant(0),
            _ => Expression::Symbol(position),
        }),
    ];
    let factors = |expressions: Vec<Expression>| {
        let is_product = |e: &Expression| matches!(e, Expression::Product(_));
        match expressions.iter().any(is_product) {
            true => Expression::Sum(expressions),
            false => Expression::Product(expressions),
        }
    };
    leaf.prop_recursive(4, 16, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::Sum),
            vec(inner.clone(), 2..4).prop_map(factors),
            (inner.clone(), 1i64..100).prop_map(|(n, d)| Expression::FloorDiv(Box::new(n), d)),
            (inner, 1i64..100).prop_map(|(n, d)| Expression::CeilDiv(Box::new(n), d)),
        ]
    })
}

fn symbols() -> impl Strategy<Value = Vec<SymbolEntry>> {
    (expressions(2), expressions(3), 1i64..9).prop_map(|(rows, both, step)| {
        let entry = |name: &str, source| SymbolEntry { name: name.into(), source };
        vec![
            entry("images", SymbolSource::Free { min: 1, max: 32, step: 1 }),
            entry("height", SymbolSource::Free { min: 16, max: 64, step }),
            entry("rows", SymbolSource::Defined(rows)),
            entry("images*rows + 1", SymbolSource::Defined(both)),
        ]
    })
}

fn port() -> impl Strategy<Value = Port> {
    let indices = (vec(expressions(3), 0..3), any::<bool>())
        .prop_map(|(below, permutation)| PortValues::Indices { below, permutation });
    (vec(expressions(3), 0..4), prop_oneof![Just(PortValues::Numbers), indices])
        .prop_map(|(shape, values)| Port { name: String::new(), shape, values })
}

fn place() -> impl Strategy<Value = Place> {
    (0usize..4, 0..EACH).prop_map(|(kind, position)| match kind {
        0 => Place::Input(position),
        1 => Place::Output(position),
        2 => Place::Weight(position),
        _ => Place::Buffer(position),
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    (0..EACH, expressions(3), expressions(3)).prop_map(|(kernel, tiles, scratch_bytes)| Schedule {
        kernel,
        tiles,
        scratch_bytes,
    })
}

fn launch() -> impl Strategy<Value = Launch> {
    let address = (place(), prop_oneof![Just(Expression::Constant(0)), expressions(3)]);
    let argument = prop_oneof![
        address.prop_map(|(place, offset)| LaunchArgument::Address { place, offset }),
        expressions(3).prop_map(LaunchArgument::Integer),
    ];
    let result =
        (any::<String>(), place(), vec(expressions(3), 0..3)).prop_map(|(label, place, shape)| {
            LabeledResult { label, place, element: ElementType::BF16, shape }
        });
    let schedules = (schedule(), vec(schedule(), 0..3));
    (schedules, vec(argument, 0..6), proptest::option::of(result)).prop_map(
        |((schedule, alternatives), arguments, result)| Launch {
            schedule,
            alternatives,
            arguments,
            result,
        },
    )
}

/// A plan that is valid.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let program = (vec(expressions(3), EACH), vec(launch(), 0..6))
        .prop_map(|(buffers, launches)| Program { buffers, launches });
    let range = (0usize..4, any::<i64>(), any::<i64>()).prop_map(|(symbol, min, max)| PieceRange {
        symbol,
        min,
        max,
    });
    let ports = || vec(port(), EACH);
    (symbols(), ports(), ports(), vec(program, 1..4), vec(vec(range, 0..3), 1..4), any::<u32>())
        .prop_map(|(symbols, mut inputs, mut outputs, programs, ranges, bytes)| {
            for (position, port) in inputs.iter_mut().chain(&mut outputs).enumerate() {
                port.name = format!("port \"{position}\"");
            }
            inputs[0].shape = vec![Expression::Symbol(0), Expression::Symbol(1)];
            let names = |what: &str| (0..EACH).map(|n| format!("{what} {n}")).collect::<Vec<_>>();
            let weight = |name| WeightEntry { name, bytes: u64::from(bytes) };
            let kernel = |symbol| KernelEntry { symbol, family: Family::Gemm };
            let piece = |(position, ranges)| Piece { ranges, program: position % programs.len() };
            Plan {
                symbols,
                inputs,
                outputs,
                weights: names("weight").into_iter().map(weight).collect(),
                kernels: names("kernel").into_iter().map(kernel).collect(),
                pieces: ranges.into_iter().enumerate().map(piece).collect(),
                programs,
            }
        })
}
