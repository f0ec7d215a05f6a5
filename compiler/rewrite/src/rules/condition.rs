//! [`Condition`]: what a rule may demand of the e-classes that its variables stand for.

use super::assumption::Assumption;
use crate::analysis::{Facts, Types};
use crate::language::Term;
use crate::meaning::{EpilogueStep, Meaning, meets};
use egg::{EGraph, Id, Subst, Var};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{Broadcast, Combine};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::Attribute;
use std::fmt;

/// The most that an epilogue holds: it bounds the number of ways to cut a long chain of element-wise operations.
const MAX_EPILOGUE_STEPS: usize = 8;

/// The least width of a slice of a product: below it, a tile is over before its sums are worth storing.
const MIN_SLICE: i64 = 128;

/// Columns of which panels of any storage hold whole numbers of chunks.
const CHUNK: i64 = 16;

/// A named predicate over the variables of a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// The tensor depends on weights alone: what is made of it is made at compile time.
    WeightOnly(&'static str),
    /// The tensor changes from call to call, or with the symbols.
    NotWeightOnly(&'static str),
    /// The tensor is stored in f32. What is computed from narrower weights at compile time is rounded once more, and the
    /// answer is then further from the model's than the model's own roundings put it.
    Unrounded(&'static str),
    /// The user said so of the data.
    Assumed(Assumption),
    /// The tensor has that many dimensions.
    Rank(&'static str, usize),
    /// The first operand of a list has that many dimensions.
    ListRank(&'static str, usize),
    /// The attribute is the last dimension of the first operand of the list.
    LastAxis(&'static str, &'static str),
    /// There is one token an image.
    OneToken(&'static str),
    /// The tensor already has that shape.
    HasShape(&'static str, &'static str),
    /// The tensor is already stored so.
    HasElement(&'static str, &'static str),
    /// The rows of the tensor are so many slices of at least 128 columns, and of whole chunks of any storage.
    HasSlices(&'static str, i64),
    /// The number is half the rows of the tensor.
    HalfTheRows(&'static str, &'static str),
    /// The two tensors have the same shape.
    SameShape(&'static str, &'static str),
    /// The index is as long as the tensor has rows.
    ReadsAllRows(&'static str, &'static str),
    /// An epilogue over the elements of the first can read the second that way.
    Meets(Broadcast, &'static str, &'static str),
    /// The epilogue combines its element with no other full tensor in this manner. Each sum along a residual stream is
    /// read again, so one that is only passed through an epilogue on the way to the next is no gain; without this, a
    /// stream of n blocks could be cut in n^2 ways.
    CombinesNoFull(Combine, &'static str),
    /// No product of weights goes into the tensor: of all bracketings of a product, one is enough.
    NoProduct(&'static str),
    /// The tensor is no sum of weights: of all bracketings of a sum, one is enough.
    NoSum(&'static str),
    /// The tensor is no sum with a bias: of a row of sums, all biases are added at once or none.
    HasNoBias(&'static str),
    /// The tensor is nothing else scaled: of a row of scales, all factors are multiplied at once or none.
    HasNoScale(&'static str),
    /// The tensor is neither a product with a weight nor a sum with a bias: for these there are other rules, and to go
    /// on from here would find the same in another order.
    TakesNoWeight(&'static str),
    /// The epilogue can grow: it has room, and neither rounding to another storage nor a place among other rows ends it.
    CanGrow(&'static str),
}

impl Condition {
    /// Whether it holds under a substitution. A variable that the rule does not bind counts as no.
    pub fn holds(&self, egraph: &EGraph<Term, Types>, subst: &Subst) -> bool {
        let facts = |name: &str| -> Option<&Facts> {
            let var: Var = name.parse().ok()?;
            Some(&egraph[*subst.get(var)?].data)
        };
        if let Condition::Assumed(assumption) = self {
            return egraph.analysis.assumptions.contains(assumption);
        }
        if let Condition::NoSum(x)
        | Condition::HasNoBias(x)
        | Condition::HasNoScale(x)
        | Condition::TakesNoWeight(x) = self
        {
            let class = x.parse::<Var>().ok().and_then(|var| subst.get(var));
            return class.is_some_and(|class| !self.is_made_otherwise(egraph, *class));
        }
        self.decide(&facts).unwrap_or(false)
    }

    /// Whether it keeps a search small and nothing else: what a rule would do where it does not hold is found in another
    /// order.
    pub fn is_of_order(&self) -> bool {
        matches!(
            self,
            Condition::NoProduct(_)
                | Condition::NoSum(_)
                | Condition::HasNoBias(_)
                | Condition::HasNoScale(_)
                | Condition::TakesNoWeight(_)
        )
    }

    /// Whether a term of the class is one that the condition speaks of.
    fn is_made_otherwise(&self, egraph: &EGraph<Term, Types>, class: Id) -> bool {
        let is_weight = |id: &Id| egraph[*id].data.weight_only;
        let is_bias =
            |id: &Id| is_weight(id) && egraph[*id].data.ty().is_some_and(|ty| ty.rank() == 1);
        egraph[class].nodes.iter().any(|term| {
            let Term::Operation(operation, operands) = term else { return false };
            match (self, operation.name(), &operands[..]) {
                (Condition::NoSum(_), "add", [a, b]) => is_weight(a) && is_weight(b),
                // By a factor of one, everything is itself scaled.
                (Condition::HasNoScale(_), "scale", [x, _]) => {
                    egraph.find(*x) != egraph.find(class)
                }
                (Condition::TakesNoWeight(_), "linear", [_, w]) => is_weight(w),
                (Condition::HasNoBias(_) | Condition::TakesNoWeight(_), "add", [_, c]) => {
                    is_bias(c)
                }
                _ => false,
            }
        })
    }

    /// The variables that it speaks of.
    pub fn variables(&self) -> Vec<&'static str> {
        match self {
            Condition::Assumed(_) => vec![],
            Condition::WeightOnly(x)
            | Condition::NotWeightOnly(x)
            | Condition::Unrounded(x)
            | Condition::Rank(x, _)
            | Condition::HasSlices(x, _)
            | Condition::ListRank(x, _)
            | Condition::OneToken(x)
            | Condition::NoProduct(x)
            | Condition::NoSum(x)
            | Condition::HasNoBias(x)
            | Condition::HasNoScale(x)
            | Condition::TakesNoWeight(x)
            | Condition::CombinesNoFull(_, x)
            | Condition::CanGrow(x) => vec![x],
            Condition::LastAxis(a, b)
            | Condition::HasShape(a, b)
            | Condition::HasElement(a, b)
            | Condition::HalfTheRows(a, b)
            | Condition::SameShape(a, b)
            | Condition::ReadsAllRows(a, b)
            | Condition::Meets(_, a, b) => vec![a, b],
        }
    }

    fn decide<'a>(&self, facts: &dyn Fn(&str) -> Option<&'a Facts>) -> Option<bool> {
        let ty = |name: &str| facts(name)?.ty();
        let first_of = |list: &str| match &facts(list)?.meaning {
            Ok(Meaning::List(types)) => types.first(),
            _ => None,
        };
        let attribute = |name: &str| match &facts(name)?.meaning {
            Ok(Meaning::Attribute(attribute)) => Some(attribute),
            _ => None,
        };
        Some(match self {
            // Nothing that is known of a class says it.
            Condition::Assumed(_)
            | Condition::NoSum(_)
            | Condition::HasNoBias(_)
            | Condition::HasNoScale(_)
            | Condition::TakesNoWeight(_) => return None,
            Condition::NoProduct(x) => !facts(x)?.has_product,
            Condition::WeightOnly(x) => facts(x)?.weight_only,
            Condition::NotWeightOnly(x) => !facts(x)?.weight_only,
            Condition::Unrounded(x) => ty(x)?.element == ElementType::F32,
            Condition::Rank(x, rank) => ty(x)?.rank() == *rank,
            Condition::ListRank(list, rank) => first_of(list)?.rank() == *rank,
            Condition::LastAxis(axis, list) => {
                attribute(axis)?.as_integer()? == first_of(list)?.rank() as i64 - 1
            }
            Condition::OneToken(x) => {
                let shape = &ty(x)?.shape;
                shape.len() == 3 && shape[1] == Dim::from(1)
            }
            Condition::HasShape(x, shape) => {
                matches!(attribute(shape)?, Attribute::Shape(shape) if *shape == ty(x)?.shape)
            }
            Condition::HasElement(x, to) => {
                matches!(attribute(to)?, Attribute::Element(to) if *to == ty(x)?.element)
            }
            Condition::HasSlices(x, slices) => {
                let width = ty(x)?.width().as_constant()?;
                width % (slices * CHUNK) == 0 && width / slices >= MIN_SLICE
            }
            Condition::HalfTheRows(n, x) => {
                let half = attribute(n)?.as_integer()?;
                half.checked_mul(2)? == ty(x)?.shape.first()?.as_constant()?
            }
            Condition::SameShape(a, b) => ty(a)?.shape == ty(b)?.shape,
            Condition::ReadsAllRows(x, index) => {
                ty(x)?.shape.iter().rev().nth(1)? == ty(index)?.shape.first()?
            }
            Condition::Meets(broadcast, of, operand) => meets(ty(of)?, *broadcast, ty(operand)?),
            Condition::CombinesNoFull(how, epilogue) => match &facts(epilogue)?.meaning {
                Ok(Meaning::Epilogue(steps)) => !steps.iter().any(|step| {
                    matches!(step, EpilogueStep::Combine(other, Broadcast::Full, _) if other == how)
                }),
                _ => false,
            },
            Condition::CanGrow(epilogue) => match &facts(epilogue)?.meaning {
                Ok(Meaning::Epilogue(steps)) => {
                    steps.len() < MAX_EPILOGUE_STEPS
                        && !matches!(
                            steps.last(),
                            Some(EpilogueStep::Cast(_) | EpilogueStep::AfterTokens(_))
                        )
                }
                _ => false,
            },
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::WeightOnly(x) => write!(f, "{x} depends on weights alone"),
            Condition::NotWeightOnly(x) => write!(f, "{x} does not depend on weights alone"),
            Condition::Unrounded(x) => write!(f, "{x} is stored in f32"),
            Condition::Assumed(assumption) => write!(f, "`--assume {assumption}` was said"),
            Condition::Rank(x, rank) => write!(f, "{x} has {rank} dimensions"),
            Condition::ListRank(list, rank) => {
                write!(f, "the tensors of {list} have {rank} dimensions")
            }
            Condition::LastAxis(axis, list) => write!(f, "{axis} is the last dimension of {list}"),
            Condition::OneToken(x) => write!(f, "{x} has one token an image"),
            Condition::HasShape(x, shape) => write!(f, "{x} already has the shape {shape}"),
            Condition::HasElement(x, to) => write!(f, "{x} is already stored as {to}"),
            Condition::HasSlices(x, slices) => {
                write!(
                    f,
                    "{x} is {slices} slices of at least {MIN_SLICE} columns, whole chunks of {CHUNK}"
                )
            }
            Condition::HalfTheRows(n, x) => write!(f, "{n} is half the rows of {x}"),
            Condition::SameShape(a, b) => write!(f, "{a} and {b} have the same shape"),
            Condition::ReadsAllRows(x, index) => {
                write!(f, "{index} has an entry for each row of {x}")
            }
            Condition::Meets(broadcast, of, operand) => {
                write!(f, "an epilogue over {of} can read {operand} as `{}`", broadcast.name())
            }
            Condition::CombinesNoFull(how, epilogue) => {
                write!(f, "the epilogue {epilogue} does not yet {} a full tensor", how.name())
            }
            Condition::NoProduct(x) => write!(f, "no product of weights goes into {x}"),
            Condition::NoSum(x) => write!(f, "{x} is no sum of weights"),
            Condition::HasNoBias(x) => write!(f, "{x} is no sum with a bias"),
            Condition::HasNoScale(x) => write!(f, "{x} is nothing else scaled"),
            Condition::TakesNoWeight(x) => {
                write!(f, "{x} is neither a product with a weight nor a sum with a bias")
            }
            Condition::CanGrow(epilogue) => write!(f, "the epilogue {epilogue} can grow"),
        }
    }
}
