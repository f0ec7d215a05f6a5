//! Compiling a model as the command line asks, with its stages shown.

use crate::diagnostic::{Diagnostic, Explained};
use crate::options::CompileOptions;
use crate::progress::StageProgress;
use crate::run_options::RunOptions;
use crate::subject::{Subject, warn_all};
use ocellus::Model;
use ocellus::runtime::terminal::say;
use ocellus::runtime::{Artifact, Options, Session};
use ocellus::{Compiler, Explanation, Stage, Stages, Target};
use std::num::NonZeroUsize;
use std::path::Path;

/// How many stages [`compile`] shows.
pub fn stages(options: &CompileOptions) -> usize {
    3 * options.targets.len().max(1) + 1
}

/// The compiler that the options ask for. Storage and ranges went into the model when it was loaded.
pub fn compiler(options: &CompileOptions) -> Result<Compiler, Diagnostic> {
    let mut targets = options.targets()?.into_iter();
    let first = targets.next().map_or_else(Target::host, Ok)?;
    let mut compiler = targets.fold(Compiler::new(first), Compiler::and_for);
    compiler = compiler.schedules(options.schedules.map_or(1, NonZeroUsize::get));
    if let Some(machine) = options.machine()? {
        compiler = compiler.machine(machine);
    }
    compiler = options.disable.iter().fold(compiler, |compiler, rule| compiler.disable(rule));
    compiler = options.assume.iter().fold(compiler, |compiler, said| compiler.assume(*said));
    Ok(match &options.tag {
        Some(tag) => compiler.tag(tag),
        None => compiler,
    })
}

/// Compiles a model in memory.
pub fn compile(
    model: &Model,
    options: &CompileOptions,
    stages: &mut StageProgress,
) -> Result<Artifact, Diagnostic> {
    let compiler = compiler(options)?;
    let several = compiler.targets().len() > 1;
    let compiled = compiler.compile_artifact(model, &mut |stage| show(stage, several, stages));
    let (programs, artifact) = compiled.within(&model.name)?;
    warn_of(&programs);
    Ok(artifact)
}

/// Compiles a model into a file.
pub fn compile_to_file(
    model: &Model,
    options: &CompileOptions,
    file: &Path,
    stages: &mut StageProgress,
) -> Result<(), Diagnostic> {
    let compiler = compiler(options)?;
    let several = compiler.targets().len() > 1;
    let compiled = compiler.compile_to_file(model, file, &mut |stage| show(stage, several, stages));
    warn_of(&compiled.within(&model.name)?);
    Ok(())
}

/// Shows a stage, and for which target it is where there are `several`.
fn show(stage: Stage, several: bool, stages: &mut StageProgress) {
    let mut begin = |what: &str, target: Target| match several {
        true => stages.begin(&format!("{what} for {}", target.name())),
        false => stages.begin(what),
    };
    match stage {
        Stage::Saturate(target) => begin("choose kernels", target),
        Stage::Plan(target) => begin("plan buffers and launches", target),
        Stage::Emit(target) => begin("emit machine code", target),
        Stage::Pack { done: 0, .. } => stages.begin("pack weights"),
        Stage::Pack { done, all } => stages.advance("pack weights", done, all),
    }
}

/// Says on standard error which limits were hit.
pub fn warn(explanation: &Explanation) {
    warn_all(&explanation.warnings);
}

/// The same of the programs for all targets, each limit once.
fn warn_of(programs: &[Stages]) {
    let mut warnings: Vec<String> = vec![];
    for warning in programs.iter().flat_map(|program| &program.explanation.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    warn_all(&warnings);
}

/// A subject that is ready to run as the command line asks.
pub fn session(
    subject: Subject,
    options: &CompileOptions,
    run: RunOptions,
    stages: &mut StageProgress,
) -> Result<Session, Diagnostic> {
    match subject {
        Subject::Artifact(artifact, _) => load(*artifact, for_artifact(options, run)?),
        Subject::Model(model, _) => load(compile(&model, options, stages)?, run.into()),
    }
}

/// How an artifact runs: of its targets for the one that is named, if any is.
pub fn for_artifact(options: &CompileOptions, run: RunOptions) -> Result<Options, Diagnostic> {
    Ok(Options { target: options.target_to_run()?, ..run.into() })
}

/// An artifact that is ready to run: one that was compiled here, or that the user names.
pub fn load(artifact: Artifact, options: Options) -> Result<Session, Diagnostic> {
    // SAFETY: either this process compiled it, or the user names the file, and so says that its code may run.
    let session = unsafe { Session::new(artifact, options) }?;
    for note in session.notes() {
        say(format_args!("note: {note}"));
    }
    Ok(session)
}
