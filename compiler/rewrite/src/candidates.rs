//! [`Candidates`]: what can make each value of a function, as data: the choice that extraction has.

use super::analysis::Types;
use super::candidate::{Candidate, ClassCandidates, RefusedLaunch};
use super::enumeration::Enumerator;
use super::error::RewriteError;
use super::extract::{Node, Problem, Solution, Unmakeable};
use super::language::Term;
use egg::{EGraph, Id};
use indexmap::IndexMap;
use ocellus_kernels::Target;

/// The candidates for every value that the roots may need.
pub struct Candidates {
    /// By class.
    pub classes: IndexMap<Id, Vec<Candidate>>,
    /// The launches that kernel families refused, by the class that they would make.
    pub refused: Vec<(Id, RefusedLaunch)>,
    /// The classes wanted.
    pub roots: Vec<Id>,
    /// Whether there are more, that were left out.
    pub is_cut_short: bool,
    /// The extraction problem, but for its costs.
    problem: Problem,
}

/// Candidates for one value at most. A block of an encoder has some dozen.
const MAX_CANDIDATES: usize = 512;

/// Candidates for all values of a function, beyond which each has [`MAX_CANDIDATES_OF_LARGE`].
const MAX_CANDIDATES_TOGETHER: usize = 30_000;

/// Candidates for a value of a function that has too many.
const MAX_CANDIDATES_OF_LARGE: usize = 16;

impl Candidates {
    /// Leaves each candidate the first of its schedules.
    pub fn keep_default_schedules(&mut self) {
        self.classes.values_mut().flatten().for_each(|candidate| candidate.schedules.truncate(1));
    }

    /// The candidates in a saturated e-graph, on a CPU.
    pub fn collect(egraph: &EGraph<Term, Types>, roots: &[Id], isa: Target) -> Candidates {
        let roots: Vec<Id> = roots.iter().map(|root| egraph.find(*root)).collect();
        let enumerator = Enumerator::new(egraph, isa);
        let mut classes: IndexMap<Id, Vec<Candidate>> = IndexMap::new();
        let mut refused = vec![];
        let mut open = roots.clone();
        let mut together = 0;
        while let Some(class) = open.pop() {
            if classes.contains_key(&class) {
                continue;
            }
            let max = if together < MAX_CANDIDATES_TOGETHER {
                MAX_CANDIDATES
            } else {
                MAX_CANDIDATES_OF_LARGE
            };
            let ClassCandidates { candidates, refused: refused_here } =
                enumerator.candidates(class, max);
            refused.extend(refused_here.into_iter().map(|launch| (class, launch)));
            together += candidates.len();
            let needed = candidates
                .iter()
                .flat_map(|candidate| &candidate.operands)
                .map(|operand| operand.class);
            open.extend(needed);
            classes.insert(class, candidates);
        }
        let problem = without_costs(&classes, &roots);
        Candidates { classes, refused, roots, is_cut_short: enumerator.is_cut_short(), problem }
    }

    /// Every class with the candidate that makes it in a solution, where it makes it.
    pub fn chosen<'a>(
        &'a self,
        solution: &Solution,
    ) -> impl Iterator<Item = (Id, Option<&'a Candidate>)> {
        let classes = self.classes.iter().zip(&solution.chosen);
        classes.map(|((class, candidates), chosen)| {
            (*class, chosen.and_then(|chosen| candidates.get(chosen)))
        })
    }

    /// The extraction problem under a cost for each candidate, by the position of its class and its own.
    pub fn problem(&self, cost: impl Fn(usize, usize) -> u128) -> Problem {
        let mut problem = self.problem.clone();
        for (class, nodes) in problem.classes.iter_mut().enumerate() {
            for (position, node) in nodes.iter_mut().enumerate() {
                node.cost = cost(class, position);
            }
        }
        problem
    }

    /// Why nothing makes the class of an extraction that failed: what kernel families say of it, and the disabled rules.
    pub fn no_kernel(
        &self,
        (function, egraph): (&str, &EGraph<Term, Types>),
        culprit: &Unmakeable,
        disabled: &[&str],
    ) -> RewriteError {
        let id = self.classes.get_index(culprit.0).map(|(class, _)| *class);
        let class = id.map(|class| &egraph[class]);
        let term = class.and_then(|class| class.nodes.first()).map(Term::to_string);
        let ty = class.and_then(|class| class.data.ty()).map(|ty| ty.to_string());
        let refused = self.refused.iter().filter(|(class, _)| Some(*class) == id);
        let mut hint: String = refused.map(|(_, launch)| format!("; {}", launch.refusal)).collect();
        if !disabled.is_empty() {
            hint.push_str(&format!("; these rules are disabled: {}", disabled.join(", ")));
        }
        RewriteError::NoKernel {
            function: function.to_string(),
            term: format!("venc.{}", term.unwrap_or_default()),
            ty: ty.unwrap_or_default(),
            hint,
        }
    }
}

fn without_costs(classes: &IndexMap<Id, Vec<Candidate>>, roots: &[Id]) -> Problem {
    let index = |class: &Id| classes.get_index_of(class).unwrap_or(usize::MAX);
    let node = |candidate: &Candidate| {
        let operands = candidate.operands.iter().map(|operand| index(&operand.class)).collect();
        Node::new(0, operands)
    };
    let nodes = |candidates: &Vec<Candidate>| candidates.iter().map(node).collect();
    let roots = roots.iter().map(index).collect();
    Problem { classes: classes.values().map(nodes).collect(), roots }
}
