"""Makes the decoding goldens: small files of every kind, whole and damaged, and what Pillow makes of them.

    pip install -r requirements.txt
    python make_decoding.py

See README.md, "Decoding goldens", for the format.
"""

import io
import json
import pathlib
import struct
import warnings
import zlib

import numpy
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from transformers.image_utils import load_image

HERE = pathlib.Path(__file__).parent / "decoding"

RANDOM = numpy.random.Generator(numpy.random.PCG64(21))


def reference(data: bytes) -> numpy.ndarray | None:
    """The levels that transformers takes from a file; None where it raises an exception."""
    path = HERE / "file"
    path.write_bytes(data)
    try:
        return numpy.asarray(load_image(str(path)))
    except Exception:
        return None
    finally:
        path.unlink()


def noise(count: int) -> bytes:
    return RANDOM.integers(0, 256, count, dtype=numpy.uint8).tobytes()


def photo(height: int, width: int) -> Image.Image:
    y, x = numpy.mgrid[0:height, 0:width] / max(height, width)
    planes = [255 * x, 127 + 127 * numpy.sin(14 * x * y + 5 * y), 255 * (1 - y) + 40 * numpy.sin(40 * x)]
    levels = numpy.stack(planes, -1) + RANDOM.normal(0, 6, (height, width, 3))
    return Image.fromarray(levels.clip(0, 255).astype(numpy.uint8))


def saved(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


# PNG


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def png(depth, color, before=b"", after=b"", *, size=(9, 5), canvas=None, interlaced=0, scanlines=lambda data: data, last=b""):
    """Noise, in the given format, with all filters, and chunks before and after the pixels."""
    width, height = size
    bits = CHANNELS[color] * depth
    data = b""
    for x, y, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - x) // dx), -(-(height - y) // dy)
        for _ in range(rows if columns > 0 else 0):
            data += bytes([int(RANDOM.integers(0, 5))]) + noise((columns * bits + 7) // 8)
    packed = zlib.compress(scanlines(data)) + last
    header = struct.pack(">IIBBBBB", *(canvas or size), depth, color, 0, 0, interlaced)
    half = len(packed) // 2
    pixels = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")


def frame(number, width, height, x, y):
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, x, y, 1, 1, 0, 0))


def frames(count):
    return chunk(b"acTL", struct.pack(">II", count, 0))


def pngs():
    for color, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            palette = chunk(b"PLTE", noise(3 * min(1 << depth, 200))) if color == 3 else b""
            level = int(RANDOM.integers(0, 1 << depth))
            alpha = {0: struct.pack(">H", level), 2: b"\0\1\0\2\0\3", 3: noise(min(5, 1 << depth))}.get(color, b"")
            name = f"png {color} {depth} bits"
            yield name, png(depth, color, palette)
            yield f"{name} transparent", png(depth, color, palette + chunk(b"tRNS", alpha))
            yield f"{name} interlaced", png(depth, color, palette, interlaced=1)
    yield "png interlaced, one pixel", png(8, 2, interlaced=1, size=(1, 1))
    yield "png interlaced, three pixels", png(4, 0, interlaced=1, size=(3, 1))
    deep = RANDOM.integers(0, 700, (9, 7)).astype(">u2")
    deep = b"".join(b"\0" + row.tobytes() for row in deep)
    for level in (0, 77, 700):
        transparent = chunk(b"tRNS", struct.pack(">H", level))
        yield f"png gray 16 bits, {level} transparent", png(16, 0, transparent, size=(7, 9), scanlines=lambda _: deep)
    yield "png no palette", png(8, 3)
    yield "png short palette", png(8, 3, chunk(b"PLTE", noise(31)))
    yield "png gray palette", png(8, 3, chunk(b"PLTE", bytes(numpy.repeat(range(20), 3).tolist())))
    yield "png long palette", png(2, 3, chunk(b"PLTE", noise(3 * 257)))
    yield "png short transparency", png(8, 0, chunk(b"tRNS", b"1"))
    for color, depth in ((3, 16), (2, 4), (4, 1), (0, 3), (1, 8), (7, 8)):
        good = struct.pack(">IIBBBBB", 9, 5, 8, 0, 0, 0, 0)
        bad = struct.pack(">IIBBBBB", 9, 5, depth, color, 0, 0, 0)
        yield f"png unknown {color} {depth} bits", png(8, 0).replace(chunk(b"IHDR", good), chunk(b"IHDR", bad))
    yield "png fewer scanlines", png(8, 0, scanlines=lambda data: data[:30])
    yield "png half a scanline", png(8, 0, scanlines=lambda data: data[:33])
    yield "png more scanlines", png(8, 0, scanlines=lambda data: data * 2)
    yield "png bytes behind", png(8, 0, last=b"xyz")
    whole = png(8, 0)
    for back in range(12, 30):
        yield f"png bit {back}", whole[:-back] + bytes([whole[-back] ^ 4]) + whole[len(whole) - back + 1 :]
    gamma, short = chunk(b"gAMA", b"\0\0\1\1"), chunk(b"gAMA", b"\0\0\1")
    for name, bad in {"short": short, "wrong checksum": gamma[:-1] + b"z", "bad name": chunk(b"a b1", b"")}.items():
        yield f"png chunk before, {name}", png(8, 0, bad)
        yield f"png chunk behind, {name}", png(8, 0, after=bad)
    big = zlib.compress(b"x" * (2 << 20))
    yield "png long text", png(8, 0, chunk(b"zTXt", b"k\0\0" + big))
    yield "png long international text", png(8, 0, chunk(b"iTXt", b"k\0\1\0\0\0" + big))
    yield "png long profile", png(8, 0, chunk(b"iCCP", b"k\0\0" + big))
    yield "png damaged profile", png(8, 0, chunk(b"iCCP", b"k\0\0abc"))
    yield "png unknown profile", png(8, 0, chunk(b"iCCP", b"k\0\1abc"))
    yield "png unknown text", png(8, 0, chunk(b"zTXt", b"k\0\1abc"))
    for name, before in {
        "two frames": frames(2) + frame(0, 9, 5, 0, 0),
        "default image": frames(2),
        "no frame": frames(0),
        "wrong order": frame(1, 9, 5, 0, 0),
        "too large": frame(0, 10, 5, 0, 0),
    }.items():
        yield f"apng {name}", png(8, 0, before)
    for color in (0, 2, 3):
        before = frames(2) + frame(0, 4, 3, 3, 2)
        for interlaced in (0, 1):
            data = png(8, color, before, size=(4, 3), canvas=(9, 5), interlaced=interlaced)
            yield f"apng small frame {color}{' interlaced' * interlaced}", data


# GIF


def codes(indices, bits):
    """The codes of GIF, with the dictionary thrown away before they get longer."""
    clear = 1 << bits
    all_codes = []
    for at, index in enumerate(indices):
        if at % max(1, clear - 2) == 0:
            all_codes.append(clear)
        all_codes.append(int(index))
    value = sum(code << ((bits + 1) * at) for at, code in enumerate(all_codes + [clear + 1]))
    return value.to_bytes((value.bit_length() + 7) // 8, "little")


def blocks(data, size=255):
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def gif_palette(kind, bits):
    return b"".join(bytes([gray] * 3) for gray in range(1 << bits)) if kind == "gray" else noise(3 << bits)


def gif(canvas, box, palette="noise", local=None, transparent=None, *, interlaced=0, bits=4, palette_bits=4, before=b"",
        end=b";", block=255, indices=None):
    data = b"GIF89a" + struct.pack("<HHBBB", *canvas, (0x80 | (palette_bits - 1)) if palette else 0, 3, 0)
    data += gif_palette(palette, palette_bits) if palette else b""
    data += before
    if transparent is not None:
        data += bytes([0x21, 0xF9, 4, 1, 0, 0, transparent, 0])
    flags = (0x80 | (palette_bits - 1)) if local else 0
    data += b"," + struct.pack("<HHHHB", *box, flags | (0x40 * interlaced))
    data += gif_palette(local, palette_bits) if local else b""
    if indices is None:
        indices = RANDOM.integers(0, min(256, 1 << bits), box[2] * box[3])
    return data + bytes([bits]) + blocks(codes(indices, bits), block) + end


def gifs():
    for name, box in {"whole": (0, 0, 10, 8), "inside": (2, 3, 5, 4), "beyond": (4, 4, 10, 8)}.items():
        for palette in (None, "noise", "gray"):
            for local in (None, "noise", "gray"):
                for transparent in (None, 3, 200):
                    words = f"gif {name}, palette {palette}, local {local}, transparent {transparent}"
                    interlaced = int(RANDOM.integers(0, 2))
                    yield words, gif((10, 8), box, palette, local, transparent, interlaced=interlaced)
    whole = (0, 0, 10, 8)
    for bits in (1, 2, 8, 11):
        yield f"gif {bits} bits", gif((10, 8), whole, bits=bits)
    for bits in (1, 3):
        yield f"gif short palette {bits}", gif((10, 8), whole, palette_bits=bits)
        yield f"gif short local palette {bits}", gif((10, 8), (2, 2, 4, 4), local="noise", palette_bits=bits)
    yield "gif ends early", gif((10, 8), whole, indices=RANDOM.integers(0, 16, 70))
    yield "gif ends late", gif((10, 8), whole, indices=RANDOM.integers(0, 16, 95))
    yield "gif without end", gif((10, 8), whole, end=b"")
    yield "gif small blocks", gif((10, 8), whole, block=3)
    yield "gif no canvas", gif((0, 0), whole)
    yield "gif no frame", gif((10, 8), (0, 0, 0, 4), indices=[0])
    yield "gif junk before frame", gif((10, 8), whole, before=b"xyz")
    for name, before in {"two": b"!\xf9\4\1\0\0\7\0", "short": b"!\xf9\3\1\0\0\0", "empty": b"!\xf9\0"}.items():
        yield f"gif control {name}", gif((10, 8), (2, 2, 5, 5), before=before)
    yield "gif comment", gif((10, 8), whole, before=b"!\xfe\3abc\2de\0")
    yield "gif animation", saved(photo(9, 11).quantize(9), "GIF", save_all=True, append_images=[photo(9, 11).quantize(9)])


# BMP


def bmp(bits, compression=0, *, header=40, height=5, colors=0, palette=b"", masks=b"", data=None, offset=None, gap=b""):
    width = 9
    if data is None:
        data = noise((width * bits + 31) // 32 * 4 * abs(height))
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(data), 0, 0, colors, 0)
        info = (info + masks + bytes(header - 40))[: max(header, 40 + len(masks) * (header == 40))]
    before = info + palette + gap
    start = 14 + len(before) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(before) + len(data), 0, 0, start) + before + data


def gray_colors(count, size=4):
    return b"".join(bytes([gray] * 3) + bytes(size - 3) for gray in range(count))


def runs(count):
    """Run-length codes of every kind."""
    data = b""
    for kind in RANDOM.integers(0, 6, count):
        length = int(RANDOM.integers(3, 12))
        data += {
            3: b"\0\0",
            4: b"\0\2" + bytes([length % 4, length % 2]),
            5: bytes([0, length]) + noise(length + length % 2),
        }.get(int(kind), bytes([length]) + noise(1))
    return data + b"\0\1"


def bmps():
    for bits in (1, 4, 8):
        for header in (12, 40, 124):
            size = 3 if header == 12 else 4
            count = min(1 << bits, 16) if header > 12 else 1 << bits
            yield f"bmp {bits} bits, header {header}", bmp(bits, header=header, colors=count, palette=noise(size * count))
        yield f"bmp {bits} bits, gray", bmp(bits, palette=gray_colors(1 << bits))
        yield f"bmp {bits} bits, black and white", bmp(bits, colors=2, palette=b"\0\0\0\0\xff\xff\xff\0")
        yield f"bmp {bits} bits, white and black", bmp(bits, colors=2, palette=b"\xff\xff\xff\0\0\0\0\0")
        yield f"bmp {bits} bits, 3 colors", bmp(bits, colors=3, palette=noise(12))
        yield f"bmp {bits} bits, too many colors", bmp(bits, colors=70_000, palette=noise(8))
        for name, offset in {"behind header": 54, "zero": 0, "far": 9999}.items():
            yield f"bmp {bits} bits, offset {name}", bmp(bits, palette=noise(4 << bits), offset=offset)
    for bits in (2, 16, 24, 32):
        for height in (5, -5):
            yield f"bmp {bits} bits, height {height}", bmp(bits, height=height)
    masks = {
        32: [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
             (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
             (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0),
             (0xFF, 0xFF00, 0xFF0000, 0)],
        24: [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF, 0xFF00, 0xFF0000, 0)],
        16: [(0xF800, 0x7E0, 0x1F, 0), (0x7C00, 0x3E0, 0x1F, 0), (0xF00, 0xF0, 0xF, 0)],
        8: [(1, 2, 3, 0)],
    }  # fmt: skip
    for bits, choices in masks.items():
        for mask in choices:
            for header in (40, 56):
                packed = struct.pack("<IIII", *mask)[: 12 if header == 40 else 16]
                yield f"bmp masks {bits} {mask} {header}", bmp(bits, 3, header=header, masks=packed)
    for compression in (4, 5, 6):
        yield f"bmp compression {compression}", bmp(24, compression)
    for number in range(16):
        bits, compression = ((8, 1), (4, 2))[number % 2]
        height, gap = (5, -5)[number % 3 == 0], b"e" * (number % 5 == 0)
        # The first two have every chance to fill the image.
        data = runs(60 if number < 12 else 4)
        palette = gray_colors(1 << bits) if number == 7 else noise(64)
        colors = 0 if number == 7 else 16
        name = f"bmp runs {number}"
        yield name, bmp(bits, compression, height=height, colors=colors, palette=palette, data=data, gap=gap)
    yield "bmp runs, black and white", bmp(8, 1, colors=2, palette=b"\0\0\0\0\xff\xff\xff\0", data=runs(60))
    yield "bmp runs of colors", bmp(24, 1, data=runs(60))
    yield "bmp unknown header", bmp(24, header=44)


# JPEG and WebP


def exif(order="<", kind=3, value=6, count=1, *, beginning=None, before=(), tag=0x0112, offset=8):
    """A TIFF file with an orientation."""
    forms = {1: "B", 2: "B", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 11: "f", 12: "d", 13: "L", 16: "Q", 17: "q"}
    if kind in (5, 10):
        values = struct.pack(order + forms[{5: 4, 10: 9}[kind]] * 2, 3 * value, 3)
    else:
        values = struct.pack(order + forms[kind], value)
    entries = [*before, (tag, kind, count, values * count)]
    body, outside = struct.pack(order + "H", len(entries)), b""
    start = offset + 2 + 12 * len(entries) + 4
    for entry_tag, entry_kind, entry_count, data in entries:
        body += struct.pack(order + "HHL", entry_tag, entry_kind, entry_count)
        if len(data) > 4:
            body += struct.pack(order + "L", start + len(outside))
            outside += data
        else:
            body += data.ljust(4, b"\0")
    head = beginning or {"<": b"II*\0", ">": b"MM\0*"}[order]
    return head + struct.pack(order + "L", offset) + bytes(offset - 8) + body + bytes(4) + outside


def segment(data):
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


PREFIX = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def metadata():
    image = photo(2, 3)
    jpeg, plain = saved(image, "JPEG", quality=20, optimize=True), saved(image, "PNG")
    jpeg = jpeg[:2] + jpeg[20:]  # without its JFIF segment

    def in_jpeg(*segments):
        return jpeg[:2] + b"".join(segments) + jpeg[2:]

    def in_png(before=b"", after=b""):
        return plain[:33] + before + plain[33:-12] + after + plain[-12:]

    blocks_of = {}
    for order in "<>":
        for kind in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17):
            blocks_of[f"{order} type {kind}"] = exif(order, kind)
    for value in (0, 1, 2, 3, 4, 5, 7, 8, 9, 300):
        blocks_of[f"value {value}"] = exif(value=value)
    for count in (0, 2, 3):
        blocks_of[f"count {count}"] = exif(count=count)
    for beginning in (b"MM*\0", b"II\0*", b"MM\0+"):
        order = {b"M": ">", b"I": "<"}[beginning[:1]]
        blocks_of[f"beginning {beginning}"] = exif(order, beginning=beginning)
    blocks_of["offset"] = exif(offset=20)
    blocks_of["text before"] = exif(before=[(0x10E, 2, 20, b"x" * 20)])
    blocks_of["endless text before"] = exif(before=[(0x10E, 2, 0xFFFFFFF0, b"x" * 20)])
    blocks_of["text outside before"] = exif(before=[(0x10E, 2, 20, struct.pack("<L", 9999))])
    blocks_of["two"] = exif(before=[(0x112, 3, 1, b"\3\0")])
    blocks_of["other tag"] = exif(tag=0x110)
    for name, block in blocks_of.items():
        yield f"exif {name}, jpeg", in_jpeg(segment(PREFIX + block))
    for name, block in {"little": exif(value=6), "big": exif(">", 4, 8), "none": exif(tag=0x110)}.items():
        yield f"exif {name}, png", in_png(chunk(b"eXIf", block))
        yield f"exif {name}, png behind pixels", in_png(after=chunk(b"eXIf", block))
        yield f"exif {name}, png with prefix", in_png(chunk(b"eXIf", PREFIX + block))
        yield f"exif {name}, jpeg with two prefixes", in_jpeg(segment(PREFIX * 2 + block))
        yield f"exif {name}, jpeg with three prefixes", in_jpeg(segment(PREFIX * 3 + block))
        yield f"exif {name}, jpeg in two segments", in_jpeg(segment(PREFIX + block[:12]), segment(PREFIX + block[12:]))
        yield f"exif {name}, webp", saved(image, "WEBP", lossless=True, exif=block)
        yield f"exif {name}, webp with prefix", saved(image, "WEBP", lossless=True, exif=PREFIX + block)
        digits = (PREFIX + block).hex()
        lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
        text = f"\nexif\n{len(digits) // 2:8}\n{lines}\n".encode()
        key = b"Raw profile type exif\0"
        yield f"exif {name}, tEXt", in_png(chunk(b"tEXt", key + text))
        yield f"exif {name}, zTXt", in_png(chunk(b"zTXt", key + b"\0" + zlib.compress(text)))
        yield f"exif {name}, iTXt", in_png(chunk(b"iTXt", key + bytes(4) + text))
        yield f"exif {name}, zTXt behind pixels", in_png(after=chunk(b"zTXt", key + b"\0" + zlib.compress(text.upper())))
        yield f"exif {name}, APP1", in_png(chunk(b"tEXt", b"Raw profile type APP1\0" + text))
        yield f"exif {name}, and another", in_png(chunk(b"tEXt", key + text) + chunk(b"eXIf", exif(value=3)))
        yield f"exif {name}, text", in_png(chunk(b"tEXt", b"exif\0" + block))
    packets = {
        "attribute": b'<a tiff:Orientation="6"/>',
        "element": b"<tiff:Orientation>8</tiff:Orientation>",
        "other quotes": b"<a tiff:Orientation='6'/>",
        "second": b'<a tiff:Orientation="" b="" tiff:Orientation="3"/>',
        "nine": b'<a tiff:Orientation="9"/>',
        "other encoding": b'\xff\xfe<a tiff:Orientation="6"/>',
    }
    for name, packet in packets.items():
        key = b"XML:com.adobe.xmp\0"
        yield f"xmp {name}, jpeg", in_jpeg(segment(XMP + packet))
        yield f"xmp {name}, jpeg with exif", in_jpeg(segment(PREFIX + exif(value=3)), segment(XMP + packet))
        yield f"xmp {name}, jpeg with other exif", in_jpeg(segment(PREFIX + exif(tag=0x110)), segment(XMP + packet))
        yield f"xmp {name}, jpeg with bad exif", in_jpeg(segment(PREFIX + exif(value=9)), segment(XMP + packet))
        yield f"xmp {name}, iTXt", in_png(chunk(b"iTXt", key + bytes(4) + packet))
        yield f"xmp {name}, iTXt compressed", in_png(chunk(b"iTXt", key + b"\1\0\0\0" + zlib.compress(packet)))
        yield f"xmp {name}, tEXt behind pixels", in_png(after=chunk(b"tEXt", key + packet))
        yield f"xmp {name}, webp", saved(image, "WEBP", lossless=True, xmp=packet)


def to_cut():
    """The files of which every beginning is tried."""
    image = photo(21, 27)
    alpha = image.convert("RGBA")
    alpha.putalpha(Image.fromarray(RANDOM.integers(0, 256, (21, 27), dtype=numpy.uint8)))
    turned = Image.Exif()
    turned[0x0112] = 6
    texts = PngInfo()
    texts.add_text("Comment", "hello " * 4)
    texts.add(b"tEXt", b"After\0" + b"x" * 20, after_idat=True)
    texts.add(b"prIv", b"y" * 10, after_idat=True)
    yield "full.jpg", saved(image, "JPEG", quality=85, subsampling=0)
    yield "half.jpg", saved(image, "JPEG", quality=85, subsampling=1)
    yield "quarter.jpg", saved(image, "JPEG", quality=85, subsampling=2)
    yield "restarts.jpg", saved(image, "JPEG", quality=85, subsampling=0, restart_marker_blocks=3)
    yield "gray.jpg", saved(image.convert("L"), "JPEG", quality=80)
    yield "progressive.jpg", saved(image, "JPEG", quality=80, progressive=True)
    yield "progressive-gray.jpg", saved(image.convert("L"), "JPEG", quality=80, progressive=True)
    yield "print.jpg", saved(image.convert("CMYK"), "JPEG", quality=60)
    yield "progressive-print.jpg", saved(image.convert("CMYK"), "JPEG", quality=60, progressive=True)
    yield "rgb.jpg", saved(image, "JPEG", quality=60, keep_rgb=True)
    yield "turned.jpg", saved(image, "JPEG", quality=60, optimize=True, exif=turned)
    yield "rgb.png", saved(photo(11, 13), "PNG")
    yield "palette.png", saved(image.quantize(20), "PNG")
    yield "texts.png", saved(image.quantize(4), "PNG", pnginfo=texts)
    yield "rgb.bmp", saved(photo(7, 9), "BMP")
    yield "palette.bmp", saved(photo(7, 9).quantize(20), "BMP")
    yield "palette.gif", saved(image.quantize(20), "GIF")
    yield "animation.gif", saved(image.quantize(4), "GIF", save_all=True, append_images=[photo(21, 27).quantize(4)])
    yield "lossy.webp", saved(image, "WEBP", quality=60)
    yield "lossy-alpha.webp", saved(alpha, "WEBP", quality=60)
    yield "lossless.webp", saved(photo(9, 11), "WEBP", lossless=True)
    yield "turned.webp", saved(image, "WEBP", quality=30, exif=turned)
    yield "animation.webp", saved(image, "WEBP", quality=30, save_all=True, append_images=[photo(21, 27)])


def verdict(levels: numpy.ndarray | None) -> list[int] | None:
    """Width, height and checksum of an image."""
    if levels is None:
        return None
    height, width, _ = levels.shape
    return [width, height, zlib.crc32(levels.tobytes())]


def taken_lengths(data: bytes) -> list[list[int]]:
    """The first and last of the lengths, range by range, to which a file can be cut and is still taken."""
    whole, ranges = reference(data), []
    assert whole is not None
    for length in range(len(data) + 1):
        levels = reference(data[:length])
        if levels is None:
            continue
        assert numpy.array_equal(levels, whole), length
        if ranges and ranges[-1][1] == length - 1:
            ranges[-1][1] = length
        else:
            ranges.append([length, length])
    return ranges


def main():
    warnings.simplefilter("ignore")
    HERE.mkdir(exist_ok=True)
    files, table = b"", []
    cut = dict(to_cut())
    for name, data in [*pngs(), *gifs(), *bmps(), *metadata(), *cut.items()]:
        files += data
        entry = {"name": name, "bytes": len(data), "image": verdict(reference(data))}
        if name in cut:
            entry["taken_lengths"] = taken_lengths(data)
        table.append(json.dumps(entry))
    (HERE / "files.zlib").write_bytes(zlib.compress(files, 9))
    (HERE / "verdicts.json").write_text("[\n" + ",\n".join(table) + "\n]\n")


if __name__ == "__main__":
    main()
