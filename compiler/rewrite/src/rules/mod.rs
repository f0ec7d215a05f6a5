//! The rewrite rules, as data.
//!
//! A rule is two patterns, conditions, one sentence why it is true, and an example typing of its variables, from which
//! the soundness test draws random instances: nobody has to remember to test a new rule.

mod assumption;
mod condition;
mod exploration;
mod fusion;
mod implementation;
mod norm_statistics;
mod recognition;
mod rotary;
mod rows_in_order;
mod selected_token;
#[cfg(test)]
mod soundness;
mod split_k;
mod work_into_weights;

pub use assumption::{Assumption, UnknownAssumption};
pub use condition::Condition;

/// What a rule is for, and so when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Mathematics into equal mathematics.
    Exploration,
    /// Mathematics into an operation that one kernel does.
    Recognition,
    /// An operation into the plain kernel for it: with these rules alone, every module compiles.
    Implementation,
    /// Two launches into one, or a copy into an address.
    Fusion,
}

impl Group {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Group::Exploration => "exploration",
            Group::Recognition => "recognition",
            Group::Implementation => "implementation",
            Group::Fusion => "fusion",
        }
    }
}

/// One rule: wherever `left` is found and the conditions hold, `right` is equal.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name that `--disable` takes.
    pub name: &'static str,
    /// What it looks for.
    pub left: &'static str,
    /// What that is equal to.
    pub right: &'static str,
    /// Names for parts of `right` that occur more than once in it.
    pub definitions: &'static [(&'static str, &'static str)],
    /// When it may be used. All of them.
    pub conditions: &'static [Condition],
    /// Why the two sides are equal.
    pub because: &'static str,
    /// A typing of the variables of `left`, separated by commas. Upper-case names are sizes, drawn at random:
    /// `x: I T K` a tensor of that shape, `w: weight N K` one of the checkpoint; `operand`, `prologue`, `product` and
    /// `epilogue` before a shape a term of that sort; `operands A B + A C` a list; `number`, `activation`, `dim H*D`,
    /// `shape A B*C`, or an attribute itself. Indices are `rows R below T`, `permutation T` and `segments I T` (of each
    /// image or of all); `mask I T` is one of attention, by segments or none.
    pub example: &'static str,
}

impl Rule {
    /// `right` with the names in `given` replaced by what they stand for.
    pub fn expanded_right(&self) -> String {
        self.given.iter().fold(self.right.to_string(), |text, (name, part)| {
            // A name ends at a blank or a parenthesis: `?m` is no part of `?merged`.
            [" ", ")"].iter().fold(text, |text, end| {
                text.replace(&format!("{name}{end}"), &format!("{part}{end}"))
            })
        })
    }
}

/// Every rule with its group.
pub fn all() -> impl Iterator<Item = (Group, &'static Rule)> {
    [
        (Group::Exploration, exploration::RULES),
        (Group::Exploration, norm_statistics::RULES),
        (Group::Exploration, rotary::RULES),
        (Group::Exploration, rows_in_order::RULES),
        (Group::Exploration, selected_token::RULES),
        (Group::Exploration, split_k::RULES),
        (Group::Exploration, work_into_weights::RULES),
        (Group::Recognition, recognition::RULES),
        (Group::Implementation, implementation::RULES),
        (Group::Fusion, fusion::RULES),
    ]
    .into_iter()
    .flat_map(|(group, rules)| rules.iter().map(move |rule| (group, rule)))
}
