"""What a model of the task `lvt` marks in the real CTs, none of which any model has learned from.

    python Testing/Benchmarks/real_cts.py [--model NAME] [--data ../shared/data] [--sheet PNG] [--json FILE]

`ct-labelled` (native, 3 mm voxels) is held against TotalSegmentator's own liver and its large veins; `crlm-ct` (portal
venous, 5 mm slices) has no labels and is looked at: the sheet shows its slices with the outlines of liver (green),
vessels (blue) and tumors (red). Each run is a look at real data: write it down in docs/explanation/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.files import read_volume
from CRLMSegmentationLib.files.dicom_folder import read_dicom_ct
from CRLMSegmentationLib.inference.models.catalogue import model_choices
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.preoperative.find_structures import find_structures
from CRLMSegmentationLib.preoperative.structures import LIVER, TUMOR, VESSELS, Structures
from CRLMSegmentationLib.values import Volume
from PIL import Image
from scipy import ndimage

SEGMENTED_LIVER, SEGMENTED_VEINS = 5, (63, 64)
COLORS = {LIVER: (70, 220, 120), VESSELS: (90, 150, 255), TUMOR: (255, 70, 70)}
WINDOW_HU, TILES, TILE_PIXELS = (-140, 240), 6, 420


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--model", help="folder or name; the first one for CTs by default")
    parser.add_argument("--data", type=Path, default=data, help="folder with the real CTs (default: ../shared/data)")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="slices of crlm-ct with outlines")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    predictor = LocalPredictor(load_model(arguments.model or model_choices("lvt")[0].name), device="cpu")
    labelled = arguments.data / "ct-labelled"
    of_labelled = found_in(read_volume(labelled / "example_ct_sm.nii.gz"), predictor)
    truth = read_volume(labelled / "example_seg.nii.gz").voxels
    liver = marked(of_labelled["structures"], LIVER)
    veins = np.isin(truth, SEGMENTED_VEINS)
    ct = read_dicom_ct(arguments.data / "crlm-ct" / "CRLM-CT-1006").volume
    of_crlm = found_in(ct, predictor)
    vessels = marked(of_labelled["structures"], VESSELS)
    facts = {
        "ct-labelled": {**figures(of_labelled), "liver_dice": dice(liver, truth == SEGMENTED_LIVER),
                        "large_veins_marked_as_vessels": float(vessels[veins].mean())},
        "crlm-ct": figures(of_crlm),
    }  # fmt: skip
    text = json.dumps(facts, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if arguments.sheet:
        sheet(ct, of_crlm["structures"]).save(arguments.sheet)


def found_in(ct: Volume, predictor: LocalPredictor) -> dict[str, Any]:
    started = time.perf_counter()
    structures = find_structures(ct, predictor)
    return {
        "structures": structures,
        "seconds": time.perf_counter() - started,
        "voxel_mm3": float(np.prod(ct.spacing_mm)),
    }


def marked(structures: Structures, name: str) -> np.ndarray:
    """Boolean (k, j, i)."""
    voxels: np.ndarray = structures.mask(name).voxels
    return voxels > 0


def figures(found: dict[str, Any]) -> dict[str, float]:
    """mL of each structure, how many separate tumors, seconds."""
    structures: Structures = found["structures"]
    volumes = {
        f"{name}_ml": round(float(marked(structures, name).sum()) * found["voxel_mm3"] / 1000, 1) for name in COLORS
    }
    return {
        **volumes,
        "tumors": int(ndimage.label(marked(structures, TUMOR))[1]),
        "seconds": round(found["seconds"], 1),
    }


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))


def sheet(ct: Volume, structures: Structures) -> Image.Image:
    """Slices through all that was taken for liver, the lowest first."""
    slices = np.flatnonzero(marked(structures, LIVER).any(axis=(1, 2)))
    low, high = WINDOW_HU
    tiles = []
    for number in np.linspace(slices[0] + 2, slices[-1] - 2, TILES).astype(int):
        grey = np.clip((ct.voxels[number].astype(np.float32) - low) / (high - low), 0, 1) * 255
        picture = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
        for name, color in COLORS.items():
            mask = marked(structures, name)[number]
            picture[mask & ~ndimage.binary_erosion(mask)] = color
        # A CT lies as it is looked at: the front above.
        if ct.ijk_to_ras[1, 1] > 0:
            picture = picture[::-1]
        rows, columns = np.flatnonzero((grey > 60).any(axis=1)), np.flatnonzero((grey > 60).any(axis=0))
        picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        tile = Image.new("RGB", (TILE_PIXELS, TILE_PIXELS * 3 // 4))
        part = Image.fromarray(picture)
        part.thumbnail(tile.size)
        tile.paste(part, ((tile.width - part.width) // 2, (tile.height - part.height) // 2))
        tiles.append(np.asarray(tile))
    half = TILES // 2
    return Image.fromarray(np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])]))


if __name__ == "__main__":
    main()
