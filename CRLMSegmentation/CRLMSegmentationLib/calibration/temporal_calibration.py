"""The delay between the images of a recording and its poses, found from the recording itself.

As PLUS does (vtkPlusTemporalCalibrationAlgo; A. Lasso et al., 'PLUS: open-source toolkit for ultrasound-guided
intervention systems', IEEE TBME 2014), the motion that is seen in the images is compared with the motion of the probe:
move the probe up and down over something with a clear echo, such as the bottom of a water bath, for ten seconds.
PLUS follows one line; here all echoes are followed, by the correlation of neighbouring frames along the beam.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import TimingError
from ..sweep import Pose, Sweep, TrackedFrame
from ..tracking.pairing.interpolation import interpolate_pose
from ..words import tr
from .timing_estimate import TimingEstimate

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

_FEWEST_FRAMES = 60
_STRIPS = 8
_STEP_S = 0.001
_LONGEST_BLOCK_S = 1.0
_REPLICATES = 400
_LEAST_CORRELATION = 0.6
_SPAN_S = 0.25
_LEAST_WAY_MM = 0.5
# Another delay that explains the images this well makes the answer ambiguous.
_RIVAL = 0.95


def estimate_image_delay(sweep: Sweep, longest_delay_s: float = 0.5, is_calibrated: bool = True) -> TimingEstimate:
    """The delay of the images of `sweep` against its poses, looked for up to `longest_delay_s` in both directions.

    is_calibrated  False when the poses are those of the probe instead of the image: the direction in which it moves
                   most is taken for that of the beam, as PLUS does

    Raises TimingError when the recording is too short, the probe hardly moves along the beam, or the images do not move
    with it.
    """
    seen, moved, blocks, delays = _movements(_moving_frames(sweep), sweep.name, longest_delay_s, is_calibrated)
    sums = _block_sums(seen, moved, blocks)
    curve = _correlation(sums.sum(axis=1))
    if not is_calibrated:
        # Whether the probe moved up or down is not known either.
        sign = 1.0 if curve.max() >= -curve.min() else -1.0
        curve, sums[[2, 5]] = sign * curve, sign * sums[[2, 5]]
        if -curve.min() > _RIVAL * curve.max():
            raise TimingError(
                tr(
                    "Without a calibration, up and down explain the images equally well: record again, "
                    "moving the probe at "
                    "changing speed, or give ImageToProbe."
                )
            )
    best = _checked_best(curve, delays)
    weights = np.random.default_rng(0).multinomial(
        sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), _REPLICATES
    )
    replicates = [_peak(delays, _correlation(np.einsum("b,sbd->sd", one, sums))) for one in weights]
    count, x, y, _, yy, xy = sums.sum(axis=1)[:, best]
    scale = float((count * xy - x * y) / max(count * yy - y * y, 1e-12)) if is_calibrated else None
    return TimingEstimate(_peak(delays, curve), float(np.std(replicates)), float(curve[best]), len(seen), scale)


def _moving_frames(sweep: Sweep) -> list[TrackedFrame]:
    """The frames that a delay can be found from. Raises TimingError when their times or their number do not
    allow it.
    """
    frames = [frame for frame in sweep.without_repeated_frames().valid_frames if np.isfinite(frame.timestamp)]
    name = sweep.name or tr("The recording")
    if not (np.diff([frame.timestamp for frame in frames]) > 0).all():
        raise TimingError(
            tr(
                "The times of {name} do not go on from frame to frame (they stand still or go back), so "
                "that no delay can be found in it; record again with the sender's clock right.",
                name=name,
            )
        )
    if len(frames) < _FEWEST_FRAMES:
        raise TimingError(
            tr(
                "{name} has {frames} different tracked frames; the delay needs ten seconds and more of "
                "moving the probe up and down.",
                name=name,
                frames=len(frames),
            )
        )
    return frames


def _movements(
    frames: list[TrackedFrame], name: str, longest_delay_s: float, is_calibrated: bool
) -> tuple[np.ndarray, np.ndarray, list[slice], np.ndarray]:
    """What the images and the probe did over each quarter of a second.

    (n,) mm along the beam by the images; (delays, n) mm by the poses, for each delay; the blocks of time that
    the n are in; (delays,) the delays in seconds that are tried. Raises TimingError.
    """
    times = np.array([frame.timestamp for frame in frames])
    # The way over a quarter of a second is hundred times the error of a pose; that between two frames is not.
    span = max(1, round(_SPAN_S / float(np.median(np.diff(times)))))
    begins, ends = times[:-span], times[span:]
    # Frames at either end have no pose for every delay that is tried; and not across gaps in the recording.
    inner = (begins >= times[0] + longest_delay_s) & (ends <= times[-1] - longest_delay_s)
    inner &= ends - begins < 1.5 * _SPAN_S + 2 * np.median(np.diff(times))
    if inner.sum() < _FEWEST_FRAMES // 2:
        raise TimingError(
            tr(
                "{name} is too short to look for delays of {longest_delay_s:g} s.",
                name=name or tr("The recording"),
                longest_delay_s=longest_delay_s,
            )
        )
    depth = _depth_of_probe(frames) if is_calibrated else _way_of_probe(frames, span)
    if np.std((depth[span:] - depth[:-span])[inner]) < _LEAST_WAY_MM:
        raise TimingError(
            tr("The probe hardly moves along the beam in this recording; move it up and down by some mm.")
        )
    # What lies before a probe that goes deeper comes nearer to it.
    echoes = -np.concatenate([[0.0], np.cumsum(_shifts_along_the_beam(frames))])
    seen = (echoes[span:] - echoes[:-span])[inner]
    begins, ends = begins[inner], ends[inner]
    delays = np.arange(-longest_delay_s, longest_delay_s + _STEP_S / 2, _STEP_S)
    path = _smooth_path(times, depth)
    moved = np.array([path(ends - delay) - path(begins - delay) for delay in delays])
    return seen, moved, _blocks(begins), delays


def _checked_best(curve: np.ndarray, delays: np.ndarray) -> int:
    """The number of the delay that explains the images best. Raises TimingError when none or several do."""
    best = int(np.argmax(curve))
    if not curve[best] > _LEAST_CORRELATION:
        raise TimingError(
            tr(
                "The images do not move with the poses (correlation {curve:.2f}): record the probe "
                "moving up and down over something flat with a clear echo, and check the calibration.",
                curve=curve[best],
            )
        )
    if best in (0, len(delays) - 1) or _has_rival(curve, best):
        raise TimingError(
            tr(
                "Delays of {delays:.0f} ms and others explain the images equally well: record again, "
                "moving the probe at changing speed, or look within a shorter longest delay.",
                delays=1000 * delays[best],
            )
        )
    return best


def with_image_delay(sweep: Sweep, image_delay_s: float, longest_gap_s: float = 0.2) -> Sweep:
    """`sweep` with each frame at the time that it shows, and its poses interpolated for that time.

    A frame without measured poses on both sides, no more than `longest_gap_s` apart, becomes invalid.
    """
    stamped = [frame for frame in sweep.frames if np.isfinite(frame.timestamp)]
    own = [(frame.timestamp, _own_pose(frame)) for frame in stamped if frame.image_to_reference is not None]
    names = sorted({name for frame in stamped for name in frame.transforms})
    others = {
        name: [(frame.timestamp, frame.transforms[name]) for frame in stamped if name in frame.transforms]
        for name in names
    }
    corrected = []
    for frame in sweep.frames:
        time = frame.timestamp - image_delay_s
        pose = _around(own, time, longest_gap_s)
        found = {name: _around(samples, time, longest_gap_s) for name, samples in others.items()}
        corrected.append(
            frame.with_changes(
                timestamp=time,
                image_to_reference=frame.image_to_reference if pose is None else pose.matrix,
                valid=pose is not None and pose.valid,
                transforms={name: entry for name, entry in found.items() if entry is not None},
            )
        )
    fields = {**sweep.fields, "ImageDelaySec": f"{image_delay_s:.4f}"}
    return Sweep(corrected, sweep.name, fields, reference=sweep.reference)


def _own_pose(frame: TrackedFrame) -> Pose:
    return Pose(_matrix_of(frame), frame.valid)


def _matrix_of(frame: TrackedFrame) -> np.ndarray:
    """(4, 4) pixel to mm of a frame that has one."""
    return np.asarray(frame.image_to_reference)


def _around(samples: Sequence[tuple[float, Pose]], time: float, longest_gap_s: float) -> Pose | None:
    """interpolate_pose() among the few samples around `time`."""
    if not np.isfinite(time) or not samples:
        return None
    after = int(np.searchsorted([stamp for stamp, _ in samples], time))
    return interpolate_pose(samples[max(after - 2, 0) : after + 2], time, longest_gap_s)


def _depth_of_probe(frames: Sequence[TrackedFrame]) -> np.ndarray:
    """(n,) mm: how far the image has moved along its own v axis, from frame to frame."""
    poses = np.array([frame.image_to_reference for frame in frames])
    height, width = frames[0].pixels.shape
    center = poses @ np.array([(width - 1) / 2, (height - 1) / 2, 0, 1])
    beam = poses[:, :3, 1] / np.linalg.norm(poses[:, :3, 1], axis=1, keepdims=True)
    steps = np.einsum("ni,ni->n", np.diff(center[:, :3], axis=0), (beam[1:] + beam[:-1]) / 2)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _way_of_probe(frames: Sequence[TrackedFrame], span: int) -> np.ndarray:
    """(n,) mm: how far the probe is along the direction in which it moves most."""
    places = np.array([_matrix_of(frame)[:3, 3] for frame in frames])
    steps = places[span:] - places[:-span]
    direction = np.linalg.svd(steps - steps.mean(axis=0), full_matrices=False)[2][0]
    return np.asarray((places - places[0]) @ direction)


def _shifts_along_the_beam(frames: Sequence[TrackedFrame]) -> np.ndarray:
    """(n - 1,) mm: how far the echoes went down the image from each frame to the next."""
    pixel_mm = np.array([np.linalg.norm(_matrix_of(frame)[:3, 1]) for frame in frames[1:]])
    height = frames[0].pixels.shape[0]
    longest = height // 4
    window = np.hanning(height)[:, np.newaxis]
    shifts, before = [], None
    for frame in frames:
        strips = np.array_split(frame.pixels.astype(np.float32), _STRIPS, axis=1)
        lines = np.stack([strip.mean(axis=1) for strip in strips], axis=1)
        lines = (lines - lines.mean(axis=0)) * window
        # Every strip counts alike: a scanner draws its lines one after another, so that the brighter half of an image
        # may be tens of milliseconds older than the other, and the delay that is wanted is that of its middle.
        size = np.sqrt((lines**2).sum(axis=0))
        spectrum = np.fft.rfft(lines / np.where(size > 0, size, 1), 2 * height, axis=0)
        if before is not None:
            match = np.fft.irfft((spectrum * before.conj()).sum(axis=1), 2 * height)
            match = np.concatenate([match[-longest:], match[: longest + 1]])
            shifts.append(_peak(np.arange(-longest, longest + 1), match))
        before = spectrum
    return np.asarray(np.array(shifts) * pixel_mm)


def _smooth_path(times: np.ndarray, values: np.ndarray) -> CubicSpline:
    """A function of time through `values`, as smooth between the measurements as the motion of a hand."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(times, values)


def _blocks(times: np.ndarray) -> list[slice]:
    """The samples second by second, in ten blocks at least."""
    count = max(10, int(np.ceil((times[-1] - times[0]) / _LONGEST_BLOCK_S)))
    edges = np.linspace(0, len(times), min(count, len(times) // 3) + 1).astype(int)
    return [slice(begin, end) for begin, end in itertools.pairwise(edges)]


def _block_sums(seen: np.ndarray, moved: np.ndarray, blocks: list[slice]) -> np.ndarray:
    """(6, blocks, delays): count, x, y, xx, yy and xy, of which the correlation of any blocks is made."""
    x, y = np.broadcast_to(seen, moved.shape), moved
    values = np.stack([np.ones_like(y), x, y, x * x, y * y, x * y])
    return np.stack([values[:, :, block].sum(axis=2) for block in blocks], axis=1)


def _correlation(sums: np.ndarray) -> np.ndarray:
    count, x, y, xx, yy, xy = sums
    spread = np.sqrt(np.maximum(count * xx - x * x, 1e-12) * np.maximum(count * yy - y * y, 1e-12))
    return np.asarray((count * xy - x * y) / spread)


def _has_rival(curve: np.ndarray, best: int) -> bool:
    """True when another peak is nearly as high."""
    inner = curve[1:-1]
    peaks = 1 + np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]))
    return bool(any(curve[peak] > _RIVAL * curve[best] for peak in peaks if abs(peak - best) > 20))


def _peak(places: np.ndarray, values: np.ndarray) -> float:
    """Where a parabola through the highest value and its neighbours has its top."""
    best = int(np.argmax(values))
    if best in (0, len(values) - 1):
        return float(places[best])
    before, top, after = values[best - 1 : best + 2]
    bend = before - 2 * top + after
    offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(places[best] + offset * (places[best + 1] - places[best]))
