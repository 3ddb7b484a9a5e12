"""Hold simulated CTs beside real ones: brightness of tissues, strength and spectrum of the noise, width of edges.

    python Testing/Benchmarks/ct_statistics.py [--data ../shared/data] [--seeds 0 6] [--phases portal native]
                                               [--json FILE] [--sheet PNG]

The real ones are read from DATA and never copied: `crlm-ct` (portal venous phase, 5 mm slices, no labels: places
were marked by hand, below) and `ct-labelled` (native, 3 mm voxels with labels, too coarse for noise and edges). Where
they are not there, it says so and measures the simulated ones alone. Simulated CTs have slices and pixels as in
`crlm-ct`. A range is that of marked places or of patients.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.patient import LABELS, draw_patient

REAL_THICKNESS_MM = 5.0
# CRLM-CT-1006: slice (from the feet up), row, column, radius in pixels, marked by eye.
MARKED = {
    "liver": [(26, 215, 115, 8), (30, 225, 130, 8), (22, 215, 130, 8), (34, 200, 140, 8), (18, 205, 130, 8)],
    "portal vein": [(26, 235, 193, 3), (26, 196, 207, 4)],
    "hepatic vein": [(34, 208, 226, 3), (34, 263, 190, 3)],
    "vena cava": [(38, 241, 223, 5)],
    "aorta": [(30, 282, 266, 6), (34, 282, 266, 6), (38, 284, 265, 6)],
    "metastasis": [(14, 245, 121, 7), (15, 250, 120, 8), (13, 245, 120, 5)],
    "gallbladder": [(13, 214, 150, 9), (14, 212, 148, 9)],
    "spleen": [(34, 266, 355, 10), (30, 268, 385, 10)],
    "muscle": [(22, 362, 210, 4), (18, 360, 214, 5)],
}
# TotalSegmentator's numbers.
SEGMENTED = {"liver": (5,), "portal vein": (64,), "vena cava": (63,), "aorta": (52,), "gallbladder": (4,),
             "spleen": (1,), "muscle": (86, 87)}  # fmt: skip
LIVER_HU, PATCH = (90, 160), 24
VEINS = ("portal vein", "hepatic vein")


@dataclass(frozen=True)
class Scan:
    """hu (k, j, i) float32; pixel_mm of a slice; tissues: places by name, each (k, j, i) boolean; liver the same."""

    name: str
    phase: str
    hu: np.ndarray
    pixel_mm: float
    tissues: dict[str, list[np.ndarray]]
    liver: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, help="folder with the real CTs (default: ../shared/data)")
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 6), metavar=("FIRST", "END"), help="default: 0 6")
    parser.add_argument("--phases", nargs="+", default=["portal", "native"], metavar="PHASE", help="of simulated CTs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="slices side by side, to look at; never to be kept")
    arguments = parser.parse_args()
    scans = [(read, arguments.data / name) for name, read in READERS.items() if (arguments.data / name).is_dir()]
    if len(scans) < len(READERS):
        print(f"{arguments.data} does not hold all of {', '.join(READERS)}: {len(scans)} real CTs are measured.")
    figures: dict[str, list[dict]] = {}
    slices = []
    jobs = [*scans, *((simulated, one) for one in itertools.product(arguments.phases, range(*arguments.seeds)))]
    for read, source in jobs:
        one = read(source)
        print(one.name, file=sys.stderr, flush=True)
        kind = "simulated" if read is simulated else "real"
        figures.setdefault(f"{one.phase}, {kind}", []).append(figures_of(one))
        if one.phase == "portal" and len(slices) < 4:
            slices.append(np.concatenate(middle_slices(one), axis=1))
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print_table(figures)
    if arguments.sheet:
        from PIL import Image

        wide = min(row.shape[1] for row in slices)
        Image.fromarray(np.concatenate([row[:, :wide] for row in slices])).save(arguments.sheet)


def read_marked(folder: Path) -> Scan:
    """The series without labels: discs where they were marked, and the liver as what is as bright as it."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    series = next(one for one in [folder, *sorted(folder.rglob("*"))] if one.is_dir() and any(one.glob("*.dcm")))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    image = reader.Execute()
    hu = SimpleITK.GetArrayFromImage(image).astype(np.float32)
    j, i = np.indices(hu.shape[1:])
    tissues: dict[str, list[np.ndarray]] = {}
    for name, discs in MARKED.items():
        for k, row, column, radius in discs:
            disc = np.zeros(hu.shape, dtype=bool)
            disc[k] = (j - row) ** 2 + (i - column) ** 2 <= radius * radius
            tissues.setdefault(name, []).append(disc)
    smooth = ndimage.gaussian_filter(hu, (0, 2, 2))
    bright = ndimage.binary_opening((smooth > LIVER_HU[0]) & (smooth < LIVER_HU[1]), np.ones((1, 7, 7)))
    pieces, _ = ndimage.label(bright)
    return Scan(
        series.name, "portal", hu, image.GetSpacing()[0], tissues, pieces == pieces[tuple(MARKED["liver"][0][:3])]
    )


def read_segmented(folder: Path) -> Scan:
    import SimpleITK

    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(folder / "example_ct_sm.nii.gz")), "LPS")
    labels = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(folder / "example_seg.nii.gz")), "LPS")
    numbers = SimpleITK.GetArrayFromImage(labels)
    tissues = {name: [inner(np.isin(numbers, some), 1)] for name, some in SEGMENTED.items()}
    hu = SimpleITK.GetArrayFromImage(image).astype(np.float32)
    return Scan("labelled, 3 mm", "native", hu, image.GetSpacing()[0], tissues, np.isin(numbers, SEGMENTED["liver"]))


def simulated(phase_and_seed: tuple[str, int]) -> Scan:
    phase, seed = phase_and_seed
    ct, labels = scan(draw_patient(seed), CtSettings(phase, REAL_THICKNESS_MM))
    # As a DICOM series shows it: rows from front to back, columns from right to left.
    hu, numbers = ct.voxels[:, ::-1, ::-1].astype(np.float32), labels.voxels[:, ::-1, ::-1]
    tissues = {name: [inner(numbers == LABELS[name], 2 if name in VEINS else 3)] for name in MARKED}
    inside = ("liver", "portal vein", "hepatic vein", "artery", "bile duct", "metastasis", "cyst", "hemangioma",
              "fat in the liver")  # fmt: skip
    liver = np.isin(numbers, [LABELS[name] for name in inside])
    return Scan(f"simulated {seed}", phase, hu, float(ct.spacing_mm[0]), tissues, liver)


READERS = {"crlm-ct": read_marked, "ct-labelled": read_segmented}


def inner(mask: np.ndarray, steps: int) -> np.ndarray:
    """Without its border in each slice."""
    plane = ndimage.generate_binary_structure(2, 1)[None]
    return np.asarray(ndimage.binary_erosion(mask, plane, iterations=steps))


def figures_of(one: Scan) -> dict:
    fat = inner((one.hu > -150) & (one.hu < -50), 2)
    lung = inner((one.hu < -600) & ndimage.binary_fill_holes(one.hu > -300, np.ones((1, 3, 3))), 3)
    tissues = {**one.tissues, "fat": [fat], "lung": [lung]}
    means = {name: [round(float(one.hu[place].mean()), 1) for place in places if place.sum() > 15]
             for name, places in tissues.items()}  # fmt: skip
    return {
        "name": one.name,
        "mean_hu": means,
        "noise": noise_of(one),
        "edge_10_90_mm": edge_width_mm(one),
    }


def noise_of(one: Scan) -> dict:
    """In squares of the liver without vessels, freed of a smooth slope: HU, the spectrum, the neighbouring slice."""
    deep, found = inner(one.liver, 3), []
    j, i = np.indices((PATCH, PATCH)) / PATCH - 0.5
    smooth = np.stack([np.ones_like(i), i, j, i * i, i * j, j * j], axis=-1).reshape(-1, 6)
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    for k in range(one.hu.shape[0] - 1):
        for row in range(0, one.hu.shape[1] - PATCH, PATCH // 2):
            for column in range(0, one.hu.shape[2] - PATCH, PATCH // 2):
                where = (slice(row, row + PATCH), slice(column, column + PATCH))
                if deep[(slice(k, k + 2), *where)].all():
                    both = one.hu[(slice(k, k + 2), *where)].reshape(2, -1).T
                    rest = both - smooth @ np.linalg.lstsq(smooth, both, rcond=None)[0]
                    # Largest of the blurred remainder: a vessel or a lesion stands out of the noise.
                    blurred = ndimage.gaussian_filter(rest[:, 0].reshape(PATCH, PATCH), 2.0)
                    found.append((float(np.abs(blurred).max()), rest))
    if len(found) < 20:
        return {}
    found.sort(key=lambda pair: pair[0])
    quiet = np.stack([rest for _, rest in found[: max(20, len(found) // 4)]])
    power = np.mean([np.abs(np.fft.fft2(part[:, 0].reshape(PATCH, PATCH) * window)) ** 2 for part in quiet], axis=0)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(PATCH, one.pixel_mm)] * 2))
    bins = np.arange(0.05, 0.66, 0.1)
    which = np.digitize(frequency, bins)
    radial = np.array([power[which == n].mean() if (which == n).any() else 0.0 for n in range(1, len(bins))])
    correlation = [np.corrcoef(part[:, 0], part[:, 1])[0, 1] for part in quiet]
    return {
        "hu": round(float(quiet[:, :, 0].std()), 2),
        "mean_frequency_per_mm": round(float((power * frequency).sum() / power.sum()), 3),
        "spectrum": (radial / radial.sum()).round(3).tolist(),
        "beside_correlation": round(correlation_of_pixels(quiet, (0, 1)), 3),
        "below_correlation": round(correlation_of_pixels(quiet, (1, 0)), 3),
        "next_slice_correlation": round(float(np.mean(correlation)), 3),
        "squares": len(quiet),
    }


def correlation_of_pixels(quiet: np.ndarray, step: tuple[int, int]) -> float:
    """Of pixels `step` rows and columns apart; quiet (squares, pixels of a square, 2) HU."""
    squares = quiet[:, :, 0].reshape(-1, PATCH, PATCH)
    one, other = squares[:, step[0] :, step[1] :], squares[:, : PATCH - step[0], : PATCH - step[1]]
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def edge_width_mm(one: Scan) -> float | None:
    """From 10 to 90 % between fat and liver, across the liver's border within a slice: median over borders."""
    widths, step = [], 0.25
    along = np.arange(-9.0, 9.0 + step, step)
    for k in range(one.hu.shape[0]):
        if one.liver[k].sum() < 500:
            continue
        towards = np.stack(np.gradient(ndimage.gaussian_filter(one.liver[k].astype(np.float32), 2.0)))
        rim = one.liver[k] & ~ndimage.binary_erosion(one.liver[k])
        for row, column in np.argwhere(rim)[::5]:
            direction = towards[:, row, column] / max(1e-6, float(np.linalg.norm(towards[:, row, column])))
            # A strip of lines side by side, against the noise.
            beside = np.array([-direction[1], direction[0]])[:, None] * np.arange(-2, 3)
            places = (
                np.array([row, column])[:, None, None]
                + direction[:, None, None] * (along / one.pixel_mm)[None, :, None]
            )
            line = ndimage.map_coordinates(one.hu[k], places + beside[:, None, :], order=1, mode="nearest").mean(
                axis=-1
            )
            fat, liver = line[:12], line[-12:]
            if -125 < fat.mean() < -75 and np.ptp(fat) < 40 and 80 < liver.mean() < 150 and np.ptp(liver) < 40:
                share = (line - fat.mean()) / (liver.mean() - fat.mean())
                widths.append(step * ((share > 0.1) & (share < 0.9)).sum())
    return round(float(np.median(widths)), 2) if len(widths) >= 20 else None


def middle_slices(one: Scan) -> list[np.ndarray]:
    """Four slices (j, i) uint8 through the liver, from -40 to 220 HU."""
    levels = np.flatnonzero(one.liver.any(axis=(1, 2)))
    chosen = levels[(np.array([0.25, 0.45, 0.6, 0.8]) * (len(levels) - 1)).astype(int)]
    return [np.clip((one.hu[k] + 40) / 260 * 255, 0, 255).astype(np.uint8) for k in chosen]


def print_table(figures: dict[str, list[dict]]) -> None:
    names = sorted(figures, reverse=True)
    print(
        "| | " + " | ".join(f"{name} ({len(figures[name])})" for name in names) + " |\n|" + " --- |" * (len(names) + 1)
    )
    for tissue in (*MARKED, "fat", "lung"):
        found = [[mean for one in figures[name] for mean in one["mean_hu"].get(tissue, [])] for name in names]
        print(f"| {tissue}, HU | " + " | ".join(spread(values, 0) for values in found) + " |")
    for key, title, digits in (
        ("hu", "noise, HU", 1), ("mean_frequency_per_mm", "its mean frequency, 1/mm", 3),
        ("beside_correlation", "correlation of neighbours, sideways", 2),
        ("below_correlation", "the same, front to back", 2),
        ("next_slice_correlation", "its correlation with the next slice", 2),
    ):  # fmt: skip
        found = [[one["noise"][key] for one in figures[name] if one["noise"]] for name in names]
        print(f"| {title} | " + " | ".join(spread(values, digits) for values in found) + " |")
    spectra = [[one["noise"]["spectrum"] for one in figures[name] if one["noise"]] for name in names]
    shares = [" ".join(f"{share:.2f}" for share in np.mean(some, axis=0)) if some else "-" for some in spectra]
    print("| its power at 0.1, 0.2 ... 0.6 per mm, shares | " + " | ".join(shares) + " |")
    edges = [[one["edge_10_90_mm"] for one in figures[name] if one["edge_10_90_mm"]] for name in names]
    print("| edge from fat to liver, 10 to 90 %, mm | " + " | ".join(spread(values, 2) for values in edges) + " |")


def spread(values: list[float], digits: int) -> str:
    """From the least to the most, one number where they are alike; - for none."""
    texts = list(dict.fromkeys(f"{value:.{digits}f}" for value in (min(values), max(values)))) if values else ["-"]
    return " to ".join(texts)


if __name__ == "__main__":
    main()
