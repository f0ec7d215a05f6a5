//! The caches of this machine, as Linux tells them.

use std::fs;
use std::path::Path;

/// A cache that holds data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// 2, 3, ...
    pub level: u32,
    /// Its size.
    pub bytes: i64,
    /// Hardware threads that share it.
    pub shared_by: usize,
}

/// What is taken where nothing can be read: 1 MiB a core.
const FALLBACK: Cache = Cache { level: 2, bytes: 1 << 20, shared_by: 1 };

/// The caches from the second level on, the smallest first: a tile's data does not stay in the first from one launch to
/// the next.
pub fn of_this_machine() -> Vec<Cache> {
    read(Path::new("/sys/devices/system/cpu/cpu0/cache"))
}

fn read(folder: &Path) -> Vec<Cache> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut caches: Vec<Cache> = entries.filter_map(|entry| read_cache(&entry.path())).collect();
    caches.retain(|cache| cache.level >= 2);
    caches.sort_by_key(|cache| cache.level);
    if caches.is_empty() { vec![FALLBACK] } else { caches }
}

fn read_cache(folder: &Path) -> Option<Cache> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    if text("type")?.trim() == "Instruction" {
        return None;
    }
    let level = text("level")?.trim().parse().ok()?;
    let bytes = size(text("size")?.trim())?;
    let shared_by = text("shared_cpu_list").map_or(1, |list| count(list.trim()));
    Some(Cache { level, bytes, shared_by })
}

/// `1024K`, `32M`
fn size(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.len().checked_sub(1)?);
    let unit = match unit {
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return text.parse().ok(),
    };
    number.parse::<i64>().ok()?.checked_mul(unit)
}

/// How many there are in `0-3,8`.
fn count(list: &str) -> usize {
    let range = |range: &str| match range.split_once('-') {
        Some((first, last)) => {
            let ends = (first.parse::<usize>().ok(), last.parse::<usize>().ok());
            if let (Some(first), Some(last)) = ends { last.saturating_sub(first) + 1 } else { 1 }
        }
        None => 1,
    };
    list.split(',').map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_writes_is_read() {
        assert_eq!((size("1024K"), size("32M"), size("x")), (Some(1 << 20), Some(32 << 20), None));
        assert_eq!((count("0-3,8"), count("5"), count("0-1")), (5, 1, 2));
        assert!(!of_this_machine().is_empty());
        assert_eq!(read(Path::new("/nowhere")), [FALLBACK]);
    }
}
