//! Graphs: their nodes and what these wait for.

use crate::abi::EdgeData;
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::graph::{Edge, Graph, Node, node_type};
use crate::objects::work::Work;
use std::collections::HashMap;

driver_functions! {
    fn cuGraphCreate(graph: Out<Handle>, flags: u32) {
        let mut state = lock();
        state.settings()?;
        if flags != 0 || graph.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        graph.give(state.graphs.add(Graph::default()))
    }

    fn cuGraphDestroy(graph: Handle) {
        lock().remove_graph(graph)
    }

    fn cuGraphClone(clone: Out<Handle>, original: Handle) {
        let mut state = lock();
        if clone.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        let nodes = state.graph(original)?.nodes.clone();
        let made = state.graphs.add(Graph::default());
        let mut copies = HashMap::new();
        for original in nodes {
            let node = state.nodes.get(original)?.clone();
            let copy = state.nodes.add(Node { graph: made, shown: None, ..node });
            copies.insert(original, copy);
            let graph = state.graphs.get_mut(made)?;
            graph.nodes.push(copy);
            graph.originals.insert(copy, original);
        }
        for copy in copies.values() {
            for edge in &mut state.nodes.get_mut(*copy)?.after {
                edge.from = *copies.get(&edge.from).ok_or(Error::INVALID_VALUE)?;
            }
        }
        clone.give(made)
    }

    fn cuGraphNodeFindInClone(node: Out<Handle>, original: Handle, clone: Handle) {
        let state = lock();
        let mut pairs = state.graph(clone)?.originals.iter();
        let found = pairs.find(|(_, other)| **other == original).map(|(own, _)| *own);
        node.give(found.ok_or(Error::INVALID_VALUE)?)
    }

    fn cuGraphGetNodes(graph: Handle, nodes: Out<Handle>, count: Out<usize>) {
        let state = lock();
        list(&state.graph(graph)?.nodes, nodes, count)
    }

    fn cuGraphGetRootNodes(graph: Handle, nodes: Out<Handle>, count: Out<usize>) {
        let state = lock();
        let all = state.graph(graph)?.nodes.iter().copied();
        let roots: Vec<Handle> = all
            .filter(|node| state.nodes.get(*node).is_ok_and(|own| own.after.is_empty()))
            .collect();
        list(&roots, nodes, count)
    }

    fn cuGraphGetEdges(graph: Handle, from: Out<Handle>, to: Out<Handle>, count: Out<usize>) {
        edges(graph, from, to, None, count)
    }

    fn cuGraphGetEdges_v2(
        graph: Handle,
        from: Out<Handle>,
        to: Out<Handle>,
        data: Out<EdgeData>,
        count: Out<usize>,
    ) {
        edges(graph, from, to, Some(data), count)
    }

    fn cuGraphAddDependencies(graph: Handle, from: In<Handle>, to: In<Handle>, count: usize) {
        let (from, to) = (from.list(count)?, to.list(count)?);
        lock().add_edges(graph, &from, &to, &vec![EdgeData::default(); count])
    }

    fn cuGraphAddDependencies_v2(
        graph: Handle,
        from: In<Handle>,
        to: In<Handle>,
        data: In<EdgeData>,
        count: usize,
    ) {
        let (from, to) = (from.list(count)?, to.list(count)?);
        let data = match data.is_null() {
            true => vec![EdgeData::default(); count],
            false => data.list(count)?,
        };
        lock().add_edges(graph, &from, &to, &data)
    }

    fn cuGraphRemoveDependencies(graph: Handle, from: In<Handle>, to: In<Handle>, count: usize) {
        remove_edges(graph, &from.list(count)?, &to.list(count)?)
    }

    fn cuGraphRemoveDependencies_v2(
        graph: Handle,
        from: In<Handle>,
        to: In<Handle>,
        _data: In<EdgeData>,
        count: usize,
    ) {
        remove_edges(graph, &from.list(count)?, &to.list(count)?)
    }

    fn cuGraphDestroyNode(node: Handle) {
        let mut state = lock();
        let graph = state.nodes.remove(node).map_err(|_| Error::INVALID_VALUE)?.graph;
        state.graphs.get_mut(graph)?.nodes.retain(|other| *other != node);
        for other in state.nodes.values_mut().filter(|other| other.graph == graph) {
            other.after.retain(|edge| edge.from != node);
        }
        Ok(())
    }

    fn cuGraphNodeGetType(node: Handle, kind: Out<u32>) {
        kind.give(node_type(&lock().node(node)?.work))
    }

    fn cuGraphNodeGetDependencies(node: Handle, others: Out<Handle>, count: Out<usize>) {
        let state = lock();
        let from: Vec<Handle> = state.node(node)?.after.iter().map(|edge| edge.from).collect();
        list(&from, others, count)
    }

    fn cuGraphNodeGetDependencies_v2(
        node: Handle,
        others: Out<Handle>,
        data: Out<EdgeData>,
        count: Out<usize>,
    ) {
        let state = lock();
        let after = &state.node(node)?.after;
        let from: Vec<Handle> = after.iter().map(|edge| edge.from).collect();
        if !data.is_null() && !others.is_null() {
            let room = count.get()?;
            data.give_all(after.iter().take(room).map(shown))?;
        }
        list(&from, others, count)
    }

    fn cuGraphNodeGetDependentNodes(node: Handle, others: Out<Handle>, count: Out<usize>) {
        let state = lock();
        let graph = state.node(node)?.graph;
        let all = state.graph(graph)?.nodes.iter().copied();
        let waits = |other: &Handle| {
            let other = state.nodes.get(*other);
            other.is_ok_and(|other| other.after.iter().any(|edge| edge.from == node))
        };
        list(&all.filter(waits).collect::<Vec<_>>(), others, count)
    }
}

/// An edge that a launch need not wait for, in the words of the driver API: from the port that fires when all blocks have called
/// `griddepcontrol.launch_dependents` or ended.
const PROGRAMMATIC: EdgeData = EdgeData { from_port: 1, to_port: 0, kind: 1, reserved: [0; 5] };

fn shown(edge: &Edge) -> EdgeData {
    if edge.is_programmatic { PROGRAMMATIC } else { EdgeData::default() }
}

/// Puts as much of a list as there is room for, or says how long it is where there is no place for it.
fn list(items: &[Handle], to: Out<Handle>, count: Out<usize>) -> Result<()> {
    if to.is_null() {
        return count.give(items.len());
    }
    let room = count.get()?;
    // What there is room for and nothing to put there is null.
    to.give_all((0..room).map(|place| items.get(place).copied().unwrap_or(0)))?;
    count.give(items.len().min(room))
}

fn edges(
    graph: Handle,
    from: Out<Handle>,
    to: Out<Handle>,
    data: Option<Out<EdgeData>>,
    count: Out<usize>,
) -> Result<()> {
    let state = lock();
    let mut all = vec![];
    for node in &state.graph(graph)?.nodes {
        all.extend(state.nodes.get(*node)?.after.iter().map(|edge| (*edge, *node)));
    }
    if from.is_null() && to.is_null() {
        return count.give(all.len());
    }
    let room = count.get()?.min(all.len());
    from.give_all(all[..room].iter().map(|(edge, _)| edge.from))?;
    to.give_all(all[..room].iter().map(|(_, node)| *node))?;
    if let Some(data) = data.filter(|data| !data.is_null()) {
        data.give_all(all[..room].iter().map(|(edge, _)| shown(edge)))?;
    }
    count.give(room)
}

fn remove_edges(graph: Handle, from: &[Handle], to: &[Handle]) -> Result<()> {
    let mut state = lock();
    for (from, to) in from.iter().zip(to) {
        let node = state.node(*to)?;
        let is_there = node.graph == graph && node.after.iter().any(|edge| edge.from == *from);
        if !is_there {
            return Err(Error::INVALID_VALUE);
        }
        state.nodes.get_mut(*to)?.after.retain(|edge| edge.from != *from);
    }
    Ok(())
}

impl State {
    /// A graph; [`Error::INVALID_VALUE`] where the handle is none's.
    pub(super) fn graph(&self, graph: Handle) -> Result<&Graph> {
        self.graphs.get(graph).map_err(|_| Error::INVALID_VALUE)
    }

    pub(super) fn node(&self, node: Handle) -> Result<&Node> {
        self.nodes.get(node).map_err(|_| Error::INVALID_VALUE)
    }

    /// Forgets a graph with its nodes.
    pub(super) fn remove_graph(&mut self, graph: Handle) -> Result<()> {
        let own = self.graphs.remove(graph).map_err(|_| Error::INVALID_VALUE)?;
        own.nodes.into_iter().try_for_each(|node| self.nodes.remove(node).map(drop))
    }

    /// Adds a node that waits for others.
    pub(super) fn add_node(
        &mut self,
        graph: Handle,
        work: Work,
        after: &[Handle],
    ) -> Result<Handle> {
        let mut edges = vec![];
        for from in after {
            if self.node(*from)?.graph != graph
                || edges.iter().any(|edge: &Edge| edge.from == *from)
            {
                return Err(Error::INVALID_VALUE);
            }
            edges.push(Edge { from: *from, is_programmatic: false });
        }
        self.graph(graph)?;
        let node = self.nodes.add(Node::new(graph, work, edges));
        self.graphs.get_mut(graph)?.nodes.push(node);
        Ok(node)
    }

    fn add_edges(
        &mut self,
        graph: Handle,
        from: &[Handle],
        to: &[Handle],
        data: &[EdgeData],
    ) -> Result<()> {
        self.graph(graph)?;
        for ((from, to), data) in from.iter().zip(to).zip(data) {
            let (source, target) = (self.node(*from)?, self.node(*to)?);
            let is_own = source.graph == graph && target.graph == graph && from != to;
            let is_known = target.after.iter().any(|edge| edge.from == *from);
            let are_launches =
                [source, target].iter().all(|node| matches!(node.work, Work::Launch(_)));
            let is_programmatic = *data == PROGRAMMATIC && are_launches;
            if !is_own || is_known || !(is_programmatic || *data == EdgeData::default()) {
                return Err(Error::INVALID_VALUE);
            }
            self.nodes.get_mut(*to)?.after.push(Edge { from: *from, is_programmatic });
        }
        Ok(())
    }
}
