"""LLVM IR as text for the drafts of GPU kernels: a function under construction, and the few instructions they use.

Nothing is measured here. The drafts (`gemm_draft.py`, `attention_draft.py`) write through it what the emitters of the
compiler will write through MLIR's `llvm` and `nvvm` dialects: straight SSA, one loop, NVVM intrinsics.
"""

HEAD = """target datalayout = "e-p3:32:32-p4:32:32-p5:32:32-p6:32:32-p7:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"
@smem = external addrspace(3) global [0 x i8], align 128
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.z()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.y()
declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3), ptr addrspace(1), i32)
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32 immarg)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.bar.warp.sync(i32)
declare {i32,i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.b16.p3(ptr addrspace(3))
declare {i32,i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.trans.b16.p3(ptr addrspace(3))
declare i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3))
declare {i32,i32,i32,i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3))
declare {i32,i32,i32,i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3(ptr addrspace(3))
declare {float,float,float,float} @llvm.nvvm.mma.m16n8k16.row.col.bf16(i32,i32,i32,i32,i32,i32,float,float,float,float)
declare {float,float,float,float} @llvm.nvvm.mma.m16n8k8.row.col.bf16(i32,i32,i32,float,float,float,float)
declare <2 x bfloat> @llvm.nvvm.ff2bf16x2.rn(float, float)
declare float @llvm.nvvm.ex2.approx.ftz.f32(float)
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare float @llvm.nvvm.rcp.approx.ftz.f(float)
declare float @llvm.maxnum.f32(float, float)
declare float @llvm.minnum.f32(float, float)
declare i1 @llvm.nvvm.vote.any.sync(i32, i1)
declare float @llvm.fma.f32(float, float, float)
declare i32 @llvm.umin.i32(i32, i32)
declare void @llvm.nvvm.griddepcontrol.wait()
declare void @llvm.nvvm.griddepcontrol.launch.dependents()
"""

SHARED = "ptr addrspace(3)"
GLOBAL = "ptr addrspace(1)"
FOUR_FLOATS = "{float,float,float,float}"
LDMATRIX = "@llvm.nvvm.ldmatrix.sync.aligned.m8n8"


class Function:
    """One kernel. Methods append an instruction and return the name of what it defines."""

    def __init__(self, name: str, parameters: list[tuple[str, str]], threads: int, min_ctas: int = 1):
        arguments = ", ".join(f"{kind} {'align 16 ' if kind.startswith('ptr') else ''}%{label}" for kind, label in parameters)
        self.lines = [
            f'define ptx_kernel void @{name}({arguments}) "nvvm.reqntid"="{threads}" "nvvm.minctasm"="{min_ctas}" {{',
            "entry:",
        ]
        self.block = "entry"
        self.count = 0

    def text(self) -> str:
        return HEAD + "\n".join(self.lines) + "\n}\n"

    # The skeleton.
    def fresh(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def define(self, text: str) -> str:
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")
        self.block = name

    def branch(self, target: str) -> None:
        self.line(f"br label %{target}")

    def branch_if(self, condition: str, yes: str, no: str) -> None:
        self.line(f"br i1 {condition}, label %{yes}, label %{no}")

    def reserve(self) -> int:
        """A place for phis, which can only be written when the loop's end is known."""
        self.lines.append("")
        return len(self.lines) - 1

    def fill(self, place: int, phis: list[str]) -> None:
        self.lines[place] = "\n".join("  " + phi for phi in phis)

    # Integers.
    def i32(self, operation: str, a, b) -> str:
        return self.define(f"{operation} i32 {a}, {b}")

    def add(self, a, b):
        return self.i32("add", a, b)

    def sub(self, a, b):
        return self.i32("sub", a, b)

    def mul(self, a, b):
        return self.i32("mul", a, b)

    def divide(self, a, b):
        return self.i32("udiv", a, b)

    def remainder(self, a, b):
        return self.i32("urem", a, b)

    def xor(self, a, b):
        return self.i32("xor", a, b)

    def land(self, a, b):
        return self.i32("and", a, b)

    def shr(self, a, b):
        return self.i32("lshr", a, b)

    def umin(self, a, b):
        return self.define(f"call i32 @llvm.umin.i32(i32 {a}, i32 {b})")

    def less(self, a, b):
        return self.define(f"icmp ult i32 {a}, {b}")

    def both(self, a, b):
        return self.define(f"and i1 {a}, {b}")

    def select(self, condition, a, b, kind="i32"):
        return self.define(f"select i1 {condition}, {kind} {a}, {kind} {b}")

    def wide(self, a):
        return self.define(f"zext i32 {a} to i64")

    def wide_mul(self, a, b):
        return self.define(f"mul i64 {self.wide(a)}, {self.wide(b)}")

    def special(self, register: str) -> str:
        return self.define(f"call i32 @llvm.nvvm.read.ptx.sreg.{register}()")

    # Memory.
    def shared(self, base, offset) -> str:
        return self.define(f"getelementptr i8, {SHARED} {base}, i32 {offset}")

    def globally(self, base, offset64) -> str:
        return self.define(f"getelementptr i8, {GLOBAL} {base}, i64 {offset64}")

    def copy_async(self, to, source, size=None) -> None:
        if size in (None, 16):
            self.line(f"call void @llvm.nvvm.cp.async.cg.shared.global.16({SHARED} {to}, {GLOBAL} {source})")
        else:
            self.line(
                f"call void @llvm.nvvm.cp.async.cg.shared.global.16.s({SHARED} {to}, {GLOBAL} {source}, i32 {size})"
            )

    def copy_async_if(self, condition, to, source, size=16) -> None:
        """One instruction under a predicate: a branch would split the loop's body."""
        flag = self.define(f"zext i1 {condition} to i32")
        text = r"{ .reg .pred p;\0Asetp.ne.u32 p, $3, 0;\0A@p cp.async.cg.shared.global [$0], [$1], 16, $2; }"
        self.line(
            f'call void asm sideeffect "{text}", "r,l,r,r,~{{memory}}"'
            f"({SHARED} {to}, {GLOBAL} {source}, i32 {size}, i32 {flag})"
        )

    def commit(self) -> None:
        self.line("call void @llvm.nvvm.cp.async.commit.group()")

    def wait(self, pending: int) -> None:
        self.line(f"call void @llvm.nvvm.cp.async.wait.group(i32 {pending})")

    def barrier(self) -> None:
        self.line("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)")

    def warp_barrier(self) -> None:
        self.line("call void @llvm.nvvm.bar.warp.sync(i32 -1)")

    def ldmatrix(self, address, matrices: int = 4, transposed: bool = False) -> list[str]:
        kind = "{" + ",".join(["i32"] * matrices) + "}" if matrices > 1 else "i32"
        trans = ".trans" if transposed else ""
        loaded = self.define(f"call {kind} {LDMATRIX}.x{matrices}{trans}.b16.p3({SHARED} {address})")
        return self.parts(loaded, kind, matrices) if matrices > 1 else [loaded]

    def parts(self, value: str, kind: str, count: int) -> list[str]:
        return [self.define(f"extractvalue {kind} {value}, {index}") for index in range(count)]

    # Arithmetic.
    def mma(self, a: list[str], b: list[str], c: list[str]) -> list[str]:
        """D = A B + C of one m16n8k16, or one m16n8k8 where A has two registers."""
        k = 16 if len(a) == 4 else 8
        operands = ", ".join([f"i32 {x}" for x in a + b] + [f"float {x}" for x in c])
        result = self.define(f"call {FOUR_FLOATS} @llvm.nvvm.mma.m16n8k{k}.row.col.bf16({operands})")
        return self.parts(result, FOUR_FLOATS, 4)

    def f32(self, operation: str, a, b) -> str:
        return self.define(f"{operation} float {a}, {b}")

    def fma(self, a, b, c) -> str:
        return self.define(f"call float @llvm.fma.f32(float {a}, float {b}, float {c})")

    def maximum(self, a, b) -> str:
        return self.define(f"call float @llvm.maxnum.f32(float {a}, float {b})")

    def exp2(self, a) -> str:
        return self.define(f"call float @llvm.nvvm.ex2.approx.ftz.f32(float {a})")

    def reciprocal(self, a) -> str:
        return self.define(f"call float @llvm.nvvm.rcp.approx.ftz.f(float {a})")

    def butterfly(self, a, lanes: int) -> str:
        return self.define(f"call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float {a}, i32 {lanes}, i32 31)")

    def pack(self, low, high) -> str:
        """Two floats as bf16 in one register, the first in the low half."""
        pair = self.define(f"call <2 x bfloat> @llvm.nvvm.ff2bf16x2.rn(float {high}, float {low})")
        return self.define(f"bitcast <2 x bfloat> {pair} to i32")

    def unpack(self, pair) -> list[str]:
        low = self.define(f"bitcast i32 {self.i32('shl', pair, 16)} to float")
        high = self.define(f"bitcast i32 {self.land(pair, -65536)} to float")
        return [low, high]
