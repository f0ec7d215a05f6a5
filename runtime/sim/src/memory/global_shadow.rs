//! Who used global memory last within a launch. Pages come to be where memory is used.

use super::Allocation;
use crate::clocks::{Conflict, Knowledge, join_knowledge};
use crate::footprint::Footprint;
use crate::shadow::{Access, CHUNK, Chunk};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The bytes of a page.
const PAGE: u64 = 4096;

type Page = Mutex<Box<[Chunk]>>;

/// Of each allocation, its pages.
pub(crate) struct GlobalShadow {
    pages: Vec<OnceLock<Box<[OnceLock<Page>]>>>,
    /// What travels with an address by atomic operations.
    released: Mutex<HashMap<u64, Option<Knowledge>>>,
}

impl GlobalShadow {
    pub(crate) fn new(allocations: usize) -> Self {
        Self {
            pages: (0..allocations).map(|_| OnceLock::new()).collect(),
            released: Mutex::default(),
        }
    }

    /// A view that keeps the page of the last use at hand.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { shadow: self, page: None }
    }

    /// What was read and written.
    pub(crate) fn footprint(&self, allocations: &[Arc<Allocation>]) -> Footprint {
        let mut footprint = Footprint::default();
        for (pages, allocation) in self.pages.iter().zip(allocations) {
            let pages = pages.get().map_or(&[][..], |pages| pages);
            for (page, at) in pages.iter().zip((allocation.base..).step_by(PAGE as usize)) {
                let Some(page) = page.get() else { continue };
                let chunks = page.lock().unwrap_or_else(PoisonError::into_inner);
                for (chunk, at) in chunks.iter().zip((at..).step_by(CHUNK)) {
                    let cells = chunk.cells();
                    let size = (CHUNK / cells.len()) as u64;
                    for (cell, at) in cells.iter().zip((at..).step_by(size as usize)) {
                        if !cell.write.is_nobody() || !cell.read.is_nobody() {
                            footprint.push(at..at + size, !cell.write.is_nobody());
                        }
                    }
                }
            }
        }
        footprint
    }

    /// An atomic use of an address: leaves there what was released, and brings what others left.
    pub(crate) fn exchange(&self, address: u64, released: &Option<Knowledge>) -> Option<Knowledge> {
        self.exchange_with(address, released, || ()).1
    }

    /// The same, with what is done to the memory meanwhile. Operations on all addresses go one after the other.
    pub(crate) fn exchange_with<T>(
        &self,
        address: u64,
        released: &Option<Knowledge>,
        operation: impl FnOnce() -> T,
    ) -> (T, Option<Knowledge>) {
        let mut all = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.entry(address).or_default();
        let brought = left.clone();
        join_knowledge(left, released);
        (operation(), brought)
    }
}

/// A view of the pages, for the uses of one instruction by one warp.
pub(crate) struct Cursor<'a> {
    shadow: &'a GlobalShadow,
    /// The number of the allocation and of the page in it.
    page: Option<(usize, u64, Held<'a>)>,
}

type Held<'a> = MutexGuard<'a, Box<[Chunk]>>;

impl Cursor<'_> {
    /// Notes a use of bytes of an allocation that lie in one chunk, and says which earlier use it races with.
    pub(crate) fn note(
        &mut self,
        (place, allocation): (usize, &Arc<Allocation>),
        offset: u64,
        access: &Access,
    ) -> Option<Conflict> {
        let number = offset / PAGE;
        let is_here = matches!(&self.page, Some((at, page, _)) if (*at, *page) == (place, number));
        if !is_here {
            // The lock that is held goes first: two of these must never be held at once.
            self.page = None;
            let pages = self.shadow.pages[place].get_or_init(|| {
                (0..allocation.bytes.div_ceil(PAGE)).map(|_| OnceLock::new()).collect()
            });
            let page = pages[number as usize].get_or_init(|| {
                let chunks = PAGE as usize / CHUNK;
                Mutex::new((0..chunks).map(|_| Chunk::default()).collect())
            });
            let chunks = page.lock().unwrap_or_else(PoisonError::into_inner);
            self.page = Some((place, number, chunks));
        }
        let (_, _, chunks) = self.page.as_mut()?;
        chunks[(offset % PAGE) as usize / CHUNK].note(access)
    }
}
