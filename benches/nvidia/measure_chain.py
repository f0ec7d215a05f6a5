"""What an encoder's matrix work takes end to end: qkv, attention, proj, fc1, fc2 of every layer in one graph.

    python measure_chain.py build RESULT.jsonl       # RESULT.jsonl already holds what measure_gemm.py and _attention.py say

The fastest schedule of each shape is taken from those figures, with and without those that fetch weights early
(programmatic dependent launch), beside cuBLAS and cuDNN's attention in a graph. Norms, activations and residuals are
left out, so this is a floor, not a forecast.
"""

import json
import pathlib
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import measure_attention
import measure_gemm
import schedules
from device import time_calls

MODELS = {"ViT-B": (schedules.VIT_B, 12, 12, 64, 197), "so400m": (schedules.SO400M, 27, 16, 72, 729),
          "DINOv2-L": (schedules.DINO_L, 24, 16, 64, 257)}


def fastest(rows: list[dict], allowed) -> dict:
    return min((row for row in rows if "us" in row and not row.get("hot") and allowed(row["who"])), key=lambda row: row["us"])


def measure(folder: pathlib.Path, results: list[dict], emit, batches=(1, 8)) -> None:
    ignore = lambda row: None
    drafts, reduce = measure_gemm.load(folder, ignore)
    attention = measure_attention.load(folder, ignore)
    for model, (linears, layers, heads, head_dim, tokens) in MODELS.items():
        for batch in batches:
            m, width = tokens * batch, heads * head_dim
            inputs = {"qkv": measure_gemm.random(m, width), "fc2": measure_gemm.random(m, linears[3][1])}
            qkv = measure_attention.random_qkv(batch, tokens, heads, head_dim)
            mixed = torch.empty(m, width, device="cuda", dtype=torch.bfloat16)
            weights = [{layer: measure_gemm.random(n, k) for layer, k, n in linears} for _ in range(layers)]
            source = {"qkv": inputs["qkv"], "proj": mixed, "fc1": inputs["qkv"], "fc2": inputs["fc2"]}
            target = {"qkv": qkv.view(m, -1), "proj": inputs["qkv"], "fc1": inputs["fc2"], "fc2": inputs["qkv"]}
            seen = [row for row in results if row.get("section") == "attention" and row.get("head_dim") == head_dim
                    and row.get("batch") == batch and row.get("tokens") == tokens]
            for label, early in (("plain", False), ("with early weights", True)):
                chosen, keep = {}, []
                for layer, k, n in linears:
                    rows = [row for row in results if row.get("section") == "gemm" and row.get("shape") ==
                            f"{model} {layer} x{batch}"]
                    allowed = lambda who: who in drafts and not drafts[who].schedule.starved and (
                        early or not drafts[who].schedule.early)
                    chosen[layer] = fastest(rows, allowed)
                mixer = fastest(seen, lambda who: who in attention)
                calls = []
                for layer_weights in weights:
                    for layer, k, n in linears:
                        row = chosen[layer]
                        draft, shape, parts = drafts[row["who"]], (m, n, k), row.get("parts", 1)
                        weight = draft.weight(layer_weights[layer])
                        if draft.schedule.split:
                            workspace = torch.empty(parts, m, n, device="cuda")
                            launch, used = draft.bind(source[layer], weight, workspace, mixed, shape, parts)
                            launch = measure_gemm.with_reduce(launch, reduce, workspace, target[layer], m * n, used)
                        else:
                            own = draft.own(m, n, parts)
                            launch = draft.bind(source[layer], weight, target[layer], mixed, shape, parts, own)[0]
                            keep.append(own)
                        calls.append(launch)
                        if layer == "qkv":
                            calls.append(attention[mixer["who"]].bind(qkv, mixed.view(batch, tokens, heads, head_dim)))
                microseconds = time_calls([lambda: [call() for call in calls]])
                emit({"section": "chain", "model": model, "batch": batch, "who": f"drafts, {label}", "us": microseconds,
                      "schedules": {layer: row["who"] for layer, row in chosen.items()} | {"attention": mixer["who"]}})

            q, k, v = measure_attention.views(qkv)

            def cublas():
                for layer_weights in weights:
                    for layer, _, _ in linears:
                        torch.mm(source[layer], layer_weights[layer].t(), out=target[layer])
                        if layer == "qkv":
                            torch.nn.functional.scaled_dot_product_attention(q, k, v)

            with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
                emit({"section": "chain", "model": model, "batch": batch, "who": "cuBLAS and cuDNN",
                      "us": time_calls([cublas])})


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[2])
    known = [json.loads(line) for line in path.read_text().splitlines()]
    with open(path, "a", buffering=1) as file:
        measure(pathlib.Path(sys.argv[1]), known, lambda row: print(json.dumps(row), file=file))
