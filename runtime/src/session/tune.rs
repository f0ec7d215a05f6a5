//! [`Session::tune`]: measures the schedules of launches, and takes the fastest.
//!
//! A launch is measured where its turn comes in its program, so that it reads what it would read: it is repeated there,
//! since it may be shorter than a clock is exact. Launches of a program that have the same schedules and the same numbers
//! do the same work, so the first of them is measured for all.

use super::binding::{bind, describe_values};
use super::compiled_program::CompiledProgram;
use super::observers::{Launched, Observer};
use super::{IoBinding, RunError, Session, given};
use crate::devices::{self, DeviceError, Launches, Stream};
use crate::signature::plan_hash;
use crate::tuning::{LaunchTimes, TunedLaunch, Tuning, cheapest};
use ocellus_dialects::AnyTensor;
use ocellus_dialects::plan::{Expression, Launch, LaunchArgument, Plan};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often all schedules are measured, one after the other. The fastest time of each counts: what else a machine does
/// takes time, and never gives any.
const ROUNDS: usize = 5;

/// After so long no other round is begun.
const ROUNDS_FOR: Duration = Duration::from_secs(20);

/// For how long a launch is repeated.
const REPEATED_FOR: Duration = Duration::from_millis(2);

/// The most repetitions.
const MAX_REPETITIONS: u128 = 100;

/// The launches of a program that have several schedules, by position, those together that do the same work. No group is empty.
type Groups = Vec<Vec<usize>>;

/// What was measured, by program and number of the group.
type Tuned = BTreeMap<(usize, usize), TunedLaunch>;

impl Session {
    /// Measures every schedule of every launch at the sizes of these calls, goes on with the fastest for each program, and
    /// says what was measured. A program that none of the calls runs keeps the compiler's schedules.
    ///
    /// # Errors
    /// Those of a run. Then the session goes on with the compiler's schedules.
    pub fn tune<T: AnyTensor + ?Sized>(
        &mut self,
        calls: &[Vec<(&str, &T)>],
    ) -> Result<(Tuning, Vec<TunedLaunch>), RunError> {
        let alike = alike(self.plan());
        let measured = self.measure(calls, &alike);
        self.set_schedules(vec![]);
        let tuned = measured?;
        let schedules = chosen(self.plan(), &alike, &tuned);
        self.set_schedules(schedules.clone());
        let (plan, device) = (plan_hash(self.plan()), self.device_name());
        let tuning = Tuning { plan, device, schedules };
        Ok((tuning, tuned.into_values().collect()))
    }

    /// Runs the launches of each program with those schedules.
    pub(super) fn set_schedules(&mut self, schedules: Vec<Vec<usize>>) {
        let plan = &*self.variant.plan;
        let programs = plan.programs.iter().enumerate().map(|(position, program)| {
            let schedules = schedules.get(position).map_or(&[][..], Vec::as_slice);
            CompiledProgram::new(plan, program, schedules)
        });
        self.programs.programs = programs.collect();
        // What is bound has the schedules of before.
        self.workspaces.forget();
    }

    /// What is measured, by program and group of launches.
    fn measure<T: AnyTensor + ?Sized>(
        &mut self,
        calls: &[Vec<(&str, &T)>],
        alike: &[Groups],
    ) -> Result<Tuned, RunError> {
        let mut tuned = Tuned::new();
        for (position, call) in calls.iter().enumerate() {
            let (program, times) = self.times_at(&given(call), alike)?;
            for (group, times) in times.into_iter().enumerate() {
                let launch = tuned
                    .entry((program, group))
                    .or_insert_with(|| unmeasured(self.plan(), program, &alike[program][group]));
                launch.calls.push(position);
                launch.microseconds.push(times);
                launch.chosen = cheapest(&launch.microseconds);
            }
        }
        Ok(tuned)
    }

    /// The program of a call, and the times of each group of its launches.
    fn times_at(
        &mut self,
        call: &IoBinding,
        alike: &[Groups],
    ) -> Result<(usize, Vec<LaunchTimes>), RunError> {
        let plan = self.plan();
        let symbols = bind(plan, &call.inputs)?.symbols;
        let none = || RunError::NoPiece(describe_values(plan, &symbols));
        let program = self.programs.dispatch.program_at(&symbols).ok_or_else(none)?;
        let launches = &plan.programs[program].launches;
        let numbers = launches.iter().map(|launch| launch.schedules().count()).max().unwrap_or(0);
        let (programs, launches) = (plan.programs.len(), launches.len());
        let groups = &alike[program];
        let mut times: Vec<LaunchTimes> = vec![vec![]; groups.len()];
        let start = Instant::now();
        for round in 0..ROUNDS {
            if groups.is_empty() || round > 0 && start.elapsed() > ROUNDS_FOR {
                break;
            }
            for number in 0..numbers {
                let mut schedules = vec![vec![]; programs];
                schedules[program] = vec![number; launches];
                self.set_schedules(schedules);
                let mut repeated = Repeated { number, groups, times: vec![] };
                self.execute(call, Some(&mut repeated))?;
                for (group, time) in repeated.times {
                    match times[group].get_mut(number) {
                        Some(fastest) => *fastest = fastest.min(time),
                        None => times[group].push(time),
                    }
                }
            }
        }
        Ok((program, times))
    }
}

/// The launches of each program that have several schedules, those together that do the same work.
fn alike(plan: &Plan) -> Vec<Groups> {
    plan.programs.iter().map(|program| groups(&program.launches)).collect()
}

fn groups(launches: &[Launch]) -> Groups {
    let numbers = |launch: usize| -> Vec<&Expression> {
        let arguments = launches[launch].arguments.iter();
        arguments
            .filter_map(|argument| match argument {
                LaunchArgument::Integer(value) => Some(value),
                LaunchArgument::Address { .. } => None,
            })
            .collect()
    };
    let is_alike = |a: usize, b: usize| {
        launches[a].schedules().eq(launches[b].schedules()) && numbers(a) == numbers(b)
    };
    let mut groups = Groups::new();
    for launch in (0..launches.len()).filter(|launch| !launches[*launch].alternatives.is_empty()) {
        match groups.iter_mut().find(|group| is_alike(group[0], launch)) {
            Some(group) => group.push(launch),
            None => groups.push(vec![launch]),
        }
    }
    groups
}

/// A group of launches before it is measured.
fn unmeasured(plan: &Plan, program: usize, group: &[usize]) -> TunedLaunch {
    let schedules = plan.programs[program].launches[group[0]].schedules();
    TunedLaunch {
        program,
        launches: group.len(),
        kernels: schedules.map(|schedule| plan.kernels[schedule.kernel].symbol.clone()).collect(),
        calls: vec![],
        microseconds: vec![],
        chosen: 0,
    }
}

/// The schedule of each launch of each program.
fn chosen(plan: &Plan, alike: &[Groups], tuned: &Tuned) -> Vec<Vec<usize>> {
    let of_program = |(program, groups): (usize, &Groups)| {
        let mut schedules = vec![0; plan.programs[program].launches.len()];
        for (number, group) in groups.iter().enumerate() {
            let chosen = tuned.get(&(program, number)).map_or(0, |launch| launch.chosen);
            group.iter().for_each(|launch| schedules[*launch] = chosen);
        }
        schedules
    };
    alike.iter().enumerate().map(of_program).collect()
}

/// Repeats some launches, and takes their times.
struct Repeated<'a> {
    /// The number of the schedule that they have.
    number: usize,
    /// The launches of the program, of which the first of each group is repeated.
    groups: &'a Groups,
    /// Microseconds of one repetition, by group.
    times: Vec<(usize, f64)>,
}

impl Observer for Repeated<'_> {
    fn before(&mut self) {}

    fn after(&mut self, launched: &Launched, stream: &mut dyn Stream) -> Result<(), RunError> {
        let Launched { plan, bound, launch, .. } = launched;
        let group = self.groups.iter().position(|group| group.first() == Some(launch));
        let planned = &plan.programs[bound.launches.program()].launches[*launch];
        let (Some(group), Some(command)) = (group, bound.launches.iter().nth(*launch)) else {
            return Ok(());
        };
        if self.number >= planned.schedules().count() {
            return Ok(());
        }
        // SAFETY: it has just run with these arguments, all of which are still there. Should it write what it reads, as no
        // compiled launch does, it reads other numbers, which are numbers all the same.
        let microseconds = unsafe { repetition(command, stream) }?;
        self.times.push((group, microseconds));
        Ok(())
    }
}

/// Microseconds of a launch among repetitions of it.
///
/// # Safety
/// As for [`Stream::launch`].
unsafe fn repetition(launch: devices::Launch, stream: &mut dyn Stream) -> Result<f64, DeviceError> {
    let repeated = |count: u128| {
        // No program of the plan, so that none loses what the stream keeps for it.
        let mut launches = Launches::of_program(usize::MAX);
        (0..count).for_each(|_| launches.push(launch));
        launches
    };
    let mut time = |launches: &Launches| {
        let start = Instant::now();
        // SAFETY: by the contract of this function.
        unsafe { stream.run_program(launches) }?;
        stream.synchronize()?;
        // No clock is so fine that nothing at all could be seen of a launch.
        Ok::<_, DeviceError>(start.elapsed().max(Duration::from_nanos(1)))
    };
    let once = time(&repeated(1))?;
    let count = (REPEATED_FOR.as_nanos() / once.as_nanos()).clamp(1, MAX_REPETITIONS);
    let launches = repeated(count);
    // The first makes what the stream needs for so many.
    let first = time(&launches)?;
    let fastest = if count == 1 { first.min(once) } else { time(&launches)? };
    Ok(fastest.as_secs_f64() * 1e6 / count as f64)
}
