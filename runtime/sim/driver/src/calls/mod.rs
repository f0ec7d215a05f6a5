//! The functions of the driver, by what they are for.
//!
//! Each checks what it was given, does its work on the state, and gives a `CUresult`. None panics into the program.

#![allow(non_snake_case, reason = "the names are those of the driver API")]

use crate::driver::{is_called, lock};
use crate::errors::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Declares driver functions. The body of each gives a [`Result`] of nothing; the list of them is `FUNCTIONS`.
macro_rules! driver_functions {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$meta])*
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> u32 {
                crate::calls::entered(stringify!($name), || $body)
            }
        )*

        /// The functions of this file, by their names.
        pub(super) const FUNCTIONS: &[(&str, *const ())] =
            &[$((stringify!($name), $name as *const ())),*];
    };
}

mod capture;
mod contexts;
mod copies;
mod devices;
mod events;
mod executables;
mod fills;
mod functions;
mod graphs;
mod host_memory;
mod initialization;
mod launch_parameters;
mod launches;
mod memory;
mod modules;
mod nodes;
mod occupancy;
mod pointers;
mod pools;
mod primary_contexts;
mod streams;
mod symbols;
mod unsupported;

/// Does what a function is for, unless an error is to be provoked instead.
fn entered(function: &str, body: impl FnOnce() -> Result<()>) -> u32 {
    let run = || {
        if is_called() {
            return Err(Error::NOT_PERMITTED);
        }
        // The state is let go of before the work is begun.
        let provoked = lock().provoked(function);
        provoked.map_or_else(body, Err)
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => error.0,
        Err(_) => Error::UNKNOWN.0,
    }
}
