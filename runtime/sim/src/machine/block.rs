//! A block: its warps take turns, each until it waits.

use super::barrier::Barriers;
use super::copies::Copies;
use super::local::Local;
use super::shared::Shared;
use super::warp::{Part, Wait, Warp};
use super::{Grid, Machine, Who};
use crate::clocks::Clocks;
use crate::code::{Constant, Kind};
use crate::counters::Counters;
use crate::finding::Problem;
use crate::registers::{Bank, LANES, Lanes, Mask, Registers};
use ocellus_ptx::ast::Special;

/// Runs a block from its begin to its end.
pub(crate) fn run_block(grid: &Grid, number: u32, counters: &mut Counters) {
    let block = grid.block_at(number);
    let threads: usize = grid.threads.iter().map(|extent| *extent as usize).product();
    let count = threads.div_ceil(LANES);
    let mut machine = Machine {
        grid,
        block,
        number,
        shared: Shared::new(grid.shared_bytes),
        clocks: Clocks::new(count),
        barriers: Barriers::default(),
        copies: (0..count).map(|_| Copies::default()).collect(),
        counters,
        awaited: vec![0; count],
        has_released_early: false,
        last_allocation: 0,
        is_aborted: false,
    };
    let mut warps: Vec<Warp> = (0..count).map(|index| machine.new_warp(index, threads)).collect();
    let mut round = 0;
    while !machine.is_aborted && warps.iter().any(|warp| !warp.is_done()) {
        let mut went_on = false;
        for index in grid.settings.order.round(count, round) {
            went_on |= machine.run_warp(&mut warps[index]);
            if machine.is_aborted {
                return;
            }
            went_on |= machine.release(&mut warps);
        }
        round += 1;
        if !went_on {
            machine.find_deadlock(&warps);
            return;
        }
    }
    machine.note_order();
}

impl Machine<'_> {
    fn new_warp(&self, index: usize, threads: usize) -> Warp {
        let code = self.grid.code;
        let own = (threads - index * LANES).min(LANES);
        let mask = Mask::MAX >> (LANES - own);
        let mut registers = Registers::new(code.words, code.longs, code.predicates);
        for (bank, slot, constant) in &code.constants {
            let values = self.constant(*constant, index);
            match bank {
                Bank::Word => *registers.word_mut(*slot) = values.map(|value| value as u32),
                Bank::Long => *registers.long_mut(*slot) = values,
                Bank::Predicate => registers.set_predicate(*slot, Mask::MAX, Mask::MAX),
            }
        }
        Warp {
            index,
            registers,
            parts: vec![Part { at: 0, mask, wait: Wait::Nothing }],
            threads: mask,
            exited: 0,
            written: vec![0; code.suspects.len()],
            local: Local::new(code.local_bytes),
            executed: 0,
        }
    }

    fn constant(&self, constant: Constant, warp: usize) -> Lanes<u64> {
        match constant {
            Constant::Bits(bits) => [bits; LANES],
            Constant::True => [1; LANES],
            Constant::Global(index, offset) => {
                [self.grid.globals.address(index).wrapping_add_signed(offset); LANES]
            }
            Constant::Special(special) => {
                std::array::from_fn(|lane| u64::from(self.special(special, warp, lane)))
            }
        }
    }

    fn special(&self, special: Special, warp: usize, lane: usize) -> u32 {
        let [x, y, _] = self.grid.threads;
        let thread = (warp * LANES + lane) as u32;
        let all = self.grid.threads.iter().product::<u32>();
        let bit = 1u32 << lane;
        match special {
            Special::TidX => thread % x,
            Special::TidY => thread / x % y,
            Special::TidZ => thread / (x * y),
            Special::NtidX => x,
            Special::NtidY => y,
            Special::NtidZ => self.grid.threads[2],
            Special::CtaidX => self.block[0],
            Special::CtaidY => self.block[1],
            Special::CtaidZ => self.block[2],
            Special::NctaidX => self.grid.blocks[0],
            Special::NctaidY => self.grid.blocks[1],
            Special::NctaidZ => self.grid.blocks[2],
            Special::Laneid => lane as u32,
            Special::Warpid => warp as u32,
            Special::Nwarpid => all.div_ceil(LANES as u32),
            // Each block has a multiprocessor to itself.
            Special::Smid => self.number,
            Special::Nsmid => self.grid.blocks.iter().product(),
            Special::LanemaskEq => bit,
            Special::LanemaskLt => bit - 1,
            Special::LanemaskLe => bit | (bit - 1),
            Special::LanemaskGt => !(bit | (bit - 1)),
            Special::LanemaskGe => !(bit - 1),
            Special::DynamicSmemSize => self.grid.dynamic_shared,
            Special::TotalSmemSize => self.grid.shared_bytes,
            Special::Gridid | Special::Clock | Special::Clock64 | Special::Globaltimer => 0,
        }
    }

    /// Nobody can go on: says who waits for what.
    fn find_deadlock(&self, warps: &[Warp]) {
        let Some((warp, part)) = warps.iter().find_map(|warp| Some((warp, warp.parts.first()?)))
        else {
            return;
        };
        let who =
            Who { warp: warp.index, lane: part.mask.trailing_zeros() as usize, place: part.at };
        let waiting: Vec<String> = warps
            .iter()
            .flat_map(|warp| warp.parts.iter().map(move |part| (warp, part)))
            .take(8)
            .map(|(warp, part)| {
                let lanes = part.mask & warp.threads;
                format!(
                    "lanes {lanes:#x} of warp {} wait at {}",
                    warp.index, self.grid.code.places[part.at]
                )
            })
            .collect();
        let returned: u32 = warps.iter().map(|warp| warp.exited.count_ones()).sum();
        let is_barrier = matches!(self.grid.code.instructions[part.at].kind, Kind::Barrier(_));
        let (problem, detail) = match (is_barrier, returned) {
            (true, 1..) => {
                let detail = format!("it waits for threads of which {returned} have returned");
                (Problem::DivergentBarrier, detail)
            }
            _ => (Problem::Deadlock, "no thread of the block can go on".to_string()),
        };
        self.find(problem, who, detail, Some(waiting.join("\n  ")));
    }
}
