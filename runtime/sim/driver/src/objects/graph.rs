//! Graphs, their nodes, and what is made of them to be launched.

use crate::errors::{Error, Result};
use crate::handles::{Handle, Table};
use crate::objects::stream::Mark;
use crate::objects::work::{Launch, Schedule, Step, Work};
use std::collections::HashMap;
use std::sync::Arc;

/// A graph: its nodes in the order in which they were added.
#[derive(Default)]
pub(crate) struct Graph {
    pub nodes: Vec<Handle>,
    /// Of each node of a clone, the node that it was made of.
    pub originals: HashMap<Handle, Handle>,
}

/// A node of a graph.
#[derive(Clone)]
pub(crate) struct Node {
    pub graph: Handle,
    pub work: Work,
    pub after: Vec<Edge>,
    /// The addresses of a launch's parameters, for whom asked for them, and the launch that they lead into.
    pub shown: Option<(Arc<Launch>, Arc<[usize]>)>,
}

/// What a node waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Edge {
    pub from: Handle,
    /// Whether the node, a launch, may begin before the other launch has ended.
    pub is_programmatic: bool,
}

/// What is launched: a graph as it was when this was made, and as its nodes were changed since.
pub(crate) struct Executable {
    pub context: Handle,
    /// By the handles of the graph's nodes, in their order.
    pub nodes: Vec<(Handle, ExecutableNode)>,
    /// Where it was launched last. It does not run twice at once.
    pub launched: Option<Mark>,
}

/// A node of what is launched.
#[derive(Clone)]
pub(crate) struct ExecutableNode {
    pub work: Work,
    pub after: Vec<Edge>,
    pub is_enabled: bool,
}

impl Node {
    /// A node that waits for others to end.
    pub(crate) fn new(graph: Handle, work: Work, after: Vec<Edge>) -> Self {
        Self { graph, work, after, shown: None }
    }
}

/// What kind of node this is, as the driver API numbers them.
pub(crate) fn node_type(work: &Work) -> u32 {
    match work {
        Work::Launch(_) => 0,
        Work::Upload { .. } | Work::Download { .. } | Work::Copy { .. } => 1,
        Work::Fill(_) => 2,
        Work::Call(_) => 3,
        Work::Graph(_) => 4,
        Work::Nothing => 5,
        Work::Record(_) => 7,
        Work::Free(_) => 11,
    }
}

impl Executable {
    /// Makes one of a graph. A circle among its nodes is [`Error::INVALID_VALUE`].
    pub(crate) fn new(context: Handle, graph: &Graph, nodes: &Table<Node>) -> Result<Self> {
        let mut all = vec![];
        for handle in &graph.nodes {
            let node = nodes.get(*handle)?;
            let (work, after) = (node.work.clone(), node.after.clone());
            all.push((*handle, ExecutableNode { work, after, is_enabled: true }));
        }
        let executable = Self { context, nodes: all, launched: None };
        executable.schedule()?;
        Ok(executable)
    }

    pub(crate) fn node_mut(&mut self, handle: Handle) -> Result<&mut ExecutableNode> {
        let found = self.nodes.iter_mut().find(|(own, _)| *own == handle);
        found.map(|(_, node)| node).ok_or(Error::INVALID_VALUE)
    }

    /// The order in which the nodes run: of those that may, always the one that was added last, so that what depends on another
    /// without saying so comes too early.
    pub(crate) fn schedule(&self) -> Result<Arc<Schedule>> {
        let places: HashMap<Handle, usize> =
            self.nodes.iter().enumerate().map(|(place, (handle, _))| (*handle, place)).collect();
        let mut waiting = vec![0_usize; self.nodes.len()];
        let mut followers = vec![vec![]; self.nodes.len()];
        for (place, (_, node)) in self.nodes.iter().enumerate() {
            for edge in &node.after {
                let from = *places.get(&edge.from).ok_or(Error::INVALID_VALUE)?;
                followers[from].push(place);
                waiting[place] += 1;
            }
        }
        let mut ready: std::collections::BTreeSet<usize> =
            (0..waiting.len()).filter(|place| waiting[*place] == 0).collect();
        let mut steps: Vec<Step> = vec![];
        let mut step_of = HashMap::new();
        while let Some(place) = ready.pop_last() {
            for follower in &followers[place] {
                waiting[*follower] -= 1;
                if waiting[*follower] == 0 {
                    ready.insert(*follower);
                }
            }
            let (handle, node) = &self.nodes[place];
            let work = if node.is_enabled { node.work.clone() } else { Work::Nothing };
            let overlaps = node.after.iter().find(|edge| edge.is_programmatic);
            let overlaps = overlaps.and_then(|edge| step_of.get(&edge.from).copied());
            if let Some(other) = overlaps {
                let other: &mut Step = &mut steps[other];
                other.is_overlapped = true;
            }
            step_of.insert(*handle, steps.len());
            steps.push(Step { work, overlaps, is_overlapped: false });
        }
        match steps.len() == self.nodes.len() {
            true => Ok(Arc::new(Schedule { steps })),
            false => Err(Error::INVALID_VALUE),
        }
    }
}
