//! What lanes of a warp do together: they wait for each other, and then it is done for all at once.

use super::warp::{Next, Part, Wait, Warp};
use super::{Machine, Who};
use crate::code::{Kind, Shuffle, Together, Vote};
use crate::finding::Problem;
use crate::registers::{Bank, LANES, Mask, Slot, lanes};

impl Machine<'_> {
    /// A part of a warp comes to an instruction that the lanes of a slot's mask do together.
    pub(crate) fn together(
        &mut self,
        warp: &mut Warp,
        what: &Together,
        members: Slot,
        part: &mut Part,
    ) -> Next {
        let who =
            Who { warp: warp.index, lane: part.mask.trailing_zeros() as usize, place: part.at };
        let named = warp.registers.word(members)[who.lane];
        if part.mask & !named != 0 {
            let lane = (part.mask & !named).trailing_zeros() as usize;
            let detail = format!("its lane is not among those that are named, {named:#x}");
            self.find(Problem::DivergentWarp, Who { lane, ..who }, detail, None);
        }
        let wanted = named & warp.threads & !warp.exited;
        if wanted & !part.mask != 0 {
            part.wait = Wait::Lanes(wanted);
            return Next::Waits;
        }
        self.do_together(warp, what, part.mask, who);
        Next::Behind
    }

    /// Nothing of a warp can run: lets those go on who have all come to what they do together.
    pub(crate) fn join_lanes(&mut self, warp: &mut Warp) -> bool {
        let code = self.grid.code;
        for index in 0..warp.parts.len() {
            let first = warp.parts[index];
            let Wait::Lanes(wanted) = first.wait else { continue };
            let Kind::Together(what, _) = &code.instructions[first.at].kind else { continue };
            let wanted = wanted & !warp.exited;
            let is_barrier = |part: &Part| {
                matches!(code.instructions[part.at].kind, Kind::Together(Together::Barrier, _))
            };
            // Barriers of a warp may stand at different places; all else must be the same instruction.
            let comes = |part: &Part| {
                matches!(part.wait, Wait::Lanes(_))
                    && (part.at == first.at || is_barrier(part) && is_barrier(&first))
            };
            let come =
                warp.parts.iter().filter(|part| comes(part)).fold(0, |all, part| all | part.mask);
            if wanted & !come != 0 {
                continue;
            }
            let who = Who {
                warp: warp.index,
                lane: first.mask.trailing_zeros() as usize,
                place: first.at,
            };
            self.do_together(warp, what, come, who);
            for part in warp.parts.iter_mut().filter(|part| comes(part)) {
                *part = Part { at: part.at + 1, mask: part.mask, wait: Wait::Nothing };
            }
            return true;
        }
        false
    }

    fn do_together(&mut self, warp: &mut Warp, what: &Together, mask: Mask, who: Who) {
        match what {
            Together::Barrier => {
                let is_whole = mask == warp.threads & !warp.exited;
                self.clocks.sync_warp(warp.index, if is_whole { Mask::MAX } else { mask });
            }
            Together::Shuffle { mode, into, found, value, by, clamp } => {
                self.shuffle(warp, *mode, [*value, *by, *clamp], (*into, *found), mask, who);
            }
            Together::Vote { vote, predicate: (slot, is_negated), into } => {
                let truth = (warp.registers.predicate(*slot)
                    ^ if *is_negated { Mask::MAX } else { 0 })
                    & mask;
                let answer = match vote {
                    Vote::All => truth == mask,
                    Vote::Any => truth != 0,
                    Vote::Uniform => truth == 0 || truth == mask,
                    Vote::Ballot => {
                        lanes(mask).for_each(|lane| warp.registers.word_mut(*into)[lane] = truth);
                        return;
                    }
                };
                warp.registers.set_predicate(*into, if answer { Mask::MAX } else { 0 }, mask);
            }
            Together::Reduce { reduction, into, value } => {
                let values = *warp.registers.word(*value);
                let all = lanes(mask).map(|lane| values[lane]).reduce(reduction).unwrap_or(0);
                lanes(mask).for_each(|lane| warp.registers.word_mut(*into)[lane] = all);
            }
            Together::Match { all, into, found, value: (bank, slot) } => {
                let values: [u64; LANES] = match bank {
                    Bank::Long => warp.registers.longs[slot.0 as usize],
                    _ => warp.registers.word(*slot).map(u64::from),
                };
                let same = |lane: usize| {
                    lanes(mask)
                        .filter(|other| values[*other] == values[lane])
                        .fold(0, |m, other| m | 1 << other)
                };
                let is_all = lanes(mask).all(|lane| same(lane) == mask);
                for lane in lanes(mask) {
                    let answer = if *all { if is_all { mask } else { 0 } } else { same(lane) };
                    if let Some(into) = into {
                        warp.registers.word_mut(*into)[lane] = answer;
                    }
                }
                if let Some(found) = found {
                    warp.registers.set_predicate(*found, if is_all { Mask::MAX } else { 0 }, mask);
                }
            }
            Together::Elect { into, is_leader } => {
                let leader = mask.trailing_zeros();
                if let Some(into) = into {
                    lanes(mask).for_each(|lane| warp.registers.word_mut(*into)[lane] = leader);
                }
                warp.registers.set_predicate(*is_leader, 1 << leader, mask);
            }
        }
    }

    fn shuffle(
        &self,
        warp: &mut Warp,
        mode: Shuffle,
        [value, by, clamp]: [Slot; 3],
        (into, found): (Option<Slot>, Option<Slot>),
        mask: Mask,
        who: Who,
    ) {
        let values = *warp.registers.word(value);
        let (by, clamp) = (*warp.registers.word(by), *warp.registers.word(clamp));
        let mut truths = 0;
        for lane in lanes(mask) {
            let (by, clamp, segment) = (by[lane] & 31, clamp[lane] & 31, clamp[lane] >> 8 & 31);
            let own = lane as u32;
            let most = (own & segment) | (clamp & !segment);
            let least = own & segment;
            let (source, is_found) = match mode {
                Shuffle::Up => (own.wrapping_sub(by), own >= by && own - by >= most),
                Shuffle::Down => (own + by, own + by <= most),
                Shuffle::Butterfly => (own ^ by, own ^ by <= most),
                Shuffle::Index => {
                    let source = least | (by & !segment);
                    (source, source <= most)
                }
            };
            let source = if is_found { source } else { own } as usize;
            truths |= u32::from(is_found) << lane;
            if mask >> source & 1 == 0 {
                let detail =
                    format!("it takes the value of lane {source}, which is not among {mask:#x}");
                self.find(Problem::InactiveLane, Who { lane, ..who }, detail, None);
            }
            if let Some(into) = into {
                warp.registers.word_mut(into)[lane] = values[source];
            }
        }
        if let Some(found) = found {
            warp.registers.set_predicate(found, truths, mask);
        }
    }
}
