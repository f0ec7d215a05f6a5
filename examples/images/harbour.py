"""Paints `harbour.jpg`: a harbour at sunset. It is nobody's photograph, so everybody may use it (CC0).

    pip install numpy==2.4.6 pillow==13.0.0
    python harbour.py
"""

import pathlib

import numpy
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, HORIZON = 640, 426, 236


def noise(random: numpy.random.Generator, height: int, width: int, octaves: int) -> numpy.ndarray:
    """Cloudy noise from -1 to 1: random grids of doubling fineness, each half as strong."""
    total = numpy.zeros((height, width))
    for octave in range(octaves):
        cells = 2 ** (octave + 2)
        grid = Image.fromarray(random.uniform(-1, 1, (cells, cells)).astype(numpy.float32))
        total += numpy.asarray(grid.resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
    return total / 2


def sky(random: numpy.random.Generator) -> numpy.ndarray:
    y, x = numpy.mgrid[0:HORIZON, 0:WIDTH].astype(float)
    height = (1 - y / HORIZON)[..., None]
    colors = numpy.array([[252, 190, 120], [222, 132, 128], [98, 104, 160], [40, 56, 110]], float)
    stops = numpy.array([0, 0.25, 0.65, 1.0])
    image = numpy.concatenate([numpy.interp(height, stops, colors[:, c]) for c in range(3)], -1)
    sun = numpy.hypot((x - 432) / 1.0, y - (HORIZON - 46))[..., None]
    image += numpy.array([255, 200, 120]) * numpy.exp(-sun / 60) * 0.55
    image = numpy.where(sun < 21, numpy.array([255.0, 236, 190]), image)
    clouds = numpy.clip(noise(random, HORIZON * 3, WIDTH, 5)[::3] * 1.6 - 0.15, 0, 1)[..., None] * (0.3 + 0.7 * height)
    return image * (1 - 0.55 * clouds) + numpy.array([245, 170, 150]) * 0.55 * clouds


def land(draw: ImageDraw.ImageDraw, random: numpy.random.Generator):
    """Hills, the town, the lighthouse."""
    for base, roughness, color in ((38, 26, (86, 82, 122)), (20, 16, (62, 60, 92))):
        ridge = base + roughness * noise(random, 1, WIDTH, 5)[0]
        points = [(x, HORIZON - max(2.0, ridge[x] * (1 - 0.5 * x / WIDTH))) for x in range(0, WIDTH, 2)]
        draw.polygon([(0, HORIZON), *points, (WIDTH, HORIZON)], fill=color)
    x = 16
    while x < 300:
        width, height = (int(value) for value in random.integers((13, 16), (30, 58)))
        shade = int(random.integers(-10, 14))
        wall = (92 + shade, 62 + shade, 74 + shade)
        draw.rectangle((x, HORIZON - height, x + width, HORIZON), fill=wall)
        draw.polygon([(x - 2, HORIZON - height), (x + width / 2, HORIZON - height - 11), (x + width + 2, HORIZON - height)], fill=(126, 54, 52))
        for window_y in range(HORIZON - height + 5, HORIZON - 6, 9):
            for window_x in range(x + 3, x + width - 3, 7):
                lit = random.random() < 0.45
                draw.rectangle((window_x, window_y, window_x + 2, window_y + 4), fill=(255, 214, 120) if lit else (52, 44, 66))
        x += width + int(random.integers(0, 4))
    draw.polygon([(548, HORIZON), (553, HORIZON - 92), (567, HORIZON - 92), (572, HORIZON)], fill=(226, 214, 210))
    for stripe in range(3):
        top = HORIZON - 80 + 30 * stripe
        draw.rectangle((552 - stripe, top, 568 + stripe, top + 13), fill=(176, 48, 48))
    draw.rectangle((551, HORIZON - 104, 569, HORIZON - 92), fill=(60, 52, 62))
    draw.rectangle((555, HORIZON - 102, 565, HORIZON - 94), fill=(255, 240, 170))
    draw.polygon([(549, HORIZON - 104), (560, HORIZON - 116), (571, HORIZON - 104)], fill=(150, 42, 44))
    draw.rectangle((500, HORIZON - 6, 640, HORIZON), fill=(58, 50, 66))


def water(above: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """The picture above, mirrored in waves that grow towards us."""
    rows = HEIGHT - HORIZON
    y, x = numpy.mgrid[0:rows, 0:WIDTH]
    near = y / rows
    waves = noise(random, rows, WIDTH, 6) + 0.6 * numpy.sin(y**0.72 * 3.1 + 2.5 * noise(random, rows, WIDTH, 3))
    from_y = numpy.clip(HORIZON - 1 - y * 1.12 + waves * (2 + 16 * near), 0, HORIZON - 1).astype(int)
    from_x = numpy.clip(x + waves[::-1] * (1 + 9 * near), 0, WIDTH - 1).astype(int)
    mirrored = above[from_y, from_x]
    depth = (0.26 + 0.4 * near)[..., None]
    glitter = numpy.clip(waves - 0.55, 0, 1)[..., None] * numpy.exp(-(((x - 432) / (46 + 60 * near)) ** 2))[..., None]
    return mirrored * (1 - depth) + numpy.array([20, 34, 62]) * depth + glitter * numpy.array([420, 320, 190])


def boat(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, hull: tuple, sail: tuple):
    """A sailing boat whose waterline is at (x, y)."""
    at = lambda *points: [(x + size * px, y + size * py) for px, py in points]
    draw.line(at((0, -4), (0, -44)), fill=(50, 40, 44), width=max(1, round(size * 1.6)))
    draw.polygon(at((1.5, -43), (1.5, -9), (20, -9)), fill=sail)
    draw.polygon(at((-1.5, -38), (-1.5, -9), (-13, -9)), fill=tuple(value - 26 for value in sail))
    draw.polygon(at((-20, -7), (24, -7), (17, 2), (-15, 2)), fill=hull)
    draw.line(at((-20, -7), (24, -7)), fill=(240, 230, 214), width=max(1, round(size * 1.3)))
    draw.polygon(at((-13, 3), (15, 3), (10, 15), (-6, 22)), fill=(38, 36, 56))


def main():
    random = numpy.random.Generator(numpy.random.PCG64(1))
    scene = Image.fromarray(numpy.clip(sky(random), 0, 255).astype(numpy.uint8))
    land(ImageDraw.Draw(scene), random)
    above = numpy.asarray(scene.filter(ImageFilter.GaussianBlur(0.6)), float)
    picture = numpy.concatenate([above, water(above, random)])
    scene = Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8))
    draw = ImageDraw.Draw(scene)
    boat(draw, 330, 262, 0.8, (54, 70, 92), (222, 190, 170))
    boat(draw, 470, 296, 1.25, (128, 44, 40), (240, 214, 190))
    boat(draw, 150, 330, 1.9, (38, 84, 90), (246, 226, 204))
    picture = numpy.asarray(scene.filter(ImageFilter.GaussianBlur(0.5)), float)
    picture += random.normal(0, 2.2, picture.shape)
    file = pathlib.Path(__file__).with_name("harbour.jpg")
    Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8)).save(file, quality=84, optimize=True)


if __name__ == "__main__":
    main()
