//! `ocellus opt`: passes, one rule, saturation or extraction on the text of a program.

use crate::diagnostic::{Diagnostic, Explained};
use crate::options;
use crate::output;
use ocellus::Target;
use ocellus::opt::{OptOptions, Rewriting, opt};
use ocellus::rewrite::{Assumption, RuleSwitches, TargetDescription};
use ocellus::runtime::Size;
use ocellus::runtime::read_text;
use std::io::Read;
use std::path::Path;

/// More than the text of any program of ours has.
const MAX_BYTES: u64 = 256 << 20;

/// Do passes, one rewrite rule, saturation or extraction to the text of a program, and print the result
#[derive(clap::Args)]
pub struct Arguments {
    /// A program of `venc`, `kernel` or `plan` in MLIR's syntax; `-` for standard input
    #[arg(value_name = "FILE.mlir|-")]
    file: String,

    /// Passes, in order; those on launches come behind the rewriting: specialize, inline-calls, plan, read-back
    #[arg(long = "pass", value_name = "NAME", value_delimiter = ',')]
    passes: Vec<String>,

    #[command(flatten)]
    rewriting: RewritingArguments,

    /// The size at which kernels are chosen: `images=8,height=224`
    #[arg(long, value_name = "SYMBOL=SIZE", requires = "extract")]
    at: Option<Size>,

    /// What kernels are for: `cpu` for this machine, `cpu:<name>` for another, such as `cpu:x86-64-v3`, `sm_80` and the
    /// like for an NVIDIA GPU
    #[arg(long, default_value = "cpu", value_parser = options::target)]
    target: Target,

    /// Rewrite rules, and groups of them, to leave out
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "RewritingArguments")]
    disable: Vec<String>,

    /// Say something of the data that makes more rewrite rules hold: see `ocellus compile`
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "RewritingArguments")]
    assume: Vec<Assumption>,
}

/// What rules do to it: one of these.
#[derive(clap::Args)]
#[group(multiple = false)]
struct RewritingArguments {
    /// Use this rule, once wherever it can be: mathematics stays `venc`, and what is about kernels gives launches
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,

    /// Use all rules, and print all that they find
    #[arg(long)]
    saturate: bool,

    /// Use all rules, and choose the cheapest kernels at the size that `--at` gives
    #[arg(long)]
    extract: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let rewriting = match &arguments.rewriting {
        RewritingArguments { rule: Some(rule), .. } => Some(Rewriting::Rule(rule.clone())),
        RewritingArguments { saturate: true, .. } => Some(Rewriting::Saturate),
        RewritingArguments { extract: true, .. } => {
            let sizes = arguments.at.as_ref().map(|Size(sizes)| sizes.clone());
            Some(Rewriting::Extract(sizes.unwrap_or_default()))
        }
        RewritingArguments { .. } => None,
    };
    let options = OptOptions {
        passes: arguments.passes.clone(),
        rewriting,
        rules: RuleSwitches::without(&arguments.disable)?
            .and_assuming(arguments.assume.iter().copied()),
        target: TargetDescription::of(arguments.target)?,
    };
    let text = read(&arguments.file)?;
    output::print_exactly(&opt(&text, &options).within(&arguments.file)?)
}

/// The text of a file, or what standard input holds.
fn read(file: &str) -> Result<String, Diagnostic> {
    if file != "-" {
        return read_text(Path::new(file), MAX_BYTES).within(file);
    }
    let mut text = String::new();
    let input = std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text);
    let bytes = input.within("standard input")? as u64;
    match bytes > MAX_BYTES {
        false => Ok(text),
        true => Err(Diagnostic::new(format!("it is longer than {MAX_BYTES} bytes"))
            .within("standard input")),
    }
}
