#!/usr/bin/env python3
"""Makes what the tests of src/data compare with: Pillow's pixels, NumPy's files, and a second implementation of preprocessing.

    python make_fixtures.py [FOLDER] [--seed S]

Without arguments it writes tests/data/fixtures, which is committed (Pillow 13.0, NumPy 2.4). With a folder and a seed it draws
other pictures and sizes; the test RandomImages runs it that way.
"""
import argparse, io, json, pathlib, struct, zlib
import numpy as np
from PIL import Image, ImageOps  # noqa: F401 (all plugins)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", nargs="?", default=pathlib.Path(__file__).parent / "fixtures", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
rng = np.random.default_rng(args.seed)
out = args.folder
out.mkdir(parents=True, exist_ok=True)


def picture(height, width, channels):
    """Waves with noise: edges, flat parts and both ends of the range."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        a, b, phase = rng.uniform(0.1, 0.9, 3)
        planes.append(150 * np.sin(a * x + phase * 6) * np.cos(b * y) + 127 + rng.normal(0, 25, (height, width)))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def png(width, height, depth, color, rows, extra=b""):
    """A PNG by hand, for the kinds that Pillow reads but does not write. rows: bytes of each row."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    body = b"".join(b"\0" + r for r in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)) + extra
            + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


def bmp16(pixels, masks=None, top_down=False):
    """A 16-bit BMP: 5-5-5, or bit fields."""
    height, width = pixels.shape
    rows = [r.astype("<u2").tobytes() for r in (pixels if top_down else pixels[::-1])]
    rows = b"".join(r + b"\0" * (-len(r) % 4) for r in rows)
    header = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, 16, 3 if masks else 0, len(rows), 0, 0, 0, 0)
    header += struct.pack("<III", *masks) if masks else b""
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + rows


def save(image, name, **options):
    image.save(out / name, **options)
    return name


def images():
    height, width = (17, 23) if args.seed == 0 else (int(rng.integers(1, 90)), int(rng.integers(1, 90)))
    rgb = Image.fromarray(picture(height, width, 3))
    rgba = Image.fromarray(picture(height, width, 4))
    grey = Image.fromarray(picture(height, width, 1)[..., 0])
    deep = rng.integers(0, 65536, (height, width, 4)).astype(">u2")
    names = [
        save(rgb, "420.jpg", quality=90), save(rgb, "444.jpg", quality=75, subsampling=0), save(rgb, "422.jpg", quality=60, subsampling=1),
        save(rgb, "progressive.jpg", progressive=True), save(grey, "grey.jpg"), save(Image.fromarray(picture(height, width, 4), "CMYK"), "cmyk.jpg"),
        save(rgb, "rgb.png"), save(rgba, "rgba.png"), save(grey, "grey.png"), save(rgba.convert("LA"), "la.png"),
        save(rgb.quantize(200), "palette8.png"), save(rgb.quantize(13), "palette4.png", bits=4), save(rgb.quantize(2), "palette1.png", bits=1),
        save(rgb.quantize(50), "palette_transparent.png", transparency=3), save(grey.convert("1"), "bit.png"),
        save(rgb, "lossy.webp", quality=70), save(rgb, "lossless.webp", lossless=True), save(rgba, "alpha.webp", quality=80),
        save(rgb, "rgb.bmp"), save(grey, "grey.bmp"), save(rgb.quantize(60), "palette.bmp"), save(rgba, "rgba.bmp"), save(grey.convert("1"), "bit.bmp"),
        save(rgb, "rgb.ppm"), save(grey, "grey.pgm"), save(grey.convert("1"), "bit.pbm"),
    ]
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by a quarter
    names.append(save(rgb, "turned.jpg", exif=exif))

    def raw(name, data):
        (out / name).write_bytes(data)
        names.append(name)
    raw("rgb16.png", png(width, height, 16, 2, [r[:, :3].tobytes() for r in deep]))
    raw("rgba16.png", png(width, height, 16, 6, [r.tobytes() for r in deep]))
    raw("la16.png", png(width, height, 16, 4, [r[:, :2].tobytes() for r in deep]))
    dim = (deep[..., 0].astype(np.uint32) % 500).astype(">u2")  # some fit 8 bits, some do not
    raw("grey16.png", png(width, height, 16, 0, [r.tobytes() for r in dim]))
    nibbles = rng.integers(0, 256, (height, (width + 1) // 2)).astype(np.uint8)
    raw("grey4.png", png(width, height, 4, 0, [r.tobytes() for r in nibbles]))
    raw("grey2.png", png(width, height, 2, 0, [r[: (width + 3) // 4].tobytes() for r in nibbles]))
    fives = rng.integers(0, 65536, (height, width))
    raw("555.bmp", bmp16(fives & 0x7FFF))
    raw("565.bmp", bmp16(fives, (0xF800, 0x7E0, 0x1F)))
    raw("top_down.bmp", bmp16(fives & 0x7FFF, top_down=True))
    small = np.asarray(rgb)[:4, :5]
    h, w = small.shape[:2]
    raw("plain.ppm", f"P3\n# a comment\n{w} {h}\n255\n{' '.join(str(v) for v in small.ravel())}\n".encode())
    raw("plain100.ppm", f"P3 {w} {h} 100\n{' '.join(str(v % 101) for v in small.ravel())}\n".encode())
    raw("plain.pgm", f"P2\n{w} {h}\n15\n{' '.join(str(v % 16) for v in small[..., 0].ravel())}\n".encode())
    raw("plain.pbm", f"P1\n{w} {h}\n{''.join(str(v % 2) for v in small[..., 0].ravel())}\n".encode())
    raw("max1000.ppm", f"P6 {w} {h} 1000\n".encode() + (small.astype(np.uint32) * 1000 // 255).astype(">u2").tobytes())
    raw("max60.pgm", f"P5 {w} {h} 60\n".encode() + (small[..., 0] % 61).astype(np.uint8).tobytes())
    raw("max65535.pgm", f"P5 {w} {h} 65535\n".encode() + (small[..., 0].astype(np.uint32) * 3).astype(">u2").tobytes())
    expected = {}
    for name in names:
        image = Image.open(out / name)
        expected[name + ":rgb"] = np.asarray(image.convert("RGB"))
        expected[name + ":grey"] = np.asarray(image.convert("L"))
    np.savez_compressed(out / "decoded.npz", **expected)


def resizing():
    if args.seed == 0:
        sources, sizes = [(31, 43)], [(7, 5), (40, 33), (31, 20), (50, 43), (1, 1), (2, 90)]
    else:
        sources = [tuple(rng.integers(1, 300, 2)) for _ in range(4)]
        sizes = [tuple(rng.integers(1, 300, 2)) for _ in range(8)]
    arrays = {}
    for i, (height, width) in enumerate(sources):
        for channels in (3, 1):
            source = picture(height, width, channels)
            source[: height // 3] = rng.choice([0, 255], source[: height // 3].shape)  # hard edges: overshoot is cut off
            arrays[f"source{i}_{channels}"] = source
            image = Image.fromarray(source if channels == 3 else source[..., 0])
            for h, w in sizes:
                for code in range(6) if channels == 3 else (2, 3):
                    resized = np.asarray(image.resize((int(w), int(h)), code))
                    arrays[f"{i}_{channels}_{code}_{h}x{w}"] = resized.reshape(int(h), int(w), channels)
    np.savez_compressed(out / "resized.npz", **arrays)


def side(value):
    return max(1, round(value))


def preprocessed(image, c):
    """The documented steps of the Hugging Face processors, in float64 until the end; scaled sides are rounded."""
    image = image.convert("L" if c.get("do_convert_grayscale") else "RGB")
    width, height = image.size
    size = c.get("size")
    crop = c.get("crop_size") if c.get("do_center_crop") else None
    if "ConvNext" in c.get("image_processor_type", ""):
        edge = size["shortest_edge"]
        size, crop = ({"shortest_edge": int(edge / c["crop_pct"])}, edge) if edge < 384 else ({"height": edge, "width": edge}, None)
    if c.get("do_resize"):
        if "height" in size:
            target = size["width"], size["height"]
        else:
            edge, = size.values()
            scale = edge / (min if "shortest_edge" in size else max)(width, height)
            target = side(width * scale), side(height * scale)
        image = image.resize(target, c.get("resample", 2))
    x = np.asarray(image)
    x = x.reshape(x.shape[0], x.shape[1], -1)
    if crop:
        ch, cw = (crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"])
        above, left = max(0, -((x.shape[0] - ch) // 2)), max(0, -((x.shape[1] - cw) // 2))
        x = np.pad(x, ((above, max(0, ch - x.shape[0] - above)), (left, max(0, cw - x.shape[1] - left)), (0, 0)))
        top, first = (x.shape[0] - ch) // 2, (x.shape[1] - cw) // 2
        x = x[top:top + ch, first:first + cw]
    if c.get("do_pad"):
        ph, pw = c["pad_size"]["height"], c["pad_size"]["width"]
        x = np.pad(x, ((0, ph - x.shape[0]), (0, pw - x.shape[1]), (0, 0)), constant_values=c.get("pad_value", 0))
    x = x.astype(np.float64)
    if c.get("do_flip_channel_order"):
        x = x[..., ::-1]
    if c.get("do_rescale"):
        x = x * c["rescale_factor"] - (1 if c.get("rescale_offset") else 0)
    if c.get("do_normalize"):
        x = (x - c["image_mean"]) / c["image_std"]
        if c.get("include_top"):
            x = x / c["image_std"]
    return (x if c.get("data_format") == "channels_last" else x.transpose(2, 0, 1)).astype(np.float32)


def preprocessing():
    unit = {"do_rescale": True, "rescale_factor": 1 / 255}
    imagenet = {"do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    half = {"do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    configs = {
        "vit": {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 14, "width": 14}, "resample": 2, **unit, **half},
        "deit": {"do_resize": True, "size": {"height": 19, "width": 19}, "resample": 3, "do_center_crop": True, "crop_size": 16, **unit, **imagenet},
        "convnext": {"image_processor_type": "ConvNextImageProcessor", "do_resize": True, "size": {"shortest_edge": 13}, "crop_pct": 0.875, "resample": 3,
                     **unit, **imagenet},
        "efficientnet": {"image_processor_type": "EfficientNetImageProcessor", "do_resize": True, "size": {"height": 15, "width": 12}, "resample": 0,
                         "do_center_crop": False, "include_top": True, "rescale_offset": False, **unit, **imagenet},
        "mobilevit": {"do_resize": True, "size": {"shortest_edge": 18}, "resample": 2, "do_center_crop": True, "crop_size": {"height": 16, "width": 15},
                      "do_flip_channel_order": True, **unit},
        "detector": {"do_resize": True, "size": {"longest_edge": 20}, "resample": 2, "do_pad": True, "pad_size": {"height": 20, "width": 20},
                     "pad_value": 114, "do_flip_channel_order": True},
        "grey": {"do_convert_grayscale": True, "do_resize": True, "size": {"shortest_edge": 9}, "resample": 1, **unit},
        "last": {"data_format": "channels_last", "do_normalize": True, "image_mean": [127.5] * 3, "image_std": [127.5] * 3},
        "crop_beyond": {"do_center_crop": True, "crop_size": {"height": 12, "width": 40}, **unit, **imagenet},
        "offset": {"do_resize": True, "size": {"height": 8, "width": 8}, "resample": 2, "do_rescale": True, "rescale_factor": 1 / 127.5, "rescale_offset": True},
    }
    if args.seed:
        for c in configs.values():
            if "height" in c.get("size", {}):
                h, w = (int(v) for v in rng.integers(20, 120, 2))
                c["size"] = {"height": h, "width": w}
    arrays = {}
    for shape in ((17, 23), (26, 15)) if args.seed == 0 else ((90, 41), (33, 77)):
        pixels = picture(*shape, 3)
        arrays[f"source {shape[0]}x{shape[1]}"] = pixels
        for name, config in configs.items():
            arrays[f"{name} {shape[0]}x{shape[1]}"] = preprocessed(Image.fromarray(pixels), config)
    np.savez_compressed(out / "preprocessed.npz", **arrays)
    (out / "preprocessed.json").write_text(json.dumps(configs, indent=1) + "\n")


def arrays():
    table = np.array([[0, 1, 2], [3, 4, 100]])
    kinds = "b1 i1 u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8".split()
    stored = {}
    for kind in kinds:
        name = kind.replace("<", "le_").replace(">", "be_")
        a = table.astype(kind)
        stored[name] = a
        stored[name + "_fortran"] = np.asfortranarray(a)
    np.savez(out / "types_stored.npz", **stored)
    np.savez_compressed(out / "types_deflated.npz", **stored)
    np.save(out / "table.npy", table.astype("<f4"))
    cube = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype("<i4")
    np.save(out / "cube_fortran.npy", np.asfortranarray(cube))
    for version in (2, 3):
        with open(out / f"version{version}.npy", "wb") as f:
            np.lib.format.write_array(f, table.astype("<i2"), version=(version, 0))
    np.save(out / "scalar.npy", np.float64(2.5))
    np.save(out / "empty.npy", np.zeros((0, 3), np.float32))
    np.save(out / "text.npy", np.array(["a", "b"]))
    np.save(out / "complex.npy", np.array([1j]))
    np.save(out / "structured.npy", np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]))


images()
resizing()
preprocessing()
if args.seed == 0:
    arrays()
