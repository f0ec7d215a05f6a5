"""Everything that is measured on the card, in one go: each part in a process of its own with a limit of its own.

    python run_all.py BUILD RESULTS [PART:SECONDS …]

BUILD is what build.py and the C compiler left (`launches` among it). A part that fails or runs past its limit leaves what
it had in RESULTS/results.jsonl, and the next one begins. The card's clocks are sampled meanwhile.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import torch  # once, before the forks; nothing here touches the device

import schedules

BUILD, RESULTS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SECTIONS = ["SpeedOfLight", "MemoryWorkloadAnalysis_Tables"]
METRICS = ",".join([
    "regex:smsp__average_warps_issue_stalled_.*_per_issue_active.ratio", "smsp__issue_active.avg.pct_of_peak_sustained_active",
    "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", "l1tex__data_bank_conflicts_pipe_lsu.sum",
    "l1tex__data_pipe_lsu_wavefronts_mem_shared.avg.pct_of_peak_sustained_active", "smsp__inst_executed.sum",
    "sm__inst_executed_pipe_tensor_op_hmma.sum", "lts__t_bytes.sum.per_second", "smsp__warps_active.avg.per_cycle_active",
])


def gemm(emit, deadline):
    import measure_gemm

    drafts, reduce = measure_gemm.load(BUILD, emit)
    measure_gemm.measure(measure_gemm.check(drafts, reduce, emit), reduce, emit)


def attention(emit, deadline):
    import measure_attention

    measure_attention.measure(measure_attention.check(measure_attention.load(BUILD, emit), emit), emit)


def chain(emit, deadline):
    import measure_chain

    known = [json.loads(line) for line in (RESULTS / "results.jsonl").read_text().splitlines()]
    measure_chain.measure(BUILD, known, emit)


def ceilings(emit, deadline):
    import ceilings as part

    part.measure(BUILD, emit)


def peers(emit, deadline):
    import peers as part

    part.eager(emit)


def compiled(emit, deadline):
    import peers as part

    part.compiled(emit, deadline=deadline)


def launches(emit, deadline):
    process = subprocess.Popen([BUILD / "launches", BUILD / "launches.cubin"], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        emit(json.loads(line))
    if process.wait():
        emit({"section": "launches", "error": f"status {process.returncode}"})


def profile(emit, deadline):
    command = ["ncu", "--clock-control", "none", *(f"--section={name}" for name in SECTIONS), "--metrics", METRICS,
               "-k", "regex:gemm|attention",
               sys.executable, str(pathlib.Path(__file__).with_name("profile_one.py")), str(BUILD),
               *(",".join(names) for names in schedules.PROFILED)]
    done = subprocess.run(command, capture_output=True, text=True)
    (RESULTS / "profile.txt").write_text(done.stdout + done.stderr[-3000:])


def run(part: str, seconds: float) -> None:
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        try:
            with open(RESULTS / "results.jsonl", "a", buffering=1) as file:
                globals()[part](lambda row: print(json.dumps(row), file=file), start + seconds)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = None
    while status is None and time.monotonic() - start < seconds:
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
        time.sleep(0.05)
    if status is None:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print(f"{part}: {'past its limit' if status is None else status} after {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    RESULTS.mkdir(exist_ok=True)
    print("torch", torch.__version__, "CUDA", torch.version.cuda, flush=True)
    fields = "timestamp,clocks.sm,clocks.mem,power.draw,temperature.gpu,clocks_event_reasons.active"
    with open(RESULTS / "clocks.csv", "w") as file:
        sampler = subprocess.Popen(
            ["nvidia-smi", f"--query-gpu={fields}", "--format=csv", "-lms", "500"], stdout=file, stderr=file)
    try:
        for part in sys.argv[3:] or [
            "gemm:120", "attention:60", "chain:40", "ceilings:40", "launches:20", "peers:60", "profile:45", "compiled:280"]:
            name, seconds = part.split(":")
            run(name, float(seconds))
    finally:
        sampler.terminate()
