"""A sweep into a volume."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..errors import Cancelled
from ..sweep import Sweep, TrackedFrame
from ..sweep.recorded_frame import ImagesOf
from ..sweep.steadying import Steadied, steadied
from ..values import Volume
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .frame_selection import select_frames
from .region import Region, region_of_sweep
from .report import ReconstructionReport, notes_about
from .settings import ReconstructionSettings

if TYPE_CHECKING:
    from .inserter import Inserter


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A reconstructed volume.

    volume   voxels (k, j, i) of the frames' dtype in Reference; 0 where nothing is known. Its `seen` is where a grey
             level is known: where a pixel came, or a hole was filled
    seen     uint8 (k, j, i), 1 where a pixel of a frame came, 0 elsewhere (filled holes stay 0)
    report   what went in and what is missing
    """

    volume: Volume
    seen: Volume
    report: ReconstructionReport


def reconstruct(
    sweep: Sweep,
    settings: ReconstructionSettings | None = None,
    progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None,
) -> Reconstruction:
    """Make a volume from the tracked frames of `sweep`.

    progress       called with a fraction 0 to 1 and a text
    should_cancel  asked several times a second; True stops the reconstruction
    Raises ReconstructionError with one sentence when no volume can be made, and Cancelled when it was stopped.
    """
    from .between import widest_filled_mm

    settings = settings or ReconstructionSettings()
    report = _checked_progress(progress, should_cancel)
    times = [time.perf_counter()]
    selection = select_frames(sweep, settings.skip_interval, settings.reject_jumps)
    frames = [sweep.frames[number] for number in selection.used]
    steady = _steadied(frames, sweep.image_size, settings)
    poses = steady.poses
    within = [sweep.frames[number].image_to_reference for number in selection.within_extent]
    region = region_of_sweep([pose for pose in within if pose is not None], sweep.image_size, settings)
    images = ImagesOf(frames)
    inserter = _inserted(images, poses, region, sweep.image_size, frames[0].dtype, settings, report)
    voxels, seen, known = inserter.result()
    times.append(time.perf_counter())
    holes = _find_holes(images, poses, inserter, seen, report)
    times.append(time.perf_counter())
    voxels, has_value, number_filled = _fill(voxels, seen, known, holes, settings, report)
    times.append(time.perf_counter())
    report(1.0, tr("volume ready"))
    number_seen = int(np.count_nonzero(seen))
    number_left = max(0, holes.number_swept - number_seen - number_filled)
    number_swept = holes.number_swept or float("nan")
    facts = ReconstructionReport(
        frames_used=selection.used,
        frames_skipped=selection.skipped,
        seen_share=number_seen / seen.size,
        hole_share_before_fill=(holes.number_swept - number_seen) / number_swept,
        hole_share_after_fill=number_left / number_swept,
        seconds=dict(zip(("insert", "find holes", "fill"), np.diff(times).tolist())),
        notes=notes_about(region.dimensions, len(frames), widest_filled_mm(poses, sweep.image_size, settings), steady),
    )
    volume = Volume(voxels, region.ijk_to_ras, has_value.view(bool))
    return Reconstruction(volume, Volume(seen, region.ijk_to_ras), facts)


@dataclass(frozen=True, eq=False)
class _Holes:
    """Where the frames passed, and what distance filling has found between them.

    swept         uint8 (k, j, i), 1 where a frame came or passed by; what was seen itself where nobody asks for more
    number_swept  of its voxels; 0 where nobody asks
    between       values (k, j, i) and where they are known, of distance filling alone
    """

    swept: np.ndarray
    number_swept: int
    between: tuple[np.ndarray, np.ndarray] | None = None


def _steadied(
    frames: Sequence[TrackedFrame], image_size: tuple[int, int], settings: ReconstructionSettings
) -> Steadied:
    poses = [np.asarray(frame.image_to_reference, dtype=np.float64) for frame in frames]
    return steadied(poses, [frame.timestamp for frame in frames], image_size, settings.evens_above_mm)


def _checked_progress(progress: Progress | None, should_cancel: ShouldCancel | None) -> Progress:
    """`progress` that raises Cancelled when it is to stop."""

    def report(fraction: float, text: str) -> None:
        if should_cancel is not None and should_cancel():
            raise Cancelled(tr("The reconstruction was stopped; the sweep is unchanged."))
        if progress is not None:
            progress(fraction, text)

    return report


def _inserted(
    images: ImagesOf,
    poses: Sequence[np.ndarray],
    region: Region,
    image_size: tuple[int, int],
    dtype: np.dtype,
    settings: ReconstructionSettings,
    report: Progress,
) -> Inserter:
    """All frames in the voxels of `region`."""
    from .inserter import Inserter
    from .kernels.torch_insertion import insert_with_torch, torch_device

    inserter = Inserter(region, image_size, dtype, settings)
    device = torch_device(settings, inserter.dtype)
    insert = inserter.insert if device is None else partial(insert_with_torch, inserter, device=device)
    insert(images, poses, progress=lambda fraction, text: report(0.6 * fraction, text))
    return inserter


def _find_holes(
    images: ImagesOf, poses: Sequence[np.ndarray], inserter: Inserter, seen: np.ndarray, report: Progress
) -> _Holes:
    from .between import BetweenInserter, mark_between, pixel_size_mm
    from .filling import join_all_swept

    settings, region = inserter.settings, inserter.region
    image_size = (inserter.image_shape[1], inserter.image_shape[0])
    if settings.fill == "distance":
        report(0.6, tr("filling between frames"))
        middle = BetweenInserter(region, image_size, inserter.dtype, settings, pixel_size_mm(poses[0]))
        middle.insert_between(images, poses, lambda fraction, text: report(0.6 + 0.3 * fraction, text))
        filled, known, _ = middle.result()
        swept = join_all_swept(seen, known, settings)
        return _Holes(swept, int(np.count_nonzero(swept)), (filled, known))
    if settings.measure_holes or (settings.fill == "stick" and settings.definition != "igsio"):
        report(0.6, tr("finding holes"))
        between = np.zeros_like(seen)
        mark_between(poses, image_size, region, settings, between)
        swept = join_all_swept(seen, between, settings)
        return _Holes(swept, int(np.count_nonzero(swept)))
    return _Holes(seen, 0)


def _fill(
    voxels: np.ndarray,
    seen: np.ndarray,
    known: np.ndarray,
    holes: _Holes,
    settings: ReconstructionSettings,
    report: Progress,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Voxels with their holes filled, uint8 where they hold a value, and how many were filled."""
    from .filling import fill_left_over, fill_with_sticks, put_seen_over

    if settings.fill == "distance" and holes.between is not None:
        filled, found = holes.between
        number_filled, without = put_seen_over(voxels, seen, holes.swept, settings, filled, found)
        if not without:
            return filled, found, number_filled
        all_filled, has_value = np.empty_like(filled), np.empty_like(seen)
        more = fill_left_over(filled, found, holes.swept, settings, all_filled, has_value)
        return all_filled, has_value, number_filled + more
    if settings.fill == "stick":
        report(0.8, tr("filling holes"))
        empty, has_value = np.empty_like(voxels), np.empty_like(seen)
        number_filled = fill_with_sticks(voxels, known, holes.swept, settings, empty, has_value)
        return empty, has_value, number_filled
    return voxels, seen, 0
