"""What to tell of a box before it is segmented."""

from __future__ import annotations

import numpy as np

from ..geometry import Box, Volume, transform_points

_SMALLEST_EDGE_MM = 8.0


def box_warnings(box: Box, volume: Volume | None, margin_mm: float, tight: bool) -> tuple[str, ...]:
    """Sentences; empty when all is well.

    volume     its geometry counts, not its voxels; None when there is none yet
    margin_mm  that the model wants around a tumor;  tight  True when it is added to the box
    """
    warnings = []
    if min(box.size_mm) < _SMALLEST_EDGE_MM and not tight:
        warnings.append(
            f"The box has an edge of {min(box.size_mm):.0f} mm, less than any tumor with the margin of {margin_mm:g} "
            "mm that the model needs: enlarge it, or say that it is tight."
        )
    elif min(box.size_mm) < 2 * margin_mm and not tight:
        warnings.append(
            f"The box has an edge of {min(box.size_mm):.0f} mm and the model wants {margin_mm:g} mm around the tumor "
            "on every side: enlarge it, or say that it is tight."
        )
    if volume is not None:
        outside = _share_outside(box.expanded(margin_mm if tight else 0.0), volume)
        if outside >= 0.999:
            warnings.append("The box lies outside the volume: place it on the volume.")
        elif outside > 0.005:
            with_margin = " with its margin" if tight else ""
            warnings.append(f"{outside:.0%} of the box{with_margin} leaves the volume and will be cut off.")
    return tuple(warnings)


def _share_outside(box: Box, volume: Volume) -> float:
    """Part of the box that is outside the volume's extent, from a grid of points in it."""
    steps = (np.arange(24) + 0.5) / 24 - 0.5
    local = np.stack(np.meshgrid(*[steps * edge for edge in box.size_mm], indexing="ij"), axis=-1).reshape(-1, 3)
    index = transform_points(volume.ras_to_ijk @ box.box_to_ras, local)
    inside = ((index >= -0.5) & (index <= np.array(volume.dimensions) - 0.5)).all(axis=1)
    return float(1 - inside.mean())
