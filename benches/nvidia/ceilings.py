"""Ceilings of the card: mma.sync by type, warps and accumulators; the same fed by ldmatrix; ex2; memory; L2.

    python build.py ceilings && python ceilings.py build RESULT.json

Rates by the clock are FLOP, bytes or results a cycle and multiprocessor, from the kernels' own clocks (block 0 of many
agrees with the others, the median is taken); rates by the second are from events around one launch of 132 blocks.
"""

import ctypes
import json
import pathlib
import statistics
import sys

import torch

from device import Kernel


def timed(launch, repeats: int) -> float:
    """Median milliseconds between events."""
    times = []
    for _ in range(repeats):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        launch()
        after.record()
        after.synchronize()
        times.append(before.elapsed_time(after))
    return statistics.median(times)


def measure(folder: pathlib.Path, emit) -> None:
    plan = json.loads((folder / "ceilings.json").read_text())
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    out = torch.zeros(2 * multiprocessors, dtype=torch.int64, device="cuda")
    for label, entry in plan.items():
        if entry["entry"] in ("read", "copy", "again"):
            continue
        try:
            kernel = Kernel(folder / entry["cubin"], entry["entry"], entry["threads"])
            per_round = max(entry["flop"], entry.get("shared_read", 0) * 32)
            rounds = max(64, int(4e9 * 2048 / 600 / per_round * (0.5 if entry["entry"] == "exp2" else 7.5)))
            launch = kernel.bind((multiprocessors, 1, 1), [out, rounds])
            launch()
            ms = timed(launch, 3)
            cycles, nanoseconds = out.view(-1, 2).double().median(dim=0).values.tolist()
            row = {"section": "ceiling", "label": label, "rounds": rounds, "ms": ms, "mhz": cycles * 1e3 / nanoseconds}
            if entry["flop"]:
                row["flop_a_cycle"] = entry["flop"] * rounds / cycles
                row["tflops"] = entry["flop"] * rounds * multiprocessors / ms / 1e9
            if "shared_read" in entry:
                row["shared_bytes_a_cycle"] = entry["shared_read"] * rounds / cycles
            if label in ("mma bf16 4x8 w8", "fed 64x64 2x4"):  # for a quarter of a second and more
                launch = kernel.bind((multiprocessors, 1, 1), [out, rounds * 15])
                launch()
                row["sustained_tflops"] = entry["flop"] * rounds * 15 * multiprocessors / timed(launch, 1) / 1e9
            emit(row)
        except Exception as error:
            emit({"section": "ceiling", "label": label, "error": str(error)[:300]})

    words = torch.randint(0, 2**31, (2**29,), dtype=torch.int32, device="cuda")  # 2 GiB
    half = words[: 2**28], words[2**28:]
    kernels = {name: Kernel(folder / plan[f"memory {name}"]["cubin"], name, 512) for name in ("read", "copy", "again")}
    for blocks in (1, 2, 4):
        grid = (multiprocessors * blocks, 1, 1)
        size = 2**31
        ms = timed(kernels["read"].bind(grid, [words, out, ctypes.c_uint64(size), 1]), 7)
        emit({"section": "memory", "what": "read", "bytes": size, "blocks_a_multiprocessor": blocks, "gb_s": size / ms / 1e6})
        ms = timed(kernels["copy"].bind(grid, [half[0], half[1], ctypes.c_uint64(size // 2), 1]), 7)
        emit({"section": "memory", "what": "copy (read + written)", "bytes": size, "blocks_a_multiprocessor": blocks,
              "gb_s": size / ms / 1e6})
    ms = timed(lambda: half[1].copy_(half[0]), 7)
    emit({"section": "memory", "what": "torch copy_ (read + written)", "bytes": 2**31, "gb_s": 2**31 / ms / 1e6})
    ms = timed(lambda: words.zero_(), 7)
    emit({"section": "memory", "what": "torch zero_ (written)", "bytes": 2**31, "gb_s": 2**31 / ms / 1e6})
    for megabytes in (4, 8, 16, 24, 32, 40, 48, 64):
        for blocks in (2, 4):
            grid = (multiprocessors * blocks, 1, 1)
            size = megabytes * 2**20 // 32768 * 32768
            rounds = 4096 // megabytes
            launch = kernels["again"].bind(grid, [words, out, ctypes.c_uint64(size), rounds])
            launch()
            ms = timed(launch, 3)
            emit({"section": "l2", "megabytes": megabytes, "blocks_a_multiprocessor": blocks,
                  "gb_s": size * rounds / ms / 1e6})


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1) as file:
        measure(pathlib.Path(sys.argv[1]), lambda row: print(json.dumps(row), file=file))
