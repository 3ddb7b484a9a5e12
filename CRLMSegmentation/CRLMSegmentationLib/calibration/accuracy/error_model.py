"""How far each part of the navigation errs, and what follows for a distance, to first order.

The distance from a tip x to the nearest place s of the tumor's surface changes by n . (dx - ds), n the unit vector from
s to x; so a source that moves tip or surface with covariance C adds n' C n to the variance of the distance (propagation
of covariance; JCGM 100:2008, 'Guide to the expression of uncertainty in measurement', 5.1.2).

- tracking: the sensor's position, and its orientation times the way to the tip or to the place on the image
- stylus: the covariance of the tip, turned with the tool
- image: the covariance of ImageToProbe at the pixel where the surface was seen, turned with the probe
- time: the delay's standard deviation times the velocity at which the image passed the surface
- voxels: a third of the distance of two voxels, measured (see `crlm accuracy --simulated`)
- outline: how far the segmentation's surface lies beside the true one, along its normal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...geometry import transform_points
from ...words import mark, tr
from .budget import Budget

TRACKING, STYLUS, IMAGE, TIME, VOXELS, OUTLINE = SOURCES = (
    mark("tracking"), mark("stylus"), mark("image"), mark("time"), mark("voxels"), mark("outline"),
)  # fmt: skip
# A mask's smoothed surface lies beside the true one by this share of a voxel, standard deviation.
_VOXEL_SHARE = 1 / 3
# So near to the surface the direction to the tip is no direction.
_NO_DIRECTION_MM = 1e-3

_UNKNOWN = {
    TRACKING: mark("the tracker's own error is not known"),
    STYLUS: mark("the stylus was not calibrated here"),
    IMAGE: mark("the image was not calibrated here"),
    TIME: mark("the delay of the images was not measured here"),
    VOXELS: mark("the size of the voxels is not known"),
    OUTLINE: mark("nobody has measured how well the tumor's outline is found"),
}


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """How far each source errs; None for what is not known. All are standard deviations or covariances.

    tracking_mm, tracking_deg  of a sensor's pose, along and about each axis; both or none
    tip_covariance_mm2         (3, 3) of the tip in the tool's frame
    image_covariance           (9, 9) of ImageToProbe, axis by axis of Probe: of u, v and 1 in mm
    delay_s                    of the images' delay
    voxel_mm                   distance of two voxels
    outline_mm                 of the tumor's surface along its normal, by the segmentation
    unknown                    by source: why it is not known, or not well enough, where there is more to say
    """

    tracking_mm: float | None = None
    tracking_deg: float | None = None
    tip_covariance_mm2: np.ndarray | None = None
    image_covariance: np.ndarray | None = None
    delay_s: float | None = None
    voxel_mm: float | None = None
    outline_mm: float | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, bool]:
        """By source."""
        values = (self.tracking_mm if self.tracking_deg is not None else None, self.tip_covariance_mm2,
                  self.image_covariance, self.delay_s, self.voxel_mm, self.outline_mm)  # fmt: skip
        return {source: value is not None for source, value in zip(SOURCES, values)}

    def why_unknown(self) -> dict[str, str]:
        """By source that is not known, or not well enough, the end of a sentence for people."""
        missing = {source: tr(_UNKNOWN[source]) for source, known in self.known.items() if not known}
        told = {**missing, **self.unknown}
        return {source: told[source] for source in SOURCES if source in told}


@dataclass(frozen=True, eq=False)
class SeenPlace:
    """How a place of the tumor's surface came into the volume.

    image_to_reference  (4, 4) pixel (u, v, 0, 1) to mm, of the frame that shows it
    pixel               (2,) u, v
    probe_to_reference  (4, 4) of that frame
    velocity_mm_s       (3,) of the image at that pixel in Reference
    """

    image_to_reference: np.ndarray
    pixel: np.ndarray
    probe_to_reference: np.ndarray
    velocity_mm_s: np.ndarray

    @property
    def point_ras(self) -> np.ndarray:
        """(3,) the place in Reference, mm."""
        return transform_points(self.image_to_reference, [*self.pixel, 0.0])


def surface_covariances(model: ErrorModel, seen: SeenPlace) -> dict[str, np.ndarray]:
    """(3, 3) mm^2 in Reference of the place on the surface, by each known source that moves it with its frame."""
    found = {}
    if model.tracking_mm is not None and model.tracking_deg is not None:
        arm = seen.point_ras - seen.probe_to_reference[:3, 3]
        found[TRACKING] = pose_covariance(model.tracking_mm, model.tracking_deg, arm)
    if model.image_covariance is not None:
        at_pixel = np.kron(np.eye(3), [*seen.pixel, 1.0])
        turn = seen.probe_to_reference[:3, :3]
        found[IMAGE] = turn @ at_pixel @ model.image_covariance @ at_pixel.T @ turn.T
    if model.delay_s is not None:
        found[TIME] = np.outer(seen.velocity_mm_s, seen.velocity_mm_s) * model.delay_s**2
    return found


def tip_covariances(model: ErrorModel, tool_to_reference: np.ndarray, tip_ras: np.ndarray) -> dict[str, np.ndarray]:
    """(3, 3) mm^2 in Reference of a tool's tip (3,), by each known source that moves it."""
    found = {}
    if model.tracking_mm is not None and model.tracking_deg is not None:
        found[TRACKING] = pose_covariance(
            model.tracking_mm, model.tracking_deg, tip_ras - tool_to_reference[:3, 3]
        )  # fmt: skip
    if model.tip_covariance_mm2 is not None:
        turn = tool_to_reference[:3, :3]
        found[STYLUS] = turn @ model.tip_covariance_mm2 @ turn.T
    return found


def pose_covariance(position_mm: float, angle_deg: float, arm_mm: np.ndarray) -> np.ndarray:
    """(3, 3) mm^2 of a place `arm_mm` (3,) away from a sensor whose pose errs by so much along and about each axis."""
    across = arm_mm @ arm_mm * np.eye(3) - np.outer(arm_mm, arm_mm)
    return np.asarray(position_mm**2 * np.eye(3) + np.radians(angle_deg) ** 2 * across)


def distance_budget(
    model: ErrorModel, surface: Mapping[str, np.ndarray], tip: Mapping[str, np.ndarray], tip_to_surface_mm: np.ndarray
) -> Budget:
    """What the error of the distance is made of.

    surface, tip       (3, 3) each by source, as surface_covariances() and tip_covariances() give them
    tip_to_surface_mm  (3,) from the tip to the nearest place on the surface, in Reference
    """
    length = float(np.linalg.norm(tip_to_surface_mm))
    variances: dict[str, float] = {}
    for part in (surface, tip):
        for source, covariance in part.items():
            if length > _NO_DIRECTION_MM:
                along = tip_to_surface_mm / length
                variance = float(along @ covariance @ along)
            else:
                variance = float(np.linalg.eigvalsh(covariance)[-1])
            variances[source] = variances.get(source, 0.0) + max(variance, 0.0)
    if model.voxel_mm is not None:
        variances[VOXELS] = (_VOXEL_SHARE * model.voxel_mm) ** 2
    if model.outline_mm is not None:
        variances[OUTLINE] = model.outline_mm**2
    deviations = {source: float(np.sqrt(variances[source])) for source in SOURCES if source in variances}
    unknown = model.why_unknown()
    # Known, but not where the surface was seen: no frame shows it.
    missing = {IMAGE, TIME, TRACKING} - set(surface) - set(unknown)
    unknown.update(dict.fromkeys(sorted(missing), tr("no frame of the sweep is known that shows the nearest place")))
    return Budget(deviations, unknown)
