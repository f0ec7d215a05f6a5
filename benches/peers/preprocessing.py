"""From JPEG files to `pixel_values`: Ocellus beside the two processors of transformers, interleaved in one run.

    cargo build --release --package ocellus-preprocess --example preprocess
    pip install -r requirements.txt
    python preprocessing.py              # or: --peers-only, without Ocellus

SigLIP's processor at 224 (bicubic), JPEG at quality 90. One image on one thread at three sizes, then several images on
several threads. What is timed is the whole way, from a file's name to `pixel_values`; as in `vit_b16.py`, what counts is
the ratio within a round.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch
import transformers
from PIL import Image
from safetensors.numpy import load_file

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SIZES = [(4000, 3000), (1920, 1080), (640, 480)]
CONFIG = {"image_processor_type": "SiglipImageProcessor", "size": {"height": 224, "width": 224}, "resample": 3}
OURS = "Ocellus"
PILLOW = "transformers, Pillow"
TORCHVISION = "transformers, torchvision"

# Seconds of one run, and its answer.
Run = Callable[[list[str]], tuple[float, numpy.ndarray]]


def photo(width: int, height: int) -> numpy.ndarray:
    """Something that a JPEG takes about as many bits for as for a photograph: detail on all scales, and some noise."""
    random = numpy.random.Generator(numpy.random.PCG64(0))
    levels = 128 + 4 * random.standard_normal((height, width, 3), numpy.float32)
    cell = max(width, height) // 2
    while cell >= 2:
        coarse = random.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=numpy.uint8)
        detail = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
        strength = numpy.float32(0.6 * (cell / max(width, height)) ** 0.3)
        levels += strength * (numpy.asarray(detail, numpy.float32) - 128)
        cell //= 2
    return levels.clip(0, 255).astype(numpy.uint8)


def photographs(folder: pathlib.Path, width: int, height: int, images: int) -> list[str]:
    """So many JPEG files of that size: one picture, each time moved."""
    names = [folder / f"{width}x{height}-{number}-of-{images}.jpg" for number in range(images)]
    if not all(name.exists() for name in names):
        levels = photo(width, height)
        for number, name in enumerate(names):
            moved = numpy.roll(levels, number * width // images, axis=1)
            Image.fromarray(moved).save(name, quality=90)
    return [str(name) for name in names]


def ocellus(command: pathlib.Path, folder: pathlib.Path, threads: int, runs: int) -> Run:
    """A process of its own, which warms up and takes the time by itself."""

    def run(files: list[str]) -> tuple[float, numpy.ndarray]:
        output = folder / "ours.safetensors"
        words = [command, folder, threads, runs, output, *files]
        printed = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=True).stdout
        return float(printed) / 1e3, load_file(output)["pixel_values"]

    return run


def peer(processor: transformers.BaseImageProcessor, pool: ThreadPoolExecutor | None, runs: int) -> Run:
    """One of transformers' processors. Of several images, each thread of the pool takes one after the other."""

    def answer(files: list[str]) -> numpy.ndarray:
        one = lambda file: processor(file, return_tensors="pt")["pixel_values"]
        return torch.cat(list(pool.map(one, files) if pool else map(one, files))).numpy()

    def run(files: list[str]) -> tuple[float, numpy.ndarray]:
        times = []
        for _ in range(2 + runs):
            start = time.perf_counter()
            pixels = answer(files)
            times.append(time.perf_counter() - start)
        return statistics.median(times[2:]), pixels

    return run


def compare(title: str, engines: dict[str, Run], files: list[str], rounds: int) -> list[str]:
    """Every engine once a round, in turn; the rows of a table."""
    times, answers = {name: [] for name in engines}, {}
    for number in range(rounds):
        for name, run in engines.items():
            seconds, answers[name] = run(files)
            times[name].append(1e3 * seconds)
        now = ", ".join(f"{name} {taken[-1]:.1f} ms" for name, taken in times.items())
        print(f"  {title}, round {number + 1}: {now}", file=sys.stderr)
    fastest_peer = [min(times[PILLOW][number], times[TORCHVISION][number]) for number in range(rounds)]
    rows = []
    for name, taken in times.items():
        ratios = [own / peer for own, peer in zip(taken, fastest_peer)]
        # A level is 2 / 255 of `pixel_values` here.
        levels = abs(answers[name].astype(numpy.float64) - answers[PILLOW]).max() * 255 / 2
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        median = statistics.median(taken)
        rows.append(f"| {title} | {name} | {median:.1f} | {statistics.median(ratios):.2f} ({each}) | {levels:.2f} |")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    example = REPOSITORY / "target/release/examples/preprocess"
    parser.add_argument("--ocellus", type=pathlib.Path, default=example, metavar="FILE")
    parser.add_argument("--peers-only", action="store_true", help="without Ocellus")
    parser.add_argument("--threads", type=int, default=2, help="for several images")
    parser.add_argument("--images", type=int, default=8, help="how many several are")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=5, help="in each round, of each engine")
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / "target/peers", help="for images and outputs")
    arguments = parser.parse_args()
    if not arguments.peers_only and not arguments.ocellus.exists():
        sys.exit(f"{arguments.ocellus} is not there: build the example, or give --peers-only")

    # What runs side by side is images, in every engine.
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    folder = arguments.folder / "preprocessing"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "preprocessor_config.json").write_text(json.dumps(CONFIG))
    processors = {
        PILLOW: transformers.SiglipImageProcessorPil.from_dict(CONFIG),
        TORCHVISION: transformers.SiglipImageProcessor.from_dict(CONFIG),
    }
    pool = ThreadPoolExecutor(arguments.threads)

    rows = []
    for width, height in SIZES:
        files = photographs(folder, width, height, arguments.images)
        for threads, several in [(1, files[:1]), (arguments.threads, files)]:
            engines = {}
            if not arguments.peers_only:
                engines[OURS] = ocellus(arguments.ocellus, folder, threads, arguments.runs)
            for name, processor in processors.items():
                engines[name] = peer(processor, pool if threads > 1 else None, arguments.runs)
            size = pathlib.Path(files[0]).stat().st_size / 1e6
            title = f"{width} × {height} ({size:.1f} MB), images: {len(several)}, threads: {threads}"
            rows += compare(title, engines, several, arguments.rounds)

    print("| files | engine | median ms | time / the faster peer: median (each round) | levels from Pillow's, at most |")
    print("| --- | --- | ---: | --- | ---: |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
