"""What to report of a box before it is segmented."""

from __future__ import annotations

import numpy as np

from ..geometry import transform_points
from ..values import Box, Volume
from ..words import tr

_SMALLEST_EDGE_MM = 8.0
# Places along an edge of length 1 around 0.
_STEPS = (np.arange(24) + 0.5) / 24 - 0.5


def box_warnings(box: Box, volume: Volume | None, margin_mm: float, tight: bool) -> tuple[str, ...]:
    """Sentences; empty when all is well.

    volume     its geometry counts, not its voxels; None when there is none yet
    margin_mm  that the model wants around a tumor;  tight  True when it is added to the box
    """
    warnings = []
    if min(box.size_mm) < _SMALLEST_EDGE_MM and not tight:
        warnings.append(
            tr(
                "The box has an edge of {size_mm:.0f} mm, less than any tumor with the margin of "
                "{margin_mm:g} mm that the model needs: enlarge it, or say that it is tight.",
                size_mm=min(box.size_mm),
                margin_mm=margin_mm,
            )
        )
    elif min(box.size_mm) < 2 * margin_mm and not tight:
        warnings.append(
            tr(
                "The box has an edge of {size_mm:.0f} mm and the model wants {margin_mm:g} mm around the "
                "tumor on every side: enlarge it, or say that it is tight.",
                size_mm=min(box.size_mm),
                margin_mm=margin_mm,
            )
        )
    if volume is not None:
        grown = box.expanded(margin_mm if tight else 0.0)
        outside = _share_outside(grown, volume)
        if lies_outside(grown, volume):
            warnings.append(tr("The box lies outside the volume: place it on the volume."))
        elif outside > 0.005:
            with_margin = tr(" with its margin") if tight else ""
            warnings.append(
                tr(
                    "{outside:.0%} of the box{with_margin} leaves the volume and will be cut off.",
                    outside=outside,
                    with_margin=with_margin,
                )
            )
    return tuple(warnings)


def lies_outside(box: Box, volume: Volume) -> bool:
    """True when box and volume have nothing in common, as far as a grid of points in each can tell."""
    if _share_outside(box, volume) < 1:
        return False
    steps = np.array(volume.dimensions)[:, None] * _STEPS + (np.array(volume.dimensions)[:, None] - 1) / 2
    index = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    local = transform_points(np.linalg.inv(box.box_to_ras) @ volume.ijk_to_ras, index)
    return not (np.abs(local) <= box.size_mm / 2).all(axis=1).any()


def _share_outside(box: Box, volume: Volume) -> float:
    """Part of the box that is outside the volume's extent, from a grid of points in it."""
    local = np.stack(np.meshgrid(*[_STEPS * edge for edge in box.size_mm], indexing="ij"), axis=-1).reshape(-1, 3)
    index = transform_points(volume.ras_to_ijk @ box.box_to_ras, local)
    inside = ((index >= -0.5) & (index <= np.array(volume.dimensions) - 0.5)).all(axis=1)
    return float(1 - inside.mean())
