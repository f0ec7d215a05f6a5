//! The permission to use AMX tiles, which Linux gives a process that asks for it.
//!
//! A thread that uses tiles has 8 KiB more to be saved when another takes its turn, so Linux has the first use end in an
//! illegal instruction unless the process asked before (`Documentation/arch/x86/xstate.rst`). What is granted holds for
//! all threads of the process, and for its life.

use std::io;
use std::sync::OnceLock;

/// Asks for the permission, once a process. An error says what the system answered.
pub(super) fn request() -> io::Result<()> {
    static ANSWER: OnceLock<Result<(), i32>> = OnceLock::new();
    (*ANSWER.get_or_init(ask)).map_err(io::Error::from_raw_os_error)
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn ask() -> Result<(), i32> {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    /// The component of the extended state that tiles are.
    const XTILEDATA: libc::c_long = 18;
    // SAFETY: the call reads no memory of ours; it changes what this process may do, and nothing else.
    match unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EPERM)),
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn ask() -> Result<(), i32> {
    Err(libc::ENOSYS)
}
