"""How well devices are calibrated, and how far off a distance is: every figure of docs/explanation/accuracy.md.

    python Testing/Benchmarks/calibration.py [--json FILE] [--data FOLDER] [--operations 12] [--seed 1000] [--only NAME]

Prints a table of what others reach (anchor), what has to be reached (must), and what is reached (ours). The rows of
real recordings need PLUS's, in the folder `calibration` of --data; they were in view while the methods were made. The
rows of simulated ones begin at --seed, which nothing was made on from 1000 upwards. Nothing in it is clinical.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

import water_tank  # noqa: E402
from CRLMSegmentationLib.calibration.probe.image_to_probe import image_corners  # noqa: E402
from CRLMSegmentationLib.calibration.probe.landmarks import landmarks_of  # noqa: E402
from CRLMSegmentationLib.calibration.probe.phantom_registration import register_phantom  # noqa: E402
from CRLMSegmentationLib.calibration.probe.probe_calibration import estimate_probe  # noqa: E402
from CRLMSegmentationLib.calibration.probe.wire_frame import WireFrame  # noqa: E402
from CRLMSegmentationLib.calibration.stylus.pivot import algebraic_pivot  # noqa: E402
from CRLMSegmentationLib.calibration.stylus.resting_tip import resting_parts  # noqa: E402
from CRLMSegmentationLib.calibration.stylus.stylus_calibration import StylusCalibration, estimate_tip  # noqa: E402
from CRLMSegmentationLib.errors import CalibrationError, TimingError  # noqa: E402
from CRLMSegmentationLib.geometry import transform_points  # noqa: E402
from CRLMSegmentationLib.simulation.accuracy.calibration_errors import simulate_calibration_errors  # noqa: E402
from CRLMSegmentationLib.simulation.accuracy.settings import ChainSettings  # noqa: E402
from CRLMSegmentationLib.simulation.accuracy.summary import simulate_accuracy  # noqa: E402
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerField, pivoting_hand  # noqa: E402
from CRLMSegmentationLib.sweep import Pose  # noqa: E402
from CRLMSegmentationLib.sweep.plus_configuration import read_plus_xml  # noqa: E402
from CRLMSegmentationLib.sweep.sequence_files.tool_poses import read_tool_poses  # noqa: E402
from CRLMSegmentationLib.sweep.transforms import parse_matrix  # noqa: E402

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CALIBRATION, VALIDATION = "fCal_Test_Calibration_3NWires.igs.mha", "fCal_Test_Validation_3NWires.igs.mha"
PLUS_CONFIG, RESULTS = "PlusDeviceSet_fCal_Sim_SpatialCalibration_1.2.xml", "FreehandCalibration3NWires.results.xml"
EIGHT = "EightLandmarkPointsTrackedForPhantomRegistration.igs.mha"
LANDMARKS = "PhantomRegistrationLandmarkDetection.results.xml"
PLUS_FRAMES, PLUS_ERROR_MM, PLUS_VALIDATION_MM = 188, 1.155, 1.247
DELAYS_S = (-0.1, -0.05, 0.0, 0.03, 0.0512, 0.08)


@dataclass(frozen=True)
class Row:
    """One line of the table: values in words, and whether `must` is kept (None where nothing has to be)."""

    what: str
    anchor: str
    must: str
    ours: str
    holds: bool | None
    facts: dict[str, object]


def probe_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """ImageToProbe on PLUS's recordings, from PLUS's points and from the images, tried on the second recording."""
    folder = arguments.data / "calibration"
    found = read_plus_xml(folder / RESULTS).find(".//*[@From='Image'][@To='Probe']")
    assert found is not None
    answer = parse_matrix(found.get("Matrix", ""), "ImageToProbe")
    for name, more, must_mm in (
        ("PLUS's own points", ["--points", str(folder / RESULTS)], 0.1), ("the images", [], 0.3)
    ):  # fmt: skip
        facts = crlm("calibrate", "probe", folder / CALIBRATION, "--plus-config", folder / PLUS_CONFIG,
                     "--validation", folder / VALIDATION, *more)  # fmt: skip
        corners = np.column_stack([image_corners((820, 616)), np.zeros(4)])
        off = transform_points(np.array(facts["image_to_probe"]), corners) - transform_points(answer, corners)
        off_mm = float(np.linalg.norm(off, axis=1).max())
        share = facts["frames_used"] / PLUS_FRAMES
        yield Row(
            f"ImageToProbe from {name}: image corners against PLUS's", "0.02 to 0.06 mm (least squares)" if more else
            "PLUS", f"{must_mm} mm, 90 % of PLUS's frames", f"{off_mm:.3f} mm, {share:.0%} of PLUS's frames",
            off_mm <= must_mm and share >= 0.9, {"corner_mm": off_mm, "frames_used": facts["frames_used"]},
        )  # fmt: skip
        value = facts["validation_mm"]
        yield Row(
            f"validation error on the second recording, from {name}",
            f"PLUS {PLUS_ERROR_MM} / {PLUS_VALIDATION_MM} mm (calibration / validation)", "not above",
            f"{facts['error_mm']:.3f} / {value:.3f} mm", value <= PLUS_VALIDATION_MM,
            {"error_mm": facts["error_mm"], "validation_mm": value, "corner_deviation_mm":
             facts["corner_deviation_mm"]},
        )  # fmt: skip


def pivot_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """The eight real pivots of one stylus: how many of the tips lie within two deviations of their mean."""
    recorded = read_tool_poses(arguments.data / "calibration" / EIGHT, "Stylus", "Reference")
    found, pivots = [], []
    for part in resting_parts(recorded.matrices, recorded.times_s):
        try:
            found.append(estimate_tip(recorded.matrices[part], recorded.times_s[part]))
            pivots.append(recorded.matrices[part])
        except CalibrationError:
            continue  # the stylus laid down before and after
    mean = np.mean([tip.tip_mm for tip in found], axis=0)
    deviations = [
        float(np.sqrt((tip.tip_mm - mean) @ np.linalg.solve(tip.covariance_mm2, tip.tip_mm - mean))) for tip in found
    ]
    within = sum(value <= 2 for value in deviations)
    stated = [tip.deviation_mm for tip in found]
    yield Row(
        "eight real pivots: scatter explained by the stated uncertainty", "SlicerIGT, scikit-surgery: a residual only",
        "7 of 8 within 2 sigma", f"{within} of {len(found)} (stated {min(stated):.1f} to {max(stated):.1f} mm)",
        within >= 7, {"deviations": deviations, "stated_mm": stated},
    )  # fmt: skip
    yield from second_opinion_rows(arguments, pivots, [tip.tip_mm for tip in found])


def second_opinion_rows(
    arguments: argparse.Namespace, pivots: list[np.ndarray], tips_mm: list[np.ndarray]
) -> Iterator[Row]:
    """The same pivots by scikit-surgerycalibration, and both beside the tip that fits the touched landmarks best."""
    best_mm, fre_mm = tip_of_landmarks(arguments, pivots)
    ours_mm = [float(np.linalg.norm(tip - best_mm)) for tip in tips_mm]
    try:
        from sksurgerycalibration.algorithms.pivot import pivot_calibration
    except ImportError:
        print("| scikit-surgerycalibration is not installed: no second opinion | | | not measured | |")
        return
    theirs = [np.ravel(pivot_calibration(poses, {"method": "aos"})[0]) for poses in pivots]
    off_mm = max(float(np.linalg.norm(algebraic_pivot(one).tip_mm - tip)) for one, tip in zip(pivots, theirs))
    yield Row(
        "eight real pivots: algebraic tip against scikit-surgerycalibration's", "scikit-surgery", "0.01 mm",
        f"at most {off_mm:.4f} mm", off_mm <= 0.01, {"off_mm": off_mm},
    )  # fmt: skip
    theirs_mm = [float(np.linalg.norm(tip - best_mm)) for tip in theirs]
    yield Row(
        f"eight real pivots: tip against that which fits the touched landmarks best (FRE {fre_mm:.2f} mm), median",
        f"scikit-surgery {np.median(theirs_mm):.2f} mm", "not above", f"{np.median(ours_mm):.2f} mm",
        float(np.median(ours_mm)) <= float(np.median(theirs_mm)), {"ours_mm": ours_mm, "scikit_surgery_mm": theirs_mm},
    )  # fmt: skip


def tip_of_landmarks(arguments: argparse.Namespace, pivots: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """(3,) mm: the tip with which the touched places fit the phantom's landmarks best, and the FRE of that."""
    from scipy.optimize import minimize

    path = arguments.data / "calibration" / LANDMARKS
    _, landmarks = landmarks_of(read_plus_xml(path), path)

    def fre_mm(tip_mm: np.ndarray) -> float:
        touched = [np.median(poses[:, :3, :3] @ tip_mm + poses[:, :3, 3], axis=0) for poses in pivots]
        return register_phantom(landmarks, np.array(touched)).fre_mm

    found = minimize(fre_mm, algebraic_pivot(pivots[0]).tip_mm, method="Nelder-Mead", options={"xatol": 1e-3})
    return found.x, float(found.fun)


def delay_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """The delay over simulated tanks, known to the benchmark alone."""
    errors, lines, refused = [], [], 0
    for seed in range(arguments.seed, arguments.seed + arguments.recordings):
        for delay_s, scan_s, kept in [*((one, 0.0, errors) for one in DELAYS_S), (0.06, 0.08, lines)]:
            try:
                value, _ = water_tank.ours_s(*water_tank.recording(delay_s, seed, scan_s=scan_s))
                kept.append(1000 * abs(value - delay_s))
            except TimingError:
                refused += 1
    for name, kept in (("", errors), (", images drawn line by line within 80 ms", lines)):
        yield Row(
            f"delay, simulated known{name}", "PLUS: 1.3 ms", "5 ms",
            f"at most {max(kept):.1f} ms, median {np.median(kept):.1f} ({len(kept)} recordings)", max(kept) <= 5,
            {"errors_ms": kept},
        )  # fmt: skip
    yield Row("delay: recordings refused as ambiguous", "", "", f"{refused}", None, {"refused": refused})


def chain_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """The whole chain, tip to tumor, and how often the stated error holds."""
    found = simulate_accuracy(arguments.operations, arguments.seed)
    facts = found.facts()
    median, p95, within = (float(str(facts[name])) for name in ("median_mm", "p95_mm", "within_stated_95"))
    yield Row(
        "whole chain, simulated: tip to tumor surface, median / 95 %", "Olthof 3.2 mm (patients)", "2 / 4 mm",
        f"{median:.2f} / {p95:.2f} mm ({arguments.operations} operations)", median <= 2 and p95 <= 4, facts,
    )  # fmt: skip
    yield Row(
        "stated against true error, simulated: within the stated 95 %", "none", "90 %", f"{within:.0%}", within >= 0.9,
        {"stated_mm": facts["stated_mm"]},
    )  # fmt: skip
    for source, one in found.alone.items():
        stated, error = (float(np.sqrt((values**2).mean())) for values in (one.stated_mm, one.error_mm))
        yield Row(
            f"{source} alone: within the stated 95 %", "", "",
            f"{one.is_within.mean():.0%} (root mean square {error:.2f}, stated {stated:.2f} mm)", None,
            {"within": float(one.is_within.mean()), "rms_mm": error, "stated_mm": stated},
        )  # fmt: skip


def coverage_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """The tip and the middle of the image, of many calibrations: one figure of each counts, not many distances."""
    found = simulate_calibration_errors(range(arguments.seed, arguments.seed + arguments.calibrations))
    for what, one in found.items():
        within = float(one.is_within.mean())
        yield Row(
            f"{what}: true place within the stated 95 % ({arguments.calibrations} calibrations)", "none", "90 %",
            f"{within:.0%} (root mean square {one.rms_mm:.2f}, stated {one.stated_mm:.2f} mm)", within >= 0.9,
            {"within": within, "rms_mm": one.rms_mm, "stated_mm": one.stated_mm},
        )  # fmt: skip


def guidance_rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """Seconds of recording until nothing is missing, with a simulated hand and an electromagnetic tracker's errors."""
    stylus = [seconds_of_stylus(seed) for seed in range(arguments.seed, arguments.seed + 10)]
    probe = [seconds_of_probe(seed) for seed in range(arguments.seed, arguments.seed + 6)]
    for what, seconds, must in (("stylus", stylus, 30), ("probe", probe, 120)):
        done = [value for value in seconds if value is not None]
        yield Row(
            f"recording until a {what} is calibrated, simulated user", "PLUS fCal", f"{must} s",
            f"median {np.median(done):.0f} s, at most {max(done):.0f} s; {len(done)} of {len(seconds)} finished",
            len(done) == len(seconds) and max(done) <= must, {"seconds": seconds},
        )  # fmt: skip


def seconds_of_stylus(seed: int, longest_s: float = 60.0) -> float | None:
    """None when something is still missing after `longest_s`."""
    random = np.random.default_rng(seed)
    poses, times = pivoting_hand(np.array([1.0, -2, -140]), np.array([20.0, -40, -250]), 50.0, longest_s, random)
    said, live, asked = TrackerField(ChainSettings().tracker, random).measured(poses), StylusCalibration(), 5.0
    for pose, time_s in zip(said, times):
        live.add(Pose(pose), float(time_s))
        if time_s >= asked:
            asked += 1.0
            if not live.missing:
                return float(time_s)
    return None


def seconds_of_probe(seed: int, longest_s: float = 150.0) -> float | None:
    """The same for the image of a probe, from where the wires are in the images, to 0.7 pixels."""
    from CRLMSegmentationLib.calibration.probe.phantom import NWirePhantom
    from CRLMSegmentationLib.simulation.accuracy.calibrations import drawn_phantom
    from CRLMSegmentationLib.simulation.calibration.nwire_sweep import RATE_HZ, probe_poses, wire_points

    random, settings = np.random.default_rng(seed), ChainSettings()
    size, matrix = (330, 250), np.diag([0.18, 0.18, 0.18, 1.0])
    matrix[:3, 3] = [-30.0, 40.0, 12.0]
    truth, ends = drawn_phantom(matrix, size, random)
    poses = probe_poses(truth, round(longest_s * RATE_HZ), 24.0, 40.0, random)
    points = wire_points(truth, poses)
    points = points + random.normal(0, settings.point_pixels, points.shape)
    said = TrackerField(settings.tracker, random).measured(poses)
    names = [str(number) for number in range(3 * len(ends))]
    phantom = NWirePhantom(names, ends, truth.phantom_to_reference)
    frames = [WireFrame(wires, pose, number / RATE_HZ) for number, (wires, pose) in enumerate(zip(points, said))]
    for seconds in range(5, int(longest_s), 5):
        seen = frames[: round(seconds * RATE_HZ)]
        try:
            if not estimate_probe(seen, phantom, size, len(seen)).missing:
                return float(seconds)
        except CalibrationError:
            continue
    return None


def crlm(*words: object) -> dict[str, object]:
    """What the command says with --json."""
    command = [sys.executable, "-m", "CRLMSegmentationLib.cli", *map(str, words), "--json"]
    folder = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(done.stdout)


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "probe": probe_rows, "pivots": pivot_rows, "delay": delay_rows, "chain": chain_rows, "coverage": coverage_rows,
    "guidance": guidance_rows,
}  # fmt: skip
OF_REAL_RECORDINGS = ("probe", "pivots")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with PLUS's recordings in `calibration`")
    parser.add_argument("--operations", type=int, default=12, help="simulated ones (default 12)")
    parser.add_argument("--calibrations", type=int, default=60, help="simulated ones (default 60)")
    parser.add_argument("--recordings", type=int, default=2, help="simulated tanks of each delay (default 2)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first simulated one (default 1000)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="parts of the table")
    arguments = parser.parse_args()
    rows: list[Row] = []
    print("| figure | anchor | must | ours | kept |\n| --- | --- | --- | --- | --- |")
    for name in arguments.only:
        if name in OF_REAL_RECORDINGS and not (arguments.data / "calibration").is_dir():
            print(f"| {name}: PLUS's recordings are not in {arguments.data} | | | not measured | |")
            continue
        for row in PARTS[name](arguments):
            rows.append(row)
            kept = {True: "yes", False: "**no**", None: ""}[row.holds]
            print(f"| {row.what} | {row.anchor} | {row.must} | {row.ours} | {kept} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
