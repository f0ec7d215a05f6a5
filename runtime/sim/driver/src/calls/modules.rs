//! Modules, from PTX. Machine code cannot be simulated, so that a module of it has no code for this device.

use crate::abi::Anything;
use crate::architecture::driver_of_ptx;
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::execution::synchronize;
use crate::handles::Handle;
use crate::objects::module::{Function, Module};
use crate::reports;
use crate::settings::Settings;
use ocellus_sim::MOST_STATIC_SHARED;
use std::ffi::{CString, c_char};
use std::sync::Arc;

driver_functions! {
    fn cuModuleLoad(module: Out<Handle>, file: In<c_char>) {
        let file = file.text()?.to_str().map_err(|_| Error::FILE_NOT_FOUND)?;
        lock().usable()?;
        let image = std::fs::read(file).map_err(|_| Error::FILE_NOT_FOUND)?;
        let end = image.iter().position(|byte| *byte == 0).unwrap_or(image.len());
        let image = match image.get(..4) {
            Some(magic) if is_machine_code(magic) => return Err(Error::NO_BINARY_FOR_GPU),
            _ => &image[..end],
        };
        load(module, image, Log::default())
    }

    fn cuModuleLoadData(module: Out<Handle>, image: In<u8>) {
        load_data(module, image, Log::default())
    }

    fn cuModuleLoadDataEx(
        module: Out<Handle>,
        image: In<u8>,
        count: u32,
        options: In<u32>,
        values: Out<usize>,
    ) {
        load_data(module, image, Log::of(count as usize, options, values)?)
    }

    fn cuModuleLoadFatBinary(_module: Out<Handle>, _image: In<u8>) {
        lock().usable()?;
        Err(Error::NO_BINARY_FOR_GPU)
    }

    fn cuModuleUnload(module: Handle) {
        let state = lock();
        let current = state.usable()?;
        let context = state.modules.get(module)?.context;
        if context != current {
            return Err(Error::INVALID_HANDLE);
        }
        drop(state);
        // Work that is queued may use its variables.
        synchronize(context)?;
        let mut state = lock();
        let own = state.modules.remove(module)?;
        state.functions.retain(|function| function.module != module);
        let memory = state.memory(context)?;
        for address in own.globals.addresses() {
            state.contexts.get_mut(context)?.allocations.remove(&address);
            // Nobody else could free it, as it is on no list of the program's.
            let _ = memory.free(address);
        }
        Ok(())
    }

    fn cuModuleGetFunction(function: Out<Handle>, module: Handle, name: In<c_char>) {
        let state = lock();
        state.usable()?;
        let name = name.text()?;
        let own = &state.modules.get(module)?.functions;
        let is_it = |handle: &&Handle| {
            state.functions.get(**handle).is_ok_and(|function| function.name.as_c_str() == name)
        };
        function.give(*own.iter().find(is_it).ok_or(Error::NOT_FOUND)?)
    }

    fn cuModuleGetFunctionCount(count: Out<u32>, module: Handle) {
        let state = lock();
        state.usable()?;
        count.give(state.modules.get(module)?.functions.len() as u32)
    }

    fn cuModuleEnumerateFunctions(functions: Out<Handle>, count: u32, module: Handle) {
        let state = lock();
        state.usable()?;
        let own = &state.modules.get(module)?.functions;
        functions.give_all(own.iter().copied().take(count as usize))
    }

    fn cuModuleGetGlobal_v2(
        address: Out<u64>,
        bytes: Out<usize>,
        module: Handle,
        name: In<c_char>,
    ) {
        let state = lock();
        state.usable()?;
        let name = name.text()?.to_str().map_err(|_| Error::NOT_FOUND)?;
        let found = state.modules.get(module)?.globals.find(name).ok_or(Error::NOT_FOUND)?;
        address.offer(found.0);
        bytes.offer(found.1 as usize);
        Ok(())
    }

    fn cuModuleGetLoadingMode(mode: Out<u32>) {
        const EAGER: u32 = 1;
        lock().settings()?;
        mode.give(EAGER)
    }
}

/// Whether an image begins as a cubin, or as a fat binary with or without its wrapper.
fn is_machine_code(magic: &[u8]) -> bool {
    [*b"\x7fELF", [0x50, 0xed, 0x55, 0xba], [0xb1, 0x43, 0x62, 0x46]].iter().any(|own| own == magic)
}

fn load_data(module: Out<Handle>, image: In<u8>, log: Log) -> Result<()> {
    lock().usable()?;
    // The bytes are looked at one after the other, as an image may be a text that is shorter than a magic number.
    for length in 1..=4 {
        let start = image.list(length)?;
        if is_machine_code(&start) {
            log.tell(Err("the image is machine code, and this device runs PTX alone"))?;
            return Err(Error::NO_BINARY_FOR_GPU);
        }
        if start.ends_with(&[0]) {
            return Err(Error::INVALID_IMAGE);
        }
    }
    load(module, image.cast::<c_char>().text()?.to_bytes(), log)
}

fn load(module: Out<Handle>, image: &[u8], log: Log) -> Result<()> {
    let state = lock();
    let context = state.usable()?;
    if module.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    let settings = state.settings()?.clone();
    // To translate may take long, and nobody has to wait for it.
    drop(state);
    let text = std::str::from_utf8(image).map_err(|_| Error::INVALID_IMAGE)?;
    match translate(text, &settings) {
        Ok(translated) => {
            log.tell(Ok(""))?;
            module.give(lock().add_module(context, &translated)?)
        }
        Err((error, message)) => {
            reports::find(&settings, &format!("a module was refused: {message}"));
            log.tell(Err(&message))?;
            Err(error)
        }
    }
}

/// A module, if the device and its driver take it.
fn translate(
    text: &str,
    settings: &Settings,
) -> std::result::Result<ocellus_sim::Module, (Error, String)> {
    let version = ptx_version(text).ok_or_else(|| {
        (Error::INVALID_IMAGE, "the image is no PTX, nor machine code".to_string())
    })?;
    if driver_of_ptx(version) > settings.driver_version {
        let (major, minor) = version;
        let driver = settings.driver_version;
        return Err((
            Error::UNSUPPORTED_PTX_VERSION,
            format!("PTX {major}.{minor} is newer than the driver, whose version is {driver}"),
        ));
    }
    // A text for another GPU may have what only that one has, and is refused for being such.
    let (target, own) = (directive(text, ".target").unwrap_or_default(), settings.architecture);
    if !own.takes(target) {
        let number = own.number();
        let message = format!("code for `{target}` cannot be compiled for sm_{number}");
        return Err((Error::NO_BINARY_FOR_GPU, message));
    }
    ocellus_sim::Module::load(text).map_err(|error| (Error::INVALID_PTX, error.to_string()))
}

/// The version of PTX that a text is written in.
fn ptx_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = directive(text, ".version")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What follows a directive at the head of a text.
fn directive<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim_start);
    let rest = lines.find_map(|line| line.strip_prefix(name))?;
    rest.split([',', ' ', '\t']).find(|word| !word.is_empty())
}

impl State {
    fn add_module(&mut self, context: Handle, module: &ocellus_sim::Module) -> Result<Handle> {
        let globals = module.place(&*self.memory(context)?).map_err(|_| Error::OUT_OF_MEMORY)?;
        let globals = Arc::new(globals);
        let digits: String = module.target().chars().filter(char::is_ascii_digit).collect();
        let target = digits.parse().unwrap_or(0);
        let added = Module { context, functions: vec![], globals: globals.clone() };
        let handle = self.modules.add(added);
        for kernel in module.kernels() {
            let name = CString::new(kernel.name()).map_err(|_| Error::INVALID_PTX)?;
            let function = self.functions.add(Function {
                context,
                module: handle,
                name,
                kernel: kernel.clone(),
                globals: globals.clone(),
                target,
                most_dynamic_shared: MOST_STATIC_SHARED.saturating_sub(kernel.static_shared()),
                carveout: -1,
            });
            self.modules.get_mut(handle)?.functions.push(function);
        }
        Ok(handle)
    }
}

/// Where messages of the translation go.
#[derive(Default)]
struct Log {
    information: Option<Buffer>,
    errors: Option<Buffer>,
}

/// A buffer of the program's, and where it wants to know how much of it is filled.
#[derive(Clone, Copy)]
struct Buffer {
    text: Anything,
    bytes: usize,
    filled: Out<usize>,
}

impl Log {
    /// The buffers among options. The sizes are given by value, and answered in the same place.
    fn of(count: usize, options: In<u32>, values: Out<usize>) -> Result<Self> {
        const INFORMATION: [u32; 2] = [3, 4];
        const ERRORS: [u32; 2] = [5, 6];
        let options = options.list(count)?;
        let place = |option| options.iter().position(|own| *own == option);
        let at = |place: usize| values.behind(place * size_of::<usize>());
        let buffer = |[text, bytes]: [u32; 2]| match (place(text), place(bytes)) {
            (Some(text), Some(bytes)) => Ok(Some(Buffer {
                text: at(text).cast::<Anything>().get()?,
                // The size is an `unsigned int` in the bytes of an address.
                bytes: at(bytes).get()? as u32 as usize,
                filled: at(bytes),
            })),
            _ => Ok(None),
        };
        Ok(Self { information: buffer(INFORMATION)?, errors: buffer(ERRORS)? })
    }

    /// Writes a message, or an error, as far as there is room.
    fn tell(&self, message: std::result::Result<&str, &str>) -> Result<()> {
        let (information, errors) = match message {
            Ok(text) => (text, ""),
            Err(text) => ("", text),
        };
        for (buffer, text) in [(self.information, information), (self.errors, errors)] {
            let Some(buffer) = buffer else { continue };
            let Some(room) = buffer.bytes.checked_sub(1) else { continue };
            if buffer.text.is_null() {
                continue;
            }
            let cut = &text.as_bytes()[..text.len().min(room)];
            buffer.text.give_all(cut.iter().copied().chain([0]))?;
            buffer.filled.give(cut.len())?;
        }
        Ok(())
    }
}
