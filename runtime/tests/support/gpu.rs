//! The small artifact for a GPU: kernels that do what those of `kernels.c` do.

use super::{plan, signatures};
use ocellus_runtime::devices::cuda::{CodeObject, KernelEntry};
use ocellus_runtime::signature::plan_hash;
use ocellus_runtime::{ArtifactContents, TargetRequirements, VariantContents};

/// The kernels. A warp has a tile, which is a row, in all but the last.
pub const PTX: &str = "\
.version 7.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 dynamic[];

// result[row] = operand[row] * weight, by way of shared memory. Arguments: operand, weight, result.
.visible .entry scale_rows(
	.param .align 8 .b8 scale_rows_param_0[24],
	.param .u64 scale_rows_param_1
)
{
	.reg .pred 	%p<4>;
	.reg .b32 	%r<10>;
	.reg .f32 	%f<5>;
	.reg .b64 	%rd<12>;

	mov.u32 	%r1, %tid.x;
	mov.u32 	%r2, %ctaid.x;
	shr.u32 	%r3, %r1, 5;
	and.b32 	%r4, %r1, 31;
	shl.b32 	%r5, %r2, 2;
	add.s32 	%r5, %r5, %r3;
	cvt.u64.u32 	%rd2, %r5;
	ld.param.u64 	%rd1, [scale_rows_param_1];
	setp.ge.u64 	%p1, %rd2, %rd1;
	setp.gt.u32 	%p2, %r4, 3;
	or.pred 	%p3, %p1, %p2;
	@%p3 bra 	$L__BB0_2;
	ld.param.u64 	%rd3, [scale_rows_param_0];
	ld.param.u64 	%rd4, [scale_rows_param_0+8];
	ld.param.u64 	%rd5, [scale_rows_param_0+16];
	shl.b64 	%rd6, %rd2, 4;
	mul.wide.u32 	%rd7, %r4, 4;
	add.s64 	%rd6, %rd6, %rd7;
	add.s64 	%rd8, %rd3, %rd6;
	ld.global.f32 	%f1, [%rd8];
	add.s64 	%rd9, %rd4, %rd7;
	ld.global.f32 	%f2, [%rd9];
	mul.rn.f32 	%f3, %f1, %f2;
	mov.u32 	%r6, dynamic;
	shl.b32 	%r7, %r1, 2;
	add.s32 	%r8, %r6, %r7;
	st.shared.f32 	[%r8+65024], %f3;
	ld.shared.f32 	%f4, [%r8+65024];
	add.s64 	%rd10, %rd5, %rd6;
	st.global.f32 	[%rd10], %f4;
$L__BB0_2:
	ret;
}

// result[row] = operand[row] + addend, and bf16[row] its upper half. Arguments: operand, addend, result, bf16.
.visible .entry add_rows(
	.param .align 8 .b8 add_rows_param_0[32],
	.param .u64 add_rows_param_1
)
{
	.reg .pred 	%p<4>;
	.reg .b16 	%rs<2>;
	.reg .b32 	%r<10>;
	.reg .f32 	%f<4>;
	.reg .b64 	%rd<14>;

	mov.u32 	%r1, %tid.x;
	mov.u32 	%r2, %ctaid.x;
	shr.u32 	%r3, %r1, 5;
	and.b32 	%r4, %r1, 31;
	shl.b32 	%r5, %r2, 2;
	add.s32 	%r5, %r5, %r3;
	cvt.u64.u32 	%rd2, %r5;
	ld.param.u64 	%rd1, [add_rows_param_1];
	setp.ge.u64 	%p1, %rd2, %rd1;
	setp.gt.u32 	%p2, %r4, 3;
	or.pred 	%p3, %p1, %p2;
	@%p3 bra 	$L__BB1_2;
	ld.param.u64 	%rd3, [add_rows_param_0];
	ld.param.u64 	%rd4, [add_rows_param_0+8];
	ld.param.u64 	%rd5, [add_rows_param_0+16];
	ld.param.u64 	%rd6, [add_rows_param_0+24];
	cvt.rn.f32.s64 	%f1, %rd4;
	shl.b64 	%rd7, %rd2, 2;
	cvt.u64.u32 	%rd8, %r4;
	add.s64 	%rd7, %rd7, %rd8;
	shl.b64 	%rd9, %rd7, 2;
	add.s64 	%rd10, %rd3, %rd9;
	ld.global.f32 	%f2, [%rd10];
	add.rn.f32 	%f3, %f2, %f1;
	add.s64 	%rd11, %rd5, %rd9;
	st.global.f32 	[%rd11], %f3;
	mov.b32 	%r6, %f3;
	shr.u32 	%r7, %r6, 16;
	cvt.u16.u32 	%rs1, %r7;
	shl.b64 	%rd12, %rd7, 1;
	add.s64 	%rd13, %rd6, %rd12;
	st.global.u16 	[%rd13], %rs1;
$L__BB1_2:
	ret;
}

// result[i] = 1, by the first block. Arguments: bytes of scratch, result, count.
.visible .entry probe_scratch(
	.param .align 8 .b8 probe_scratch_param_0[24],
	.param .u64 probe_scratch_param_1
)
{
	.reg .pred 	%p<4>;
	.reg .b32 	%r<5>;
	.reg .b64 	%rd<8>;

	mov.u32 	%r1, %tid.x;
	mov.u32 	%r2, %ctaid.x;
	cvt.u64.u32 	%rd1, %r1;
	cvt.u64.u32 	%rd2, %r2;
	ld.param.u64 	%rd3, [probe_scratch_param_1];
	ld.param.u64 	%rd4, [probe_scratch_param_0+16];
	setp.ge.u64 	%p1, %rd2, %rd3;
	setp.ge.u64 	%p2, %rd1, %rd4;
	or.pred 	%p3, %p1, %p2;
	@%p3 bra 	$L__BB2_2;
	ld.param.u64 	%rd5, [probe_scratch_param_0+8];
	shl.b64 	%rd6, %rd1, 2;
	add.s64 	%rd7, %rd5, %rd6;
	mov.b32 	%r3, 1065353216;
	st.global.u32 	[%rd7], %r3;
$L__BB2_2:
	ret;
}
";

/// More shared memory than a launch can give a block that was not prepared for it.
const SHARED_BYTES: u32 = 65536;

/// What the compiler would make of the kernels for a GPU of that architecture.
pub fn code_object(architecture: &str) -> CodeObject {
    let kernel = |(symbol, signature): (&str, _)| {
        let (threads, tiles, shared_bytes) = match symbol {
            "scale_rows" => (128, 4, SHARED_BYTES),
            "add_rows" => (128, 4, 0),
            "probe_scratch" => (64, 1, 0),
            _ => return None,
        };
        let symbol = symbol.to_string();
        Some(KernelEntry { symbol, signature, threads, tiles, shared_bytes, begins_early: false })
    };
    let target = format!(".target {architecture}\n");
    CodeObject {
        architecture: architecture.to_string(),
        plan: Some(plan_hash(&plan())),
        kernels: signatures().into_iter().filter_map(kernel).collect(),
        ptx: PTX.replace(".target sm_80\n", &target),
        cubin: None,
    }
}

/// The same, of kernels of which each waits for the launch before it.
pub fn code_object_that_begins_early() -> CodeObject {
    let CodeObject { mut kernels, ptx, .. } = code_object("sm_90");
    kernels.iter_mut().for_each(|kernel| kernel.begins_early = true);
    let ptx = ptx.replace(".version 7.0", ".version 7.8");
    let first = "\tmov.u32 \t%r1, %tid.x;\n";
    let waits = format!("\tgriddepcontrol.wait;\n\tgriddepcontrol.launch_dependents;\n{first}");
    CodeObject { kernels, ptx: ptx.replace(first, &waits), ..code_object("sm_90") }
}

/// The artifact of a code object.
pub fn contents(code: &CodeObject) -> ArtifactContents {
    let target = TargetRequirements {
        name: code.architecture.clone(),
        architecture: code.architecture.clone(),
        features: vec![],
    };
    let variant = VariantContents { target, plan: plan(), code: code.to_bytes().unwrap() };
    ArtifactContents::new("test", vec![variant])
}
