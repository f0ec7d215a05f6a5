//! What is chosen for the blocks of real encoders.

use super::{
    Limits, PieceOptions, Report, RuleSwitches, Saturated, TargetDescription, choose, choose_pieces,
};
use crate::specialize;
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};
use ocellus_dialects::venc::Activation;
use ocellus_dialects::{kernel, venc};
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face;
use ocellus_frontend::nn::{self, TransformerBlock};
use std::path::Path;

fn golden(name: &str) -> Model {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens").join(name);
    hugging_face::load(directory.join("model")).unwrap()
}

/// The least value of every symbol's range.
fn smallest(symbols: &Symbols) -> Bindings {
    let free = symbols.free().map(|(symbol, range)| (symbol.clone(), range.min)).collect();
    symbols.bind(&free).unwrap()
}

fn chosen_with(name: &str, disabled: &[&str]) -> (kernel::Module, Report) {
    let module = specialize(&golden(name).module);
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let switches = RuleSwitches::without(disabled).unwrap();
    choose(&module, &smallest(&module.symbols), &target, &switches).unwrap()
}

/// One function of what is chosen for a golden checkpoint.
fn function_of(name: &str, function: &str) -> String {
    chosen_with(name, &[]).0.function(function).unwrap().to_string()
}

/// The MLP of so small a block is one launch.
#[test]
fn a_pre_norm_block_is_four_kernels_or_five() {
    insta::assert_snapshot!(function_of("vit-base", "layer"));
    for (disabled, kernels) in [(&[] as &[&str], 4), (&["gemm-into-gemm"], 5)] {
        let (_, report) = chosen_with("vit-base", disabled);
        let layer = report.functions.iter().find(|function| function.name == "layer").unwrap();
        assert_eq!(layer.kernels.len(), kernels);
        assert!(layer.extraction.proven_optimal && layer.saturation.is_complete());
    }
}

#[test]
fn layer_scale_goes_into_the_epilogues() {
    insta::assert_snapshot!(function_of("dinov2-base", "layer"));
}

#[test]
fn a_gated_mlp_is_two_products() {
    insta::assert_snapshot!(function_of("dinov2-swiglu", "layer"));
}

#[test]
fn clip_has_quick_gelu_in_an_epilogue() {
    insta::assert_snapshot!(function_of("clip-published-names", "layer"));
}

/// A model that clips what its activation gives, and clips again: one launch.
#[test]
fn a_clamp_goes_into_the_epilogue() {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", 1..=8)?;
        let [x] = nn.inputs([("x", vec![images, 196.into(), 64.into()])])?;
        let hidden = nn.apply("fc", &nn::Linear::new(32), &x)?.activate(Activation::Gelu)?;
        let clipped = hidden.apply(venc::Clamp { min: -0.1, max: 6.0 }, &[])?;
        nn.result("y", &clipped.apply(venc::Clamp { min: 0.0, max: f64::INFINITY }, &[])?)
    })
    .unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let at = smallest(&module.symbols);
    let (kernels, _) = choose(&module, &at, &target, &RuleSwitches::default()).unwrap();
    insta::assert_snapshot!(kernels.function("main").unwrap());
}

#[test]
fn the_pooling_head_projects_its_probe_at_compile_time() {
    insta::assert_snapshot!(function_of("siglip-published-names", "main"));
}

/// What follows the patches alone, without the class token in front of them, reads them where they lie.
#[test]
fn tokens_are_read_among_others() {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", 1..=8)?;
        let [x] = nn.inputs([("x", vec![images, 197.into(), 64.into()])])?;
        let patches = x.slice_tokens(1, 196)?;
        nn.result("y", &nn.apply("projector", &nn::Linear::new(32), &patches)?)
    })
    .unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let at = smallest(&module.symbols);
    let (kernels, _) = choose(&module, &at, &target, &RuleSwitches::default()).unwrap();
    let main = kernels.function("main").unwrap();
    assert_eq!(main.steps.len(), 1, "{main}");
    assert!(main.to_string().contains("view slice_tokens(%x) {start 1}"), "{main}");
}

#[test]
fn without_fusion_every_operation_is_a_kernel() {
    insta::assert_snapshot!(
        chosen_with("vit-base", &["exploration", "recognition", "fusion"])
            .0
            .function("layer")
            .unwrap()
    );
}

#[test]
fn without_its_only_kernel_an_operation_is_an_error_that_names_the_switch() {
    let module = specialize(&golden("vit-base").module);
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let switches = RuleSwitches::without(["patchify-as-move", "patchify-into-address"]).unwrap();
    let error = choose(&module, &smallest(&module.symbols), &target, &switches).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("venc.patchify") && text.contains("patchify-as-move"), "{text}");
}

#[test]
fn what_a_kernel_family_refuses_is_an_error_that_says_why() {
    let module = nn::build(ElementType::F32, |nn| {
        let width = nn.symbol("width", 1..=8)?;
        let [x] = nn.inputs([("x", vec![4.into(), width])])?;
        nn.result("y", &x.apply(venc::LayerNorm { eps: 1e-6 }, &[])?)
    })
    .unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let at = smallest(&module.symbols);
    let error = choose(&module, &at, &target, &RuleSwitches::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "in @main: no kernel can compute venc.layer_norm, which is [4, width] x f32; `rowwise` has no kernel for this: \
         operand 0 is [4, width] x f32: the width of a row that is normalized must be known at compile time"
    );
}

#[test]
fn the_same_module_gives_the_same_kernels() {
    assert_eq!(chosen_with("dinov2-swiglu", &[]).0, chosen_with("dinov2-swiglu", &[]).0);
}

/// A block of ViT-B over two symbols.
fn block_over_two_symbols() -> venc::Module {
    nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", SymbolRange::new(1, i64::from(i32::MAX)))?;
        let tokens = nn.symbol("tokens", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![images, tokens, 768.into()])])?;
        let x = nn.apply("layer", &TransformerBlock::new(12, 3072), &x)?;
        nn.result("y", &x)
    })
    .unwrap()
}

#[test]
fn too_few_pieces_for_the_tolerance_are_told_of() {
    let module = block_over_two_symbols();
    let target = TargetDescription::named("x86-64-v4").unwrap().with_units(16);
    let limits = |options: PieceOptions| {
        let pieces = choose_pieces(&module, &target, &RuleSwitches::default(), options).unwrap();
        assert!(pieces.len() <= options.max_pieces);
        assert!(pieces.iter().all(|(_, report)| report.limits == pieces[0].1.limits));
        pieces[0].1.limits.clone()
    };
    let default = PieceOptions::default();
    let few = limits(PieceOptions { max: 2, ..default });
    assert!(
        few[0].contains("no more than 2 pieces") && few[0].contains("instead of 2.0 %"),
        "{few:?}"
    );
    assert_eq!(few.len(), 1, "{few:?}");
    // One that was asked to stay whole is not cut too coarsely.
    assert_eq!(limits(PieceOptions { max: 1, ..default }), Vec::<String>::new());
}

#[test]
fn a_range_is_covered_by_pieces_without_gap_or_overlap() {
    let module = block_over_two_symbols();
    let target = TargetDescription::named("x86-64-v4").unwrap().with_units(16);
    let options = PieceOptions::default();
    let pieces = choose_pieces(&module, &target, &RuleSwitches::default(), options).unwrap();
    assert!((2..=options.max_pieces).contains(&pieces.len()), "{} pieces", pieces.len());
    let free: Vec<(&Symbol, SymbolRange)> = module.symbols.free().collect();
    let [(first, of_first), (second, of_second)] = free[..] else { panic!("{free:?}") };
    // A piece begins or ends at its bounds alone, along the second symbol at the size that reaches them.
    for one in of_first.min..=of_first.max.min(64) {
        let bounds = pieces.iter().flat_map(|(piece, _)| piece.region.ranges());
        let sizes = bounds.flat_map(|(dim, range)| {
            let each = if dim.symbols().any(|symbol| symbol == first) { one } else { 1 };
            [range.min, range.max].map(|bound| bound / each)
        });
        let sizes = sizes.flat_map(|size| [size - 1, size, size + 1]);
        let sizes = sizes.chain([of_second.min, of_second.max]);
        for other in sizes.filter(|size| of_second.contains(*size)) {
            let size = Bindings::from([(first.clone(), one), (second.clone(), other)]);
            let here = pieces.iter().filter(|(piece, _)| piece.region.contains(&size)).count();
            assert_eq!(here, 1, "{size:?}");
        }
    }
}

/// One more rounding of each weight is one too many.
#[test]
fn norm_weights_go_into_weights_in_f32_alone() {
    let kernels = |element| {
        let module = nn::build(element, |nn| {
            let images = nn.symbol("images", SymbolRange::new(1, 64))?;
            let [x] = nn.inputs([("x", vec![images, 197.into(), 768.into()])])?;
            nn.result("y", &nn.apply("layer", &TransformerBlock::new(12, 3072), &x)?)
        })
        .unwrap();
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let at = smallest(&module.symbols);
        choose(&module, &at, &target, &RuleSwitches::default()).unwrap().0.to_string()
    };
    assert!(kernels(ElementType::F32).contains("offline multiply("));
    assert!(!kernels(ElementType::BF16).contains("offline multiply("));
}

/// A model whose author repeats no function: its blocks are one long one.
#[test]
fn twelve_blocks_in_one_function_are_chosen_exactly() {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", SymbolRange::new(1, 64))?;
        let [mut x] = nn.inputs([("x", vec![images, 197.into(), 768.into()])])?;
        for layer in 0..12 {
            x = nn.apply(&format!("layers.{layer}"), &TransformerBlock::new(12, 3072), &x)?;
        }
        nn.result("y", &x)
    })
    .unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let at = smallest(&module.symbols);
    let (_, report) = choose(&module, &at, &target, &RuleSwitches::default()).unwrap();
    let function = &report.functions[0];
    println!(
        "{} nodes, {} states, {:?} + {:?}",
        function.saturation.nodes,
        function.extraction.states,
        function.saturation.time,
        function.extraction.time
    );
    assert_eq!(function.kernels.len(), 12 * 5);
    assert!(function.extraction.proven_optimal && function.saturation.is_complete());
}

#[test]
fn what_was_not_chosen_is_said_with_what_it_would_cost() {
    let module = specialize(&golden("dinov2-swiglu").module);
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let at = smallest(&module.symbols);
    let saturated =
        Saturated::new(&module, &target, &RuleSwitches::default(), Limits::default()).unwrap();
    let selection = saturated.select(&at).unwrap();
    let alternatives = saturated.alternatives(&selection, &at).unwrap();
    let text: Vec<String> = alternatives
        .iter()
        .filter(|other| other.function == "layer")
        .map(|other| {
            let more = if other.fuses_more { "fuses more" } else { "fuses no more" };
            format!(
                "{} | instead {} ({more}): +{:.2} us",
                other.chosen, other.instead, other.extra_microseconds
            )
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

/// `cargo test --release -p ocellus-compiler -- --nocapture block_is_chosen` prints the times.
#[test]
fn a_block_is_chosen_in_less_than_a_second() {
    let (_, report) = chosen_with("dinov2-base", &[]);
    for function in &report.functions {
        let seconds = (function.saturation.time + function.extraction.time).as_secs_f64();
        println!(
            "@{}: {} nodes, {} classes, {} candidates, {} states, {:.1} ms + {:.1} ms",
            function.name,
            function.saturation.nodes,
            function.saturation.classes,
            function.extraction.candidates,
            function.extraction.states,
            function.saturation.time.as_secs_f64() * 1e3,
            function.extraction.time.as_secs_f64() * 1e3,
        );
        let mut rules: Vec<_> = function.saturation.rules.iter().collect();
        rules.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.time));
        for (name, rule) in rules.iter().take(5) {
            println!("    {name}: {} matches, {} new, {:?}", rule.matches, rule.fired, rule.time);
        }
        assert!(seconds < 1.0, "@{} took {seconds} s", function.name);
    }
}

#[test]
fn few_rows_are_multiplied_in_slices_where_many_units_wait() {
    let module = nn::build(ElementType::BF16, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, 8192))?;
        let [x] = nn.inputs([("x", vec![rows, 4096.into()])])?;
        nn.result("y", &nn.apply("linear", &nn::Linear::new(128), &x)?)
    })
    .unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let chosen = |units, rows| {
        let at = Bindings::from([(Symbol::new("rows"), rows)]);
        let target = target.clone().with_units(units);
        choose(&module, &at, &target, &RuleSwitches::default()).unwrap().0.to_string()
    };
    let few = chosen(16, 8);
    assert!(few.contains("partial_gemm") && few.contains("rowwise sum_slices"), "{few}");
    assert!(!chosen(16, 8192).contains("partial_gemm"));
    assert!(!chosen(1, 8).contains("partial_gemm"));
}

#[test]
fn a_gate_may_stand_on_either_side() {
    let kernels = |gate_first: bool| {
        let module = nn::build(ElementType::F32, |nn| {
            let rows = nn.symbol("rows", SymbolRange::new(1, 4096))?;
            let [x] = nn.inputs([("x", vec![rows, 768.into()])])?;
            let gate = nn.apply("gate", &nn::Linear::new(2048), &x)?.activate(Activation::Silu)?;
            let up = nn.apply("up", &nn::Linear::new(2048), &x)?;
            let hidden = if gate_first { gate.multiply(&up)? } else { up.multiply(&gate)? };
            nn.result("y", &nn.apply("down", &nn::Linear::new(768), &hidden)?)
        })
        .unwrap();
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let at = Bindings::from([(Symbol::new("rows"), 4096)]);
        let (_, report) = choose(&module, &at, &target, &RuleSwitches::default()).unwrap();
        report.functions[0].kernels.iter().map(|kernel| kernel.name.clone()).collect::<Vec<_>>()
    };
    let first = kernels(true);
    assert!(first.len() <= 2 && first[0].contains("gate silu"), "{first:?}");
    assert_eq!(first, kernels(false));
}
