//! Whether the program that dispatch chooses is the best one: by the model at 200 sizes, and on this machine.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod session;

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::passes;
use ocellus_compiler::verify::random_inputs;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Module;
use ocellus_dialects::symbolic::{Bindings, Region, Symbol, SymbolRange};
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, TransformerBlock};
use ocellus_kernels::CpuTarget;
use ocellus_rewrite::{
    Limits, PieceOptions, PieceProgram, ProgramCost, RuleSwitches, Saturated, TargetDescription,
    choose, choose_pieces,
};
use ocellus_runtime::{HostTensor, Session};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::time::{Duration, Instant};

/// A block of ViT-B over up to so many images of up to so many tokens.
fn block(images: i64, tokens: i64) -> Model {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", SymbolRange::new(1, images))?;
        let tokens = nn.symbol("tokens", SymbolRange::new(1, tokens))?;
        let [x] = nn.inputs([("x", vec![images, tokens, 768.into()])])?;
        nn.result("y", &nn.apply("layer", &TransformerBlock::new(12, 3072), &x)?)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 5);
    Model::new("block", module, weights).unwrap()
}

/// Sizes over the range, every doubling as likely as any other.
fn sizes(count: usize, max: [f64; 2]) -> Vec<Bindings> {
    let mut random = StdRng::seed_from_u64(11);
    let mut size = || {
        let mut value = |max: f64| max.powf(random.random::<f64>()).round() as i64;
        let values = [("images", value(max[0])), ("tokens", value(max[1]))];
        values.map(|(name, value)| (Symbol::new(name), value)).into()
    };
    std::iter::repeat_with(&mut size).take(count).collect()
}

/// The position of the piece that a size lies in.
fn piece_at(pieces: &[PieceProgram], size: &Bindings) -> usize {
    pieces.iter().position(|piece| piece.region.contains(size)).unwrap()
}

fn pieces(model: &Model, target: &TargetDescription) -> Vec<PieceProgram> {
    let options = PieceOptions::default();
    let chosen = choose_pieces(&model.module, target, &RuleSwitches::default(), options).unwrap();
    chosen.into_iter().map(|(piece, _)| piece).collect()
}

/// How much longer than the best known program what dispatch chooses takes, by the model: at each of these sizes.
struct Losses(Vec<f64>);

impl Losses {
    /// At every size the best is that of all pieces and of what is extracted for the size.
    fn of(model: &Model, target: &TargetDescription, sizes: &[Bindings]) -> (usize, Losses) {
        let pieces = pieces(model, target);
        let costs: Vec<ProgramCost> =
            pieces.iter().map(|piece| ProgramCost::of(&piece.module, target).unwrap()).collect();
        let saturated =
            Saturated::new(&model.module, target, &RuleSwitches::default(), Limits::default())
                .unwrap();
        let loss = |size: &Bindings| {
            let kernels = saturated.kernels(&saturated.select(size).unwrap()).unwrap();
            let extracted = ProgramCost::of(&kernels, target).unwrap().at(size);
            let cheapest = costs.iter().map(|cost| cost.at(size)).fold(extracted, f64::min);
            costs[piece_at(&pieces, size)].at(size) / cheapest
        };
        (pieces.len(), Losses(sizes.iter().map(loss).collect()))
    }

    fn worst(&self) -> f64 {
        self.0.iter().copied().fold(1.0, f64::max)
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let best = self.0.iter().filter(|loss| **loss <= 1.0 + 1e-9).count();
        let mean = self.0.iter().sum::<f64>() / count as f64;
        let worst = self.worst();
        write!(f, "the best at {best} of {count}, {mean:.4} of it in the mean, at most {worst:.4}")
    }
}

#[test]
fn the_chosen_program_is_the_cheapest_within_the_tolerance() {
    let model = block(16, 1024);
    for (units, max) in [(2, 1.0), (16, 1.02), (64, 1.02)] {
        let target = TargetDescription::named("x86-64-v4").unwrap().with_units(units);
        let (pieces, losses) = Losses::of(&model, &target, &sizes(200, [16.0, 1024.0]));
        println!("{units} units: {pieces} pieces, {losses}");
        assert!(losses.worst() <= max, "{units}: {losses}");
    }
}

/// Along one symbol there are pieces enough. (With 128 units 2.1 % are kept.)
#[test]
fn along_one_symbol_the_tolerance_is_kept_whatever_the_units() {
    let model = block(1, 16_384);
    for units in [2, 16, 64] {
        let target = TargetDescription::named("x86-64-v4").unwrap().with_units(units);
        let (pieces, losses) = Losses::of(&model, &target, &sizes(400, [1.0, 16_384.0]));
        println!("{units} units: {pieces} pieces, {losses}");
        assert!(losses.worst() <= 1.02, "{units}: {losses}");
    }
}

fn text(size: &Bindings) -> String {
    let values: Vec<String> = size.values().map(i64::to_string).collect();
    values.join(" x ")
}

/// Three symbols are evaluated each by itself, and cut along what they make together.
#[test]
fn images_that_are_not_square_get_the_program_for_their_tokens() {
    let max = [16.0, 32.0, 32.0];
    let module = nn::build(ElementType::F32, |nn| {
        let [images, rows, cols] = ["images", "rows", "cols"];
        let images = nn.symbol(images, SymbolRange::new(1, 16))?;
        let rows = nn.symbol(rows, SymbolRange::new(1, 32))?;
        let cols = nn.symbol(cols, SymbolRange::new(1, 32))?;
        let [x] =
            nn.inputs([("x", vec![images.clone(), rows.clone(), cols.clone(), 768.into()])])?;
        let x = x.reshape([images, rows * cols, 768.into()])?;
        nn.result("y", &nn.apply("layer", &TransformerBlock::new(12, 3072), &x)?)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 5);
    let model = Model::new("block", module, weights).unwrap();
    for units in [16, 64] {
        let target = TargetDescription::named("x86-64-v4").unwrap().with_units(units);
        let mut random = StdRng::seed_from_u64(3);
        let size = || {
            let values = max.map(|max: f64| max.powf(random.random::<f64>()).round() as i64);
            let names = ["images", "rows", "cols"].map(Symbol::new);
            names.into_iter().zip(values).collect::<Bindings>()
        };
        let sizes: Vec<Bindings> = std::iter::repeat_with(size).take(100).collect();
        let (pieces, losses) = Losses::of(&model, &target, &sizes);
        println!("{units} units: {pieces} pieces, {losses}");
        assert!(losses.worst() <= 1.02, "{units}: {losses}");
    }
}

/// A program alone, whatever the size.
fn session(model: &Model, mut module: Module, cpu: &CpuTarget) -> Session {
    module.symbols = model.module.symbols.clone();
    let alone = PieceProgram { region: Region::default(), module };
    let host = passes::plan(&model.module, &[alone], cpu).unwrap();
    session::session(model, host, cpu, 2)
}

/// `cargo test --release -p ocellus-compiler --test chosen_programs -- --ignored --nocapture`, on an idle machine.
#[test]
#[ignore = "a measurement; run it with --release --nocapture on a quiet machine"]
fn the_chosen_program_is_the_fastest_measured() {
    /// Rounds at every size, and how long they go on where a run is short.
    const ROUNDS: usize = 15;
    const SECONDS: f64 = 1.0;
    /// The threads of the session before look for work for a while, and would share a core with those of the next.
    const ASLEEP: Duration = Duration::from_micros(500);
    let cpu = CpuTarget::host().unwrap();
    let model = block(16, 1024);
    let target = match std::env::var("OCELLUS_MACHINE") {
        Ok(file) => {
            TargetDescription::parse(&file, &std::fs::read_to_string(&file).unwrap()).unwrap()
        }
        Err(_) => TargetDescription::of(cpu).unwrap(),
    };
    let pieces = pieces(&model, &target);
    // One piece has no rival: others are what the same rules choose for more units, and with fewer fusions.
    let many = target.clone().with_units(16);
    let mut modules: Vec<(String, Module)> = vec![];
    for (number, piece) in pieces.iter().enumerate() {
        modules.push((format!("piece {number}"), piece.module.clone()));
    }
    for size in sizes(8, [16.0, 512.0]) {
        let (module, _) = choose(&model.module, &size, &many, &RuleSwitches::default()).unwrap();
        modules.push((format!("tiles for 16 units at {}", text(&size)), module));
    }
    for rule in ["layer-norm-into-prologue", "activate-into-epilogue", "attention"] {
        let switches = RuleSwitches::without([rule]).unwrap();
        let size = &sizes(1, [16.0, 512.0])[0];
        let (module, _) = choose(&model.module, size, &target, &switches).unwrap();
        modules.push((format!("without {rule}"), module));
    }
    let mut programs: Vec<(String, Module)> = vec![];
    let mut program_of = vec![];
    for (name, module) in modules {
        let known = programs.iter().position(|(_, known)| known.functions == module.functions);
        program_of.push(known.unwrap_or(programs.len()));
        if known.is_none() {
            programs.push((name, module));
        }
    }
    let sessions: Vec<Session> =
        programs.iter().map(|(_, module)| session(&model, module.clone(), &cpu)).collect();
    println!("{} pieces, {} programs", pieces.len(), programs.len());
    let sizes = sizes(40, [16.0, 128.0]);
    let (mut near_own, mut near_all) = (0, 0);
    for size in &sizes {
        let inputs = random_inputs(&model.module, size).unwrap();
        let inputs: Vec<(&str, &HostTensor)> =
            inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut times = vec![vec![]; sessions.len()];
        // Interleaved, so that what else the machine does falls on all alike.
        let begin = Instant::now();
        for round in 0.. {
            if round > ROUNDS && begin.elapsed().as_secs_f64() > SECONDS {
                break;
            }
            for (session, times) in sessions.iter().zip(&mut times) {
                std::thread::sleep(ASLEEP);
                let start = Instant::now();
                session.run(&inputs).unwrap();
                if round > 0 {
                    times.push(start.elapsed().as_secs_f64() * 1e6);
                }
            }
        }
        let medians: Vec<f64> = times
            .iter_mut()
            .map(|times| {
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
            .collect();
        let chosen = program_of[piece_at(&pieces, size)];
        let fastest = medians.iter().copied().fold(f64::INFINITY, f64::min);
        let ratio = medians[chosen] / fastest;
        near_all += usize::from(ratio <= 1.05);
        let own = program_of[..pieces.len()].iter().map(|program| medians[*program]);
        near_own += usize::from(medians[chosen] <= 1.05 * own.fold(f64::INFINITY, f64::min));
        let position = medians.iter().position(|median| *median == fastest).unwrap();
        println!(
            "{:>12}: {:>9.1} us, {ratio:.3} of the fastest, {}",
            text(size),
            medians[chosen],
            programs[position].0
        );
    }
    println!(
        "within 5 % of the fastest piece at {near_own} of {} sizes, and of all programs at {near_all}",
        sizes.len()
    );
    assert!(10 * near_all >= 9 * sizes.len());
}
