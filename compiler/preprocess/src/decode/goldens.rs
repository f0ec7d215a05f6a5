//! Holds the decoders against Pillow, on the goldens of `tests/goldens/decoding`.

use super::{DecodeError, decoder_for, upright_levels};
use flate2::{Crc, read::ZlibDecoder};
use image::RgbImage;
use std::io::Read;
use std::path::Path;

/// A file, and what Pillow makes of it.
#[derive(serde::Deserialize)]
struct Golden {
    name: String,
    /// How long the file is.
    bytes: usize,
    /// Width, height and checksum of the levels, where Pillow takes the file.
    image: Option<(u32, u32, u32)>,
    /// The first and last of the lengths, range by range, to which the file can be cut and is still taken.
    taken_lengths: Option<Vec<(usize, usize)>>,
}

/// All goldens with the bytes of their files.
fn goldens() -> Vec<(Golden, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/decoding");
    let table = std::fs::read_to_string(folder.join("verdicts.json")).unwrap();
    let table: Vec<Golden> = serde_json::from_str(&table).unwrap();
    assert!(table.len() > 400, "the goldens are not where they should be");
    let mut files = ZlibDecoder::new(std::fs::File::open(folder.join("files.zlib")).unwrap());
    let with_file = |golden: Golden| {
        let mut file = vec![0; golden.bytes];
        files.read_exact(&mut file).unwrap();
        (golden, file)
    };
    table.into_iter().map(with_file).collect()
}

fn decode(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    let decoder = decoder_for(bytes).ok_or(DecodeError::malformed("it is no image"))?;
    upright_levels(bytes, decoder)
}

fn verdict(image: &RgbImage) -> (u32, u32, u32) {
    let mut checksum = Crc::new();
    checksum.update(image);
    (image.width(), image.height(), checksum.sum())
}

#[test]
fn files_are_taken_and_refused_as_by_pillow_and_have_its_levels() {
    let mut report = String::new();
    for (golden, file) in goldens() {
        let found = decode(&file);
        if found.as_ref().ok().map(verdict) != golden.image {
            let found = found.map(|image| verdict(&image));
            report += &format!("{}: {found:?}, Pillow: {:?}\n", golden.name, golden.image);
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_file_cut_anywhere_is_taken_where_pillow_takes_it() {
    let mut report = String::new();
    for (golden, file) in goldens() {
        let Some(ranges) = golden.taken_lengths else { continue };
        for length in 0..=file.len() {
            let is_taken = ranges.iter().any(|(first, last)| (*first..=*last).contains(&length));
            let found = decode(&file[..length]).ok().map(|image| verdict(&image));
            if found != golden.image.filter(|_| is_taken) {
                let verdict = if is_taken { "takes" } else { "refuses" };
                report += &format!("{} cut at {length}: Pillow {verdict} it\n", golden.name);
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_damaged_file_is_an_image_or_an_error() {
    let mut taken = 0;
    for (golden, file) in goldens() {
        for at in (0..file.len()).step_by(13) {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            // What counts is that it returns.
            taken += usize::from(decode(&damaged).is_ok());
        }
        assert!(taken > 0, "{}", golden.name);
    }
}
