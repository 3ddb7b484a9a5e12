"""Poses that cannot be: what a tracker, or a calibration that changed, gives for a frame or a few among good ones.

Optical markers can be taken for turned by 180 degrees or mirrored for one frame (AprilRobotics/apriltag issue 71); a
frame may lie beside the path of the others, or have pixels of another size. All of it is measured on the corners of the
image, so that a turn about any axis counts as far as it moves pixels. Real sweeps (a spine phantom, a volunteer's
liver) stay below 0.7 of what is compared with OUT_AND_BACK_FACTOR here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import plane_axes
from ..sweep import TrackedFrame

JUMP_LONGEST_FRAMES = 4  # so many frames in a row may have a pose that cannot be; more of them are where they say
OUT_AND_BACK_FACTOR = 5.0  # the way out and that back are so many times longer than the steps around them
OUT_AND_BACK_LEAST_MM = 4.0  # and at least so long
OTHER_SIZE = 0.1  # part by which the size of pixels differs
_TURNED_DEG = 20.0  # from here on a pose is reported as turned, else as beside
_STEPS_AROUND = 3  # on either side


def corners_of(frame: TrackedFrame) -> np.ndarray:
    """(4, 3) Reference mm of the corners of a frame's image."""
    return corners_under(np.asarray(frame.image_to_reference, dtype=np.float64), frame.image_size)


def corners_under(poses: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """(..., 4, 3) Reference mm of the corners of images under their (..., 4, 4) ImageToReference."""
    width, height = image_size
    pixels = np.array([(u, v, 1.0) for v in (0, height - 1) for u in (0, width - 1)])
    corners: np.ndarray = pixels @ np.swapaxes(poses[..., :3, [0, 1, 3]], -1, -2)
    return corners


def apart_mm(corners: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far the corner that moved most is from where it was: (...) of two (..., 4, 3)."""
    farthest: np.ndarray = np.linalg.norm(corners - other, axis=-1).max(axis=-1)
    return farthest


def shape_of(image_to_reference: ArrayLike) -> np.ndarray:
    """(..., 3) of (..., 4, 4): mm of a step along a row and along a column of pixels, and the handedness of the axes:
    1, -1, or 0 where the third axis says nothing.
    """
    axes = np.asarray(image_to_reference, dtype=np.float64)[..., :3, :3]
    lengths = np.linalg.norm(axes, axis=-2)
    turned = np.linalg.det(axes) / np.maximum(lengths.prod(axis=-1), 1e-300)
    handedness = np.where(np.abs(turned) > 1e-3, np.sign(turned), 0.0)
    return np.concatenate([lengths[..., :2], handedness[..., None]], axis=-1)


def other_shape(shape: np.ndarray, usual: np.ndarray) -> str:
    """Why a frame of this shape (see shape_of) does not belong to frames of the `usual` one; empty when it may."""
    if shape[2] * usual[2] < 0:
        return "impossible pose: mirrored against the other frames"
    factors = shape[:2] / usual[:2]
    factor = float(factors[np.abs(np.log(factors)).argmax()])
    if not 1 / (1 + OTHER_SIZE) <= factor <= 1 + OTHER_SIZE:
        return f"impossible pose: pixels of {factor:.2g} times the size of the others'"
    return ""


def usual_shape(shapes: np.ndarray) -> np.ndarray:
    """(3,) of most of the (n, 3) shapes."""
    return np.array([*np.median(shapes[:, :2], axis=0), 1.0 if shapes[:, 2].sum() >= 0 else -1.0])


def is_out_and_back(way_out_mm: float, way_back_mm: float, around_mm: float) -> bool:
    """True when frames were left and come back to in a way that no hand does.

    around_mm  the longest of the steps around, and of those that would lead straight from before to after
    """
    way = min(way_out_mm, way_back_mm)
    return way > OUT_AND_BACK_LEAST_MM and way > OUT_AND_BACK_FACTOR * around_mm


def out_and_back(corners: np.ndarray) -> list[tuple[int, int]]:
    """First and last of every run of frames, by their place in `corners` (n, 4, 3), that is out and back."""
    kept = np.arange(len(corners))
    found, frames = [], 1
    while len(kept) > frames + 1 and frames <= JUMP_LONGEST_FRAMES:
        firsts = _out_and_back(corners[kept], frames)
        if not firsts:
            frames += 1
            continue
        found += [(int(kept[first]), int(kept[first + frames - 1])) for first in firsts]
        kept = np.delete(kept, [place for first in firsts for place in range(first, first + frames)])
        frames = 1  # what lay between two such runs stands beside good ones now
    return sorted(found)


def _out_and_back(corners: np.ndarray, frames: int) -> list[int]:
    """The first of every run of so many frames."""
    steps = apart_mm(corners[1:], corners[:-1])
    usual = float(np.median(steps))
    firsts, next_free = [], 1
    for first in np.flatnonzero(steps > max(OUT_AND_BACK_LEAST_MM, OUT_AND_BACK_FACTOR * usual)) + 1:
        end = first + frames  # the first one after the run
        if first < next_free or end >= len(corners):
            continue
        before = steps[max(0, first - 1 - _STEPS_AROUND) : first - 1]
        after = steps[end : end + _STEPS_AROUND]
        # one side may hold the next such run; where there is none, the other one counts
        around = min((side.max() for side in (before, after) if side.size), default=0.0)
        across = float(apart_mm(corners[first - 1], corners[end])) / (frames + 1)
        if is_out_and_back(steps[first - 1], steps[end - 1], max(usual, around, across)):
            firsts.append(int(first))
            next_free = int(end) + 1
    return firsts


def how_far_out(frame: TrackedFrame, other: TrackedFrame) -> str:
    """The reason to leave a frame out that is out and back from `other`, the frame before it."""
    angle_deg = turned_deg(frame, other)
    if angle_deg > _TURNED_DEG:
        return f"tracker jump: turned by {angle_deg:.0f} degrees against the frames before and after"
    apart = float(np.linalg.norm(corners_of(frame).mean(axis=0) - corners_of(other).mean(axis=0)))
    return f"tracker jump: {apart:.0f} mm beside the frames before and after"


def turned_deg(frame: TrackedFrame, other: TrackedFrame) -> float:
    """The angle between the images of two frames, in degrees."""
    axes = plane_axes([np.asarray(one.image_to_reference) for one in (frame, other)])
    cosine = (np.trace(axes[0].T @ axes[1]) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
