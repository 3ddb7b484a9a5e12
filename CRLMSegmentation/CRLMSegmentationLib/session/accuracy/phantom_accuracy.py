"""How far off the whole system is on a phantom: touches of known targets, beside what the navigation would state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.budget import DEVIATIONS_OF_95
from ...calibration.accuracy.calibrations import PHANTOM, Calibrations
from ...calibration.accuracy.error_model import (
    IMAGE,
    OUTLINE,
    TIME,
    TRACKING,
    VOXELS,
    ErrorModel,
    SeenPlace,
    distance_budget,
    surface_covariances,
    tip_covariances,
)
from ...calibration.accuracy.touched import Touches
from ...words import tr
from .seen_frames import SeenFrames

# A point that is touched has neither voxels nor an outline; one of the phantom's own was seen in no image.
_OF_A_TUMOR, _OF_AN_IMAGE = (VOXELS, OUTLINE), (IMAGE, TIME)
_EXACT = {source: np.zeros((3, 3)) for source in (IMAGE, TIME, TRACKING)}


@dataclass(frozen=True)
class TargetError:
    """Of one target: its name, how often it was touched, median and largest distance of the tip from it in mm."""

    name: str
    touches: int
    median_mm: float
    largest_mm: float
    offset_mm: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class PhantomAccuracy:
    """What was measured.

    touches        of the targets
    deviations_mm  (distances,) standard deviations that the navigation would have stated of touches.distances()
    unknown        by source: why its error is not among them
    seen           of each target how it was seen in the sweep; None where it was not, or by no image
    """

    touches: Touches
    deviations_mm: np.ndarray
    unknown: Mapping[str, str]
    seen: tuple[SeenPlace | None, ...]

    @property
    def errors_mm(self) -> np.ndarray:
        """(touches,) how far the tip is said to be from the target that it touches."""
        return np.asarray(np.linalg.norm(self.touches.offsets_mm, axis=1))

    @property
    def distance_errors_mm(self) -> np.ndarray:
        """(distances,) said less true, from each touch to every other target."""
        return np.array([error for _, _, error in self.touches.distances()])

    @property
    def is_within(self) -> np.ndarray:
        """(distances,) True where the true error lies within the stated 95 %."""
        return np.asarray(np.abs(self.distance_errors_mm) <= DEVIATIONS_OF_95 * self.deviations_mm)

    @property
    def stated_mm(self) -> float:
        """Root mean square of the stated standard deviations."""
        return float(np.sqrt((self.deviations_mm**2).mean()))

    def by_target(self) -> list[TargetError]:
        """In the order of the targets; those only that were touched."""
        numbers, offsets = np.array([one.target for one in self.touches.touches]), self.touches.offsets_mm
        found = []
        for number, name in enumerate(self.touches.targets.names):
            own = offsets[numbers == number]
            if len(own):
                lengths = np.linalg.norm(own, axis=1)
                x, y, z = own.mean(axis=0).tolist()
                found.append(TargetError(name, len(own), float(np.median(lengths)), float(lengths.max()), (x, y, z)))
        return found

    def by_direction(self) -> dict[str, np.ndarray]:
        """(n,) mm from target to tip along directions that have a cause of their own, by what they are.

        Along the stylus a wrong length of it shows, along the axes of the image what calibration and delay add; the
        latter of those targets only that an image has shown.
        """
        touches, offsets = self.touches.touches, self.touches.offsets_mm
        shafts = np.array([one.tip_mm - one.tool_to_reference[:3, 3] for one in touches])
        shafts = shafts / np.maximum(np.linalg.norm(shafts, axis=1, keepdims=True), 1e-9)
        along = (offsets * shafts).sum(axis=1)
        across = np.linalg.norm(offsets - along[:, np.newaxis] * shafts, axis=1)
        found = {tr("along the stylus"): along, tr("across the stylus"): across}
        seen = [(offset, self.seen[one.target]) for one, offset in zip(touches, offsets)]
        axes = [(offset, _image_axes(place)) for offset, place in seen if place is not None]
        for number, name in enumerate(
            (tr("left and right in the image"), tr("along the beam"), tr("across the image"))
        ):
            if axes:
                found[name] = np.array([offset @ own[:, number] for offset, own in axes])
        return found

    def by_depth(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) depth in the image and (n,) error in mm, of the touches of targets that an image has shown."""
        pairs = [
            (place.pixel[1] * float(np.linalg.norm(place.image_to_reference[:3, 1])), error)
            for one, error in zip(self.touches.touches, self.errors_mm)
            if (place := self.seen[one.target]) is not None
        ]
        depth, error = np.array(pairs).reshape(-1, 2).T
        return depth, error


def amounts_of(values: np.ndarray) -> dict[str, float]:
    """Quartiles and 95th percentile of (n,) mm, by the names that scripts use."""
    names = ("q25_mm", "median_mm", "q75_mm", "p95_mm")
    return dict(zip(names, np.percentile(values, [25, 50, 75, 95]).tolist()))


def measured_accuracy(
    touches: Touches, known: Calibrations, tool: str, tip_to_tool: np.ndarray, frames: SeenFrames | None
) -> PhantomAccuracy:
    """The touches beside what `known` states of a tool whose tip is where `tip_to_tool` (4, 4) has it.

    frames  of the sweep that the targets were marked in; None where they were seen in none
    """
    targets = touches.targets
    size, pixel_mm = (None, None) if frames is None else (frames.size, frames.pixel_mm)
    model = known.model(tool, tip_to_tool, size, pixel_mm)
    seen = tuple(None if frames is None else frames.seen(place) for place in targets.points_mm)
    deviations, unknown = _stated(touches, model, seen)
    left_out = _OF_A_TUMOR if targets.is_seen else (*_OF_A_TUMOR, *_OF_AN_IMAGE)
    told = {name: why for name, why in unknown.items() if name not in left_out}
    if not targets.is_seen and targets.registration is None:
        told[PHANTOM] = tr("how well the phantom was registered is not known (crlm calibrate phantom)")
    return PhantomAccuracy(touches, deviations, told, seen)


def _stated(
    touches: Touches, model: ErrorModel, seen: tuple[SeenPlace | None, ...]
) -> tuple[np.ndarray, dict[str, str]]:
    """What the navigation would state for each distance to another target, and what it would not know."""
    targets, deviations = touches.targets, []
    unknown: dict[str, str] = {}
    tips = [tip_covariances(model, touch.tool_to_reference, touch.tip_mm) for touch in touches.touches]
    for number, other, _ in touches.distances():
        place = seen[other]
        surface = {} if targets.is_seen else _EXACT
        if targets.registration is not None:
            # Of the phantom's own targets its registration says how well they are known, as the image of others.
            surface = {**_EXACT, IMAGE: targets.registration.covariance_at(targets.points_mm[other])}
        if place is not None:
            surface = surface_covariances(model, place)
        way = targets.points_mm[other] - touches.touches[number].tip_mm
        budget = distance_budget(model, surface, tips[number], way)
        deviations.append(budget.deviation_mm)
        unknown.update(budget.unknown)
    return np.array(deviations), unknown


def _image_axes(place: SeenPlace) -> np.ndarray:
    """(3, 3) unit vectors in Reference as columns: to the right, down and out of the image."""
    right, down = (place.image_to_reference[:3, axis] for axis in (0, 1))
    axes = np.column_stack([right, down, np.cross(right, down)])
    return np.asarray(axes / np.linalg.norm(axes, axis=0))
