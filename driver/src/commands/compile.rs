//! `ocellus compile`: a model in, an artifact or the text of a stage out.

use crate::compilation;
use crate::diagnostic::Diagnostic;
use crate::files_read;
use crate::options::CompileOptions;
use crate::output;
use crate::progress::StageProgress;
use crate::subject::open_model;
use ocellus::rewrite::{Limits, Saturated};
use ocellus::runtime::Output;
use ocellus::{Stages, Switches};
use std::path::PathBuf;

/// Compile a model, for every size in a range, into one artifact
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and weights, a name on the Hugging Face hub, or a .mlir file of `venc`
    model: String,

    /// Where the artifact goes: a file, or a pipe such as /dev/stdout
    #[arg(long, short, value_name = "FILE", required_unless_present = "emit")]
    output: Option<PathBuf>,

    /// Print a stage of the compilation instead, for one target
    #[arg(long, value_enum, conflicts_with = "output")]
    emit: Option<Emit>,

    #[command(flatten)]
    options: CompileOptions,
}

/// A stage to print.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Emit {
    /// The mathematics, as the frontend made it
    Venc,
    /// What saturation found
    Saturated,
    /// The kernels that were chosen
    Kernel,
    /// The host program
    Plan,
    /// The kernels' code as LLVM IR
    Llvm,
    /// The kernels' code as assembly; for a GPU, as PTX
    #[value(alias = "ptx")]
    Asm,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let output = arguments.output.as_deref().map(output::open).transpose()?;
    let mut stages = StageProgress::new(compilation::stages(&arguments.options) + 1);
    stages.begin("load");
    let (model, path) = open_model(&arguments.model, &arguments.options)?;
    if let Some(output) = &output {
        output::spare(output, &files_read::of_subject(&path, &arguments.options))?;
    }
    match arguments.emit {
        Some(stage) => {
            let program = compilation::compiler(&arguments.options)?.stages(&model)?;
            drop(stages);
            compilation::warn(&program.explanation);
            output::print_exactly(&text(&program, stage, &arguments.options)?)
        }
        None => {
            let options = &arguments.options;
            // What cannot be written out of order is made in memory first.
            match (arguments.output.as_deref(), output.filter(Output::is_stream)) {
                (Some(file), None) => {
                    compilation::compile_to_file(&model, options, file, &mut stages)
                }
                (_, stream) => {
                    let artifact = compilation::compile(&model, options, &mut stages)?;
                    stream.map_or(Ok(()), |stream| output::write(stream, artifact.bytes()))
                }
            }
        }
    }
}

/// What saturation finds for each piece's sizes is one e-graph: it is asked at many sizes.
fn saturated(program: &Stages, options: &CompileOptions) -> Result<String, Diagnostic> {
    let module = ocellus::rewrite::specialize(&program.venc);
    let switches = Switches::without(&options.disable)?;
    let target = compilation::compiler(options)?.rates()?;
    let rules = switches.rules().clone().and_assuming(options.assume.iter().copied());
    Ok(Saturated::new(&module, &target, &rules, Limits::default())?.to_string())
}

fn kernels(program: &Stages) -> String {
    let pieces = program.pieces.iter().enumerate();
    let text = pieces.map(|(position, piece)| {
        let count = program.pieces.len();
        let title = if count > 1 {
            format!("// piece {} of {count}\n", position + 1)
        } else {
            String::new()
        };
        format!("{title}{}", piece.module)
    });
    text.collect()
}

fn text(program: &Stages, stage: Emit, options: &CompileOptions) -> Result<String, Diagnostic> {
    let mut text = match stage {
        Emit::Venc => program.venc.to_string(),
        Emit::Saturated => saturated(program, options)?,
        Emit::Kernel => kernels(program),
        Emit::Plan => program.host.plan.to_string(),
        Emit::Llvm => program.llvm()?,
        Emit::Asm => program.assembly()?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
