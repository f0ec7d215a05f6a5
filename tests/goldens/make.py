"""Makes the model goldens: tiny random checkpoints, inputs, and what PyTorch computes from them.

    pip install -r requirements.txt
    python make.py              # all cases
    python make.py siglip-full  # those named

See README.md for the format. Every case is one entry of CASES, at the end of this file.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
from dataclasses import dataclass, field

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent


@dataclass
class Case:
    """One golden: a checkpoint as `save_pretrained` writes it, one input, its outputs."""

    model: str
    """The class of transformers whose checkpoint this is."""
    config: dict
    """What differs from the class's default config. For a full checkpoint: its `vision_config`."""
    input: tuple[int, int, int]
    """Images, height, width of `pixel_values`."""
    interpolate: bool = False
    """Whether the forward is asked for `interpolate_pos_encoding` (DINOv2 always interpolates)."""
    pooler: bool = True
    """Whether a ViT or DeiT has its pooling layer."""
    stored: torch.dtype = torch.float32
    """The dtype of the weights in the file."""
    shard: str | None = None
    """`max_shard_size`, where the checkpoint is to be split."""
    prefix: str = ""
    """Put before each tensor name, where the published checkpoints have it and transformers no longer writes it."""
    sparse_config: bool = False
    """Leave out of config.json what equals the class's default, as published configs do."""
    text: dict = field(default_factory=dict)
    """The `text_config` of a full checkpoint."""


def build(case: Case) -> torch.nn.Module:
    model = getattr(transformers, case.model)
    config = model.config_class
    if case.text:
        return model(config(vision_config=case.config, text_config=case.text, projection_dim=8))
    arguments = {} if case.pooler else {"add_pooling_layer": False}
    return model(config(**case.config), **arguments)


def vision_part(model: torch.nn.Module) -> torch.nn.Module:
    """The vision encoder inside a model: what Ocellus compiles."""
    for name in ("vision_model", "vit", "deit", "dinov2", "dinov2_with_registers"):
        if hasattr(model, name):
            return getattr(model, name)
    return model


def randomize(model: torch.nn.Module, random: numpy.random.Generator):
    """No parameter may be zero, one or equal to another: an error in its use has to show.

    The scales keep activations near one and attention neither flat nor one-hot.
    """
    for name, parameter in sorted(model.named_parameters()):
        shape = tuple(parameter.shape)
        noise = random.standard_normal(shape)
        norm = "norm" in name or "layrnorm" in name
        if "lambda" in name:
            value = 0.7 + 0.25 * noise
        elif norm and name.endswith("weight"):
            value = 1.0 + 0.3 * noise
        elif name.endswith("bias"):
            value = 0.3 * noise
        elif parameter.ndim >= 2 and not any(part in name for part in ("embeddings.", "token", "probe")):
            value = noise / numpy.sqrt(numpy.prod(shape[1:]))
        elif "projection" in name or "patch_embedding" in name:
            value = noise / numpy.sqrt(numpy.prod(shape[1:]))
        else:
            value = 0.7 * noise
        parameter.data = torch.from_numpy(numpy.asarray(value, dtype=numpy.float32))


def write_checkpoint(case: Case, model: torch.nn.Module, directory: pathlib.Path):
    sharding = {"max_shard_size": case.shard} if case.shard else {}
    model.to(case.stored).save_pretrained(directory, **sharding)
    if case.prefix:
        file = directory / "model.safetensors"
        tensors = {case.prefix + name: tensor for name, tensor in load_file(file).items()}
        save_file(tensors, file, metadata={"format": "pt"})
    if case.sparse_config:
        file = directory / "config.json"
        defaults = type(model.config)().to_dict()
        config = json.loads(file.read_text())
        keep = {"model_type", "architectures"}
        config = {key: value for key, value in config.items() if key in keep or defaults.get(key) != value}
        file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def load(case: Case, directory: pathlib.Path, dtype: torch.dtype) -> torch.nn.Module:
    """Reads the checkpoint back as a user would. Every tensor must find its place."""
    arguments = {} if case.pooler else {"add_pooling_layer": False}
    model, report = getattr(transformers, case.model).from_pretrained(
        directory, dtype=dtype, attn_implementation="eager", output_loading_info=True, **arguments
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[problem], f"{directory}: {problem}: {report[problem]}"
    return vision_part(model).eval()


@torch.no_grad()
def outputs(case: Case, directory: pathlib.Path, pixel_values: torch.Tensor, dtype: torch.dtype) -> dict:
    arguments = {"interpolate_pos_encoding": True} if case.interpolate else {}
    answer = load(case, directory, dtype)(pixel_values.to(dtype), **arguments)
    names = ("last_hidden_state", "pooler_output")
    # A pooler's answer may be a view into the hidden states: safetensors wants each tensor by itself.
    return {name: answer[name].clone().contiguous() for name in names if answer.get(name) is not None}


def relative_l2(found: dict, exact: dict) -> dict:
    return {
        name: float(f"{(found[name].double() - exact[name].double()).norm() / exact[name].double().norm():.4g}")
        for name in exact
    }


def make(name: str, case: Case):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    random = numpy.random.Generator(numpy.random.PCG64(seed))

    model = build(case)
    randomize(model, random)
    write_checkpoint(case, model, folder / "model")

    images, height, width = case.input
    channels = case.config.get("num_channels", 3)
    pixels = random.standard_normal((images, channels, height, width)).astype(numpy.float32)
    pixel_values = torch.from_numpy(pixels)
    f32, bf16, f64 = (
        outputs(case, folder / "model", pixel_values, dtype) for dtype in (torch.float32, torch.bfloat16, torch.float64)
    )

    save_file({"pixel_values": pixel_values}, folder / "in.safetensors")
    save_file(f32, folder / "out.safetensors")
    golden = {
        "model": case.model,
        "versions": {library.__name__: library.__version__.split("+")[0] for library in (torch, transformers)},
        "interpolate_pos_encoding": case.interpolate,
        "ranges": {symbol: [1, 2 * value] for symbol, value in zip(("images", "height", "width"), case.input)},
        "outputs": {output: list(value.shape) for output, value in f32.items()},
        "bf16_relative_l2": relative_l2(bf16, f32),
        "f32_relative_l2": relative_l2(f32, f64),
    }
    # An image has at least one patch: below that the convolution has no answer.
    patch = model.config.vision_config.patch_size if case.text else model.config.patch_size
    golden["ranges"]["height"][0] = golden["ranges"]["width"][0] = patch
    (folder / "golden.json").write_text(json.dumps(golden, indent=2) + "\n")


def config(hidden, heads, mlp, image, patch, **more) -> dict:
    """A ViT-like config, of two layers where not said otherwise."""
    return {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "intermediate_size": mlp,
        "num_hidden_layers": 2,
        "image_size": image,
        "patch_size": patch,
        **more,
    }


def dinov2(hidden, heads, ratio, image, patch, **more) -> dict:
    """A DINOv2 config of two layers: the MLP's width is `ratio` times the hidden size."""
    layers = config(hidden, heads, None, image, patch, mlp_ratio=ratio, **more)
    del layers["intermediate_size"]
    return layers


TEXT = {
    "hidden_size": 16,
    "num_attention_heads": 1,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "vocab_size": 8,
    "max_position_embeddings": 4,
    "bos_token_id": 0,
    "eos_token_id": 2,
}

# The head dimension is hidden / heads; a name says what is particular about its case.
CASES = {
    "vit-base": Case("ViTModel", config(48, 3, 80, 24, 6), (1, 24, 24)),
    "vit-no-pooler": Case("ViTModel", config(40, 1, 56, 16, 4), (3, 16, 16), pooler=False),
    "vit-narrow-pooler": Case("ViTModel", config(32, 2, 40, 16, 4, pooler_output_size=20), (2, 16, 16)),
    "vit-interpolated": Case("ViTModel", config(72, 1, 88, 32, 8), (2, 24, 40), interpolate=True, stored=torch.float16),
    "vit-larger-ragged": Case("ViTModel", config(32, 2, 64, 36, 12), (1, 61, 50), interpolate=True),
    "vit-smaller": Case("ViTModel", config(32, 2, 64, 64, 8), (2, 24, 16), interpolate=True),
    "vit-no-qkv-bias": Case(
        "ViTModel",
        config(48, 3, 64, 20, 5, qkv_bias=False, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6),
        (2, 20, 20),
    ),
    "vit-quick-gelu": Case("ViTModel", config(80, 1, 72, 24, 6, hidden_act="quick_gelu"), (1, 24, 24), stored=torch.bfloat16),
    "vit-native-rectangle": Case("ViTModel", config(32, 2, 48, [24, 40], 8), (2, 24, 40)),
    "vit-one-channel": Case("ViTModel", config(32, 1, 48, 24, 8, num_channels=1), (2, 24, 24)),
    "vit-image-classification": Case(
        "ViTForImageClassification", config(40, 1, 64, 24, 8), (2, 24, 24), sparse_config=True
    ),
    "vit-sharded": Case("ViTModel", config(32, 2, 64, 32, 8), (1, 32, 32), shard="40KB"),
    "vit-f16-stored": Case("ViTModel", config(80, 2, 56, 20, 5), (1, 20, 20), stored=torch.float16),
    "vit-bf16-stored": Case("ViTModel", config(176, 2, 48, 32, 8, num_hidden_layers=1), (1, 32, 32), stored=torch.bfloat16),
    "deit-distilled": Case("DeiTModel", config(48, 3, 64, 24, 6), (2, 24, 24)),
    "deit-interpolated": Case("DeiTModel", config(72, 3, 80, 32, 8), (2, 40, 24), interpolate=True, stored=torch.bfloat16),
    "deit-with-teacher": Case(
        "DeiTForImageClassificationWithTeacher", config(40, 1, 64, 24, 6), (3, 24, 24), sparse_config=True, stored=torch.float16
    ),
    "clip-published-names": Case(
        "CLIPVisionModel", config(48, 3, 64, 24, 6), (2, 24, 24), prefix="vision_model.", sparse_config=True
    ),
    "clip-new-names": Case("CLIPVisionModel", config(80, 1, 88, 24, 6, hidden_act="gelu"), (1, 24, 24), stored=torch.float16),
    "clip-interpolated": Case(
        "CLIPVisionModel", config(88, 1, 56, 24, 6), (2, 45, 24), interpolate=True, prefix="vision_model.", stored=torch.bfloat16
    ),
    "clip-with-projection": Case(
        "CLIPVisionModelWithProjection", config(32, 2, 64, 48, 16, projection_dim=12), (2, 48, 48), stored=torch.float16
    ),
    "clip-full": Case("CLIPModel", config(48, 2, 64, 24, 8), (2, 24, 24), text=TEXT),
    "clip-full-sharded-f16": Case(
        "CLIPModel", config(48, 3, 64, 32, 8), (1, 32, 32), text=TEXT, shard="30KB", stored=torch.float16
    ),
    "siglip-published-names": Case(
        "SiglipVisionModel", config(48, 3, 72, 24, 6), (2, 24, 24), prefix="vision_model.", sparse_config=True
    ),
    "siglip-new-names": Case("SiglipVisionModel", config(40, 1, 56, 16, 4), (3, 16, 16)),
    "siglip-so400m-like": Case(
        "SiglipVisionModel",
        config(144, 2, 53, 23, 5, num_hidden_layers=1),
        (1, 23, 23),
        prefix="vision_model.",
        stored=torch.bfloat16,
    ),
    "siglip-interpolated": Case(
        "SiglipVisionModel", config(72, 3, 64, 32, 8), (2, 24, 43), interpolate=True, prefix="vision_model.", stored=torch.float16
    ),
    "siglip-no-head": Case(
        "SiglipVisionModel",
        config(48, 2, 64, 24, 8, vision_use_head=False),
        (2, 24, 24),
        prefix="vision_model.",
        stored=torch.bfloat16,
    ),
    "siglip-full": Case("SiglipModel", config(48, 2, 56, 24, 6), (2, 24, 24), text=TEXT),
    "siglip-full-sharded-bf16": Case(
        "SiglipModel", config(48, 3, 64, 32, 8), (1, 32, 32), text=TEXT, shard="30KB", stored=torch.bfloat16
    ),
    "dinov2-base": Case("Dinov2Model", dinov2(40, 1, 1, 42, 14), (1, 42, 42)),
    "dinov2-larger-rectangle": Case("Dinov2Model", dinov2(32, 1, 2, 32, 8), (2, 40, 64)),
    "dinov2-smaller-ragged": Case("Dinov2Model", dinov2(32, 2, 2, 64, 8), (2, 45, 30), stored=torch.float16),
    "dinov2-swiglu": Case("Dinov2Model", dinov2(64, 2, 1, 24, 6, use_swiglu_ffn=True), (1, 24, 24), stored=torch.float16),
    "dinov2-no-qkv-bias": Case("Dinov2Model", dinov2(72, 1, 1, 32, 8, qkv_bias=False, hidden_act="gelu_pytorch_tanh"), (1, 32, 48), stored=torch.float16),
    "dinov2-no-mask-token": Case("Dinov2Model", dinov2(32, 2, 2, 24, 6, use_mask_token=False), (2, 24, 24)),
    "dinov2-image-classification": Case(
        "Dinov2ForImageClassification", dinov2(48, 2, 1, 24, 6), (2, 24, 24), sparse_config=True, stored=torch.float16
    ),
    "dinov2-registers-base": Case("Dinov2WithRegistersModel", dinov2(48, 3, 1, 24, 6), (2, 24, 24), sparse_config=True),
    "dinov2-registers-larger": Case(
        "Dinov2WithRegistersModel", dinov2(40, 1, 2, 32, 8, num_register_tokens=1), (1, 61, 40)
    ),
    "dinov2-registers-smaller": Case("Dinov2WithRegistersModel", dinov2(32, 2, 2, 64, 8), (2, 24, 40)),
    "dinov2-registers-swiglu": Case(
        "Dinov2WithRegistersModel",
        dinov2(88, 1, 1, 28, 7, use_swiglu_ffn=True),
        (1, 42, 28),
        stored=torch.bfloat16,
    ),
    "dinov2-registers-image-classification": Case(
        "Dinov2WithRegistersForImageClassification", dinov2(32, 2, 2, 32, 8, num_register_tokens=3), (2, 32, 40)
    ),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    names = arguments.parse_args().cases or list(CASES)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in names:
        make(name, CASES[name])
        golden = json.loads((HERE / name / "golden.json").read_text())
        size = sum(file.stat().st_size for file in (HERE / name).rglob("*") if file.is_file())
        print(f"{name:40} {size / 1024:6.0f} KiB  f32 {golden['f32_relative_l2']}  bf16 {golden['bf16_relative_l2']}")


if __name__ == "__main__":
    main()
