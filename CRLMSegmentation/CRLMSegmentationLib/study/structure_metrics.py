"""How well the structures of a CT agree with the truth: overlap, surface, lesions and volumes.

NSD is the surface Dice at a tolerance (Nikolov et al., J Med Internet Res 2021), on border voxels as monai's
compute_surface_dice counts them. A lesion is found when more than a tenth of it is overlapped, and a finding is right
when more than a tenth of it lies on a lesion, as in Natali et al. (LVT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..geometry import occupied_extent
from ..preoperative.structures import LIVER, TUMOR, VALUES, VESSELS, Structures
from .metrics import Metric, border_distances

TOLERANCE_MM = {LIVER: 7.0, VESSELS: 3.0, TUMOR: 3.0}
OVERLAP = 0.1
# Of lesions that nobody should miss.
LARGE_MM = 10.0
LESION_COUNTS = (
    "lesions", "lesions_found", "large_lesions", "large_lesions_found", "findings", "findings_right", "false_lesions"
)  # fmt: skip

STRUCTURE_METRICS = (
    *(Metric(f"{name}_dice", f"Dice, {name}", 1, of_each_case=True) for name in VALUES),
    *(Metric(f"{name}_nsd", f"NSD, {name} ({mm:g} mm)", 1) for name, mm in TOLERANCE_MM.items()),
    *(Metric(f"{name}_rvd", f"relative volume difference, {name}") for name in VALUES),
    Metric("lesion_sensitivity", "sensitivity of lesions", 1, of_each_case=True),
    Metric("lesion_precision", "precision of lesions", 1),
    Metric("false_lesions", "false lesions", -1, of_each_case=True),
    Metric("time_s", "time, CT to structures (s)"),
)


def compare_structures(found: Structures, truth: Structures) -> dict[str, float]:
    """Figures of STRUCTURE_METRICS but the time, both on one grid; NaN for what is not defined, such as the Dice of a
    structure that neither has.

    Beside them LESION_COUNTS; a large lesion has LARGE_MM and more, as a ball of the same volume.
    """
    figures: dict[str, float] = {}
    spacing = truth.label_map.spacing_mm[::-1]
    for name in VALUES:
        mask, wanted = found.mask(name).voxels > 0, truth.mask(name).voxels > 0
        in_mask, in_truth = int(mask.sum()), int(wanted.sum())
        both = int((mask & wanted).sum())
        figures[f"{name}_dice"] = 2 * both / (in_mask + in_truth) if in_mask + in_truth else math.nan
        figures[f"{name}_nsd"] = surface_dice(mask, wanted, TOLERANCE_MM[name], spacing)
        figures[f"{name}_rvd"] = (in_mask - in_truth) / in_truth if in_truth else math.nan
    return {**figures, **compare_lesions(found.lesions.voxels, truth.lesions.voxels, truth.lesions.voxel_volume_mm3)}


def compare_lesions(found: np.ndarray, truth: np.ndarray, voxel_mm3: float) -> dict[str, float]:
    """Of two maps of numbered lesions on one grid."""
    sizes, overlapped = _overlapped(truth, found > 0)
    finding_sizes, right = _overlapped(found, truth > 0)
    is_found, is_right = overlapped > OVERLAP * sizes, right > OVERLAP * finding_sizes
    is_large = (6 / math.pi * sizes * voxel_mm3) ** (1 / 3) >= LARGE_MM
    return {
        "lesions": len(sizes),
        "lesions_found": int(is_found.sum()),
        "large_lesions": int(is_large.sum()),
        "large_lesions_found": int((is_found & is_large).sum()),
        "findings": len(finding_sizes),
        "findings_right": int(is_right.sum()),
        "lesion_sensitivity": float(is_found.mean()) if len(sizes) else math.nan,
        "lesion_precision": float(is_right.mean()) if len(finding_sizes) else math.nan,
        "false_lesions": int((~is_right).sum()),
    }


def surface_dice(
    first: np.ndarray, second: np.ndarray, tolerance_mm: float, spacing_kji: Sequence[float] | np.ndarray
) -> float:
    """Share of both borders that lies within `tolerance_mm` of the other one; boolean masks [k, j, i].

    NaN when both are empty, 0 when one is.
    """
    if not first.any() or not second.any():
        return math.nan if first.any() == second.any() else 0.0
    extent = occupied_extent(first | second)
    assert extent is not None
    one, other = np.pad(first[extent], 1), np.pad(second[extent], 1)
    near, count = 0, 0
    for mask, against in ((one, other), (other, one)):
        away = border_distances(mask, against, spacing_kji)
        near, count = near + int((away <= tolerance_mm).sum()), count + len(away)
    return near / count


def _overlapped(lesions: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of each lesion, and those of them that lie in `mask`."""
    count = int(lesions.max(initial=0)) + 1
    sizes = np.bincount(lesions.ravel(), minlength=count)[1:]
    return sizes, np.bincount(lesions[mask].ravel(), minlength=count)[1:]
