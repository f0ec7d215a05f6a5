//! The shapes of operands: what a letter of a declaration stands for.

use super::Declaration;
use crate::ast::{Body, Operand, Type};

/// The operands that a declaration asks for.
pub(super) struct Shapes(Vec<Shape>);

struct Shape {
    letter: &'static str,
    is_optional: bool,
}

impl Shapes {
    pub(super) fn of(declaration: &Declaration) -> Self {
        let shapes = declaration.operands.split_whitespace().map(|word| {
            let letter = word.strip_suffix('?').unwrap_or(word);
            Shape { letter, is_optional: letter != word }
        });
        Self(shapes.collect())
    }

    /// Which operands are written, if all fit.
    pub(super) fn written(&self, operands: &[Operand], body: &Body) -> Option<Vec<usize>> {
        let mut written = vec![];
        let mut rest = operands.iter().enumerate();
        let mut next = rest.next();
        for shape in &self.0 {
            match next {
                Some((place, operand)) if fits(shape.letter, operand, body) => {
                    if is_written(shape.letter) {
                        written.push(place);
                    }
                    next = rest.next();
                }
                _ if shape.is_optional => {}
                _ => return None,
            }
        }
        next.is_none().then_some(written)
    }
}

/// Whether an operand of that letter is written.
fn is_written(letter: &str) -> bool {
    matches!(letter, "d" | "d*" | "d|p" | "p|p" | "p>")
}

fn fits(letter: &str, operand: &Operand, body: &Body) -> bool {
    let is_predicate = |operand: &Operand| match operand {
        Operand::Register(register) => body.type_of(*register) == Type::Pred,
        Operand::Sink => true,
        _ => false,
    };
    let is_scalar = |operand: &Operand| match operand {
        Operand::Register(register) => body.type_of(*register) != Type::Pred,
        Operand::Sink => true,
        _ => false,
    };
    let is_source = |operand: &Operand| {
        matches!(operand, Operand::Immediate(_) | Operand::Special(_) | Operand::Symbol(_))
            || (is_scalar(operand) && *operand != Operand::Sink)
    };
    let all = |operand: &Operand, fits: &dyn Fn(&Operand) -> bool| match operand {
        Operand::Vector(elements) => !elements.is_empty() && elements.iter().all(fits),
        _ => fits(operand),
    };
    match letter {
        "d" => is_scalar(operand),
        "d*" => all(operand, &is_scalar),
        "d|p" => match operand {
            Operand::Pair(first, second) => is_scalar(first) && is_predicate(second),
            _ => is_scalar(operand),
        },
        "p|p" => match operand {
            Operand::Pair(first, second) => is_predicate(first) && is_predicate(second),
            _ => is_predicate(operand),
        },
        "p>" => is_predicate(operand),
        "p" => {
            matches!(operand, Operand::Negated(register) if body.type_of(*register) == Type::Pred)
                || matches!(operand, Operand::Immediate(_))
                || (is_predicate(operand) && *operand != Operand::Sink)
        }
        "a" => is_source(operand),
        "a*" => all(operand, &is_source),
        "i" => matches!(operand, Operand::Immediate(_)),
        "m" => matches!(operand, Operand::Address(..)),
        "l" => matches!(operand, Operand::Label(_)),
        _ => false,
    }
}
