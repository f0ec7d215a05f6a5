//! [`DetachedDevice`]: a device whose memory is not the host's, for tests of what a session does for such.
//!
//! Its kernels are run by the CPU, but an address of the host is none of its own, and the other way round. It does
//! everything as late as it may, when a stream is synchronized; its memory is rubbish at first; and it keeps a program that
//! it has run as a graph, of which it patches what [changed](Launches::changes_since) and nothing else.

use super::{Device, DeviceError, DeviceKind, Launch, Launches, Memory, MemorySpace, Stream};
use crate::options::Options;
use crate::signature::{LaunchWords, Signature, Word};
use ocellus_dialects::plan::Plan;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What an address of the device has more than the one of the host where its bytes lie.
const DETACHED: i64 = 1 << 60;

/// What a test counts, and makes go wrong.
#[derive(Default)]
pub struct Log {
    pub uploaded: AtomicUsize,
    pub downloaded: AtomicUsize,
    pub streams: AtomicUsize,
    pub graphs: AtomicUsize,
    pub patched_words: AtomicUsize,
    /// The change of a graph that is forgotten, counted over all runs.
    pub forgotten: Mutex<Option<usize>>,
    /// Whether the next synchronization fails.
    pub fails: Mutex<bool>,
    /// No more memory is there than this.
    pub memory: Mutex<Option<usize>>,
}

pub struct DetachedDevice {
    cpu: Arc<dyn Device>,
    signatures: Vec<Signature>,
    memory: Pieces,
    log: Arc<Log>,
}

/// Start and size of each piece of memory that is not given back.
type Pieces = Arc<Mutex<BTreeMap<i64, usize>>>;

/// A piece of memory, until it is given back.
struct Piece {
    _memory: Memory,
    address: i64,
    pieces: Pieces,
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pieces.lock().unwrap().remove(&self.address);
    }
}

impl DetachedDevice {
    pub fn load(code: &[u8], plan: &Plan, log: Arc<Log>) -> (Arc<dyn Device>, Vec<Signature>) {
        // SAFETY: the tests' kernels are what their signatures say.
        let (cpu, signatures) = unsafe {
            DeviceKind::Cpu.load(code, plan, &Options { threads: 2, ..Options::default() })
        }
        .unwrap();
        let device =
            DetachedDevice { cpu, signatures: signatures.clone(), memory: Arc::default(), log };
        (Arc::new(device), signatures)
    }
}

impl Device for DetachedDevice {
    fn name(&self) -> String {
        "detached".into()
    }

    fn memory_space(&self) -> MemorySpace {
        MemorySpace::Device
    }

    fn calls_at_once(&self) -> usize {
        2
    }

    fn allocate(&self, bytes: usize) -> Result<Memory, DeviceError> {
        if self.log.memory.lock().unwrap().is_some_and(|left| bytes > left) {
            let source = "the card is full".into();
            return Err(DeviceError::OutOfMemory { what: "memory", bytes, source });
        }
        let memory = self.cpu.allocate(bytes)?;
        // SAFETY: nobody else knows the memory yet.
        unsafe { std::ptr::write_bytes(memory.address() as *mut u8, 0xff, bytes) };
        let address = memory.address() + DETACHED;
        self.memory.lock().unwrap().insert(address, bytes);
        let piece = Piece { _memory: memory, address, pieces: self.memory.clone() };
        Ok(Memory::new(address, bytes, piece))
    }

    fn tensor_alignment(&self) -> usize {
        Memory::ALIGNMENT
    }

    fn check_address(&self, address: u64) -> Result<(), DeviceError> {
        match address as i64 >= DETACHED {
            true => Ok(()),
            false => Err(fault()),
        }
    }

    fn stream(&self) -> Result<Box<dyn Stream>, DeviceError> {
        self.log.streams.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(DetachedStream {
            cpu: self.cpu.stream()?,
            signatures: self.signatures.clone(),
            memory: self.memory.clone(),
            log: self.log.clone(),
            graphs: HashMap::new(),
            queue: Vec::new(),
        }))
    }
}

/// A launch that a graph keeps.
#[derive(Clone)]
struct Node {
    kernel: usize,
    arguments: Vec<i64>,
    tiles: u32,
    scratch_bytes: usize,
}

impl Node {
    fn new(launch: Launch<'_>) -> Self {
        let Launch { kernel, arguments, tiles, scratch_bytes } = launch;
        Node { kernel, arguments: arguments.to_vec(), tiles, scratch_bytes }
    }
}

enum Command {
    Upload { bytes: Vec<u8>, to: i64 },
    Download { from: i64, to: *mut u8, bytes: usize },
    Launch(Node),
}

struct DetachedStream {
    cpu: Box<dyn Stream>,
    signatures: Vec<Signature>,
    memory: Pieces,
    log: Arc<Log>,
    graphs: HashMap<usize, (Launches, Vec<Node>)>,
    queue: Vec<Command>,
}

// SAFETY: the pointers are those of a call, which stays until the stream is synchronized.
unsafe impl Send for DetachedStream {}

impl DetachedStream {
    /// The host's address of the device's, where that many bytes must lie.
    fn host(&self, address: i64, bytes: usize) -> Result<i64, DeviceError> {
        let memory = self.memory.lock().unwrap();
        match memory.range(..=address).next_back() {
            Some((start, size)) if address + bytes as i64 <= start + *size as i64 => {
                Ok(address - DETACHED)
            }
            _ => Err(fault()),
        }
    }

    /// Runs a launch, unless it would leave its memory, as one with a stale size might.
    fn run(&mut self, node: &Node) -> Result<(), DeviceError> {
        let Node { kernel, tiles, scratch_bytes, .. } = *node;
        let signature = &self.signatures[kernel];
        let launch = LaunchWords { words: &node.arguments, tiles: tiles.into() };
        signature.check_numbers(&launch, scratch_bytes).map_err(|_| fault())?;
        let arguments =
            signature.words.iter().zip(&node.arguments).map(|(word, value)| match word {
                Word::Pointer(pointer) => {
                    self.host(*value, pointer.reach(&launch).map_err(|_| fault())?)
                }
                Word::Count { .. } | Word::Distance => Ok(*value),
            });
        let arguments = arguments.collect::<Result<Vec<i64>, _>>()?;
        // SAFETY: the launch is as the kernel's signature allows, inside memory of the device.
        unsafe { self.cpu.launch(Launch { kernel, arguments: &arguments, tiles, scratch_bytes }) }
    }
}

/// What the device says when something went wrong on it.
fn fault() -> DeviceError {
    DeviceError::NotLoaded(usize::MAX)
}

impl Stream for DetachedStream {
    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.cpu.reserve_scratch(bytes)
    }

    unsafe fn upload(&mut self, bytes: &[u8], address: i64) -> Result<(), DeviceError> {
        self.log.uploaded.fetch_add(bytes.len(), Ordering::Relaxed);
        self.queue.push(Command::Upload { bytes: bytes.to_vec(), to: address });
        Ok(())
    }

    unsafe fn download(&mut self, address: i64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.log.downloaded.fetch_add(bytes.len(), Ordering::Relaxed);
        let (to, bytes) = (bytes.as_mut_ptr(), bytes.len());
        self.queue.push(Command::Download { from: address, to, bytes });
        Ok(())
    }

    unsafe fn launch(&mut self, launch: Launch<'_>) -> Result<(), DeviceError> {
        self.queue.push(Command::Launch(Node::new(launch)));
        Ok(())
    }

    unsafe fn run_program(&mut self, program: &Launches) -> Result<(), DeviceError> {
        let graph = self.graphs.remove(&program.program());
        let changes = graph.as_ref().and_then(|(last, _)| program.changes_since(last));
        let nodes = match graph.zip(changes) {
            None => {
                self.log.graphs.fetch_add(1, Ordering::Relaxed);
                program.iter().map(Node::new).collect()
            }
            Some(((_, mut nodes), changes)) => {
                let is_told = || {
                    let mut forgotten = self.log.forgotten.lock().unwrap();
                    *forgotten = forgotten.map(|left| left.wrapping_sub(1));
                    *forgotten != Some(usize::MAX)
                };
                let mut blocks = nodes.iter_mut().flat_map(|node| &mut node.arguments);
                let mut next = 0;
                for word in changes.words {
                    let place = blocks.nth(word - next).expect("a word of the program");
                    next = word + 1;
                    self.log.patched_words.fetch_add(1, Ordering::Relaxed);
                    if is_told() {
                        *place = program.words()[word];
                    }
                }
                for launch in changes.launches {
                    let Launch { tiles, scratch_bytes, .. } = program.iter().nth(launch).unwrap();
                    if is_told() {
                        (nodes[launch].tiles, nodes[launch].scratch_bytes) = (tiles, scratch_bytes);
                    }
                }
                nodes
            }
        };
        self.queue.extend(nodes.iter().cloned().map(Command::Launch));
        self.graphs.insert(program.program(), (program.clone(), nodes));
        Ok(())
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        for command in std::mem::take(&mut self.queue) {
            // SAFETY: by the contracts of those that queued it; addresses of the device lie in its memory.
            unsafe {
                match command {
                    Command::Upload { bytes, to } => {
                        let to = self.host(to, bytes.len())? as *mut u8;
                        to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                    }
                    Command::Download { from, to, bytes } => {
                        to.copy_from_nonoverlapping(self.host(from, bytes)? as *const u8, bytes);
                    }
                    Command::Launch(node) => self.run(&node)?,
                }
            }
        }
        match std::mem::take(&mut *self.log.fails.lock().unwrap()) {
            true => Err(fault()),
            false => Ok(()),
        }
    }
}

impl Drop for DetachedStream {
    fn drop(&mut self) {
        let _ = self.synchronize();
    }
}
