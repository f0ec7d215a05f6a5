//! Handles: numbers that programs hold for what lies in here. None is given twice, so that a stale one is known as such.

use crate::errors::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A handle as programs have it: to them it is a pointer that they must not follow.
pub(crate) type Handle = usize;

/// Of all tables, so that no handle of one is a handle of another.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Small numbers mean special streams, and a program may look at an address that it takes for aligned.
const STEP: usize = 4096;

/// What handles of one kind stand for, in the order in which it was made.
#[derive(Debug)]
pub(crate) struct Table<T>(BTreeMap<Handle, T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Table<T> {
    /// Keeps something, and gives the handle to it.
    pub(crate) fn add(&mut self, item: T) -> Handle {
        let handle = NEXT.fetch_add(1, Relaxed).wrapping_mul(STEP);
        self.0.insert(handle, item);
        handle
    }

    /// What a handle stands for; [`Error::INVALID_HANDLE`] where it stands for nothing.
    pub(crate) fn get(&self, handle: Handle) -> Result<&T> {
        self.0.get(&handle).ok_or(Error::INVALID_HANDLE)
    }

    pub(crate) fn get_mut(&mut self, handle: Handle) -> Result<&mut T> {
        self.0.get_mut(&handle).ok_or(Error::INVALID_HANDLE)
    }

    pub(crate) fn remove(&mut self, handle: Handle) -> Result<T> {
        self.0.remove(&handle).ok_or(Error::INVALID_HANDLE)
    }

    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&T) -> bool) {
        self.0.retain(|_, item| keeps(item));
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Handle, &T)> {
        self.0.iter().map(|(handle, item)| (*handle, item))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}
