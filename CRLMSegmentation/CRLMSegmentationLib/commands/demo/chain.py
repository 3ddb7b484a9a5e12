"""The chain itself: receive, reconstruct, box, segment, judge, navigate; every step through the session."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SegmentationError
from ...files import read_volume, write_box, write_surface, write_volume
from ...session.state import Step, StepStatus
from ...values import Box, Volume
from ...values.defaults import DEFAULT_BOX_EDGE_MM
from ..options.printing import print_doubt
from ..options.progress import progress_bar
from ..segment import UNPROVEN
from .approach import approach_tumor
from .folder import BOX, CASE, MASK, PROBABILITY, RECORDED, SCENE, SURFACE, VOLUME
from .pictures import draw_pictures
from .source import DemoSource, receive

if TYPE_CHECKING:
    from ...inference.engine import EngineStatus
    from ...mrml.scene_view import SceneView
    from ...reconstruction import ReconstructionSettings
    from ...segmentation.segment import SegmentationResult
    from ...session.session import Session

_TICK_S = 0.02
_TIMED = ("receive", "record", "reconstruct", "crop", "segment", "surface", "total")


def run_chain(
    view: SceneView,
    source: DemoSource,
    settings: ReconstructionSettings,
    given_box: tuple[Box, bool] | None,
    folder: Path,
    threshold: float | None = None,
    speed: float | None = None,
) -> dict[str, Any]:
    """Every step, with the engine of the session started already; returns the facts of demo.json.

    given_box  with whether the model's margin is still to be added; None for one around the truth or in the middle
    """
    from ...mrml.bundle import save_scene

    session, started = view.session, time.perf_counter()
    received = receive(source, folder / RECORDED, speed)
    session.recording.open(folder / RECORDED, origin=source.origin)
    if source.calibrations is not None:
        session.accuracy.set_calibrations(source.calibrations)
    volume = _reconstruct(session, settings, folder)
    truth = read_volume(source.truth) if source.truth else None
    box = _place_box(session, given_box, volume, truth, folder)
    result = _segment(session, threshold)
    # Only now: with the recording a new case began, and with it the session's own timings.
    took = {"receive": received.receive_s, "record": received.finish_s, **session.state.timings_s}
    took["total"] = time.perf_counter() - started
    timings = {name: took[name] for name in _TIMED if name in took}
    _write(result, folder)
    figures = _judge(result, truth)
    distances = approach_tumor(session, folder) if result.found else []
    draw_pictures(session, volume, box, result.mask, truth, source.caption, folder)
    save_scene(view, folder / SCENE)
    session.case.save(folder / CASE)
    _print_timings(timings, session.engine.status)
    return {
        "finished": True,
        "source": source.sweep,
        "simulated": truth is not None,
        "frames": received.frames,
        "volume_ml": result.volume_ml,
        "found": result.found,
        "figures": figures,
        "distances_mm": distances,
        "timings_s": timings,
    }


def _reconstruct(session: Session, settings: ReconstructionSettings, folder: Path) -> Volume:
    from ...reconstruction import sweep_quality

    for sentence in sweep_quality(session.recording.sweep, settings).sentences() or ["even and without gaps"]:
        print(f"sweep      {sentence}")
    with progress_bar("Reconstruct") as progress:
        reconstruction = session.volume.reconstruct(settings, progress=progress)
    volume: Volume = reconstruction.volume
    write_volume(volume, folder / VOLUME)
    seen_ml = np.count_nonzero(reconstruction.seen.voxels) * volume.voxel_volume_mm3 / 1000
    print(f"volume     {' x '.join(map(str, volume.dimensions))} voxels of {volume.spacing_mm[0]:g} mm, "
          f"{seen_ml:.0f} mL reached by a frame")  # fmt: skip
    return volume


def _place_box(
    session: Session,
    given: tuple[Box, bool] | None,
    volume: Volume,
    truth: Volume | None,
    folder: Path,
) -> Box:
    if given is not None:
        (box, tight), why = given, "as given"
    elif truth is not None:
        box, tight = Box.around_mask(truth), True
        why = "around the true tumor, as a surgeon would drop it; the model's margin is added"
    else:
        size = np.minimum(DEFAULT_BOX_EDGE_MM, np.array(volume.dimensions) * volume.spacing_mm)
        box, tight, why = Box(volume.center_ras, size), False, "in the middle of the volume (choose another with BOX=)"
    session.box.set(box, tight)
    write_box(box, folder / BOX)
    print(f"box        {' x '.join(f'{edge:.0f}' for edge in box.size_mm)} mm, {why}")
    for warning in session.box.warnings:
        print_doubt(f"doubt      {warning}")
    return box


def _segment(session: Session, threshold: float | None) -> SegmentationResult:
    """Ask the session's worker process, as the window does."""
    with progress_bar("Segment") as progress:
        session.tumor.start(threshold)
        while session.jobs.running is not None:
            session.process()
            progress(session.state.progress, session.state[Step.SEGMENT].message)
            time.sleep(_TICK_S)
    result: SegmentationResult | None = session.tumor.result
    state = session.state[Step.SEGMENT]
    if state.status is not StepStatus.DONE or result is None:
        raise SegmentationError(state.message)
    return result


def _write(result: SegmentationResult, folder: Path) -> None:
    write_volume(result.mask, folder / MASK)
    write_volume(result.probability, folder / PROBABILITY)
    if result.found:
        write_surface(result.surface, folder / SURFACE)
        print(f"tumor      {result.volume_ml:.2f} mL, largest diameter {result.largest_diameter_mm:.1f} mm")
    else:
        print_doubt("tumor      nothing found in the box")
    for doubt in result.doubts:
        print_doubt(f"doubt      {doubt}")


def _judge(result: SegmentationResult, truth: Volume | None) -> dict[str, float]:
    """The figures of the mask against the truth; none, and a doubt, where nobody knows the truth."""
    if truth is None:
        if result.card is not None and result.card.trained_on_simulated_only:
            print_doubt(f"doubt      {result.card.trained_on} {UNPROVEN}")
        return {}
    from ...study.metrics import compare

    figures = compare(result.mask, truth)
    print(f"truth      Dice {figures['dice']:.3f}, HD95 {figures['hd95_mm']:.1f} mm, "
          f"true volume {figures['truth_volume_ml']:.2f} mL (simulated)")  # fmt: skip
    return figures


def _print_timings(timings_s: Mapping[str, float], engine: EngineStatus) -> None:
    print("\nstep          seconds")
    for name, seconds in timings_s.items():
        print(f"{name:<12} {seconds:8.2f}")
    print(
        f"(segmented with {engine.runtime} on {engine.device} in a process of its own, which started while the sweep "
        "came in; total runs from the first frame to the surface)"
    )
