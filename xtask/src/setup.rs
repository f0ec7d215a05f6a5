//! `cargo xtask setup`: sees what is missing, and installs it with apt.

use crate::packages::{self, DEBIAN_PREFIX, Need, PREFIX_VARIABLES, Sign};
use crate::process::{find_program, run};
use crate::terminal::say;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};

/// Installs what the build lacks. Says nothing where nothing is missing.
pub fn setup() -> Result<(), String> {
    install(&packages::NEEDS)
}

/// Installs what the tests lack beside. They skip what they cannot do, so an archive without it is not the end.
pub fn setup_tests() {
    if let Err(message) = install(&packages::TEST_NEEDS) {
        say(format_args!("warning: {message}\nthe tests that need it are skipped"));
    }
}

fn install(needs: &'static [Need]) -> Result<(), String> {
    let prefix = packages::llvm_prefix();
    let missing = packages::missing(needs, &prefix);
    if missing.is_empty() {
        return Ok(());
    }
    say(format_args!("missing on this machine:\n{}", listed(&missing)));
    refuse_foreign_prefix(&prefix, &missing)?;
    let apt = Apt::find(&missing)?;
    apt.update();
    refuse_unknown_packages(&missing)?;
    apt.install(&missing)?;
    match &packages::missing(needs, &prefix)[..] {
        [] => Ok(()),
        rest => Err(format!("apt succeeded, yet this is still missing:\n{}", listed(rest))),
    }
}

fn listed(needs: &[&Need]) -> String {
    needs.iter().fold(String::new(), |mut text, need| {
        let _ = writeln!(text, "  {:<18} {}", need.package, need.purpose);
        text
    })
}

fn names(needs: &[&Need]) -> String {
    needs.iter().map(|need| need.package).collect::<Vec<_>>().join(" ")
}

/// apt fills Debian's place only: an LLVM of the user's own is the user's to complete.
fn refuse_foreign_prefix(prefix: &Path, missing: &[&Need]) -> Result<(), String> {
    let lacks_llvm = missing.iter().any(|need| matches!(need.sign, Sign::UnderLlvm(_)));
    if !lacks_llvm || prefix == Path::new(DEBIAN_PREFIX) {
        return Ok(());
    }
    Err(format!(
        "the LLVM 22 at {} is not complete (see above)\n  help: complete it, or unset {} to use {DEBIAN_PREFIX}",
        prefix.display(),
        PREFIX_VARIABLES.join(", ")
    ))
}

/// After an update, every package must have a version that apt can install.
fn refuse_unknown_packages(missing: &[&Need]) -> Result<(), String> {
    let known = |need: &&&Need| {
        let found = Command::new("apt-cache").args(["policy", need.package]).output();
        found.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout);
            text.contains("Candidate:") && !text.contains("Candidate: (none)")
        })
    };
    let unknown: Vec<&Need> = missing.iter().filter(|need| !known(need)).copied().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "apt does not know {}\n  help: LLVM 22 for Debian 12 lies in its security archive. Add the suite \
         `bookworm-security` to apt's sources, as Debian's own installation has it, and run this again; on another \
         system, install LLVM and MLIR 22 and set {}",
        names(&unknown),
        PREFIX_VARIABLES.join(", ")
    ))
}

/// How to call apt on this machine.
struct Apt {
    sudo: Option<&'static [&'static str]>,
}

impl Apt {
    fn find(missing: &[&Need]) -> Result<Apt, String> {
        let by_hand = format!("as root: apt-get update && apt-get install {}", names(missing));
        if find_program("apt-get").is_none() {
            return Err(format!(
                "there is no apt-get here, and only Debian's packages are installed automatically\n  help: install LLVM \
                 and MLIR 22 with your system's means, set {}, and the rest of the list above",
                PREFIX_VARIABLES.join(", ")
            ));
        }
        if is_root() {
            return Ok(Apt { sudo: None });
        }
        if find_program("sudo").is_none() {
            return Err(format!("apt needs root, and there is no sudo here\n  help: {by_hand}"));
        }
        // Where nobody can type a password, sudo must fail rather than wait for one.
        let interactive = std::io::stdin().is_terminal();
        let sudo: &[&str] = if interactive { &["sudo"] } else { &["sudo", "-n"] };
        let allowed = interactive
            || Command::new("sudo")
                .args(["-n", "true"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success());
        if !allowed {
            return Err(format!(
                "apt needs root, and sudo asks for a password here\n  help: {by_hand}"
            ));
        }
        Ok(Apt { sudo: Some(sudo) })
    }

    fn command(&self) -> Command {
        let words = self.sudo.unwrap_or(&[]).iter().copied();
        let mut words = words.chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        let mut command = Command::new(words.next().unwrap_or("apt-get"));
        command.args(words).stdin(if self.sudo == Some(&["sudo"]) {
            Stdio::inherit()
        } else {
            Stdio::null()
        });
        command
    }

    /// One archive of several may be out of reach without harm, so a failure here is not the end.
    fn update(&self) {
        if let Err(message) = run(self.command().args(["update", "-q"])) {
            say(format_args!("warning: {message}; going on with the package lists that are there"));
        }
    }

    fn install(&self, missing: &[&Need]) -> Result<(), String> {
        let packages = missing.iter().map(|need| need.package);
        run(self.command().args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))
            .map_err(|message| format!("{message}\n  help: the output of apt above says why"))
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
