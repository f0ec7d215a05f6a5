"""What can be checked on a GPU, from a folder that `cargo xtask gpu-check FOLDER` made, and nothing else of this repository.

    python3 check.py [--device cuda] [--minutes 8] [--compile]     # in that folder; `--device sim` tries it without a GPU

First every golden: each artifact is run on its input, by a process of its own, and held against what `transformers` computed.
Then what the driver takes for a launch, a graph and a node that is told something else (`costs.py`). Then one table: what a call of
each whole model takes over its sizes, for each architecture that it was compiled for, before and after `ocellus-run tune`, beside
torch where that is installed. A call is from tensors of the host to tensors of the host, for torch as well; what it takes where they
stay on the GPU is said for both too. What there was no time for, or what is not installed, is said. Ends with 1 where an answer is
wrong. Python needs numpy and safetensors.
"""

import argparse
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import time

try:
    import numpy
    from safetensors.numpy import load_file, save_file
except ModuleNotFoundError as missing:
    sys.exit(f"error: Python has no {missing.name} here, which reads what is compared: `pip install numpy safetensors`")

import costs

# How much further than PyTorch's own bf16 an answer may be, and the derived bounds of the two products of f32, of 64 launches
# in a row: 4 * sqrt(64) times the error of a product (`kernels/src/gemm/nvidia/arithmetic.rs`).
BF16_FACTOR = 1.5
BOUNDS = {"f32": 4 * 8 * 3.02 * 2.0**-16, "tf32": 4 * 8 * 2.001 * 2.0**-11}

# What is said of a call of torch whose tensors stay on the GPU.
ON_GPU = " (on the GPU)"

# The most seconds that a line of the table takes, which may begin just before time is up.
LINE_SECONDS = 45


def run(artifact: pathlib.Path, given: pathlib.Path, output: pathlib.Path, *more: str) -> str:
    """What `ocellus-run` says; its outputs lie in a file that held nothing but NaN before."""
    words = ["./ocellus-run", artifact, "--input", given, "--output", output, *more]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stderr


def relative_l2(found: numpy.ndarray, expected: numpy.ndarray) -> float:
    found, expected = found.astype(numpy.float64), expected.astype(numpy.float64)
    return float(numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected))


def check_goldens(device: str, until: float) -> bool:
    passed, wrong, output = 0, [], pathlib.Path("answer.safetensors")
    artifacts = sorted(pathlib.Path("goldens").glob("*/*.ocellus"))
    for artifact in artifacts:
        if time.monotonic() > until:
            print(f"{len(artifacts) - passed - len(wrong)} goldens are left out: time is up")
            return False
        golden = json.loads((artifact.parent / "golden.json").read_text())
        expected = load_file(artifact.parent / "out.safetensors")
        output.unlink(missing_ok=True)
        try:
            run(artifact, artifact.parent / "in.safetensors", output, "--device", device)
            found = load_file(output)
        except (RuntimeError, OSError) as error:
            wrong.append(f"{artifact}: {error}")
            continue
        errors = {name: relative_l2(found[name], tensor) for name, tensor in expected.items()}
        if artifact.stem == "bf16":
            bounds = {name: BF16_FACTOR * golden["bf16_relative_l2"][name] for name in errors}
        else:
            bounds = dict.fromkeys(errors, BOUNDS[artifact.stem])
        # A NaN is within no bound.
        bad = [name for name, error in errors.items() if not error <= bounds[name]]
        if bad:
            wrong += [f"{artifact}: {name} is {errors[name]:.2e} off, of {bounds[name]:.2e}" for name in bad]
        else:
            passed += 1
    print(f"goldens: {passed} of {len(artifacts)} right")
    print("\n".join(wrong))
    return not wrong


def measure(artifact: pathlib.Path, side: int, images: int, device: str) -> tuple[float, float]:
    """Microseconds of a call, the median of many: from host to host, and with all tensors on the device."""
    given, output = pathlib.Path("pixels.safetensors"), pathlib.Path("answer.safetensors")
    pixels = numpy.random.default_rng(0).standard_normal((images, 3, side, side), dtype=numpy.float32)
    save_file({"pixel_values": pixels}, given)
    runs = "50" if device == "cuda" else "1"
    said = run(artifact, given, output, "--device", device, "--runs", runs, "--on-device")
    if not all(numpy.isfinite(tensor).all() for tensor in load_file(output).values()):
        raise RuntimeError(f"{artifact} gives numbers that are not finite")
    kinds = ["a call takes", "a call whose tensors stay on the device takes"]
    whole, on_device = (float(re.search(kind + " ([0-9.]+) us", said).group(1)) for kind in kinds)
    return whole, on_device


def tune(artifact: pathlib.Path, images: list[int], device: str) -> None:
    """Lets the GPU find the fastest schedules, which later runs of the artifact go by."""
    words = ["./ocellus-run", "tune", str(artifact), "--device", device]
    words += [word for count in images for word in ("--size", f"images={count}")]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    blocks = done.stdout.split("  launched ")[1:]
    others = [block for block in blocks if not block.splitlines()[1].startswith("  *")]
    print(f"  {artifact.stem}: of {len(blocks)} kinds of launches {len(others)} have another schedule than the compiler's")


def table_of(file: pathlib.Path, device: str, until: float) -> dict[int, tuple[float, float]]:
    """Prints the lines of a model; gives the fastest call of each size, whole and with its tensors on the device."""
    model, best = json.loads(file.read_text()), {}
    for artifact in sorted(file.parent.glob(f"{file.stem}.*.ocellus")):
        tuning = artifact.with_name(artifact.name + ".tuning.json")
        tuning.unlink(missing_ok=True)
        for when in ["", "tuned"]:
            try:
                if when and time.monotonic() < until:
                    tune(artifact, model["images"], device)
                for images in model["images"]:
                    if time.monotonic() > until:
                        print("the rest of the table is left out: time is up")
                        return best
                    own, on_device = measure(artifact, model["side"], images, device)
                    flops = 1e-6 * model["gflop_an_image"] * images / own * 1e3
                    label = f"{artifact.stem} {when}"
                    print(f"  {label:48} {images:3} images {own:10.1f} us ({on_device:10.1f} us) {flops:7.1f} TFLOP/s", flush=True)
                    best[images] = min(best.get(images, (own, on_device)), (own, on_device))
            except RuntimeError as error:
                print(f"  {artifact.stem}: {error}")
                break
    return best


def torch_times(name: str, side: int, images: int, compiles: bool) -> dict[str, float]:
    """The same of torch, as whole calls and on the GPU: eager with each of its back ends of attention, and compiled where that is
    asked."""
    import torch

    import peers

    model = peers.quickly(name)
    host = torch.randn(images, 3, side, side).pin_memory()
    there = host.cuda()

    def microseconds(model) -> dict[str, float]:
        @torch.inference_mode()
        def whole():
            return model(pixel_values=host.cuda(non_blocking=True).bfloat16()).last_hidden_state.float().cpu()

        @torch.inference_mode()
        def on_device():
            model(pixel_values=there.bfloat16()).last_hidden_state.float()
            torch.cuda.synchronize()

        times = {}
        for kind, call in {"": whole, ON_GPU: on_device}.items():
            for _ in range(3):
                call()
            times[kind] = 1e3 * peers.wall_ms(call)
        return times

    times = {}

    def add(label: str, model) -> None:
        times.update({label + kind: time_us for kind, time_us in microseconds(model).items()})

    with peers.mask_dropped(True):
        for label, back_end in peers.BACK_ENDS.items():
            with peers.chosen(back_end):
                add(f"eager, {label}", model)
        if compiles:
            add("compiled", torch.compile(model, mode="max-autotune", dynamic=False))
    return times


def driver_costs(device: str) -> None:
    library, runs = ("libcuda.so.1", 30) if device == "cuda" else ("./libocellus_cuda_sim.so", 2)
    print("\nwhat the driver takes:")
    try:
        print("\n".join(f"  {line}" for line in costs.costs(library, 0, runs)))
    except (OSError, RuntimeError) as error:
        print(f"  left out: {error}")


def table(device: str, until: float, compiles: bool) -> None:
    has_torch = importlib.util.find_spec("torch") is not None
    print("\nwhat a call takes, in parentheses where its tensors stay on the GPU:")
    if device == "cuda" and not has_torch:
        print("  torch is not installed here, so there is nothing beside it")
    if device == "cuda" and has_torch and not compiles:
        print("  torch.compile is left out: `--compile` asks for it")
    for file in sorted(pathlib.Path("models").glob("*.json")):
        model = json.loads(file.read_text())
        for images, (own, on_device) in table_of(file, device, until).items():
            if device != "cuda" or not has_torch or time.monotonic() > until:
                continue
            line = f"  {model['name']:16} {images:3} images"
            for kind, time_us in torch_times(model["name"], model["side"], images, compiles).items():
                beside = on_device if kind.endswith(ON_GPU) else own
                line += f"   torch {kind} {time_us:10.1f} us, {time_us / beside:5.2f} x"
            print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda", choices=["cuda", "sim"])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--compile", action="store_true", help="time torch.compile too, which takes minutes a model")
    arguments = parser.parse_args()
    until = time.monotonic() + 60 * arguments.minutes - LINE_SECONDS
    print(subprocess.run(["./ocellus-run", "--devices", "--device", arguments.device], capture_output=True, text=True).stdout)
    are_right = check_goldens(arguments.device, until)
    driver_costs(arguments.device)
    table(arguments.device, until, arguments.compile)
    return 0 if are_right else 1


if __name__ == "__main__":
    sys.exit(main())
