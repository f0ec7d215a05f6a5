//! [`CudaStream`]: what a call does on a GPU, in order.

use super::error::CudaError;
use super::event::Event;
use super::graph::ProgramGraph;
use super::kernel_arguments::KernelArguments;
use super::module::Module;
use super::staging::{PART_BYTES, Staging};
use crate::devices::{DeviceError, DeviceStream, Launch, Launches, Stream};
use cudarc::driver::sys::{
    self, CUlaunchAttribute, CUlaunchAttributeID, CUlaunchAttributeValue, CUlaunchConfig, CUresult,
    CUstream, CUstream_flags,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A stream of the driver, which waits for no other one.
pub struct CudaStream {
    handle: CUstream,
    module: Arc<Module>,
    staging: Staging,
    /// The graphs of the programs that ran here, by their positions in the plan.
    graphs: BTreeMap<usize, ProgramGraph>,
    /// What was launched since the stream was synchronized last, each once.
    running: Vec<Running>,
    /// What orders it with streams of callers, once one has such.
    event: Option<Event>,
}

/// What may be running.
#[derive(PartialEq)]
enum Running {
    Kernel(usize),
    Program(usize),
}

// SAFETY: a stream of the driver may be used by any thread.
unsafe impl Send for CudaStream {}

impl CudaStream {
    /// A stream for kernels of a module.
    pub fn new(module: Arc<Module>) -> Result<Self, DeviceError> {
        let context = &module.context;
        context.enter()?;
        let mut handle = std::ptr::null_mut();
        let flags = CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: the driver writes an address there.
        context.check("cuStreamCreate", unsafe { sys::cuStreamCreate(&mut handle, flags) })?;
        Ok(CudaStream {
            handle,
            module,
            staging: Staging::default(),
            graphs: BTreeMap::new(),
            running: Vec::new(),
            event: None,
        })
    }

    /// What a call gave that did something on this stream.
    fn check(&self, function: &'static str, result: CUresult) -> Result<(), CudaError> {
        self.module.context.check_running(function, result, || self.running_kernels())
    }

    /// The kernels that may be running, each once.
    fn running_kernels(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut add = |kernel: usize| {
            let name = self.module.at(kernel).map(|kernel| kernel.entry.symbol.clone());
            if let Some(name) = name.ok().filter(|name| !names.contains(name)) {
                names.push(name);
            }
        };
        for running in &self.running {
            match running {
                Running::Kernel(kernel) => add(*kernel),
                Running::Program(program) => {
                    let graph = self.graphs.get(program);
                    let launches = graph.into_iter().flat_map(|graph| graph.program().iter());
                    launches.for_each(|launch| add(launch.kernel));
                }
            }
        }
        names
    }

    /// Room for the copy of so many bytes. Where there is none, the stream is waited for, which makes some.
    fn room(&mut self, bytes: usize) -> Result<*mut u8, DeviceError> {
        if let Some(place) = self.staging.room(&self.module.context, bytes)? {
            return Ok(place);
        }
        self.synchronize()?;
        let place = self.staging.room(&self.module.context, bytes)?;
        place.ok_or_else(|| DeviceError::OutOfMemory {
            what: "memory that the GPU copies from",
            bytes,
            source: "a copy is larger than what is kept for copies".into(),
        })
    }

    /// Notes what may be running. Of a stream that nobody synchronizes the list does not grow.
    fn note(&mut self, running: Running) {
        if !self.running.contains(&running) {
            self.running.push(running);
        }
    }

    /// Lets one of two streams, of which one is a caller's, wait for the other.
    ///
    /// # Safety
    /// The caller's stream is there.
    unsafe fn order(&mut self, before: CUstream, behind: CUstream) -> Result<(), DeviceError> {
        let context = &self.module.context;
        context.enter()?;
        let event = match self.event.take() {
            Some(event) => event,
            None => Event::new(context)?,
        };
        // SAFETY: by the contract of this function.
        let ordered = unsafe { event.order(before, behind) };
        self.event = Some(event);
        Ok(ordered?)
    }

    /// Waits until all is done.
    fn wait(&self) -> Result<(), CudaError> {
        self.module.context.enter()?;
        // SAFETY: the stream is there.
        let result = unsafe { sys::cuStreamSynchronize(self.handle) };
        self.check("cuStreamSynchronize", result)
    }

    /// The graph of a program, as it runs now: made anew where there is none that can be told.
    fn graph(&mut self, program: &Launches) -> Result<ProgramGraph, DeviceError> {
        // One that could be told only a part is not to be used again.
        if let Some(mut graph) = self.graphs.remove(&program.program())
            && graph.update(program)?
        {
            return Ok(graph);
        }
        ProgramGraph::new(&self.module, program)
    }
}

impl Stream for CudaStream {
    /// A kernel has its scratch memory in the shared memory of its blocks, and says itself how much.
    fn reserve_scratch(&mut self, _: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    unsafe fn upload(&mut self, bytes: &[u8], address: i64) -> Result<(), DeviceError> {
        self.module.context.enter()?;
        for (part, to) in bytes.chunks(PART_BYTES).zip((address as u64..).step_by(PART_BYTES)) {
            let place = self.room(part.len())?;
            // SAFETY: there is room for the part, which nothing else uses until the stream is synchronized.
            unsafe { place.copy_from_nonoverlapping(part.as_ptr(), part.len()) };
            // SAFETY: by the contract of this function; the room stays until the stream is synchronized.
            let result =
                unsafe { sys::cuMemcpyHtoDAsync_v2(to, place.cast(), part.len(), self.handle) };
            self.check("cuMemcpyHtoDAsync", result)?;
        }
        Ok(())
    }

    unsafe fn download(&mut self, address: i64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.module.context.enter()?;
        let parts = bytes.chunks_mut(PART_BYTES);
        for (part, from) in parts.zip((address as u64..).step_by(PART_BYTES)) {
            let place = self.room(part.len())?;
            // SAFETY: by the contract of this function; the room stays until the stream is synchronized.
            let result =
                unsafe { sys::cuMemcpyDtoHAsync_v2(place.cast(), from, part.len(), self.handle) };
            self.check("cuMemcpyDtoHAsync", result)?;
            self.staging.note_download(place, part.as_mut_ptr(), part.len());
        }
        Ok(())
    }

    unsafe fn launch(&mut self, launch: Launch<'_>) -> Result<(), DeviceError> {
        self.module.context.enter()?;
        let kernel = self.module.at(launch.kernel)?;
        let blocks = kernel.blocks(&launch)?;
        // The driver takes no grid without blocks.
        if blocks == 0 {
            return Ok(());
        }
        let (threads, shared_bytes) = (kernel.entry.threads, kernel.entry.shared_bytes);
        let mut arguments = KernelArguments::new(&launch);
        let mut overlaps = CUlaunchAttribute {
            id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value: CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
        };
        let config = CUlaunchConfig {
            gridDimX: blocks,
            gridDimY: 1,
            gridDimZ: 1,
            blockDimX: threads,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: shared_bytes,
            hStream: self.handle,
            attrs: &raw mut overlaps,
            // Whatever is before it in the stream, the kernel waits for it itself.
            numAttrs: u32::from(kernel.entry.begins_early),
        };
        let parameters = arguments.as_parameters().as_mut_ptr();
        // SAFETY: the kernel's parameters are its words and the number of its tiles; the caller vouches for both.
        let result = unsafe {
            sys::cuLaunchKernelEx(&config, kernel.function, parameters, std::ptr::null_mut())
        };
        let launched = self.check("cuLaunchKernelEx", result);
        launched.map_err(|error| kernel.refused(error))?;
        self.note(Running::Kernel(launch.kernel));
        Ok(())
    }

    unsafe fn run_program(&mut self, program: &Launches) -> Result<(), DeviceError> {
        self.module.context.enter()?;
        let graph = self.graph(program)?;
        // SAFETY: by the contract of this function.
        let result = unsafe { graph.launch(self.handle) };
        self.graphs.insert(program.program(), graph);
        self.note(Running::Program(program.program()));
        Ok(self.check("cuGraphLaunch", result)?)
    }

    unsafe fn follow(&mut self, other: DeviceStream) -> Result<(), DeviceError> {
        // SAFETY: by the contract of this function; our own stream is there.
        unsafe { self.order(other.as_raw().cast(), self.handle) }
    }

    unsafe fn lead(&mut self, other: DeviceStream) -> Result<(), DeviceError> {
        // SAFETY: as above.
        unsafe { self.order(self.handle, other.as_raw().cast()) }
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        let done = self.wait();
        self.running.clear();
        match done {
            // SAFETY: all is copied, and whoever asked for it keeps the memory until now.
            Ok(()) => unsafe { self.staging.deliver() },
            Err(_) => self.staging.forget(),
        }
        Ok(done?)
    }
}

impl Drop for CudaStream {
    fn drop(&mut self) {
        // Whoever has not asked before does not want to know.
        let _ = self.synchronize();
        if self.module.context.enter().is_ok() {
            // SAFETY: nothing is in the stream any more.
            let _ = unsafe { sys::cuStreamDestroy_v2(self.handle) };
        }
    }
}
