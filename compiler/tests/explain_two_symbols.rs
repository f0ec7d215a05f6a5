//! A range that two symbols cut: the sizes of each piece in every form, the map on the page, and that explaining many
//! pieces stays quick.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::{Compiler, Explanation, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::{Dim, Symbol, SymbolRange};
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, TransformerBlock};
use ocellus_rewrite::TargetDescription;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A block of ViT-B over any number of images of up to 4096 tokens, for a machine with many cores: what is best depends on
/// both.
fn explanation() -> Explanation {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", SymbolRange::new(1, i64::from(i32::MAX)))?;
        let tokens = nn.symbol("tokens", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![images, tokens, 768.into()])])?;
        let x = nn.apply("layer", &TransformerBlock::new(12, 3072), &x)?;
        nn.result("y", &x)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 7);
    let model = Model::new("block", module, weights).unwrap();
    let machine = TargetDescription::named("x86-64-v4").unwrap().with_units(16);
    let compiler = Compiler::new(Target::from_name("cpu:x86-64-v4").unwrap()).machine(machine);
    compiler.stages(&model).unwrap().explanation
}

#[test]
fn each_piece_is_told_with_its_sizes_in_every_form() {
    let start = Instant::now();
    let explanation = explanation();
    // An optimized build takes a tenth of it; one plot or report for each pair of pieces would take minutes.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    let pieces = &explanation.pieces;
    assert!((4..=64).contains(&pieces.len()), "{} pieces", pieces.len());
    let (text, page) = (explanation.to_string(), explanation.to_html());
    let json: Value = serde_json::from_str(&explanation.to_json().unwrap()).unwrap();
    assert_eq!(page.matches("<path class=\"area c").count(), pieces.len());
    for (position, piece) in pieces.iter().enumerate() {
        // What both symbols make decides.
        assert!(piece.range.contains_key("images*tokens"), "{:?}", piece.range);
        let words = piece.range.iter().filter_map(|(name, range)| {
            let told = &json["pieces"][position]["range"][name];
            assert_eq!((&told["min"], &told["max"]), (&json!(range.min), &json!(range.max)));
            // A symbol that the piece leaves free is data, and no words.
            let is_bound = explanation.range.get(name) != Some(range);
            is_bound.then(|| match range.min == range.max {
                true => format!("{name} = {}", range.min),
                false => format!("{name} in {}..={}", range.min, range.max),
            })
        });
        let all = words.collect::<Vec<_>>().join(", ");
        let number = position + 1;
        assert!(text.contains(&format!("piece {number} of {}: {all};", pieces.len())), "{all}");
        assert!(
            page.contains(&format!("<title>piece {number}, program {}: {all};", piece.program + 1))
        );
        assert!(page.contains(&format!("id=\"piece-{number}\"")));
    }
    // A few borders along the rows of the products do for all of it.
    assert!(!text.contains("the range is cut into no more than"), "{text}");
    assert!(!page.contains("NaN") && !page.contains("inf\""));
    // Kernels are told once for each program, whatever the number of pieces.
    let programs = pieces.iter().map(|piece| piece.program).max().unwrap() + 1;
    assert_eq!(text.matches("run 1 time(s)").count(), programs, "{text}");
    assert_eq!(text.matches("runs what piece").count(), pieces.len() - programs);
}

/// The areas of a map fill it, each cell in one of them.
#[test]
fn the_areas_of_the_map_fill_it() {
    let page = explanation().to_html();
    let areas = page.split("<path class=\"area c").skip(1);
    let runs = areas.flat_map(|area| {
        let path = area.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        path.split_terminator('z').map(|run| {
            let numbers = run.split(|c: char| " MHV".contains(c)).filter(|n| !n.is_empty());
            let numbers: Vec<f64> = numbers.map(|number| number.parse().unwrap()).collect();
            [numbers[0], numbers[1], numbers[2], numbers[3]]
        })
    });
    let runs: Vec<[f64; 4]> = runs.collect();
    let area: f64 = runs.iter().map(|[x, y, right, bottom]| (right - x) * (bottom - y)).sum();
    let far = |corner: usize| runs.iter().map(|run| run[corner]).fold(f64::MIN, f64::max);
    let near = |corner: usize| runs.iter().map(|run| run[corner]).fold(f64::MAX, f64::min);
    let (across, upwards) = (far(2) - near(0), far(3) - near(1));
    // Coordinates have one decimal.
    assert!((area / (across * upwards) - 1.0).abs() < 0.01, "{area} of {across} by {upwards}");
}

#[test]
fn the_map_has_what_runs_where_a_cell_begins() {
    let explanation = explanation();
    let map = explanation.map.unwrap();
    assert_eq!((map.across.as_str(), map.upwards.as_str()), ("images", "tokens"));
    for (tokens, row) in map.upwards_from.iter().zip(&map.pieces) {
        for (images, piece) in map.across_from.iter().zip(row) {
            let holds = |name: &str, value: i64| {
                let range = &explanation.pieces[piece.unwrap()].range[name];
                (range.min..=range.max).contains(&value)
            };
            assert!(holds("images", *images) && holds("images*tokens", images * tokens));
        }
    }
}

#[test]
fn cost_is_plotted_over_each_symbol_at_two_stated_values_of_the_other() {
    let explanation = explanation();
    let stated: Vec<(&str, i64)> = explanation
        .plots
        .iter()
        .map(|plot| (plot.symbol.as_str(), *plot.others.values().next().unwrap()))
        .collect();
    assert_eq!(
        stated.iter().map(|(symbol, _)| *symbol).collect::<Vec<_>>(),
        ["images", "images", "tokens", "tokens"]
    );
    assert!(stated[0].1 == 1 && stated[1].1 > 1 && stated[2].1 == 1 && stated[3].1 > 1);
    for plot in &explanation.plots {
        // A breakpoint is where another piece takes over: there it begins, or the one before it ends, along this symbol or
        // along what both make.
        let value = |dim: &str, size: i64| {
            let others = plot.others.iter().map(|(symbol, value)| (Symbol::new(symbol), *value));
            let at = others.chain([(Symbol::new(&plot.symbol), size)]).collect();
            dim.parse::<Dim>().unwrap().evaluate(&at).unwrap()
        };
        let is_inside = |piece: usize, size: i64| {
            let mut range = explanation.pieces[piece].range.iter();
            range.all(|(dim, range)| (range.min..=range.max).contains(&value(dim, size)))
        };
        for breakpoint in &plot.breakpoints {
            let position = plot.sizes.iter().position(|size| size == breakpoint).unwrap();
            let piece = plot.piece[position];
            assert!(is_inside(piece, *breakpoint) && !is_inside(piece, breakpoint - 1));
        }
    }
    let page = explanation.to_html();
    assert!(page.contains(&format!("over images, at tokens = {}", stated[1].1)));
    // A name that two drawings share would cut one off with the other's frame.
    let ids: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
}

/// The name of the upright axis is turned where it stands: otherwise it would come to lie in the map.
#[test]
fn the_upright_axis_is_named_beside_the_map() {
    let page = explanation().to_html();
    let turned = page.split("<text class=\"axis\" x=\"16\"").nth(1).unwrap();
    let y = turned.split("y=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(turned.contains(&format!("rotate(-90 16 {y})")), "{}", &turned[..90]);
}
