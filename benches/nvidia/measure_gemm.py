"""The gemm draft beside cuBLAS (torch.mm): right answers first, then every schedule on every shape.

    python build.py gemm && python measure_gemm.py build RESULT.jsonl

Each call of a measured graph has its own copy of W, and the copies are more than L2 holds: in an encoder every layer's
weights come from memory, while the activations were just written. A and C are the same in all calls. Microseconds are per
call, medians of replays.
"""

import json
import pathlib
import sys

import torch

import gemm_draft
import schedules
from device import Kernel, relative_error, time_calls

COPIES_BYTES = 100 * 2**20


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def pack(weight: torch.Tensor, schedule) -> torch.Tensor:
    """W [n, k] as [n / bn, k / bk] images of a stage's buffer, padded with zeros."""
    n, k = weight.shape
    tiles_n, tiles_k, chunks = ceil_div(n, schedule.bn), ceil_div(k, schedule.bk), schedule.bk // 8
    padded = torch.nn.functional.pad(weight, (0, tiles_k * schedule.bk - k, 0, tiles_n * schedule.bn - n))
    tiles = padded.view(tiles_n, schedule.bn, tiles_k, chunks, 8).transpose(1, 2)
    row = torch.arange(schedule.bn, device=weight.device)
    key = ((row >> 1) if chunks == 4 else row) & (min(chunks, 8) - 1)
    chunk = torch.arange(chunks, device=weight.device)[None, :] ^ key[:, None]  # an involution
    return torch.gather(tiles, 3, chunk[None, None, :, :, None].expand(tiles.shape)).contiguous()


class Draft:
    def __init__(self, folder: pathlib.Path, name: str, plan: dict):
        self.schedule, self.resources = gemm_draft.parse(name), plan[name]
        self.kernel = Kernel(folder / plan[name]["cubin"], "gemm", plan[name]["threads"], plan[name]["shared"])

    def weight(self, weight: torch.Tensor) -> torch.Tensor:
        return pack(weight, self.schedule) if self.schedule.packed else weight

    def bind(self, a, weight, c, bias, shape, parts: int = 1, own: tuple = ()):
        """A launch, and in how many parts it adds k; `own` is the workspace and the counters of an adding schedule."""
        m, n, k = shape
        s = self.schedule
        span = ceil_div(ceil_div(k, s.bk), parts) * s.bk
        parts = ceil_div(k, span)  # no part without columns of k
        grid = (self.tiles(m, n), parts if s.split or s.adding else 1, 1)
        return self.kernel.bind(grid, [a, weight, c, bias, m, n, k, span, *own], programmatic=s.early), parts

    def tiles(self, m: int, n: int) -> int:
        return ceil_div(m, self.schedule.bm) * ceil_div(n, self.schedule.bn)

    def own(self, m: int, n: int, parts: int) -> tuple:
        if not self.schedule.adding:
            return ()
        tiles = self.tiles(m, n)
        workspace = torch.empty(tiles * parts * self.schedule.bm * self.schedule.bn, device="cuda")
        return workspace, torch.zeros(tiles, dtype=torch.int32, device="cuda")


def random(*shape) -> torch.Tensor:
    return torch.randn(*shape, device="cuda").bfloat16()


def load(folder: pathlib.Path, emit):
    plan = json.loads((folder / "gemm.json").read_text())
    reduce = Kernel(folder / plan["reduce"]["cubin"], "reduce", 128)
    drafts = {}
    for name in plan:
        if name == "reduce":
            continue
        try:
            drafts[name] = Draft(folder, name, plan)
        except Exception as error:
            emit({"section": "gemm load", "schedule": name, "error": str(error)[:300]})
    return drafts, reduce


def with_reduce(launch, reduce, workspace, c, count, parts):
    second = reduce.bind((ceil_div(count, 1024), 1, 1), [workspace, c, count, parts])
    return lambda: (launch(), second())


def check(drafts: dict, reduce, emit) -> dict:
    """The schedules whose answers are right, on shapes that no tile divides."""
    right = {}
    for name, draft in drafts.items():
        worst = 0.0
        for m, n, k in ((197, 776, 1096), (333, 264, 72), (131, 2304, 768)):
            a, weight, bias = random(m, k), random(n, k), random(n)
            c = torch.full((m, n), float("nan"), device="cuda", dtype=torch.bfloat16)
            reference = a.float() @ weight.float().t() + (bias.float() if draft.schedule.bias else 0)
            parts = 3 if draft.schedule.split or draft.schedule.adding else 1
            target = torch.full((parts, m, n), float("nan"), device="cuda") if draft.schedule.split else c
            own = draft.own(m, n, parts)
            launch, parts = draft.bind(a, draft.weight(weight), target, bias, (m, n, k), parts, own)
            if draft.schedule.split:
                launch = with_reduce(launch, reduce, target, c, m * n, parts)
            for _ in range(2):  # twice, for what a launch leaves to the next
                c.fill_(float("nan"))
                launch()
                torch.cuda.synchronize()
            error = relative_error(c, reference)
            worst = max(worst, error if error == error else 1e9)
        ok = worst < 3e-3 or draft.schedule.starved
        emit({"section": "gemm check", "schedule": name, "relative_error": worst, "right": ok,
              "blocks_a_multiprocessor": draft.kernel.blocks_a_multiprocessor(), **{
                  key: draft.resources[key] for key in ("registers", "spilled", "shared", "threads")}})
        if ok:
            right[name] = draft
    return right


def useful(schedule, m: int, n: int) -> bool:
    """Large shapes do not need the small tiles."""
    tiles = ceil_div(m, schedule.bm) * ceil_div(n, schedule.bn)
    return tiles <= 132 * 20 or schedule.bm * schedule.bn >= 128 * 128


def measure(drafts: dict, reduce, emit, shapes=None, names=None) -> None:
    for label, m, n, k in shapes or schedules.SHAPES:
        flop = 2 * m * n * k
        a, c, bias = random(m, k), torch.empty(m, n, device="cuda", dtype=torch.bfloat16), random(n)
        copies = max(3 if m * n * k > 1e11 else 4, min(96, ceil_div(COPIES_BYTES, n * k * 2)))
        weights = [random(n, k) for _ in range(copies)]

        def report(who, microseconds, **more):
            emit({"section": "gemm", "shape": label, "m": m, "n": n, "k": k, "who": who, "us": round(microseconds, 3),
                  "tflops": round(flop / microseconds / 1e6, 1), **more})

        def cublas():
            calls = [lambda w=w: torch.mm(a, w.t(), out=c) for w in weights]
            report("cuBLAS", time_calls(calls))
            if m < 300:
                report("cuBLAS", time_calls(calls[:1] * 20), hot=True)

        cublas()
        for name in names or drafts:
            if name not in drafts:
                continue
            draft = drafts[name]
            s = draft.schedule
            if not useful(s, m, n):
                continue
            try:
                own = [draft.weight(w) for w in weights] if s.packed else weights
                if not s.split and not s.adding:
                    calls = [draft.bind(a, w, c, bias, (m, n, k))[0] for w in own]
                    report(name, time_calls(calls))
                    if m < 300:  # the weights in L2
                        report(name, time_calls(calls[:1] * 20), hot=True)
                    continue
                tiles = draft.tiles(m, n)
                for parts in (2, 3, 4, 6, 8):
                    if tiles * parts > 132 * 4 or tiles > (264 if s.adding else 132) or ceil_div(k, s.bk) < 2 * parts:
                        continue
                    if s.adding:
                        more = draft.own(m, n, parts)
                        launches = [draft.bind(a, w, c, bias, (m, n, k), parts, more)[0] for w in own]
                        report(name, time_calls(launches), parts=parts)
                        continue
                    workspace = torch.empty(parts, m, n, device="cuda")
                    launches = [draft.bind(a, w, workspace, bias, (m, n, k), parts) for w in own]
                    calls = [with_reduce(launch, reduce, workspace, c, m * n, used) for launch, used in launches]
                    report(name, time_calls(calls), parts=parts)
            except Exception as error:
                emit({"section": "gemm", "shape": label, "who": name, "error": str(error)[:300]})
        cublas()


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1) as file:
        emit = lambda row: print(json.dumps(row), file=file)
        drafts, reduce = load(pathlib.Path(sys.argv[1]), emit)
        measure(check(drafts, reduce, emit), reduce, emit)
