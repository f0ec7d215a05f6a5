"""Latency of whole vision encoders in bf16 as torch runs them: eager, in a CUDA graph, compiled. Random weights.

    python peers.py eager RESULT.jsonl            # eager and CUDA graph, by the back end of attention
    python peers.py compiled RESULT.jsonl         # torch.compile(mode="max-autotune"), which takes minutes to compile

ViT-B/16 at 224, the vision tower of SigLIP so400m/14 at 384, DINOv2-L/14 at 224, as transformers defines them. Eager times
are from the call to the end of a synchronise (the host is part of it); graphs are timed by events, between replays.
"""

import contextlib
import json
import statistics
import sys
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

BACK_ENDS = {
    "default": None,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cuDNN": SDPBackend.CUDNN_ATTENTION,
}
IMAGE_SIZES = {"ViT-B/16": 224, "so400m/14-384": 384, "DINOv2-L/14": 224}


def build(name: str, device: str = "cuda", **shrink):
    import transformers as hf

    if name == "ViT-B/16":
        model = hf.ViTModel(hf.ViTConfig(attn_implementation="sdpa", **shrink), add_pooling_layer=False)
    elif name == "so400m/14-384":
        sizes = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16)
        config = hf.SiglipVisionConfig(**{**sizes, **shrink}, image_size=384, patch_size=14, attn_implementation="sdpa")
        model = hf.SiglipVisionModel(config)
    else:
        sizes = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16)
        config = hf.Dinov2Config(**{**sizes, **shrink}, image_size=224, patch_size=14, attn_implementation="sdpa")
        model = hf.Dinov2Model(config)
    model = model.to(torch.bfloat16).to(device).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    return model


def quickly(name: str):
    """The model, made on the device: random initialisation on the host takes many seconds."""
    torch.set_default_device("cuda")
    try:
        return build(name)
    finally:
        torch.set_default_device(None)


def pixels(name: str, batch: int) -> torch.Tensor:
    size = IMAGE_SIZES[name]
    return torch.randn(batch, 3, size, size, device="cuda").bfloat16()


def wall_ms(call, runs: int = 15) -> float:
    times = []
    for _ in range(runs):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def event_ms(call, runs: int = 15) -> float:
    times = []
    for _ in range(runs):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        call()
        after.record()
        after.synchronize()
        times.append(before.elapsed_time(after))
    return statistics.median(times)


_attention = torch.nn.functional.scaled_dot_product_attention


def without_mask(query, key, value, attn_mask=None, **how):
    """ViT of transformers 5.17 passes a mask that hides nothing, and with a mask torch has no fused kernel to choose."""
    return _attention(query, key, value, **how)


@contextlib.contextmanager
def mask_dropped(drop: bool):
    torch.nn.functional.scaled_dot_product_attention = without_mask if drop else _attention
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = _attention


def chosen(back_end):
    return contextlib.nullcontext() if back_end is None else sdpa_kernel(back_end)


@torch.inference_mode()
def eager(emit, batches=(1, 8, 32)) -> None:
    for name in IMAGE_SIZES:
        start = time.perf_counter()
        model = quickly(name)
        emit({"section": "peer model", "model": name, "seconds": round(time.perf_counter() - start, 1)})
        for batch in batches:
            inputs = pixels(name, batch)
            for label, back_end in BACK_ENDS.items() if name != "ViT-B/16" else [("as shipped", None), *BACK_ENDS.items()]:
                try:
                    with chosen(back_end), mask_dropped(label != "as shipped"):
                        run = lambda: model(pixel_values=inputs).last_hidden_state
                        for _ in range(3):
                            run()
                        row = {"section": "peer", "model": name, "batch": batch, "attention": label,
                               "eager_ms": round(wall_ms(run), 4)}
                        graph = torch.cuda.CUDAGraph()
                        with torch.cuda.graph(graph):
                            run()
                        for _ in range(3):
                            graph.replay()
                        row["graph_ms"] = round(event_ms(graph.replay), 4)
                        row["graph_wall_ms"] = round(wall_ms(graph.replay), 4)
                    emit(row)
                    if batch == 1 and label == "default":
                        from torch.profiler import ProfilerActivity, profile

                        with profile(activities=[ProfilerActivity.CUDA]) as trace:
                            graph.replay()
                            torch.cuda.synchronize()
                        events = [event for event in trace.events() if event.device_type.name == "CUDA"]
                        busy = {}
                        for event in events:
                            busy.setdefault(event.name[:70], []).append(event.device_time)
                        top = sorted(busy.items(), key=lambda item: -sum(item[1]))[:12]
                        emit({"section": "peer kernels", "model": name, "batch": batch, "kernels": len(events),
                              "busy_us": round(sum(sum(times) for times in busy.values()), 1),
                              "top": [[kernel, len(times), round(sum(times), 1)] for kernel, times in top]})
                    del graph
                except Exception as error:
                    emit({"section": "peer", "model": name, "batch": batch, "attention": label, "error": str(error)[:300]})
        del model
        torch.cuda.empty_cache()


@torch.inference_mode()
def compiled(emit, order=None, deadline: float = 1e9) -> None:
    order = order or [("ViT-B/16", 1), ("so400m/14-384", 1), ("DINOv2-L/14", 1), ("ViT-B/16", 8), ("so400m/14-384", 8),
                      ("DINOv2-L/14", 8)]
    import torch._inductor.config as inductor

    inductor.fx_graph_cache = True
    torch.nn.functional.scaled_dot_product_attention = without_mask
    for name, batch in order:
        if time.monotonic() > deadline:
            emit({"section": "peer compiled", "model": name, "batch": batch, "error": "no time left"})
            continue
        try:
            torch._dynamo.reset()
            model, inputs = quickly(name), pixels(name, batch)
            start = time.perf_counter()
            fast = torch.compile(model, mode="max-autotune", dynamic=False)
            run = lambda x: fast(pixel_values=x).last_hidden_state
            for _ in range(4):
                run(inputs)
            torch.cuda.synchronize()
            seconds = time.perf_counter() - start
            emit({"section": "peer compiled", "model": name, "batch": batch, "compile_s": round(seconds, 1),
                  "wall_ms": round(wall_ms(lambda: run(inputs)), 4), "event_ms": round(event_ms(lambda: run(inputs)), 4)})
            del model, fast, run
        except Exception as error:
            emit({"section": "peer compiled", "model": name, "batch": batch, "error": str(error)[:500]})


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1) as file:
        {"eager": eager, "compiled": compiled}[sys.argv[1]](lambda row: print(json.dumps(row), file=file))
