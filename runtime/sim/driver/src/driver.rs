//! The state of the whole driver, behind one lock, and what every function asks of it: who is current, which stream is meant.

use crate::errors::{Error, Result};
use crate::handles::{Handle, Table};
use crate::objects::context::{Context, Device};
use crate::objects::event::Event;
use crate::objects::graph::{Executable, Graph, Node};
use crate::objects::host_memory::HostMemory;
use crate::objects::module::{Function, Module};
use crate::objects::stream::{Kind, Stream};
use crate::settings::Settings;
use ocellus_sim::Memory;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

/// The state, and what tells that some stream has gone on.
#[derive(Default)]
struct Driver {
    state: Mutex<State>,
    progress: Condvar,
}

static DRIVER: LazyLock<Driver> = LazyLock::new(Driver::default);

/// All that there is.
#[derive(Default)]
pub(crate) struct State {
    /// None before `cuInit`.
    pub settings: Option<Arc<Settings>>,
    pub devices: Vec<Device>,
    pub contexts: Table<Context>,
    pub modules: Table<Module>,
    pub functions: Table<Function>,
    pub streams: Table<Stream>,
    pub events: Table<Event>,
    pub graphs: Table<Graph>,
    pub nodes: Table<Node>,
    pub executables: Table<Executable>,
    /// Memory pools, each of a device.
    pub pools: Table<usize>,
    pub host_memory: HostMemory,
    /// How often each function was called that is to fail once.
    calls: HashMap<String, u64>,
    /// How many captures there were.
    pub captures: u64,
}

/// Holds the state.
pub(crate) fn lock() -> MutexGuard<'static, State> {
    DRIVER.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets go of the state until some stream has gone on.
pub(crate) fn wait(state: MutexGuard<'static, State>) -> MutexGuard<'static, State> {
    DRIVER.progress.wait(state).unwrap_or_else(PoisonError::into_inner)
}

/// Tells all threads that some stream has gone on.
pub(crate) fn notify() {
    DRIVER.progress.notify_all();
}

thread_local! {
    /// The contexts of the thread; the last is current.
    static CONTEXTS: RefCell<Vec<Handle>> = const { RefCell::new(vec![]) };
}

thread_local! {
    /// Whether the thread is in a function of the program that a stream called.
    static IS_CALLED: Cell<bool> = const { Cell::new(false) };
}

/// Lets a stream call a function of the program, which may call no function of the driver.
pub(crate) fn call(function: impl FnOnce()) {
    IS_CALLED.set(true);
    function();
    IS_CALLED.set(false);
}

/// Whether a stream is calling the program in this thread.
pub(crate) fn is_called() -> bool {
    IS_CALLED.get()
}

/// Does something with the stack of the thread's contexts.
pub(crate) fn with_contexts<T>(f: impl FnOnce(&mut Vec<Handle>) -> T) -> T {
    CONTEXTS.with_borrow_mut(f)
}

/// The stream that a program means by the legacy default stream: none, or this number.
const LEGACY_STREAM: Handle = 1;

/// The number of the thread's own default stream.
const PER_THREAD_STREAM: Handle = 2;

impl State {
    /// Reads the settings and makes the devices, once.
    pub(crate) fn initialize(&mut self, settings: Settings) {
        let device = |number| Device {
            memory: Arc::new(Memory::of_device(number, settings.memory)),
            primary: None,
            retained: 0,
            primary_flags: 0,
            pool: None,
        };
        self.devices = (0..settings.devices).map(device).collect();
        self.settings = Some(Arc::new(settings));
    }

    pub(crate) fn settings(&self) -> Result<&Arc<Settings>> {
        self.settings.as_ref().ok_or(Error::NOT_INITIALIZED)
    }

    /// The error that is provoked at this call of a function, if one is.
    pub(crate) fn provoked(&mut self, function: &str) -> Option<Error> {
        let settings = self.settings.clone()?;
        let mut of_it = settings.failures.iter().filter(|one| one.function == function).peekable();
        of_it.peek()?;
        let calls = self.calls.entry(function.to_string()).or_default();
        *calls += 1;
        of_it.find(|one| one.call == *calls).map(|one| one.error)
    }

    /// The number of a device.
    pub(crate) fn device(&self, device: i32) -> Result<usize> {
        self.settings()?;
        let number = usize::try_from(device).map_err(|_| Error::INVALID_DEVICE)?;
        (number < self.devices.len()).then_some(number).ok_or(Error::INVALID_DEVICE)
    }

    /// The current context, whatever state it is in.
    pub(crate) fn current(&self) -> Result<Handle> {
        self.settings()?;
        let current = with_contexts(|all| all.last().copied()).ok_or(Error::INVALID_CONTEXT)?;
        match self.contexts.get(current) {
            Ok(_) => Ok(current),
            Err(_) => Err(Error::CONTEXT_IS_DESTROYED),
        }
    }

    /// The current context, if nothing went wrong in it.
    pub(crate) fn usable(&self) -> Result<Handle> {
        let current = self.current()?;
        self.sound(current)?;
        Ok(current)
    }

    /// The error that a context has.
    pub(crate) fn sound(&self, context: Handle) -> Result<()> {
        let context = self.contexts.get(context).map_err(|_| Error::INVALID_CONTEXT)?;
        context.error.map_or(Ok(()), Err)
    }

    /// The memory of a context's device.
    pub(crate) fn memory(&self, context: Handle) -> Result<Arc<Memory>> {
        let device = self.contexts.get(context)?.device;
        Ok(self.devices.get(device).ok_or(Error::INVALID_DEVICE)?.memory.clone())
    }

    /// Which stream a program means in the current context. Its context has no error.
    pub(crate) fn stream(&mut self, stream: Handle) -> Result<Handle> {
        let current = self.usable()?;
        let context = self.contexts.get_mut(current)?;
        match stream {
            0 | LEGACY_STREAM => Ok(context.legacy),
            PER_THREAD_STREAM => {
                let thread = std::thread::current().id();
                if let Some(stream) = context.per_thread.get(&thread) {
                    return Ok(*stream);
                }
                let stream = self.streams.add(Stream::new(current, Kind::Blocking, 0, 0));
                context.per_thread.insert(thread, stream);
                Ok(stream)
            }
            handle => {
                let stream = self.streams.get(handle)?;
                if stream.is_destroyed {
                    return Err(Error::INVALID_HANDLE);
                }
                self.sound(stream.context)?;
                Ok(handle)
            }
        }
    }
}
