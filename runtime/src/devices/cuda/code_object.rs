//! [`CodeObject`]: the code of an artifact for a GPU, as the compiler writes it and the device reads it.
//!
//! ```text
//! length of the header, 8 bytes, little-endian │ header, JSON │ PTX │ cubin, where there is one │ zeros
//! ```
//! The header says which kernels there are, how each is launched and what it does with its arguments, and how long PTX and
//! cubin are. Zeros may follow, since an artifact pads its tensors. PTX is there always: a driver makes code of it for its
//! own GPU, however new that is. The cubin saves it that work where it is for this GPU.

use super::capability::Capability;
use crate::signature::Signature;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most threads that a block can have.
const MAX_THREADS: u32 = 1024;

/// More shared memory than a block has on any GPU so far.
const MAX_SHARED_BYTES: u32 = 1 << 20;

/// The most bytes of parameters that every driver takes.
const MAX_PARAMETER_BYTES: usize = 4096;

/// What a cubin begins with, as it is an ELF file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// Bytes before the header: its length.
const LENGTH_BYTES: usize = 8;

/// A kernel of a code object, and how it is launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelEntry {
    /// The name of its entry in PTX and cubin.
    pub symbol: String,
    /// What it does with its arguments.
    pub signature: Signature,
    /// Threads of a block: 1 to 1024.
    pub threads: u32,
    /// Tiles that a block computes: at least 1. A launch has as many blocks as its tiles need, or more.
    pub tiles: u32,
    /// Bytes of shared memory that a launch must give a block, beside what the kernel declares.
    pub shared_bytes: u32,
    /// Whether a launch of it may begin before the one before has ended (programmatic dependent launch): each of its threads
    /// executes `griddepcontrol.wait` before it uses memory that another launch may use too.
    #[serde(default)]
    pub begins_early: bool,
}

/// The code of an artifact for a GPU; see [the format](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeObject {
    /// What the code was written for, such as `sm_80`: that, and what came after it, can run the PTX.
    pub architecture: String,
    /// The [hash](crate::signature::plan_hash) of the plan that it was compiled for. Without one it goes with any plan.
    pub plan: Option<String>,
    /// The kernels, each by another symbol.
    pub kernels: Vec<KernelEntry>,
    /// The text of a PTX module that has them all.
    pub ptx: String,
    /// Machine code of the same, assembled for [`architecture`](Self::architecture), as an ELF file.
    pub cubin: Option<Vec<u8>>,
}

/// The header, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    architecture: String,
    plan: Option<String>,
    kernels: Vec<KernelEntry>,
    ptx_bytes: usize,
    cubin_bytes: Option<usize>,
}

/// Bytes that are no code object.
#[derive(Debug, thiserror::Error)]
pub enum CodeObjectError {
    /// They end too soon.
    #[error(
        "the code object ends within its {part}: it is damaged, or it is not for a GPU; compile the model again"
    )]
    Truncated {
        /// In which part.
        part: &'static str,
    },
    /// Something follows that is not part of it.
    #[error(
        "the code object has bytes behind its last part: it is damaged; compile the model again"
    )]
    Trailing,
    /// A header that says something else.
    #[error(
        "the header of the code object cannot be understood: it was written by another version; compile the model again"
    )]
    Header(#[source] serde_json::Error),
    /// No architecture.
    #[error("the code object is for `{0}`, which is no architecture of a GPU, such as `sm_80`")]
    Architecture(String),
    /// PTX that no driver could read.
    #[error("the PTX of the code object is not a text: compile the model again")]
    Ptx,
    /// A cubin that is none.
    #[error("the cubin of the code object is not an ELF file: compile the model again")]
    Cubin,
    /// Two kernels of one name.
    #[error("the code object has two kernels `{0}`: compile the model again")]
    Twice(String),
    /// A kernel that cannot be launched so.
    #[error("the kernel `{symbol}` of the code object cannot be launched: {problem}")]
    Kernel {
        /// The kernel.
        symbol: String,
        /// Why.
        problem: String,
    },
}

impl CodeObject {
    /// The bytes that an artifact holds. Those that [`from_bytes`](Self::from_bytes) would refuse are not made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CodeObjectError> {
        self.check()?;
        let header = Header {
            architecture: self.architecture.clone(),
            plan: self.plan.clone(),
            kernels: self.kernels.clone(),
            ptx_bytes: self.ptx.len(),
            cubin_bytes: self.cubin.as_ref().map(Vec::len),
        };
        let header = serde_json::to_vec(&header).map_err(CodeObjectError::Header)?;
        let length = (header.len() as u64).to_le_bytes();
        let cubin = self.cubin.as_deref().unwrap_or_default();
        Ok([&length, header.as_slice(), self.ptx.as_bytes(), cubin].concat())
    }

    /// Reads a code object, and believes nothing that it says: what cannot be launched is refused. Whether the PTX and the
    /// cubin are what they should be only a driver can tell.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodeObjectError> {
        let (length, rest) = bytes
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(CodeObjectError::Truncated { part: "first bytes" })?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (header, rest) = split(rest, length, "header")?;
        let header: Header = serde_json::from_slice(header).map_err(CodeObjectError::Header)?;
        let (ptx, rest) = split(rest, header.ptx_bytes, "PTX")?;
        let (cubin, padding) = split(rest, header.cubin_bytes.unwrap_or(0), "cubin")?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(CodeObjectError::Trailing);
        }
        let object = CodeObject {
            architecture: header.architecture,
            plan: header.plan,
            kernels: header.kernels,
            ptx: String::from_utf8(ptx.to_vec()).map_err(|_| CodeObjectError::Ptx)?,
            cubin: header.cubin_bytes.map(|_| cubin.to_vec()),
        };
        object.check()?;
        Ok(object)
    }

    /// The compute capability that the code was written for.
    pub fn capability(&self) -> Result<Capability, CodeObjectError> {
        let capability = Capability::of_architecture(&self.architecture);
        capability.ok_or_else(|| CodeObjectError::Architecture(self.architecture.clone()))
    }

    fn check(&self) -> Result<(), CodeObjectError> {
        self.capability()?;
        // A driver takes the text up to its first zero byte.
        if self.ptx.is_empty() || self.ptx.contains('\0') {
            return Err(CodeObjectError::Ptx);
        }
        if self.cubin.as_ref().is_some_and(|cubin| !cubin.starts_with(ELF_MAGIC)) {
            return Err(CodeObjectError::Cubin);
        }
        let mut symbols = HashSet::new();
        for kernel in &self.kernels {
            kernel.check()?;
            if !symbols.insert(&kernel.symbol) {
                return Err(CodeObjectError::Twice(kernel.symbol.clone()));
            }
        }
        Ok(())
    }
}

impl KernelEntry {
    /// Bytes of the parameters that it takes: its words, and behind them the number of tiles.
    pub fn parameter_bytes(&self) -> usize {
        self.signature.words.len().saturating_add(1).saturating_mul(size_of::<i64>())
    }

    fn check(&self) -> Result<(), CodeObjectError> {
        let problem = if !is_identifier(&self.symbol) {
            "its name is not one that PTX can have".to_string()
        } else if !(1..=MAX_THREADS).contains(&self.threads) {
            format!(
                "its blocks would have {} threads, and can have 1 to {MAX_THREADS}",
                self.threads
            )
        } else if self.tiles == 0 {
            "its blocks would compute no tiles".to_string()
        } else if self.shared_bytes > MAX_SHARED_BYTES {
            format!("its blocks would have {} bytes of shared memory", self.shared_bytes)
        } else if self.parameter_bytes() > MAX_PARAMETER_BYTES {
            let bytes = self.parameter_bytes();
            format!("it takes {bytes} bytes of parameters, and can take {MAX_PARAMETER_BYTES}")
        } else {
            return Ok(());
        };
        Err(CodeObjectError::Kernel { symbol: self.symbol.clone(), problem })
    }
}

/// Whether PTX can have something of that name.
fn is_identifier(name: &str) -> bool {
    let is_follower = |byte: u8| byte.is_ascii_alphanumeric() || b"_$".contains(&byte);
    let (first, rest) = match name.as_bytes() {
        [first, rest @ ..] => (*first, rest),
        [] => return false,
    };
    let begins = first.is_ascii_alphabetic() || (b"_$%".contains(&first) && !rest.is_empty());
    begins && rest.iter().copied().all(is_follower)
}

/// The first bytes, and those behind them.
fn split<'a>(
    bytes: &'a [u8],
    length: usize,
    part: &'static str,
) -> Result<(&'a [u8], &'a [u8]), CodeObjectError> {
    bytes.split_at_checked(length).ok_or(CodeObjectError::Truncated { part })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Amount;

    fn kernel(symbol: &str) -> KernelEntry {
        let signature =
            Signature { words: vec![], tiles: None, scratch_bytes: Amount::Constant(0) };
        KernelEntry {
            symbol: symbol.to_string(),
            signature,
            threads: 128,
            tiles: 4,
            shared_bytes: 0,
            begins_early: false,
        }
    }

    fn object() -> CodeObject {
        CodeObject {
            architecture: "sm_80".to_string(),
            plan: Some("a hash".to_string()),
            kernels: vec![kernel("scale"), kernel("add")],
            ptx: ".version 7.0\n".to_string(),
            cubin: Some(b"\x7fELF and more".to_vec()),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_whatever_zeros_follow() {
        for cubin in [None, object().cubin] {
            let object = CodeObject { cubin, ..object() };
            let mut bytes = object.to_bytes().unwrap();
            assert_eq!(CodeObject::from_bytes(&bytes).unwrap(), object);
            bytes.resize(bytes.len().next_multiple_of(64), 0);
            assert_eq!(CodeObject::from_bytes(&bytes).unwrap(), object);
            bytes.push(1);
            assert!(matches!(CodeObject::from_bytes(&bytes), Err(CodeObjectError::Trailing)));
        }
    }

    #[test]
    fn bytes_that_end_anywhere_are_refused() {
        let bytes = object().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(CodeObject::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        let elf = [b"\x7fELF".as_slice(), &[2; 100]].concat();
        let error = CodeObject::from_bytes(&elf).unwrap_err().to_string();
        assert!(error.contains("within its header") && error.contains("not for a GPU"), "{error}");
    }

    #[test]
    fn damage_of_any_byte_ends_in_no_crash() {
        let bytes = object().to_bytes().unwrap();
        for position in 0..bytes.len() {
            for flip in [1, 0x20, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                let _ = CodeObject::from_bytes(&damaged);
            }
        }
    }

    #[test]
    fn what_cannot_be_launched_is_neither_read_nor_written() {
        let change = |change: &dyn Fn(&mut CodeObject)| {
            let mut object = object();
            change(&mut object);
            object.to_bytes().unwrap_err().to_string()
        };
        assert!(change(&|o| o.architecture = "x86_64".into()).contains("no architecture of a GPU"));
        assert!(change(&|o| o.ptx = "a\0b".into()).contains("PTX"));
        assert!(change(&|o| o.cubin = Some(b"MZ".to_vec())).contains("not an ELF file"));
        assert!(change(&|o| o.kernels[1] = kernel("scale")).contains("two kernels `scale`"));
        assert!(change(&|o| o.kernels[1].symbol = "a b".into()).contains("its name"));
        assert!(change(&|o| o.kernels[1].threads = 1025).contains("1025 threads"));
        assert!(change(&|o| o.kernels[1].tiles = 0).contains("no tiles"));
        assert!(change(&|o| o.kernels[1].shared_bytes = u32::MAX).contains("shared memory"));
        let many = |o: &mut CodeObject| {
            o.kernels[1].signature.words = vec![crate::signature::Word::Distance; 512];
        };
        assert!(change(&many).contains("4104 bytes of parameters"));
        // The same, where somebody else wrote it.
        let text = String::from_utf8_lossy(&object().to_bytes().unwrap())
            .replace("\"threads\":128", "\"threads\":999999");
        let mut bytes = text.into_bytes();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) + 2 * 3;
        bytes[..8].copy_from_slice(&header.to_le_bytes());
        let error = CodeObject::from_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains("999999 threads"), "{error}");
    }
}
