"""Makes activations.json: what every activation of transformers without parameters gives.

    python make_activations.py

`numbers` are arguments, `values` by name what the activation makes of each in float64, `features` by name the
`pooler_output` of the checkpoint vit-base with that `hidden_act` and `pooler_act`, in float32. All numbers are text:
JSON has neither NaN nor infinities.
"""

import json
import pathlib

import numpy
import torch
import transformers
from safetensors.torch import load_file
from transformers.activations import ACT2CLS, ACT2FN

HERE = pathlib.Path(__file__).parent
LEARNED = {"prelu", "xielu"}
NUMBERS = [
    *("nan", "inf", "-inf", "0.0", "-0.0", "1e30", "-1e30", "1e4", "-1e4", "100", "-100", "88", "-88", "30", "-30"),
    *("20.5", "-20.5", "10.5", "6.5", "6", "-5", "3", "-3", "2.5", "-2.5", "-1.5", "1", "-1", "0.7", "0.25", "-0.25"),
    *("1e-4", "-1e-4", "1e-30", "-1e-30"),
]


@torch.no_grad()
def features(name: str) -> list[str]:
    case = HERE / "vit-base"
    config = transformers.ViTConfig.from_pretrained(case / "model", hidden_act=name, pooler_act=name)
    model = transformers.ViTModel.from_pretrained(
        case / "model", config=config, dtype=torch.float32, attn_implementation="eager"
    )
    answer = model.eval()(load_file(case / "in.safetensors")["pixel_values"])
    return [str(number) for number in answer.pooler_output.flatten().numpy().astype(numpy.float32)]


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    names = [name for name in ACT2CLS if name not in LEARNED]
    numbers = torch.tensor([float(number) for number in NUMBERS], dtype=torch.float64)
    table = {
        "transformers": transformers.__version__,
        "numbers": " ".join(NUMBERS),
        "values": {name: " ".join(repr(value) for value in ACT2FN[name](numbers).tolist()) for name in names},
        "features": {name: " ".join(features(name)) for name in names},
    }
    (HERE / "activations.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
