"""Kernels that do one thing each, as PTX: mma.sync from registers, ldmatrix, both together, reading and copying memory.

Nothing is measured here; `ceilings.py` does. Each of the first three leaves per block the cycles and the nanoseconds that
its loop took, so that a rate can be given by the clock as well as by the second. Operands are random bf16, f16 or tf32
numbers near one: zeros draw less power, and a card that draws less power clocks higher.
"""

HEAD = ".version 8.4\n.target sm_90\n.address_size 64\n"
SHAPES = {  # type: (instruction, k, registers of A, of B, of C, a number near one, the bits that may differ)
    "bf16": ("m16n8k16.row.col.f32.bf16.bf16.f32", 16, 4, 2, 4, 0x3F803F80, 0x807F807F),
    "f16": ("m16n8k16.row.col.f32.f16.f16.f32", 16, 4, 2, 4, 0x3C003C00, 0x83FF83FF),
    "f16 sums": ("m16n8k16.row.col.f16.f16.f16.f16", 16, 4, 2, 2, 0x3C003C00, 0x83FF83FF),
    "tf32": ("m16n8k8.row.col.f32.tf32.tf32.f32", 8, 4, 2, 4, 0x3F800000, 0x807FE000),
    "bf16 k8": ("m16n8k8.row.col.f32.bf16.bf16.f32", 8, 2, 1, 4, 0x3F803F80, 0x807F807F),
    "int8": ("m16n8k32.row.col.s32.s8.s8.s32", 32, 4, 2, 4, 0, 0x7F7F7F7F),
}  # mma.sync of e4m3 is left out: ptxas has no such instruction for sm_90, and converts to f16 (F2FP, HMMA, FADD)


def operands(kind: str) -> str:
    return "f32" if kind.startswith(("bf16", "tf32")) or kind == "f16" else "b32"


def mma_text(kind: str, d: list[str], a: list[str], b: list[str]) -> str:
    group = lambda names: "{" + ", ".join(names) + "}"
    return f"mma.sync.aligned.{SHAPES[kind][0]} {group(d)}, {group(a)}, {group(b)}, {group(d)};"


def timed(name: str, threads: int, registers: str, setup: list[str], loop: list[str], keep: list[str], kind: str,
          shared: int = 0) -> str:
    """A loop of `rounds`, timed by thread 0 of each block; `keep` are the registers that must not be dead."""
    fold = [f"xor.b32 %fold, %fold, {name_};" if kind == "b32" else f"mov.b32 %word, {name_}; xor.b32 %fold, %fold, %word;"
            for name_ in keep]
    return HEAD + f"""
.visible .entry {name}(.param .u64 out, .param .u32 rounds) .reqntid {threads}
{{
    {f'.shared .align 128 .b8 tile[{shared}];' if shared else ''}
    .reg .pred %p; .reg .b32 %i, %rounds, %fold, %word, %me, %block, %hash, %at, %row; .reg .b64 %out, %c0, %c1, %n0, %n1;
    {registers}
    ld.param.u64 %out, [out]; ld.param.u32 %rounds, [rounds];
    mov.u32 %me, %tid.x; mov.u32 %block, %ctaid.x;
    mad.lo.u32 %hash, %block, {threads}, %me;
    mad.lo.u32 %hash, %hash, 1664525, 1013904223;
    {chr(10).join(setup)}
    bar.sync 0;
    mov.u64 %n0, %globaltimer; mov.u64 %c0, %clock64;
    mov.u32 %i, 0;
again:
    .pragma "nounroll";
    {chr(10).join(loop)}
    add.u32 %i, %i, 1;
    setp.lt.u32 %p, %i, %rounds;
    @%p bra again;
    bar.sync 0;
    mov.u64 %c1, %clock64; mov.u64 %n1, %globaltimer;
    mov.u32 %fold, 0;
    {chr(10).join(fold)}
    mul.wide.u32 %n0, %block, 0; sub.u64 %c1, %c1, %c0;
    setp.ne.u32 %p, %me, 0;
    @%p bra kept;
    mul.wide.u32 %c0, %block, 16; add.u64 %c0, %out, %c0;
    st.global.u64 [%c0], %c1; st.global.u64 [%c0+8], %n1;
kept:
    setp.ne.u32 %p, %fold, 305419896;
    @%p ret;
    st.global.u32 [%out], %fold;
    ret;
}}
""".replace("mul.wide.u32 %n0, %block, 0; sub.u64", "sub.u64 %n1, %n1, %n0; sub.u64")


def random_words(names: list[str], one: int, differ: int) -> list[str]:
    lines = []
    for name in names:
        lines += ["mad.lo.u32 %hash, %hash, 1664525, 1013904223;", "shr.u32 %word, %hash, 7;",
                  "xor.b32 %word, %word, %hash;", f"and.b32 %word, %word, {differ};", f"xor.b32 {name}, %word, {one};"]
    return lines


def mma_unroll(tiles_m: int, tiles_n: int) -> int:
    return max(4, 64 // (tiles_m * tiles_n))


def mma_loop(kind: str, tiles_m: int, tiles_n: int, warps: int) -> str:
    """Nothing but mma.sync: tiles_m × tiles_n independent accumulators a warp."""
    _, _, count_a, count_b, count_c, one, differ = SHAPES[kind]
    of_c = operands(kind)
    a = [[f"%a{i}_{e}" for e in range(count_a)] for i in range(tiles_m)]
    b = [[f"%b{j}_{e}" for e in range(count_b)] for j in range(tiles_n)]
    d = [[[f"%d{i}_{j}_{e}" for e in range(count_c)] for j in range(tiles_n)] for i in range(tiles_m)]
    flat = [x for row in d for tile in row for x in tile]
    words = [x for part in a + b for x in part]
    registers = f".reg .b32 {', '.join(words)}; .reg .{of_c} {', '.join(flat)};"
    zero = "0f00000000" if of_c == "f32" else "0"
    setup = random_words(words, one, differ) + [f"mov.{of_c} {x}, {zero};" for x in flat]
    loop = [mma_text(kind, d[i][j], a[i], b[j]) for _ in range(mma_unroll(tiles_m, tiles_n))
            for j in range(tiles_n) for i in range(tiles_m)]
    return timed("mma", 32 * warps, registers, setup, loop, flat, of_c)


def fed_loop(warp_m: int, warp_n: int, warps_m: int, warps_n: int, multiply: bool = True, barrier: bool = False) -> str:
    """ldmatrix of a tile of 64 columns of k that lies in shared memory, xor-swizzled, and (or not) the bf16 mma.sync."""
    tiles_m, tiles_n, threads = warp_m // 16, warp_n // 8, 32 * warps_m * warps_n
    rows = warp_m * warps_m + warp_n * warps_n
    sets = []
    for half in range(2):
        a = [[f"%a{half}_{i}_{e}" for e in range(4)] for i in range(tiles_m)]
        b = [[f"%b{half}_{j}_{e}" for e in range(4)] for j in range(tiles_n // 2)]
        sets.append((a, b))
    d = [[[f"%d{i}_{j}_{e}" for e in range(4)] for j in range(tiles_n)] for i in range(tiles_m)]
    flat = [x for row in d for tile in row for x in tile]
    words = [x for a, b in sets for part in a + b for x in part]
    addresses = [f"%at{which}{step}" for which in "ab" for step in range(4)]
    registers = (f".reg .b32 {', '.join(words + addresses)}; .reg .f32 {', '.join(flat)};"
                 " .reg .b32 %base, %warp, %lane, %key, %high;")
    setup = ["mov.u32 %base, tile;", "mov.u32 %at, %me;", "fill:",
             *random_words(["%row"], SHAPES["bf16"][5], SHAPES["bf16"][6]),
             "shl.b32 %key, %at, 2; add.u32 %key, %key, %base; st.shared.u32 [%key], %row;",
             f"add.u32 %at, %at, {threads};", f"setp.lt.u32 %p, %at, {rows * 32};", "@%p bra fill;",
             "and.b32 %lane, %me, 31; shr.u32 %warp, %me, 5;"]
    for which, per_warp, count, extra in (("a", warp_m, warps_n, 0), ("b", warp_n, warps_n, warp_m * warps_m)):
        divide = "div" if which == "a" else "rem"
        rows_of = ("and.b32 %row, %lane, 15; shr.u32 %high, %lane, 4;" if which == "a" else
                   "and.b32 %row, %lane, 7; shr.u32 %high, %lane, 4; mad.lo.u32 %row, %high, 8, %row;"
                   " shr.u32 %high, %lane, 3; and.b32 %high, %high, 1;")
        setup += [rows_of, f"{divide}.u32 %at, %warp, {count}; mad.lo.u32 %row, %at, {per_warp}, %row;",
                  "and.b32 %key, %row, 7; xor.b32 %high, %high, %key; shl.b32 %high, %high, 4;",
                  f"add.u32 %row, %row, {extra}; mad.lo.u32 %row, %row, 128, %high;"]
        for step in range(4):
            setup += [f"xor.b32 %at, %row, {32 * step}; add.u32 %at{which}{step}, %at, %base;"]
    setup += [f"mov.f32 {x}, 0f00000000;" for x in flat]

    def load(half, step):
        a, b = sets[half]
        lines = [f"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{{', '.join(a[i])}}}, [%ata{step}+{i * 2048}];"
                 for i in range(tiles_m)]
        return lines + [f"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{{', '.join(b[j])}}}, [%atb{step}+{j * 2048}];"
                        for j in range(tiles_n // 2)]

    setup += load(0, 0)
    loop = []
    for step in range(4):
        if barrier and step == 3:
            loop += ["bar.sync 0;"]
        loop += load((step + 1) % 2, (step + 1) % 4)
        a, b = sets[step % 2]
        if multiply:
            loop += [mma_text("bf16", d[i][j], a[i], b[j // 2][2 * (j % 2):2 * (j % 2) + 2])
                     for j in range(tiles_n) for i in range(tiles_m)]
        else:
            loop += [f"xor.b32 %fold, %fold, {x};" for part in a + b for x in part[:1]]
    if multiply:
        return timed("fed", threads, registers, setup, loop, flat, "f32", rows * 128)
    return timed("fed", threads, registers, setup, loop, [x for part in sets[0][0] for x in part], "b32",
                 rows * 128).replace("mov.u32 %fold, 0;\n", "")


def exp2_loop(warps: int) -> str:
    """ex2.approx alone, eight independent chains a thread."""
    values = [f"%d{index}" for index in range(8)]
    setup = random_words(["%row"], 0x3F800000, 0x807FE000) + [f"mov.b32 {x}, %row;" for x in values]
    loop = [f"ex2.approx.ftz.f32 {x}, {x};" for _ in range(8) for x in values]
    return timed("exp2", 32 * warps, f".reg .f32 {', '.join(values)};", setup, loop, values, "f32")


def memory(name: str) -> str:
    """`read`: every byte once, by 16 bytes a thread, four in flight. `copy`: likewise, and stored. `again`: the whole of a
    buffer `rounds` times, past L1, each block at another place each round: what L2 gives."""
    step = {
        "read": "", "again": "",
        "copy": "add.u64 %at, %to, %offset; st.global.v4.u32 [%at], {{%w{0}_0, %w{0}_1, %w{0}_2, %w{0}_3}};",
    }[name]
    load = "ld.global.cg.v4.u32" if name == "again" else "ld.global.nc.L1::no_allocate.v4.u32"
    words = [f"%w{q}_{e}" for q in range(4) for e in range(4)]
    loads = [f"{load} {{%w{q}_0, %w{q}_1, %w{q}_2, %w{q}_3}}, [%p{q}];" for q in range(4)]
    stores = [f"st.global.v4.u32 [%q{q}], {{%w{q}_0, %w{q}_1, %w{q}_2, %w{q}_3}};" for q in range(4)] if name == "copy" else [
        f"xor.b32 %fold, %fold, {x};" for x in words]
    pointers = []
    for q in range(4):
        pointers += [f"add.u64 %p{q}, %cursor, {q * 8192}; add.u64 %p{q}, %from, %p{q};"]
        if name == "copy":
            pointers += [f"add.u64 %q{q}, %cursor, {q * 8192}; add.u64 %q{q}, %to, %q{q};"]
    return HEAD + f"""
.visible .entry {name}(.param .u64 from, .param .u64 to, .param .u64 bytes, .param .u32 rounds) .reqntid 512
{{
    .reg .pred %p; .reg .b32 %fold, %round, %rounds, %me, %block, %blocks, {', '.join(words)};
    .reg .b64 %from, %to, %bytes, %cursor, %stride, %start, %p<4>, %q<4>;
    ld.param.u64 %from, [from]; ld.param.u64 %to, [to]; ld.param.u64 %bytes, [bytes]; ld.param.u32 %rounds, [rounds];
    mov.u32 %me, %tid.x; mov.u32 %blocks, %nctaid.x; mov.u32 %block, %ctaid.x;
    mov.u32 %fold, 0; mov.u32 %round, 0;
    mul.wide.u32 %stride, %blocks, 32768;
round:
    mul.wide.u32 %start, %block, 32768; mul.wide.u32 %cursor, %me, 16; add.u64 %cursor, %cursor, %start;
    setp.ge.u64 %p, %cursor, %bytes;
    @%p bra done;
next:
    {' '.join(pointers)}
    {' '.join(loads)}
    {' '.join(stores)}
    add.u64 %cursor, %cursor, %stride;
    setp.lt.u64 %p, %cursor, %bytes;
    @%p bra next;
done:
    add.u32 %block, %block, 37;
    setp.ge.u32 %p, %block, %blocks;
    @%p sub.u32 %block, %block, %blocks;
    add.u32 %round, %round, 1;
    setp.lt.u32 %p, %round, %rounds;
    @%p bra round;
    setp.ne.u32 %p, %fold, 305419896;
    @%p ret;
    st.global.u32 [%to], %fold;
    ret;
}}
"""


def all_kernels() -> dict[str, tuple[str, dict]]:
    """Label: the PTX and how it is to be run."""
    kernels = {}
    for kind in SHAPES:
        grids = [(1, 1), (1, 2), (2, 2), (2, 4), (4, 4), (4, 8)] if kind in ("bf16",) else [(4, 4), (4, 8)]
        for tiles_m, tiles_n in grids:
            for warps in (4, 8, 12, 16):
                if tiles_m * tiles_n == 32 and warps > 8 or kind != "bf16" and warps == 12:
                    continue  # the accumulators do not fit; or one figure less
                label = f"mma {kind} {tiles_m}x{tiles_n} w{warps}"
                kernels[label] = (mma_loop(kind, tiles_m, tiles_n, warps), {
                    "entry": "mma", "threads": 32 * warps,
                    "flop": 2 * 16 * 8 * SHAPES[kind][1] * mma_unroll(tiles_m, tiles_n) * tiles_m * tiles_n * warps})
    for warp_m, warp_n, warps_m, warps_n, barrier in [
        (64, 64, 2, 2, False), (64, 64, 2, 4, False), (64, 64, 2, 4, True), (64, 32, 2, 2, False), (64, 32, 2, 4, False),
        (32, 64, 2, 4, False), (32, 32, 2, 2, False), (32, 32, 2, 4, False), (32, 32, 4, 4, False), (64, 32, 4, 4, False),
        (16, 64, 4, 1, False), (16, 64, 8, 1, False), (32, 128, 2, 2, False),
    ]:
        warps = warps_m * warps_n
        label = f"fed {warp_m}x{warp_n} {warps_m}x{warps_n}{' barrier' if barrier else ''}"
        kernels[label] = (fed_loop(warp_m, warp_n, warps_m, warps_n, barrier=barrier), {
            "entry": "fed", "threads": 32 * warps, "flop": 2 * warp_m * warp_n * 64 * warps,
            "shared_read": (warp_m + warp_n) * 128 * warps})
    kernels["ldmatrix 64x64 2x4"] = (fed_loop(64, 64, 2, 4, multiply=False), {
        "entry": "fed", "threads": 256, "flop": 0, "shared_read": 128 * 128 * 8})
    for warps in (4, 8, 16):
        kernels[f"exp2 w{warps}"] = (exp2_loop(warps), {"entry": "exp2", "threads": 32 * warps, "flop": 64 * 32 * warps})
    for name in ("read", "copy", "again"):
        kernels[f"memory {name}"] = (memory(name), {"entry": name, "threads": 512})
    return kernels
