"""How long the front end stands still while a case is saved: in the background, and in the way of before.

    python Testing/Benchmarks/saving.py [--repeats 5] [--spacing 0.5] [--sweep FILE]

One case with sweep, volume, tumor and scene (.mrb). 'Blocking' is Session.case.save(), which waits for the disk. In the
background it is begin_save(): the press itself, the processor time in it, and the longest gap between two turns of a
loop that calls process() 30 times a second meanwhile, as both front ends do, beside the same gap while nothing is
saved. Prints a table in Markdown, under a line that names processor, flags and versions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

from CRLMSegmentationLib.mrml.application import current_application  # noqa: E402
from CRLMSegmentationLib.mrml.scene_view import SceneView  # noqa: E402
from CRLMSegmentationLib.reconstruction import ReconstructionSettings  # noqa: E402
from CRLMSegmentationLib.session.session import Session  # noqa: E402
from CRLMSegmentationLib.values import Box, Volume  # noqa: E402
from machine import processor  # noqa: E402

SAMPLE = Path(__file__).resolve().parents[2] / "CRLMSegmentation/Resources/SampleData/SimulatedLiverSweep.igs.mha"
_TURN_S, _RADIUS_MM = 1 / 30, 12.0
_MEASURED = ("blocking", "press", "press at work", "gap", "idle gap", "written after")


def case_of(sweep: Path, spacing_mm: float) -> Session:
    """A session with a ball for a tumor in the middle of the sweep's volume, shown on a scene."""
    session = Session()
    SceneView(session, current_application())
    session.recording.open(sweep)
    session.wait(600)
    session.volume.reconstruct(ReconstructionSettings(spacing_mm=spacing_mm))
    volume = session.volume.value
    assert volume is not None
    center = volume.center_ras
    session.box.set(Box(center, (40.0, 40.0, 40.0)))
    places = np.moveaxis(np.indices(volume.voxels.shape)[::-1], 0, -1) * volume.spacing_mm
    ball = np.linalg.norm(places - (np.array(volume.dimensions) - 1) / 2 * volume.spacing_mm, axis=-1) < _RADIUS_MM
    session.tumor.set(Volume(ball.astype(np.uint8), volume.ijk_to_ras))
    session.wait(600)
    return session


def longest_gap_s(session: Session, goes_on: Callable[[], bool]) -> float:
    """Of a loop that processes the session 30 times a second, beyond the time that it waits by itself."""
    longest, last = 0.0, time.perf_counter()
    while goes_on():
        session.process()
        time.sleep(_TURN_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last - _TURN_S), now
    return longest


def measure(session: Session, folder: Path, repeats: int) -> dict[str, float]:
    """Medians in seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in _MEASURED}
    for number in range(repeats):
        began = time.perf_counter()
        session.case.save(folder / f"blocking-{number}")
        seconds["blocking"].append(time.perf_counter() - began)
        until = time.perf_counter() + 2.0
        seconds["idle gap"].append(longest_gap_s(session, lambda end=until: time.perf_counter() < end))
        began, began_work = time.perf_counter(), time.thread_time()
        session.case.begin_save(folder / f"background-{number}")
        seconds["press"].append(time.perf_counter() - began)
        seconds["press at work"].append(time.thread_time() - began_work)
        seconds["gap"].append(longest_gap_s(session, lambda: session.case.is_saving))
        seconds["written after"].append(time.perf_counter() - began)
        assert not session.case.save_problem, session.case.save_problem
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--spacing", type=float, default=0.5)
    parser.add_argument("--sweep", type=Path, default=SAMPLE)
    options = parser.parse_args()
    session = case_of(options.sweep, options.spacing)
    volume = session.volume.value
    assert volume is not None
    with tempfile.TemporaryDirectory() as folder:
        found = measure(session, Path(folder), options.repeats)
    session.close()
    print(processor())
    blocked = max(found["press"], found["gap"])
    print(
        f"\n{volume.voxels.nbytes / 1e6:.0f} MB of voxels, medians of {options.repeats}\n\n"
        "| blocking, s | press, s | its processor time, s | longest gap while writing, s | the same without saving, s "
        "| written after, s | blocked now: times less |\n| --- | --- | --- | --- | --- | --- | --- |\n"
        f"| {found['blocking']:.2f} | {found['press']:.3f} | {found['press at work']:.3f} | {found['gap']:.3f} "
        f"| {found['idle gap']:.3f} | {found['written after']:.2f} | {found['blocking'] / blocked:.0f} |"
    )


if __name__ == "__main__":
    main()
