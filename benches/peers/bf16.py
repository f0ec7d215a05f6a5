"""Vision encoders in bf16 on the CPU: Ocellus beside OpenVINO, PyTorch Inductor and PyTorch eager, interleaved in one run.

    cargo build --release --package ocellus-cli
    pip install -r requirements.txt
    python bf16.py                       # or: --case siglip --without inductor

As in `vit_b16.py`, each round runs every engine once, in turn, on the same input, and what counts is the ratio within a
round. Every answer is held against PyTorch's in f32, and its error against that of PyTorch's own bf16.
"""

import gc
import json
import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy
import torch
import transformers
from PIL import Image

import encoders
import trained_dinov2
from encoders import LastHiddenState
from engines import OURS, REPOSITORY, Engine, InProcess, Ocellus, arguments_of, interleave, ocellus, ratios, relative_l2

OPENVINO = "OpenVINO"
INDUCTOR = "PyTorch Inductor"
EAGER = "PyTorch eager"
# What `--without` calls them.
ENGINES = {"ocellus": OURS, "openvino": OPENVINO, "inductor": INDUCTOR, "eager": EAGER}
MEAN, STANDARD_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

IMAGES = "images=1..=8"
SIZES = f"{IMAGES},height=224..=518/14,width=224..=518/14"


@dataclass
class Checkpoint:
    """A model, and the range that its one artifact is compiled for."""

    name: str
    make: Callable[[pathlib.Path], transformers.PreTrainedModel]
    range: str


@dataclass
class Case:
    """One size of input of a model."""

    name: str
    checkpoint: Checkpoint
    size: int
    images: int = 1
    photograph: bool = False

    def pixels(self) -> numpy.ndarray:
        if self.photograph:
            return photograph(self.size)
        random = numpy.random.Generator(numpy.random.PCG64(self.images))
        return random.standard_normal((self.images, 3, self.size, self.size)).astype(numpy.float32)


def photograph(size: int) -> numpy.ndarray:
    """The middle of the demonstration's image, as DINOv2's processor normalizes it."""
    image = Image.open(REPOSITORY / "examples/images/harbour.jpg").convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    levels = (numpy.asarray(middle, numpy.float32) / 255 - MEAN) / STANDARD_DEVIATION
    return numpy.ascontiguousarray(levels.transpose(2, 0, 1)[None], numpy.float32)


def random(make: Callable[[], transformers.PreTrainedModel]) -> Callable[[pathlib.Path], transformers.PreTrainedModel]:
    return lambda folder: encoders.random(make)


VIT = Checkpoint("vit-b16", random(encoders.vit_b16), IMAGES)
DINOV2 = Checkpoint("dinov2-b", random(encoders.dinov2_b), SIZES)
SIGLIP = Checkpoint("siglip-so400m", random(encoders.siglip_so400m), IMAGES)
TRAINED = Checkpoint("dinov2-s-trained", trained_dinov2.checkpoint, SIZES)
CASES = [
    Case("ViT-B/16 at 224, 1 image", VIT, 224),
    Case("ViT-B/16 at 224, 8 images", VIT, 224, images=8),
    Case("DINOv2-B at 224", DINOV2, 224),
    Case("DINOv2-B at 518", DINOV2, 518),
    Case("SigLIP-so400m/14 at 384", SIGLIP, 384),
    Case("DINOv2-S trained at 224", TRAINED, 224, photograph=True),
    Case("DINOv2-S trained at 518", TRAINED, 518, photograph=True),
]


def openvino_of(module: LastHiddenState, pixels: numpy.ndarray, threads: int) -> Engine:
    """The f32 model, exported for exactly that shape; OpenVINO rounds its weights to bf16 when it compiles."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
    exported = torch.export.export(module, (torch.from_numpy(pixels),))
    request = openvino.Core().compile_model(openvino.convert_model(exported), "CPU", settings).create_infer_request()
    # Sharing spares OpenVINO copies of what it reads and of what it gives.
    call = lambda: request.infer([pixels], share_inputs=True, share_outputs=True)[0]
    return InProcess(OPENVINO, call)


def pytorch(name: str, call: Callable[[torch.Tensor], torch.Tensor], pixels: torch.Tensor) -> InProcess:
    def run() -> torch.Tensor:
        with torch.inference_mode():
            return call(pixels)

    # numpy has no bf16.
    return InProcess(name, run, lambda output: output.float().numpy())


def inductor_of(make: Callable[[], LastHiddenState], pixels: torch.Tensor, max_autotune: bool) -> Engine:
    """The fastest way to compile the bf16 model, by a short trial."""
    from torch._inductor import config

    candidates = [("", {"freezing": False}), ("freezing", {"freezing": True})]
    if max_autotune:
        candidates.append(("freezing, max-autotune", {"freezing": True, "max_autotune": True}))
    engines = []
    for label, options in candidates:
        start = time.perf_counter()
        # Dynamo asks the config whether parameters are frozen; as options they keep it from taking the code of another candidate.
        with config.patch(options):
            compiled = torch.compile(make(), dynamic=False, options=options)
            engines.append(pytorch(f"{INDUCTOR} ({label})" if label else INDUCTOR, compiled, pixels))
            engines[-1].call()
        print(f"  {engines[-1].name} took {time.perf_counter() - start:.0f} s to compile", file=sys.stderr)
    # The least of several, taken in turn: what else the machine does only adds.
    trials = [[engine.run(3) for engine in engines] for _ in range(3)]
    least = [min(times) for times in zip(*trials)]
    for engine, milliseconds in zip(engines, least):
        print(f"  {engine.name}: {milliseconds:.1f} ms in the trial", file=sys.stderr)
    return engines[least.index(min(least))]


def table_rows(case: Case, rows: dict[str, dict]) -> str:
    lines = []
    for name, row in rows.items():
        each = " ".join(f"{ratio:.2f}" for ratio in row["ratios"])
        lines.append(
            f"| {case.name} | {name} | {row['median_ms']:.1f} | {row['ratio']:.2f} ({each}) "
            f"| {row['relative_l2']:.2e} | {row['error_ratio']:.2f} |"
        )
    return "\n".join(lines)


def compare(engines: list[Engine], exact: numpy.ndarray, eager_error: float, rounds: int, runs: int) -> dict[str, dict]:
    """Times, as ratios to the peer that is the fastest of all rounds, and errors."""
    errors = {engine.name: relative_l2(engine.answer(), exact) for engine in engines}
    times = interleave(engines, rounds, runs)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    fastest_peer = min(set(medians) - {OURS} or {OURS}, key=medians.get)
    rows = {}
    for name, taken in times.items():
        against = ratios(taken, times[fastest_peer])
        rows[name] = {
            "median_ms": medians[name],
            "times_ms": taken,
            "fastest_peer": fastest_peer,
            "ratio": statistics.median(against),
            "ratios": against,
            "relative_l2": errors[name],
            "error_ratio": errors[name] / eager_error,
        }
    return rows


def measure(case: Case, model: transformers.PreTrainedModel, artifact: pathlib.Path, arguments) -> dict[str, dict]:
    pixels = case.pixels()
    with torch.inference_mode():
        exact = model(torch.from_numpy(pixels)).last_hidden_state.numpy()
    fixed = encoders.for_size(model, case.size)
    module = LastHiddenState(fixed).eval()
    make_bf16 = lambda: LastHiddenState(encoders.in_bf16(fixed))
    pixels_bf16 = torch.from_numpy(pixels).bfloat16()
    eager = pytorch(EAGER, make_bf16(), pixels_bf16)

    wanted = [name for word, name in ENGINES.items() if word not in arguments.without]
    engines = []
    if OURS in wanted:
        engines.append(Ocellus(arguments.ocellus, artifact, pixels, arguments.folder, arguments.threads))
    if OPENVINO in wanted:
        start = time.perf_counter()
        engines.append(openvino_of(module, pixels, arguments.threads))
        print(f"  {OPENVINO} took {time.perf_counter() - start:.0f} s to compile", file=sys.stderr)
    if INDUCTOR in wanted:
        engines.append(inductor_of(make_bf16, pixels_bf16, arguments.max_autotune))
    if EAGER in wanted:
        engines.append(eager)
    return compare(engines, exact, relative_l2(eager.answer(), exact), arguments.rounds, arguments.runs)


def parse():
    parser = arguments_of(__doc__)
    parser.add_argument("--case", action="append", metavar="NAME", help="only the cases that begin so; may be given several times")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--without", action="append", default=[], choices=ENGINES, help="leave an engine out; may be given several times")
    parser.add_argument("--max-autotune", action="store_true", help="let Inductor try its own matrix products too, which takes minutes")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(case.name for case in CASES))
        sys.exit()
    if len(set(arguments.without)) == len(ENGINES):
        parser.error("--without leaves no engine")
    if "ocellus" not in arguments.without and not arguments.ocellus.exists():
        sys.exit(f"{arguments.ocellus} is not there: `cargo build --release --package ocellus-cli`, or --without ocellus")
    cases = CASES
    for word in arguments.case or []:
        if not any(case.name.lower().startswith(word.lower()) for case in CASES):
            parser.error(f"no case begins with {word!r}: --list prints them")
    if arguments.case:
        cases = [case for case in CASES if case.name.lower().startswith(tuple(word.lower() for word in arguments.case))]
    return arguments, cases


def main():
    arguments, cases = parse()
    torch.set_num_threads(arguments.threads)
    transformers.logging.disable_progress_bar()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    # Importing parts of torch sets it to a default, so what it holds by now is nobody's wish.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder.resolve() / "inductor")

    results = {}
    print("| case | engine | median ms | time / the fastest peer: median (each round) | relative L2 | error / eager bf16's |")
    print("| --- | --- | ---: | --- | ---: | ---: |", flush=True)
    for checkpoint in dict.fromkeys(case.checkpoint.name for case in cases):
        of_checkpoint = [case for case in cases if case.checkpoint.name == checkpoint]
        print(checkpoint, file=sys.stderr)
        model = of_checkpoint[0].checkpoint.make(folder)
        artifact = folder / f"{checkpoint}-bf16.ocellus.safetensors"
        if "ocellus" not in arguments.without:
            model.save_pretrained(folder / checkpoint)
            words = ["-o", artifact, "--dtype", "bf16", "--range", of_checkpoint[0].checkpoint.range]
            ocellus(arguments.ocellus, "compile", folder / checkpoint, *words)
        for case in of_checkpoint:
            print(case.name, file=sys.stderr)
            results[case.name] = measure(case, model, artifact, arguments)
            print(table_rows(case, results[case.name]), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=2) + "\n")
            # What was compiled for a case holds gigabytes, and refers to itself.
            torch._dynamo.reset()
            gc.collect()


if __name__ == "__main__":
    main()
