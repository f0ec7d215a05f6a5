//! The beginning, versions, and what errors are called.

use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::{Error, Result, described};
use crate::settings::Settings;
use std::ffi::c_char;
use std::io::Write;

driver_functions! {
    fn cuInit(flags: u32) {
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        let mut state = lock();
        if state.settings.is_some() {
            return Ok(());
        }
        let settings = settings()?;
        if settings.devices == 0 {
            return Err(Error::NO_DEVICE);
        }
        state.initialize(settings);
        state.provoked("cuInit").map_or(Ok(()), Err)
    }

    fn cuDriverGetVersion(version: Out<i32>) {
        let known = lock().settings.clone();
        let number = match known {
            Some(settings) => settings.driver_version,
            None => settings()?.driver_version,
        };
        version.give(number as i32)
    }

    fn cuProfilerStart() {
        lock().usable().map(drop)
    }

    fn cuProfilerStop() {
        lock().usable().map(drop)
    }

    fn cuGetErrorName(error: u32, name: Out<*const c_char>) {
        match described(error) {
            Some((text, _)) => name.give(text.as_ptr()),
            None => {
                name.give(std::ptr::null())?;
                Err(Error::INVALID_VALUE)
            }
        }
    }

    fn cuGetErrorString(error: u32, text: Out<*const c_char>) {
        match described(error) {
            Some((_, description)) => text.give(description.as_ptr()),
            None => {
                text.give(std::ptr::null())?;
                Err(Error::INVALID_VALUE)
            }
        }
    }
}

/// The settings of the environment. What is wrong with them goes to standard error, as a number says too little.
fn settings() -> Result<Settings> {
    Settings::read(|name| std::env::var(name).ok()).map_err(|error| {
        // Where it cannot be written, nobody is left to be told.
        let _ = std::io::stderr().write_all(format!("ocellus-sim: {error}\n").as_bytes());
        Error::INVALID_VALUE
    })
}
