"""What is really there: the tumor as a mask, and every parameter as plain JSON values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...values import Volume
from .lesion import Lesion
from .liver import SPACING_MM, Liver
from .picture import Settings
from .probe import Probe

TRUTH_SPACING_MM = 0.5
# Labels in liver.nrrd, in the order of liver.py's kinds. 0 is left for 'unknown', as in every label map.
TISSUES = ("parenchyma", "vessel lumen", "cyst", "metastasis", "calcification", "beyond the liver")


def mask_of_lesion(
    lesion: Lesion, center_reference: np.ndarray, reference_to_liver: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> Volume:
    """The lesion at rest, uint8 [k, j, i], on a grid along the axes of Reference over lower..upper (3,) mm."""
    dimensions = np.ceil((upper - lower) / TRUTH_SPACING_MM).astype(int) + 1
    voxels = np.zeros(tuple(dimensions[::-1]), dtype=np.uint8)
    reach = lesion.shape.largest_radius_mm() + 1
    first = np.maximum(np.floor((center_reference - reach - lower) / TRUTH_SPACING_MM).astype(int), 0)
    last = np.minimum(np.ceil((center_reference + reach - lower) / TRUTH_SPACING_MM).astype(int) + 1, dimensions)
    axes = [lower[a] + np.arange(first[a], last[a]) * TRUTH_SPACING_MM - center_reference[a] for a in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    points = np.stack([x, y, z], axis=-1) @ reference_to_liver[:3, :3].T
    voxels[first[2] : last[2], first[1] : last[1], first[0] : last[0]] = lesion.shape.radial_distance_mm(points) <= 0
    ijk_to_ras = np.diag([TRUTH_SPACING_MM] * 3 + [1.0])
    ijk_to_ras[:3, 3] = lower
    return Volume(voxels, ijk_to_ras)


def tissue_labels(liver: Liver, liver_to_reference: np.ndarray) -> Volume:
    """Which tissue is where, uint8 [k, j, i]: 1 + its place in TISSUES. The grid is the liver's own, turned."""
    grid = np.diag([SPACING_MM] * 3 + [1.0])
    grid[:3, 3] = liver.origin_mm
    return Volume(np.ascontiguousarray((liver.kind + 1).T.astype(np.uint8)), liver_to_reference @ grid)


def lesion_parameters(
    lesion: Lesion, center_liver: np.ndarray, center_reference: np.ndarray, summary: dict[str, Any]
) -> dict[str, Any]:
    """The lesion for parameters.json; `summary` is the liver's, which knows what was laid into it."""
    return {
        "echogenicity": lesion.echogenicity,
        "near_isoechoic": lesion.near_isoechoic,
        "contrast_db": lesion.contrast_db,
        "mean_level_db": summary["lesion_mean_level_db"],
        "equivalent_diameter_mm": lesion.equivalent_diameter_mm,
        "longest_diameter_mm": lesion.shape.longest_diameter_mm(),
        "volume_ml": lesion.shape.volume_ml(),
        "center_ras_mm": center_reference,
        "center_liver_mm": center_liver,
        "border_mm": lesion.border_mm,
        "heterogeneity_db": lesion.heterogeneity_db,
        "halo_thickness_mm": lesion.halo_thickness_mm,
        "core_fraction": lesion.core_fraction,
        "attenuation_excess_db_cm_mhz": lesion.attenuation_excess_db_cm_mhz,
        "calcifications": summary["lesion_calcifications"],
    }


def probe_parameters(probe: Probe, knobs: Settings) -> dict[str, Any]:
    """The probe and the receive chain (`knobs`, see picture.py) for parameters.json."""
    return {
        "radius_mm": probe.radius_mm,
        "field_of_view_deg": math.degrees(2 * probe.half_angle_rad),
        "depth_mm": probe.depth_mm,
        "frequency_mhz": probe.frequency_mhz,
        "focus_mm": probe.focus_mm,
        "elevation_focus_mm": probe.elevation_focus_mm,
        "lines": probe.lines,
        "image_size_px": [probe.image_width_px, probe.image_height_px],
        "pixel_size_mm": probe.pixel_size_mm,
        "dynamic_range_db": probe.dynamic_range_db,
        "fan": probe.fan_in_pixels(),
        "noise_at_depth_db": knobs.noise_at_depth_db,
        "parenchyma_grey": knobs.parenchyma_grey,
        "shadows": [vars(shadow) for shadow in knobs.shadows],
    }


def as_plain_values(value: Any) -> Any:
    """`value` with dictionaries, lists, text, numbers and None only; numbers lose digits that mean nothing."""
    if isinstance(value, dict):
        return {name: as_plain_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain_values(item) for item in value]
    if isinstance(value, np.ndarray):
        return as_plain_values(value.tolist())
    if isinstance(value, np.generic):
        return as_plain_values(value.item())
    return round(value, 8) if isinstance(value, float) else value
