"""From LLVM IR to a cubin: opt, llc, ptxas, with the resources that ptxas reports. No GPU is needed.

LLVM 22 writes PTX for sm_80, and ptxas 13.0 assembles it for the card that is measured (sm_90): the kernels are those
of an sm_80 target. `pip install --no-deps nvidia-cuda-nvcc==13.0.88 nvidia-cuda-nvdisasm==13.5.37` brings the tools
from NVIDIA; the environment variable NVIDIA_BIN names their folder where that is another.
"""

import os
import pathlib
import re
import subprocess
import sys

LLVM = pathlib.Path(os.environ.get("LLVM_BIN", "/usr/lib/llvm-22/bin"))
ARCHITECTURE = "sm_90"


def nvidia(tool: str) -> str:
    folder = os.environ.get("NVIDIA_BIN")
    if folder is None:
        found = [pathlib.Path(path, "nvidia/cu13/bin") for path in sys.path]
        folder = next((str(path) for path in found if path.is_dir()), "")
    return os.path.join(folder, tool)


def run(command: list, data: str | None = None) -> str:
    done = subprocess.run([str(part) for part in command], input=data, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout + done.stderr


def to_ptx(text: str, cpu: str = "sm_80") -> str:
    target = ["-mtriple=nvptx64-nvidia-cuda", f"-mcpu={cpu}", "-mattr=+ptx90", "--nvptx-short-ptr"]
    optimized = run([LLVM / "opt", "-O3", "-S", *target, "-"], text)
    return run([LLVM / "llc", "-O3", "--fp-contract=fast", *target, "-o", "-", "-"], optimized)


def assemble(ptx: str, cubin: pathlib.Path) -> dict:
    """Writes the cubin, and its PTX beside it; returns registers, static shared memory and spilled bytes."""
    source = cubin.with_suffix(".ptx")
    source.write_text(ptx)
    report = run([nvidia("ptxas"), "-v", "-O3", f"-arch={ARCHITECTURE}", source, "-o", cubin])
    number = lambda pattern: sum(int(found) for found in re.findall(pattern, report))
    return {
        "registers": max([int(found) for found in re.findall(r"Used (\d+) registers", report)], default=0),
        "spilled": number(r"(\d+) bytes spill stores"),
    }


def disassemble(cubin: pathlib.Path) -> str:
    return run([nvidia("nvdisasm"), "-c", cubin])
