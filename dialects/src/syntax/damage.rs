//! Damaged texts, for the tests of what reads them.

use proptest::prelude::*;
use proptest::sample::Index;

/// Where a text is damaged, how, with what, and how far.
type Damage = (Index, usize, char, usize);

/// What damages a text.
pub(crate) fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec((any::<Index>(), 0usize..4, any::<char>(), 0usize..40), 1..4)
}

/// The text, damaged in all these ways.
pub(crate) fn damaged(text: &str, damages: &[Damage]) -> String {
    damages.iter().fold(text.to_string(), |text, damage| damaged_once(&text, damage))
}

fn damaged_once(text: &str, (at, kind, with, length): &Damage) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (before, after) =
        characters.split_at(at.index(characters.len().max(1)).min(characters.len()));
    let (piece, rest) = after.split_at((*length).min(after.len()));
    let middle: Vec<char> = match kind {
        0 => vec![],
        1 => vec![*with],
        2 => [piece, piece].concat(),
        _ => piece.iter().rev().copied().collect(),
    };
    [before, &middle, rest].concat().into_iter().collect()
}
