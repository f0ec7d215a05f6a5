//! A whole encoder of one's own: patches, positions, transformer blocks, a mean over the tokens. Compiled once, it runs
//! on any number of images of any size.
//!
//! `cargo run --release --example custom_encoder`

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use ocellus::nn::{
    self, LayerNorm, Linear, Module, PatchEmbed, PositionTable, Scope, Tensor, TransformerBlock,
};
use ocellus::weights::RandomWeights;
use ocellus::{Compiler, ElementType, HostTensor, Model, SymbolRange, Target};

const WIDTH: i64 = 192;

/// From images to an embedding of 64 features each.
struct Encoder;

impl Module for Encoder {
    fn forward(&self, nn: &Scope, images: &Tensor) -> nn::Result<Tensor> {
        let patches = PatchEmbed::new((16, 16), WIDTH);
        // Positions were learned on 8 by 8 patches, and are resampled for other sizes.
        let table = PositionTable::new(8, 8);
        let positions = nn.weight("positions", [table.positions(), WIDTH])?;
        let positions = table.resample(&positions, &patches.grid(nn, images)?)?;
        let tokens = nn.apply("patches", &patches, images)?.add(&positions)?;
        let tokens = nn.repeat("layers", 4, &TransformerBlock::new(3, 4 * WIDTH), &tokens)?;
        let pooled = nn.apply("norm", &LayerNorm::new(1e-6), &tokens)?.mean_tokens()?;
        nn.apply("head", &Linear::new(64), &pooled)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = nn::build(ElementType::F32, |nn| {
        let images = nn.symbol("images", SymbolRange::new(1, 64))?;
        let height = nn.symbol("height", SymbolRange::new(16, 512))?;
        let width = nn.symbol("width", SymbolRange::new(16, 512))?;
        let [pixels] = nn.inputs([("pixel_values", vec![images, 3.into(), height, width])])?;
        nn.result("embedding", &nn.apply("encoder", &Encoder, &pixels)?)
    })?;
    let weights = RandomWeights::new(&module, 0);
    let model = Model::new("tiny-encoder", module, weights)?;

    let encoder = Compiler::new(Target::host()?).compile(&model)?;
    print!("{}", encoder.explain());
    for (images, height, width) in [(1, 128, 128), (3, 64, 200)] {
        let elements = images * 3 * height * width;
        let pixels =
            HostTensor { shape: vec![images, 3, height, width], data: vec![0.5; elements] };
        for (name, tensor) in encoder.run(&[("pixel_values", &pixels)])? {
            println!("{images} of {height} x {width}: {name} {:?}", tensor.shape);
        }
    }
    Ok(())
}
