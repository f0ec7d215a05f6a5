//! `ocellus run`: inputs in, features out.

use crate::compilation;
use crate::diagnostic::Diagnostic;
use crate::files_read;
use crate::inputs::{Inputs, RequiredInputs, borrowed};
use crate::options::CompileOptions;
use crate::output;
use crate::progress::StageProgress;
use crate::run_options::RunOptions;
use crate::subject::Subject;
use ocellus::Model;
use ocellus::dialects::ElementType;
use ocellus::reference::evaluate_observed;
use ocellus::runtime::terminal::say;
use ocellus::runtime::{NonFinite, Origin, Outputs, first_non_finite, write_tensors_to};
use ocellus::weights::{WeightError, first_non_finite_weight};
use std::path::PathBuf;

/// Run a model or an artifact on images or tensors
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and weights, a name on the Hugging Face hub, or an artifact
    #[arg(value_name = "MODEL|ARTIFACT")]
    subject: String,

    #[command(flatten)]
    inputs: RequiredInputs,

    /// Where the features go: a safetensors file, or a pipe such as /dev/stdout, in f32
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Run the reference interpreter instead of compiled code
    #[arg(long, conflicts_with_all = ["device", "targets", "disable", "assume", "machine", "schedules", "copy_weights"])]
    reference: bool,

    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    options: CompileOptions,
}

impl Arguments {
    fn files_read(&self, subject: &Subject) -> Vec<PathBuf> {
        let mut files = files_read::of_subject(subject.path(), &self.options);
        files.extend(self.inputs.files().cloned());
        files
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let output = output::open(&arguments.output)?;
    let mut stages = StageProgress::new(compilation::stages(&arguments.options) + 4);
    stages.begin("load");
    let subject = Subject::open(&arguments.subject, &arguments.options)?;
    output::spare(&output, &arguments.files_read(&subject))?;
    stages.begin("read the inputs");
    let inputs = arguments.inputs.read(&subject, arguments.run.threads)?;
    let (outputs, non_finite) = match &subject {
        Subject::Model(model, _) if arguments.reference => {
            stages.begin("run the reference");
            run_reference(model, &inputs)?
        }
        Subject::Artifact(_, path) if arguments.reference => {
            return Err(Diagnostic::usage("an artifact has no reference to run")
                .within(path.display())
                .help("give the model that it was compiled from"));
        }
        _ => {
            let session =
                compilation::session(subject, &arguments.options, arguments.run, &mut stages)?;
            stages.begin("run");
            let call = borrowed(&inputs);
            let outputs = session.run(&call)?;
            let non_finite = session.find_non_finite(&call, &outputs)?;
            (outputs, non_finite)
        }
    };
    stages.begin("write");
    write_tensors_to(output, &outputs)?;
    drop(stages);
    if let Some(non_finite) = non_finite {
        say(format_args!("warning: {non_finite}"));
    }
    Ok(())
}

/// The results of the interpreter, and where they stop being numbers.
fn run_reference(
    model: &Model,
    inputs: &Inputs,
) -> Result<(Outputs, Option<NonFinite>), Diagnostic> {
    let weights = model.weights.as_ref();
    let mut first = None;
    let outputs = evaluate_observed(&model.module, weights, inputs, &mut |label, tensor| {
        if first.is_none() {
            let value = first_non_finite(&tensor.data).map(|position| tensor.data[position]);
            first = value.map(|value| (label.to_string(), value));
        }
    })?;
    let outputs: Outputs = outputs.into_iter().collect();
    let non_finite = NonFinite::of(&outputs, borrowed(inputs), || {
        if let Some(weight) = first_non_finite_weight(&model.module, weights)? {
            return Ok::<_, WeightError>(Origin::Weight(weight.to_string()));
        }
        let (label, value) = first.unwrap_or(("a result".to_string(), f32::NAN));
        // Whatever the model says, the interpreter computes in f32.
        Ok(Origin::Value { label, value, storage: ElementType::F32 })
    })?;
    Ok((outputs, non_finite))
}
