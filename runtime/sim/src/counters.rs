//! What is counted while a kernel runs.

use crate::footprint::Footprint;
use std::collections::BTreeMap;

/// The kinds of `mma.sync`, by size and the type of what is multiplied.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MatrixShape {
    /// m16n8k8, bf16 to f32
    Bf16K8,
    /// m16n8k16, bf16 to f32
    Bf16K16,
    /// m16n8k8, f16 to f32
    F16K8,
    /// m16n8k16, f16 to f32
    F16K16,
    /// m16n8k8, f16 to f16
    F16ToF16K8,
    /// m16n8k16, f16 to f16
    F16ToF16K16,
    /// m16n8k4, tf32 to f32
    Tf32K4,
    /// m16n8k8, tf32 to f32
    Tf32K8,
    /// m8n8k4, f64
    F64K4,
    /// m16n8k16, bytes to s32
    Int8K16,
    /// m16n8k32, bytes to s32
    Int8K32,
}

/// What one instruction of a kernel did, or all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Executions by warps.
    pub warps: u64,
    /// Executions by threads.
    pub threads: u64,
    /// Bytes of global memory that were read; asynchronous copies read as well.
    pub global_loaded: u64,
    /// Bytes of global memory that were written.
    pub global_stored: u64,
    /// 32-byte sectors of global memory that the requests touched.
    pub sectors: u64,
    /// The fewest sectors that could hold as many bytes, request by request.
    pub ideal_sectors: u64,
    /// Passes through shared memory.
    pub wavefronts: u64,
    /// Passes beyond the fewest that could carry as many bytes: bank conflicts.
    pub conflicts: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.warps += other.warps;
        self.threads += other.threads;
        self.global_loaded += other.global_loaded;
        self.global_stored += other.global_stored;
        self.sectors += other.sectors;
        self.ideal_sectors += other.ideal_sectors;
        self.wavefronts += other.wavefronts;
        self.conflicts += other.conflicts;
    }
}

/// An instruction of a kernel and what it did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LineCounts {
    /// The line of the module's text.
    pub line: u32,
    /// The instruction with its suffixes.
    pub opcode: String,
    /// What it did.
    pub counts: Counts,
}

/// What a launch did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// All instructions together.
    pub total: Counts,
    /// Barriers of blocks that were completed.
    pub barriers: u64,
    /// Executions of `mma.sync` by warps.
    pub multiplications: BTreeMap<MatrixShape, u64>,
    /// Each instruction that was executed.
    pub lines: Vec<LineCounts>,
    /// What was read and written, where [`Settings::keeps_footprint`](crate::Settings::keeps_footprint) asks for it.
    pub footprint: Footprint,
}

/// What a worker counts, by the numbers of the instructions.
pub(crate) struct Counters {
    pub instructions: Vec<Counts>,
    pub barriers: u64,
    pub multiplications: BTreeMap<MatrixShape, u64>,
}

impl Counters {
    pub(crate) fn new(instructions: usize) -> Self {
        Self {
            instructions: vec![Counts::default(); instructions],
            barriers: 0,
            multiplications: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, other: &Counters) {
        for (mine, theirs) in self.instructions.iter_mut().zip(&other.instructions) {
            mine.add(theirs);
        }
        self.barriers += other.barriers;
        for (shape, count) in &other.multiplications {
            *self.multiplications.entry(*shape).or_default() += count;
        }
    }

    pub(crate) fn report(self, code: &crate::code::Code, footprint: Footprint) -> Report {
        let mut total = Counts::default();
        let mut lines = vec![];
        for (index, counts) in self.instructions.iter().enumerate() {
            total.add(counts);
            if counts.warps > 0 {
                let (line, opcode) = (code.places[index].line, code.opcodes[index].clone());
                lines.push(LineCounts { line, opcode, counts: *counts });
            }
        }
        lines.sort_by_key(|line| line.line);
        Report {
            total,
            barriers: self.barriers,
            multiplications: self.multiplications,
            lines,
            footprint,
        }
    }
}

/// The sectors that a request touches: its lanes' addresses, each of so many bytes.
pub(crate) fn sectors(addresses: impl Iterator<Item = u64>, bytes: u64) -> (u64, u64) {
    const SECTOR: u64 = 32;
    let mut touched: smallvec::SmallVec<[u64; 32]> = addresses.collect();
    if touched.is_empty() || bytes == 0 {
        return (0, 0);
    }
    if !touched.is_sorted() {
        touched.sort_unstable();
    }
    touched.dedup();
    let ideal = (touched.len() as u64 * bytes).div_ceil(SECTOR);
    let (mut count, mut last) = (0, None);
    for address in touched {
        // An access is aligned and no larger than half a sector.
        let sector = address / SECTOR;
        if last != Some(sector) {
            count += 1;
            last = Some(sector);
        }
    }
    (count, ideal)
}

/// The passes that lanes' accesses to shared memory take, and the fewest that could do.
///
/// Shared memory has 32 banks of four bytes. Lanes go through in one pass while no two ask for different words of a bank;
/// of accesses of 8 bytes half a warp goes at a time, of those of 16 bytes a quarter.
pub(crate) fn wavefronts(addresses: &[(usize, u32)], bytes: u32) -> (u64, u64) {
    let words = (bytes / 4).max(1);
    let lanes_a_pass = (BANKS / words as usize).max(1);
    let (mut passes, mut fewest) = (0, 0);
    let mut rest = addresses;
    while let Some((first, _)) = rest.first() {
        let end = (first / lanes_a_pass + 1) * lanes_a_pass;
        let count = rest.iter().take_while(|(lane, _)| *lane < end).count();
        let (group, others) = rest.split_at(count);
        rest = others;
        let (most, distinct) = asked_of_banks(group, words);
        passes += most;
        fewest += distinct.div_ceil(BANKS as u64).max(1);
    }
    (passes, fewest)
}

/// The banks of shared memory.
const BANKS: usize = 32;

/// The most words that are asked of one bank, and the words that are asked of all; each word counts once.
fn asked_of_banks(group: &[(usize, u32)], words: u32) -> (u64, u64) {
    let mut held = [u32::MAX; BANKS];
    let mut distinct = 0;
    for (_, address) in group {
        for word in address / 4..address / 4 + words {
            let bank = &mut held[word as usize % BANKS];
            if *bank == u32::MAX {
                (*bank, distinct) = (word, distinct + 1);
            } else if *bank != word {
                return conflicting(group, words);
            }
        }
    }
    (1, distinct)
}

/// The same where a bank is asked for several words.
fn conflicting(group: &[(usize, u32)], words: u32) -> (u64, u64) {
    let mut all: smallvec::SmallVec<[u32; BANKS]> = smallvec::SmallVec::new();
    for (_, address) in group {
        all.extend(address / 4..address / 4 + words);
    }
    all.sort_unstable();
    all.dedup();
    let mut counts = [0; BANKS];
    all.iter().for_each(|word| counts[*word as usize % BANKS] += 1);
    (counts.into_iter().max().unwrap_or(1), all.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_those_that_are_touched() {
        let of = |stride: u64, bytes| sectors((0..32).map(|lane| 0x1000 + lane * stride), bytes);
        assert_eq!(of(4, 4), (4, 4));
        assert_eq!(of(16, 16), (16, 16));
        assert_eq!(of(32, 4), (32, 4));
        assert_eq!(of(0, 4), (1, 1));
        assert_eq!(sectors((0..32).map(|lane| 0x1010 + lane * 4), 4), (5, 4));
        assert_eq!(sectors((0..32).map(|lane| 0x1000 + (lane ^ 5) * 4), 4), (4, 4));
        assert_eq!(sectors(std::iter::empty(), 4), (0, 0));
    }

    #[test]
    fn banks_are_asked_in_passes() {
        let of = |stride: u32, bytes| {
            wavefronts(&(0..32).map(|lane| (lane, lane as u32 * stride)).collect::<Vec<_>>(), bytes)
        };
        assert_eq!(of(4, 4), (1, 1));
        assert_eq!(of(8, 4), (2, 1), "two lanes a bank");
        assert_eq!(of(128, 4), (32, 1), "all lanes in one bank");
        assert_eq!(of(132, 4), (1, 1), "a row longer by a word");
        assert_eq!(of(0, 4), (1, 1), "the same word is given to all");
        assert_eq!(of(2, 2), (1, 1), "two lanes share a word");
        assert_eq!(of(8, 8), (2, 2));
        assert_eq!(of(16, 16), (4, 4));
        assert_eq!(of(128, 16), (32, 4), "rows of 128 bytes");
        assert_eq!(of(144, 16), (4, 4), "rows an odd number of chunks apart");
        assert_eq!(of(64, 16), (16, 4));
    }
}
