//! The bytes of a safetensors file, from a file or a stream: as many as its header says, and no name in it twice.

use crate::pipe::open_for_reading;
use safetensors::tensor::Metadata;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

/// The bytes that say how long the header is.
const LENGTH_BYTES: usize = 8;

/// What safetensors allows.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Reads a safetensors file. It may be a pipe, and need not end: reading stops one byte behind what the header tells of,
/// so that whoever checks the bytes sees that there are more. What is no header is read no further.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = open_for_reading(path)?;
    let mut bytes = vec![];
    file.by_ref().take(LENGTH_BYTES as u64).read_to_end(&mut bytes)?;
    let length = bytes.as_slice().try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    if length > MAX_HEADER_BYTES {
        return Ok(bytes);
    }
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    let Some(Ok(metadata)) = header(&bytes).map(serde_json::from_slice::<Metadata>) else {
        return Ok(bytes);
    };
    let data = metadata.data_len();
    // Only for speed: a header that lies about its data may ask for more than there is.
    let _ = bytes.try_reserve_exact(data.saturating_add(1));
    file.take((data as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The header's text, where the file is as long as its header.
pub(crate) fn header(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// The first key that a JSON object has twice. A map would keep one of the two without a word.
pub fn repeated_key(json: &[u8]) -> Option<String> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Option<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut seen, mut repeated) = (HashSet::new(), None);
            while let Some(key) = map.next_key::<String>()? {
                map.next_value::<IgnoredAny>()?;
                if !seen.insert(key.clone()) {
                    repeated.get_or_insert(key);
                }
            }
            Ok(repeated)
        }
    }
    serde_json::Deserializer::from_slice(json).deserialize_map(Keys).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn no_more_is_read_than_the_header_tells_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let read_of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path).unwrap().len()
        };
        let tensor = r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let whole = with_header(tensor, 8);
        assert_eq!(read_of(&whole), whole.len());
        assert_eq!(read_of(&with_header(tensor, 1000)), whole.len() + 1);
        assert_eq!(read_of(&whole[..20]), 20);
        assert_eq!(read_of(&with_header("no JSON", 1000)), LENGTH_BYTES + 7);
        assert_eq!(read_of(&[0xff; 1000]), LENGTH_BYTES);
        assert_eq!(read_of(b"short"), 5);
        // It never ends, and its header is empty.
        assert_eq!(read(Path::new("/dev/zero")).unwrap().len(), LENGTH_BYTES);
    }

    #[test]
    fn a_key_that_stands_twice_is_found() {
        assert_eq!(repeated_key(br#"{"a":1,"b":{"a":2},"b":3,"a":4}"#).as_deref(), Some("b"));
        assert_eq!(repeated_key(br#"{"a":1,"b":{"a":2}}"#), None);
        assert_eq!(repeated_key(b"no JSON"), None);
    }
}
