//! A norm as a correction behind the product: what it does to a program, and what its numerical condition is worth.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType::F32;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, LayerNorm, Linear, RmsNorm, Scope, Tensor};
use ocellus_reference::evaluate;
use ocellus_rewrite::Assumption;
use ocellus_runtime::HostTensor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

const WIDTH: usize = 768;
const ROWS: usize = 24;

/// A norm and a product behind it.
fn model(norm: impl Fn(&Scope, &Tensor) -> nn::Result<Tensor>) -> Model {
    let module = nn::build(F32, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![rows, (WIDTH as i64).into()])])?;
        let normed = norm(nn, &x)?;
        nn.result("y", &nn.apply("linear", &Linear::new(256), &normed)?)
    });
    let module = module.unwrap();
    let weights = RandomWeights::new(&module, 7);
    Model::new("norm", module, weights).unwrap()
}

fn layer_norm() -> Model {
    model(|nn, x| nn.apply("norm", &LayerNorm::new(1e-6), x))
}

fn compiler() -> Compiler {
    Compiler::new(Target::host().unwrap())
}

/// The same with no other way to make a norm than to take its scale behind the product.
fn behind(compiler: Compiler) -> Compiler {
    ["layer-norm", "rms-norm", "plain-layer-norm", "plain-rms-norm"].iter().fold(
        compiler,
        |c, norm| {
            c.disable(&format!("{norm}-into-prologue")).disable(&format!("{norm}-as-row-wise"))
        },
    )
}

/// Relative L2 error of a compiled model on rows of deviation one around `mean`.
fn error(model: &Model, compiler: &Compiler, mean: f32) -> f64 {
    let mut random = StdRng::seed_from_u64(11);
    let data = (0..ROWS * WIDTH).map(|_| mean + random.random_range(-1.73f32..1.73)).collect();
    let x = HostTensor::new(vec![ROWS, WIDTH], data).unwrap();
    let found = compiler.compile(model).unwrap().run(&[("x", &x)]).unwrap();
    let inputs = BTreeMap::from([("x".to_string(), x)]);
    let wanted = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
    let [wanted, found] = [&wanted["y"], &found[0].1];
    let pairs = wanted.data.iter().zip(&found.data);
    let square = |x: f32| f64::from(x).powi(2);
    let apart: f64 = pairs.map(|(a, b)| square(a - b)).sum();
    (apart / wanted.data.iter().map(|x| square(*x)).sum::<f64>()).sqrt()
}

#[test]
fn what_the_assumption_allows_is_within_what_models_are_verified_to() {
    let model = layer_norm();
    let compiler = behind(compiler().assume(Assumption::CenteredRows));
    for mean in [0.0, 1.0, -4.0, 16.0] {
        let error = error(&model, &compiler, mean);
        assert!(error < 1e-5, "{mean}: {error:e}");
    }
    // Beyond it, the products of the mean drown what is left when they cancel. The usual form does not care.
    assert!(error(&model, &compiler, 16384.0) > 1e-5);
}

#[test]
fn a_layer_norm_stays_in_front_where_nothing_was_assumed() {
    let model = layer_norm();
    let refused = behind(compiler()).stages(&model).unwrap_err().to_string();
    assert!(refused.contains("layer_norm") || refused.contains("plain_layer_norm"), "{refused}");
    let assuming = behind(compiler().assume(Assumption::CenteredRows));
    let explanation = assuming.stages(&model).unwrap().explanation;
    assert_eq!(explanation.assumptions, ["centered-rows"]);
}

#[test]
fn a_root_mean_square_takes_nothing_off_and_needs_no_assumption() {
    let model = model(|nn, x| nn.apply("norm", &RmsNorm::new(1e-6), x));
    let compiler = behind(compiler());
    for mean in [0.0, 16.0, 16384.0] {
        let error = error(&model, &compiler, mean);
        assert!(error < 1e-5, "{mean}: {error:e}");
    }
}
