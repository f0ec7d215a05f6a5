//! Progress on standard error: a bar on a terminal, one plain line a stage elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use ocellus::runtime::terminal::{Visible, say};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The stages of a command, one after another.
pub struct StageProgress {
    bar: Option<ProgressBar>,
    current: Option<(String, Instant)>,
}

impl StageProgress {
    /// As many stages as will come.
    pub fn new(count: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} ({elapsed})")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(count as u64).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        StageProgress { bar, current: None }
    }

    /// Ends the stage before, with its time, and begins the next.
    pub fn begin(&mut self, stage: &str) {
        self.end_current();
        if let Some(bar) = &self.bar {
            bar.set_message(stage.to_string());
        }
        self.current = Some((stage.to_string(), Instant::now()));
    }

    /// How far the stage has come; seen on a terminal only.
    pub fn advance(&mut self, stage: &str, done: usize, all: usize) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{stage}: {done} of {all}"));
        }
    }

    fn end_current(&mut self) {
        let Some((stage, start)) = self.current.take() else { return };
        let line = format!("{stage:<28} {:>9.1} ms", start.elapsed().as_secs_f64() * 1e3);
        match &self.bar {
            Some(bar) => {
                bar.println(Visible(line).to_string());
                bar.inc(1);
            }
            None => say(line),
        }
    }
}

impl Drop for StageProgress {
    fn drop(&mut self) {
        self.end_current();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
