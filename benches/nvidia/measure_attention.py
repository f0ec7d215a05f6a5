"""The attention draft beside torch's back ends (flash, cuDNN, efficient): right answers first, then every schedule.

    python build.py attention && python measure_attention.py build RESULT.jsonl

All read q, k and v from one packed tensor [batch, tokens, 3, heads, head_dim], as views. FLOPs are counted with the exact
head dim: 4 * batch * heads * tokens² * head_dim.
"""

import ctypes
import json
import math
import pathlib
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import attention_draft
import schedules
from device import Kernel, relative_error, time_calls

BACK_ENDS = {
    "torch flash": SDPBackend.FLASH_ATTENTION,
    "torch cuDNN": SDPBackend.CUDNN_ATTENTION,
    "torch efficient": SDPBackend.EFFICIENT_ATTENTION,
}


class Draft:
    def __init__(self, folder: pathlib.Path, name: str, plan: dict):
        self.schedule, self.resources = attention_draft.parse(name), plan[name]
        self.kernel = Kernel(folder / plan[name]["cubin"], "attention", plan[name]["threads"], plan[name]["shared"])

    def bind(self, qkv, out):
        batch, tokens, _, heads, head_dim = qkv.shape
        scale = ctypes.c_float(math.log2(math.e) / math.sqrt(head_dim))
        grid = (-(-tokens // self.schedule.queries), heads, batch)
        return self.kernel.bind(grid, [qkv, out, tokens, heads, scale])


def load(folder: pathlib.Path, emit) -> dict:
    plan = json.loads((folder / "attention.json").read_text())
    drafts = {}
    for name in plan:
        try:
            drafts[name] = Draft(folder, name, plan)
        except Exception as error:
            emit({"section": "attention load", "schedule": name, "error": str(error)[:300]})
    return drafts


def random_qkv(batch, tokens, heads, head_dim):
    return torch.randn(batch, tokens, 3, heads, head_dim, device="cuda").bfloat16()


def views(qkv):
    return [qkv[:, :, part].transpose(1, 2) for part in range(3)]


def check(drafts: dict, emit) -> dict:
    right = {}
    for name, draft in drafts.items():
        worst = 0.0
        for batch, tokens, heads in ((2, 197, 3), (1, 1, 2), (1, 333, 2), (1, 64, 1)):
            head_dim = draft.schedule.head_dim
            qkv = 1.5 * random_qkv(batch, tokens, heads, head_dim)
            out = torch.full((batch, tokens, heads, head_dim), float("nan"), device="cuda", dtype=torch.bfloat16)
            draft.bind(qkv, out)()
            torch.cuda.synchronize()
            q, k, v = (x.double() for x in views(qkv))
            probability = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(head_dim), dim=-1)
            error = relative_error(out, (probability @ v).transpose(1, 2))
            worst = max(worst, error if error == error else 1e9)
        ok = worst < 5e-3
        emit({"section": "attention check", "schedule": name, "relative_error": worst, "right": ok,
              "blocks_a_multiprocessor": draft.kernel.blocks_a_multiprocessor(), **{
                  key: draft.resources[key] for key in ("registers", "spilled", "shared", "threads")}})
        if ok:
            right[name] = draft
    return right


def measure(drafts: dict, emit, head_dims=None, batches=schedules.BATCHES) -> None:
    for head_dim in head_dims or (64, 72, 80, 128, 88):
        heads = schedules.HEADS[head_dim]
        for batch in batches:
            for tokens in schedules.TOKENS:
                flop = 4 * batch * heads * tokens * tokens * head_dim
                qkv = random_qkv(batch, tokens, heads, head_dim)
                out = torch.empty(batch, tokens, heads, head_dim, device="cuda", dtype=torch.bfloat16)
                repeats = 4 if flop > 1e10 else 20

                def report(who, microseconds):
                    emit({"section": "attention", "head_dim": head_dim, "heads": heads, "batch": batch, "tokens": tokens,
                          "who": who, "us": round(microseconds, 3), "tflops": round(flop / microseconds / 1e6, 1)})

                q, k, v = views(qkv)
                for who, back_end in BACK_ENDS.items():
                    try:
                        with sdpa_kernel(back_end):
                            call = lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)
                            call()
                            report(who, time_calls([call] * repeats, replays=5))
                    except Exception as error:
                        emit({"section": "attention", "head_dim": head_dim, "batch": batch, "tokens": tokens, "who": who,
                              "error": str(error)[:200]})
                for name, draft in drafts.items():
                    if draft.schedule.head_dim != head_dim:
                        continue
                    try:
                        report(name, time_calls([draft.bind(qkv, out)] * repeats, replays=5))
                    except Exception as error:
                        emit({"section": "attention", "who": name, "error": str(error)[:200]})


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1) as file:
        emit = lambda row: print(json.dumps(row), file=file)
        measure(check(load(pathlib.Path(sys.argv[1]), emit), emit), emit)
