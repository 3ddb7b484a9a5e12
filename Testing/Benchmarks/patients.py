"""Draws many simulated patients: how long one takes, what is wrong with any of them or with its operation, whether a
sweep can be laid on it, how they spread, and how they look.

python Testing/Benchmarks/patients.py --seeds 0 1000 --lines patients.jsonl --json patients.json
python Testing/Benchmarks/patients.py --seeds 0 100 --date 3
python Testing/Benchmarks/patients.py --seeds 0 12 --sheet docs/pictures/patients.png
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from pathlib import Path

import numpy as np
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.simulation import ProbeSettings, SweepSettings
from CRLMSegmentationLib.simulation.patient import LABELS, at_date, draw_operation, draw_patient, patient_labels
from CRLMSegmentationLib.simulation.patient.checks import faults_of, faults_of_operation
from CRLMSegmentationLib.simulation.ultrasound.patient_place import place_sweep
from CRLMSegmentationLib.values.triangles import surface_points

LIVER, PORTAL, HEPATIC = (0.72, 0.34, 0.28), (0.2, 0.35, 0.9), (0.5, 0.15, 0.65)
ARTERY, BILE, LESION, RIDGE, LIGAMENT = (
    (0.85, 0.1, 0.1),
    (0.2, 0.65, 0.2),
    (0.95, 0.85, 0.2),
    (1, 0.9, 0),
    (0, 0.8, 0.9),
)
TILE = 360


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 20), metavar=("FIRST", "END"), help="default: 0 20")
    parser.add_argument(
        "--lines", metavar="FILE", help="add a line for each patient; seeds that are there are not drawn again"
    )
    parser.add_argument("--date", type=int, default=0, metavar="K", help="so many dates later (default: 0)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--sheet", metavar="FILE", help="draw every patient into one picture (.png)")
    arguments = parser.parse_args()
    rows, tiles = [], []
    if arguments.lines and Path(arguments.lines).is_file():
        rows = [json.loads(line) for line in Path(arguments.lines).read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row.get("date", 0) == arguments.date]
    known = {row["seed"] for row in rows}
    rows = [row for row in rows if row["seed"] in range(*arguments.seeds)]
    draw_patient(0)  # compiles
    for seed in range(*arguments.seeds):
        if seed in known and not arguments.sheet:
            continue
        begun = time.perf_counter()
        patient = at_date(draw_patient(seed), arguments.date)
        drawn = time.perf_counter()
        lower, dimensions = patient.grid_origin_ras, patient.outside_mm.shape[::-1]
        labels = patient_labels(patient, lower, 1.0, dimensions)
        seconds = drawn - begun, time.perf_counter() - begun
        rows.append(row_of(patient, labels, seconds))
        if arguments.lines:
            with open(arguments.lines, "a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
        print(
            f"{seed}: {rows[-1]['liver_ml']:.0f} mL, {len(patient.metastases)} metastases, {seconds[1]:.1f} s",
            flush=True,
        )
        for fault in rows[-1]["faults"]:
            print(f"   {fault}", flush=True)
        if arguments.sheet:
            tiles.append(picture_of(patient, labels))
    figures = summary(rows)
    print(json.dumps(figures, indent=1))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"summary": figures, "patients": rows}, indent=1), encoding="utf-8")
    if arguments.sheet:
        write_sheet(tiles, arguments.sheet)


def row_of(patient, labels, seconds) -> dict:
    from vtkmodules.vtkFiltersCore import vtkMassProperties

    mass = vtkMassProperties()
    mass.SetInputData(patient.surface)
    volume, area = mass.GetVolume(), mass.GetSurfaceArea()
    bounds = np.array(patient.surface.GetBounds()).reshape(3, 2)
    return {
        "seed": patient.seed,
        "date": patient.date,
        "seconds": round(seconds[0], 2),
        "seconds_with_labels": round(seconds[1], 2),
        "liver_ml": round(patient.liver_ml, 1),
        "extent_mm": (bounds[:, 1] - bounds[:, 0]).round(1).tolist(),
        "sphericity": round(float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area), 3),
        "vessels_ml": {
            name: round(float((labels.voxels == LABELS[name]).sum() / 1000), 1)
            for name in ("portal vein", "hepatic vein")
        },
        "branches_end": {name: int(len(tree.ends)) for name, tree in patient.vessels.trees.items()},
        "unreached_share": {name: round(share, 3) for name, share in patient.vessels.unreached.items()},
        "metastases_mm": [round(one.equivalent_diameter_mm, 1) for one in patient.metastases],
        "other_lesions": [one.kind for one in patient.lesions if one not in patient.metastases],
        **operated(patient),
    }


def operated(patient) -> dict:
    """What is wrong with the patient, in the operation too; and how much of the target a sweep passes."""
    faults, operation = faults_of(patient), draw_operation(patient)
    faults += faults_of_operation(operation)
    moved = operation.deformation.displacements_mm(surface_points(patient.surface))
    row: dict = {"moved_mm": round(float(np.linalg.norm(moved, axis=1).max()), 1)}
    try:
        streams = [np.random.default_rng([patient.seed, n]) for n in range(2)]
        placed = place_sweep(operation, streams, ProbeSettings(), SweepSettings())
        row["sweep"] = {"covered": round(placed.covered, 3), "depth_mm": round(placed.probe.depth_mm, 1)}
    except ConfigurationError as error:
        row["sweep"] = {"refused": str(error)}
    return {**row, "faults": faults}


def summary(rows: list[dict]) -> dict:
    def spread(values) -> dict:
        values = np.asarray(list(values), dtype=float)
        return {name: round(float(np.percentile(values, at)), 2) for name, at in
                (("least", 0), ("q25", 25), ("median", 50), ("q75", 75), ("most", 100))}  # fmt: skip

    return {
        "patients": len(rows),
        "with_faults": sum(bool(row["faults"]) for row in rows),
        "first_and_last_seed": [min(row["seed"] for row in rows), max(row["seed"] for row in rows)],
        "without_sweep": [row["seed"] for row in rows if "refused" in row["sweep"]],
        "covered": spread(row["sweep"]["covered"] for row in rows if "covered" in row["sweep"]),
        "moved_mm": spread(row["moved_mm"] for row in rows),
        "alike": len(rows) - len({(row["liver_ml"], *row["extent_mm"], *row["metastases_mm"]) for row in rows}),
        "seconds_with_labels": spread(row["seconds_with_labels"] for row in rows),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "liver_ml": spread(row["liver_ml"] for row in rows),
        "sphericity": spread(row["sphericity"] for row in rows),
        **{f"extent_{axis}_mm": spread(row["extent_mm"][n] for row in rows) for n, axis in enumerate("xyz")},
        "metastases": spread(len(row["metastases_mm"]) for row in rows),
        "metastasis_mm": spread(size for row in rows for size in row["metastases_mm"]),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def picture_of(patient, labels) -> np.ndarray:
    """(TILE, 3 TILE, 3) uint8: the liver from the front with ridge and ligament, its inside, an axial slice of
    labels.
    """
    from CRLMSegmentationLib.simulation.patient.export import surface_of

    liver = (patient.surface, LIVER)
    outside = [
        (*liver, 1.0),
        (tube_along(patient.ridge), RIDGE, 1.0),
        (tube_along(patient.falciform_ligament), LIGAMENT, 1.0),
    ]
    colors = {"portal": PORTAL, "hepatic": HEPATIC, "artery": ARTERY, "bile": BILE, "lesions": LESION}
    inside = [(*liver, 0.15), *((surface_of(patient, name), color, 1.0) for name, color in colors.items())]
    slice_ = slice_of(labels, int(labels.voxels.shape[0] * 0.55))
    return np.concatenate([rendered(outside), rendered(inside), slice_], axis=1)


def slice_of(labels, k: int) -> np.ndarray:
    shades = np.random.default_rng(5).integers(60, 230, (len(LABELS), 3)).astype(np.uint8)
    for name, color in {
        "air": (0, 0, 0), "liver": LIVER, "portal vein": PORTAL, "hepatic vein": HEPATIC, "artery": ARTERY,
        "bile duct": BILE,
        "metastasis": LESION, "bone": (0.95, 0.95, 0.9), "abdominal fat": (0.95, 0.9, 0.7), "lung": (0.15, 0.2, 0.3),
    }.items():  # fmt: skip
        shades[LABELS[name]] = np.round(np.array(color) * 255)
    # As a radiologist looks at it: from below, the front up.
    image = shades[labels.voxels[k, ::-1, ::-1]]
    tile = np.full((TILE, TILE, 3), 255, dtype=np.uint8)
    j, i = (
        (np.arange(TILE) * max(image.shape[:2]) / TILE).astype(int),
        (np.arange(TILE) * max(image.shape[:2]) / TILE).astype(int),
    )
    j, i = j[j < image.shape[0]], i[i < image.shape[1]]
    tile[: len(j), : len(i)] = image[np.ix_(j, i)]
    return tile


def tube_along(line: np.ndarray):
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkTubeFilter

    points, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    cells.InsertNextCell(len(line))
    for point in line:
        cells.InsertCellPoint(points.InsertNextPoint(*point))
    data.SetPoints(points)
    data.SetLines(cells)
    tube = vtkTubeFilter()
    tube.SetInputData(data)
    tube.SetRadius(1.5)
    tube.SetNumberOfSides(8)
    tube.Update()
    return tube.GetOutput()


def rendered(parts) -> np.ndarray:
    """(TILE, TILE, 3) uint8: (vtkPolyData, colour, opacity) each, from the front."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
    from CRLMSegmentationLib.pictures.offscreen import render_window
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkWindowToImageFilter

    window, renderer = render_window(), vtkRenderer()
    window.SetSize(TILE, TILE)
    renderer.SetBackground(1, 1, 1)
    window.AddRenderer(renderer)
    for data, color, opacity in parts:
        normals, mapper, actor = vtkPolyDataNormals(), vtkPolyDataMapper(), vtkActor()
        normals.SetInputData(data)
        mapper.SetInputConnection(normals.GetOutputPort())
        mapper.ScalarVisibilityOff()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*color)
        actor.GetProperty().SetOpacity(opacity)
        renderer.AddActor(actor)
    camera = renderer.GetActiveCamera()
    camera.SetPosition(0, 1, 0)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    camera.ParallelProjectionOn()
    renderer.ResetCamera()
    camera.Zoom(1.35)
    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(TILE, TILE, 3)[::-1].copy()


def write_sheet(tiles: list[np.ndarray], path) -> None:
    from PIL import Image

    across = 2
    rows = [np.concatenate(tiles[n : n + across], axis=1) for n in range(0, len(tiles) - len(tiles) % across, across)]
    Image.fromarray(np.concatenate(rows)).quantize(96).save(path, optimize=True)


if __name__ == "__main__":
    main()
