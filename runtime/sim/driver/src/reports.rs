//! What the simulator has to say, written where the settings say.

use crate::errors::{Error, Result};
use crate::objects::work::Launch;
use crate::settings::Settings;
use ocellus_sim::{Counts, Report};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Held while something is written, so that lines stay whole.
static WRITING: Mutex<()> = Mutex::new(());

/// Tells of a finding. Where that cannot be written, nobody is left to be told.
pub(crate) fn find(settings: &Settings, text: &str) {
    let written = match &settings.findings {
        Some(file) => append(file, &format!("{text}\n")),
        None => std::io::stderr().write_all(format!("ocellus-sim: {text}\n").as_bytes()),
    };
    let _ = written;
}

/// Tells what a launch did: a line of JSON.
pub(crate) fn count(settings: &Settings, launch: &Launch, report: &Report) -> Result<()> {
    let Some(file) = &settings.counters else { return Ok(()) };
    append(file, &line(launch, report)).map_err(|error| {
        find(settings, &format!("{}: {error}", file.display()));
        Error::OPERATING_SYSTEM
    })
}

fn append(file: &Path, text: &str) -> std::io::Result<()> {
    let _whole = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

/// Names in PTX and of instructions have no letter that JSON would escape.
fn line(launch: &Launch, report: &Report) -> String {
    let mut text = format!(
        "{{\"kernel\":\"{}\",\"grid\":{:?},\"block\":{:?},\"dynamic_shared\":{},\"programmatic\":{},\"counts\":{},\"barriers\":{}",
        launch.kernel.name(),
        launch.blocks,
        launch.threads,
        launch.dynamic_shared,
        launch.is_programmatic,
        counts(&report.total),
        report.barriers,
    );
    let multiplications: Vec<String> = report
        .multiplications
        .iter()
        .map(|(shape, count)| format!("\"{shape:?}\":{count}"))
        .collect();
    let lines: Vec<String> = report
        .lines
        .iter()
        .map(|line| {
            let (number, opcode) = (line.line, &line.opcode);
            let counts = counts(&line.counts);
            format!("{{\"line\":{number},\"opcode\":\"{opcode}\",\"counts\":{counts}}}")
        })
        .collect();
    // Writing into a string never fails.
    let _ = writeln!(
        text,
        ",\"multiplications\":{{{}}},\"lines\":[{}]}}",
        multiplications.join(","),
        lines.join(",")
    );
    text
}

fn counts(counts: &Counts) -> String {
    let Counts {
        warps,
        threads,
        global_loaded,
        global_stored,
        sectors,
        ideal_sectors,
        wavefronts,
        conflicts,
    } = counts;
    format!(
        "{{\"warps\":{warps},\"threads\":{threads},\"global_loaded\":{global_loaded},\"global_stored\":{global_stored},\
         \"sectors\":{sectors},\"ideal_sectors\":{ideal_sectors},\"wavefronts\":{wavefronts},\"conflicts\":{conflicts}}}"
    )
}
