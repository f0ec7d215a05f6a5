//! Doing the work of streams, when something waits for it and not before.
//!
//! The state is not held while work is done, so that streams of several threads go on side by side, and functions of the program
//! may take their time.

use crate::driver::{self, State, lock, notify, wait};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::stream::Mark;
use crate::objects::work::{Fill, Launch, Schedule, Source, Work};
use crate::reports;
use crate::settings::Settings;
use ocellus_sim::{Footprint, LaunchError, Memory, MemoryError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Does the work of streams until all of these places are reached.
pub(crate) fn reach(marks: &[Mark]) {
    let mut goals = marks.to_vec();
    while let Some(goal) = goals.last().copied() {
        let mut state = lock();
        let Some(next) = state.next(goal) else {
            goals.pop();
            continue;
        };
        match next {
            Next::Behind(mark) => goals.push(mark),
            Next::Busy => drop(wait(state)),
            Next::Work(task) => {
                drop(state);
                let done = task.run();
                lock().finish(goal.stream, done);
                notify();
            }
        }
    }
}

/// What comes next on the way to a place.
enum Next {
    /// Another place must be reached first.
    Behind(Mark),
    /// Another thread does the work of the stream.
    Busy,
    Work(Task),
}

/// Work and all that it needs.
struct Task {
    work: Work,
    memory: Arc<Memory>,
    settings: Arc<Settings>,
    /// What the launch before may still use.
    unfinished: Option<Arc<Footprint>>,
    /// Whether the next launch need not wait for this one.
    is_overlapped: bool,
    /// An error instead: one that the context has, or one that is provoked.
    error: Option<Error>,
    /// Whether it is to be left out, as the context has an error.
    is_skipped: bool,
}

/// What came of work.
struct Done {
    result: Result<()>,
    footprint: Option<Arc<Footprint>>,
}

impl State {
    /// What to do next to reach a place; nothing where it is reached.
    fn next(&mut self, goal: Mark) -> Option<Next> {
        let stream = self.streams.get(goal.stream).ok()?;
        if stream.done >= goal.count {
            return None;
        }
        if stream.is_busy {
            return Some(Next::Busy);
        }
        let item = stream.queue.front()?;
        if let Some(mark) = item.after.iter().find(|mark| !self.is_reached(**mark)) {
            return Some(Next::Behind(*mark));
        }
        let context = self.contexts.get(stream.context).ok();
        let is_skipped = context.is_none_or(|context| context.error.is_some());
        let memory = self.memory(stream.context).ok()?;
        let settings = self.settings.clone()?;
        let stream = self.streams.get_mut(goal.stream).ok()?;
        let work = stream.queue.pop_front()?.work;
        stream.is_busy = true;
        let unfinished = stream.unfinished.take();
        let is_overlapped = stream.overlaps_next();
        let error = match &work {
            Work::Launch(_) if !is_skipped => self.provoked("launch"),
            _ => None,
        };
        Some(Next::Work(Task {
            work,
            memory,
            settings,
            unfinished,
            is_overlapped,
            error,
            is_skipped,
        }))
    }

    fn is_reached(&self, mark: Mark) -> bool {
        self.streams.get(mark.stream).map_or(true, |stream| stream.done >= mark.count)
    }

    /// Notes that a stream has done its next work.
    fn finish(&mut self, stream: Handle, done: Done) {
        let Ok(own) = self.streams.get_mut(stream) else { return };
        own.is_busy = false;
        own.done += 1;
        own.unfinished = done.footprint;
        let (context, is_over) = (own.context, own.is_destroyed && own.queue.is_empty());
        if is_over {
            // It is there, as it was just looked at.
            let _ = self.streams.remove(stream);
        }
        if let (Err(error), Ok(context)) = (done.result, self.contexts.get_mut(context)) {
            context.error.get_or_insert(error);
        }
    }
}

impl Task {
    fn run(self) -> Done {
        let nothing = |result| Done { result, footprint: None };
        if self.is_skipped {
            // What the program has given back is not its own any more.
            let is_kept = !matches!(self.work, Work::Free(_));
            return nothing(if is_kept { Ok(()) } else { self.simple(&self.work) });
        }
        if let Some(error) = self.error {
            return nothing(Err(error));
        }
        // What panics here is a fault of the simulator, and must not leave the stream busy for ever.
        let run = || match &self.work {
            Work::Launch(launch) => {
                self.launch(launch, self.unfinished.as_deref(), self.is_overlapped)
            }
            Work::Graph(schedule) => nothing(self.run_all(schedule)),
            work => nothing(self.simple(work)),
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| nothing(Err(Error::UNKNOWN)))
    }

    /// The nodes of a graph.
    fn run_all(&self, schedule: &Schedule) -> Result<()> {
        let mut footprints: Vec<Option<Arc<Footprint>>> = vec![];
        for step in &schedule.steps {
            let mut footprint = None;
            match &step.work {
                Work::Launch(launch) => {
                    if let Some(error) = lock().provoked("launch") {
                        return Err(error);
                    }
                    let unfinished = step.overlaps.and_then(|place| footprints.get(place)?.clone());
                    let done = self.launch(launch, unfinished.as_deref(), step.is_overlapped);
                    done.result?;
                    footprint = done.footprint;
                }
                Work::Graph(inner) => self.run_all(inner)?,
                work => self.simple(work)?,
            }
            footprints.push(footprint);
        }
        Ok(())
    }

    fn launch(&self, launch: &Launch, unfinished: Option<&Footprint>, is_overlapped: bool) -> Done {
        let what = ocellus_sim::Launch {
            kernel: &launch.kernel,
            globals: &launch.globals,
            blocks: launch.blocks,
            threads: launch.threads,
            dynamic_shared: launch.dynamic_shared,
            parameters: &launch.parameters,
            unfinished,
        };
        let settings = self.settings.of_launch(is_overlapped);
        match ocellus_sim::launch(&what, &self.memory, &settings) {
            Ok(report) => {
                let result = reports::count(&self.settings, launch, &report);
                let footprint = is_overlapped.then(|| Arc::new(report.footprint));
                Done { result, footprint }
            }
            Err(error) => {
                reports::find(&self.settings, &error.to_string());
                Done { result: Err(of_launch(&error)), footprint: None }
            }
        }
    }

    /// What is neither a launch nor a graph.
    fn simple(&self, work: &Work) -> Result<()> {
        let memory = &self.memory;
        let done = match work {
            Work::Nothing | Work::Launch(_) | Work::Graph(_) => Ok(()),
            Work::Record(time) => {
                // An event that a graph records again keeps the first time.
                let _ = time.set(Instant::now());
                Ok(())
            }
            Work::Upload { to, from: Source::Taken(bytes), .. } => memory.write(*to, bytes),
            Work::Upload { to, from: Source::Host(from), bytes } => {
                let from = std::ptr::with_exposed_provenance::<u8>(*from);
                // SAFETY: whoever asks for a copy vouches for the memory until the copy is done, and holds nothing there that
                // it writes meanwhile, as with any driver.
                memory.write(*to, unsafe { std::slice::from_raw_parts(from, *bytes) })
            }
            Work::Download { to, from, bytes } => {
                let to = std::ptr::with_exposed_provenance_mut::<u8>(*to);
                // SAFETY: as above.
                memory.read(*from, unsafe { std::slice::from_raw_parts_mut(to, *bytes) })
            }
            Work::Copy { to, from, bytes } => memory.copy(*to, *from, *bytes as u64),
            Work::Fill(fill) => fill_rows(memory, fill),
            Work::Call(call) => {
                // SAFETY: the program gave both to be called so.
                driver::call(|| unsafe { (call.function)(call.data) });
                Ok(())
            }
            Work::Free(address) => memory.free(*address),
        };
        done.map_err(|error| {
            reports::find(&self.settings, &format!("work of a stream: {error}"));
            Error::ILLEGAL_ADDRESS
        })
    }
}

fn fill_rows(memory: &Memory, fill: &Fill) -> std::result::Result<(), MemoryError> {
    let element = &fill.value.to_le_bytes()[..fill.element as usize];
    let row = element.repeat(fill.width as usize);
    (0..fill.height).try_for_each(|number| memory.write(fill.to + number * fill.pitch, &row))
}

/// What the hardware would make of what the simulator found. What it would not notice is a failure all the same.
fn of_launch(error: &LaunchError) -> Error {
    use ocellus_sim::Problem;
    let LaunchError::Found(findings) = error else { return Error::LAUNCH_FAILED };
    match findings.first().map(|finding| finding.problem) {
        Some(Problem::OutOfBounds) => Error::ILLEGAL_ADDRESS,
        Some(Problem::Misaligned) => Error::MISALIGNED_ADDRESS,
        Some(Problem::Budget | Problem::Deadlock) => Error::LAUNCH_TIMEOUT,
        Some(
            Problem::SharedRace
            | Problem::GlobalRace
            | Problem::Uninitialized
            | Problem::DivergentBarrier
            | Problem::DivergentWarp
            | Problem::PendingCopy
            | Problem::UnfinishedLaunch
            | Problem::InactiveLane
            | Problem::Trap,
        )
        | None => Error::LAUNCH_FAILED,
    }
}

/// Does all work of a context that there is now, and gives the error that it has.
pub(crate) fn synchronize(context: Handle) -> Result<()> {
    let marks = lock().all_work(context);
    reach(&marks);
    lock().sound(context)
}

/// Does the work of a stream up to a place, and gives the error that its context has.
pub(crate) fn synchronize_mark(mark: Mark) -> Result<()> {
    reach(&[mark]);
    let state = lock();
    match state.streams.get(mark.stream).map(|stream| stream.context) {
        Ok(context) => state.sound(context),
        Err(_) => Ok(()),
    }
}

impl State {
    /// The ends of all streams of a context. The last that was made goes first, so that it comes too early where it should wait
    /// for another and does not.
    fn all_work(&self, context: Handle) -> Vec<Mark> {
        let own = self.streams.iter().filter(|(_, stream)| stream.context == context);
        own.map(|(stream, own)| Mark { stream, count: own.given }).collect()
    }

    /// The end of what a stream was given.
    pub(crate) fn end_of(&self, stream: Handle) -> Result<Mark> {
        Ok(Mark { stream, count: self.streams.get(stream)?.given })
    }
}
