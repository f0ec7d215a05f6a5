//! A module of one's own: an MLP, compiled once for any number of rows up to 4096.
//!
//! `cargo run --release --example custom_mlp`

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use ocellus::nn::{self, Linear, Module, Scope, Tensor};
use ocellus::weights::RandomWeights;
use ocellus::{Activation, Compiler, ElementType, HostTensor, Model, SymbolRange, Target};

/// `fc2(gelu(fc1(x)))`: from 64 features over 256 to 64.
struct Mlp;

impl Module for Mlp {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let hidden = nn.apply("fc1", &Linear::new(256), x)?.activate(Activation::Gelu)?;
        nn.apply("fc2", &Linear::new(64), &hidden)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = nn::build(ElementType::F32, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![rows, 64.into()])])?;
        nn.result("y", &nn.apply("mlp", &Mlp, &x)?)
    })?;
    let weights = RandomWeights::new(&module, 0);
    let model = Model::new("mlp", module, weights)?;

    let encoder = Compiler::new(Target::host()?).compile(&model)?;
    print!("{}", encoder.explain());
    for rows in [1, 7, 1000] {
        let x = HostTensor { shape: vec![rows, 64], data: vec![0.5; rows * 64] };
        for (name, tensor) in encoder.run(&[("x", &x)])? {
            println!("{name}: {:?}", tensor.shape);
        }
    }
    Ok(())
}
