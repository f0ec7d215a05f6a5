//! What programs pass to driver functions: addresses that are followed with care.
//!
//! These types are addresses to C. Whoever calls a driver function vouches that what it passes is null, or leads to as much memory
//! as the function's description in NVIDIA's documentation says; nothing in here is made anywhere else.

use crate::errors::{Error, Result};
use std::ffi::{CStr, c_char};

/// Where a function puts an answer.
#[repr(transparent)]
pub struct Out<T>(*mut T);

/// Where a function finds something.
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<T> {}

impl<T> Out<T> {
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Puts an answer that must be asked for.
    pub(crate) fn give(self, value: T) -> Result<()> {
        if self.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: whoever passed it vouches for room for a value.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Puts an answer if it is asked for.
    pub(crate) fn offer(self, value: T) {
        // There is nothing wrong with not asking.
        let _ = self.give(value);
    }

    /// Puts several.
    pub(crate) fn give_all(self, values: impl IntoIterator<Item = T>) -> Result<()> {
        if self.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        for (place, value) in values.into_iter().enumerate() {
            // SAFETY: whoever passed it vouches for room for as many as were asked for.
            unsafe { self.0.add(place).write_unaligned(value) };
        }
        Ok(())
    }

    /// What lies there now.
    pub(crate) fn get(self) -> Result<T>
    where
        T: Copy,
    {
        In(self.0.cast_const()).get()
    }

    /// The address, for work that is done later.
    pub(crate) fn address(self) -> usize {
        self.0.expose_provenance()
    }

    /// The same place, for an answer of another type.
    pub(crate) fn cast<U>(self) -> Out<U> {
        Out(self.0.cast())
    }

    /// The place so many bytes further on, if there is one.
    pub(crate) fn behind(self, bytes: usize) -> Self {
        Self(self.0.wrapping_byte_add(bytes))
    }
}

impl<T> In<T> {
    /// No address.
    pub(crate) fn none() -> Self {
        Self(std::ptr::null())
    }

    /// The address of what lies here, for a program to follow while it does.
    pub(crate) fn to(items: &[T]) -> Self {
        Self(items.as_ptr())
    }
}

impl<T: Copy> In<T> {
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    pub(crate) fn get(self) -> Result<T> {
        if self.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: whoever passed it vouches for a value.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// So many of them; null will do where there are none.
    pub(crate) fn list(self, count: usize) -> Result<Vec<T>> {
        if count > 0 && self.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: whoever passed it vouches for as many as it said.
        Ok((0..count).map(|place| unsafe { self.0.add(place).read_unaligned() }).collect())
    }

    /// The address, for work that is done later.
    pub(crate) fn address(self) -> usize {
        self.0.expose_provenance()
    }

    pub(crate) fn cast<U: Copy>(self) -> In<U> {
        In(self.0.cast())
    }
}

impl In<c_char> {
    /// A text that ends with a zero.
    pub(crate) fn text(self) -> Result<&'static CStr> {
        if self.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: whoever passed it vouches for a text with its end, for as long as the function runs, and nothing keeps it longer.
        Ok(unsafe { CStr::from_ptr(self.0) })
    }
}
