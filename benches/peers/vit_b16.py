"""ViT-B/16 at 224, f32, on the CPU: Ocellus beside ONNX Runtime, OpenVINO and PyTorch, interleaved in one run.

    cargo build --release --package ocellus-cli
    pip install -r requirements.txt
    python vit_b16.py                    # or: --peers-only, without Ocellus

The machine's clock and its other work drift, so a figure alone says little. Each round runs every engine once, in
turn, on the same input; what counts is the ratio within a round, and its median over the rounds.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy
import torch
import transformers
from safetensors.numpy import load_file, save_file

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
IMAGE_SIZE = 224
BASELINE = "ONNX Runtime"
OURS = "Ocellus"


class Engine:
    """Something that computes `last_hidden_state` of one batch."""

    name: str

    def run(self, runs: int) -> float:
        """The median milliseconds of so many runs, after its own warm-up."""
        raise NotImplementedError

    def answer(self) -> numpy.ndarray:
        """`last_hidden_state`."""
        raise NotImplementedError


class InProcess(Engine):
    """An engine that is called from here."""

    def __init__(self, name: str, call: Callable[[], numpy.ndarray]):
        self.name, self.answer = name, call

    def run(self, runs: int) -> float:
        for _ in range(2):
            self.answer()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.answer()
            times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times)


class Ocellus(Engine):
    """The `ocellus` command on an artifact: a process of its own, which warms up and takes the time by itself."""

    name = OURS

    def __init__(self, command: pathlib.Path, artifact: pathlib.Path, pixels: pathlib.Path, threads: int):
        self.command, self.artifact, self.pixels, self.threads = command, artifact, pixels, threads

    def run(self, runs: int) -> float:
        words = ["bench", self.artifact, "--input", self.pixels, "--json", "--threads", self.threads, "--runs", runs]
        printed = ocellus(self.command, *words)
        report = json.loads(printed)
        cases = report.get("cases", [report]) if isinstance(report, dict) else report
        return float(cases[0]["median_ms"])

    def answer(self) -> numpy.ndarray:
        output = self.pixels.with_suffix(".out.safetensors")
        ocellus(self.command, "run", self.artifact, "--input", self.pixels, "--output", output)
        return load_file(output)["last_hidden_state"]


def ocellus(command: pathlib.Path, *words) -> str:
    process = subprocess.run([command, *map(str, words)], stdout=subprocess.PIPE, text=True)
    if process.returncode:
        sys.exit(f"`ocellus {' '.join(map(str, words))}` failed with {process.returncode}")
    return process.stdout


def make_model(folder: pathlib.Path) -> transformers.ViTModel:
    """ViT-B/16 with random weights, as a checkpoint in `folder/model`."""
    torch.manual_seed(0)
    model = transformers.ViTModel(transformers.ViTConfig(), add_pooling_layer=False).eval()
    model.save_pretrained(folder / "model")
    return model


def export_onnx(model: transformers.ViTModel, pixels: torch.Tensor, file: pathlib.Path):
    """The model for exactly that shape: what the peers are fastest with."""

    class LastHiddenState(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            return self.model(pixel_values).last_hidden_state

    torch.onnx.export(
        LastHiddenState().eval(), (pixels,), file, opset_version=20, dynamo=True, verbose=False,
        input_names=["pixel_values"], output_names=["last_hidden_state"],
    )  # fmt: skip


def peers(model: transformers.ViTModel, pixels: numpy.ndarray, onnx: pathlib.Path, threads: int) -> list[Engine]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    engines = [InProcess(BASELINE, lambda: session.run(None, {"pixel_values": pixels})[0])]

    try:
        import openvino
    except ImportError:
        print("OpenVINO is not installed: left out", file=sys.stderr)
    else:
        settings = {
            "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
        }  # fmt: skip
        compiled = openvino.Core().compile_model(str(onnx), "CPU", settings)
        request = compiled.create_infer_request()
        engines.append(InProcess("OpenVINO", lambda: request.infer([pixels])[0]))

    tensor = torch.from_numpy(pixels)

    def eager() -> numpy.ndarray:
        with torch.inference_mode():
            return model(tensor).last_hidden_state.numpy()

    engines.append(InProcess("PyTorch eager", eager))
    return engines


def gflop(config: transformers.ViTConfig, images: int) -> float:
    """What the matrix products alone take, two operations a multiply-add."""
    patches = (config.image_size // config.patch_size) ** 2
    tokens, hidden = patches + 1, config.hidden_size
    layer = tokens * (4 * hidden * hidden + 2 * hidden * config.intermediate_size) + 2 * tokens * tokens * hidden
    patchify = patches * hidden * config.num_channels * config.patch_size**2
    return 2e-9 * images * (config.num_hidden_layers * layer + patchify)


def compare(engines: list[Engine], rounds: int, runs: int, work: float) -> dict:
    """Every engine once a round, in turn."""
    times = {engine.name: [] for engine in engines}
    for number in range(rounds):
        for engine in engines:
            # Thread pools spin for a while after their last task; the next engine shall not pay for it.
            time.sleep(0.3)
            times[engine.name].append(engine.run(runs))
        print(f"  round {number + 1}: " + ", ".join(f"{name} {taken[-1]:.1f} ms" for name, taken in times.items()), file=sys.stderr)
    exact = next(engine for engine in engines if engine.name == BASELINE).answer().astype(numpy.float64)
    rows = {}
    for engine in engines:
        taken = times[engine.name]
        difference = engine.answer().astype(numpy.float64) - exact
        ratios = [own / base for own, base in zip(taken, times[BASELINE])]
        rows[engine.name] = {
            "median_ms": statistics.median(taken),
            "gflops": 1e3 * work / statistics.median(taken),
            "ratio": statistics.median(ratios),
            "ratios": ratios,
            "max_abs": float(abs(difference).max()),
            "relative_l2": float(numpy.linalg.norm(difference) / numpy.linalg.norm(exact)),
        }
    return rows


def table(results: dict[int, dict]) -> str:
    lines = [
        f"| batch | engine | median ms | GFLOP/s | time / {BASELINE}: median (each round) | max abs | relative L2 |",
        "| ---: | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    for images, rows in results.items():
        for name, row in rows.items():
            each = " ".join(f"{ratio:.2f}" for ratio in row["ratios"])
            lines.append(
                f"| {images} | {name} | {row['median_ms']:.1f} | {row['gflops']:.0f} | {row['ratio']:.2f} ({each}) "
                f"| {row['max_abs']:.1e} | {row['relative_l2']:.1e} |"
            )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ocellus", type=pathlib.Path, default=REPOSITORY / "target/release/ocellus", metavar="FILE")
    parser.add_argument("--peers-only", action="store_true", help="without Ocellus")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=10, help="in each round, of each engine")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / "target/peers", help="for models and inputs")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    if not arguments.peers_only and not arguments.ocellus.exists():
        sys.exit(f"{arguments.ocellus} is not there: `cargo build --release --package ocellus-cli`, or --peers-only")

    torch.set_num_threads(arguments.threads)
    transformers.logging.disable_progress_bar()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    model = make_model(folder)
    artifact = folder / "vit-b16.ocellus.safetensors"
    if not arguments.peers_only:
        images = f"images={min(arguments.batches)}..={max(arguments.batches)}"
        ocellus(arguments.ocellus, "compile", folder / "model", "-o", artifact, "--range", images)

    results = {}
    for images in arguments.batches:
        random = numpy.random.Generator(numpy.random.PCG64(images))
        pixels = random.standard_normal((images, 3, IMAGE_SIZE, IMAGE_SIZE)).astype(numpy.float32)
        onnx = folder / f"vit-b16-{images}.onnx"
        export_onnx(model, torch.from_numpy(pixels), onnx)
        engines = peers(model, pixels, onnx, arguments.threads)
        if not arguments.peers_only:
            file = folder / f"in-{images}.safetensors"
            save_file({"pixel_values": pixels}, file)
            engines.insert(0, Ocellus(arguments.ocellus, artifact, file, arguments.threads))
        print(f"batch {images}", file=sys.stderr)
        results[images] = compare(engines, arguments.rounds, arguments.runs, gflop(model.config, images))

    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
