"""What a network for landmarks finds in the real laparoscopic pictures, none of which any network has learned from.

    python Testing/Benchmarks/real_scope_pictures.py [--model NAME] [--data ../shared/data] [--sheet JPG] [--json FILE]

The picture of P2ILF (patient 1) is held against its landmarks as the challenge does; that of scikit-surgeryvtk has none
and is looked at: the sheet shows both with the lines that were found. Each run is a look at real data: write it down in
docs/explanation/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_landmark_mask, read_picture
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.laparoscopy.camera.opencv import opencv
from CRLMSegmentationLib.laparoscopy.metrics import compare_lines
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import LandmarkFinder, drawn, landmark_model
from CRLMSegmentationLib.laparoscopy.overlay.landmark_drawing import draw_landmarks
from CRLMSegmentationLib.values.landmarks import LANDMARKS

PICTURES = {"p2ilf_patient1_12.jpg": "p2ilf_patient1_12_landmarks.png", "sksurgery_image0232.png": None}
TILE_WIDTH = 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--model", help="folder or name; the installed one by default")
    parser.add_argument("--data", type=Path, default=data, help="folder with laparoscopy/ (default: ../shared/data)")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="the pictures with what was found")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    model = landmark_model(arguments.model)
    finder = LandmarkFinder(LocalPredictor(model, device="cpu", threads=1), model.card.threshold)
    facts: dict[str, Any] = {"threshold": model.card.threshold}
    tiles = []
    for name, truth in PICTURES.items():
        picture = read_picture(arguments.data / "laparoscopy" / name)
        found = finder.find(picture)
        facts[name] = {
            "lines": [
                {"landmark": one.landmark, "length_px": round(one.length), "confidence": round(one.confidence, 2)}
                for one in found.lines
            ],
            "highest_probability": dict(zip(LANDMARKS, found.probabilities.max(axis=(1, 2)).round(3).tolist())),
        }
        if truth is not None:
            mask = drawn(found.lines, (picture.shape[1], picture.shape[0]))
            wanted = read_landmark_mask(arguments.data / "laparoscopy" / truth)
            facts[name]["against_truth"] = {
                landmark: {key: value for key, value in compared.items() if np.isfinite(value)}
                for landmark, number in LANDMARKS.items()
                if (compared := compare_lines(mask == number, wanted == number))
            }
        tiles.append(tile_of(draw_landmarks(picture, found.lines)))
    text = json.dumps(facts, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if arguments.sheet:
        height = max(len(one) for one in tiles)
        sheet = np.hstack([np.pad(one, ((0, height - len(one)), (0, 0), (0, 0))) for one in tiles])
        cv2 = opencv()
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def tile_of(picture: np.ndarray) -> np.ndarray:
    """(v, 640, 3) of a picture (v, u, 3)."""
    size = (TILE_WIDTH, round(picture.shape[0] * TILE_WIDTH / picture.shape[1]))
    small: np.ndarray = opencv().resize(picture, size, interpolation=opencv().INTER_AREA)
    return small


if __name__ == "__main__":
    main()
