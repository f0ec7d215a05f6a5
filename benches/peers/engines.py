"""What computes `last_hidden_state` of one batch and tells how long it takes: Ocellus, and whatever is called from here."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy
from safetensors.numpy import load_file, save_file

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
OURS = "Ocellus"


class Engine:
    """Something that computes `last_hidden_state` of one batch."""

    name: str

    def run(self, runs: int) -> float:
        """The median milliseconds of so many runs, after its own warm-up."""
        raise NotImplementedError

    def answer(self) -> numpy.ndarray:
        """`last_hidden_state`, in f32."""
        raise NotImplementedError


class InProcess(Engine):
    """An engine that is called from here. What a call returns becomes an array outside of what is timed."""

    def __init__(self, name: str, call: Callable, to_array: Callable = numpy.array):
        self.name, self.call, self.to_array = name, call, to_array

    def run(self, runs: int) -> float:
        for _ in range(2):
            self.call()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.call()
            times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times)

    def answer(self) -> numpy.ndarray:
        return self.to_array(self.call())


class Ocellus(Engine):
    """The `ocellus` command on an artifact: a process of its own, which warms up and takes the time by itself."""

    name = OURS

    def __init__(self, command: pathlib.Path, artifact: pathlib.Path, pixels: numpy.ndarray, folder: pathlib.Path, threads: int):
        self.command, self.artifact, self.threads = command, artifact, threads
        self.input, self.output = folder / "in.safetensors", folder / "out.safetensors"
        save_file({"pixel_values": pixels}, self.input)

    def run(self, runs: int) -> float:
        words = ["bench", self.artifact, "--input", self.input, "--json", "--threads", self.threads, "--runs", runs]
        report = json.loads(ocellus(self.command, *words))
        cases = report.get("cases", [report]) if isinstance(report, dict) else report
        return float(cases[0]["median_ms"])

    def answer(self) -> numpy.ndarray:
        words = ["run", self.artifact, "--input", self.input, "--output", self.output, "--threads", self.threads]
        ocellus(self.command, *words)
        return load_file(self.output)["last_hidden_state"]


def ocellus(command: pathlib.Path, *words) -> str:
    """What the command prints. Where it fails, the benchmark ends."""
    process = subprocess.run([command, *map(str, words)], stdout=subprocess.PIPE, text=True)
    if process.returncode:
        sys.exit(f"`ocellus {' '.join(map(str, words))}` failed with {process.returncode}")
    return process.stdout


def arguments_of(description: str) -> argparse.ArgumentParser:
    """A parser of what every comparison of engines takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ocellus", type=pathlib.Path, default=REPOSITORY / "target/release/ocellus", metavar="FILE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=10, help="in each round, of each engine")
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / "target/peers", help="for models and inputs")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures there too")
    return parser


def interleave(engines: list[Engine], rounds: int, runs: int) -> dict[str, list[float]]:
    """Every engine once a round, in turn: its milliseconds in each."""
    times = {engine.name: [] for engine in engines}
    for number in range(rounds):
        for engine in engines:
            # Thread pools spin for a while after their last task; the next engine shall not pay for it.
            time.sleep(0.3)
            times[engine.name].append(engine.run(runs))
        now = ", ".join(f"{name} {taken[-1]:.1f} ms" for name, taken in times.items())
        print(f"  round {number + 1}: {now}", file=sys.stderr)
    return times


def ratios(times: list[float], baseline: list[float]) -> list[float]:
    """Of each round, so that what the machine does meanwhile touches both."""
    return [own / base for own, base in zip(times, baseline)]


def relative_l2(answer: numpy.ndarray, exact: numpy.ndarray) -> float:
    exact = exact.astype(numpy.float64)
    return float(numpy.linalg.norm(answer - exact) / numpy.linalg.norm(exact))
