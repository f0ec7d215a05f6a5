//! Memory in pages of its own: zeroed, aligned to a page, given by the system on first touch.

use memmap2::MmapMut;

/// Memory of that many bytes; an error where the system has not so much.
pub fn map_memory(bytes: usize) -> std::io::Result<MmapMut> {
    let memory = MmapMut::map_anon(bytes)?;
    // Large pages save address translation. A system without them loses nothing.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}
