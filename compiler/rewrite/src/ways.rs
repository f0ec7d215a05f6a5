//! [`Ways`]: what can make each value of a function, as data: the choice that extraction has.

use super::analysis::Types;
use super::candidates::Reader;
use super::extract::{Candidate, Problem, Solution};
use super::language::{Given, Term};
use super::schedules::Schedule;
use egg::{EGraph, Id};
use indexmap::IndexMap;
use ocellus_dialects::kernel::{KernelOp, View};
use ocellus_kernels::{CpuTarget, Layout, Refusal};

/// What makes a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Maker {
    /// It is given.
    Given(Given),
    /// Compile time: it depends on weights alone.
    Offline,
    /// One launch.
    Launch(KernelOp),
    /// Nothing: the operand under other dimensions.
    Reshape,
    /// A function of the module.
    Call(String),
}

/// A value as a kernel reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The value.
    pub class: Id,
    /// How it is read.
    pub view: Option<View>,
    /// How it lies in memory, as read.
    pub layout: Layout,
}

/// A launch that its kernel family does not do.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedLaunch {
    /// What was asked for.
    pub op: KernelOp,
    /// Why not.
    pub refusal: Refusal,
}

/// The ways to make one value.
pub struct ClassWays {
    /// What can make it.
    pub ways: Vec<Way>,
    /// What terms of it describe, and no kernel does.
    pub refused: Vec<RefusedLaunch>,
}

/// One way to make a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// What makes it.
    pub maker: Maker,
    /// Of what.
    pub operands: Vec<Operand>,
    /// How the work can be divided, where a kernel does it; the usual way first.
    pub schedules: Vec<Schedule>,
}

/// The ways to make every value that the roots may need.
pub struct Ways {
    /// By class.
    pub classes: IndexMap<Id, Vec<Way>>,
    /// The launches that kernel families refused, by the class that they would make.
    pub refused: Vec<(Id, RefusedLaunch)>,
    /// The classes wanted.
    pub roots: Vec<Id>,
    /// Whether there are more, that were left out.
    pub is_cut_short: bool,
    /// The extraction problem, but for its costs.
    problem: Problem,
}

/// Ways to make one value at most. A block of an encoder has some dozen.
const MOST_WAYS: usize = 512;

/// Ways to make all values of a function, beyond which each has [`FEW_WAYS`].
const MOST_WAYS_TOGETHER: usize = 30_000;

/// Ways to make a value of a function that has too many.
const FEW_WAYS: usize = 16;

impl Ways {
    /// Leaves each way the first of its schedules.
    pub fn keep_usual_schedules(&mut self) {
        self.classes.values_mut().flatten().for_each(|way| way.schedules.truncate(1));
    }

    /// The ways in a saturated e-graph, on a CPU.
    pub fn collect(egraph: &EGraph<Term, Types>, roots: &[Id], cpu: &CpuTarget) -> Ways {
        let roots: Vec<Id> = roots.iter().map(|root| egraph.find(*root)).collect();
        let reader = Reader::new(egraph, cpu);
        let mut classes: IndexMap<Id, Vec<Way>> = IndexMap::new();
        let mut refused = vec![];
        let mut open = roots.clone();
        let mut together = 0;
        while let Some(class) = open.pop() {
            if classes.contains_key(&class) {
                continue;
            }
            let most = if together < MOST_WAYS_TOGETHER { MOST_WAYS } else { FEW_WAYS };
            let ClassWays { ways, refused: refused_here } = reader.ways(class, most);
            refused.extend(refused_here.into_iter().map(|launch| (class, launch)));
            together += ways.len();
            let needed = ways.iter().flat_map(|way| &way.operands).map(|operand| operand.class);
            open.extend(needed);
            classes.insert(class, ways);
        }
        let problem = without_costs(&classes, &roots);
        Ways { classes, refused, roots, is_cut_short: reader.is_cut_short(), problem }
    }

    /// Every class with the way that a solution makes it, where it makes it.
    pub fn chosen<'a>(
        &'a self,
        solution: &Solution,
    ) -> impl Iterator<Item = (Id, Option<&'a Way>)> {
        let classes = self.classes.iter().zip(&solution.chosen);
        classes.map(|((class, ways), chosen)| (*class, chosen.and_then(|chosen| ways.get(chosen))))
    }

    /// The extraction problem under a price for each way, by the position of its class and its own.
    pub fn problem(&self, price: impl Fn(usize, usize) -> u128) -> Problem {
        let mut problem = self.problem.clone();
        for (class, candidates) in problem.classes.iter_mut().enumerate() {
            for (position, candidate) in candidates.iter_mut().enumerate() {
                candidate.cost = price(class, position);
            }
        }
        problem
    }
}

fn without_costs(classes: &IndexMap<Id, Vec<Way>>, roots: &[Id]) -> Problem {
    let index = |class: &Id| classes.get_index_of(class).unwrap_or(usize::MAX);
    let candidate = |way: &Way| {
        let operands = way.operands.iter().map(|operand| index(&operand.class)).collect();
        Candidate::new(0, operands)
    };
    let candidates = |ways: &Vec<Way>| ways.iter().map(candidate).collect();
    let roots = roots.iter().map(index).collect();
    Problem { classes: classes.values().map(candidates).collect(), roots }
}
