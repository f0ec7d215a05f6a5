//! `ocellus-run`: runs an artifact, and needs nothing else.

mod tune;

use lexopt::prelude::*;
use ocellus_runtime::devices::{DeviceKind, DeviceName};
use ocellus_runtime::terminal::{print, say};
use ocellus_runtime::unfinished::remove_when_stopped;
use ocellus_runtime::{
    DeviceArray, HostTensor, IoBinding, MAX_THREADS, Options, Output, Outputs, RunError, Session,
    Size, TensorsFileError, read_tensors, write_tensors_to,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// More runs than anybody waits for.
const MAX_RUNS: usize = 1_000_000;

const USAGE: &str = "\
Usage: ocellus-run ARTIFACT --input IN.safetensors --output OUT.safetensors [--device KIND] [--target NAME] [--threads N]
                   [--copy-weights] [--profile] [--runs N] [--on-device]
       ocellus-run tune ARTIFACT [--size SYMBOL=VALUE,..] [--device KIND] [--target NAME] [--threads N]
       ocellus-run --devices [--device KIND]

  tune            measure the schedules that the artifact has of each launch (`ocellus compile --schedules`), and remember
                  the fastest in `ARTIFACT.tuning.json`, which later runs on such a machine go by
  ARTIFACT        what `ocellus compile` wrote
  --input FILE    the inputs by name, such as `pixel_values`, in f64, f32, f16 or bf16; a pipe too
  --output FILE   where the outputs go, in f32; a pipe or `/dev/stdout` too
  --device KIND   where to run: {kinds}; by default where the artifact was compiled for
  --target NAME   which of the targets that the artifact was compiled for to run it for; by default the most able that the
                  device can run
  --threads N     threads to use; by default one for every core
  --copy-weights  copy the weights to memory of the process's own, in large pages, instead of reading them where the
                  artifact is mapped: calls of few images take up to a sixth less
  --profile       print the time of each launch to stderr
  --runs N        run N times more, and print to stderr how long a call takes
  --on-device     with --runs: say also how long a call takes whose tensors stay on the device
  --size SIZE     with tune: a size to measure, such as `images=8`; may be given several times; by default up to three of
                  each part of the range
  --devices       print what devices there are, by the driver of `--device` where that is given
";

struct Arguments {
    artifact: PathBuf,
    input: PathBuf,
    output: PathBuf,
    options: Options,
    profile: bool,
    runs: usize,
    on_device: bool,
}

/// What is asked for.
enum Command {
    Help,
    Devices(Option<DeviceKind>),
    Run(Arguments),
    Tune(tune::Arguments),
}

fn main() -> ExitCode {
    remove_when_stopped();
    let done = match parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(&usage()).map_err(Into::into),
        Ok(Command::Devices(device)) => print(&devices(device)).map_err(Into::into),
        Ok(Command::Run(arguments)) => run(&arguments),
        Ok(Command::Tune(arguments)) => tune::run(&arguments),
        Err(error) => {
            // What caused it is part of what it says.
            say(format_args!("error: {error}\n\n{}\n`ocellus-run --help` says more", forms()));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&*error),
    }
}

fn usage() -> String {
    USAGE.replace("{kinds}", DeviceName::FORMS)
}

/// What a command line looks like, without what its parts mean.
fn forms() -> &'static str {
    USAGE.split_once("\n\n").map_or(USAGE, |(forms, _)| forms)
}

/// What devices there are. Of those that have a driver, one is asked: that of the kind that is given, or the first.
fn devices(device: Option<DeviceKind>) -> String {
    let [host, first, ..] = DeviceKind::ALL;
    let asked = device.filter(|kind| *kind != host).unwrap_or(first);
    let line = |kind: DeviceKind| {
        let lines = kind.describe().into_iter();
        lines.map(move |line| format!("{:<5} {line}\n", kind.name()))
    };
    [host, asked].into_iter().flat_map(line).collect()
}

/// What the command line asks for.
fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut artifact, mut input, mut output) = (None, None, None);
    let (mut threads, mut device, mut target, mut runs) = (None, None, None, None);
    let (mut profile, mut lists_devices, mut on_device, mut tunes) = (false, false, false, false);
    let mut copies_weights = false;
    let mut sizes = vec![];
    while let Some(argument) = parser.next()? {
        match argument {
            Long("input") => once(&mut input, "--input", PathBuf::from(parser.value()?))?,
            Long("output") => once(&mut output, "--output", PathBuf::from(parser.value()?))?,
            Long("threads") => {
                once(&mut threads, "--threads", parser.value()?.parse_with(number_of_threads)?)?;
            }
            Long("device") => {
                once(&mut device, "--device", parser.value()?.parse::<DeviceName>()?)?;
            }
            Long("target") => once(&mut target, "--target", parser.value()?.string()?)?,
            Long("devices") => lists_devices = true,
            Long("profile") => profile = true,
            Long("copy-weights") => copies_weights = true,
            Long("runs") => once(&mut runs, "--runs", parser.value()?.parse_with(number_of_runs)?)?,
            Long("on-device") => on_device = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("size") => sizes.push(parser.value()?.parse::<Size>()?),
            // A file of that name is `./tune`.
            Value(word) if artifact.is_none() && !tunes && word == "tune" => tunes = true,
            Value(path) if artifact.is_none() => artifact = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    // What only a run has.
    let of_a_run = [
        ("--input", input.is_some()),
        ("--output", output.is_some()),
        ("--profile", profile),
        ("--runs", runs.is_some()),
        ("--on-device", on_device),
        ("--copy-weights", copies_weights),
    ];
    if lists_devices {
        let others = [
            ("tune", tunes),
            ("ARTIFACT", artifact.is_some()),
            ("--size", !sizes.is_empty()),
            ("--threads", threads.is_some()),
            ("--target", target.is_some()),
        ];
        leave_out("`--devices` runs nothing", others.into_iter().chain(of_a_run))?;
        return Ok(Command::Devices(device.map(|DeviceName { kind, .. }| kind)));
    }
    let missing = |what: &str| lexopt::Error::from(format!("{what} is missing"));
    let artifact = artifact.ok_or_else(|| missing("ARTIFACT"))?;
    let options = Options {
        threads: threads.unwrap_or(Options::default().threads),
        device: device.map(|DeviceName { kind, .. }| kind),
        ordinal: device.map_or(0, |DeviceName { ordinal, .. }| ordinal),
        target,
        copies_weights,
    };
    if tunes {
        leave_out("`tune` makes inputs of its own, and keeps no outputs", of_a_run)?;
        return Ok(Command::Tune(tune::Arguments { artifact, sizes, options }));
    }
    if !sizes.is_empty() {
        return Err("`--size` is for `tune`: a run has the sizes of its inputs".into());
    }
    if on_device && runs.is_none() {
        return Err(
            "`--on-device` says how long calls take: say how many to make by `--runs`".into()
        );
    }
    Ok(Command::Run(Arguments {
        artifact,
        input: input.ok_or_else(|| missing("--input"))?,
        output: output.ok_or_else(|| missing("--output"))?,
        options,
        profile,
        runs: runs.unwrap_or(0),
        on_device,
    }))
}

/// Keeps the value of an option, of which there is one.
fn once<T>(kept: &mut Option<T>, option: &str, value: T) -> Result<(), lexopt::Error> {
    match kept.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{option}` is given twice: leave one of them out").into()),
    }
}

/// An error that names what is given without having a meaning there.
fn leave_out<'a>(
    why: &str,
    meaningless: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<(), lexopt::Error> {
    let given = meaningless.into_iter().filter(|(_, is_given)| *is_given);
    let names: Vec<String> = given.map(|(name, _)| format!("`{name}`")).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(format!("{why}: leave out {}", names.join(", ")).into()),
    }
}

fn number_of_threads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_THREADS).contains(number));
    number.ok_or_else(|| format!("give a number of threads in 1..={}", MAX_THREADS))
}

fn number_of_runs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_RUNS).contains(number));
    number.ok_or_else(|| format!("give a number of runs in 1..={MAX_RUNS}"))
}

/// The place for the outputs, which is none of the files that are read.
fn open_output(arguments: &Arguments) -> Result<Output, TensorsFileError> {
    let path = &arguments.output;
    let read: [&Path; 2] = [&arguments.artifact, &arguments.input];
    Output::open(path)
        .and_then(|output| output.spare(read).map(|()| output))
        .map_err(|source| TensorsFileError::Write { path: path.clone(), source })
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let output = open_output(arguments)?;
    // SAFETY: the user names the file, and so says that its code may run and that nobody writes into it meanwhile.
    let session = unsafe { Session::load(&arguments.artifact, arguments.options.clone()) }?;
    for note in session.notes() {
        say(format_args!("note: {note}"));
    }
    let plan = session.plan();
    let tensors = read_tensors(&arguments.input, |name| plan.holds_indices(name))?;
    let inputs: Vec<(&str, &HostTensor)> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let outputs = if arguments.profile {
        let (outputs, times) = session.run_profiled(&inputs)?;
        for time in &times {
            let label = time.label.as_deref().unwrap_or_default();
            say(format_args!(
                "{:>10.1} us  {:>6} tiles  {}  {label}",
                time.microseconds, time.tiles, time.symbol
            ));
        }
        let total: f64 = times.iter().map(|time| time.microseconds).sum();
        say(format_args!("{total:>10.1} us  in {} launches", times.len()));
        outputs
    } else {
        session.run(&inputs)?
    };
    if arguments.runs > 0 {
        say_times("a call", arguments.runs, || session.run(&inputs).map(drop))?;
        if arguments.on_device {
            say_device_times(&session, &inputs, &outputs, arguments.runs)?;
        }
    }
    write_tensors_to(output, &outputs)?;
    if let Some(non_finite) = session.find_non_finite(&inputs, &outputs)? {
        say(format_args!("warning: {non_finite}"));
    }
    Ok(())
}

/// Says how long each of so many calls takes, one after the other.
fn say_times(
    what: &str,
    runs: usize,
    mut call: impl FnMut() -> Result<(), RunError>,
) -> Result<(), RunError> {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        call()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    });
    let mut times = times.collect::<Result<Vec<f64>, RunError>>()?;
    times.sort_by(f64::total_cmp);
    if let (Some(fastest), Some(median)) = (times.first(), times.get(times.len() / 2)) {
        say(format_args!("{what} takes {median:.1} us, {fastest:.1} us at best"));
    }
    Ok(())
}

/// The same of calls whose tensors lie on the device, save for indices, and stay there.
fn say_device_times(
    session: &Session,
    inputs: &[(&str, &HostTensor)],
    outputs: &Outputs,
    runs: usize,
) -> Result<(), RunError> {
    let plan = session.plan();
    let of_host = inputs.iter().filter(|(name, _)| plan.holds_indices(name));
    let numbers = inputs.iter().filter(|(name, _)| !plan.holds_indices(name));
    let inputs_there = numbers.map(|(name, tensor)| Ok((*name, session.to_device(tensor)?)));
    let inputs_there = inputs_there.collect::<Result<Vec<_>, RunError>>()?;
    let outputs_there = outputs.iter().map(|(_, tensor)| session.new_on_device(&tensor.shape));
    let outputs_there = outputs_there.collect::<Result<Vec<_>, RunError>>()?;
    let arrays = inputs_there.iter().map(|(_, array)| array).chain(&outputs_there);
    let tensors: Vec<_> = arrays.map(DeviceArray::tensor).collect();
    let (given, wanted) = tensors.split_at(inputs_there.len());
    let mut binding = IoBinding::new();
    for (name, tensor) in of_host {
        binding = binding.input(name, *tensor);
    }
    for ((name, _), tensor) in inputs_there.iter().zip(given) {
        binding = binding.device_input(name, tensor);
    }
    for ((name, _), tensor) in outputs.iter().zip(wanted) {
        binding = binding.device_output(name, tensor);
    }
    let what = "a call whose tensors stay on the device";
    say_times(what, runs, || session.run_bound(&binding).map(drop))
}

/// Prints the error and what caused it; some errors repeat their cause in their own text.
fn report(error: &dyn Error) -> ExitCode {
    let mut said = error.to_string();
    say(format_args!("error: {said}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            say(format_args!("  caused by: {text}"));
            said = text;
        }
        cause = error.source();
    }
    ExitCode::FAILURE
}
