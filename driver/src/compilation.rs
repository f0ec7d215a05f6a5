//! Compiling a model as the command line asks, with its stages shown.

use crate::diagnostic::{Diagnostic, Explained};
use crate::options::CompileOptions;
use crate::progress::StageProgress;
use crate::run_options::RunOptions;
use crate::subject::{Subject, warn_all};
use ocellus::Model;
use ocellus::runtime::terminal::say;
use ocellus::runtime::{Artifact, Options, Session};
use ocellus::{Compiler, Explanation, Stage, Stages};
use std::path::Path;

/// How many stages [`compile`] shows.
pub const STAGES: usize = 4;

/// The compiler that the options ask for. Storage and ranges went into the model when it was loaded.
pub fn compiler(options: &CompileOptions) -> Result<Compiler, Diagnostic> {
    let mut compiler = Compiler::new(options.target()?).schedules(options.schedules.get());
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
) -> Result<(Stages, Artifact), Diagnostic> {
    let compiler = compiler(options)?;
    let compiled = compiler.compile_artifact(model, &mut |stage| show(stage, stages));
    let (program, artifact) = compiled.within(&model.name)?;
    warn(&program.explanation);
    Ok((program, artifact))
}

/// Compiles a model into a file.
pub fn compile_to_file(
    model: &Model,
    options: &CompileOptions,
    file: &Path,
    stages: &mut StageProgress,
) -> Result<(), Diagnostic> {
    let compiler = compiler(options)?;
    let compiled = compiler.compile_to_file(model, file, &mut |stage| show(stage, stages));
    warn(&compiled.within(&model.name)?.explanation);
    Ok(())
}

fn show(stage: Stage, stages: &mut StageProgress) {
    match stage {
        Stage::Saturate => stages.begin("choose kernels"),
        Stage::Plan => stages.begin("plan buffers and launches"),
        Stage::Emit => stages.begin("emit machine code"),
        Stage::Pack { done: 0, .. } => stages.begin("pack weights"),
        Stage::Pack { done, all } => stages.advance("pack weights", done, all),
    }
}

/// Says on standard error which limits were hit.
pub fn warn(explanation: &Explanation) {
    warn_all(&explanation.warnings);
}

/// A subject that is ready to run as the command line asks.
pub fn session(
    subject: Subject,
    options: &CompileOptions,
    run: RunOptions,
    stages: &mut StageProgress,
) -> Result<Session, Diagnostic> {
    let artifact = match subject {
        Subject::Artifact(artifact, _) => *artifact,
        Subject::Model(model, _) => compile(&model, options, stages)?.1,
    };
    load(artifact, run.into())
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
