#!/usr/bin/env python3
"""Writes the golden images of tests/data/golden_images: one picture, resized by every rule of Pillow and PyTorch.

    bench/.venv/bin/python tools/gen_golden_images.py          # writes all files anew
    bench/.venv/bin/python tools/gen_golden_images.py --check  # only says whether they are still what both compute

photo.npy is u8 [3,H,W]: a gradient, edges and noise, so that every filter has something to do, from black to white.
<rule>.<H>x<W>.npy is that picture by a rule, named as ocellus names it: u8 by Pillow, f32 by PyTorch.
"""

import argparse
import pathlib
import sys

import numpy
import torch
from PIL import Image
from torch.nn import functional

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/golden_images"
SIZES = [(20, 17), (61, 90), (23, 47), (37, 31), (9, 53), (12, 52), (1, 1)]

PILLOW = {
    "pillow_nearest": Image.Resampling.NEAREST,
    "pillow_box": Image.Resampling.BOX,
    "pillow_bilinear": Image.Resampling.BILINEAR,
    "pillow_hamming": Image.Resampling.HAMMING,
    "pillow_bicubic": Image.Resampling.BICUBIC,
    "pillow_lanczos": Image.Resampling.LANCZOS,
}
TORCH = {
    "torch_nearest": {"mode": "nearest"},
    "torch_nearest_exact": {"mode": "nearest-exact"},
    "torch_bilinear": {"mode": "bilinear", "align_corners": False},
    "torch_bilinear_aligned": {"mode": "bilinear", "align_corners": True},
    "torch_bilinear_smooth": {"mode": "bilinear", "align_corners": False, "antialias": True},
    "torch_bicubic": {"mode": "bicubic", "align_corners": False},
    "torch_bicubic_aligned": {"mode": "bicubic", "align_corners": True},
    "torch_bicubic_smooth": {"mode": "bicubic", "align_corners": False, "antialias": True},
    "torch_area": {"mode": "area"},
}


def photo():
    """37 rows of 53 pixels."""
    rows, columns = numpy.mgrid[0:37, 0:53]
    random = numpy.random.default_rng(5)
    planes = [rows * 255 / 36, ((rows // 5 + columns // 7) % 2) * 255, random.integers(0, 256, rows.shape)]
    return numpy.stack(planes).round().astype(numpy.uint8)


def collect():
    picture = photo()
    arrays = {"photo.npy": picture}
    image = Image.fromarray(picture.transpose(1, 2, 0))
    tensor = torch.from_numpy(picture)[None].double()
    for height, width in SIZES:
        for rule, filter_ in PILLOW.items():
            resized = numpy.asarray(image.resize((width, height), filter_)).transpose(2, 0, 1)
            arrays[f"{rule}.{height}x{width}.npy"] = numpy.ascontiguousarray(resized)
        for rule, arguments in TORCH.items():
            if height * width * 12 > 40_000:
                continue  # floats of that size are large, and the smaller sizes tell as much
            resized = functional.interpolate(tensor, (height, width), **arguments)[0]
            arrays[f"{rule}.{height}x{width}.npy"] = resized.float().numpy()
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the stored files instead of writing them")
    args = parser.parse_args()
    arrays = collect()
    if not args.check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for file, array in arrays.items():
            numpy.save(FOLDER / file, array)
        print(f"{FOLDER}: {len(arrays)} arrays")
        return 0
    wrong = sorted({path.name for path in FOLDER.glob("*.npy")} ^ set(arrays))
    wrong += [f for f, a in arrays.items() if f not in wrong and not numpy.allclose(numpy.load(FOLDER / f), a, atol=1e-4)]
    print("\n".join(f"differs: {file}" for file in wrong) or f"all {len(arrays)} arrays as stored")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
