"""Measure what one simulated patient costs and how well its views agree: labels, CT, sweep, threads, one point in all.

    python Testing/Benchmarks/patient.py [--seed 3] [--repeats 3] [--json FILE]
                                         [--only labels ct sweep threads agreement]

Every part runs in a process of its own, so that its peak memory is its own; compiling is left out. A sweep on the
patient is timed in turns with one on a slab of the same depth, picture, swept volume and number of frames. Prints a
table in Markdown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.geometry import invert_affine, transform_points
from CRLMSegmentationLib.simulation import ProbeSettings, SweepSettings, simulate_case
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.laparoscope import draw_views
from CRLMSegmentationLib.simulation.patient import LABELS, draw_operation, draw_patient, patient_labels
from CRLMSegmentationLib.simulation.ultrasound.liver import LESION
from CRLMSegmentationLib.simulation.ultrasound.patient_sweep import simulate_patient_sweep

SLICES, FRAMES, DEPTH_MM = 200, 95, 80.0
PROBE = ProbeSettings(depth_mm=DEPTH_MM, frequency_mhz=8.0, focus_mm=40.0)
SWEEP = SweepSettings(frames=FRAMES, swept_volume_ml=250.0)
THREADS = (1, 2, 5)
EXACT = SweepSettings(frames=12, tracking_noise_mm=0, tracking_noise_deg=0, latency_s=0)
# (part, figure, what it is, must, aim), as the project asks for on two processor cores.
ROWS = (
    ("labels", "seconds", "patient with labels at 1 mm, s", 30, 10),
    ("labels", "peak_mb", "its peak memory, MB", 2048, None),
    ("ct", "seconds", f"a CT phase of 512 x 512 x {SLICES}, s", 20, 8),
    ("sweep", "ratio", f"a sweep of {FRAMES} frames, times that on a slab", 1.5, 1.0),
    ("sweep", "cpu_ratio", "the same in seconds of the processor", 1.5, 1.0),
    ("threads", "differing", f"what differs between {', '.join(map(str, THREADS))} threads, of 5 things", 0, 0),
    ("agreement", "ct_mm", "a lesion's middle in the CT's labels, mm off", 0.1, None),
    ("agreement", "sweep_mm", "the same in the sweep's truth, mm off", 0.1, None),
    ("agreement", "painted_mm", "the same in what was painted, mm off", 0.1, None),
    ("agreement", "camera_px", "points of the CT's surface in four pictures, pixels off at most", 0.1, None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3, help="of the patient (default: 3)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each part (default: 3)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was measured; parts of before are kept")
    parser.add_argument("--child", choices=[*PARTS, "digests"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure = digests if arguments.child == "digests" else PARTS[arguments.child]
        found = measure(arguments.seed, arguments.repeats)
        found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps(found))
        return
    measured: dict[str, Any] = {}
    if arguments.json and arguments.json.is_file():
        measured = json.loads(arguments.json.read_text(encoding="utf-8"))
    measured["machine"] = machine()
    for part in arguments.only:
        measured[part] = {"seed": arguments.seed, **in_own_process(part, arguments.seed, arguments.repeats)}
        print(f"{part}: {json.dumps(measured[part])}", file=sys.stderr, flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print_table(measured)


def in_own_process(part: str, seed: int, repeats: int, **environment: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", part, "--seed", str(seed), "--repeats", str(repeats)]
    ran = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8", env={**os.environ, **environment}
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def labels_part(seed: int, repeats: int) -> dict[str, Any]:
    """Draw the patient and its labels of 1 mm over its whole grid."""

    def task() -> None:
        patient = draw_patient(seed)
        patient_labels(patient, patient.grid_origin_ras, 1.0, patient.outside_mm.shape[::-1])

    return timed(task, repeats)


def ct_part(seed: int, repeats: int) -> dict[str, Any]:
    """One phase of a patient that is drawn already."""
    patient = draw_patient(seed)
    settings = ct_settings(patient)
    assert scan(patient, settings)[0].dimensions == (512, 512, SLICES)
    return timed(lambda: scan(patient, settings), repeats)


def ct_settings(patient) -> CtSettings:
    """With as many slices as the table asks for: their thickness follows from the liver's height."""
    thick = CtSettings("portal", 5.0, pixels=32)
    height = scan(patient, thick)[0].dimensions[2] * 5.0
    for thickness in np.arange(height / (SLICES + 2), height / (SLICES - 8), 0.002):
        if int((patient.outside_mm.shape[0] + 50) / thickness) + 1 == SLICES:
            return CtSettings("portal", round(float(thickness), 3))
    raise SystemExit(f"No thickness gives {SLICES} slices.")


def sweep_part(seed: int, repeats: int) -> dict[str, Any]:
    """A sweep on a patient that is drawn already, in turns with one on a slab."""
    operation = draw_operation(draw_patient(seed))
    tasks = {
        "slab": lambda: simulate_case(seed, probe=PROBE, sweep=SWEEP),
        "patient": lambda: simulate_patient_sweep(operation, probe=PROBE, sweep=SWEEP),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for repeat in range(-1, repeats):  # the first one compiles
        for name, task in tasks.items():
            seconds = seconds_of(task)
            if repeat >= 0:
                runs[name].append(seconds)
    wall, busy = ({name: statistics.median(run[n] for run in runs[name]) for name in tasks} for n in range(2))
    return {"ratio": round(wall["patient"] / wall["slab"], 3), "cpu_ratio": round(busy["patient"] / busy["slab"], 3),
            "seconds": wall, "cpu_seconds": busy, "runs": runs, "depth_mm": DEPTH_MM, "frames": FRAMES}  # fmt: skip


def threads_part(seed: int, repeats: int) -> dict[str, Any]:
    """SHA-256 of everything, made with other numbers of threads."""
    found = {
        count: in_own_process("digests", seed, count, NUMBA_NUM_THREADS=str(count), OMP_NUM_THREADS=str(count))
        for count in THREADS
    }
    names = [name for name in found[THREADS[0]] if name != "peak_mb"]
    differing = [name for name in names if len({one[name] for one in found.values()}) > 1]
    return {"differing": len(differing), "which": differing, "digests": {name: found[1][name] for name in names}}


def digests(seed: int, threads: int) -> dict[str, Any]:
    # Pools ask how many processors there are.
    os.cpu_count = lambda: threads  # type: ignore[assignment]
    patient = draw_patient(seed)
    operation = draw_operation(patient)
    ct, _ = scan(patient, CtSettings("portal", 4.0, pixels=128))
    recorded = simulate_patient_sweep(operation, sweep=SweepSettings(frames=8))
    views = draw_views(operation, 2)
    trees = [tree.tubes() for tree in patient.vessels.trees.values()]
    return {
        "patient": sha256(patient.outside_mm, *trees, *(lesion.center_ras for lesion in patient.lesions)),
        "labels": sha256(patient_labels(patient, patient.grid_origin_ras, 2.0, [100, 90, 90]).voxels),
        "ct": sha256(ct.voxels),
        "sweep": sha256(*(frame.pixels for frame in recorded.sweep.frames), recorded.tumors.voxels),
        "camera": sha256(views.depth_mm, views.landmarks, views.camera_to_reference),
    }


def sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def agreement_part(seed: int, repeats: int) -> dict[str, Any]:
    """The target of the sweep in CT, truth and paint; points of the CT's surface in pictures."""
    patient = draw_patient(seed)
    operation = draw_operation(patient)
    recorded = simulate_patient_sweep(operation, sweep=EXACT)
    number = recorded.parameters["target"]
    lesion = patient.metastases[number - 1]
    reach = lesion.shape.largest_radius_mm() + 1
    fine = patient_labels(patient, lesion.center_ras - reach, 0.3, [int(2 * reach / 0.3) + 1] * 3)
    points = places_of(fine, LABELS["metastasis"])
    weights = stretched(operation, points)
    in_reference = operation.ct_to_reference(points)
    expected = (in_reference * weights[:, None]).sum(axis=0) / weights.sum()

    _, labels = scan(patient, ct_settings(patient))
    in_ct = places_of(labels, LABELS["metastasis"])
    in_ct = in_ct[(np.abs(in_ct - lesion.center_ras) < reach).all(axis=1)]
    painted = places_of(recorded.kinds, 1 + LESION)
    lower, upper = in_reference.min(axis=0) - 1, in_reference.max(axis=0) + 1
    painted = painted[((painted > lower) & (painted < upper)).all(axis=1)]
    pixels, millimetres = camera_errors(operation)
    return {
        "ct_mm": apart(in_ct.mean(axis=0), points.mean(axis=0)),
        "sweep_mm": apart(places_of(recorded.tumors, number).mean(axis=0), expected),
        "painted_mm": apart(painted.mean(axis=0), expected),
        "camera_px": round(float(pixels.max()), 4),
        "camera_median_px": round(float(np.median(pixels)), 4),
        "camera_mm": round(float(millimetres.max()), 4),
        "camera_points": len(pixels),
        "lesion_mm": round(lesion.equivalent_diameter_mm, 1),
    }


def camera_errors(operation) -> tuple[np.ndarray, np.ndarray]:
    """(n,) pixels and mm: seen pixels are taken by their depth to the CT, there onto the CT's surface, and back."""
    from vtkmodules.vtkCommonCore import mutable
    from vtkmodules.vtkCommonDataModel import vtkCellLocator

    locator = vtkCellLocator()
    locator.SetDataSet(operation.patient.surface)
    locator.BuildLocator()
    views = draw_views(operation, 4)
    pixels, millimetres = [], []
    for pose, depth in zip(views.camera_to_reference, views.depth_mm, strict=True):
        # A step of the depth beside it is an edge, behind which the surface goes on.
        smooth = np.abs(depth - np.roll(depth, 3, axis=1)) + np.abs(depth - np.roll(depth, 3, axis=0)) < 1.5
        v, u = np.argwhere((depth > 0) & smooth)[::997].T
        seen = np.column_stack([u, v])
        on_ct = operation.reference_to_ct(transform_points(pose, views.camera.unproject(seen, depth[v, u])))
        on_surface = np.empty_like(on_ct)
        for n, point in enumerate(on_ct):
            nearest, cell, part, square = [0.0] * 3, mutable(0), mutable(0), mutable(0.0)
            locator.FindClosestPoint(point, nearest, cell, part, square)
            on_surface[n] = nearest
        back = views.camera.project(transform_points(invert_affine(pose), operation.ct_to_reference(on_surface)))
        pixels.append(np.linalg.norm(back - seen, axis=1))
        millimetres.append(np.linalg.norm(on_surface - on_ct, axis=1))
    return np.concatenate(pixels), np.concatenate(millimetres)


def places_of(volume, number: int) -> np.ndarray:
    """(n, 3) where the voxels of that number lie."""
    return transform_points(volume.ijk_to_ras, np.argwhere(volume.voxels == number)[:, ::-1])


def stretched(operation, points: np.ndarray) -> np.ndarray:
    """(n,) how much larger the deformation makes a voxel there."""
    step = 0.05
    columns = [
        (operation.ct_to_reference(points + step * axis) - operation.ct_to_reference(points - step * axis)) / (2 * step)
        for axis in np.eye(3)
    ]
    return np.linalg.det(np.stack(columns, axis=-1))


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return round(float(np.linalg.norm(one - other)), 4)


def timed(task: Callable[[], object], repeats: int) -> dict[str, Any]:
    task()  # compiles
    runs = [seconds_of(task) for _ in range(repeats)]
    wall, busy = (statistics.median(run[n] for run in runs) for n in range(2))
    return {"seconds": wall, "cpu_seconds": busy, "runs": runs}


def seconds_of(task: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processor: beside other work the second says more."""
    begun = time.perf_counter(), time.process_time()
    task()
    return round(time.perf_counter() - begun[0], 3), round(time.process_time() - begun[1], 3)


def machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        names = [
            line
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        processor = names[0].partition(":")[2].strip() if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", "scipy", "vtk")},
    }


def print_table(measured: dict[str, Any]) -> None:
    print("| | must | aim | measured | holds |\n| --- | --- | --- | --- | --- |")
    for part, figure, title, must, aim in ROWS:
        if part in measured:
            value = measured[part][figure]
            holds = "yes" if value <= must else "**no**"
            print(f"| {title} | {must} | {'' if aim is None else aim} | {value} | {holds} |")


PARTS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "labels": labels_part,
    "ct": ct_part,
    "sweep": sweep_part,
    "threads": threads_part,
    "agreement": agreement_part,
}


if __name__ == "__main__":
    main()
