//! `ocellus verify`: compiled against the reference, layer by layer.

use crate::artifact_options::options_of;
use crate::compilation;
use crate::diagnostic::Diagnostic;
use crate::inputs::{Inputs, OptionalInputs};
use crate::options::CompileOptions;
use crate::output;
use crate::progress::StageProgress;
use crate::run_options::RunOptions;
use crate::subject::{Subject, open_model};
use ocellus::Model;
use ocellus::dialects::symbolic::Bindings;
use ocellus::reference::bind_inputs;
use ocellus::runtime::Session;
use ocellus::runtime::terminal::say;
use ocellus::verify::{
    Pieces, SizeCheck, Sizes, Verdict, check_inputs, check_size, find_fault, sizes_to_check,
};
use ocellus::{Compiler, Pass, Target};
use std::fmt::Write;

/// Hold a compiled model against the reference interpreter, layer by layer
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and weights, a name on the Hugging Face hub, or an artifact
    #[arg(value_name = "MODEL|ARTIFACT")]
    subject: String,

    /// The model that the artifact was compiled from
    #[arg(long, value_name = "MODEL")]
    against: Option<String>,

    #[command(flatten)]
    inputs: OptionalInputs,

    /// Where the two differ, find the rewrite rule or pass at fault
    #[arg(long)]
    bisect: bool,

    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    options: CompileOptions,
}

/// What is said of the model that an artifact is held against, and of how it is compiled again to find a fault; the artifact
/// says the rest.
const TOLD_OF_A_MODEL: [&str; 4] = ["--disable", "--assume", "--machine", "--feature-layer"];

/// Both sides of the comparison.
struct Sides {
    model: Model,
    session: Session,
    options: CompileOptions,
    run: RunOptions,
    given: Option<Inputs>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let mut stages = StageProgress::new(compilation::stages(&arguments.options) + 2);
    let sides = prepare(arguments, &mut stages)?;
    stages.begin("compare");
    let pieces = sides.pieces();
    let sizes = sides.sizes(&pieces);
    let checks: Result<Vec<_>, _> = sizes.run.iter().map(|size| sides.check(size)).collect();
    let checks = checks?;
    drop(stages);
    output::print(&table(&checks, &pieces, &sides.session))?;
    for piece in sizes.left_out {
        say(format_args!(
            "warning: {} was not checked: its least size takes too long; give one by --input, or a smaller range by --range",
            pieces.describe(piece)
        ));
    }
    if sizes.borders_left_out > 0 {
        say(format_args!(
            "warning: {} more size(s) at borders of pieces were not checked, for time; a smaller --range has fewer",
            sizes.borders_left_out
        ));
    }
    let Some(failed) = checks.iter().find(|check| !check.passed()) else { return Ok(()) };
    let diagnostic = failure(failed);
    if !arguments.bisect {
        return Err(
            diagnostic.help("`ocellus verify --bisect` finds the rewrite rule or pass at fault")
        );
    }
    let compiler = compilation::compiler(&sides.options)?;
    let verdict = find_fault(&compiler, &sides.model, |compiler, off| {
        say(format_args!(
            "without {}",
            if off.is_empty() { "nothing".into() } else { off.join(", ") }
        ));
        Ok::<_, Diagnostic>(!sides.with(compiler)?.check(&failed.size)?.passed())
    });
    Err(diagnostic.help(fault(&verdict?)))
}

fn prepare(arguments: &Arguments, stages: &mut StageProgress) -> Result<Sides, Diagnostic> {
    stages.begin("load");
    let subject =
        Subject::open_to_compile_again(&arguments.subject, &arguments.options, &TOLD_OF_A_MODEL)?;
    let given = arguments.inputs.read(&subject, arguments.run.threads)?;
    let (run, options) = (arguments.run, &arguments.options);
    let (model, session, options) = match subject {
        Subject::Artifact(artifact, path) => {
            let against = arguments.against.as_ref().ok_or_else(|| {
                Diagnostic::usage("an artifact has no reference to be held against")
                    .within(path.display())
                    .help("give the model that it was compiled from by --against")
            })?;
            let session = compilation::load(*artifact, compilation::for_artifact(options, run)?)?;
            let options = options_of(&session, options);
            (open_model(against, &options)?.0, session, options)
        }
        Subject::Model(model, _) => {
            let session =
                compilation::load(compilation::compile(&model, options, stages)?, run.into())?;
            // To find a fault, the model is compiled again: for what runs.
            let target = Target::of_requirements(session.target());
            let targets = target.into_iter().collect();
            (*model, session, CompileOptions { targets, ..options.clone() })
        }
    };
    Ok(Sides { model, session, options, run, given })
}

impl Sides {
    fn pieces(&self) -> Pieces {
        Pieces::of(self.session.plan(), &self.model.module.symbols)
    }

    /// Sizes of every piece, or that of the inputs that were given.
    fn sizes(&self, pieces: &Pieces) -> Sizes {
        match &self.given {
            Some(_) => Sizes { run: vec![Bindings::new()], ..Sizes::default() },
            None => sizes_to_check(&self.model.module, pieces),
        }
    }

    /// Compares at a size, or on the inputs that were given.
    fn check(&self, size: &Bindings) -> Result<SizeCheck, Diagnostic> {
        let (module, weights) = (&self.model.module, self.model.weights.as_ref());
        let Some(inputs) = &self.given else {
            return Ok(check_size(module, weights, &self.session, size)?);
        };
        let entry = module
            .entry_function()
            .ok_or_else(|| Diagnostic::new(format!("there is no function @{}", module.entry)))?;
        let bound = bind_inputs(&module.symbols, entry, inputs)?;
        let free = module.symbols.free().filter_map(|(symbol, _)| bound.get_key_value(symbol));
        let size = free.map(|(symbol, value)| (symbol.clone(), *value)).collect();
        Ok(check_inputs(module, weights, &self.session, &size, inputs)?)
    }

    /// The same comparison with the model compiled in another way.
    fn with(&self, compiler: &Compiler) -> Result<Sides, Diagnostic> {
        let (_, artifact) = compiler.compile_artifact(&self.model, &mut |_| {})?;
        let session = compilation::load(artifact, self.run.into())?;
        let (model, given) = (self.model.clone(), self.given.clone());
        let (options, run) = (self.options.clone(), self.run);
        Ok(Sides { model, session, options, run, given })
    }
}

fn fault(verdict: &Verdict) -> String {
    match verdict {
        Verdict::NoFault => "compiled again, it does not differ".to_string(),
        Verdict::NotSwitchable => {
            "neither a rewrite rule nor a pass that can be left out is at fault: look at the kernels and their code"
                .to_string()
        }
        Verdict::Guilty(names) => {
            let named = names.iter().map(|name| match Pass::from_name(name) {
                Some(_) => format!("the pass `{name}`"),
                None => format!("the rule `{name}`"),
            });
            format!(
                "at fault: {}; `--disable {}` leaves it out",
                named.collect::<Vec<_>>().join(", "),
                names.join(",")
            )
        }
    }
}

fn table(checks: &[SizeCheck], pieces: &Pieces, session: &Session) -> String {
    let mut text = format!("{:<34} {:>11} {:>11}\n", "", "relative L2", "tolerance");
    for check in checks {
        let piece = pieces.at(&check.size).map(|piece| format!(" in {}", pieces.describe(piece)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}{}", size(&check.size), piece.unwrap_or_default());
        for value in &check.values {
            let verdict = if value.passed() { "ok" } else { "DIFFERS" };
            let _ = writeln!(
                text,
                "  {:<32} {:>11.2e} {:>11.2e}  {verdict}",
                value.label, value.relative_l2, value.tolerance
            );
        }
    }
    let values = checks.iter().map(|check| check.values.len()).sum::<usize>();
    let failed =
        checks.iter().flat_map(|check| &check.values).filter(|value| !value.passed()).count();
    let _ = writeln!(
        text,
        "{values} values at {} size(s), {failed} of them too far from the reference\nthe tolerance is 4 sqrt(n) (sqrt(k) \
         2^-24 + u): n launches up to the value, k terms in the longest sum, u the roundoff of the storage",
        checks.len()
    );
    let _ = writeln!(text, "{}", what_was_verified(session));
    text
}

/// Which program of the artifact it was, and of which others nothing is known.
fn what_was_verified(session: &Session) -> String {
    let verified = &session.target().name;
    let variants = session.artifact().variants().iter();
    let others = variants.filter(|variant| variant.target.name != *verified);
    let others: Vec<String> = others.map(|variant| format!("`{}`", variant.target.name)).collect();
    match others.is_empty() {
        true => format!("compiled for `{verified}`"),
        false => format!(
            "compiled for `{verified}`; not verified here: {}, each of which `--target` names",
            others.join(", ")
        ),
    }
}

fn size(size: &Bindings) -> String {
    let sizes: Vec<String> =
        size.iter().map(|(symbol, value)| format!("{symbol} = {value}")).collect();
    if sizes.is_empty() { "the one size".to_string() } else { sizes.join(", ") }
}

fn failure(check: &SizeCheck) -> Diagnostic {
    match check.values.iter().find(|value| !value.passed()) {
        Some(value) if !value.reference_is_finite => Diagnostic::new(format!(
            "`{}` is infinite or NaN in the reference too, so that nothing can be held against it",
            value.label
        ))
        .help("look for the cause in the weights, which `ocellus run --reference` names, and in the inputs"),
        Some(value) if !value.compiled_is_finite => Diagnostic::new(format!(
            "`{}` is the first value that differs from the reference: it holds infinities or NaN, where the reference is \
             finite",
            value.label
        ))
        .help("f16 ends at 65504; `--dtype bf16` and `--dtype f32` end beyond 1e38"),
        Some(value) => Diagnostic::new(format!(
            "`{}` is the first value that differs from the reference: by {:.2e}, where {:.2e} is allowed",
            value.label, value.relative_l2, value.tolerance
        )),
        None => Diagnostic::new("there was no value to compare"),
    }
    .within(size(&check.size))
}
