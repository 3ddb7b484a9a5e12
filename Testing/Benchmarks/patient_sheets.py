"""Contact sheets of simulated patients, for people to judge: livers, CT, sweep and laparoscope, a tile for each.

python Testing/Benchmarks/patient_sheets.py --seeds 0 12 -o docs/pictures
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.geometry import plane_axes, transform_points
from CRLMSegmentationLib.simulation import SweepSettings
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.laparoscope import LANDMARKS, draw_views
from CRLMSegmentationLib.simulation.laparoscope.looks import draw_pictures
from CRLMSegmentationLib.simulation.patient import draw_operation, draw_patient
from CRLMSegmentationLib.simulation.patient.export import surface_of
from CRLMSegmentationLib.simulation.ultrasound.patient_sweep import simulate_patient_sweep
from patients import ARTERY, BILE, HEPATIC, LESION, LIGAMENT, LIVER, PORTAL, RIDGE, rendered, tube_along
from PIL import Image
from scipy import ndimage

ACROSS = 4
# Sheet: (file, width and height of a tile, colors of the file; 0 for a photograph's).
SHEETS = {
    "livers": ("patients.png", (400, 200), 72),
    "ct": ("patient-ct.png", (288, 216), 40),
    "sweep": ("patient-sweep.png", (240, 180), 32),
    "camera": ("patient-camera.png", (320, 180), 96),
    "scope": ("patient-laparoscope.jpg", (320, 180), 0),
    "seen": ("patient-laparoscope-seen.jpg", (320, 180), 0),
}
SHOWN = {"silhouette": (230, 220, 0), "falciform ligament": (0, 190, 255), "ridge": (255, 40, 40)}
TARGET = (255, 190, 0)
SHADES = (1.0, 0.8, 0.6, 0.4)
# What is thin or small is kept among the few colors of a file.
KEPT = {
    "livers": [tuple(int(255 * shade * part) for part in color)
               for color in (PORTAL, HEPATIC, ARTERY, BILE, LESION, RIDGE, LIGAMENT) for shade in SHADES],
    "sweep": [TARGET],
    "camera": list(SHOWN.values()),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 12), metavar=("FIRST", "END"), help="default: 0 12")
    parser.add_argument("--only", nargs="+", choices=list(SHEETS), default=list(SHEETS))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    tiles: dict[str, list[np.ndarray]] = {name: [] for name in arguments.only}
    for seed in range(*arguments.seeds):
        patient = draw_patient(seed)
        for name in arguments.only:
            tiles[name].append(fitted(PICTURES[name](patient), SHEETS[name][1]))
        print(f"patient {seed}", flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, some in tiles.items():
        file, _, colors = SHEETS[name]
        some += [np.zeros_like(some[0])] * (-len(some) % ACROSS)
        rows = [np.concatenate(some[n : n + ACROSS], axis=1) for n in range(0, len(some), ACROSS)]
        sheet = Image.fromarray(np.concatenate(rows))
        if colors:
            with_few_colors(sheet, colors, KEPT.get(name, [])).save(arguments.output / file, optimize=True)
        else:
            sheet.save(arguments.output / file, quality=85)
        print(f"{arguments.output / file}: {(arguments.output / file).stat().st_size / 1000:.0f} kB")


def with_few_colors(sheet: Image.Image, colors: int, kept: list[tuple[int, ...]]) -> Image.Image:
    """The picture in so many colors, among them those to be `kept`."""
    common = sheet.quantize(colors - len(kept)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*itertools.chain(*kept), *common[: 3 * (colors - len(kept))]])
    return sheet.quantize(palette=palette, dither=Image.Dither.NONE)


def livers_picture(patient) -> np.ndarray:
    """(360, 720, 3): the liver with ridge and ligament, and what is in it."""
    outside = [
        (patient.surface, LIVER, 1.0),
        (tube_along(patient.ridge), RIDGE, 1.0),
        (tube_along(patient.falciform_ligament), LIGAMENT, 1.0),
    ]
    colors = {"portal": PORTAL, "hepatic": HEPATIC, "artery": ARTERY, "bile": BILE, "lesions": LESION}
    inside = [(surface_of(patient, name), color, 1.0) for name, color in colors.items()]
    return np.concatenate([rendered(outside), rendered([(patient.surface, LIVER, 0.15), *inside])], axis=1)


def ct_picture(patient) -> np.ndarray:
    """(j, i, 3): the slice through the largest metastasis, portal venous phase, as a radiologist sees it."""
    ct, _ = scan(patient, CtSettings("portal", 5.0, pixels=320))
    largest = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm)
    k = int(np.clip(np.round(transform_points(ct.ras_to_ijk, largest.center_ras)[2]), 0, ct.dimensions[2] - 1))
    grey = np.clip((ct.voxels[k, ::-1, ::-1].astype(float) + 60) / 280 * 255, 0, 255).astype(np.uint8)
    body = np.argwhere(grey > 40)
    rows = slice(max(body[:, 0].min() - 4, 0), body[:, 0].max() + 4)
    return colored(grey[rows])


def sweep_picture(patient) -> np.ndarray:
    """(v, u, 3): the frame nearest to the middle of the sweep's target, and where the target's border is cut."""
    operation = draw_operation(patient)
    recorded = simulate_patient_sweep(operation, sweep=SweepSettings(frames=15, lost_poses=0))
    poses = recorded.transforms["TrueImageToReference"]
    target = recorded.tumors.voxels == recorded.parameters["target"]
    middle = transform_points(recorded.tumors.ijk_to_ras, np.argwhere(target)[:, ::-1].mean(axis=0))
    away = np.abs(np.einsum("ni,ni->n", plane_axes(poses)[..., 2], middle - poses[:, :3, 3]))
    number = int(away.argmin())
    picture = colored(recorded.sweep.frames[number].pixels)
    v, u = np.indices(picture.shape[:2])
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1)
    index = np.round(transform_points(recorded.tumors.ras_to_ijk @ poses[number], pixels)).astype(int)
    on_grid = ((index >= 0) & (index < np.array(recorded.tumors.dimensions))).all(axis=-1)
    inside = np.zeros(on_grid.shape, dtype=bool)
    i, j, k = index[on_grid].T
    inside[on_grid] = target[k, j, i]
    picture[inside & ~ndimage.binary_erosion(inside, iterations=2)] = TARGET
    return picture


def camera_picture(patient) -> np.ndarray:
    """(v, u, 3): depth in grey, and the landmarks."""
    views = draw_views(draw_operation(patient), 1)
    depth, landmarks = views.depth_mm[0], views.landmarks[0]
    seen = depth > 0
    near, far = np.percentile(depth[seen], [1, 99])
    picture = colored(np.where(seen, np.clip(235 - 175 * (depth - near) / (far - near), 60, 235), 0).astype(np.uint8))
    for name, color in SHOWN.items():
        picture[ndimage.binary_dilation(landmarks == LANDMARKS[name])] = color
    return picture


def scope_picture(patient) -> np.ndarray:
    """(v, u, 3): what the laparoscope shows."""
    operation = draw_operation(patient)
    picture: np.ndarray = draw_pictures(operation, draw_views(operation, 1)).pictures[0]
    return picture


def seen_picture(patient) -> np.ndarray:
    """(v, u, 3): the same with the landmarks that can be seen in it."""
    operation = draw_operation(patient)
    drawn = draw_pictures(operation, draw_views(operation, 1))
    picture = drawn.pictures[0].copy()
    ridge, ligament, silhouette = drawn.seen[0]
    for seen, name in ((silhouette, "silhouette"), (ligament, "falciform ligament"), (ridge, "ridge")):
        picture[seen] = SHOWN[name]
    return picture


def colored(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def fitted(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture in a tile (height, width, 3) of `size` (width, height), in its middle."""
    image = Image.fromarray(picture)
    image.thumbnail(size, Image.Resampling.LANCZOS)
    corner = tuple(int(pixel) for pixel in picture[0, 0])
    tile = Image.new("RGB", size, corner)
    tile.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return np.asarray(tile)


PICTURES = {
    "livers": livers_picture, "ct": ct_picture, "sweep": sweep_picture, "camera": camera_picture,
    "scope": scope_picture, "seen": seen_picture,
}  # fmt: skip


if __name__ == "__main__":
    main()
