"""The vision encoders that are compared: published configs of transformers, with random weights."""

import copy
from collections.abc import Callable

import torch
import transformers

# Of DINOv2 and the trained one alike: the size that its table of positions is for, and its patches.
DINOV2_SIZES = {"image_size": 518, "patch_size": 14}


def vit_b16() -> transformers.ViTModel:
    return transformers.ViTModel(transformers.ViTConfig(), add_pooling_layer=False)


def dinov2_b() -> transformers.Dinov2Model:
    return transformers.Dinov2Model(transformers.Dinov2Config(**DINOV2_SIZES))


def siglip_so400m() -> transformers.SiglipVisionModel:
    """SigLIP-so400m/14 at 384, up to `last_hidden_state`, where language models take it: without the head that pools."""
    sizes = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
    config = transformers.SiglipVisionConfig(**sizes, image_size=384, patch_size=14, vision_use_head=False)
    return transformers.SiglipVisionModel(config)


def random(make: Callable[[], transformers.PreTrainedModel]) -> transformers.PreTrainedModel:
    """The model with the weights that training would begin with, the same each time."""
    torch.manual_seed(0)
    return make().eval()


class LastHiddenState(torch.nn.Module):
    """The one output that is compared."""

    def __init__(self, model: transformers.PreTrainedModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values).last_hidden_state


@torch.no_grad()
def for_size(model: transformers.PreTrainedModel, size: int) -> transformers.PreTrainedModel:
    """The model for images of exactly that size: its table of positions interpolated once instead of in each call."""
    if model.config.image_size == size:
        return model
    model = copy.deepcopy(model)
    embeddings = model.embeddings
    tokens = (size // model.config.patch_size) ** 2 + 1
    shaped_like = embeddings.position_embeddings.new_empty(1, tokens, model.config.hidden_size)
    embeddings.position_embeddings = torch.nn.Parameter(embeddings.interpolate_pos_encoding(shaped_like, size, size))
    return model


def in_bf16(model: transformers.PreTrainedModel) -> transformers.PreTrainedModel:
    """A copy whose weights are bf16, and with them everything that it computes."""
    return copy.deepcopy(model).to(torch.bfloat16)
