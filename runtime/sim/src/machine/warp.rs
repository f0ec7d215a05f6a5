//! A warp: parts of it that went different ways, and what steps them.

use super::local::Local;
use super::{Machine, Who};
use crate::code::{Instruction, Kind, Suspects};
use crate::finding::Problem;
use crate::registers::{Bank, Mask, Registers, lanes};

/// What a part of a warp waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wait {
    Nothing,
    /// These lanes of the warp.
    Lanes(Mask),
    /// A barrier, and the how-many-th time that it is used.
    Barrier(usize, u64),
}

/// Lanes of a warp that are at the same instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub at: usize,
    pub mask: Mask,
    pub wait: Wait,
}

pub(crate) struct Warp {
    pub index: usize,
    pub registers: Registers,
    pub parts: Vec<Part>,
    /// The lanes that have a thread.
    pub threads: Mask,
    pub exited: Mask,
    /// Of each suspect, the lanes that wrote it.
    pub written: Vec<Mask>,
    pub local: Local,
    pub executed: u64,
}

/// How it goes on after an instruction.
pub(crate) enum Next {
    /// With the instruction behind it.
    Behind,
    /// Not now: the part waits.
    Waits,
}

impl Warp {
    pub(crate) fn is_done(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes the part that stands first among those that can run, joined with all others at its place.
    fn take_first(&mut self) -> Option<Part> {
        let runs = |part: &Part| part.wait == Wait::Nothing;
        let first = self.parts.iter().filter(|part| runs(part)).map(|part| part.at).min()?;
        let mut mask = 0;
        self.parts.retain(|part| {
            let is_taken = runs(part) && part.at == first;
            mask |= if is_taken { part.mask } else { 0 };
            !is_taken
        });
        Some(Part { at: first, mask, wait: Wait::Nothing })
    }

    fn someone_stands_before(&self, at: usize) -> bool {
        self.parts.iter().any(|part| part.wait == Wait::Nothing && part.at <= at)
    }
}

impl Machine<'_> {
    /// Runs a warp until all of it waits or has returned; says whether it went on at all.
    pub(crate) fn run_warp(&mut self, warp: &mut Warp) -> bool {
        let mut went_on = false;
        loop {
            while let Some(part) = warp.take_first() {
                went_on = true;
                self.run_part(warp, part);
                if self.is_aborted || self.grid.findings.stops() {
                    self.is_aborted = true;
                    return true;
                }
            }
            if !self.join_lanes(warp) {
                return went_on;
            }
            went_on = true;
        }
    }

    fn run_part(&mut self, warp: &mut Warp, mut part: Part) {
        let code = self.grid.code;
        loop {
            let instruction = &code.instructions[part.at];
            if instruction.is_leader
                && !warp.parts.is_empty()
                && warp.someone_stands_before(part.at)
            {
                warp.parts.push(part);
                return;
            }
            warp.executed += 1;
            if warp.executed > self.grid.settings.instructions_a_warp {
                let who = Who {
                    warp: warp.index,
                    lane: part.mask.trailing_zeros() as usize,
                    place: part.at,
                };
                let detail = format!(
                    "the warp executed {} instructions",
                    self.grid.settings.instructions_a_warp
                );
                self.find(Problem::Budget, who, detail, None);
                self.is_aborted = true;
                return;
            }
            let mask = match instruction.guard {
                None => part.mask,
                Some((slot, is_negated)) => {
                    let truth = warp.registers.predicate(slot);
                    part.mask & if is_negated { !truth } else { truth }
                }
            };
            if let Some(suspects) = &instruction.suspects {
                self.look_at_suspects(warp, suspects, part, mask);
            }
            let counts = &mut self.counters.instructions[part.at];
            counts.warps += 1;
            counts.threads += u64::from(mask.count_ones());
            match &instruction.kind {
                Kind::Compute(compute) => compute(&mut warp.registers, mask),
                Kind::Branch(target) => {
                    if mask == part.mask {
                        part.at = *target;
                        continue;
                    }
                    if mask != 0 {
                        warp.parts.push(Part { at: *target, mask, wait: Wait::Nothing });
                        part.mask &= !mask;
                    }
                }
                Kind::Exit => {
                    warp.exited |= mask;
                    part.mask &= !mask;
                    if part.mask == 0 {
                        return;
                    }
                }
                _ if mask == 0 => {}
                Kind::Together(..) | Kind::Barrier(_) => {
                    // Those that do not take part go on by themselves.
                    let rest = part.mask & !mask;
                    if rest != 0 {
                        warp.parts.push(Part { at: part.at + 1, mask: rest, wait: Wait::Nothing });
                        part.mask = mask;
                    }
                    match self.meet(warp, instruction, &mut part) {
                        Next::Behind => {}
                        Next::Waits => {
                            warp.parts.push(part);
                            return;
                        }
                    }
                }
                Kind::Trap => {
                    let who = Who {
                        warp: warp.index,
                        lane: mask.trailing_zeros() as usize,
                        place: part.at,
                    };
                    self.find(Problem::Trap, who, "the kernel gave up".to_string(), None);
                    self.is_aborted = true;
                    return;
                }
                _ => self.act(warp, instruction, mask, part.at),
            }
            if self.is_aborted {
                return;
            }
            part.at += 1;
        }
    }

    fn meet(&mut self, warp: &mut Warp, instruction: &Instruction, part: &mut Part) -> Next {
        match &instruction.kind {
            Kind::Together(together, members) => self.together(warp, together, *members, part),
            Kind::Barrier(barrier) => self.arrive(warp, barrier, part),
            _ => Next::Behind,
        }
    }

    /// An instruction that uses memory, or something else outside of the registers, and after which the next follows.
    fn act(&mut self, warp: &mut Warp, instruction: &Instruction, mask: Mask, place: usize) {
        match &instruction.kind {
            Kind::Load(access) => self.load(warp, access, mask, place),
            Kind::Store(access) => self.store(warp, access, mask, place),
            Kind::Atomic(atomic) => self.atomic(warp, atomic, mask, place),
            Kind::CopyAsync(copy) => self.copy_async(warp, copy, mask, place),
            Kind::CommitGroup => self.copies[warp.index].commit(mask),
            Kind::WaitGroup(groups) => self.wait_group(warp, *groups, mask),
            Kind::Matrices(matrices) => self.matrices(warp, matrices, mask, place),
            Kind::Multiply(multiply) => self.multiply(warp, multiply, mask, place),
            Kind::TransposeMatrix(into, from) => {
                self.transpose_matrix(warp, *into, *from, mask, place)
            }
            Kind::ActiveMask(into) => {
                *warp.registers.word_mut(*into) = [mask; 32];
            }
            Kind::Fence => self.clocks.fence(warp.index),
            Kind::AwaitLaunch => self.awaited[warp.index] |= mask,
            Kind::ReleaseLaunch => self.release_launch(),
            Kind::Clock(bank, slot) => {
                let now = warp.executed;
                match bank {
                    Bank::Long => {
                        lanes(mask).for_each(|lane| warp.registers.long_mut(*slot)[lane] = now)
                    }
                    _ => lanes(mask)
                        .for_each(|lane| warp.registers.word_mut(*slot)[lane] = now as u32),
                }
            }
            Kind::Compute(_)
            | Kind::Branch(_)
            | Kind::Exit
            | Kind::Trap
            | Kind::Together(..)
            | Kind::Barrier(_)
            | Kind::Nothing => {}
        }
    }

    /// Finds registers that are read and were never written, and notes what is written now.
    fn look_at_suspects(&mut self, warp: &mut Warp, suspects: &Suspects, part: Part, mask: Mask) {
        let unwritten = |number: &u32| part.mask & !warp.written[*number as usize];
        if suspects.is_move {
            let good = suspects
                .read
                .iter()
                .fold(Mask::MAX, |good, number| good & warp.written[*number as usize]);
            for number in &suspects.written {
                let written = &mut warp.written[*number as usize];
                *written = (*written & !mask) | (good & mask);
            }
            return;
        }
        for number in &suspects.read {
            let lanes = unwritten(number) & mask;
            if lanes != 0 {
                let who =
                    Who { warp: warp.index, lane: lanes.trailing_zeros() as usize, place: part.at };
                let detail = format!("the register {}", self.grid.code.suspects[*number as usize]);
                self.find(Problem::Uninitialized, who, detail, None);
            }
        }
        for number in &suspects.written {
            warp.written[*number as usize] |= mask;
        }
    }
}
