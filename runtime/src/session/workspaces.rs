//! [`Workspaces`]: those that no call uses, kept for the next calls.

use super::RunError;
use super::workspace::Workspace;
use crate::devices::Device;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A workspace that so many calls did not need is given back: whatever needed it is over.
const KEPT_CALLS: u64 = 1000;

/// The workspaces of a session. A call takes one, the one that is bound to its sizes where there is such, and makes one
/// where none is left, so that no call waits for another.
///
/// An arena can be large, and a burst of calls may leave as many as it had calls. So no more are kept than calls at once
/// are faster than one by one, and of these only the ones that the last [`KEPT_CALLS`] calls needed.
pub struct Workspaces {
    device: Arc<dyn Device>,
    /// How many are kept at most.
    max: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Those that were used last at the end, each with the number of the call that did.
    workspaces: Vec<(u64, Workspace)>,
    /// How many calls there were.
    calls: u64,
}

impl Workspaces {
    /// None yet.
    pub fn new(device: Arc<dyn Device>) -> Self {
        Workspaces { max: device.calls_at_once().max(1), device, idle: Mutex::default() }
    }

    /// Where the calls run.
    pub fn device(&self) -> &dyn Device {
        &*self.device
    }

    /// A workspace for a call with these sizes.
    pub fn take(&self, symbols: &[i64]) -> Result<Workspace, RunError> {
        let idle = self.idle().take(symbols);
        Ok(match idle {
            Some(workspace) => workspace,
            None => Workspace::new(&*self.device)?,
        })
    }

    /// Keeps a workspace for the next calls. One whose device failed is not to be given back.
    pub fn give_back(&self, workspace: Workspace) {
        let superfluous = self.idle().keep(workspace, self.max);
        // Here, where it keeps nobody waiting.
        drop(superfluous);
    }

    /// Keeps none of those that are bound: they are to be bound anew.
    pub fn forget(&self) {
        let forgotten = std::mem::take(&mut self.idle().workspaces);
        drop(forgotten);
    }

    /// How much memory the arenas take that no call uses.
    pub fn arena_bytes(&self) -> usize {
        self.idle().workspaces.iter().map(|(_, workspace)| workspace.arena_bytes()).sum()
    }

    /// Nothing that is done under the lock can panic half-way.
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    /// The workspace that is bound to these sizes, or the one that was used last.
    fn take(&mut self, symbols: &[i64]) -> Option<Workspace> {
        let mut workspaces = self.workspaces.iter();
        match workspaces.rposition(|(_, workspace)| workspace.is_bound_to(symbols)) {
            Some(position) => Some(self.workspaces.remove(position).1),
            None => self.workspaces.pop().map(|(_, workspace)| workspace),
        }
    }

    /// Keeps a workspace; gives the one that is no longer needed, if there is one.
    fn keep(&mut self, workspace: Workspace, max: usize) -> Option<Workspace> {
        self.calls += 1;
        self.workspaces.push((self.calls, workspace));
        let (oldest, _) = self.workspaces.first()?;
        let is_needed = self.workspaces.len() <= max && self.calls - oldest <= KEPT_CALLS;
        (!is_needed).then(|| self.workspaces.remove(0).1)
    }
}
