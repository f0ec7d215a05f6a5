//! What the words of a block are at each stage, and that they keep the order of their declaration.

use super::*;
use crate::Argument;
use crate::mlir::{Linkage, Module, Type};
use ocellus_dialects::ElementType::{BF16, F32};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Access, Amount, Pointer, Walk, Word};

argument_block! {
    struct Table<S> {
        start: Address<S>,
        row_stride: Distance<S>,
    }
}

argument_block! {
    enum Step<S> {
        Scale { factor: i64, },
        Add { table: Table<S>, rows: Positive<S>, },
        Nothing,
    }
}

argument_block! {
    struct Example<S> {
        rows: Count<S>,
        steps: Vec<Step<S>>,
        mask: Option<Address<S>>,
        result: Table<S>,
    }
}

fn table(tensor: Tensor, row_stride: i64) -> Table<Given> {
    Table { start: Address(tensor), row_stride: Distance(Dim::from(row_stride)) }
}

/// Rows, a step with a table, and the result.
fn example() -> Example<Given> {
    let add = Step::Add { table: table(Tensor::Operand(1), 10), rows: Positive(Dim::from(11)) };
    Example {
        rows: Count(Dim::from(12)),
        steps: vec![Step::Scale { factor: 5 }, add, Step::Nothing],
        mask: None,
        result: table(Tensor::Result, 13),
    }
}

#[test]
fn a_launch_gives_the_words_in_their_order() {
    let number = |value: i64| Argument::Integer(Dim::from(value));
    let words = flatten(example()).words;
    let operand = Argument::Operand(1);
    assert_eq!(words, [number(12), operand, number(10), number(11), Argument::Result, number(13)]);
}

#[test]
fn constants_tell_shapes_apart_and_words_do_not() {
    let shape_of = |rows: i64, factor: i64| {
        let steps = vec![Step::Scale { factor }];
        flatten(Example { rows: Count(Dim::from(rows)), steps, ..example() }).shape
    };
    assert_eq!(shape_of(1, 5), shape_of(2, 5));
    assert_ne!(shape_of(1, 5), shape_of(1, 6));
}

#[test]
fn a_signature_has_the_words_in_their_order() {
    let (mut words, arguments) = Words::of(flatten(example()).shape);
    let rows = arguments.rows.amount();
    for step in &arguments.steps {
        if let Step::Add { table, rows } = step {
            let walk = Walk::run(4).times(rows.amount(), table.row_stride.amount());
            words.read(&table.start, BF16, [walk]);
        }
    }
    words.write(&arguments.result.start, F32, [Walk::run(rows.clone())]);
    let signature = words.tiled(rows, 0);
    let pointer = |access, element_bytes, walk| {
        Word::Pointer(Pointer { access, element_bytes, walks: vec![walk] })
    };
    let [all, stride, period] = [0, 2, 3].map(Amount::Word);
    let wanted = [
        Word::Count { min: 0 },
        pointer(Access::Read, 2, Walk::run(4).times(period, stride)),
        Word::Distance,
        Word::Count { min: 1 },
        pointer(Access::Write, 4, Walk::run(all)),
        Word::Distance,
    ];
    assert_eq!(signature.words, wanted);
}

#[test]
fn code_loads_a_word_from_its_place_when_it_asks_for_it() {
    let arguments = place(flatten(example()).shape);
    let mut module = Module::default();
    module.define("kernel", Linkage::Exported, &[Type::Pointer], |b, parameters| {
        let &[block] = parameters else { return };
        arguments.result.row_stride.load_bytes(b, block, F32);
        arguments.result.start.load(b, block);
        arguments.rows.load(b, block);
    });
    insta::assert_snapshot!(module.finish());
}

#[test]
fn a_part_without_alternatives_has_one_shape() {
    let given = Table { start: Address(Tensor::Result), row_stride: Distance(Dim::from(3)) };
    assert_eq!(Table::fixed(), flatten(given).shape);
}
