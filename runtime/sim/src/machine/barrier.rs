//! Barriers of a block.

use super::warp::{Next, Part, Wait, Warp};
use super::{Machine, Who};
use crate::clocks::Arrivals;
use crate::code::{Barrier, BarrierReduction, Kind, Vote};
use crate::finding::Problem;
use crate::registers::{Bank, LANES, Mask, lanes};

/// The barriers that a block has.
const COUNT: usize = 16;

/// The state of a block's barriers.
#[derive(Default)]
pub(crate) struct Barriers {
    all: [State; COUNT],
    /// Whether one of them was completed since the waiting were last released.
    is_completed: bool,
}

#[derive(Default)]
struct State {
    /// How often it was completed.
    generation: u64,
    /// The threads that it waits for, as the first to arrive said, and where it said so.
    expected: Option<(u32, usize)>,
    arrived: u32,
    warps: Mask,
    arrivals: Arrivals,
    /// Of a reduction: threads whose predicate is true, and all; when it was last completed.
    truths: [u32; 2],
    answer: [u32; 2],
}

impl Machine<'_> {
    /// A part of a warp arrives at a barrier.
    pub(crate) fn arrive(&mut self, warp: &mut Warp, barrier: &Barrier, part: &mut Part) -> Next {
        let mask = part.mask;
        let who = Who { warp: warp.index, lane: mask.trailing_zeros() as usize, place: part.at };
        if barrier.is_aligned && mask != warp.threads {
            self.find_divergent(warp, part, who);
            self.is_aborted = true;
            return Next::Behind;
        }
        let id = warp.registers.word(barrier.id)[who.lane] as usize;
        let all = self.grid.threads.iter().product::<u32>().next_multiple_of(LANES as u32);
        let expected = barrier.threads.map_or(all, |slot| warp.registers.word(slot)[who.lane]);
        if let Err(message) = self.check_barrier(id, expected, all) {
            self.find(Problem::DivergentBarrier, who, message, None);
            self.is_aborted = true;
            return Next::Behind;
        }
        let state = &mut self.barriers.all[id];
        state.expected = Some((expected, part.at));
        // Threads that a warp lacks count as if they had come with its first.
        let is_first = state.warps >> warp.index & 1 == 0;
        let missing = if is_first { (!warp.threads).count_ones() } else { 0 };
        state.arrived += mask.count_ones() + missing;
        state.warps |= 1 << warp.index;
        if let Some(reduction) = &barrier.reduction {
            let truth = truth_of(warp, reduction) & mask;
            state.truths[0] += truth.count_ones();
            state.truths[1] += mask.count_ones();
        }
        self.clocks.arrive(warp.index, barrier.waits, &mut state.arrivals);
        let generation = state.generation;
        if state.arrived > expected {
            let message =
                format!("{} threads arrived where {expected} are waited for", state.arrived);
            self.find(Problem::DivergentBarrier, who, message, None);
            self.is_aborted = true;
            return Next::Behind;
        }
        if state.arrived == expected {
            state.generation += 1;
            state.answer = std::mem::take(&mut state.truths);
            (state.expected, state.arrived, state.warps) = (None, 0, 0);
            self.clocks.complete(std::mem::take(&mut state.arrivals));
            self.barriers.is_completed = true;
            self.counters.barriers += 1;
        }
        if !barrier.waits {
            return Next::Behind;
        }
        part.wait = Wait::Barrier(id, generation);
        Next::Waits
    }

    fn check_barrier(&self, id: usize, expected: u32, all: u32) -> Result<(), String> {
        let Some(state) = self.barriers.all.get(id) else {
            return Err(format!("there is no barrier {id}: a block has {COUNT}"));
        };
        if expected == 0 || !expected.is_multiple_of(LANES as u32) {
            return Err(format!("a barrier waits for whole warps, not for {expected} threads"));
        }
        if expected > all {
            return Err(format!("a barrier waits for {expected} threads, and the block has {all}"));
        }
        match state.expected {
            Some((others, at)) if others != expected => Err(format!(
                "barrier {id} waits for {expected} threads here and for {others} at {}",
                self.grid.code.places[at]
            )),
            _ => Ok(()),
        }
    }

    fn find_divergent(&self, warp: &Warp, part: &Part, who: Who) {
        let missing = warp.threads & !part.mask;
        let returned = missing & warp.exited;
        let detail = match returned == missing {
            true => format!("lanes {missing:#x} of the warp have returned"),
            false => format!("lanes {missing:#x} of the warp do not come with the others"),
        };
        self.find(Problem::DivergentBarrier, who, detail, None);
    }

    /// Lets those go on whose barrier was completed; says whether there were any.
    pub(crate) fn release(&mut self, warps: &mut [Warp]) -> bool {
        if !std::mem::take(&mut self.barriers.is_completed) {
            return false;
        }
        let code = self.grid.code;
        for warp in warps {
            for index in 0..warp.parts.len() {
                let part = warp.parts[index];
                let Wait::Barrier(id, generation) = part.wait else { continue };
                let state = &self.barriers.all[id];
                if generation >= state.generation {
                    continue;
                }
                if let Kind::Barrier(Barrier { reduction: Some(reduction), .. }) =
                    &code.instructions[part.at].kind
                {
                    answer(warp, reduction, state.answer, part.mask);
                }
                warp.parts[index] = Part { at: part.at + 1, wait: Wait::Nothing, ..part };
            }
        }
        true
    }
}

fn truth_of(warp: &Warp, reduction: &BarrierReduction) -> Mask {
    let (slot, is_negated) = reduction.predicate;
    warp.registers.predicate(slot) ^ if is_negated { Mask::MAX } else { 0 }
}

/// Gives the lanes of a part what a reduction came to.
fn answer(warp: &mut Warp, reduction: &BarrierReduction, [truths, all]: [u32; 2], mask: Mask) {
    let is_true = match reduction.vote {
        Vote::All => truths == all,
        Vote::Any | Vote::Uniform | Vote::Ballot => truths > 0,
    };
    match reduction.into {
        (Bank::Predicate, slot) => {
            warp.registers.set_predicate(slot, if is_true { Mask::MAX } else { 0 }, mask);
        }
        (_, slot) => lanes(mask).for_each(|lane| warp.registers.word_mut(slot)[lane] = truths),
    }
}
