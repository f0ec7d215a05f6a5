"""Makes the preprocessing goldens: small images and what the Hugging Face image processors make of them.

    pip install -r requirements.txt
    python make_preprocessing.py

See README.md, "Preprocessing goldens", for the format.
"""

import json
import pathlib
import shutil
import struct
import zlib

import numpy
import transformers
from PIL import Image
from safetensors.numpy import save_file
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import load_image

HERE = pathlib.Path(__file__).parent / "preprocessing"

RANDOM = numpy.random.Generator(numpy.random.PCG64(20))


def photo(height: int, width: int) -> numpy.ndarray:
    """Something with what a photograph has: smooth shading, hard edges, fine texture, saturated light, noise."""
    y, x = numpy.mgrid[0:height, 0:width] / max(height, width)
    red = 255 * x
    green = 127 + 127 * numpy.sin(14 * x * y + 5 * y)
    blue = 255 * (1 - y) + 40 * numpy.sin(160 * x)
    image = numpy.stack([red, green, blue], -1)
    image[(x - 0.3) ** 2 + (y - 0.3) ** 2 < 0.03] = (250, 245, 20)
    image[((x * 37).astype(int) + (y * 37).astype(int)) % 7 == 0] *= 0.3
    image += RANDOM.normal(0, 12, image.shape)
    return image.clip(0, 255).astype(numpy.uint8)


def images() -> dict[str, tuple[Image.Image, dict]]:
    """By file name, with what `Image.save` is to be told."""
    rgb = Image.fromarray(photo(63, 97))
    alpha = Image.fromarray(RANDOM.integers(0, 256, (50, 40), dtype=numpy.uint8))
    transparent = Image.fromarray(photo(50, 40))
    transparent.putalpha(alpha)
    sixteen = RANDOM.integers(0, 700, (24, 31)).astype(numpy.uint16)
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: rotate 90 degrees clockwise to see it upright
    return {
        "rgb.png": (rgb, {}),
        "rgba.png": (transparent, {}),
        "gray.png": (Image.fromarray(photo(33, 29)).convert("L"), {}),
        "gray-alpha.png": (transparent.convert("LA"), {}),
        "gray-16-bit.png": (Image.fromarray(sixteen), {}),
        "palette.png": (Image.fromarray(photo(48, 31)).quantize(32), {}),
        "one-bit.png": (Image.fromarray(photo(37, 41)).convert("1"), {}),
        "tall.png": (Image.fromarray(photo(151, 20)), {}),
        "wide.png": (Image.fromarray(photo(21, 150)), {}),
        "tiny.png": (Image.fromarray(photo(5, 7)), {}),
        "one-pixel.png": (Image.fromarray(photo(1, 1)), {}),
        "turned.png": (Image.fromarray(photo(40, 64)), {"exif": turned}),
        "bitmap.bmp": (Image.fromarray(photo(32, 45)), {}),
        "palette.gif": (Image.fromarray(photo(32, 45)).quantize(64), {}),
        "lossless.webp": (Image.fromarray(photo(32, 45)), {"lossless": True}),
        "photo.jpg": (Image.fromarray(photo(96, 130)), {"quality": 90}),
        "photo-full-chroma.jpg": (Image.fromarray(photo(96, 130)), {"quality": 95, "subsampling": 0}),
        "turned.jpg": (Image.fromarray(photo(40, 64)), {"quality": 90, "exif": turned}),
    }


def thin_images() -> dict[str, Image.Image]:
    """By file name, images that are resized to very long ones, of which a crop shows little."""
    return {
        "tall.png": Image.fromarray(photo(3_001, 1)),
        "wide.png": Image.fromarray(photo(1, 3_000)),
        "two-wide.png": Image.fromarray(photo(1_999, 2)),
        "three-high.png": Image.fromarray(photo(3, 2_000)),
    }


HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}

# preprocessor_config.json, by name. What a config leaves out is its class's default.
PROCESSORS = {
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": 24, "width": 24}},
    "vit-feature-extractor": {"feature_extractor_type": "ViTFeatureExtractor", "size": 18, "resample": 2, **HALF},
    "vit-larger": {"image_processor_type": "ViTImageProcessor", "size": {"height": 51, "width": 34}},
    "vit-box": {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 21}, "resample": 4},
    "vit-hamming": {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 21}, "resample": 5},
    "vit-lanczos": {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 21}, "resample": 1},
    "vit-nearest": {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 21}, "resample": 0},
    "vit-only-rescaled": {"image_processor_type": "ViTImageProcessor", "size": [16, 20], "do_normalize": False},
    "vit-only-normalized": {
        "image_processor_type": "ViTImageProcessor",
        "size": 16,
        "do_rescale": False,
        "image_mean": [120.0, 110.0, 100.0],
        "image_std": [60.0, 61.5, 63.0],
    },
    "deit": {"image_processor_type": "DeiTImageProcessor", "size": 30, "crop_size": 24},
    "clip": {"feature_extractor_type": "CLIPFeatureExtractor", "size": 24, "crop_size": 24, "resample": 3},
    "clip-padded": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 16}, "crop_size": 25},
    "clip-uncropped": {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 16, "longest_edge": 30},
        "do_center_crop": False,
    },
    "siglip": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 24, "width": 20}},
    "siglip-cropped-only": {
        "image_processor_type": "SiglipImageProcessor",
        "do_resize": False,
        "do_center_crop": True,
        "crop_size": {"height": 20, "width": 27},
    },
    "siglip-fast-cropped-only": {
        "image_processor_type": "SiglipImageProcessorFast",
        "do_resize": False,
        "do_center_crop": True,
        "crop_size": {"height": 20, "width": 27},
    },
    "dinov2": {
        "image_processor_type": "BitImageProcessor",
        "size": {"shortest_edge": 28},
        "crop_size": {"height": 24, "width": 24},
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "rescale_factor": 0.00392156862745098,
    },
}

# Those of them that crop what they resized with its aspect ratio.
CROPPING = ["clip", "clip-padded", "dinov2"]


def processor(config: dict) -> BaseImageProcessor:
    """The processor of a config. The names without `Fast` are those of the Pillow backend: they had no other."""
    kind = config.get("image_processor_type") or config["feature_extractor_type"]
    kind = kind.replace("FeatureExtractor", "ImageProcessor")
    kind = kind.removesuffix("Fast") if kind.endswith("Fast") else kind + "Pil"
    return getattr(transformers, kind).from_dict(config)


def levels_of(process: BaseImageProcessor, folder: pathlib.Path, files: list[str]) -> dict[str, numpy.ndarray]:
    """By file, the levels that a processor makes of it."""
    levels = {}
    for file in files:
        image = load_image(str(folder / file))
        raw = process(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
        assert raw.dtype == numpy.uint8, (file, raw.dtype)
        levels[file] = numpy.ascontiguousarray(raw)
    return levels


def png(width: int, height: int, data: bytes) -> bytes:
    """A gray PNG with that header, whatever the data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def bad_files() -> dict[str, bytes]:
    """Files that must give an error."""
    good = (HERE / "images" / "photo.jpg").read_bytes()
    bitmap = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 0, 5, 1, 24, 0, 0, 0, 0, 0, 0)
    return {
        "text.png": b"no image at all\n",
        "empty.jpg": b"",
        "truncated.jpg": good[:200],
        "truncated.png": (HERE / "images" / "rgb.png").read_bytes()[:5000],
        "zero-width.png": png(0, 5, b"\0" * 5),
        "zero-height.png": png(5, 0, b""),
        "zero-width.bmp": bitmap,
        "zero-height.gif": b"GIF89a" + struct.pack("<HHBBB", 5, 0, 0, 0, 0) + b";",
        "bomb.png": png(60_000, 60_000, b""),
    }


def pattern(name: str, width: int, height: int) -> numpy.ndarray:
    """Levels that the test makes as well (`levels` in `compiler/preprocess/src/resample/tests.rs`)."""
    if name == "ramps":
        y, x, channel = numpy.mgrid[0:height, 0:width, 0:3]
        return ((x + y) * (channel + 1) % 256).astype(numpy.uint8)
    noise, state = [], 1
    for _ in range(3 * width * height):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        noise.append(state >> 24)
    noise = numpy.array(noise, numpy.uint8).reshape(height, width, 3)
    return noise if name == "noise" else numpy.where(noise < 128, 255, 0).astype(numpy.uint8)


def digest(levels: numpy.ndarray) -> str:
    """The 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in levels.tobytes():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


# Widths and heights, from and to: down, up, both, one side kept, both orders of the sides, thin ones.
RESIZED = [
    ((97, 63), (24, 24)), ((63, 97), (24, 24)), ((24, 24), (97, 63)), ((45, 32), (45, 17)), ((45, 32), (17, 32)),
    ((45, 32), (101, 32)), ((45, 32), (45, 101)), ((20, 151), (28, 28)), ((151, 20), (28, 28)), ((7, 5), (64, 3)),
    ((5, 7), (3, 64)), ((1, 1), (9, 7)), ((1, 90), (5, 450)), ((90, 1), (450, 5)), ((90, 1), (1, 90)),
    ((1, 90), (90, 1)), ((2, 3), (3, 2)), ((131, 89), (130, 88)), ((256, 64), (128, 32)), ((64, 256), (64, 8)),
    ((301, 2), (7, 2)), ((3, 300), (2, 9)),
]  # fmt: skip


def resized() -> list[dict]:
    """Digests of what Pillow resizes those patterns to, by every filter, with the part that they are of."""
    cases = []

    def add(resample: int, name: str, size: tuple[int, int], to: tuple[int, int], part: list[list[int]]):
        levels = Image.fromarray(pattern(name, *size)).resize(to, resample=resample)
        columns, rows = part
        levels = numpy.asarray(levels.crop((columns[0], rows[0], columns[1], rows[1])))
        cases.append(
            {"filter": resample, "pattern": name, "from": size, "to": to, "part": part, "digest": digest(levels)}
        )

    for resample in range(8):
        for index, (size, to) in enumerate(RESIZED):
            for name in ("noise", "edges", "ramps")[index % 3 :: 2]:
                add(resample, name, size, to, [[0, to[0]], [0, to[1]]])
        # Crops out of images that nobody would make as a whole.
        for size, to in [((1, 6_000), (1, 1_344_000)), ((6_000, 1), (1_344_000, 1)), ((3, 40_000), (3, 300_001))]:
            middle = [[(side - min(side, 224)) // 2, (side + min(side, 224)) // 2] for side in to]
            add(resample, "noise", size, to, middle)
    return cases


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "images").mkdir(parents=True)
    files = []
    for name, (image, options) in images().items():
        image.save(HERE / "images" / name, **options)
        files.append(name)

    (HERE / "thin").mkdir()
    thin = []
    for name, image in thin_images().items():
        image.save(HERE / "thin" / name)
        thin.append(name)
    # 224 pixels wide it would be 13 440 000 high.
    (HERE / "thin" / "line.png").write_bytes(png(1, 60_000, b"\0\xff" * 60_000))

    (HERE / "bad").mkdir()
    for name, data in bad_files().items():
        (HERE / "bad" / name).write_bytes(data)

    lines = ",\n".join(json.dumps(case) for case in resized())
    (HERE / "resized.json").write_text(f"[\n{lines}\n]\n")

    for name, config in PROCESSORS.items():
        folder = HERE / name
        folder.mkdir()
        (folder / "preprocessor_config.json").write_text(json.dumps(config, indent=2) + "\n")
        process = processor(config)
        save_file(levels_of(process, HERE / "images", files), folder / "levels.safetensors")
        if name in CROPPING:
            save_file(levels_of(process, HERE / "thin", thin), folder / "thin.safetensors")
        values = process(load_image(str(HERE / "images" / "rgb.png")), return_tensors="np")["pixel_values"]
        save_file({"pixel_values": values.astype(numpy.float32)}, folder / "rgb.safetensors")


if __name__ == "__main__":
    main()
