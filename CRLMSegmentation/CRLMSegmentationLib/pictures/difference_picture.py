"""The slice in which two reconstructions differ most: the first, the second, and their difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..reconstruction.quality.second_opinion import Difference
from ..values import Volume
from ..values.image_scale import round_length_mm
from . import picture_style as style

_PANEL_PX = 480
_GAP_PX, _TOP_PX, _BOTTOM_PX = 14, 52, 62
BRIGHTER, DARKER = (235, 90, 80), (90, 150, 255)
# Toward both ends of R, A and S.
_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))


def difference_picture(path: str | Path, first: Volume, second: Volume, found: Difference) -> Path:
    """Write a PNG of the slice k that differs most, as both volumes have it, and the first minus the second.

    The difference is red where the first is brighter and blue where it is darker, full in the strongest hundredth.
    Rows and columns are those of the voxels; arrows say where they lead in Reference. Returns the path. Raises
    FileFormatError.
    """
    image, _, _ = style.pillow()
    k = int(np.abs(found.volume.voxels).sum(axis=(1, 2)).argmax())
    brightest = max(1.0, float(first.voxels[k].max()), float(second.voxels[k].max()))
    grey = [(255 * (one.voxels[k] / brightest)).clip(0, 255).astype(np.uint8) for one in (first, second)]
    colored, full = colored_difference(found.volume.voxels[k])
    panels = [*(np.repeat(one[:, :, None], 3, axis=2) for one in grey), colored]
    across_mm, down_mm = (float(length) for length in np.array(first.dimensions[:2]) * first.spacing_mm[:2])
    scale = _PANEL_PX / max(across_mm, down_mm)
    size = max(1, round(across_mm * scale)), max(1, round(down_mm * scale))
    whole = (3 * _PANEL_PX + 4 * _GAP_PX, _TOP_PX + size[1] + _BOTTOM_PX)
    picture, overlay = image.new("RGB", whole, style.BACKGROUND), style.Overlay(whole)
    for number, (panel, name) in enumerate(zip(panels, ("First", "Second", "First minus second"))):
        corner = np.array([_GAP_PX + number * (_PANEL_PX + _GAP_PX), _TOP_PX])
        place = corner + ((_PANEL_PX - size[0]) // 2, 0)
        # Voxels stay what they are where they are drawn larger.
        picture.paste(image.fromarray(panel).resize(size, image.NEAREST), tuple(place.tolist()))
        overlay.text(corner + (2, -14), name, style.TEXT, 22, "ls")
        _axes(overlay, place, first, size)
        _scale_bar(overlay, place + size, across_mm, scale)
    _captions(overlay, first, k, full, (_GAP_PX, whole))
    return style.save_picture(overlay.onto(picture), path)


def colored_difference(changed: np.ndarray) -> tuple[np.ndarray, float]:
    """uint8 (rows, columns, 3) of a slice (rows, columns) of differences, and the grey levels that have full color."""
    strength = np.abs(changed).astype(np.float64)
    full = float(np.percentile(strength[strength > 0], 99)) if strength.any() else 1.0
    share = (strength / full).clip(0, 1)[:, :, None]
    color = np.where((changed > 0)[:, :, None], BRIGHTER, DARKER)
    return (style.PANEL + share * (color - np.array(style.PANEL, np.float64))).round().astype(np.uint8), full


def _axes(overlay: style.Overlay, place: np.ndarray, volume: Volume, size: tuple[int, int]) -> None:
    """Where columns and rows lead, at the lower left."""
    origin = place + (26, size[1] - 60)
    for column, direction, anchor in ((0, (34, 0), "lm"), (1, (0, 34), "mt")):
        toward = volume.ijk_to_ras[:3, column]
        axis = int(np.abs(toward).argmax())
        end = origin + direction
        overlay.line([origin, end], (*style.TEXT, 255), 2)
        letter = _LETTERS[axis][int(toward[axis] > 0)]
        overlay.text(end + np.sign(direction) * 7, letter, style.TEXT, 18, anchor, plate=False)


def _scale_bar(overlay: style.Overlay, corner: np.ndarray, across_mm: float, px_of_mm: float) -> None:
    """At the lower right."""
    length_mm = round_length_mm(across_mm / 4)
    length_px = length_mm * px_of_mm
    end = corner - (22, 24)
    for offset in (0, -length_px):
        overlay.line([end + (offset, -5), end + (offset, 5)], (*style.TEXT, 255), 2)
    overlay.line([end - (length_px, 0), end], (*style.TEXT, 255), 2)
    overlay.text(end + (-length_px / 2, -10), f"{length_mm:g} mm", style.TEXT, 18, "ms", plate=True)


def _captions(overlay: style.Overlay, volume: Volume, k: int, full: float, frame: tuple[int, tuple[int, int]]) -> None:
    """Which slice it is, and what its colors say."""
    left, (width, height) = frame
    through = volume.ijk_to_ras[:3, 2]
    axis = int(np.abs(through).argmax())
    middle = volume.ijk_to_ras @ [(volume.dimensions[0] - 1) / 2, (volume.dimensions[1] - 1) / 2, k, 1]
    text = f"Slice {k + 1} of {volume.dimensions[2]}, {'RAS'[axis]} = {middle[axis]:.1f} mm in Reference"
    overlay.text((left + 2 * _PANEL_PX + _GAP_PX - 2, _TOP_PX - 14), text, style.FAINT_TEXT, 16, "rs")
    entries = [("First is brighter", BRIGHTER, None), ("First is darker", DARKER, None)]
    style.legend(overlay, left + 2, height - _BOTTOM_PX / 2, entries)
    overlay.text(
        (width - left - 2, height - _BOTTOM_PX / 2),
        f"full color from {full:g} grey levels on",
        style.FAINT_TEXT,
        18,
        "rm",
    )
