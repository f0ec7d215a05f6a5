"""A draft of the attention kernel for sm_80 and up, after FlashAttention-2: bf16, sums and softmax in f32. Writes LLVM IR.

    python attention_draft.py 72_q32x4_k64_s2       # head dim 72, 4 warps of 32 rows, blocks of 64 keys, 2 stages

q, k and v are read where a merged projection left them, [batch * tokens, 3 * heads * head_dim], and the answer is
[batch * tokens, heads * head_dim]. A block of threads has one head and a block of queries; a warp has its own rows of it
and all keys. Keys are visited from the last block to the first, so that only the first visit masks. The scale and log2 e
are one factor. Head dims are multiples of 8 and not padded: the rows of a tile lie an odd number of 16-byte chunks apart,
which needs no swizzle. Where the head dim is an odd multiple of 8, Q Kᵀ ends with an m16n8k8 (`k8`) or reads a chunk of
zeros that lies in shared memory only (`zero`). Rows of V past the end are zeros: P is 0 there, but 0 times NaN is NaN.
"""

import dataclasses
import sys

from ir import GLOBAL, SHARED, Function


@dataclasses.dataclass(frozen=True)
class Schedule:
    head_dim: int
    rows_a_warp: int
    warps: int
    keys: int
    stages: int
    zero_tail: bool = False
    queries_in_registers: bool = True
    lazy: bool = False  # the answer shrinks only where a maximum has grown, by a vote of the warp
    ahead: bool = False  # the next block's Q Kᵀ is computed beside this block's softmax; needs three stages
    min_ctas: int = 1

    cpu = "sm_80"

    @property
    def threads(self) -> int:
        return 32 * self.warps

    @property
    def queries(self) -> int:
        return self.rows_a_warp * self.warps

    @property
    def chunks(self) -> int:
        return self.head_dim // 8

    @property
    def pitch(self) -> int:
        """Bytes from row to row in shared memory."""
        used = self.chunks + (self.chunks % 2 if self.zero_tail else 0)
        return 16 * (used + 1 - used % 2)

    @property
    def shared_bytes(self) -> int:
        return (self.queries + 2 * self.stages * self.keys) * self.pitch

    @property
    def name(self) -> str:
        flags = ("z" if self.zero_tail else "") + ("" if self.queries_in_registers else "r") + ("p" if self.ahead else "")
        flags += "v" if self.lazy else ""
        tail = f"_{flags}" if flags else ""
        ctas = f"_c{self.min_ctas}" if self.min_ctas != 1 else ""
        return f"{self.head_dim}_q{self.rows_a_warp}x{self.warps}_k{self.keys}_s{self.stages}{ctas}{tail}"


def parse(name: str) -> Schedule:
    head_dim, queries, keys, stages, *rest = name.split("_")
    rows, warps = map(int, queries[1:].split("x"))
    fields = {}
    for part in rest:
        if part[0] == "c":
            fields["min_ctas"] = int(part[1:])
        else:
            fields["zero_tail"] = "z" in part
            fields["queries_in_registers"] = "r" not in part
            fields["ahead"], fields["lazy"] = "p" in part, "v" in part
    return Schedule(int(head_dim), rows, warps, int(keys[1:]), int(stages[1:]), **fields)


def emit(schedule: Schedule) -> str:
    s = schedule
    chunks, pitch = s.chunks, s.pitch
    tiles_m, tiles_keys, tiles_d = s.rows_a_warp // 16, s.keys // 8, s.head_dim // 8
    full_steps, odd = s.head_dim // 16, s.head_dim % 16 == 8
    if odd and s.zero_tail:
        full_steps, odd = full_steps + 1, False
    tile_bytes = s.keys * pitch
    first_keys = s.queries * pitch  # K of stage 0; V follows, then the next stage
    assert s.keys % 32 == 0 and s.stages >= 2

    f = Function(
        "attention",
        [(GLOBAL, "qkv"), (GLOBAL, "out"), ("i32", "tokens"), ("i32", "heads"), ("float", "scale")],
        s.threads,
        s.min_ctas,
    )
    numbers = iter(range(10**6))
    thread, lane = f.special("tid.x"), None
    lane, warp = f.land(thread, 31), f.shr(thread, 5)
    head, image = f.special("ctaid.y"), f.special("ctaid.z")
    query0 = f.mul(f.special("ctaid.x"), s.queries)
    part_bytes = f.mul("%heads", s.head_dim * 2)  # of q in a row; then k, then v
    row_bytes = f.mul(part_bytes, 3)
    head_bytes = f.wide(f.mul(head, s.head_dim * 2))
    first_row = f.mul(image, "%tokens")
    sequence = f.globally(f.globally("%qkv", f.wide_mul(first_row, row_bytes)), head_bytes)
    keys_at = f.globally(sequence, f.wide(part_bytes))
    value_step = f.wide(part_bytes)
    blocks = f.divide(f.add("%tokens", s.keys - 1), s.keys)
    last_key = f.mul(f.sub(blocks, 1), s.keys)

    # How threads copy a tile of `rows` rows: chunk by chunk, row by row.
    def passes(rows):
        total = rows * chunks
        plan = []
        for start in range(0, total, s.threads):
            index = f.add(thread, start)
            row, chunk = f.divide(index, chunks), f.remainder(index, chunks)
            plan.append((row, f.mul(chunk, 16), f.add(f.mul(row, pitch), f.mul(chunk, 16)), total - start))
        return plan

    def when(condition, work):
        number = next(numbers)
        f.branch_if(condition, f"do{number}", f"past{number}")
        f.label(f"do{number}")
        work()
        f.branch(f"past{number}")
        f.label(f"past{number}")

    def copy(to, source, size, left):
        if left >= s.threads:
            f.copy_async(to, source, size)
        else:
            f.copy_async_if(f.less(thread, left), to, source, size)

    # Queries: rows past the end are the last row again, and never stored.
    rows_left = f.sub(f.sub("%tokens", query0), 1)
    query_base = f.globally(sequence, f.wide_mul(query0, row_bytes))
    for row, column, at, left in passes(s.queries):
        source = f.add(f.mul(f.umin(row, rows_left), row_bytes), column)
        copy(f.shared("@smem", at), f.globally(query_base, f.wide(source)), 16, left)
    if s.zero_tail and s.chunks % 2:
        for start in range(0, s.queries + 2 * s.stages * s.keys, s.threads):
            left = s.queries + 2 * s.stages * s.keys - start
            at = f.add(f.mul(f.add(thread, start), pitch), chunks * 16)
            fill = lambda: f.line(f"store <4 x i32> zeroinitializer, {SHARED} {f.shared('@smem', at)}, align 16")
            fill() if left >= s.threads else when(f.less(thread, left), fill)

    plan = passes(s.keys)
    sources = [f.add(f.mul(row, row_bytes), column) for row, column, _, _ in plan]
    wide_sources = [f.wide(source) for source in sources]

    def copy_tile(to, base, sizes=None):
        for index, (_, _, at, left) in enumerate(plan):
            copy(f.shared(to, at), f.globally(base, wide_sources[index]), sizes[index] if sizes else 16, left)

    keys_left = f.sub("%tokens", last_key)
    sizes = [f.select(f.less(row, keys_left), 16, 0) for row, _, _, _ in plan]
    block_bytes = f.wide_mul(row_bytes, s.keys)
    block_at = f.globally(keys_at, f.wide_mul(last_key, row_bytes))
    stage0 = f.shared("@smem", first_keys)
    copy_tile(stage0, block_at, sizes)
    f.commit()
    copy_tile(f.shared(stage0, tile_bytes), f.globally(block_at, value_step), sizes)
    f.commit()
    back = f.define(f"sub i64 0, {block_bytes}")
    filled = s.stages - 1 if s.ahead else s.stages
    for stage in range(1, filled):
        block_at = f.globally(block_at, back)

        def copy_block(stage=stage, block_at=block_at):
            to = f.shared("@smem", first_keys + stage * 2 * tile_bytes)
            copy_tile(to, block_at)
            copy_tile(f.shared(to, tile_bytes), f.globally(block_at, value_step))

        when(f.less(stage, blocks), copy_block)
        f.commit()
    next_block = f.globally(block_at, back)

    # Where a lane reads fragments.
    row_q = f.add(f.mul(warp, s.rows_a_warp), f.land(lane, 15))
    query_at = f.shared("@smem", f.add(f.mul(row_q, pitch), f.mul(f.shr(lane, 4), 16)))
    row_k = f.add(f.land(lane, 7), f.mul(f.shr(lane, 4), 8))
    key_lane = f.add(f.mul(row_k, pitch), f.mul(f.land(f.shr(lane, 3), 1), 16))
    tail_lane = f.add(f.mul(lane, pitch), full_steps * 32)  # 32 keys of the last 8 columns
    value_lane = f.add(f.add(f.mul(f.land(lane, 15), pitch), f.mul(f.shr(lane, 4), 16)), tile_bytes)

    def query_fragments(step):
        if step < full_steps:
            return [f.ldmatrix(f.shared(query_at, i * 16 * pitch + step * 32)) for i in range(tiles_m)]
        return [f.ldmatrix(f.shared(query_at, i * 16 * pitch + step * 32), 2) for i in range(tiles_m)]

    steps = full_steps + odd
    f.wait(filled)
    f.barrier()
    queries = [query_fragments(step) for step in range(steps)] if s.queries_in_registers else None

    def scores(stage):
        """S = Q Kᵀ for the warp's rows and all keys of the block."""
        at, tail_at = f.shared(stage, key_lane), f.shared(stage, tail_lane)
        acc = [[["0.0"] * 4 for _ in range(tiles_keys)] for _ in range(tiles_m)]
        loads = []  # (step, which keys, registers a key tile), in the order of use
        for step in range(full_steps):
            loads += [(step, pair) for pair in range(tiles_keys // 2)]
        if odd:
            loads += [(full_steps, four) for four in range(tiles_keys // 4)]

        def fetch(load):
            step, which = load
            if step < full_steps:
                four = f.ldmatrix(f.shared(at, which * 16 * pitch + step * 32))
                return [four[:2], four[2:]]
            return [[x] for x in f.ldmatrix(f.shared(tail_at, which * 32 * pitch))]

        q, following = None, fetch(loads[0])
        for index, (step, which) in enumerate(loads):
            here = following
            if index + 1 < len(loads):
                following = fetch(loads[index + 1])
            if which == 0:
                q = queries[step] if queries else query_fragments(step)
            for offset, fragment in enumerate(here):
                tile = which * len(here) + offset
                for i in range(tiles_m):
                    acc[i][tile] = f.mma(q[i], fragment, acc[i][tile])
        return acc

    def softmax(acc, maxima, sums):
        """P as fragments of the next product, the new maxima and sums, and by what the old answer shrinks."""
        fragments, new_maxima, new_sums, shrink = [], [], [], []
        for i in range(tiles_m):
            p = [[None] * 4 for _ in range(tiles_keys)]
            for half in range(2):
                values = [acc[i][tile][2 * half + e] for tile in range(tiles_keys) for e in range(2)]
                while len(values) > 1:
                    values = [f.maximum(values[x], values[x + 1]) for x in range(0, len(values), 2)]
                top = f.maximum(values[0], f.butterfly(values[0], 1))
                top = f.maximum(top, f.butterfly(top, 2))
                if maxima:
                    top = f.maximum(top, maxima[i][half])
                minus = f.define(f"fneg float {f.f32('fmul', top, '%scale')}")
                total = None
                for tile in range(tiles_keys):
                    for e in range(2):
                        value = f.exp2(f.fma(acc[i][tile][2 * half + e], "%scale", minus))
                        p[tile][2 * half + e] = value
                        total = value if total is None else f.f32("fadd", total, value)
                if maxima:
                    factor = f.exp2(f.fma(maxima[i][half], "%scale", minus))
                    total = f.fma(sums[i][half], factor, total)
                    shrink.append(factor)
                new_maxima.append(top)
                new_sums.append(total)
            fragments.append([
                [f.pack(*p[2 * step][:2]), f.pack(*p[2 * step][2:]),
                 f.pack(*p[2 * step + 1][:2]), f.pack(*p[2 * step + 1][2:])]
                for step in range(tiles_keys // 2)
            ])
        pairs = lambda flat: [flat[2 * i:2 * i + 2] for i in range(tiles_m)]
        return fragments, pairs(new_maxima), pairs(new_sums), pairs(shrink) if maxima else None

    def add_values(stage, p, acc):
        """O += P V."""
        at = f.shared(stage, value_lane)
        loads = [(step, pair) for step in range(tiles_keys // 2) for pair in range((tiles_d + 1) // 2)]

        def fetch(load):
            step, pair = load
            address = f.shared(at, step * 16 * pitch + pair * 32)
            if 2 * pair + 1 < tiles_d:
                four = f.ldmatrix(address, 4, transposed=True)
                return [four[:2], four[2:]]
            return [f.ldmatrix(address, 2, transposed=True)]

        following = fetch(loads[0])
        for index, (step, pair) in enumerate(loads):
            here = following
            if index + 1 < len(loads):
                following = fetch(loads[index + 1])
            for offset, fragment in enumerate(here):
                for i in range(tiles_m):
                    tile = 2 * pair + offset
                    acc[i][tile] = f.mma(p[i][step], fragment, acc[i][tile])
        return acc

    # The last block of keys, masked.
    acc = scores(stage0)
    limit = f.sub(keys_left, f.mul(f.land(lane, 3), 2))
    for tile in range(tiles_keys):
        for e in range(2):
            inside = f.define(f"icmp sgt i32 {limit}, {tile * 8 + e}")
            for i in range(tiles_m):
                for half in range(2):
                    acc[i][tile][2 * half + e] = f.select(
                        inside, acc[i][tile][2 * half + e], "0xFFF0000000000000", "float")
    end_of_stages = first_keys + s.stages * 2 * tile_bytes

    def rotate(stage):
        raised = f.add(stage, 2 * tile_bytes)
        return f.select(f.define(f"icmp eq i32 {raised}, {end_of_stages}"), first_keys, raised)

    def flat(maxima, sums, answer):
        state = [x for i in range(tiles_m) for x in maxima[i] + sums[i]]
        return state + [x for i in range(tiles_m) for tile in range(tiles_d) for x in answer[i][tile]]

    def unflat(names):
        maxima = [names[4 * i:4 * i + 2] for i in range(tiles_m)]
        sums = [names[4 * i + 2:4 * i + 4] for i in range(tiles_m)]
        rest = iter(names[4 * tiles_m:])
        return maxima, sums, [[[next(rest) for _ in range(4)] for _ in range(tiles_d)] for _ in range(tiles_m)]

    def shrunk(answer, shrink):
        product = lambda: [[[f.f32("fmul", x, shrink[i][e // 2]) for e, x in enumerate(answer[i][tile])]
                            for tile in range(tiles_d)] for i in range(tiles_m)]
        if not s.lazy:
            return product()
        factors = [x for pair in shrink for x in pair]
        least = factors[0]
        for factor in factors[1:]:
            least = f.define(f"call float @llvm.minnum.f32(float {least}, float {factor})")
        some = f.define(f"call i1 @llvm.nvvm.vote.any.sync(i32 -1, i1 {f.define(f'fcmp olt float {least}, 1.0')})")
        number, before = next(numbers), f.block
        f.branch_if(some, f"shrink{number}", f"shrunk{number}")
        f.label(f"shrink{number}")
        smaller = product()
        f.branch(f"shrunk{number}")
        f.label(f"shrunk{number}")
        return [[[f.define(f"phi float [{x}, %{before}], [{y}, %shrink{number}]") for x, y in zip(old, new)]
                 for old, new in zip(a, b)] for a, b in zip(answer, smaller)]

    zeros = [[["0.0"] * 4 for _ in range(tiles_d)] for _ in range(tiles_m)]
    if s.ahead:
        final = visit_ahead(f, s, when, copy_tile, scores, softmax, add_values, rotate, flat, unflat, shrunk, acc, zeros,
                            blocks, next_block, back, value_step, first_keys, tile_bytes)
    else:
        final = visit_blocks(f, s, when, copy_tile, scores, softmax, add_values, rotate, flat, unflat, shrunk, acc, zeros,
                             blocks, next_block, back, value_step, first_keys, tile_bytes)

    # The answer, through the warp's own rows of Q's tile.
    f.wait(0)
    rest = iter(final[4 * tiles_m:])
    own = f.shared("@smem", f.mul(warp, s.rows_a_warp * pitch))
    put = f.shared(own, f.add(f.mul(f.shr(lane, 2), pitch), f.mul(f.land(lane, 3), 4)))
    f.warp_barrier()
    for i in range(tiles_m):
        factors = []
        for half in range(2):
            total = final[4 * i + 2 + half]
            total = f.f32("fadd", total, f.butterfly(total, 1))
            total = f.f32("fadd", total, f.butterfly(total, 2))
            factors.append(f.reciprocal(total))
        for tile in range(tiles_d):
            values = [next(rest) for _ in range(4)]
            for half in range(2):
                pair = f.pack(*(f.f32("fmul", x, factors[half]) for x in values[2 * half:2 * half + 2]))
                f.line(f"store i32 {pair}, {SHARED} {f.shared(put, (i * 16 + half * 8) * pitch + tile * 16)}, align 4")
    f.warp_barrier()
    out_bytes = part_bytes
    out_row = f.add(query0, f.mul(warp, s.rows_a_warp))
    out_base = f.globally(f.globally("%out", f.wide_mul(f.add(first_row, out_row), out_bytes)), head_bytes)
    for start in range(0, s.rows_a_warp * chunks, 32):
        index = f.add(lane, start)
        row, chunk = f.divide(index, chunks), f.remainder(index, chunks)
        inside = f.less(f.add(out_row, row), "%tokens")
        if s.rows_a_warp * chunks - start < 32:
            inside = f.both(inside, f.less(lane, s.rows_a_warp * chunks - start))

        def store():
            value = f.define(
                f"load <4 x i32>, {SHARED} {f.shared(own, f.add(f.mul(row, pitch), f.mul(chunk, 16)))}, align 16")
            pointer = f.globally(out_base, f.wide(f.add(f.mul(row, out_bytes), f.mul(chunk, 16))))
            f.line(f"store <4 x i32> {value}, {GLOBAL} {pointer}, align 16")

        when(inside, store)
    f.line("ret void")
    return f.text()


def visit_blocks(f, s, when, copy_tile, scores, softmax, add_values, rotate, flat, unflat, shrunk, acc, zeros, blocks,
                 next_block, back, value_step, first_keys, tile_bytes):
    """Block after block: scores, softmax, P V. Leaves maxima, sums and the answer, flat."""
    stage0 = f.shared("@smem", first_keys)
    p, maxima, sums, _ = softmax(acc, None, None)
    f.wait(s.stages - 1)
    f.barrier()
    state = flat(maxima, sums, add_values(stage0, p, zeros))
    before = f.block
    f.branch_if(f.less(1, blocks), "loop", "done")
    f.label("loop")
    place = f.reserve()
    names = [f"%state{index}" for index in range(len(state))]
    maxima, sums, answer = unflat(names)
    f.wait(s.stages - 2)
    f.barrier()

    def copy_ahead():
        to = f.shared("@smem", "%free")
        copy_tile(to, "%next")
        copy_tile(f.shared(to, tile_bytes), f.globally("%next", value_step))

    when(f.less(f.add("%visit", s.stages - 1), blocks), copy_ahead)
    f.commit()
    stage = f.shared("@smem", "%stage")
    acc = scores(stage)
    p, maxima, sums, shrink = softmax(acc, maxima, sums)
    new_state = flat(maxima, sums, add_values(stage, p, shrunk(answer, shrink)))
    stage_after = rotate("%stage")
    visit_after, next_after = f.add("%visit", 1), f.globally("%next", back)
    end = f.block
    f.branch_if(f.less(visit_after, blocks), "loop", "done")
    f.fill(place, [
        f"%visit = phi i32 [1, %{before}], [{visit_after}, %{end}]",
        f"%stage = phi i32 [{first_keys + 2 * tile_bytes}, %{before}], [{stage_after}, %{end}]",
        f"%free = phi i32 [{first_keys}, %{before}], [%stage, %{end}]",
        f"%next = phi {GLOBAL} [{next_block}, %{before}], [{next_after}, %{end}]",
        *(f"{x} = phi float [{a}, %{before}], [{b}, %{end}]" for x, a, b in zip(names, state, new_state)),
    ])
    f.label("done")
    final = [f.fresh() for _ in state]
    for x, a, b in zip(final, state, new_state):
        f.line(f"{x} = phi float [{a}, %{before}], [{b}, %{end}]")
    return final


def visit_ahead(f, s, when, copy_tile, scores, softmax, add_values, rotate, flat, unflat, shrunk, acc, zeros, blocks,
                next_block, back, value_step, first_keys, tile_bytes):
    """The same, with the scores of a block computed in the visit before, so that tensor cores work beside the softmax."""
    assert s.stages >= 3
    tiles_m, tiles_keys = len(acc), len(acc[0])
    low = "0xC6293E5940000000"  # about -1e30: finite, so that its exponential is 0 and not NaN
    state = flat([[low] * 2] * tiles_m, [["0.0"] * 2] * tiles_m, zeros)
    pending = [x for row in acc for tile in row for x in tile]
    before = f.block
    f.branch_if(f.less(1, blocks), "loop", "done")
    f.label("loop")
    place = f.reserve()
    names = [f"%state{index}" for index in range(len(state))]
    held = [f"%held{index}" for index in range(len(pending))]
    shape = lambda flat_list: [[flat_list[(i * tiles_keys + t) * 4:(i * tiles_keys + t) * 4 + 4] for t in range(tiles_keys)]
                               for i in range(tiles_m)]
    f.wait(s.stages - 3)
    f.barrier()

    def copy_ahead():
        to = f.shared("@smem", "%free")
        copy_tile(to, "%next")
        copy_tile(f.shared(to, tile_bytes), f.globally("%next", value_step))

    when(f.less(f.add("%visit", s.stages - 1), blocks), copy_ahead)
    f.commit()
    maxima, sums, answer = unflat(names)
    stage_after = rotate("%stage")
    following = scores(f.shared("@smem", stage_after))
    p, maxima, sums, shrink = softmax(shape(held), maxima, sums)
    new_state = flat(maxima, sums, add_values(f.shared("@smem", "%stage"), p, shrunk(answer, shrink)))
    new_pending = [x for row in following for tile in row for x in tile]
    visit_after, next_after = f.add("%visit", 1), f.globally("%next", back)
    end = f.block
    f.branch_if(f.less(f.add("%visit", 2), blocks), "loop", "done")
    last_stage = first_keys + (s.stages - 1) * 2 * tile_bytes
    f.fill(place, [
        f"%visit = phi i32 [0, %{before}], [{visit_after}, %{end}]",
        f"%stage = phi i32 [{first_keys}, %{before}], [{stage_after}, %{end}]",
        f"%free = phi i32 [{last_stage}, %{before}], [%stage, %{end}]",
        f"%next = phi {GLOBAL} [{next_block}, %{before}], [{next_after}, %{end}]",
        *(f"{x} = phi float [{a}, %{before}], [{b}, %{end}]"
          for x, a, b in zip(names + held, state + pending, new_state + new_pending)),
    ])
    f.label("done")
    final = [f.fresh() for _ in state + pending]
    for x, a, b in zip(final, state + pending, new_state + new_pending):
        f.line(f"{x} = phi float [{a}, %{before}], [{b}, %{end}]")
    stage = f.define(f"phi i32 [{first_keys}, %{before}], [{stage_after}, %{end}]")
    f.wait(0)
    f.barrier()
    maxima, sums, answer = unflat(final[:len(state)])
    p, maxima, sums, shrink = softmax(shape(final[len(state):]), maxima, sums)
    return flat(maxima, sums, add_values(f.shared("@smem", stage), p, shrunk(answer, shrink)))


if __name__ == "__main__":
    print(emit(parse(sys.argv[1])))
