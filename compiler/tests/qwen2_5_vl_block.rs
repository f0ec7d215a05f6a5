//! The vision block of Qwen2.5-VL (`modeling_qwen2_5_vl.py`), written with `nn`: tokens of several images in one sequence,
//! in the order of their windows, rotated, attending inside their windows, with a gated MLP.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::verify::check_size;
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange};
use ocellus_dialects::venc::Activation;
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, GatedMlp, Linear, Module, RmsNorm, Scope, Tensor};
use ocellus_kernels::CpuTarget;

/// `x += attn(norm1(x)); x += mlp(norm2(x))`, with what all blocks share.
struct VisionBlock<'a> {
    heads: i64,
    hidden: i64,
    cos: &'a Tensor,
    sin: &'a Tensor,
    segments: &'a Tensor,
}

impl Module for VisionBlock<'_> {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let width = x.width()?;
        let project = |name: &str, x: &Tensor| nn.apply(name, &Linear::new(width), x);
        let normed = nn.apply("norm1", &RmsNorm::new(1e-6), x)?;
        let rotated = |name: &str| -> nn::Result<Tensor> {
            project(name, &normed)?.rope(self.cos, self.sin, self.heads)?.split_heads(self.heads)
        };
        let (query, key) = (rotated("attn.q")?, rotated("attn.k")?);
        let value = project("attn.v", &normed)?.split_heads(self.heads)?;
        let scale = 1.0 / ((width / self.heads) as f64).sqrt();
        let scores = query.matmul_transposed(&key)?.scale(scale)?.mask_segments(self.segments)?;
        let attended = scores.softmax()?.matmul(&value)?.merge_heads()?;
        let x = x.add(&project("attn.proj", &attended)?)?;
        let normed = nn.apply("norm2", &RmsNorm::new(1e-6), &x)?;
        x.add(&nn.apply("mlp", &GatedMlp::new(self.hidden, Activation::Silu), &normed)?)
    }
}

/// Two blocks between a permutation into windows and its inverse: the first attends in windows, the second in images.
fn model(width: i64, heads: i64, hidden: i64, element: ElementType) -> Model {
    let module = nn::build(element, |nn| {
        let tokens = nn.symbol("tokens", SymbolRange::new(4, 16_384))?;
        let one = || vec![tokens.clone()];
        let [order, windows, images] = nn.index_inputs([
            ("window_index", one()),
            ("window_segments", one()),
            ("image_segments", one()),
        ])?;
        let table = || vec![tokens.clone(), (width / heads).into()];
        let shape = vec![1.into(), tokens.clone(), width.into()];
        let [cos, sin] = nn.exact_inputs([("cos", table()), ("sin", table())])?;
        let [x] = nn.inputs([("hidden_states", shape)])?;
        let (cos, sin) = (cos.gather_rows(&order)?, sin.gather_rows(&order)?);
        let mut x = x.gather_rows(&order)?;
        for (name, segments) in [("blocks.0", &windows), ("blocks.1", &images)] {
            let block = VisionBlock { heads, hidden, cos: &cos, sin: &sin, segments };
            x = nn.apply(name, &block, &x)?.label(name);
        }
        nn.result("last_hidden_state", &x.gather_rows(&order.inverse_permutation()?)?)
    })
    .unwrap();
    let weights = RandomWeights::new(&module, 3);
    Model::new("qwen2.5-vl-blocks", module, weights).unwrap()
}

fn at(tokens: i64) -> Bindings {
    Bindings::from([(Symbol::new("tokens"), tokens)])
}

#[test]
fn compiled_agrees_with_the_reference() {
    let Some(cpu) = CpuTarget::host() else { return };
    for element in [ElementType::F32, ElementType::BF16, ElementType::F16] {
        let model = model(48, 3, 80, element);
        let compiled = Compiler::new(Target::Cpu(cpu)).compile(&model).unwrap();
        for tokens in [4, 17, 64, 130] {
            let weights = model.weights.as_ref();
            let check =
                check_size(&model.module, weights, compiled.session(), &at(tokens)).unwrap();
            assert!(check.passed(), "{element} {tokens}: {:#?}", check.values);
        }
    }
}

/// The dimensions of Qwen2.5-VL-7B's tower.
#[test]
fn rotation_and_windows_are_part_of_attention() {
    let model = model(1280, 16, 3420, ElementType::BF16);
    let program = Compiler::new(Target::Cpu(CpuTarget::X86_64_V4)).stages(&model).unwrap();
    let functions = program.reports.iter().flat_map(|report| &report.functions);
    let kernels: Vec<Vec<&str>> = functions
        .map(|function| function.kernels.iter().map(|kernel| kernel.name.as_str()).collect())
        .collect();
    insta::assert_snapshot!(kernels[0].join("\n"));
}
