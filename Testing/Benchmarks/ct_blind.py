"""Pages on which a person says which of four pictures is simulated: in each row three of a real CT, one of another.

    python Testing/Benchmarks/ct_blind.py -o FOLDER [--data ../shared/data] [--rows 6] [--shuffle 1]

Writes `slices.png` (whole axial slices) and `livers.png` (squares of 80 mm in the liver), letters A to D a row, and
`key.json`: write down what you think before you open it. The real CT is `crlm-ct`; its slices come
from the middle of the liver, none twice in a row. The pages hold a patient's pictures: they are never to be kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from ct_statistics import Scan, read_marked, simulated
from PIL import Image
from scipy import ndimage

IN_A_ROW, SEAM = 4, 6
SLICE_PIXELS, SQUARE_MM, SQUARE_PIXELS = 300, 80.0, 300
WINDOW_HU = (-140, 240)
LEAST_LIVER = 0.75


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, help="folder with the real CT (default: ../shared/data)")
    parser.add_argument("--rows", type=int, default=6, help="of each page, a simulated patient each (default: 6)")
    parser.add_argument("--first-seed", type=int, default=100, help="of the simulated patients (default: 100)")
    parser.add_argument("--shuffle", type=int, default=1, help="another number is another order (default: 1)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(arguments.shuffle)
    real = read_marked(arguments.data / "crlm-ct")
    patients = [simulated(("portal", arguments.first_seed + n)) for n in range(arguments.rows)]
    key = {}
    for name, draw in (("slices", whole_slices), ("livers", liver_squares)):
        rows = []
        for one in patients:
            place = int(rng.integers(IN_A_ROW))
            tiles = draw(rng, real, IN_A_ROW - 1)
            tiles.insert(place, draw(rng, one, 1)[0])
            rows.append(np.concatenate([framed(tile) for tile in tiles], axis=1))
            key.setdefault(name, []).append("ABCD"[place])
        Image.fromarray(np.concatenate(rows)).save(arguments.output / f"{name}.png")
    (arguments.output / "key.json").write_text(json.dumps(key) + "\n", encoding="utf-8")


def whole_slices(rng: np.random.Generator, one: Scan, count: int) -> list[np.ndarray]:
    """(SLICE_PIXELS, SLICE_PIXELS) uint8 each: the body of some slices in the middle half of the liver."""
    levels = np.flatnonzero(one.liver.any(axis=(1, 2)))
    middle = levels[len(levels) // 4 : -(len(levels) // 4)]
    tiles = []
    for k in rng.choice(middle, count, replace=False):
        body = np.argwhere(ndimage.binary_opening(one.hu[k] > -300, iterations=4))
        (top, left), (bottom, right) = body.min(axis=0), body.max(axis=0)
        edge = int(max(bottom - top, right - left) * 1.04)
        row, column = (top + bottom - edge) // 2, (left + right - edge) // 2
        tiles.append(tile_of(one, int(k), max(row, 0), max(column, 0), edge, SLICE_PIXELS))
    return tiles


def liver_squares(rng: np.random.Generator, one: Scan, count: int) -> list[np.ndarray]:
    """(SQUARE_PIXELS, SQUARE_PIXELS) uint8 each: squares that are mostly liver, with vessels, lesions and its rim."""
    edge = round(SQUARE_MM / one.pixel_mm)
    filled = ndimage.binary_closing(one.liver, np.ones((1, 9, 9)))
    share = ndimage.uniform_filter(filled.astype(np.float32), (1, edge, edge))
    places = np.argwhere(share > LEAST_LIVER)
    chosen = places[rng.choice(len(places), count, replace=False)]
    return [tile_of(one, k, j - edge // 2, i - edge // 2, edge, SQUARE_PIXELS) for k, j, i in chosen]


def tile_of(one: Scan, k: int, row: int, column: int, edge: int, pixels: int) -> np.ndarray:
    """As a radiologist sees it: from below, the front up."""
    low, high = WINDOW_HU
    part = one.hu[k, row : row + edge, column : column + edge]
    grey = np.clip((part - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(grey).resize((pixels, pixels), Image.Resampling.BICUBIC))


def framed(tile: np.ndarray) -> np.ndarray:
    return np.pad(tile, SEAM, constant_values=90)


if __name__ == "__main__":
    main()
