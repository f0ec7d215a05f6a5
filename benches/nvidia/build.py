"""Builds what is measured into `build/`: cubins, and a JSON beside them with registers, spills and how each is run.

    python build.py [ceilings] [launches] [gemm] [attention]      # all of them where none is named

Needs LLVM 22 and ptxas 13.0 (see toolchain.py), no GPU.
"""

import json
import pathlib
import sys

import attention_draft
import ceiling_kernels
import gemm_draft
import schedules
import toolchain

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE / "build"


def build_ceilings() -> dict:
    plan = {}
    for label, (ptx, how) in ceiling_kernels.all_kernels().items():
        cubin = BUILD / f"ceiling {label}.cubin".replace(" ", "_")
        plan[label] = how | {"cubin": cubin.name} | toolchain.assemble(ptx, cubin)
    return plan


def build_launches() -> dict:
    return toolchain.assemble((HERE / "launches.ptx").read_text(), BUILD / "launches.cubin")


def build_drafts(draft, names: list[str], kind: str) -> dict:
    plan = {}
    for name in names:
        schedule = draft.parse(name)
        assert schedule.name == name, (schedule.name, name)
        cubin = BUILD / f"{kind}_{name}.cubin"
        resources = toolchain.assemble(toolchain.to_ptx(draft.emit(schedule), schedule.cpu), cubin)
        plan[name] = {"cubin": cubin.name, "threads": schedule.threads, "shared": schedule.shared_bytes} | resources
    return plan


def build_gemm() -> dict:
    plan = build_drafts(gemm_draft, schedules.GEMM + schedules.GEMM_PACKED + schedules.GEMM_SPLIT, "gemm")
    resources = toolchain.assemble(toolchain.to_ptx(gemm_draft.emit_reduce()), BUILD / "gemm_reduce.cubin")
    return plan | {"reduce": {"cubin": "gemm_reduce.cubin", "threads": 128, "shared": 0} | resources}


def build_attention() -> dict:
    return build_drafts(attention_draft, schedules.ATTENTION, "attention")


if __name__ == "__main__":
    BUILD.mkdir(exist_ok=True)
    steps = {"ceilings": build_ceilings, "launches": build_launches, "gemm": build_gemm, "attention": build_attention}
    for name in sys.argv[1:] or steps:
        plan = steps[name]()
        (BUILD / f"{name}.json").write_text(json.dumps(plan, indent=1))
        spilling = [key for key, value in plan.items() if isinstance(value, dict) and value.get("spilled")]
        print(name, len(plan), "spilling:", spilling)
