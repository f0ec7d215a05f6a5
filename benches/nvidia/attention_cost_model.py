"""How far a cost in closed form explains the measured attentions: microseconds = the gap between the nodes of a graph + tiles a
multiprocessor must do * (what a tile takes beside its products + its FLOPs / rate). Fits the last two numbers, as descriptions of
machines have them, for warps of 16 and of 32 queries, of which four make a tile.

    python attention_cost_model.py results/attention.tsv
"""

import csv
import math
import sys

MULTIPROCESSORS, NODE_US, WARPS, SOFTMAX_FLOPS = 132, 1.0, 4, 36
SCHEDULES = {
    16: ["64 q16x4_k64_s2", "72 q16x4_k64_s2", "80 q16x4_k64_s2", "88 q16x4_k64_s2"],
    32: ["64 q32x4_k64_s2", "72 q32x4_k64_s2_r", "80 q32x4_k64_s2_r", "88 q32x4_k64_s2_r"],
}


def waves_and_flops(name: str, size: str, queries: int) -> tuple[float, float]:
    """Tiles of the busiest multiprocessor, and the FLOPs of all multiprocessors if each had as many."""
    head_dim = int(name.split()[0])
    heads = 12 if head_dim == 64 else 16
    batch, tokens = map(int, size.split("x"))
    tiles = batch * heads * math.ceil(tokens / (WARPS * queries))
    waves = math.ceil(tiles / MULTIPROCESSORS)
    flops = batch * heads * tokens**2 * (4 * head_dim + SOFTMAX_FLOPS)
    return waves, flops * waves * MULTIPROCESSORS / tiles


def fit(rows: list[tuple[float, float]], wanted: list[float]) -> tuple[float, float]:
    """The two factors whose products with the columns are nearest to what is wanted."""
    aa, ab, bb = (sum(row[i] * row[j] for row in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = (sum(row[i] * value for row, value in zip(rows, wanted)) for i in (0, 1))
    determinant = aa * bb - ab * ab
    return (bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant


def main(path: str) -> None:
    with open(path) as file:
        (_, *sizes), *lines = csv.reader(file, delimiter="\t")
    measured = {name: list(map(float, cells)) for name, *cells in lines if all(cells)}
    print("queries of a warp\ttile us\tGFLOP/s\trms error")
    for queries, names in SCHEDULES.items():
        cells = [(name, size, us) for name in names for size, us in zip(sizes, measured[name])]
        times = [us for _, _, us in cells]
        rows = [waves_and_flops(name, size, queries) for name, size, _ in cells]
        relative = [(waves / us, flops / us) for (waves, flops), us in zip(rows, times)]
        tile_us, us_a_flop = fit(relative, [1 - NODE_US / us for us in times])
        errors = [(NODE_US + waves * tile_us + flops * us_a_flop) / us - 1 for (waves, flops), us in zip(rows, times)]
        rms = (sum(error**2 for error in errors) / len(errors)) ** 0.5
        print(f"{queries}\t{tile_us:.2f}\t{1 / us_a_flop / 1e3:.0f}\t{rms:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
