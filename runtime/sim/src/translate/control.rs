//! Branches, barriers, and what lanes do together.

use super::Translator;
use crate::code::{Barrier, BarrierReduction, Kind, Reduction, Shuffle, Together, Vote};
use crate::registers::Bank;
use ocellus_ptx::ast::{Immediate, Operand, Type};
use ocellus_ptx::isa::Form;

impl Translator<'_> {
    pub(super) fn control(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        match name {
            "bra" => Ok(Kind::Branch(0)),
            "ret" | "exit" => Ok(Kind::Exit),
            "trap" | "brkpt" => Ok(Kind::Trap),
            "griddepcontrol" if form.has("wait") => Ok(Kind::AwaitLaunch),
            "griddepcontrol" => Ok(Kind::ReleaseLaunch),
            "nanosleep" => Ok(Kind::Nothing),
            "membar" | "fence" => Ok(if form.has("cta") { Kind::Nothing } else { Kind::Fence }),
            "cp.async.commit_group" => Ok(Kind::CommitGroup),
            "cp.async.wait_group" => match operands[0] {
                Operand::Immediate(Immediate::Integer(count)) if (0..1 << 20).contains(&count) => {
                    Ok(Kind::WaitGroup(Some(count as u32)))
                }
                _ => Err("so many groups are not waited for".to_string()),
            },
            "cp.async.wait_all" => Ok(Kind::WaitGroup(None)),
            _ if name.ends_with("red") => self.barrier_reduction(form, operands),
            _ => {
                let id = self.source(&operands[0], Type::U32)?;
                let threads = match operands.get(1) {
                    Some(operand) => Some(self.source(operand, Type::U32)?),
                    None => None,
                };
                Ok(Kind::Barrier(Barrier {
                    id,
                    threads,
                    is_aligned: name.starts_with("bar.") || form.has("aligned"),
                    waits: !name.ends_with("arrive"),
                    reduction: None,
                }))
            }
        }
    }

    fn barrier_reduction(&mut self, form: &Form, operands: &[Operand]) -> Result<Kind, String> {
        let vote = match form.suffixes.first().copied() {
            Some("and") => Vote::All,
            Some("or") => Vote::Any,
            _ => Vote::Ballot,
        };
        let into = match vote {
            Vote::Ballot => (Bank::Word, self.written(&operands[0], Type::U32)?),
            Vote::All | Vote::Any | Vote::Uniform => {
                let slot =
                    self.predicate_target(&operands[0])?.ok_or("the answer is not wanted")?;
                (Bank::Predicate, slot)
            }
        };
        let id = self.source(&operands[1], Type::U32)?;
        let threads =
            if operands.len() == 4 { Some(self.source(&operands[2], Type::U32)?) } else { None };
        let predicate = self.predicate_source(&operands[operands.len() - 1])?;
        let reduction = Some(BarrierReduction { predicate, into, vote });
        let is_aligned = form.declaration.name.starts_with("bar.") || form.has("aligned");
        Ok(Kind::Barrier(Barrier { id, threads, is_aligned, waits: true, reduction }))
    }

    pub(super) fn together(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        let pair = |operand: &Operand| match operand {
            Operand::Pair(first, second) => (first.as_ref().clone(), Some(second.as_ref().clone())),
            single => (single.clone(), None),
        };
        let Some(last) = operands.last() else { return Err("operands are missing".to_string()) };
        if name == "activemask" {
            return self.written(&operands[0], Type::B32).map(Kind::ActiveMask);
        }
        let members = self.source(last, Type::B32)?;
        let kind = match name {
            "bar.warp.sync" => Together::Barrier,
            "shfl.sync" => {
                let (into, found) = pair(&operands[0]);
                Together::Shuffle {
                    mode: match form.suffixes.first().copied() {
                        Some("up") => Shuffle::Up,
                        Some("down") => Shuffle::Down,
                        Some("bfly") => Shuffle::Butterfly,
                        _ => Shuffle::Index,
                    },
                    into: Some(self.written(&into, Type::B32)?),
                    found: found.map(|found| self.predicate_target(&found)).transpose()?.flatten(),
                    value: self.source(&operands[1], Type::B32)?,
                    by: self.source(&operands[2], Type::B32)?,
                    clamp: self.source(&operands[3], Type::B32)?,
                }
            }
            "vote.sync" => {
                let vote = match form.suffixes.first().copied() {
                    Some("all") => Vote::All,
                    Some("any") => Vote::Any,
                    Some("uni") => Vote::Uniform,
                    _ => Vote::Ballot,
                };
                let into = match vote {
                    Vote::Ballot => self.written(&operands[0], Type::B32)?,
                    Vote::All | Vote::Any | Vote::Uniform => {
                        self.predicate_target(&operands[0])?.ok_or("the answer is not wanted")?
                    }
                };
                Together::Vote { vote, predicate: self.predicate_source(&operands[1])?, into }
            }
            "redux.sync" => Together::Reduce {
                reduction: reduction(form),
                into: self.written(&operands[0], Type::B32)?,
                value: self.source(&operands[1], Type::B32)?,
            },
            "match.any.sync" | "match.all.sync" => {
                let ty = form.types().last().unwrap_or(Type::B32);
                let (into, found) = pair(&operands[0]);
                Together::Match {
                    all: name == "match.all.sync",
                    into: Some(self.written(&into, Type::B32)?),
                    found: found.map(|found| self.predicate_target(&found)).transpose()?.flatten(),
                    value: (super::operands::bank_of(ty)?, self.source(&operands[1], ty)?),
                }
            }
            _ => {
                let (into, found) = pair(&operands[0]);
                let into = match into {
                    Operand::Sink => None,
                    into => Some(self.written(&into, Type::B32)?),
                };
                let found = found.ok_or("a predicate is missing")?;
                let is_leader = self.predicate_target(&found)?.ok_or("a predicate is missing")?;
                Together::Elect { into, is_leader }
            }
        };
        Ok(Kind::Together(kind, members))
    }

    pub(super) fn matrix_transpose(&mut self, operands: &[Operand]) -> Result<Kind, String> {
        Ok(Kind::TransposeMatrix(
            self.written(&operands[0], Type::B32)?,
            self.source(&operands[1], Type::B32)?,
        ))
    }
}

fn reduction(form: &Form) -> Reduction {
    let is_signed = form.has("s32");
    match form.suffixes.first().copied() {
        Some("add") => Box::new(u32::wrapping_add),
        Some("min") if is_signed => Box::new(|a, b| (a as i32).min(b as i32) as u32),
        Some("max") if is_signed => Box::new(|a, b| (a as i32).max(b as i32) as u32),
        Some("min") => Box::new(u32::min),
        Some("max") => Box::new(u32::max),
        Some("and") => Box::new(|a, b| a & b),
        Some("or") => Box::new(|a, b| a | b),
        _ => Box::new(|a, b| a ^ b),
    }
}
