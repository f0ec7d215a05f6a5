"""Makes names.json: what transformers calls the tensors of an encoder, as published and as its own modules have them.

    python make_names.py

By class of transformers, each published name whose tensor has other names in the model's own state dict, with these:
one, or several whose rows, one after the other, are the published one's. `*` stands for the number of a layer.

The pairs come from the numbers in the tensors, not from the conversion tables of transformers.
"""

import json
import pathlib
import tempfile

import torch
import transformers
from safetensors.torch import load_file

from make import config, dinov2

HERE = pathlib.Path(__file__).parent

VIT, DINOV2 = config(16, 1, 24, 8, 4, num_hidden_layers=1), dinov2(16, 1, 2, 8, 4, num_hidden_layers=1)
MODELS = {
    "ViTModel": VIT,
    "ViTForImageClassification": VIT,
    "DeiTModel": VIT,
    "DeiTForImageClassificationWithTeacher": VIT,
    "Dinov2Model": DINOV2,
    "Dinov2Model, SwiGLU": DINOV2 | {"use_swiglu_ffn": True},
    "Dinov2ForImageClassification": DINOV2,
    "Dinov2Backbone": DINOV2,
    "Dinov2WithRegistersModel": DINOV2,
    "Dinov2WithRegistersModel, SwiGLU": DINOV2 | {"use_swiglu_ffn": True},
    "Dinov2WithRegistersForImageClassification": DINOV2,
    "CLIPVisionModel": VIT,
    "CLIPVisionModelWithProjection": VIT,
    "SiglipVisionModel": VIT,
}


def saved(model: torch.nn.Module, original: bool) -> dict[str, torch.Tensor]:
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory, save_original_format=original)
        return load_file(pathlib.Path(directory) / "model.safetensors")


def other_names(published: dict, new: dict) -> dict[str, list[str]]:
    """Every tensor has numbers of its own, so that equal rows are the same rows."""
    names = {}
    for name, tensor in published.items():
        if name in new:
            assert torch.equal(tensor, new[name])
            continue
        rows = {}
        for other, part in new.items():
            if part.shape[1:] == tensor.shape[1:] and other not in published:
                first = next((i for i in range(len(tensor)) if torch.equal(tensor[i : i + len(part)], part)), None)
                if first is not None:
                    rows[first] = other
        names[name] = [rows[first] for first in sorted(rows)]
        assert torch.equal(torch.cat([new[other] for other in names[name]]), tensor), name
    return names


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    table = {}
    for name, arguments in MODELS.items():
        cls = getattr(transformers, name.split(",")[0])
        model = cls(cls.config_class(**arguments))
        for parameter in model.parameters():
            parameter.data = torch.randn_like(parameter)
        new = saved(model, original=False)
        assert sorted(new) == sorted(model.state_dict())
        names = other_names(saved(model, original=True), new)
        star = lambda name: name.replace(".0.", ".*.")
        table[name] = {star(old): [star(other) for other in others] for old, others in sorted(names.items())}
    table = {"transformers": transformers.__version__, "models": table}
    (HERE / "names.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
