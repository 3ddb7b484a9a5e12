"""A sweep into a volume."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import Cancelled
from ..sweep import Sweep
from ..sweep.recorded_frame import ImagesOf
from ..values import Volume
from .frame_selection import select_frames
from .region import region_of_sweep
from .report import ReconstructionReport, notes_about
from .settings import ReconstructionSettings


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
    sweep: Sweep, settings: ReconstructionSettings | None = None, progress=None, should_cancel=None
) -> Reconstruction:
    """Make a volume from the tracked frames of `sweep`.

    progress       called with a fraction 0 to 1 and a text
    should_cancel  asked several times a second; True stops the reconstruction
    Raises ReconstructionError with one sentence when no volume can be made, and Cancelled when it was stopped.
    """
    from .between import BetweenInserter, mark_between, pixel_size_mm
    from .filling import fill_left_over, fill_with_sticks, join_all_swept, put_seen_over
    from .inserter import Inserter
    from .kernels.torch_insertion import insert_with_torch, torch_device

    settings = settings or ReconstructionSettings()

    def tell(fraction: float, text: str) -> None:
        if should_cancel is not None and should_cancel():
            raise Cancelled("The reconstruction was stopped; the sweep is unchanged.")
        if progress is not None:
            progress(fraction, text)

    times = [time.perf_counter()]
    selection = select_frames(sweep, settings.skip_interval, settings.reject_jumps)
    frames = [sweep.frames[number] for number in selection.used]
    poses = [np.asarray(frame.image_to_reference, dtype=np.float64) for frame in frames]
    region = region_of_sweep(
        [sweep.frames[number].image_to_reference for number in selection.within_extent], sweep.image_size, settings
    )
    inserter = Inserter(region, sweep.image_size, frames[0].dtype, settings)
    device = torch_device(settings, inserter.dtype)
    insert = inserter.insert if device is None else partial(insert_with_torch, inserter, device=device)
    images = ImagesOf(frames)
    insert(images, poses, progress=lambda fraction, text: tell(0.6 * fraction, text))
    voxels, seen, known = inserter.result()
    times.append(time.perf_counter())

    number_seen = int(np.count_nonzero(seen))
    number_swept = number_filled = 0
    swept = has_value = seen
    if settings.fill == "distance":
        tell(0.6, "filling between frames")
        middle = BetweenInserter(region, sweep.image_size, inserter.dtype, settings, pixel_size_mm(poses[0]))
        middle.insert_between(images, poses, lambda fraction, text: tell(0.6 + 0.3 * fraction, text))
        filled, known, _ = middle.result()
        swept = join_all_swept(seen, known, settings)
    elif settings.measure_holes or (settings.fill == "stick" and settings.definition != "igsio"):
        tell(0.6, "finding holes")
        between = np.zeros_like(seen)
        mark_between(poses, sweep.image_size, region, settings, between)
        swept = join_all_swept(seen, between, settings)
    if swept is not seen:
        number_swept = int(np.count_nonzero(swept))
    times.append(time.perf_counter())
    if settings.fill == "distance":
        number_filled, without = put_seen_over(voxels, seen, swept, settings, filled, known)
        voxels, has_value = filled, known
        if without:
            voxels, has_value = np.empty_like(filled), np.empty_like(seen)
            number_filled += fill_left_over(filled, known, swept, settings, voxels, has_value)
    elif settings.fill == "stick":
        tell(0.8, "filling holes")
        empty, has_value = np.empty_like(voxels), np.empty_like(seen)
        number_filled = fill_with_sticks(voxels, known, swept, settings, empty, has_value)
        voxels = empty
    times.append(time.perf_counter())
    tell(1.0, "volume ready")
    report = ReconstructionReport(
        frames_used=selection.used,
        frames_skipped=selection.skipped,
        seen_share=number_seen / seen.size,
        hole_share_before_fill=(number_swept - number_seen) / number_swept if number_swept else float("nan"),
        hole_share_after_fill=max(0, number_swept - number_seen - number_filled) / number_swept
        if number_swept
        else float("nan"),
        seconds=dict(zip(("insert", "find holes", "fill"), np.diff(times).tolist())),
        notes=notes_about(region.dimensions, len(frames)),
    )
    volume = Volume(voxels, region.ijk_to_ras, has_value.view(bool))
    return Reconstruction(volume, Volume(seen, region.ijk_to_ras), report)
