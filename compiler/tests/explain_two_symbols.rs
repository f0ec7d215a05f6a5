//! A range that two symbols cut: the box of each piece in every form, the map on the page, and that explaining many pieces
//! stays quick.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::frontend::Model;
use ocellus_compiler::frontend::nn::{self, TransformerBlock};
use ocellus_compiler::rewrite::TargetDescription;
use ocellus_compiler::weights::RandomWeights;
use ocellus_compiler::{Compiler, Explanation, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::SymbolRange;
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
    compiler.lower(&model).unwrap().explanation
}

#[test]
fn each_piece_is_told_as_a_box_in_every_form() {
    let start = Instant::now();
    let explanation = explanation();
    // An optimised build takes a tenth of it; one plot or report for each pair of pieces would take minutes.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    let pieces = &explanation.pieces;
    assert!((4..=64).contains(&pieces.len()), "{} pieces", pieces.len());
    let (text, page) = (explanation.to_string(), explanation.to_html());
    let json: Value = serde_json::from_str(&explanation.to_json().unwrap()).unwrap();
    assert_eq!(page.matches("<rect class=\"box c").count(), pieces.len());
    for (position, piece) in pieces.iter().enumerate() {
        let words = ["images", "tokens"].map(|symbol| {
            let range = piece.range[symbol];
            let told = &json["pieces"][position]["range"][symbol];
            assert_eq!((&told["min"], &told["max"]), (&json!(range.min), &json!(range.max)));
            match range.min == range.max {
                true => format!("{symbol} = {}", range.min),
                false => format!("{symbol} in {}..={}", range.min, range.max),
            }
        });
        let both = words.join(", ");
        let number = position + 1;
        assert!(text.contains(&format!("piece {number} of {}: {both};", pieces.len())), "{both}");
        assert!(
            page.contains(&format!(
                "<title>piece {number}, program {}: {both};",
                piece.program + 1
            ))
        );
        assert!(page.contains(&format!("id=\"piece-{number}\"")));
    }
    // The limits that so wide a range hits are told of, and few words are enough.
    assert!(text.contains("warning: the range is cut into no more than 64 pieces"), "{text}");
    assert!(explanation.warnings.len() < 8, "{:?}", explanation.warnings);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
    // Kernels are told once for each program, whatever the number of pieces.
    let programs = pieces.iter().map(|piece| piece.program).max().unwrap() + 1;
    assert_eq!(text.matches("run 1 time(s)").count(), programs, "{text}");
    assert_eq!(text.matches("runs what piece").count(), pieces.len() - programs);
}

/// The boxes of a map fill it, each size in one of them.
#[test]
fn the_boxes_of_the_map_fill_it() {
    let page = explanation().to_html();
    let boxes = page.split("<rect class=\"box c").skip(1).map(|rest| {
        let number = |name: &str| -> f64 {
            let value = rest.split(&format!(" {name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        ["x", "y", "width", "height"].map(number)
    });
    let boxes: Vec<[f64; 4]> = boxes.collect();
    let area: f64 = boxes.iter().map(|[_, _, width, height]| width * height).sum();
    let far = |corner: fn(&[f64; 4]) -> f64| boxes.iter().map(corner).fold(f64::MIN, f64::max);
    let near = |corner: fn(&[f64; 4]) -> f64| boxes.iter().map(corner).fold(f64::MAX, f64::min);
    let across = far(|[x, _, width, _]| x + width) - near(|[x, ..]| *x);
    let upwards = far(|[_, y, _, height]| y + height) - near(|[_, y, ..]| *y);
    // Coordinates have one decimal.
    assert!((area / (across * upwards) - 1.0).abs() < 0.01, "{area} of {across} by {upwards}");
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
        // A breakpoint is where another piece takes over, and it is one of the boxes' edges.
        for breakpoint in &plot.breakpoints {
            let mut pieces = explanation.pieces.iter();
            assert!(pieces.any(|piece| piece.range[&plot.symbol].min == *breakpoint));
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
