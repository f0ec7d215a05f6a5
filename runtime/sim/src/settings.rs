//! How a launch is run.

/// How a launch is run, and what is looked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The threads of the CPU that run blocks; 0 for as many as there are.
    pub workers: usize,
    /// So many findings are collected before the launch stops. No less than one.
    pub most_findings: usize,
    /// Instructions that a warp may execute in one block; where it has done so, the launch stops with
    /// [`Problem::Budget`](crate::Problem::Budget).
    pub instructions_a_warp: u64,
    /// In which order the warps of a block run.
    pub order: WarpOrder,
    /// Whether races are looked for.
    pub finds_races: bool,
    /// Whether reads of memory that was never written are found.
    pub finds_uninitialized: bool,
    /// Whether the report has the [`Footprint`](crate::Footprint); only where races are looked for.
    pub keeps_footprint: bool,
    /// Whether sectors and bank conflicts are counted.
    pub counts_memory: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 0,
            most_findings: 1,
            instructions_a_warp: 1 << 32,
            order: WarpOrder::Forward,
            finds_races: true,
            finds_uninitialized: true,
            keeps_footprint: false,
            counts_memory: true,
        }
    }
}

/// In which order the warps of a block run, each until it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WarpOrder {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Backward,
    /// In another order each time, by this seed.
    Shuffled(u64),
}

impl WarpOrder {
    /// The order of so many warps in a round.
    pub(crate) fn round(self, warps: usize, round: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..warps).collect();
        match self {
            WarpOrder::Forward => {}
            WarpOrder::Backward => order.reverse(),
            WarpOrder::Shuffled(seed) => {
                let mut state = seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                for last in (1..warps).rev() {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    order.swap(last, (state >> 33) as usize % (last + 1));
                }
            }
        }
        order
    }
}
