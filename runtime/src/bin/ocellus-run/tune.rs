//! `ocellus-run tune`: finds the fastest schedules of an artifact on this machine, and remembers them beside it.

use ocellus_runtime::terminal::{print, say};
use ocellus_runtime::tuning::{TunedLaunch, TuningFile};
use ocellus_runtime::{HostTensor, Options, PlanSizes, Session, Size};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

/// What is to be tuned.
pub struct Arguments {
    pub artifact: PathBuf,
    /// The sizes to measure at; some of each program where there are none.
    pub sizes: Vec<Size>,
    pub options: Options,
}

/// Measures, prints what was found, and writes it down.
pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let path = TuningFile::path_for(&arguments.artifact);
    // Before the work: what was remembered of other machines stays, and what cannot be read is not lost.
    let remembered = TuningFile::read(&path)?;
    let place = TuningFile::place(&path)?;
    // SAFETY: the user names the file, and so says that its code may run and that nobody writes into it meanwhile.
    let mut session = unsafe { Session::load(&arguments.artifact, arguments.options.clone()) }?;
    let plan = session.plan();
    let launches = plan.programs.iter().flat_map(|program| &program.launches);
    if launches.into_iter().all(|launch| launch.alternatives.is_empty()) {
        let message = "there is nothing to choose among, as each launch has one schedule: compile the model with \
                       `ocellus compile --schedules 4`";
        return Err(message.into());
    }
    // What it was tuned to as another model is of no use; what its other variants were tuned to stays.
    let mut file = remembered.unwrap_or_default();
    file.keep_those_of(session.artifact());
    let sizes = PlanSizes::of(plan);
    let measured = match arguments.sizes.as_slice() {
        [] => sizes.of_each_program(),
        sizes => sizes.to_vec(),
    };
    let inputs: Vec<BTreeMap<String, HostTensor>> =
        measured.iter().map(|size| sizes.inputs(size)).collect::<Result<_, _>>()?;
    let calls: Vec<Vec<(&str, &HostTensor)>> = inputs
        .iter()
        .map(|inputs| inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect())
        .collect();
    say(format_args!("measuring at {} size(s)", calls.len()));
    let (tuning, launches) = session.tune(&calls)?;
    print(&table(&launches, &measured))?;
    file.remember(tuning);
    file.write_to(place, &path)?;
    let target = &session.target().name;
    say(format_args!(
        "wrote `{}`, which whoever runs the artifact for `{target}` here goes by",
        path.display()
    ));
    Ok(())
}

/// A line for each schedule that was measured, those of a launch together below the sizes.
fn table(launches: &[TunedLaunch], sizes: &[Size]) -> String {
    let mut text = String::new();
    let mut program = None;
    for launch in launches {
        if program.replace(launch.program) != Some(launch.program) {
            let sizes = launch.calls.iter().filter_map(|call| sizes.get(*call));
            let sizes: Vec<String> = sizes.map(Size::to_string).collect();
            text += &format!("program {}: microseconds at {}\n", launch.program, sizes.join("; "));
        }
        text += &format!("  launched {} times, the chosen schedule marked:\n", launch.launches);
        for (number, kernel) in launch.kernels.iter().enumerate() {
            let mark = if number == launch.chosen { '*' } else { ' ' };
            let times = launch.microseconds.iter().filter_map(|times| times.get(number));
            let times: String = times.map(|time| format!("{time:>10.1}")).collect();
            text += &format!("  {mark}{times}  {kernel}\n");
        }
    }
    text
}
