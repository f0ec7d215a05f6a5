//! Two pieces that read one weight in two ways: each has the bytes in the order that its kernel reads.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod session;

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::passes;
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::{Bindings, Dim, Region, Symbol, SymbolRange};
use ocellus_dialects::venc::Activation;
use ocellus_frontend::Model;
use ocellus_frontend::nn;
use ocellus_kernels::CpuTarget;
use ocellus_reference as reference;
use ocellus_rewrite::{PieceProgram, RuleSwitches, TargetDescription, choose};
use ocellus_runtime::HostTensor;
use session::session;
use std::collections::BTreeMap;

const ROWS: i64 = 8;

/// `silu(x gate^T) * (x up^T)`, where both are one weight.
fn model() -> Model {
    let module = nn::build(ElementType::F32, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, ROWS))?;
        let [x] = nn.inputs([("x", vec![rows, 64.into()])])?;
        let both = nn.apply("both", &nn::Linear::new(192).bias(false), &x)?;
        let (gate, up) = (both.slice_columns(0, 96)?, both.slice_columns(96, 96)?);
        nn.result("y", &gate.activate(Activation::Silu)?.multiply(&up)?)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 5);
    Model::new("gated", module, weights).unwrap()
}

/// Few rows by a gemm that gates, many by one without.
fn pieces(model: &Model, target: &TargetDescription) -> Vec<PieceProgram> {
    let rows = Symbol::new("rows");
    let piece = |range: SymbolRange, switches: &RuleSwitches| {
        let at = Bindings::from([(rows.clone(), range.max)]);
        let (module, _) = choose(&model.module, &at, target, switches).unwrap();
        let region = Region::new(vec![(Dim::symbol(&rows), range)]);
        PieceProgram { region, module }
    };
    vec![
        piece(SymbolRange::new(1, 4), &RuleSwitches::default()),
        piece(SymbolRange::new(5, ROWS), &RuleSwitches::without(["gate-into-epilogue"]).unwrap()),
    ]
}

#[test]
fn each_piece_has_the_weight_as_its_kernel_reads_it() {
    let (model, cpu) = (model(), CpuTarget::host().unwrap());
    let target = TargetDescription::of(cpu).unwrap();
    let host = passes::plan(&model.module, &pieces(&model, &target), cpu).unwrap();
    let names: Vec<String> = host.weights.iter().map(|weight| weight.name()).collect();
    let columns = if cpu.vector_bits == 512 { 32 } else { 16 };
    let plain = format!("both.weight in panels of {columns}");
    assert_eq!(names, [format!("{plain} by halves"), plain]);
    let session = session(&model, host, &cpu, 1);
    for rows in [1, 4, 5, ROWS] {
        let numbers = (0..rows * 64).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
        let x = HostTensor::new(vec![rows as usize, 64], numbers).unwrap();
        let found = session.run(&[("x", &x)]).unwrap();
        let inputs = BTreeMap::from([("x".to_string(), x)]);
        let wanted = reference::evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
        for (name, found) in &found {
            for (found, wanted) in found.data.iter().zip(&wanted[name].data) {
                let is_close = (found - wanted).abs() <= 1e-5 * wanted.abs().max(1.0);
                assert!(is_close, "{rows} rows: {found} instead of {wanted}");
            }
        }
    }
}
