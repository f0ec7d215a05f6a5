//! Holds the resampler against Pillow's formula, written down plainly, and against Pillow itself.

use super::filter::{BICUBIC, BILINEAR, BOX, Filter, HAMMING, LANCZOS, MKS2013, MKS2021};
use super::{OutputPart, View, horizontal, resample, vertical, weights::Weights};
use proptest::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// The filters by Pillow's numbers. The first is the nearest pixel.
fn filters() -> [Option<&'static Filter>; 8] {
    [
        None,
        Some(&LANCZOS),
        Some(&BILINEAR),
        Some(&BICUBIC),
        Some(&BOX),
        Some(&HAMMING),
        Some(&MKS2013),
        Some(&MKS2021),
    ]
}

/// Levels that a script can make as well: the bits of a linear congruence (`noise`), only black and white, where filters
/// overshoot most (`edges`), or ramps, whose sums often lie halfway between two levels (`ramps`).
fn levels(pattern: &str, width: usize, height: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let level = |index: usize| {
        let (pixel, channel) = (index / 3, index % 3);
        let (x, y) = (pixel % width, pixel / width);
        match pattern {
            "noise" => noise(),
            "edges" => u8::from(noise() < 128) * 255,
            "ramps" => ((x + y) * (channel + 1)) as u8,
            other => panic!("no pattern {other}"),
        }
    };
    (0..3 * width * height).map(level).collect()
}

/// One side, by the formula: the weights of a pixel as f64, to 22 bits, then the sum in integers.
fn side_by_the_formula(line: &[u8], filter: &Filter, to: usize, wanted: usize) -> u8 {
    let scale = line.len() as f64 / to as f64;
    let support = filter.support * scale.max(1.0);
    let center = (wanted as f64 + 0.5) * scale;
    let first = ((center - support + 0.5) as i64).max(0);
    let end = ((center + support + 0.5) as i64).min(line.len() as i64);
    let weights: Vec<f64> = (first..end)
        .map(|x| (filter.at)((x as f64 - center + 0.5) * (1.0 / scale.max(1.0))))
        .collect();
    let sum: f64 = weights.iter().sum();
    let mut level = 1i64 << 21;
    for (x, weight) in (first..end).zip(weights) {
        let scaled = weight / sum * (1 << 22) as f64;
        let rounded = if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 } as i64;
        level += rounded * i64::from(line[x as usize]);
    }
    (level >> 22).clamp(0, 255) as u8
}

/// The whole image, by the formula.
fn by_the_formula(
    levels: &[u8],
    (width, height): (usize, usize),
    (to_width, to_height): (usize, usize),
    filter: &Filter,
) -> Vec<u8> {
    let along = |levels: Vec<u8>, width: usize, height: usize, is_width: bool| {
        let (from, to) = if is_width { (width, to_width) } else { (height, to_height) };
        if from == to {
            return levels;
        }
        let (columns, rows) = if is_width { (to, height) } else { (width, to) };
        let level = |index: usize| {
            let (pixel, channel) = (index / 3, index % 3);
            let (x, y) = (pixel % columns, pixel / columns);
            let at = |x: usize, y: usize| levels[(y * width + x) * 3 + channel];
            let line: Vec<u8> = match is_width {
                true => (0..width).map(|x| at(x, y)).collect(),
                false => (0..height).map(|y| at(x, y)).collect(),
            };
            side_by_the_formula(&line, filter, to, if is_width { x } else { y })
        };
        (0..3 * columns * rows).map(level).collect()
    };
    let lost = (height as i64 - to_height as i64, width as i64 - to_width as i64);
    if lost.0 > 0 && lost.0 > 2 * lost.1 {
        along(along(levels.to_vec(), width, height, false), width, to_height, true)
    } else {
        along(along(levels.to_vec(), width, height, true), to_width, height, false)
    }
}

/// A part of an image, row by row.
fn cut(levels: &[u8], output: &OutputPart) -> Vec<u8> {
    let row = |y: u32| {
        let at = |x: u32| 3 * (y as usize * output.width as usize + x as usize);
        levels[at(output.columns.start)..at(output.columns.end)].to_vec()
    };
    output.rows.clone().flat_map(row).collect()
}

/// A range within a side, from two numbers.
fn wanted(side: usize, a: usize, b: usize) -> std::ops::Range<u32> {
    let (a, b) = (a % side, b % side);
    a.min(b) as u32..a.max(b) as u32 + 1
}

fn side() -> impl Strategy<Value = usize> {
    prop_oneof![1..4usize, 1..30usize, 1..90usize]
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("noise"), Just("edges"), Just("ramps")]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_part_is_what_the_formula_says(
        (width, height, to_width, to_height) in (side(), side(), side(), side()),
        number in 1..8usize,
        pattern in pattern(),
        (left, right, top, bottom) in any::<(usize, usize, usize, usize)>(),
    ) {
        let source = levels(pattern, width, height);
        let filter = filters()[number].unwrap();
        let whole = by_the_formula(&source, (width, height), (to_width, to_height), filter);
        let output = OutputPart {
            width: to_width as u32,
            height: to_height as u32,
            columns: wanted(to_width, left, right),
            rows: wanted(to_height, top, bottom),
        };
        let view = View::new(&source, width, height);
        let part = resample(view, &output, Some(filter)).unwrap();
        prop_assert_eq!(part.size(), output.size());
        prop_assert!(part.bytes == cut(&whole, &output));
    }

    #[test]
    fn plain_and_vector_code_agree(
        (width, height, to) in (side(), side(), side()),
        number in 1..8usize,
        pattern in pattern(),
        (left, right) in any::<(usize, usize)>(),
    ) {
        let source = levels(pattern, width, height);
        let columns = wanted(width, left, right);
        let view = View::new(&source, width, height).part(&OutputPart {
            columns: columns.clone(),
            ..OutputPart::whole(width as u32, height as u32)
        });
        let filter = filters()[number].unwrap();
        let weights = Weights::new(filter, columns.len(), to as u32, 0..to as u32).unwrap();
        let plain = horizontal::plain(view, &weights);
        prop_assert!(horizontal::resample(view, &weights).bytes == plain.bytes);
        let weights = Weights::new(filter, height, to as u32, 0..to as u32).unwrap();
        let plain = vertical::plain(view, &weights);
        prop_assert!(vertical::resample(view, &weights).bytes == plain.bytes);
    }
}

/// A case of `resized.json`.
#[derive(Deserialize)]
struct Case {
    filter: usize,
    pattern: String,
    /// Width and height.
    from: [usize; 2],
    to: [u32; 2],
    /// Columns and rows of the part that is digested, each from a first to one behind the last.
    part: [[u32; 2]; 2],
    digest: String,
}

/// The 64-bit FNV-1a hash.
fn digest(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

#[test]
fn levels_are_those_of_pillow() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/preprocessing");
    let text = std::fs::read_to_string(goldens.join("resized.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 200);
    for case in cases {
        let [width, height] = case.from;
        let source = levels(&case.pattern, width, height);
        let [columns, rows] = case.part.map(|[first, end]| first..end);
        let output = OutputPart { width: case.to[0], height: case.to[1], columns, rows };
        let filter = filters()[case.filter];
        let part = resample(View::new(&source, width, height), &output, filter).unwrap();
        assert_eq!(
            digest(&part.bytes),
            case.digest,
            "{} from {:?} to {output:?}, filter {}",
            case.pattern,
            case.from,
            case.filter
        );
    }
}

#[test]
fn weights_that_are_all_too_small_give_black() {
    // Each of so many pixels counts less than half of what 22 bits can hold, and so Pillow sums nothing.
    let source = vec![255; 3 * 9_000_000];
    let output = OutputPart::whole(1, 1);
    let pixel = resample(View::new(&source, 1, 9_000_000), &output, Some(&BOX)).unwrap();
    assert_eq!(pixel.bytes, [0; 3]);
}

#[test]
fn more_weights_than_pillow_takes_are_refused() {
    let source = vec![0; 3 * 50_000_000];
    let view = View::new(&source, 1, 50_000_000);
    assert!(resample(view, &OutputPart::whole(1, 20), Some(&LANCZOS)).is_none());
    assert!(resample(view, &OutputPart::whole(1, 20), None).is_some());
}
