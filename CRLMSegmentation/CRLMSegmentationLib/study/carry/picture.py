"""A picture to judge a registration by: checkerboards of both volumes with the outline of the carried mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files.coordinates import image_on_grid
from ...geometry import LPS_TO_RAS
from ...preoperative.image_registration.register import windowed
from ...values import Volume
from .carry_labels import CarriedMask

# Around the mask.
_REACH_MM = 28.0
_FIELD_MM = 9.0
_TITLES = ("slice k", "slice j", "slice i")


def moving_on_fixed(moving: Volume, fixed: Volume, fixed_to_moving: np.ndarray) -> Volume:
    """float32: the moving volume, linearly interpolated, on the grid of the fixed one."""
    import SimpleITK

    lps = LPS_TO_RAS @ fixed_to_moving @ LPS_TO_RAS
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    grid = image_on_grid(np.zeros(fixed.voxels.shape, np.uint8), fixed.ijk_to_ras)
    source = image_on_grid(moving.voxels.astype(np.float32), moving.ijk_to_ras)
    lowest = float(moving.voxels.min())
    placed = SimpleITK.Resample(source, grid, transform, SimpleITK.sitkLinear, lowest, SimpleITK.sitkFloat32)
    return fixed.on_grid(SimpleITK.GetArrayFromImage(placed))


def write_check_picture(carried: CarriedMask, moving: Volume, fixed: Volume, path: str | Path) -> None:
    """Three planes through the carried mask (or the middle, when it is empty): the ultrasound, a checkerboard of it and
    the moved volume, and the moved volume; all with the outline of the mask.
    """
    from matplotlib.figure import Figure

    placed = moving_on_fixed(windowed(moving), fixed, carried.registration.fixed_to_moving)
    places = np.argwhere(carried.mask.voxels)
    middle = places.mean(axis=0) if len(places) else (np.array(fixed.voxels.shape) - 1) / 2
    spacing = fixed.spacing_mm[::-1]
    figure = Figure(figsize=(9.6, 9.6), layout="constrained", facecolor="white")
    axes = figure.subplots(3, 3)
    for axis in range(3):
        window = [
            slice(max(0, round(middle[other] - _REACH_MM / spacing[other])),
                  round(middle[other] + _REACH_MM / spacing[other]) + 1)
            for other in range(3)
        ]  # fmt: skip
        sound, other, mask = (_plane(one.voxels, axis, middle, window) for one in (fixed, placed, carried.mask))
        steps = [spacing[one] for one in range(3) if one != axis]
        sound, other = _grey(sound), _grey(other)
        shown = (sound, np.where(_fields(sound.shape, steps), sound, other), other)
        for column, (picture, title) in enumerate(zip(shown, ("ultrasound", "checkerboard", "carried over"))):
            at = axes[axis][column]
            at.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=steps[0] / steps[1])
            if mask.any():
                at.contour(mask, [0.5], colors="#ffd24a", linewidths=1.2)
            at.set_xticks([])
            at.set_yticks([])
            if axis == 0:
                at.set_title(title, fontsize=10)
            if column == 0:
                at.set_ylabel(_TITLES[axis], fontsize=9)
    figure.suptitle(f"LC2 {carried.registration.similarity:.2f}; {len(carried.doubts)} doubts", fontsize=10)
    figure.savefig(path, dpi=100)


def _plane(voxels: np.ndarray, axis: int, middle: np.ndarray, window: list[slice]) -> np.ndarray:
    number = round(float(middle[axis])) - window[axis].start
    plane: np.ndarray = np.take(voxels[tuple(window)], number, axis=axis)
    return plane


def _grey(plane: np.ndarray) -> np.ndarray:
    low, high = np.percentile(plane, (1, 99))
    grey: np.ndarray = np.clip((plane - low) / max(float(high - low), 1e-6), 0, 1)
    return grey


def _fields(shape: tuple[int, ...], steps: list[float]) -> np.ndarray:
    rows, columns = (np.floor(np.arange(size) * step / _FIELD_MM) for size, step in zip(shape, steps))
    fields: np.ndarray = (rows[:, None] + columns[None]) % 2 == 0
    return fields
