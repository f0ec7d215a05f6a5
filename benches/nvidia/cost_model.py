"""How far a cost in closed form explains the measured gemms: microseconds = launch + tiles a multiprocessor must do
* (fill and drain + tiles of k * rate). Fits the three numbers for each schedule, over the shapes of encoders; and the last
two where the launch is the gap between the nodes of a graph, as descriptions of machines have them.

    python cost_model.py results/gemm.tsv [SCHEDULE …]
"""

import csv
import math
import re
import sys

import numpy

import gemm_draft

MULTIPROCESSORS, FLOP_A_CYCLE, MEGAHERTZ = 132, 2730.7, 1755
NODE_US = 1.0
NAMES = [
    "32x64x64_1x2_s8", "32x128x64_1x4_s8", "64x64x64_2x2_s8", "64x128x64_2x2_s4", "64x256x64_1x4_s3", "128x128x64_2x2_s3",
    "128x128x64_2x2_s3_p", "128x192x64_2x4_s3", "128x256x64_2x4_s3", "256x128x64_4x2_s3", "192x128x32_2x2_s4_r",
    "192x256x32_2x4_s4_r", "128x256x32_2x4_s4", "32x128x64_1x2x2_s8", "32x64x64_1x1x2_s12",
]


def main(path: str, names: list[str]) -> None:
    with open(path) as file:
        header, *lines = csv.reader(file, delimiter="\t")
    shapes = [tuple(map(int, re.search(r"\((\d+)x(\d+)x(\d+)\)", column).groups())) for column in header[1:]]
    print("schedule\tlaunch us\tfill and drain us\tus a 64 of k\tof the mma.sync rate\trms error\tworst error\tat"
          "\ttile us beside a node\tGFLOP/s beside a node\trms error")
    for name in names:
        schedule = gemm_draft.parse(name)
        cells = next(line for line in lines if line[0] == name)[1:]
        rows, times, columns = [], [], []
        for (m, n, k), cell, column in zip(shapes, cells, header[1:]):
            if cell and m < 8192:
                tiles = math.ceil(m / schedule.bm) * math.ceil(n / schedule.bn)
                most = math.ceil(tiles / MULTIPROCESSORS)
                rows.append([1, most, most * math.ceil(k / 64)])
                times.append(float(cell))
                columns.append(column)
        a, y = numpy.array(rows, float), numpy.array(times)
        fit = numpy.linalg.lstsq(a / y[:, None], numpy.ones(len(y)), rcond=None)[0]
        beside = numpy.linalg.lstsq(a[:, 1:] / y[:, None], 1 - NODE_US / y, rcond=None)[0]
        beside_error = (a[:, 1:] @ beside + NODE_US - y) / y
        gflops = MULTIPROCESSORS * 2 * schedule.bm * schedule.bn * 64 / beside[1] / 1e3
        error = (a @ fit - y) / y
        ideal = 2 * schedule.bm * schedule.bn * 64 / FLOP_A_CYCLE / MEGAHERTZ
        worst = int(abs(error).argmax())
        print(f"{name}\t{fit[0]:.2f}\t{fit[1]:.2f}\t{fit[2]:.3f}\t{ideal / fit[2]:.2f}\t{(error ** 2).mean() ** 0.5:.3f}"
              f"\t{error[worst]:+.2f}\t{columns[worst]}"
              f"\t{beside[0]:.2f}\t{gflops:.0f}\t{(beside_error ** 2).mean() ** 0.5:.3f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or NAMES)
