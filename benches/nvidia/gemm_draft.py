"""A draft of the gemm kernel for sm_80 and up: C[m,n] = A[m,k] W[n,k]ᵀ (+ bias), bf16, sums in f32. Writes LLVM IR.

    python gemm_draft.py 128x128x64_2x2_s3          # the IR of one schedule, to standard output

cp.async brings tiles of A and W into `stages` buffers of shared memory, xor-swizzled; ldmatrix reads fragments of them,
one k-step ahead of the mma.sync that use them; the answer goes back through shared memory, so that whole lines are
written. m, n and k are arguments of the kernel. Rows past the end are read from the last row (or, `masked`, not at all)
and never stored; columns of k past the end are filled with zeros by cp.async itself (k and n are multiples of 8). Blocks
are numbered so that `group` rows of tiles run side by side and share columns of W in L2.

With `packed`, W is an array of tiles [n/bn][k/bk], each the image of a stage's buffer, so that the copy is linear.
With `split`, a block sums k from ctaid.y * span to that plus span, and writes f32 to its own part of a workspace, which
another kernel adds; with `adding`, the last block of a tile to come does.
"""

import dataclasses
import sys

from ir import GLOBAL, SHARED, Function


@dataclasses.dataclass(frozen=True)
class Schedule:
    bm: int
    bn: int
    bk: int
    warps_m: int
    warps_n: int
    stages: int
    group: int = 8
    packed: bool = False
    split: bool = False
    bias: bool = False
    direct: bool = False  # store the accumulators as they lie, without a way through shared memory
    rolling: bool = False  # fragments of W one pair of tiles ahead, not one k-step: fewer registers
    early: bool = False  # W is fetched before the last kernel has ended (programmatic dependent launch, sm_90)
    adding: bool = False  # split-K in one launch: the last block of a tile adds the parts
    starved: bool = False  # the loop copies nothing, so the answer is wrong: what the rest of it could do
    min_ctas: int = 1
    slices: int = 1  # warps that share a tile's k among them, and add at the end
    turned: bool = False  # each column of tiles begins at another place of k, so that not all read the same lines of A
    masked: bool = False  # rows past the end are filled with zeros; else they are the last row, read again and again
    even: bool = False  # copies spread between the mma.sync instead of before them

    @property
    def threads(self) -> int:
        return 32 * self.warps_m * self.warps_n * self.slices

    @property
    def stage_bytes(self) -> int:
        return (self.bm + self.bn) * self.bk * 2

    @property
    def shared_bytes(self) -> int:
        answer = 128 if self.split or self.direct else self.bm * (self.bn + 8 * self.warps_n) * 2
        sums = self.slices * self.bm * self.bn * 4 if self.slices > 1 else 0
        return max(self.stages * self.stage_bytes, answer, sums)

    @property
    def name(self) -> str:
        suffix = "".join(letter for letter, field in LETTERS.items() if getattr(self, field))
        group = f"_g{self.group}" if self.group != 8 else ""
        ctas = f"_c{self.min_ctas}" if self.min_ctas != 1 else ""
        tail = f"_{suffix}" if suffix else ""
        slices = f"x{self.slices}" if self.slices > 1 else ""
        return f"{self.bm}x{self.bn}x{self.bk}_{self.warps_m}x{self.warps_n}{slices}_s{self.stages}{group}{ctas}{tail}"

    @property
    def cpu(self) -> str:
        return "sm_90" if self.early else "sm_80"


LETTERS = {
    "p": "packed", "k": "split", "b": "bias", "d": "direct", "r": "rolling", "w": "early", "a": "adding", "t": "turned",
    "e": "even", "m": "masked", "x": "starved",
}


def parse(name: str) -> Schedule:
    tile, warps, *rest = name.split("_")
    bm, bn, bk = map(int, tile.split("x"))
    warps_m, warps_n, *slices = map(int, warps.split("x"))
    fields = {"slices": slices[0]} if slices else {}
    for part in rest:
        if part[0] in "sgc" and part[1:].isdigit():
            fields[{"s": "stages", "g": "group", "c": "min_ctas"}[part[0]]] = int(part[1:])
        else:
            fields |= {LETTERS[letter]: True for letter in part}
    return Schedule(bm, bn, bk, warps_m, warps_n, **fields)


def emit(schedule: Schedule) -> str:
    s = schedule
    chunks = s.bk // 8  # of 16 bytes, in a row of a tile
    row_bytes = s.bk * 2
    rows_a_pass = s.threads // chunks
    passes_a, passes_b = s.bm // rows_a_pass, s.bn // rows_a_pass
    assert rows_a_pass % 8 == 0 and passes_a * rows_a_pass == s.bm and passes_b * rows_a_pass == s.bn
    warp_m, warp_n = s.bm // s.warps_m, s.bn // s.warps_n
    tiles_m, tiles_n, steps = warp_m // 16, warp_n // 8, s.bk // 16 // s.slices
    assert tiles_n % 2 == 0 and steps >= 1
    swizzle_shift, swizzle_mask = (1 if chunks == 4 else 0), min(chunks, 8) - 1
    b_offset = s.bm * row_bytes  # where W's tile begins in a stage

    f = Function(
        "gemm",
        [(GLOBAL, "a"), (GLOBAL, "b"), (GLOBAL, "c"), (GLOBAL, "bias"), ("i32", "m"), ("i32", "n"), ("i32", "k"),
         ("i32", "span"), *([(GLOBAL, "workspace"), (GLOBAL, "counters")] if s.adding else [])],
        s.threads,
        s.min_ctas,
    )
    thread = f.special("tid.x")
    block = f.special("ctaid.x")

    # Which tile: `group` rows of tiles, column by column.
    count_m = f.divide(f.add("%m", s.bm - 1), s.bm)
    count_n = f.divide(f.add("%n", s.bn - 1), s.bn)
    in_group = f.mul(count_n, s.group)
    group = f.divide(block, in_group)
    within = f.sub(block, f.mul(group, in_group))
    first = f.mul(group, s.group)
    height = f.umin(f.sub(count_m, first), s.group)
    tile_n = f.divide(within, height)
    tile_m = f.add(first, f.sub(within, f.mul(tile_n, height)))
    row0, column0 = f.mul(tile_m, s.bm), f.mul(tile_n, s.bn)

    if s.split or s.adding:
        part = f.special("ctaid.y")
        k_begin = f.mul(part, "%span")
        k_end = f.umin(f.add(k_begin, "%span"), "%k")
    else:
        k_begin, k_end = "0", "%k"
    count_k = f.divide(f.add(f.sub(k_end, k_begin), s.bk - 1), s.bk)

    # How a thread copies: chunk `load_chunk` of rows load_row, load_row + rows_a_pass, …
    def swizzled(row, chunk):
        key = f.land(f.shr(row, swizzle_shift) if swizzle_shift else row, swizzle_mask)
        return f.xor(chunk, key)

    load_row, load_chunk = f.divide(thread, chunks), f.remainder(thread, chunks)
    load_at = f.add(f.mul(load_row, row_bytes), f.mul(swizzled(load_row, load_chunk), 16))
    k_bytes = f.i32("shl", "%k", 1)
    chunk_bytes = f.mul(load_chunk, 16)

    def sources(origin, limit, passes):
        """Offsets, from the tile's first row, of what a thread copies, and whether the row is there (if that is asked).

        Rows past the end are the last row, so that no address is outside.
        """
        count = f.sub(limit, origin)
        last, there, rows = f.sub(count, 1), [], []
        for index in range(passes):
            row = f.add(load_row, index * rows_a_pass)
            there.append(f.less(row, count) if s.masked else None)
            rows.append(f.umin(row, last))
        return [f.wide(f.add(f.mul(row, k_bytes), chunk_bytes)) for row in rows], there

    offsets_a, there_a = sources(row0, "%m", passes_a)
    start_a = f.globally("%a", f.define(f"add i64 {f.wide_mul(row0, k_bytes)}, {f.wide(f.mul(k_begin, 2))}"))
    if s.packed:
        tile_bytes = s.bn * row_bytes
        tiles_k = f.divide(f.add("%k", s.bk - 1), s.bk)
        first_tile = f.add(f.mul(tile_n, tiles_k), f.divide(k_begin, s.bk))
        start_b = f.globally(f.globally("%b", f.wide_mul(first_tile, tile_bytes)), f.wide(f.mul(thread, 16)))
        load_at_b, pass_bytes_b, step_b = f.mul(thread, 16), s.threads * 16, tile_bytes
        offsets_b, there_b = [str(index * pass_bytes_b) for index in range(passes_b)], [None] * passes_b
    else:
        offsets_b, there_b = sources(column0, "%n", passes_b)
        start_b = f.globally("%b", f.define(f"add i64 {f.wide_mul(column0, k_bytes)}, {f.wide(f.mul(k_begin, 2))}"))
        load_at_b, pass_bytes_b, step_b = load_at, rows_a_pass * row_bytes, row_bytes
    first_k = f.add(k_begin, f.mul(load_chunk, 8))
    turn_a, turn_b, turn_k = start_a, start_b, first_k  # where the tile of k after the last is
    if s.turned:
        turn = f.remainder(tile_n, count_k)
        start_a, start_b = f.globally(start_a, f.wide_mul(turn, row_bytes)), f.globally(start_b, f.wide_mul(turn, step_b))
        first_k = f.add(first_k, f.mul(turn, s.bk))
        last_k = f.add(turn_k, f.mul(f.sub(count_k, 1), s.bk))

    def following(pointer_a, pointer_b, k_here):
        """The next tile of k."""
        after = f.globally(pointer_a, row_bytes), f.globally(pointer_b, step_b), f.add(k_here, s.bk)
        if not s.turned:
            return after
        over = f.define(f"icmp eq i32 {k_here}, {last_k}")
        kinds = (GLOBAL, GLOBAL, "i32")
        return tuple(f.select(over, a, b, kind) for a, b, kind in zip((turn_a, turn_b, turn_k), after, kinds))

    def copies(stage, pointer_a, pointer_b, k_here, tile_k):
        """The copies of one tile of k, as closures, so that they can be spread over the steps of another."""
        inside = f.less(k_here, k_end)
        size = f.select(f.both(inside, f.less(tile_k, count_k)) if s.turned else inside, 16, 0)
        size_b = f.select(f.less(tile_k, count_k), 16, 0) if s.packed else size
        to_a = f.shared(stage, load_at)
        to_b = f.shared(f.shared(stage, load_at_b), b_offset)
        def copy(to, source, there, size):
            f.copy_async(to, source, f.select(there, size, 0) if there else size)

        work = []
        for index in range(passes_a):
            work.append(lambda index=index: copy(f.shared(to_a, index * rows_a_pass * row_bytes),
                                                 f.globally(pointer_a, offsets_a[index]), there_a[index], size))
        for index in range(passes_b):
            work.append(lambda index=index: copy(f.shared(to_b, index * pass_bytes_b),
                                                 f.globally(pointer_b, offsets_b[index]), there_b[index], size_b))
        return work

    # How a warp reads fragments: one address a step, the rest is constant.
    lane, warp = f.land(thread, 31), f.shr(thread, 5)
    all_warps = warp
    if s.slices > 1:
        slice_of_k, warp = f.divide(warp, s.warps_m * s.warps_n), f.remainder(warp, s.warps_m * s.warps_n)
    warp_row, warp_column = f.divide(warp, s.warps_n), f.remainder(warp, s.warps_n)
    row_a = f.add(f.mul(warp_row, warp_m), f.land(lane, 15))
    row_b = f.add(f.mul(warp_column, warp_n), f.add(f.land(lane, 7), f.mul(f.shr(lane, 4), 8)))
    at_a = f.add(f.mul(row_a, row_bytes), f.mul(swizzled(row_a, f.shr(lane, 4)), 16))
    at_b = f.add(f.mul(row_b, row_bytes), f.mul(swizzled(row_b, f.land(f.shr(lane, 3), 1)), 16))
    if s.slices > 1:
        own_steps = f.mul(slice_of_k, 32 * steps)
        at_a, at_b = f.xor(at_a, own_steps), f.xor(at_b, own_steps)
    step_at_a = [f.xor(at_a, 32 * step) for step in range(steps)]
    step_at_b = [f.add(f.xor(at_b, 32 * step), b_offset) for step in range(steps)]

    def fragment_a(stage, step, index):
        return f.ldmatrix(f.shared(f.shared(stage, step_at_a[step]), index * 16 * row_bytes))

    def fragments_b(stage, step, pair):
        four = f.ldmatrix(f.shared(f.shared(stage, step_at_b[step]), pair * 16 * row_bytes))
        return [four[:2], four[2:]]

    pairs = tiles_n // 2

    def fragments(stage, step):
        a = [fragment_a(stage, step, index) for index in range(tiles_m)]
        return a, [b for pair in range(1 if s.rolling else pairs) for b in fragments_b(stage, step, pair)]

    # Fill the pipeline.
    if s.early:
        f.line("call void @llvm.nvvm.griddepcontrol.launch.dependents()")
    filling = []
    place_of_k = start_a, start_b, first_k
    for stage in range(s.stages - 1):
        filling.append(copies(f.shared("@smem", stage * s.stage_bytes), *place_of_k, str(stage)))
        place_of_k = following(*place_of_k)
    if s.early:
        for work in filling:
            for copy in work[passes_a:]:
                copy()
        f.line("call void @llvm.nvvm.griddepcontrol.wait()")
    for work in filling:
        for copy in work[:passes_a] if s.early else work:
            copy()
        f.commit()
    ahead = s.stages - 1
    next_a, next_b, next_k = place_of_k
    f.wait(s.stages - 2)
    f.barrier()
    a0, b0 = fragments("@smem", 0)
    entry = f.block
    f.branch("loop")

    # The loop over tiles of k.
    f.label("loop")
    place = f.reserve()
    acc = [[[f"%acc{i}_{j}_{e}" for e in range(4)] for j in range(tiles_n)] for i in range(tiles_m)]
    a = [[f"%a{i}_{e}" for e in range(4)] for i in range(tiles_m)]
    b = [[f"%b{j}_{e}" for e in range(2)] for j in range(2 if s.rolling else tiles_n)]
    a_in, b_in, acc_in = a, b, [[list(x) for x in row] for row in acc]
    write_stage = f.shared("@smem", "%write")
    work = copies(write_stage, "%next_a", "%next_b", "%next_k", f.add("%tile", ahead))
    if s.starved:
        work = []
    read = f.shared("@smem", "%read")

    def next_stage():
        """All copies are under way: wait for the next tile's, and for the warps that still read the buffer to be filled."""
        f.commit()
        f.wait(s.stages - 2)
        f.barrier()
        raised = f.add("%read", s.stage_bytes)
        over = f.define(f"icmp eq i32 {raised}, {s.stages * s.stage_bytes}")
        after = f.select(over, 0, raised)
        return after, f.shared("@smem", after)

    write_after = "%read"
    if s.rolling:
        slots = [(step, pair) for step in range(steps) for pair in range(pairs)]
        share = -(-len(work) // (len(slots) - 1))
        for index, (step, pair) in enumerate(slots):
            if index == len(slots) - 1:
                read_after, read = next_stage()
            next_step, next_pair = slots[(index + 1) % len(slots)]
            following_b = fragments_b(read, next_step, next_pair)
            for copy in work[index * share:(index + 1) * share]:
                copy()
            following_a = []
            for i in range(tiles_m):
                for e in range(2):
                    acc[i][2 * pair + e] = f.mma(a[i], b[e], acc[i][2 * pair + e])
                if pair == pairs - 1:
                    following_a.append(fragment_a(read, next_step, i))
            a, b = following_a or a, following_b
    else:
        share = -(-len(work) // max(1, steps - 1))
        spread = -(-len(work) // max(1, (steps - 1) * tiles_n)) if s.even else 0
        waiting = list(work)
        for step in range(steps):
            if steps == 1:
                while waiting:
                    waiting.pop(0)()
            if step == steps - 1:
                read_after, read = next_stage()
            ahead_of_mma = fragments(read, (step + 1) % steps)
            if step < steps - 1 and not s.even:
                for _ in range(min(share, len(waiting))):
                    waiting.pop(0)()
            for j in range(tiles_n):
                if step < steps - 1:
                    for _ in range(min(spread, len(waiting))):
                        waiting.pop(0)()
                order = range(tiles_m) if j % 2 == 0 else reversed(range(tiles_m))
                for i in order:
                    acc[i][j] = f.mma(a[i], b[j], acc[i][j])
            a, b = ahead_of_mma
    tile_after = f.add("%tile", 1)
    next_a_after, next_b_after, next_k_after = following("%next_a", "%next_b", "%next_k")
    f.branch_if(f.less(tile_after, count_k), "loop", "done")
    last = s.stages - 1
    phis = [
        f"%tile = phi i32 [0, %{entry}], [{tile_after}, %loop]",
        f"%read = phi i32 [0, %{entry}], [{read_after}, %loop]",
        f"%write = phi i32 [{last * s.stage_bytes}, %{entry}], [{write_after}, %loop]",
        f"%next_a = phi {GLOBAL} [{next_a}, %{entry}], [{next_a_after}, %loop]",
        f"%next_b = phi {GLOBAL} [{next_b}, %{entry}], [{next_b_after}, %loop]",
        f"%next_k = phi i32 [{next_k}, %{entry}], [{next_k_after}, %loop]",
    ]
    for before, start, after in zip(a_in + b_in, a0 + b0, a + b):
        phis += [f"{x} = phi i32 [{y}, %{entry}], [{z}, %loop]" for x, y, z in zip(before, start, after)]
    for i in range(tiles_m):
        for j in range(tiles_n):
            phis += [f"{x} = phi float [0.0, %{entry}], [{z}, %loop]" for x, z in zip(acc_in[i][j], acc[i][j])]
    f.fill(place, phis)

    # The answer.
    f.label("done")
    f.wait(0)
    group_row, group_column = f.shr(lane, 2), f.mul(f.land(lane, 3), 2)
    row_warp = f.add(row0, f.mul(warp_row, warp_m))
    column_warp = f.add(column0, f.mul(warp_column, warp_n))
    if s.slices > 1:
        acc = add_slices(f, s, lane, all_warps, warp, slice_of_k, acc)
        tiles_m, warp_m = tiles_m // s.slices, warp_m // s.slices
        row_warp = f.add(row_warp, f.mul(slice_of_k, warp_m))
    blocks = iter(range(10**6))

    def store_if(condition, kind, value, pointer, align):
        number = next(blocks)
        f.branch_if(condition, f"store{number}", f"next{number}")
        f.label(f"store{number}")
        f.line(f"store {kind} {value}, {GLOBAL} {pointer}, align {align}")
        f.branch(f"next{number}")
        f.label(f"next{number}")

    if s.adding:
        acc = add_parts(f, s, thread, block, part, acc)

    if s.bias:
        for j in range(tiles_n):
            column = f.umin(f.add(f.add(column_warp, group_column), j * 8), f.sub("%n", 2))
            pointer = f.globally("%bias", f.wide(f.i32("shl", column, 1)))
            pair = f.unpack(f.define(f"load i32, {GLOBAL} {pointer}, align 4"))
            for i in range(tiles_m):
                acc[i][j] = [f.f32("fadd", x, pair[e % 2]) for e, x in enumerate(acc[i][j])]

    if s.split or s.direct:
        size = 4 if s.split else 2
        base = f.globally("%c", f.define(f"mul i64 {f.wide_mul(part, '%m')}, {f.wide(f.mul('%n', 4))}")) if s.split else "%c"
        columns = [f.add(f.add(column_warp, group_column), j * 8) for j in range(tiles_n)]
        fits = [f.less(column, "%n") for column in columns]
        for i in range(tiles_m):
            for half in range(2):
                row = f.add(f.add(row_warp, group_row), i * 16 + half * 8)
                inside = f.less(row, "%m")
                line = f.globally(base, f.wide_mul(row, f.mul("%n", size)))
                for j in range(tiles_n):
                    pointer = f.globally(line, f.wide(f.mul(columns[j], size)))
                    pair = acc[i][j][2 * half:2 * half + 2]
                    if s.split:
                        vector = f.define(f"insertelement <2 x float> undef, float {pair[0]}, i32 0")
                        vector = f.define(f"insertelement <2 x float> {vector}, float {pair[1]}, i32 1")
                        store_if(f.both(inside, fits[j]), "<2 x float>", vector, pointer, 8)
                    else:
                        store_if(f.both(inside, fits[j]), "i32", f.pack(*pair), pointer, 4)
    else:
        f.barrier()
        pitch = (warp_n + 8) * 2
        own = f.shared("@smem", f.mul(all_warps, warp_m * pitch))
        put = f.shared(own, f.add(f.mul(group_row, pitch), f.mul(group_column, 2)))
        for i in range(tiles_m):
            for j in range(tiles_n):
                for half in range(2):
                    pair = f.pack(*acc[i][j][2 * half:2 * half + 2])
                    f.line(f"store i32 {pair}, {SHARED} {f.shared(put, (i * 16 + half * 8) * pitch + j * 16)}, align 4")
        f.warp_barrier()
        line_chunks = warp_n // 8
        line_bytes = f.mul("%n", 2)
        corner = f.globally(f.globally("%c", f.wide_mul(row_warp, line_bytes)), f.wide(f.mul(column_warp, 2)))
        for start in range(0, warp_m * line_chunks, 32):
            if start == 0 or 32 % line_chunks:
                index = f.add(lane, start)
                row, chunk = f.divide(index, line_chunks), f.remainder(index, line_chunks)
                take = f.shared(own, f.add(f.mul(row, pitch), f.mul(chunk, 16)))
                pointer = f.globally(f.globally(corner, f.wide_mul(row, line_bytes)), f.wide(f.mul(chunk, 16)))
                fits = f.less(f.add(column_warp, f.mul(chunk, 8)), "%n")
                stride = f.wide_mul(line_bytes, 32 // line_chunks)
            else:  # the same columns, some rows on
                row = f.add(row, 32 // line_chunks)
                take = f.shared(take, 32 // line_chunks * pitch)
                pointer = f.globally(pointer, stride)
            value = f.define(f"load <4 x i32>, {SHARED} {take}, align 16")
            inside = f.less(f.add(row_warp, row), "%m")
            store_if(f.both(inside, fits), "<4 x i32>", value, pointer, 16)
    f.line("ret void")
    return f.text()


def add_slices(f: Function, s: Schedule, lane, all_warps, warp, slice_of_k, acc):
    """Each warp leaves its sums in shared memory, and takes the rows of tiles that are its own from all slices."""
    rows, columns = len(acc), len(acc[0])
    own_rows = rows // s.slices
    assert own_rows * s.slices == rows
    warp_bytes = rows * columns * 512
    f.barrier()
    put = f.shared("@smem", f.add(f.mul(all_warps, warp_bytes), f.mul(lane, 16)))
    for i, row in enumerate(acc):
        for j, tile in enumerate(row):
            vector = "undef"
            for e, value in enumerate(tile):
                vector = f.define(f"insertelement <4 x float> {vector}, float {value}, i32 {e}")
            f.line(f"store <4 x float> {vector}, {SHARED} {f.shared(put, (i * columns + j) * 512)}, align 16")
    f.barrier()
    first = f.add(f.mul(warp, warp_bytes), f.mul(slice_of_k, own_rows * columns * 512))
    take = f.shared("@smem", f.add(first, f.mul(lane, 16)))
    sums = []
    for i in range(own_rows):
        sums.append([])
        for j in range(columns):
            total = None
            for part in range(s.slices):
                at = part * s.warps_m * s.warps_n * warp_bytes + (i * columns + j) * 512
                value = f.define(f"load <4 x float>, {SHARED} {f.shared(take, at)}, align 16")
                total = value if total is None else f.define(f"fadd <4 x float> {total}, {value}")
            sums[-1].append([f.define(f"extractelement <4 x float> {total}, i32 {e}") for e in range(4)])
    return sums


def add_parts(f: Function, s: Schedule, thread, block, part, acc):
    """Every block leaves its sums as they lie in registers; the last block of a tile to come adds all parts, in order."""
    tiles = [tile for row in acc for tile in row]
    step = s.threads * 16
    parts = f.special("nctaid.y")
    own = f.wide(f.mul(thread, 16))
    first = f.globally("%workspace", f.wide_mul(f.mul(block, parts), len(tiles) * step))
    first = f.globally(first, own)
    put = f.globally(first, f.wide_mul(part, len(tiles) * step))
    for index, tile in enumerate(tiles):
        vector = "undef"
        for e, value in enumerate(tile):
            vector = f.define(f"insertelement <4 x float> {vector}, float {value}, i32 {e}")
        f.line(f"store <4 x float> {vector}, {GLOBAL} {f.globally(put, index * step)}, align 16")
    f.line('fence syncscope("device") acq_rel')
    f.barrier()
    f.branch_if(f.define(f"icmp eq i32 {thread}, 0"), "count", "counted")
    f.label("count")
    counter = f.globally("%counters", f.wide(f.mul(block, 4)))
    before = f.define(f'atomicrmw add {GLOBAL} {counter}, i32 1 syncscope("device") acq_rel')
    f.line(f"store i32 {before}, {SHARED} @smem, align 4")
    f.branch("counted")
    f.label("counted")
    f.barrier()
    came = f.define(f"load i32, {SHARED} @smem, align 4")
    f.branch_if(f.define(f"icmp eq i32 {f.add(came, 1)}, {parts}"), "last", "not_last")
    f.label("not_last")
    f.line("ret void")
    f.label("last")
    f.line('fence syncscope("device") acq_rel')
    f.branch("adding")
    f.label("adding")
    place = f.reserve()
    sums = []
    for index in range(len(tiles)):
        value = f.define(f"load <4 x float>, {GLOBAL} {f.globally('%from', index * step)}, align 16")
        sums.append(f.define(f"fadd <4 x float> {value}, %part_sum{index}"))
    after, next_part = f.globally("%from", len(tiles) * step), f.add("%part_index", 1)
    f.branch_if(f.less(next_part, parts), "adding", "added")
    f.fill(place, [
        f"%from = phi {GLOBAL} [{first}, %last], [{after}, %adding]",
        f"%part_index = phi i32 [0, %last], [{next_part}, %adding]",
        *(f"%part_sum{index} = phi <4 x float> [zeroinitializer, %last], [{value}, %adding]"
          for index, value in enumerate(sums)),
    ])
    f.label("added")
    f.branch_if(f.define(f"icmp eq i32 {thread}, 0"), "reset", "ready")
    f.label("reset")
    f.line(f"store i32 0, {GLOBAL} {f.globally('%counters', f.wide(f.mul(block, 4)))}, align 4")
    f.branch("ready")
    f.label("ready")
    flat = iter(sums)
    extract = lambda vector: [f.define(f"extractelement <4 x float> {vector}, i32 {e}") for e in range(4)]
    return [[extract(next(flat)) for _ in row] for row in acc]


def emit_reduce() -> str:
    """The second half of split-K: bf16 C = the sum over `parts` of f32 workspaces. Eight columns a thread."""
    f = Function("reduce", [(GLOBAL, "w"), (GLOBAL, "c"), ("i32", "count"), ("i32", "parts")], 128)
    at = f.mul(f.add(f.mul(f.special("ctaid.x"), 128), f.special("tid.x")), 8)
    f.branch_if(f.less(at, "%count"), "work", "end")
    f.label("work")
    start = f.globally("%w", f.wide_mul(at, 4))
    stride = f.wide_mul("%count", 4)
    f.branch("loop")
    f.label("loop")
    place = f.reserve()
    sums = []
    for half in range(2):
        value = f.define(f"load <4 x float>, {GLOBAL} {f.globally('%from', half * 16)}, align 16")
        sums.append(f.define(f"fadd <4 x float> {value}, %sum{half}"))
    following, part = f.globally("%from", stride), f.add("%part", 1)
    f.branch_if(f.less(part, "%parts"), "loop", "done")
    f.fill(place, [
        f"%from = phi {GLOBAL} [{start}, %work], [{following}, %loop]",
        f"%part = phi i32 [0, %work], [{part}, %loop]",
        *(f"%sum{half} = phi <4 x float> [zeroinitializer, %work], [{sums[half]}, %loop]" for half in range(2)),
    ])
    f.label("done")
    words = []
    for half in range(2):
        lanes = [f.define(f"extractelement <4 x float> {sums[half]}, i32 {index}") for index in range(4)]
        words += [f.pack(lanes[0], lanes[1]), f.pack(lanes[2], lanes[3])]
    vector = "undef"
    for index, word in enumerate(words):
        vector = f.define(f"insertelement <4 x i32> {vector}, i32 {word}, i32 {index}")
    f.line(f"store <4 x i32> {vector}, {GLOBAL} {f.globally('%c', f.wide_mul(at, 2))}, align 16")
    f.branch("end")
    f.label("end")
    f.line("ret void")
    return f.text()


if __name__ == "__main__":
    print(emit_reduce() if sys.argv[1] == "reduce" else emit(parse(sys.argv[1])))
