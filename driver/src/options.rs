//! The options of every command that compiles.

use crate::bounded;
use crate::diagnostic::{Diagnostic, Explained};
use crate::range::RangeArgument;
use ocellus::Target;
use ocellus::dialects::ElementType;
use ocellus::dialects::symbolic::SymbolRange;
use ocellus::rewrite::{Assumption, TargetDescription};
use ocellus::runtime::read_text;
use ocellus::runtime::terminal::say;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Much more than the description of any machine has.
const MAX_MACHINE_BYTES: u64 = 1 << 20;

/// How a model is compiled. An artifact is compiled already, and takes of these the target alone, save where it is compiled again
/// to find a fault.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "How to compile")]
pub struct CompileOptions {
    /// The machine: `cpu` for this one, which is the default, `cpu:<name>` for another, such as `cpu:x86-64-v3` or `cpu:znver4`;
    /// `sm_80`, `sm_86`, `sm_89`, `sm_90` or `sm_120` for an NVIDIA GPU of that architecture or a later one. Several, with commas
    /// between them, go into one artifact, of which each machine runs the best that it can. Of an artifact: which to run
    #[arg(long = "target", value_name = "TARGET", value_delimiter = ',', value_parser = target)]
    pub targets: Vec<Target>,

    /// How tensors are stored, f32 where it is not given; sums are in f32 whatever it is
    #[arg(long, value_enum)]
    pub dtype: Option<Dtype>,

    /// Sizes to compile for, such as `images=1..=32,height=224..=448/16`
    #[arg(long = "range", value_name = "SYMBOL=MIN..=MAX", value_delimiter = ',')]
    pub ranges: Vec<RangeArgument>,

    /// Rewrite rules, groups of them, and passes to leave out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub disable: Vec<String>,

    /// Say something of the data that makes more rewrite rules hold: `centered-rows`, where the mean of each row that a
    /// layer norm reads is at most 16 times its standard deviation
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub assume: Vec<Assumption>,

    /// The rates of the machine: a file as `ocellus calibrate` writes it, or the name of one that Ocellus knows, such as
    /// `a100`; those of one like it where it is not given
    #[arg(long, value_name = "FILE|NAME")]
    pub machine: Option<PathBuf>,

    /// The most schedules of each launch to compile, 1 where it is not given. `ocellus-run tune` finds the fastest on the
    /// machine that runs the artifact
    #[arg(long, value_name = "N", value_parser = bounded::schedules)]
    pub schedules: Option<NonZeroUsize>,

    /// Give the output of that block instead of the encoder's results: 0 is the first, -1 the last, before its norm
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub feature_layer: Option<i64>,

    /// What the artifact calls itself; the model's name where it is not given
    #[arg(long, value_name = "NAME")]
    pub tag: Option<String>,
}

/// How tensors are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dtype {
    /// IEEE 754 binary32; a GPU multiplies it as three products of bf16, which is close to f32
    F32,
    /// The same, rounded to 11 bits where a GPU multiplies it: faster
    Tf32,
    /// The upper half of a binary32
    Bf16,
    /// IEEE 754 binary16
    F16,
}

impl From<Dtype> for ElementType {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 | Dtype::Tf32 => ElementType::F32,
            Dtype::Bf16 => ElementType::BF16,
            Dtype::F16 => ElementType::F16,
        }
    }
}

impl CompileOptions {
    /// How tensors are stored.
    pub fn dtype(&self) -> Dtype {
        self.dtype.unwrap_or(Dtype::F32)
    }

    /// What is given and says how a model is compiled, by its name on the command line.
    pub fn of_compiling(&self) -> Vec<&'static str> {
        let all = [
            ("--dtype", self.dtype.is_some()),
            ("--range", !self.ranges.is_empty()),
            ("--disable", !self.disable.is_empty()),
            ("--assume", !self.assume.is_empty()),
            ("--machine", self.machine.is_some()),
            ("--schedules", self.schedules.is_some()),
            ("--feature-layer", self.feature_layer.is_some()),
            ("--tag", self.tag.is_some()),
        ];
        all.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
    }

    /// An error where something is given that an artifact cannot be told, as it is compiled; `takes` are told all the same.
    pub fn refuse_what_compiles(&self, takes: &[&str]) -> Result<(), Diagnostic> {
        let given = self.of_compiling().into_iter().filter(|name| !takes.contains(name));
        let names: Vec<String> = given.map(|name| format!("`{name}`")).collect();
        match names.is_empty() {
            true => Ok(()),
            false => Err(Diagnostic::usage("an artifact is compiled already")
                .help(format!("leave out {}, or give the model instead", names.join(", ")))),
        }
    }

    /// What is compiled for: this machine where nothing is named. What is named twice, by whatever name, is there once.
    pub fn targets(&self) -> Result<Vec<Target>, Diagnostic> {
        let mut targets = vec![];
        for target in &self.targets {
            match targets.contains(target) {
                false => targets.push(*target),
                true => say(format_args!(
                    "note: `{}` is named more than once by `--target`, and is compiled for once",
                    target.name()
                )),
            }
        }
        if targets.is_empty() {
            targets.push(Target::host()?);
        }
        targets.into_iter().map(|target| self.with_dtype(target)).collect()
    }

    fn with_dtype(&self, target: Target) -> Result<Target, Diagnostic> {
        match self.dtype() {
            Dtype::F32 | Dtype::Bf16 | Dtype::F16 => Ok(target),
            Dtype::Tf32 => target.with_tf32().ok_or_else(|| {
                let target = target.name();
                Diagnostic::new(format!("`{target}` has no products of tf32"))
                    .help("tf32 is for NVIDIA's GPUs: `--dtype f32` is exact on a CPU")
            }),
        }
    }

    /// Which of an artifact's targets it is run for, where one is named.
    pub fn target_to_run(&self) -> Result<Option<String>, Diagnostic> {
        match self.targets[..] {
            [] => Ok(None),
            [target] => Ok(Some(target.name())),
            _ => Err(Diagnostic::usage("an artifact is compiled already, and runs for one target")
                .help("name one by `--target`, or none for the best that this machine can run")),
        }
    }

    /// The machine's rates, by its name or from the file that was named.
    pub fn machine(&self) -> Result<Option<TargetDescription>, Diagnostic> {
        let Some(path) = &self.machine else { return Ok(None) };
        let known = path.to_str().and_then(|name| TargetDescription::named(name).ok());
        if known.is_some() {
            return Ok(known);
        }
        let names = TargetDescription::names()?.join(", ");
        let help = format!(
            "`ocellus calibrate -o FILE` writes such a file, and without one there are {names}"
        );
        let text = read_text(path, MAX_MACHINE_BYTES).within(path.display()).help(&help)?;
        Ok(Some(TargetDescription::parse(&path.display().to_string(), &text).help(help)?))
    }

    /// The ranges by symbol, each of which has one.
    pub fn ranges(&self) -> Result<BTreeMap<String, SymbolRange>, Diagnostic> {
        let mut ranges = BTreeMap::new();
        for RangeArgument { symbol, range } in &self.ranges {
            if let Some(other) = ranges.insert(symbol.clone(), *range) {
                let message = format!("`--range` gives `{symbol}` two ranges, {other} and {range}");
                return Err(Diagnostic::usage(message)
                    .help("give the one that holds all sizes, as in `--range images=1..=32`"));
            }
        }
        Ok(ranges)
    }
}

/// The machine of that name.
pub fn target(name: &str) -> Result<Target, String> {
    Target::from_name(name).map_err(|error| error.to_string())
}
