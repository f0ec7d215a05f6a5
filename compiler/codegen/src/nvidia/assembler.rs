//! `ptxas`, NVIDIA's assembler: where it is, and what it says of each kernel.
//!
//! It is no part of Ocellus and need not be there: a driver assembles PTX itself when it loads a module. Where it is
//! there, loading takes less time, and a kernel that does not fit its registers is found when it is compiled.

use ocellus_runtime::unfinished::{Rights, Unfinished};
use std::path::{Path, PathBuf};
use std::process::Command;

/// NVIDIA's assembler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembler {
    /// The program.
    pub program: PathBuf,
}

/// Machine code for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cubin {
    /// An ELF file.
    pub bytes: Vec<u8>,
    /// What each kernel takes.
    pub kernels: Vec<KernelResources>,
}

/// What a kernel takes of a multiprocessor, as the assembler says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KernelResources {
    /// Its symbol.
    pub symbol: String,
    /// Registers a thread.
    pub registers: u32,
    /// Bytes of local memory a thread: arrays that are indexed at run time, and what was spilled.
    pub stack_bytes: u32,
    /// Bytes that are stored to local memory since no register was left.
    pub spilled_bytes: u32,
    /// Bytes of shared memory whose size is fixed.
    pub shared_bytes: u32,
}

/// What to do about one that fails.
const ANOTHER: &str =
    "put another `ptxas` first on PATH, or this one where it is not found: PTX alone will do";

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum AssemblerError {
    /// It refuses the PTX: a defect of ours, or an assembler that is too old for it.
    #[error("`{program}` refuses the kernels: {message}\n{ANOTHER}")]
    Refused {
        /// Which.
        program: String,
        /// What it wrote.
        message: String,
    },
    /// It cannot be started, or a file of it cannot be read or written.
    #[error("while assembling with `{program}`: {source}; {ANOTHER}")]
    Io {
        /// Which.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A kernel keeps values in local memory: its schedule asks for more registers than there are.
    #[error(
        "the kernel `{}` keeps {} bytes a thread in local memory for {architecture}, and must keep none: \
         its schedule does not fit the registers",
        resources.symbol, resources.stack_bytes.max(resources.spilled_bytes)
    )]
    LocalMemory {
        /// The kernel.
        resources: KernelResources,
        /// For which architecture.
        architecture: String,
    },
}

impl Assembler {
    /// The assembler of `PATH`, of a CUDA toolkit (`CUDA_HOME`, `CUDA_PATH`, `/usr/local/cuda`), or of NVIDIA's package
    /// for Python (`nvidia-cuda-nvcc`) in the environment that is active, or in the user's.
    pub fn find() -> Option<Assembler> {
        let folders = on_the_path().chain(of_toolkits()).chain(of_python());
        let program = folders.map(|folder| folder.join("ptxas")).find(|file| file.is_file())?;
        Some(Assembler { program })
    }

    /// Machine code of a PTX module.
    pub fn assemble(&self, ptx: &str, architecture: &str) -> Result<Cubin, AssemblerError> {
        let program = self.program.display().to_string();
        let io = |source| AssemblerError::Io { program: program.clone(), source };
        let folder = Unfinished::folder_in(&std::env::temp_dir(), Rights::Private).map_err(io)?;
        let (input, output) =
            (folder.path().join("kernels.ptx"), folder.path().join("kernels.cubin"));
        std::fs::write(&input, ptx).map_err(io)?;
        let run = Command::new(&self.program)
            .arg("-v")
            .arg(format!("-arch={architecture}"))
            .arg(&input)
            .arg("-o")
            .arg(&output)
            .output()
            .map_err(io)?;
        let written = [run.stdout, run.stderr].concat();
        let report = String::from_utf8_lossy(&written);
        if !run.status.success() {
            let message = match report.trim() {
                "" => format!("it says nothing, and ends with {}", run.status),
                said => said.to_string(),
            };
            return Err(AssemblerError::Refused { program, message });
        }
        let bytes = std::fs::read(&output).map_err(io)?;
        Ok(Cubin { bytes, kernels: resources(&report) })
    }
}

impl Cubin {
    /// Refuses a kernel that keeps anything in local memory.
    pub fn check(self, architecture: &str) -> Result<Cubin, AssemblerError> {
        let in_local_memory =
            |kernel: &&KernelResources| kernel.stack_bytes + kernel.spilled_bytes > 0;
        match self.kernels.iter().find(in_local_memory) {
            None => Ok(self),
            Some(resources) => Err(AssemblerError::LocalMemory {
                resources: resources.clone(),
                architecture: architecture.to_string(),
            }),
        }
    }
}

fn on_the_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn of_toolkits() -> impl Iterator<Item = PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os);
    let named = named.map(PathBuf::from).chain([PathBuf::from("/usr/local/cuda")]);
    named.map(|toolkit| toolkit.join("bin"))
}

/// Where packages for Python put it: `lib/python3.X/site-packages/nvidia/cu13/bin`.
fn of_python() -> impl Iterator<Item = PathBuf> {
    let of_user = std::env::var_os("HOME").map(|home| Path::new(&home).join(".local"));
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let libraries = active.into_iter().chain(of_user).map(|prefix| prefix.join("lib"));
    let versions = libraries.flat_map(folders_in);
    let packages = versions.map(|version| version.join("site-packages/nvidia"));
    packages.flat_map(folders_in).map(|package| package.join("bin"))
}

fn folders_in(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders
}

/// What `ptxas -v` says of each kernel:
///
/// ```text
/// ptxas info    : Compiling entry function 'gemm' for 'sm_80'
/// ptxas info    : Function properties for gemm
///     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
/// ptxas info    : Used 26 registers, used 1 barriers, 384 bytes smem, 360 bytes cmem[0]
/// ```
fn resources(report: &str) -> Vec<KernelResources> {
    let mut kernels: Vec<KernelResources> = vec![];
    for line in report.lines() {
        if let Some(rest) = line.split("Compiling entry function '").nth(1) {
            let symbol = rest.split('\'').next().unwrap_or_default().to_string();
            kernels.push(KernelResources { symbol, ..Default::default() });
            continue;
        }
        let Some(kernel) = kernels.last_mut() else { continue };
        let clauses = line.rsplit(": ").next().unwrap_or_default();
        for clause in clauses.split(',').map(str::trim) {
            if let Some(bytes) = number_before(clause, " bytes stack frame") {
                kernel.stack_bytes = bytes;
            } else if let Some(bytes) = number_before(clause, " bytes spill stores") {
                kernel.spilled_bytes = bytes;
            } else if let Some(bytes) = number_before(clause, " bytes smem") {
                kernel.shared_bytes = bytes;
            } else if let Some(count) = clause.strip_prefix("Used ") {
                kernel.registers = number_before(count, " registers").unwrap_or_default();
            }
        }
    }
    kernels
}

fn number_before(clause: &str, words: &str) -> Option<u32> {
    clause.strip_suffix(words)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_assembler_says_of_kernels_is_read() {
        let report = "\
            ptxas info    : 0 bytes gmem\n\
            ptxas info    : Compiling entry function 'a' for 'sm_80'\n\
            ptxas info    : Function properties for a\n    \
            0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
            ptxas info    : Used 26 registers, used 1 barriers, 384 bytes cmem[0]\n\
            ptxas info    : Compiling entry function 'b' for 'sm_80'\n\
            ptxas info    : Function properties for b\n    \
            16 bytes stack frame, 12 bytes spill stores, 24 bytes spill loads\n\
            ptxas info    : Used 255 registers, used 1 barriers, 4096 bytes smem, 360 bytes cmem[0]\n";
        let kernel = |symbol: &str, registers, stack_bytes, spilled_bytes, shared_bytes| {
            let symbol = symbol.to_string();
            KernelResources { symbol, registers, stack_bytes, spilled_bytes, shared_bytes }
        };
        let kernels = resources(report);
        assert_eq!(kernels, [kernel("a", 26, 0, 0, 0), kernel("b", 255, 16, 12, 4096)]);
        let error = Cubin { bytes: vec![], kernels }.check("sm_80").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kernel `b` keeps 16 bytes a thread in local memory for sm_80, and must keep none: its schedule does \
             not fit the registers"
        );
    }

    #[test]
    fn an_assembler_that_fails_is_named_with_what_to_do() {
        // Programs that every system has, and that make no machine code.
        for (program, said) in [
            ("/bin/false", "refuses the kernels: it says nothing, and ends with exit status: 1"),
            ("/bin/true", "while assembling with `/bin/true`: No such file"),
            ("/nowhere/ptxas", "while assembling with `/nowhere/ptxas`: No such file"),
        ] {
            let assembler = Assembler { program: program.into() };
            let error = assembler.assemble("", "sm_80").unwrap_err().to_string();
            assert!(error.contains(said) && error.ends_with("PTX alone will do"), "{error}");
        }
    }
}
