"""How well a sweep covers what it passed over: reported to the technician before the surgeon sees a hole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ReconstructionError
from ...geometry import plane_axes, transform_points
from ...sweep import Sweep
from ...words import tr
from ..frame_selection import SkippedFrame, select_frames
from ..impossible_poses import apart_mm, corners_of
from ..region import clipped_corners
from ..settings import ReconstructionSettings

LEAST_MOVED_MM = 0.5  # a sweep moves the image by more
POSE_KINDS = ("tracker jump", "impossible pose")  # of frames left out, of which the first one's detail is reported
LARGEST_GAP_VOXELS = 3.0  # a wider gap cannot be filled without inventing what lies between


@dataclass(frozen=True, eq=False)
class SweepQuality:
    """What the poses of a sweep say about it.

    frames_used       numbers of the n frames that were judged
    frames_skipped    the others and why
    gap_map_mm        (n - 1, rows, columns) distance between the same places of frames that follow each other, along
                      the direction the image faces, on an even grid over the used part of the image
    gap_mm            (n - 1,) widest gap of each pair
    gap_voxels        one number for the sweep: the gap that 95 % of `gap_map_mm` stay below, in voxels of the spacing
    speed_mm_per_s    (n - 1,) speed of the middle of the image; NaN where time stood still
    frames_per_s      median rate; NaN when unknown
    too_fast          first and last number of every run of frames with gaps wider than LARGEST_GAP_VOXELS
    coverage          part of the swept voxels that a pixel reached; None when no volume was made
    moved_mm          how far any corner of a frame lies from where it is in the first frame, at most; NaN when unknown
    """

    frames_used: tuple[int, ...]
    frames_skipped: tuple[SkippedFrame, ...]
    gap_map_mm: np.ndarray
    gap_mm: np.ndarray
    gap_voxels: float
    speed_mm_per_s: np.ndarray
    frames_per_s: float
    too_fast: tuple[tuple[int, int], ...]
    coverage: float | None = None
    moved_mm: float = float("nan")

    def sentences(self) -> list[str]:
        """What a technician should know, most important first; empty for a good sweep."""
        said = []
        if self.too_fast:
            first, last = max(self.too_fast, key=lambda run: self._widest_between(*run))
            others = len(self.too_fast) - 1
            elsewhere = f" (the worst of {others + 1} such places)" if others else ""
            said.append(
                f"Too fast between frame {first} and frame {last}{elsewhere}: gaps up to "
                f"{self._widest_between(first, last):.1f} mm; sweep {'them' if others else 'this part'} again, more "
                "slowly."
            )
        if len(self.frames_used) > 1 and self.moved_mm < LEAST_MOVED_MM:
            said.insert(0, (
                f"The {len(self.frames_used)} frames have nearly the same pose (within {self.moved_mm:.2f} mm): the "
                "probe was not moved, or its pose was not measured; check which transforms the recording and the "
                "configuration hold."
            ))  # fmt: skip
        of_kind: dict[str, list[SkippedFrame]] = {}
        for frame in self.frames_skipped:
            of_kind.setdefault(frame.kind, []).append(frame)
        for kind, frames in of_kind.items():
            which = f" (frame {frames[0].number}: {frames[0].detail})" if kind in POSE_KINDS else ""
            said.append(f"{len(frames)} frame{'s' if len(frames) > 1 else ''} left out: {kind}{which}.")
        return said

    def _widest_between(self, first: int, last: int) -> float:
        places = [place for place, number in enumerate(self.frames_used[:-1]) if first <= number < last]
        return float(self.gap_mm[places].max())


def sweep_quality(
    sweep: Sweep, settings: ReconstructionSettings | None = None, coverage: float | None = None
) -> SweepQuality:
    """Judge a sweep by its poses and times alone; takes milliseconds.

    coverage  1 - ReconstructionReport.hole_share_before_fill, when a volume was made
    Raises ReconstructionError when no frame can be used.
    """
    settings = settings or ReconstructionSettings()
    selection = select_frames(sweep, settings.skip_interval, settings.reject_jumps)
    frames = [sweep.frames[number] for number in selection.used]
    poses = np.array([frame.image_to_reference for frame in frames], dtype=np.float64)
    centers = np.array([center_of(pose, sweep.image_size, settings) for pose in poses])
    return quality_of(
        selection.used,
        selection.skipped,
        gap_map_mm(poses, sweep.image_size, settings),
        np.linalg.norm(np.diff(centers, axis=0), axis=1),
        np.diff([frame.timestamp for frame in frames]),
        min(settings.spacing_mm),
        coverage,
        max(float(apart_mm(corners_of(frame), corners_of(frames[0]))) for frame in frames),
    )


def quality_of(
    used: tuple[int, ...],
    skipped: tuple[SkippedFrame, ...],
    gap_map: np.ndarray,
    steps_mm: np.ndarray,
    seconds: np.ndarray,
    spacing_mm: float,
    coverage: float | None = None,
    moved_mm: float = float("nan"),
) -> SweepQuality:
    """The judgement from what was measured between the n frames `used`.

    gap_map   (n - 1, rows, columns), see SweepQuality
    steps_mm  (n - 1,) way of the middle of the image
    seconds   (n - 1,) time between the frames
    Raises ReconstructionError when there is no frame.
    """
    if not used:
        raise ReconstructionError(tr("No frame of this sweep can be used yet; wait for the first tracked frame."))
    gaps = gap_map.max(axis=(1, 2), initial=0.0) if gap_map.size else np.zeros(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.where(seconds > 0, steps_mm / seconds, np.nan)
    period = np.median(seconds) if seconds.size else np.nan
    return SweepQuality(
        frames_used=used,
        frames_skipped=skipped,
        gap_map_mm=gap_map,
        gap_mm=gaps,
        gap_voxels=float(np.percentile(gap_map, 95) / spacing_mm) if gap_map.size else 0.0,
        speed_mm_per_s=speed,
        frames_per_s=float(1 / period) if period > 0 else float("nan"),
        too_fast=_runs(gaps > LARGEST_GAP_VOXELS * spacing_mm, used),
        coverage=coverage,
        moved_mm=moved_mm,
    )


def center_of(pose: np.ndarray, image_size: tuple[int, int], settings: ReconstructionSettings) -> np.ndarray:
    """(3,) Reference mm of the middle of the used part of the image."""
    first_u, last_u, first_v, last_v = clipped_corners(image_size, settings.clip_rectangle)
    return transform_points(pose, np.array([(first_u + last_u) / 2, (first_v + last_v) / 2, 0.0]))


def gap_map_mm(
    poses: Sequence[np.ndarray] | np.ndarray,
    image_size: tuple[int, int],
    settings: ReconstructionSettings,
    rows: int = 5,
    columns: int = 5,
) -> np.ndarray:
    """(n - 1, rows, columns) float64, see SweepQuality."""
    first_u, last_u, first_v, last_v = clipped_corners(image_size, settings.clip_rectangle)
    u, v = np.meshgrid(np.linspace(first_u, last_u, columns), np.linspace(first_v, last_v, rows))
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1)
    points = np.array([transform_points(pose, pixels) for pose in poses])
    normals = plane_axes(np.array(poses))[..., 2]
    between = np.diff(points, axis=0)
    gaps_mm: np.ndarray = np.abs(np.einsum("nrcx,nx->nrc", between, normals[:-1]))
    return gaps_mm


def _runs(flags: np.ndarray, numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    firsts, ends = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    return tuple((numbers[int(first)], numbers[int(end)]) for first, end in zip(firsts, ends))
