//! `ocellus bench`: latency and throughput over the range, or on given inputs.

use crate::bounded;
use crate::compilation;
use crate::diagnostic::Diagnostic;
use crate::inputs::{Inputs, OptionalInputs, borrowed};
use crate::options::CompileOptions;
use crate::output;
use crate::progress::StageProgress;
use crate::run_options::RunOptions;
use crate::subject::Subject;
use crate::timing::{Timing, milliseconds};
use ocellus::dialects::symbolic::Dim;
use ocellus::reference;
use ocellus::runtime::{PlanSizes, Session, Size, SizeError};
use ocellus::{FLOPS_ATTACHMENT, Model};
use serde_json::{Value, json};
use std::num::NonZeroUsize;

/// Measure latency and throughput, over the range or on given inputs
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and weights, a name on the Hugging Face hub, or an artifact
    #[arg(value_name = "MODEL|ARTIFACT")]
    subject: String,

    #[command(flatten)]
    inputs: OptionalInputs,

    /// A size to measure, such as `images=8,height=224,width=224`; may be given several times. What is not named takes
    /// its least value
    #[arg(long = "size", value_name = "SYMBOL=VALUE,…", conflicts_with_all = ["image", "input"])]
    sizes: Vec<Size>,

    /// Runs of each case, after one to warm up
    #[arg(long, value_name = "N", default_value = "20", value_parser = bounded::runs)]
    runs: NonZeroUsize,

    #[command(flatten)]
    run: RunOptions,

    /// Measure the reference interpreter too, one run a case
    #[arg(long)]
    reference: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    options: CompileOptions,
}

/// What was measured at one size.
struct Case {
    size: Size,
    images: Option<i64>,
    compiled: Timing,
    /// Floating-point operations of one run, where they are known.
    flops: Option<i64>,
    reference: Option<Timing>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let mut stages = StageProgress::new(compilation::stages(&arguments.options) + 2);
    stages.begin("load");
    let subject = Subject::open(&arguments.subject, &arguments.options)?;
    let given = arguments.inputs.read(&subject, arguments.run.threads)?;
    let model = match &subject {
        Subject::Model(model, _) => Some(model.clone()),
        Subject::Artifact(_, path) if arguments.reference => {
            return Err(Diagnostic::usage("an artifact has no reference to measure")
                .within(path.display())
                .help("give the model that it was compiled from"));
        }
        Subject::Artifact(..) => None,
    };
    let model = model.filter(|_| arguments.reference);
    let session = compilation::session(subject, &arguments.options, arguments.run, &mut stages)?;
    stages.begin("measure");
    let sizes = PlanSizes::of(session.plan());
    let flops = session.artifact().attachment(FLOPS_ATTACHMENT);
    let flops = flops.and_then(|text| text.parse::<Dim>().ok());
    let inputs_of = |size: &Size| sizes.inputs(size).map_err(|error| unfit_size(&error));
    let inputs = match given {
        Some(inputs) => vec![inputs],
        None if arguments.sizes.is_empty() => {
            sizes.over_the_range().iter().map(inputs_of).collect::<Result<_, _>>()?
        }
        None => arguments.sizes.iter().map(inputs_of).collect::<Result<_, _>>()?,
    };
    let runs = arguments.runs.get();
    let cases = inputs
        .iter()
        .map(|inputs| measure(&session, (&sizes, flops.as_ref()), model.as_deref(), inputs, runs))
        .collect::<Result<Vec<_>, Diagnostic>>()?;
    drop(stages);
    if arguments.json {
        let cases: Vec<Value> = cases.iter().map(Case::json).collect();
        return output::print_json(&format!("{:#}", json!({ "cases": cases })));
    }
    output::print(&table(&cases))
}

fn unfit_size(error: &SizeError) -> Diagnostic {
    match error {
        SizeError::UnknownSymbol { .. } => Diagnostic::usage(error.to_string()),
        SizeError::OutOfMemory { .. } => Diagnostic::new(error.to_string()),
    }
}

fn measure(
    session: &Session,
    (sizes, flops): (&PlanSizes, Option<&Dim>),
    model: Option<&Model>,
    inputs: &Inputs,
    runs: usize,
) -> Result<Case, Diagnostic> {
    let call = borrowed(inputs);
    let compiled = Timing::measure(runs, || session.run(&call).map(|_| ()))?;
    let reference = model.map(|model| {
        Timing::once(|| {
            reference::evaluate(&model.module, model.weights.as_ref(), inputs).map(|_| ())
        })
    });
    let bindings = sizes.of_inputs(inputs);
    Ok(Case {
        size: sizes.size(&bindings),
        images: sizes.value(&bindings, "images"),
        compiled,
        flops: flops.and_then(|flops| flops.evaluate(&bindings)),
        reference: reference.transpose()?,
    })
}

impl Case {
    fn gflops(&self) -> Option<f64> {
        Some(self.flops? as f64 / self.compiled.median.as_secs_f64() / 1e9)
    }

    fn json(&self) -> Value {
        json!({
            "size": self.size.to_string(),
            "median_ms": milliseconds(self.compiled.median),
            "min_ms": milliseconds(self.compiled.min),
            "max_ms": milliseconds(self.compiled.max),
            "gflops": self.gflops(),
            "reference_ms": self.reference.map(|timing| milliseconds(timing.median)),
        })
    }
}

fn table(cases: &[Case]) -> String {
    let mut text = format!(
        "{:<40} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
        "size", "median ms", "min ms", "max ms", "images/s", "GFLOP/s"
    );
    for case in cases {
        let per_second = case.images.map(|n| n as f64 / case.compiled.median.as_secs_f64());
        text += &format!(
            "{:<40} {:>10.3} {:>10.3} {:>10.3} {:>10} {:>10}\n",
            case.size,
            milliseconds(case.compiled.median),
            milliseconds(case.compiled.min),
            milliseconds(case.compiled.max),
            number(per_second),
            number(case.gflops()),
        );
        if let Some(reference) = case.reference {
            let ratio = reference.median.as_secs_f64() / case.compiled.median.as_secs_f64();
            text += &format!(
                "{:<40} {:>10.3}   compiled is {ratio:.1} times as fast\n",
                "  reference interpreter, unfused",
                milliseconds(reference.median)
            );
        }
    }
    text
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_string(), |value| format!("{value:.1}"))
}
