target triple = "nvptx64-nvidia-cuda"
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare float @llvm.sqrt.f32(float)
declare float @llvm.fma.f32(float, float, float)
declare float @llvm.tanh.f32(float)
declare <2 x bfloat> @llvm.fma.v2bf16(<2 x bfloat>, <2 x bfloat>, <2 x bfloat>)
declare half @llvm.fma.f16(half, half, half)
declare i32 @llvm.ctpop.i32(i32)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i32 @llvm.fshl.i32(i32, i32, i32)
declare i32 @llvm.bitreverse.i32(i32)
declare i32 @llvm.bswap.i32(i32)
declare i32 @llvm.smax.i32(i32, i32)
declare i8 @llvm.uadd.sat.i8(i8, i8)

; Elementwise, of many types: what LLVM makes of ordinary code.
define ptx_kernel void @mixed(ptr addrspace(1) %bytes, ptr addrspace(1) %halves, ptr addrspace(1) %pairs, ptr addrspace(1) %doubles, ptr addrspace(1) %out, i32 %n, [3 x i32] %extra) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %b64 = mul i32 %b, 64
  %i = add i32 %t, %b64
  %in = icmp ult i32 %i, %n
  br i1 %in, label %work, label %end
work:
  %i64 = zext i32 %i to i64
  %pb = getelementptr i8, ptr addrspace(1) %bytes, i64 %i64
  %byte = load i8, ptr addrspace(1) %pb
  %sat = call i8 @llvm.uadd.sat.i8(i8 %byte, i8 100)
  %byte32 = zext i8 %sat to i32
  %fb = uitofp i8 %byte to float
  %ph = getelementptr half, ptr addrspace(1) %halves, i64 %i64
  %h = load half, ptr addrspace(1) %ph
  %h2 = call half @llvm.fma.f16(half %h, half %h, half 0xH3C00)
  %hf = fpext half %h2 to float
  %pp = getelementptr <2 x bfloat>, ptr addrspace(1) %pairs, i64 %i64
  %pair = load <2 x bfloat>, ptr addrspace(1) %pp
  %pair2 = call <2 x bfloat> @llvm.fma.v2bf16(<2 x bfloat> %pair, <2 x bfloat> %pair, <2 x bfloat> %pair)
  %p0 = extractelement <2 x bfloat> %pair2, i32 0
  %p1 = extractelement <2 x bfloat> %pair2, i32 1
  %p0f = fpext bfloat %p0 to float
  %p1f = fpext bfloat %p1 to float
  %pd = getelementptr double, ptr addrspace(1) %doubles, i64 %i64
  %d = load double, ptr addrspace(1) %pd
  %d2 = fdiv double %d, 3.0
  %df = fptrunc double %d2 to float
  %root = call float @llvm.sqrt.f32(float %fb)
  %tanh = call afn float @llvm.tanh.f32(float %p0f)
  %s0 = fadd float %root, %hf
  %s1 = fadd float %s0, %p1f
  %s2 = fadd float %s1, %df
  %s3 = fadd float %s2, %tanh
  %fi = fptosi float %s3 to i32
  %pop = call i32 @llvm.ctpop.i32(i32 %byte32)
  %lz = call i64 @llvm.ctlz.i64(i64 %i64, i1 false)
  %lz32 = trunc i64 %lz to i32
  %rot = call i32 @llvm.fshl.i32(i32 %i, i32 %i, i32 7)
  %rev = call i32 @llvm.bitreverse.i32(i32 %i)
  %swap = call i32 @llvm.bswap.i32(i32 %i)
  %big = mul i64 %i64, 12345678901
  %rem = urem i64 %big, 1000003
  %rem32 = trunc i64 %rem to i32
  %sdiv = sdiv i32 %fi, 7
  %x0 = xor i32 %pop, %lz32
  %x1 = xor i32 %x0, %rot
  %x2 = xor i32 %x1, %rev
  %x3 = xor i32 %x2, %swap
  %x4 = xor i32 %x3, %rem32
  %x5 = add i32 %x4, %sdiv
  %e1 = extractvalue [3 x i32] %extra, 1
  %x6 = add i32 %x5, %e1
  %bf = fptrunc float %s3 to bfloat
  %bits = bitcast bfloat %bf to i16
  %bits32 = zext i16 %bits to i32
  %o0 = insertelement <2 x i32> undef, i32 %x6, i32 0
  %o1 = insertelement <2 x i32> %o0, i32 %bits32, i32 1
  %po = getelementptr <2 x i32>, ptr addrspace(1) %out, i64 %i64
  store <2 x i32> %o1, ptr addrspace(1) %po, align 8
  br label %end
end:
  ret void
}
