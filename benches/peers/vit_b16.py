"""ViT-B/16 at 224, f32, on the CPU: Ocellus beside ONNX Runtime, OpenVINO and PyTorch, interleaved in one run.

    cargo build --release --package ocellus-cli
    pip install -r requirements.txt
    python vit_b16.py                    # or: --peers-only, without Ocellus

The machine's clock and its other work drift, so a figure alone says little. Each round runs every engine once, in
turn, on the same input; what counts is the ratio within a round, and its median over the rounds.
"""

import json
import pathlib
import statistics
import sys

import numpy
import torch
import transformers

import encoders
from encoders import LastHiddenState
from engines import Engine, InProcess, Ocellus, arguments_of, interleave, ocellus, ratios, relative_l2

IMAGE_SIZE = 224
BASELINE = "ONNX Runtime"


def make_model(folder: pathlib.Path) -> transformers.ViTModel:
    """ViT-B/16 with random weights, as a checkpoint in `folder/model`."""
    model = encoders.random(encoders.vit_b16)
    model.save_pretrained(folder / "model")
    return model


def export_onnx(model: transformers.ViTModel, pixels: torch.Tensor, file: pathlib.Path):
    """The model for exactly that shape: what the peers are fastest with."""
    torch.onnx.export(
        LastHiddenState(model).eval(), (pixels,), file, opset_version=20, dynamo=True, verbose=False,
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
    times = interleave(engines, rounds, runs)
    exact = next(engine for engine in engines if engine.name == BASELINE).answer()
    rows = {}
    for engine in engines:
        taken = times[engine.name]
        answer = engine.answer()
        against = ratios(taken, times[BASELINE])
        rows[engine.name] = {
            "median_ms": statistics.median(taken),
            "gflops": 1e3 * work / statistics.median(taken),
            "ratio": statistics.median(against),
            "ratios": against,
            "max_abs": float(abs(answer.astype(numpy.float64) - exact).max()),
            "relative_l2": relative_l2(answer, exact),
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
    parser = arguments_of(__doc__)
    parser.add_argument("--peers-only", action="store_true", help="without Ocellus")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
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
            engines.insert(0, Ocellus(arguments.ocellus, artifact, pixels, folder, arguments.threads))
        print(f"batch {images}", file=sys.stderr)
        results[images] = compare(engines, arguments.rounds, arguments.runs, gflop(model.config, images))

    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
