"""Small tables from what run_all.py left: a line a schedule, a column a shape, microseconds.

    python tables.py RESULTS results
"""

import csv
import json
import pathlib
import re
import sys

import schedules


def write(path: pathlib.Path, rows: list[list]) -> None:
    path.write_text("".join("\t".join(str(cell) for cell in row) + "\n" for row in rows))


def wide(rows: list[dict], line, column, corner: str) -> list[list]:
    """One cell for each pair; the best where a pair was measured more than once."""
    cells, lines, columns = {}, {}, {}
    for row in rows:
        key = line(row), column(row)
        cells[key] = min(row["us"], cells.get(key, row["us"]))
        lines[key[0]] = columns[key[1]] = None
    return [[corner, *columns]] + [
        [name, *(f"{cells[name, shape]:.2f}" if (name, shape) in cells else "" for shape in columns)] for name in lines]


def resources(rows: list[dict], kind: str) -> list[list]:
    keys = ["registers", "spilled", "shared", "threads", "blocks_a_multiprocessor"]
    return [["schedule", *keys, "relative_error"]] + [
        [row["schedule"], *(row[key] for key in keys), f"{row['relative_error']:.2e}"]
        for row in rows if row["section"] == f"{kind} check"]


def profile(text: str) -> list[list]:
    """ncu's figures, a column a kernel."""
    kernels, names = [], {}
    for line in text.splitlines():
        if re.match(r"  (gemm|attention) \(", line):
            kernels.append({})
        found = re.match(r"    (\S+|Duration|SM Frequency)\s+(?:\S+\s+)?([\d.,]+)\s*$", line)
        if found and kernels and ("__" in found[1] or found[1] in ("Duration", "SM Frequency")):
            kernels[-1][found[1]] = found[2].replace(",", "")
            names[found[1]] = None
    return [["figure", *(name for group in schedules.PROFILED for name in group)]] + [
        [name, *(kernel.get(name, "") for kernel in kernels)] for name in names]


def clocks(path: pathlib.Path) -> list[list]:
    """How often the card was seen at which clock, and at how many watts then."""
    seen = {}
    with open(path) as file:
        for row in list(csv.reader(file))[1:]:
            if len(row) > 3:
                seen.setdefault(int(row[1].split()[0]) // 30 * 30, []).append(float(row[3].split()[0]))
    return [["MHz from", "samples", "mean W"]] + [
        [clock, len(watts), round(sum(watts) / len(watts), 1)] for clock, watts in sorted(seen.items())]


def main(source: pathlib.Path, target: pathlib.Path) -> None:
    target.mkdir(exist_ok=True)
    rows = [json.loads(line) for line in (source / "results.jsonl").read_text().splitlines()]
    timed = lambda section: [row for row in rows if row["section"] == section and "us" in row]
    shape = lambda row: f"{row['shape']} ({row['m']}x{row['n']}x{row['k']})"
    who = lambda row: row["who"] + (f"/{row['parts']}" if "parts" in row else "")
    write(target / "gemm.tsv", wide([row for row in timed("gemm") if not row.get("hot")], who, shape, "us"))
    write(target / "gemm_weights_in_l2.tsv", wide([row for row in timed("gemm") if row.get("hot")], who, shape, "us"))
    write(target / "gemm_schedules.tsv", resources(rows, "gemm"))
    write(target / "attention_schedules.tsv", resources(rows, "attention"))
    write(target / "attention.tsv", wide(
        timed("attention"), lambda row: f"{row['head_dim']} {row['who'].removeprefix(str(row['head_dim']) + '_')}",
        lambda row: f"{row['batch']}x{row['tokens']}", "us"))
    groups = {
        "ceilings": ("ceiling", "memory", "l2"),
        "launches": ("device", "clock", "stream", "graph", "graph_slope", "graph_programmatic", "update", "whole_update",
                     "whole_update_changed", "disabled", "gap", "parameter_block", "grid"),
        "peers": ("peer", "peer kernels", "peer compiled"), "chain": ("chain",),
    }
    for name, sections in groups.items():
        lines = [json.dumps(row) for row in rows if row["section"] in sections]
        (target / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    if (source / "profile.txt").exists():
        write(target / "profile.tsv", profile((source / "profile.txt").read_text()))
    if (source / "clocks.csv").exists():
        write(target / "clocks.tsv", clocks(source / "clocks.csv"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
