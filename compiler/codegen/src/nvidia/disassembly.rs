//! [`MainLoop`]: the instructions of a kernel's main loop, as NVIDIA's disassembler lists them where it is found.

use super::{Assembler, Cubin};
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// NVIDIA's disassembler.
pub(super) struct Disassembler {
    program: PathBuf,
}

/// The instructions of the loop that has most products in it.
pub(super) struct MainLoop {
    instructions: Vec<String>,
}

impl Disassembler {
    /// The one that lies beside the assembler, without which what it would say is skipped.
    pub(super) fn beside(assembler: &Assembler) -> Option<Self> {
        let program = assembler.program.with_file_name("nvdisasm");
        let is_there = program.is_file();
        if !is_there {
            eprintln!("skipped: there is no nvdisasm beside ptxas");
        }
        is_there.then_some(Disassembler { program })
    }

    /// The main loop of a kernel.
    pub(super) fn main_loop(&self, cubin: &Cubin) -> MainLoop {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &cubin.bytes).unwrap();
        let run = Command::new(&self.program).arg("-c").arg(file.path()).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        MainLoop::of(&String::from_utf8(run.stdout).unwrap())
    }
}

impl MainLoop {
    fn of(listing: &str) -> Self {
        let lines: Vec<&str> = listing.lines().map(str::trim).collect();
        let position = |label: &str| lines.iter().position(|line| *line == format!("{label}:"));
        let mut loops = vec![];
        for (end, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("BRA")) {
            let label = line.split("`(").nth(1).and_then(|rest| rest.split(')').next());
            if let Some(start) = label.and_then(position).filter(|start| *start < end) {
                let is_instruction = |line: &&&str| line.starts_with("/*") && line.ends_with(';');
                let all = lines[start..=end].iter().filter(is_instruction);
                loops.push(MainLoop { instructions: all.map(ToString::to_string).collect() });
            }
        }
        loops.into_iter().max_by_key(MainLoop::products).unwrap()
    }

    /// How many of the instructions are products.
    fn products(&self) -> usize {
        self.instructions.iter().filter(|line| line.contains("HMMA")).count()
    }

    /// Which share of them are.
    pub(super) fn share_of_products(&self) -> f64 {
        self.products() as f64 / self.instructions.len() as f64
    }

    /// Whether anything in it is in local memory.
    pub(super) fn has_local_memory(&self) -> bool {
        self.instructions.iter().any(|line| line.contains("LDL") || line.contains("STL"))
    }
}

impl fmt::Display for MainLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.instructions.join("\n"))
    }
}
