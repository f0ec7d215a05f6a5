//! Random small encoders, compiled and run at random sizes of their range, against the reference interpreter.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::verify::{check_size, random_inputs};
use ocellus_compiler::{Compiler, Encoder, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange};
use ocellus_dialects::venc::Activation;
use ocellus_frontend::Model;
use ocellus_frontend::nn::{
    self, GatedMlp, LayerNorm, Linear, Module, PatchEmbed, PositionTable, RmsNorm, Scope, Tensor,
    TransformerBlock,
};
use ocellus_kernels::CpuTarget;
use ocellus_runtime::devices::DeviceKind;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::{HostTensor, Options};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// What is random of an encoder.
#[derive(Clone, Debug)]
struct RandomEncoder {
    heads: i64,
    head_dim: i64,
    hidden: i64,
    layers: usize,
    patch: (i64, i64),
    channels: i64,
    activation: Activation,
    gated: bool,
    pooled: bool,
    element: ElementType,
}

impl Module for RandomEncoder {
    fn forward(&self, nn: &Scope, images: &Tensor) -> nn::Result<Tensor> {
        let width = self.heads * self.head_dim;
        let patches = PatchEmbed::new(self.patch, width);
        let table = PositionTable::new(3, 2);
        let positions = nn.weight("positions", [table.positions(), width])?;
        let positions = table.resample(&positions, &patches.grid(nn, images)?)?;
        let x = nn.apply("patches", &patches, images)?.add(&positions)?;
        let block = TransformerBlock::new(self.heads, self.hidden).activation(self.activation);
        let mut x = nn.repeat("layers", self.layers, &block, &x)?;
        if self.gated {
            let normed = nn.apply("rms_norm", &RmsNorm::new(1e-5), &x)?;
            x = x.add(&nn.apply(
                "gated",
                &GatedMlp::new(self.hidden, self.activation),
                &normed,
            )?)?;
        }
        let x = nn.apply("norm", &LayerNorm::new(1e-6), &x)?;
        let x = if self.pooled { x.mean_tokens()? } else { x };
        nn.apply("head", &Linear::new(7), &x)
    }
}

impl RandomEncoder {
    fn model(&self) -> Model {
        let module = nn::build(self.element, |nn| {
            let images = nn.symbol("images", SymbolRange::new(1, 3))?;
            let height = nn.symbol("height", SymbolRange::new(self.patch.0, 40))?;
            let width = nn.symbol("width", SymbolRange::new(self.patch.1, 40))?;
            let shape = vec![images, self.channels.into(), height, width];
            let [pixels] = nn.inputs([("pixel_values", shape)])?;
            nn.result("features", &nn.apply("encoder", self, &pixels)?)
        })
        .unwrap();
        let weights = RandomWeights::new(&module, 7);
        Model::new("random", module, weights).unwrap()
    }
}

fn encoders() -> impl Strategy<Value = RandomEncoder> {
    let elements = [ElementType::F32, ElementType::F32, ElementType::BF16, ElementType::F16];
    (
        (1i64..4, 1i64..30, 1i64..90, 1usize..3),
        ((1i64..9, 1i64..9), 1i64..4, prop::sample::select(Activation::ALL.to_vec())),
        (any::<bool>(), any::<bool>(), prop::sample::select(elements.to_vec())),
    )
        .prop_map(
            |((heads, head_dim, hidden, layers), (patch, channels, activation), rest)| {
                let (gated, pooled, element) = rest;
                RandomEncoder {
                    heads,
                    head_dim,
                    hidden,
                    layers,
                    patch,
                    channels,
                    activation,
                    gated,
                    pooled,
                    element,
                }
            },
        )
}

/// A share of what lies between the least and the greatest size.
fn size(encoder: &RandomEncoder, shares: [f64; 3]) -> Bindings {
    let ranges =
        [("images", 1, 3), ("height", encoder.patch.0, 40), ("width", encoder.patch.1, 40)];
    let value = |min: i64, max: i64, share: f64| min + ((max - min) as f64 * share).round() as i64;
    ranges
        .into_iter()
        .zip(shares)
        .map(|((name, min, max), share)| (Symbol::new(name), value(min, max, share)))
        .collect()
}

proptest! {
    // Each case compiles a model; what a fault needs to show is variety over time, not many cases at once.
    #![proptest_config(ProptestConfig {
        cases: 10,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn compiled_agrees_with_the_reference(
        encoder in encoders(),
        target in prop::sample::select(CpuTarget::ALL.to_vec()),
        shares in prop::collection::vec(prop::array::uniform3(0.0f64..=1.0), 2),
    ) {
        prop_assume!(target.runs_here());
        let model = encoder.model();
        let compiled = Compiler::new(Target::Cpu(target)).compile(&model).unwrap();
        agree(&encoder, &model, &compiled, shares)?;
    }
}

proptest! {
    // Code for GPUs takes a few seconds a model.
    #![proptest_config(ProptestConfig {
        cases: 4,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn compiled_for_a_gpu_agrees_with_the_reference(
        encoder in encoders(),
        shares in prop::collection::vec(prop::array::uniform3(0.0f64..=1.0), 2),
    ) {
        let model = encoder.model();
        let compiler = Compiler::new(Target::from_name("sm_80").unwrap());
        agree(&encoder, &model, &on_a_gpu(compiler, &model), shares)?;
    }
}

/// Compiled for the GPU that is simulated on this machine, whose driver assembles nothing.
fn on_a_gpu(compiler: Compiler, model: &Model) -> Encoder {
    let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    let options = Options { device, ..Options::default() };
    compiler.disable("assemble").compile_for(model, options).unwrap()
}

/// No one kernel has attention of such heads.
#[test]
fn f32_heads_of_more_elements_than_warps_have_registers_for_run_on_a_gpu() {
    let encoder = RandomEncoder {
        heads: 2,
        head_dim: 131,
        hidden: 24,
        layers: 1,
        patch: (8, 8),
        channels: 1,
        activation: Activation::Gelu,
        gated: false,
        pooled: true,
        element: ElementType::F32,
    };
    let model = encoder.model();
    let target = Target::from_name("sm_80").unwrap().with_tf32().unwrap();
    let compiler = Compiler::new(target).disable("cut-range");
    agree(&encoder, &model, &on_a_gpu(compiler, &model), vec![[1.0, 0.6, 1.0]]).unwrap();
}

/// The compiled model agrees with the reference at those sizes.
fn agree(
    encoder: &RandomEncoder,
    model: &Model,
    compiled: &Encoder,
    shares: Vec<[f64; 3]>,
) -> Result<(), TestCaseError> {
    for shares in shares {
        let size = size(encoder, shares);
        let weights = model.weights.as_ref();
        let check = check_size(&model.module, weights, compiled.session(), &size).unwrap();
        prop_assert!(check.passed(), "{:?} at {:?}: {:#?}", encoder, size, check.values);
    }
    Ok(())
}

/// The images at those places of a batch, as a batch.
fn images(pixels: &HostTensor, places: &[usize]) -> HostTensor {
    let of_image = pixels.data.len() / pixels.shape[0];
    let image = |place: &usize| &pixels.data[place * of_image..(place + 1) * of_image];
    let data = places.iter().flat_map(image).copied().collect();
    let shape = [&[places.len()], &pixels.shape[1..]].concat();
    HostTensor::new(shape, data).unwrap()
}

/// The bits of the one output.
fn answer(encoder: &Encoder, pixels: &HostTensor) -> Vec<u32> {
    let outputs = encoder.run(&[("pixel_values", pixels)]).unwrap();
    outputs[0].1.data.iter().map(|x| x.to_bits()).collect()
}

/// Rows of one image lie in the middle of tiles and between those of others; sums are cut along tokens, keys and columns. None of
/// that may depend on how many images there are, nor on the order in which blocks and threads run.
#[test]
fn an_image_has_the_same_answer_whatever_else_is_in_its_batch_and_in_every_run() {
    let encoder = RandomEncoder {
        heads: 2,
        head_dim: 24,
        hidden: 50,
        layers: 1,
        patch: (4, 5),
        channels: 3,
        activation: Activation::Gelu,
        gated: true,
        pooled: true,
        element: ElementType::BF16,
    };
    let model = encoder.model();
    let on_gpu = (
        Compiler::new(Target::from_name("sm_80").unwrap()).disable("assemble"),
        Some(DeviceKind::Cuda { driver: Driver::Simulator }),
    );
    for (compiler, device) in [(Compiler::new(Target::host().unwrap()), None), on_gpu] {
        // One piece.
        let compiler = compiler.disable("cut-range");
        let options = Options { device, ..Options::default() };
        let compiled = compiler.compile_for(&model, options).unwrap();
        assert_eq!(compiled.session().plan().pieces.len(), 1);
        let size = size(&encoder, [1.0, 0.5, 0.6]);
        let pixels = &random_inputs(&model.module, &size).unwrap()["pixel_values"];
        let together = answer(&compiled, pixels);
        assert_eq!(answer(&compiled, pixels), together, "another run, {device:?}");
        let of_image: Vec<&[u32]> = together.chunks(together.len() / 3).collect();
        for places in [&[0][..], &[1], &[2], &[2, 1], &[1, 0, 2]] {
            let wanted: Vec<&[u32]> = places.iter().map(|place| of_image[*place]).collect();
            let found = answer(&compiled, &images(pixels, places));
            assert_eq!(found, wanted.concat(), "images {places:?}, {device:?}");
        }
    }
}
