//! What machine code has and has not, on each target.

use super::*;
use ocellus_dialects::kernel::{EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_dialects::venc::{Activate, Activation};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{CpuTarget, Layout, launch, symbols};

fn gemm(element: ElementType, target: &CpuTarget) -> Kernel {
    let layout = |shape: [i64; 2]| Layout::contiguous(&TensorType::new(element, shape));
    let op = KernelOp::Gemm {
        prologue: Prologue::None,
        epilogue: vec![EpilogueOp::Elementwise(Activate { function: Activation::Gelu }.into())],
        tile: GemmTile::DEFAULT,
    };
    let operands = [layout([197, 64]), layout([48, 64])];
    launch(&op, &operands, &layout([197, 48]), target).unwrap().kernel
}

#[test]
fn assembly_uses_what_the_target_has_and_calls_no_library() {
    let assembly = |element, target: &CpuTarget| {
        let kernel = gemm(element, target);
        let text =
            emit_assembly(std::slice::from_ref(&kernel), target, Optimization::Full).unwrap();
        assert!(text.contains(&format!("{}:", symbols([&kernel])[0])), "{}", target.name);
        let calls_out = |line: &&str| line.contains("@PLT");
        assert_eq!(text.lines().find(calls_out), None);
        text
    };
    for element in [ElementType::F32, ElementType::BF16, ElementType::F16] {
        let text = assembly(element, &CpuTarget::X86_64_V3);
        assert!(text.contains("vfmadd231ps") && !text.contains("zmm"), "{element}");
        let text = assembly(element, &CpuTarget::X86_64_V4);
        assert!(text.contains("zmm") && !text.contains("vdpbf16ps"), "{element}");
    }
    let text = assembly(ElementType::BF16, &CpuTarget::X86_64_V4_BF16);
    assert!(text.contains("vdpbf16ps") && text.contains("vcvtneps2bf16"));
}

#[test]
fn sums_stay_in_registers() {
    for target in CpuTarget::ALL {
        let text =
            emit_assembly(&[gemm(ElementType::F32, &target)], target, Optimization::Full).unwrap();
        let full = if target.vector_bits == 512 { "12x32_rows_12:" } else { "6x16_rows_6:" };
        let body = text.split(full).nth(1).unwrap().split("retq").next().unwrap();
        assert!(!body.contains("rsp"), "{}: spills\n{body}", target.name);
    }
}

#[test]
fn tiles_are_loaded_once_a_product_and_never_saved() {
    let target = CpuTarget::SAPPHIRERAPIDS;
    let text =
        emit_assembly(&[gemm(ElementType::BF16, &target)], target, Optimization::Full).unwrap();
    let count = |instruction: &str| {
        text.lines().filter(|line| line.trim_start().starts_with(instruction)).count()
    };
    // A chunk of three tiles of rows, each read once, by two of columns, of which one is at hand each time. It is written twice, as
    // the last panel of columns is not whole.
    let blocks = text.split("\n.L").map(|block| {
        let count = |instruction| block.matches(instruction).count();
        ["tileloaddt1", "tileloadd\t", "tilestored"].map(count)
    });
    let chunks: Vec<_> = blocks.filter(|[rows, _, stores]| (*rows, *stores) == (3, 0)).collect();
    assert_eq!(chunks, [[3, 4, 0]; 2]);
    assert_eq!([count("ldtilecfg"), count("tilerelease")], [1, 1]);
    assert_eq!(count("vdpbf16ps"), 0);
}

#[test]
fn kernels_share_one_code_object() {
    let target = CpuTarget::X86_64_V4;
    let kernels = [gemm(ElementType::F32, &target), gemm(ElementType::BF16, &target)];
    let code = compile_kernels(&kernels, None, target, Optimization::Full, None).unwrap();
    assert_eq!(code.bytes[..4], *b"\x7fELF");
    let text = emit_llvm(&kernels, target, Optimization::Full).unwrap();
    for symbol in symbols(&kernels).values() {
        assert!(text.contains(&format!("define void @{symbol}(")), "{symbol}");
        let exported = code.bytes.windows(symbol.len()).any(|w| w == symbol.as_bytes());
        assert!(exported, "{symbol}");
    }
    assert_eq!(
        compile_kernels(&kernels, None, target, Optimization::Full, None).unwrap(),
        code,
        "compiling is deterministic"
    );
}

fn link_text(text: &str) -> Result<Vec<u8>, CodegenError> {
    let machine = cpu::target_machine(&CpuTarget::X86_64_V3)?;
    let context = inkwell::context::Context::create();
    let module = mlir::to_llvm(text, &context)?;
    llvm::optimize(&machine, &module, Optimization::Full)?;
    cpu::shared_object(&[llvm::object(&machine, &module)?])
}

#[test]
fn code_that_needs_a_library_is_refused() {
    let error = link_text(
        "func.func private @cosf(f32) -> f32\n\
         func.func @f(%x: f32) -> f32 { %y = call @cosf(%x) : (f32) -> f32 return %y : f32 }",
    )
    .unwrap_err();
    let CodegenError::Link { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("undefined") && message.contains("cosf"), "{message}");
}

#[test]
fn what_mlir_refuses_is_reported_with_its_line() {
    let error =
        link_text("func.func @f() {\n  %x = arith.addi %y, %y : i64\n  return\n}").unwrap_err();
    let message = error.to_string();
    assert!(message.contains("(parsing)") && message.contains(":2:"), "{message}");
}
