target triple = "nvptx64-nvidia-cuda"
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare float @llvm.maxnum.f32(float, float)
declare float @llvm.exp2.f32(float)
declare float @llvm.sqrt.f32(float)
@part = internal addrspace(3) global [4 x float] undef, align 16

; Softmax of rows of f32, a row a block of 128 threads.
define ptx_kernel void @softmax(ptr addrspace(1) %in, ptr addrspace(1) %out, i32 %columns) "nvvm.reqntid"="128" {
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %lane = and i32 %t, 31
  %warp = lshr i32 %t, 5
  %first = mul i32 %b, %columns
  br label %most
most:
  %i = phi i32 [%t, %entry], [%i1, %most.in]
  %m = phi float [0xFFF0000000000000, %entry], [%m1, %most.in]
  %go = icmp slt i32 %i, %columns
  br i1 %go, label %most.in, label %most.end
most.in:
  %at = add i32 %first, %i
  %at64 = sext i32 %at to i64
  %p = getelementptr float, ptr addrspace(1) %in, i64 %at64
  %x = load float, ptr addrspace(1) %p
  %m1 = call float @llvm.maxnum.f32(float %m, float %x)
  %i1 = add i32 %i, 128
  br label %most
most.end:
  %s0 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %m, i32 16, i32 31)
  %a0 = call float @llvm.maxnum.f32(float %m, float %s0)
  %s1 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %a0, i32 8, i32 31)
  %a1 = call float @llvm.maxnum.f32(float %a0, float %s1)
  %s2 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %a1, i32 4, i32 31)
  %a2 = call float @llvm.maxnum.f32(float %a1, float %s2)
  %s3 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %a2, i32 2, i32 31)
  %a3 = call float @llvm.maxnum.f32(float %a2, float %s3)
  %s4 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %a3, i32 1, i32 31)
  %a4 = call float @llvm.maxnum.f32(float %a3, float %s4)
  %slot = getelementptr float, ptr addrspace(3) @part, i32 %warp
  %is0 = icmp eq i32 %lane, 0
  br i1 %is0, label %put, label %after
put:
  store float %a4, ptr addrspace(3) %slot
  br label %after
after:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %all = load <4 x float>, ptr addrspace(3) @part, align 16
  %e0 = extractelement <4 x float> %all, i32 0
  %e1 = extractelement <4 x float> %all, i32 1
  %e2 = extractelement <4 x float> %all, i32 2
  %e3 = extractelement <4 x float> %all, i32 3
  %b0 = call float @llvm.maxnum.f32(float %e0, float %e1)
  %b1 = call float @llvm.maxnum.f32(float %e2, float %e3)
  %top = call float @llvm.maxnum.f32(float %b0, float %b1)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %sum
sum:
  %j = phi i32 [%t, %after], [%j1, %sum.in]
  %acc = phi float [0.0, %after], [%acc1, %sum.in]
  %go2 = icmp slt i32 %j, %columns
  br i1 %go2, label %sum.in, label %sum.end
sum.in:
  %at2 = add i32 %first, %j
  %at264 = sext i32 %at2 to i64
  %p2 = getelementptr float, ptr addrspace(1) %in, i64 %at264
  %x2 = load float, ptr addrspace(1) %p2
  %d = fsub float %x2, %top
  %l = fmul float %d, 0x3FF7154760000000
  %ex = call afn float @llvm.exp2.f32(float %l)
  %q2 = getelementptr float, ptr addrspace(1) %out, i64 %at264
  store float %ex, ptr addrspace(1) %q2
  %acc1 = fadd float %acc, %ex
  %j1 = add i32 %j, 128
  br label %sum
sum.end:
  %t0 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %acc, i32 16, i32 31)
  %c0 = fadd float %acc, %t0
  %t1 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %c0, i32 8, i32 31)
  %c1 = fadd float %c0, %t1
  %t2 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %c1, i32 4, i32 31)
  %c2 = fadd float %c1, %t2
  %t3 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %c2, i32 2, i32 31)
  %c3 = fadd float %c2, %t3
  %t4 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %c3, i32 1, i32 31)
  %c4 = fadd float %c3, %t4
  br i1 %is0, label %put2, label %after2
put2:
  store float %c4, ptr addrspace(3) %slot
  br label %after2
after2:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %all2 = load <4 x float>, ptr addrspace(3) @part, align 16
  %f0 = extractelement <4 x float> %all2, i32 0
  %f1 = extractelement <4 x float> %all2, i32 1
  %f2 = extractelement <4 x float> %all2, i32 2
  %f3 = extractelement <4 x float> %all2, i32 3
  %g0 = fadd float %f0, %f1
  %g1 = fadd float %f2, %f3
  %total = fadd float %g0, %g1
  %inverse = fdiv float 1.0, %total
  br label %scale
scale:
  %k = phi i32 [%t, %after2], [%k1, %scale.in]
  %go3 = icmp slt i32 %k, %columns
  br i1 %go3, label %scale.in, label %end
scale.in:
  %at3 = add i32 %first, %k
  %at364 = sext i32 %at3 to i64
  %q3 = getelementptr float, ptr addrspace(1) %out, i64 %at364
  %x3 = load float, ptr addrspace(1) %q3
  %y3 = fmul float %x3, %inverse
  store float %y3, ptr addrspace(1) %q3
  %k1 = add i32 %k, 128
  br label %scale
end:
  ret void
}
