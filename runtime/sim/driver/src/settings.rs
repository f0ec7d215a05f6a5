//! The settings, read from the environment at the first `cuInit`. The crate's documentation has them in a table.

use crate::architecture::Architecture;
use crate::errors::{Error, named};
use ocellus_sim::WarpOrder;
use std::path::PathBuf;

/// What the simulated machine is, and how it is watched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub devices: u16,
    pub architecture: Architecture,
    pub name: String,
    pub multiprocessors: u32,
    /// Bytes of a device's memory.
    pub memory: u64,
    pub driver_version: u32,
    pub failures: Vec<Failure>,
    pub checks: Checks,
    pub workers: usize,
    /// Instructions that a warp may execute in a block.
    pub instructions: u64,
    pub order: WarpOrder,
    /// Where the counts of launches are appended.
    pub counters: Option<PathBuf>,
    /// Where findings are appended, and not to standard error.
    pub findings: Option<PathBuf>,
}

/// An error that is provoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    /// The driver function, or `launch` for a kernel as it runs.
    pub function: String,
    /// At which call, from 1.
    pub call: u64,
    pub error: Error,
}

/// What is looked for while a kernel runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Checks {
    pub races: bool,
    pub uninitialized: bool,
    pub counts: bool,
}

impl Settings {
    /// Reads the settings; the error says which one is wrong, and why.
    pub(crate) fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let default = ocellus_sim::Settings::default();
        let text = |name: &str| look_up(&format!("OCELLUS_SIM_{name}")).filter(|t| !t.is_empty());
        let wrong = |name: &str, value: &str, wanted: &str| {
            format!("OCELLUS_SIM_{name} is `{value}`, and should be {wanted}")
        };
        let number = |name: &str, default: u64| match text(name) {
            None => Ok(default),
            Some(value) => bytes(&value).ok_or_else(|| wrong(name, &value, "a number")),
        };
        let small = |name: &str, default: u32| {
            let value = number(name, u64::from(default))?;
            u32::try_from(value).map_err(|_| wrong(name, &value.to_string(), "a number below 2^32"))
        };
        let architecture = text("ARCHITECTURE").unwrap_or_else(|| "sm_80".to_string());
        let architecture = Architecture::named(&architecture).ok_or_else(|| {
            wrong("ARCHITECTURE", &architecture, "an architecture that is known, as sm_80")
        })?;
        let count = |name: &str, default: u32| {
            let value = small(name, default)?;
            u16::try_from(value).map_err(|_| wrong(name, &value.to_string(), "a number below 2^16"))
        };
        let default_name = format!("Ocellus simulator of sm_{}", architecture.number());
        let checks = text("CHECKS").unwrap_or_else(|| "all".to_string());
        let order = text("ORDER").unwrap_or_else(|| "forward".to_string());
        let failures = text("FAIL").unwrap_or_default();
        Ok(Self {
            devices: count("DEVICES", 1)?,
            architecture,
            name: text("NAME").unwrap_or(default_name),
            multiprocessors: count("MULTIPROCESSORS", architecture.multiprocessors)?.into(),
            memory: number("MEMORY", 16 << 30)?,
            driver_version: small("DRIVER_VERSION", 13000)?,
            failures: all_failures(&failures).ok_or_else(|| {
                wrong("FAIL", &failures, "a list of FUNCTION@CALL=ERROR, separated by commas")
            })?,
            checks: Checks::read(&checks).ok_or_else(|| {
                let wanted = "all, none, or a list of races, uninitialized and counts";
                wrong("CHECKS", &checks, wanted)
            })?,
            workers: small("WORKERS", 0)? as usize,
            instructions: number("INSTRUCTIONS", default.instructions_a_warp)?,
            order: warp_order(&order)
                .ok_or_else(|| wrong("ORDER", &order, "forward, backward or a number"))?,
            counters: text("COUNTERS").map(PathBuf::from),
            findings: text("FINDINGS").map(PathBuf::from),
        })
    }

    /// How the simulator runs a launch.
    pub(crate) fn of_launch(&self, keeps_footprint: bool) -> ocellus_sim::Settings {
        ocellus_sim::Settings {
            workers: self.workers,
            instructions_a_warp: self.instructions,
            order: self.order,
            finds_races: self.checks.races,
            finds_uninitialized: self.checks.uninitialized,
            counts_memory: self.checks.counts,
            keeps_footprint,
            ..ocellus_sim::Settings::default()
        }
    }
}

impl Checks {
    fn read(text: &str) -> Option<Self> {
        let all = |is_on| Self { races: is_on, uninitialized: is_on, counts: is_on };
        match text {
            "all" => return Some(all(true)),
            "none" => return Some(all(false)),
            _ => {}
        }
        let mut checks = all(false);
        for name in text.split(',') {
            match name {
                "races" => checks.races = true,
                "uninitialized" => checks.uninitialized = true,
                "counts" => checks.counts = true,
                _ => return None,
            }
        }
        Some(checks)
    }
}

/// A number, with `K`, `M` or `G` behind it for powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[number.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// The order of the warps of a block; a number is the seed of one that differs each time.
fn warp_order(text: &str) -> Option<WarpOrder> {
    match text {
        "forward" => Some(WarpOrder::Forward),
        "backward" => Some(WarpOrder::Backward),
        seed => seed.parse().ok().map(WarpOrder::Shuffled),
    }
}

fn all_failures(text: &str) -> Option<Vec<Failure>> {
    text.split(',').filter(|one| !one.is_empty()).map(failure).collect()
}

fn failure(text: &str) -> Option<Failure> {
    let (place, error) = text.split_once('=')?;
    let (function, call) = place.split_once('@').unwrap_or((place, "1"));
    let call = call.parse().ok().filter(|call| *call > 0)?;
    Some(Failure { function: function.to_string(), call, error: named(error)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(all: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            all.iter()
                .find(|(own, _)| name.strip_prefix("OCELLUS_SIM_") == Some(own))
                .map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn settings_have_defaults_and_are_read() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.devices, settings.multiprocessors), (1, 108));
        assert_eq!(settings.checks, Checks { races: true, uninitialized: true, counts: true });
        let settings = read(&[
            ("ARCHITECTURE", "sm_90"),
            ("MEMORY", "64M"),
            ("ORDER", "7"),
            ("CHECKS", "counts"),
            ("FAIL", "cuMemAlloc_v2@3=OUT_OF_MEMORY,launch=719"),
        ])
        .unwrap();
        assert_eq!((settings.memory, settings.multiprocessors), (64 << 20, 132));
        assert_eq!(settings.order, WarpOrder::Shuffled(7));
        assert_eq!(settings.checks, Checks { races: false, uninitialized: false, counts: true });
        let failure =
            |function: &str, call, error| Failure { function: function.to_string(), call, error };
        assert_eq!(
            settings.failures,
            [
                failure("cuMemAlloc_v2", 3, Error::OUT_OF_MEMORY),
                failure("launch", 1, Error::LAUNCH_FAILED)
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (name, value) in [
            ("DEVICES", "two"),
            ("ARCHITECTURE", "sm_81"),
            ("MEMORY", "1T"),
            ("MEMORY", "99999999999G"),
            ("CHECKS", "race"),
            ("ORDER", "sideways"),
            ("DEVICES", "70000"),
            ("FAIL", "cuInit=NOTHING"),
            ("FAIL", "cuInit@0=2"),
            ("FAIL", "cuInit"),
            ("DRIVER_VERSION", "5000000000"),
            ("MULTIPROCESSORS", "65536"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("OCELLUS_SIM_{name} is `")), "{error}");
        }
    }
}
