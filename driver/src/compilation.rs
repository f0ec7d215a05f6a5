//! Compiling a model as the command line asks, with its stages shown.

use crate::diagnostic::{Diagnostic, Explained};
use crate::options::CompileOptions;
use crate::progress::Stages;
use crate::subject::Subject;
use ocellus_compiler::frontend::Model;
use ocellus_compiler::{Compiler, Explanation, Program, Stage};
use ocellus_runtime::{Artifact, Options, Session};
use std::num::NonZeroUsize;
use std::path::Path;

/// How many stages [`compile`] shows.
pub const STAGES: usize = 4;

/// The compiler that the options ask for. Storage and ranges went into the model when it was loaded.
pub fn compiler(options: &CompileOptions) -> Result<Compiler, Diagnostic> {
    let mut compiler = Compiler::new(options.target);
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

/// Compiles a model, into a file or in memory.
pub fn compile(
    model: &Model,
    options: &CompileOptions,
    file: Option<&Path>,
    stages: &mut Stages,
) -> Result<(Program, Artifact), Diagnostic> {
    let compiled = compiler(options)?.compile_artifact(model, file, &mut |stage| match stage {
        Stage::Saturate => stages.begin("choose kernels"),
        Stage::Plan => stages.begin("plan buffers and launches"),
        Stage::Emit => stages.begin("emit machine code"),
        Stage::Pack { done: 0, .. } => stages.begin("pack weights"),
        Stage::Pack { done, all } => stages.advance("pack weights", done, all),
    });
    let (program, artifact) = compiled.within(&model.name)?;
    warn(&program.explanation);
    Ok((program, artifact))
}

/// Says on standard error which limits were hit.
pub fn warn(explanation: &Explanation) {
    explanation.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}

/// A subject that is ready to run, with as many threads as asked for or as there are cores.
pub fn session(
    subject: Subject,
    options: &CompileOptions,
    threads: Option<NonZeroUsize>,
    stages: &mut Stages,
) -> Result<Session, Diagnostic> {
    let artifact = match subject {
        Subject::Artifact(artifact, _) => *artifact,
        Subject::Model(model, _) => compile(&model, options, None, stages)?.1,
    };
    load(artifact, threads)
}

/// An artifact that is ready to run.
pub fn load(artifact: Artifact, threads: Option<NonZeroUsize>) -> Result<Session, Diagnostic> {
    let threads = threads.map_or(Options::default().threads, NonZeroUsize::get);
    Ok(Session::new(artifact, Options { threads })?)
}
