"""Makes processor-files.json: which processor `transformers` finds in a checkpoint's files, and what it takes from them.

    pip install -r requirements.txt
    python make_processor_files.py

Each case is a folder of JSON files, and what `AutoImageProcessor` makes of `preprocessing/images/rgb.png` with them: the
shape of `pixel_values`, and its numbers at the first, the middle and the last of rows and columns; or none of it where it
refuses. The numbers are those of the Pillow backend; the other has to agree on the shape.
"""

import json
import pathlib
import tempfile

import numpy
from transformers import AutoImageProcessor
from transformers.image_utils import load_image

HERE = pathlib.Path(__file__).parent / "preprocessing"
IMAGE = "rgb.png"

OLD = "preprocessor_config.json"
NEW = "processor_config.json"
MODEL = "config.json"

VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 24, "width": 24}}
CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 30}, "crop_size": 24}
SIGLIP = {"image_processor_type": "SiglipImageProcessor", "size": {"height": 20, "width": 24}}
STALE = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}


def nested(config: dict | None, **around) -> dict:
    return {"processor_class": "CLIPProcessor", "image_processor": config, **around}


# Files by name; a text is written as it is, anything else as JSON.
CASES: dict[str, dict[str, object]] = {
    # Which file.
    "only the old file": {OLD: VIT},
    "only the new file": {NEW: nested(VIT)},
    "the new file before the old one": {NEW: nested(VIT), OLD: STALE},
    "a new file that nests no image processor, and the old one": {NEW: {"processor_class": "CLIPProcessor"}, OLD: VIT},
    "a new file that nests no image processor": {NEW: {"processor_class": "CLIPProcessor"}},
    "keys beside the nesting are not the image processor's": {NEW: {**STALE, "do_resize": False}, OLD: VIT},
    "a nested null, and the old file": {NEW: nested(None), OLD: VIT},
    "a nested null": {NEW: nested(None)},
    "an empty nested processor, and the old file": {NEW: nested({}), OLD: STALE, MODEL: {"model_type": "vit"}},
    "a nested video processor": {NEW: nested(VIT, video_processor={**STALE, "do_resize": False})},
    "only a video processor": {NEW: {"video_processor": VIT}},
    "no file": {MODEL: {"model_type": "vit"}},
    # Which class.
    "the class of the Pillow backend": {OLD: {**CLIP, "image_processor_type": "CLIPImageProcessorPil"}},
    "a class with the old ending": {OLD: {**CLIP, "image_processor_type": "CLIPImageProcessorFast"}},
    "a feature extractor": {OLD: {"feature_extractor_type": "ViTFeatureExtractor", "size": 24}},
    "a null class, and a feature extractor": {
        OLD: {"image_processor_type": None, "feature_extractor_type": "ViTFeatureExtractor", "size": 24}
    },
    "a class before a feature extractor": {OLD: {**VIT, "feature_extractor_type": "CLIPFeatureExtractor"}},
    "the model's type names the class": {NEW: nested({"size": {"height": 24, "width": 20}}), MODEL: {"model_type": "vit"}},
    "the model's config names the class": {
        OLD: {"size": 30},
        MODEL: {"model_type": "vit", "image_processor_type": "CLIPImageProcessor", "hidden_size": 64},
    },
    "nothing names the class": {OLD: {"size": 24}},
    "an unknown class": {OLD: {"image_processor_type": "NoSuchImageProcessor"}, MODEL: {"model_type": "vit"}},
    # What null means.
    "do_resize is null": {OLD: {**CLIP, "do_resize": None}},
    "size is null": {OLD: {**CLIP, "size": None}},
    "size is null where nothing is resized": {OLD: {**CLIP, "size": None, "do_resize": False}},
    "resample is null": {OLD: {**CLIP, "resample": None}},
    "resample is null where nothing is resized": {OLD: {**CLIP, "resample": None, "do_resize": None}},
    "do_center_crop is null": {OLD: {**CLIP, "do_center_crop": None}},
    "do_center_crop is null in a nested processor": {NEW: nested({**CLIP, "do_center_crop": None})},
    "crop_size is null": {OLD: {**CLIP, "crop_size": None}},
    "crop_size is null where nothing is cropped": {OLD: {**CLIP, "crop_size": None, "do_center_crop": None}},
    "do_rescale is null": {OLD: {**CLIP, "do_rescale": None}},
    "rescale_factor is null": {OLD: {**CLIP, "rescale_factor": None}},
    "rescale_factor is null where nothing is rescaled": {OLD: {**CLIP, "rescale_factor": None, "do_rescale": False}},
    "do_normalize is null": {OLD: {**CLIP, "do_normalize": None}},
    "image_mean is null": {OLD: {**CLIP, "image_mean": None}},
    "image_std is null": {OLD: {**CLIP, "image_std": None}},
    "mean and deviation are null where nothing is normalized": {
        OLD: {**CLIP, "image_mean": None, "image_std": None, "do_normalize": False}
    },
    "every step is null": {
        OLD: {**CLIP, "do_resize": None, "do_center_crop": None, "do_rescale": None, "do_normalize": None}
    },
    "do_convert_rgb is null": {OLD: {**CLIP, "do_convert_rgb": None}},
    "do_pad is null": {OLD: {**CLIP, "do_pad": None}},
    "one number is a square": {OLD: {**VIT, "size": 24}},
    "one number is a square, and default_to_square null": {OLD: {**VIT, "size": 24, "default_to_square": None}},
    "one number is the shorter side": {OLD: {**SIGLIP, "size": 24}},
    "one number is the shorter side, and default_to_square true": {OLD: {**SIGLIP, "size": 24, "default_to_square": True}},
    "the longest edge is null": {OLD: {**CLIP, "size": {"shortest_edge": 24, "longest_edge": None}}},
    # Flags that are no Booleans.
    "do_resize is 0": {OLD: {**CLIP, "do_resize": 0}},
    "do_center_crop is 0.0": {OLD: {**CLIP, "do_center_crop": 0.0}},
    "do_normalize is 1": {OLD: {**CLIP, "do_normalize": 1}},
    # Steps that these classes do not have.
    "a step of another class": {OLD: {**CLIP, "do_pan_and_scan": True, "do_reduce_labels": True}},
    "use_square_size": {OLD: {**CLIP, "use_square_size": True, "do_center_crop": False}},
    "use_square_size of another class": {OLD: {**VIT, "use_square_size": True}},
    "use_square_size is null": {OLD: {**CLIP, "use_square_size": None}},
    # What Python writes and reads as JSON.
    "numbers that are none, in keys that nobody reads": {
        OLD: json.dumps({**VIT, "a": float("nan"), "b": [float("inf"), {"c": -float("inf")}]})
    },
    "a number beyond any float, in a key that nobody reads": {OLD: json.dumps(VIT)[:-1] + ', "a": 1e999}'},
    "an integer of four hundred digits, in a key that nobody reads": {OLD: json.dumps(VIT)[:-1] + f', "a": {10**400}}}'},
    "half a surrogate pair, in a key that nobody reads": {OLD: json.dumps(VIT)[:-1] + ', "a": "\\ud83d"}'},
    "the last of two equal keys counts": {OLD: '{"size": 32, ' + json.dumps({**VIT, "size": 24})[1:]},
    "a byte order mark": {OLD: "\ufeff" + json.dumps(VIT)},
    "a comma too many": {OLD: json.dumps(VIT)[:-1] + ",}"},
    "infinity by another name": {OLD: json.dumps(VIT)[:-1] + ', "a": inf}'},
}


def made_of(folder: str, backend: str) -> numpy.ndarray | None:
    """The `pixel_values`, or nothing where the reference refuses."""
    try:
        processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
        values = processor(load_image(str(HERE / "images" / IMAGE)), return_tensors="np")["pixel_values"]
    except Exception:
        return None
    return numpy.asarray(values, dtype=numpy.float32)


def main():
    cases = []
    for name, files in CASES.items():
        texts = {file: content if isinstance(content, str) else json.dumps(content) for file, content in files.items()}
        with tempfile.TemporaryDirectory() as folder:
            for file, text in texts.items():
                (pathlib.Path(folder) / file).write_text(text, encoding="utf-8")
            made, other = (made_of(folder, backend) for backend in ("pil", "torchvision"))
        assert (made is None) == (other is None), name
        case = {"name": name, "files": texts}
        if made is not None:
            assert made.shape == other.shape, name
            _, _, height, width = made.shape
            at = [(y * (height - 1) // 2, x * (width - 1) // 2) for y in range(3) for x in range(3)]
            numbers = [round(float(made[0, channel, y, x]), 4) for channel in range(3) for y, x in at]
            case |= {"shape": list(made.shape), "values": numbers}
        cases.append(case)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "processor-files.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
