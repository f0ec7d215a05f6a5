//! The names, the alignment and the hashes that reader and writer agree on.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The version of the format. An artifact of another one is refused.
pub const FORMAT_VERSION: u32 = 6;

pub(super) const TARGETS: &str = "ocellus.targets";
pub(super) const PROVENANCE: &str = "ocellus.provenance";
pub(super) const HASHES: &str = "ocellus.hashes";
pub(super) const HEADER_HASH: &str = "ocellus.header_hash";
/// Keys and tensor names with these starts belong to the format.
pub(super) const RESERVED: [&str; 2] = ["ocellus.", "__"];

/// Every tensor starts at a multiple of this, in the file and in memory.
pub(super) const ALIGNMENT: u64 = 64;

/// The bytes before the header: its length, little-endian.
pub(super) const LENGTH_BYTES: usize = 8;

/// Digits of a hash.
pub(super) const HASH_DIGITS: usize = 64;

/// The tensor that holds the code object for a target.
pub(super) fn code_name(target: &str) -> String {
    format!("ocellus.code/{target}")
}

/// The key under which the plan for a target lies.
pub(super) fn plan_key(target: &str) -> String {
    format!("ocellus.plan/{target}")
}

/// `bytes`, rounded up to the alignment; `None` where that overflows.
pub(super) fn padded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(ALIGNMENT)
}

/// The hashes of the sections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Hashes {
    /// By target.
    pub plans: BTreeMap<String, String>,
    pub tensors: BTreeMap<String, String>,
}

/// The hash of the length and the header, with zeros where the hash itself stands.
pub(super) fn hash_header(length_and_header: &[u8], own: Range<usize>) -> Option<String> {
    let (before, after) = (length_and_header.get(..own.start)?, length_and_header.get(own.end..)?);
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&[b'0'; HASH_DIGITS]).update(after);
    Some(hasher.finalize().to_hex().to_string())
}

/// Where the hash of the header stands in it. The key is looked for as written, quotes included: within another string
/// the quotes would be escaped.
pub(super) fn find_header_hash(length_and_header: &[u8]) -> Option<Range<usize>> {
    let key = format!("\"{HEADER_HASH}\":\"");
    let position = length_and_header.windows(key.len()).position(|w| w == key.as_bytes())?;
    let start = position + key.len();
    (start + HASH_DIGITS <= length_and_header.len()).then_some(start..start + HASH_DIGITS)
}
