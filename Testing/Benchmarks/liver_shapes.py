"""Hold the surfaces of simulated livers beside those of two patients: volume, extents, sphericity, curvature.

    python Testing/Benchmarks/liver_shapes.py [--data ../shared/data] [--seeds 0 12] [--json FILE] [--sheet PNG]

The real ones are read from DATA and never copied: `liver-model/liver.vtk` and `laparoscopy/p2ilf_patient2_1_liver.obj`.
All surfaces are filled with voxels of 2 mm and smoothed alike, so that a mesh's own steps count for nothing. Extents
are along the liver's own axes, the longest first, so that it does not matter how a mesh is turned.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.simulation.patient import draw_patient

REAL = ("liver-model/liver.vtk", "laparoscopy/p2ilf_patient2_1_liver.obj")
VOXEL_MM, SMOOTH_MM, AROUND_MM = 2.0, 4.0, 16.0
# Mean curvature, 1/mm: positive where the liver bulges; 0.02 is that of a ball of 50 mm.
CURVATURES = (-np.inf, -0.02, -0.005, 0.005, 0.02, 0.04, np.inf)
TILE = 360


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, help="folder with the real ones (default: ../shared/data)")
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 12), metavar=("FIRST", "END"), help="default: 0 12")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="from the front, to look at; never to be kept")
    arguments = parser.parse_args()
    surfaces = {name: read_surface(arguments.data / name) for name in REAL if (arguments.data / name).is_file()}
    if len(surfaces) < len(REAL):
        print(f"{arguments.data} does not hold all of {', '.join(REAL)}: {len(surfaces)} real livers are measured.")
    surfaces |= {f"patient {seed}": draw_patient(seed).surface for seed in range(*arguments.seeds)}
    rows = {name: figures_of(surface) for name, surface in surfaces.items()}
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if arguments.sheet:
        draw_sheet(list(surfaces.values()), arguments.sheet)


def read_surface(path: Path):
    from vtkmodules.vtkCommonTransforms import vtkTransform
    from vtkmodules.vtkFiltersCore import vtkTriangleFilter
    from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter
    from vtkmodules.vtkIOGeometry import vtkOBJReader
    from vtkmodules.vtkIOLegacy import vtkPolyDataReader

    reader = vtkOBJReader() if path.suffix == ".obj" else vtkPolyDataReader()
    reader.SetFileName(str(path))
    triangles = vtkTriangleFilter()
    turned, about_z = vtkTransformPolyDataFilter(), vtkTransform()
    about_z.Scale(-1, -1, 1)  # their x runs to the left and y to the back
    turned.SetTransform(about_z)
    turned.SetInputConnection(reader.GetOutputPort())
    triangles.SetInputConnection(turned.GetOutputPort())
    triangles.Update()
    return triangles.GetOutput()


def figures_of(surface) -> dict[str, Any]:
    """Volume in mL, extents in mm, sphericity, and the shares of the surface by mean curvature."""
    field = smoothed(surface)
    gradient = np.stack(np.gradient(field, VOXEL_MM))
    length = np.sqrt((gradient * gradient).sum(axis=0))
    # Of the smoothed filling, 1 inside: the normal that points outward is minus the gradient.
    normal = -gradient / np.maximum(length, 1e-6)
    mean = sum(np.gradient(normal[axis], VOXEL_MM, axis=axis) for axis in range(3)) / 2
    # A voxel's share of the surface is the length of the gradient there.
    near = np.abs(field - 0.5) < 0.25
    weight, curvature = length[near], mean[near]
    volume = float((field > 0.5).sum()) * VOXEL_MM**3
    area = float(weight.sum()) * VOXEL_MM**3 / 0.5
    inside = np.argwhere(field > 0.5) * VOXEL_MM
    away = inside - inside.mean(axis=0)
    along = away @ np.linalg.svd(np.cov(away.T))[0]
    shares = np.histogram(curvature, np.array(CURVATURES), weights=weight)[0] / weight.sum()
    return {
        "liver_ml": round(volume / 1000),
        "extents_mm": np.round(np.ptp(along, axis=0)).astype(int).tolist(),
        "sphericity": round(float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area), 2),
        "curvature_shares": shares.round(3).tolist(),
    }


def smoothed(surface) -> np.ndarray:
    """(k, j, i) float32 on voxels of VOXEL_MM: 1 inside of the surface, 0 outside, smooth between."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

    bounds = np.array(surface.GetBounds()).reshape(3, 2)
    first = bounds[:, 0] - AROUND_MM
    count = np.ceil((bounds[:, 1] + AROUND_MM - first) / VOXEL_MM).astype(int)
    stencil, filled = vtkPolyDataToImageStencil(), vtkImageStencilToImage()
    stencil.SetInputData(surface)
    stencil.SetOutputSpacing(VOXEL_MM, VOXEL_MM, VOXEL_MM)
    stencil.SetOutputOrigin(*first)
    stencil.SetOutputWholeExtent(0, int(count[0]) - 1, 0, int(count[1]) - 1, 0, int(count[2]) - 1)
    filled.SetInputConnection(stencil.GetOutputPort())
    filled.SetInsideValue(1)
    filled.SetOutsideValue(0)
    filled.SetOutputScalarTypeToUnsignedChar()
    filled.Update()
    image: vtkImageData = filled.GetOutput()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(count[::-1])
    # Vessels that a mesh leaves open are closed.
    whole = ndimage.binary_fill_holes(ndimage.binary_closing(voxels > 0, iterations=3))
    return ndimage.gaussian_filter(np.asarray(whole, dtype=np.float32), SMOOTH_MM / VOXEL_MM)


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    real = [name for name in rows if name in REAL]
    simulated = [rows[name] for name in rows if name not in REAL]
    print("| | " + " | ".join(Path(name).name for name in real) + f" | {len(simulated)} simulated |")
    print("|" + " --- |" * (len(real) + 2))
    limits = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(CURVATURES)]
    figures = [
        ("volume, mL", lambda row: row["liver_ml"], ".0f"),
        *((f"{n + 1}. extent, mm", lambda row, n=n: row["extents_mm"][n], ".0f") for n in range(3)),
        ("sphericity", lambda row: row["sphericity"], ".2f"),
        *((f"mean curvature {text} /mm, share", lambda row, n=n: row["curvature_shares"][n], ".2f")
          for n, text in enumerate(limits)),
    ]  # fmt: skip
    for title, figure, form in figures:
        values = [figure(row) for row in simulated]
        spread = f"{min(values):{form}} to {max(values):{form}}" if values else "-"
        print(f"| {title} | " + " | ".join(f"{figure(rows[name]):{form}}" for name in real) + f" | {spread} |")


def draw_sheet(surfaces: list, path: Path) -> None:
    from patients import LIVER, rendered
    from PIL import Image

    tiles = [rendered([(surface, LIVER, 1.0)]) for surface in surfaces]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 4)
    rows = [np.concatenate(tiles[n : n + 4], axis=1) for n in range(0, len(tiles), 4)]
    Image.fromarray(np.concatenate(rows)).save(path)


if __name__ == "__main__":
    main()
