//! What choosing takes and gives, over every golden and over ranges from one open symbol to three.
//!
//! `cargo test --release -p ocellus-rewrite --test choice_table -- --ignored --nocapture` prints the table;
//! of goldens whose name has `OCELLUS_GOLDEN` in it, and of the range `OCELLUS_RANGE`, where these are set; with
//! `OCELLUS_DRAWN` sizes instead of 200, and `OCELLUS_UNITS` instead of 2 and 16.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::symbolic::{Bindings, SymbolRange};
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{self, Options};
use ocellus_rewrite::{
    Limits, PieceOptions, PieceProgram, ProgramCost, RuleSwitches, Saturated, TargetDescription,
    choose_pieces, specialize,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Sizes that are drawn from each range.
const DRAWN: usize = 200;

/// Ranges by name, for the symbols that an encoder leaves open.
fn ranges() -> Vec<(&'static str, Vec<(&'static str, SymbolRange)>)> {
    let sides = |max: i64| {
        let range = SymbolRange { min: 8, max, step: 8 };
        vec![("height", range), ("width", range)]
    };
    let images = |max: i64| ("images", SymbolRange::new(1, max));
    vec![
        ("as it is", vec![]),
        ("8 images", vec![images(8)]),
        ("4096 images", vec![images(4096)]),
        ("sides to 128", sides(128)),
        ("sides to 128, 8 images", [sides(128), vec![images(8)]].concat()),
        ("sides to 1024", sides(1024)),
    ]
}

fn goldens() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens");
    let entries = std::fs::read_dir(directory).unwrap();
    let models = entries.map(|entry| entry.unwrap().path().join("model"));
    let mut models: Vec<PathBuf> = models.filter(|model| model.is_dir()).collect();
    models.sort();
    models
}

/// The model for a range; none where its forward takes one size of image only.
fn load(golden: &Path, range: &[(&str, SymbolRange)]) -> Option<Model> {
    let ranges = range.iter().map(|(name, range)| (name.to_string(), *range));
    let options = Options { ranges: ranges.collect(), ..Options::default() };
    let mut model = hugging_face::load_with(golden, &options).ok()?;
    model.module = specialize(&model.module);
    Some(model)
}

/// Sizes over the range, each of the symbols by itself and every doubling as likely as any other.
fn draw(model: &Model) -> Vec<Bindings> {
    let mut random = StdRng::seed_from_u64(23);
    let symbols = &model.module.symbols;
    let mut size = || -> Bindings {
        let value = |range: SymbolRange, at: f64| {
            let steps = (range.last() - range.first()) / range.step + 1;
            let step = (steps as f64).powf(at).round() as i64 - 1;
            range.first() + step * range.step
        };
        let free = symbols.free();
        free.map(|(symbol, range)| (symbol.clone(), value(range, random.random()))).collect()
    };
    // An image smaller than a patch has no tokens, and more pixels than an integer counts no machine holds: such sizes have
    // no piece.
    let bound = |size: Bindings| {
        size.values().try_fold(1i64, |product, value| product.checked_mul(*value))?;
        symbols.bind(&size).ok().filter(|size| size.values().all(|value| *value > 0))
    };
    let drawn = std::env::var("OCELLUS_DRAWN").ok().and_then(|drawn| drawn.parse().ok());
    std::iter::repeat_with(&mut size).take(drawn.unwrap_or(DRAWN)).filter_map(bound).collect()
}

/// How much more than the best known program what dispatch chooses costs by the model, at the worst of the drawn sizes:
/// the best is that of all pieces and of what is extracted for the size.
fn worst(model: &Model, target: &TargetDescription, pieces: &[PieceProgram]) -> f64 {
    let cost = |piece: &PieceProgram| ProgramCost::of(&piece.module, target).unwrap();
    let costs: Vec<ProgramCost> = pieces.iter().map(cost).collect();
    let switches = RuleSwitches::default();
    let saturated = Saturated::new(&model.module, target, &switches, Limits::default()).unwrap();
    let loss = |size: &Bindings| {
        let kernels = saturated.kernels(&saturated.select(size).unwrap()).unwrap();
        let extracted = ProgramCost::of(&kernels, target).unwrap().at(size);
        let cheapest = costs.iter().map(|cost| cost.at(size)).fold(extracted, f64::min);
        let piece = pieces.iter().position(|piece| piece.region.contains(size));
        let regions = || pieces.iter().map(|piece| piece.region.to_string()).collect::<Vec<_>>();
        assert!(piece.is_some(), "No piece holds {size:?}: {:#?}.", regions());
        costs[piece.unwrap()].at(size) / cheapest
    };
    draw(model).iter().map(loss).fold(1.0, f64::max)
}

fn programs(pieces: &[PieceProgram]) -> usize {
    let mut distinct: Vec<&PieceProgram> = vec![];
    for piece in pieces {
        if !distinct.iter().any(|known| known.module.functions == piece.module.functions) {
            distinct.push(piece);
        }
    }
    distinct.len()
}

/// Seconds that this thread has run.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

#[test]
#[ignore = "a measurement; run it with --release --nocapture"]
fn every_golden_over_every_range() {
    let only = std::env::var("OCELLUS_GOLDEN").unwrap_or_default();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    println!(
        "{:<34} {:<24} {:>5} {:>8} {:>7} {:>8} {:>8} {:>11} {:>7} {:>7}",
        "golden",
        "range",
        "units",
        "seconds",
        "pieces",
        "programs",
        "costs",
        "extractions",
        "stated",
        "worst"
    );
    for golden in goldens() {
        let name = golden.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        for (range, symbols) in ranges() {
            if std::env::var("OCELLUS_RANGE").is_ok_and(|only| range != only) {
                continue;
            }
            let Some(model) = load(&golden, &symbols) else { continue };
            // Goldens differ in their weights' names alone, and ranges where the sides are fixed not at all.
            let text = format!("{:?}", model.module.symbols) + &model.module.to_string();
            if let Some(same) = seen.insert(text, format!("{name}, {range}")) {
                println!("{name:<34} {range:<24} as {same}");
                continue;
            }
            let only = std::env::var("OCELLUS_UNITS").ok().and_then(|units| units.parse().ok());
            for units in only.map_or(vec![2, 16], |only| vec![only]) {
                let target = TargetDescription::named("x86-64-v4").unwrap().with_units(units);
                let before = thread_seconds();
                let options = PieceOptions::default();
                let switches = RuleSwitches::default();
                let chosen = choose_pieces(&model.module, &target, &switches, options).unwrap();
                let seconds = thread_seconds() - before;
                let (effort, stated) = (chosen[0].1.effort, 1.0 + chosen[0].1.tolerance);
                let pieces: Vec<PieceProgram> =
                    chosen.into_iter().map(|(piece, _)| piece).collect();
                println!(
                    "{name:<34} {range:<24} {units:>5} {seconds:>8.3} {:>7} {:>8} {:>8} {:>11} {stated:>7.4} {:>7.4}",
                    pieces.len(),
                    programs(&pieces),
                    effort.costs,
                    effort.extractions,
                    worst(&model, &target, &pieces)
                );
            }
        }
    }
}
