//! `ocellus explain`: which kernels run where, and why these.

use crate::compilation;
use crate::diagnostic::{Diagnostic, Explained};
use crate::files_read;
use crate::options::CompileOptions;
use crate::output;
use crate::progress::StageProgress;
use crate::subject::Subject;
use ocellus::dialects::kernel::Family;
use ocellus::dialects::plan::{Launch, Piece, Plan};
use ocellus::runtime::terminal::say;
use ocellus::runtime::{Artifact, Options, Variant, variant_to_run};
use ocellus::{Explanation, explanation_attachment};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Tell which kernels run at which sizes, and why these
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and weights, a name on the Hugging Face hub, or an artifact
    #[arg(value_name = "MODEL|ARTIFACT")]
    subject: String,

    /// Print JSON, for programs
    #[arg(long)]
    json: bool,

    /// Write a page for a browser: one file that needs no other, with the cost over the range as a plot
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,

    #[command(flatten)]
    options: CompileOptions,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let html = arguments.html.as_deref().map(output::open).transpose()?;
    let mut stages = StageProgress::new(2);
    stages.begin("load");
    let subject = Subject::open(&arguments.subject, &arguments.options)?;
    if let Some(html) = &html {
        output::spare(html, &files_read::of_subject(subject.path(), &arguments.options))?;
    }
    let explanation = match subject {
        Subject::Model(model, _) => {
            stages.begin("choose kernels");
            compilation::compiler(&arguments.options)?
                .stages(&model)
                .within(&model.name)?
                .explanation
        }
        Subject::Artifact(artifact, path) => {
            let variant =
                variant_to_explain(&artifact, &arguments.options).within(path.display())?;
            match artifact.attachment(&explanation_attachment(&variant.target.name)) {
                Some(text) => Explanation::from_json(text).within(path.display())?,
                None if arguments.json || arguments.html.is_some() => {
                    return Err(Diagnostic::new("the artifact keeps no explanation")
                        .within(path.display())
                        .help("compile it again, or explain its model"));
                }
                None => {
                    drop(stages);
                    return output::print(&what_runs(&artifact, variant));
                }
            }
        }
    };
    drop(stages);
    compilation::warn(&explanation);
    match html {
        Some(html) => output::write(html, explanation.to_html().as_bytes()),
        None if arguments.json => output::print_json(&explanation.to_json_pretty()?),
        None => output::print(&explanation.to_string()),
    }
}

/// The variant that is asked for, or else the one that this machine would run; the others are named.
fn variant_to_explain<'a>(
    artifact: &'a Artifact,
    options: &CompileOptions,
) -> Result<&'a Variant, Diagnostic> {
    let options = Options { target: options.target_to_run()?, ..Options::default() };
    let variant = variant_to_run(artifact, &options)?;
    if options.target.is_none() && artifact.variants().len() > 1 {
        let names = artifact.variants().iter().map(|variant| format!("`{}`", variant.target.name));
        say(format_args!(
            "note: the artifact was compiled for {}: this is about `{}`, and `--target` names another",
            names.collect::<Vec<_>>().join(", "),
            variant.target.name
        ));
    }
    Ok(variant)
}

/// An artifact that keeps no explanation says what runs, not why.
fn what_runs(artifact: &Artifact, variant: &Variant) -> String {
    let (provenance, plan) = (artifact.provenance(), &*variant.plan);
    let mut text = format!(
        "{}, compiled for {} by Ocellus {}\n",
        provenance.tag, variant.target.name, provenance.compiler_version
    );
    for range in &provenance.ranges {
        let step = if range.step == 1 { String::new() } else { format!(" step {}", range.step) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {} in {}..={}{step}", range.symbol, range.min, range.max);
    }
    for (position, piece) in plan.pieces.iter().enumerate() {
        let _ = writeln!(
            text,
            "piece {} of {}: {}; {} launches",
            position + 1,
            plan.pieces.len(),
            ranges(plan, piece),
            launches(plan, piece).len()
        );
        for ((family, symbol), launches) in kernels(plan, piece) {
            let _ = writeln!(text, "  {launches:>4} x {family:<13} {symbol}");
        }
    }
    let bytes: u64 = plan.weights.iter().map(|weight| weight.bytes).sum();
    let _ = writeln!(
        text,
        "{} kernels, {:.1} kB of code, {} weights of {:.1} MB",
        plan.kernels.len(),
        artifact.code(variant).len() as f64 / 1e3,
        plan.weights.len(),
        bytes as f64 / 1e6
    );
    text.push_str("why these were chosen is not known: this artifact keeps no explanation\n");
    text
}

fn ranges(plan: &Plan, piece: &Piece) -> String {
    let ranges = piece.ranges.iter().map(|range| {
        let name = plan.symbols.get(range.symbol).map_or("?", |symbol| &symbol.name);
        format!("{name} in {}..={}", range.min, range.max)
    });
    let text = ranges.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "every size".to_string() } else { text }
}

/// What runs at the sizes of a piece.
fn launches<'a>(plan: &'a Plan, piece: &Piece) -> &'a [Launch] {
    plan.programs.get(piece.program).map_or(&[], |program| &program.launches)
}

/// How often a piece launches each kernel.
fn kernels<'a>(plan: &'a Plan, piece: &Piece) -> BTreeMap<(Family, &'a str), usize> {
    let mut counts = BTreeMap::new();
    for kernel in
        launches(plan, piece).iter().filter_map(|launch| plan.kernels.get(launch.schedule.kernel))
    {
        *counts.entry((kernel.family, kernel.symbol.as_str())).or_default() += 1;
    }
    counts
}
