//! What the build needs from the system, how to see that it is there, and the Debian package that brings it.

use crate::process::find_program;
use std::path::{Path, PathBuf};

/// Where Debian's packages put LLVM.
pub const DEBIAN_PREFIX: &str = "/usr/lib/llvm-22";

/// The variables that the crates which bind LLVM read. `.cargo/config.toml` gives them their defaults.
pub const PREFIX_VARIABLES: [&str; 3] =
    ["MLIR_SYS_220_PREFIX", "TABLEGEN_220_PREFIX", "LLVM_SYS_221_PREFIX"];

/// How a need shows that it is met.
pub enum Sign {
    /// One of these files lies under the prefix of LLVM.
    UnderLlvm(&'static [&'static str]),
    /// A header lies in the system's include folders.
    Header(&'static str),
    /// A program is on the search path.
    Program(&'static str),
}

/// One thing that the build or the compiler needs.
pub struct Need {
    /// The Debian package that brings it.
    pub package: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// How to see that it is there.
    pub sign: Sign,
}

/// Everything that is needed.
pub const NEEDS: [Need; 11] = [
    Need {
        package: "llvm-22-dev",
        purpose: "LLVM, which optimizes and emits code",
        sign: Sign::UnderLlvm(&["bin/llvm-config"]),
    },
    Need {
        package: "libmlir-22-dev",
        purpose: "MLIR, which holds the dialects",
        sign: Sign::UnderLlvm(&["lib/libMLIR-C.so", "lib/libMLIRCAPIIR.a"]),
    },
    Need {
        package: "mlir-22-tools",
        purpose: "mlir-tblgen, for the build of melior",
        sign: Sign::UnderLlvm(&["bin/mlir-tblgen"]),
    },
    Need {
        package: "libclang-22-dev",
        purpose: "libclang, for bindgen",
        sign: Sign::UnderLlvm(&["lib/libclang.so"]),
    },
    Need {
        package: "libpolly-22-dev",
        purpose: "Polly, which llvm-config names among LLVM's libraries",
        sign: Sign::UnderLlvm(&["lib/libPolly.a", "lib/libPolly.so"]),
    },
    Need {
        package: "lld-22",
        purpose: "lld, which links an artifact's code object",
        sign: Sign::UnderLlvm(&["bin/ld.lld"]),
    },
    Need {
        package: "libzstd-dev",
        purpose: "zstd, which LLVM links",
        sign: Sign::Header("zstd.h"),
    },
    Need { package: "zlib1g-dev", purpose: "zlib, which LLVM links", sign: Sign::Header("zlib.h") },
    Need {
        package: "libxml2-dev",
        purpose: "libxml2, which LLVM links",
        sign: Sign::Header("libxml2/libxml/parser.h"),
    },
    Need {
        package: "g++",
        purpose: "a C++ compiler, for the build of tblgen",
        sign: Sign::Program("c++"),
    },
    Need {
        package: "nasm",
        purpose: "an assembler, for the build of libjpeg",
        sign: Sign::Program("nasm"),
    },
];

/// Where LLVM is looked for: what the environment says, or Debian's place.
pub fn llvm_prefix() -> PathBuf {
    PREFIX_VARIABLES
        .iter()
        .find_map(std::env::var_os)
        .map_or_else(|| PathBuf::from(DEBIAN_PREFIX), PathBuf::from)
}

/// What the tests need beside.
pub const TEST_NEEDS: [Need; 2] = [
    Need {
        package: "chromium",
        purpose: "a browser, which opens the page of `ocellus explain --html`",
        sign: Sign::Program("chromium"),
    },
    Need {
        package: "python3-pip",
        purpose: "pip, which installs NVIDIA's assembler",
        sign: Sign::Program("pip3"),
    },
];

/// The needs that are not met.
pub fn missing(needs: &'static [Need], prefix: &Path) -> Vec<&'static Need> {
    needs.iter().filter(|need| !need.sign.shows(prefix)).collect()
}

impl Sign {
    fn shows(&self, prefix: &Path) -> bool {
        match self {
            Sign::UnderLlvm(files) => files.iter().any(|file| prefix.join(file).exists()),
            Sign::Header(file) => ["/usr/include", "/usr/local/include"]
                .iter()
                .any(|folder| Path::new(folder).join(file).exists()),
            Sign::Program(name) => find_program(name).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_without_llvm_lacks_all_that_lies_under_it() {
        let lacking = missing(&NEEDS, Path::new("/nonexistent"));
        for package in ["llvm-22-dev", "libmlir-22-dev", "mlir-22-tools", "lld-22"] {
            assert!(lacking.iter().any(|need| need.package == package), "{package} not missed");
        }
    }
}
