"""Which transforms of a recording are written, so that at most one way leads from any frame to any other.

PLUS keeps transforms in a tree (vtkIGSIOTransformRepository::SetTransform): a file in which a second way leads from one
coordinate frame to another is refused by its tools ('A transform path already exists between ...'). So transforms are
written as they were measured, and what follows from them is left out and derived on reading. ImageToReference is
written as the ImageToProbe with which the measured transforms give it, where there is one. What follows from nothing,
but would be a second way, is written under a name that is no transform: 'ProbeToReferenceMatrix'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import TransformError
from .tracked_frame import Pose
from .transform_columns import Poses, composed, inverted, poses_of, product, same_place
from .transforms import find_path, format_matrix, is_transform_name, parse_matrix, split_transform_name

# Text that goes once into the header of a file: names that are derived on reading, and the frame of reference.
DERIVED_FIELD = "DerivedTransforms"
REFERENCE_FIELD = "ReferenceCoordinateFrame"
TRANSFORM_FIELD = re.compile(r"^(\w+To\w+?)Transform$")
STATUS_FIELD = re.compile(r"^(\w+To\w+?)TransformStatus$")
# A transform of its own that would be a second way: PLUS takes it for text.
ASIDE_FIELD = re.compile(r"^(\w+To\w+?)Matrix$")
# An image moves with a frame when its pixels stay within this in it: numbers of OpenIGTLink have seven digits.
_RIGID_MM = 0.005
_EXACT = 1e-9
# A frame that moved less says nothing about what moves with it.
_MOVED_MM = 0.5


@dataclass(frozen=True)
class TransformTree:
    """The fields of the frames as they are written, and what the header says of them."""

    frame_fields: list[Mapping[str, str]]
    header_fields: dict[str, str]


def as_tree(
    frame_fields: Sequence[Mapping[str, str]],
    image_size: tuple[int, int],
    reference: str = "Reference",
    fixed: Mapping[str, np.ndarray] | None = None,
) -> TransformTree:
    """The text fields of all frames of one file with at most one way between any two coordinate frames.

    frame_fields  as frame_fields() makes them, one entry a frame: 'ProbeToTrackerTransform', its status, and others
    image_size    width and height in pixels
    reference     the frame to which `ImageTo<reference>` leads
    fixed         (4, 4) by name: transforms of a configuration, written where nothing measured says the same

    Reading the result gives each frame the same ImageTo<reference> (to 1e-6) and the same validity as before.
    """
    header = {} if reference == "Reference" else {REFERENCE_FIELD: reference}
    measured = poses_of(frame_fields, TRANSFORM_FIELD, STATUS_FIELD)
    facts = measured.usable, len(frame_fields), reference, image_size, fixed or {}
    best = _Growth(*facts, prefer_measured=True)
    if best.aside:
        best = min(best, _Growth(*facts, prefer_measured=False), key=lambda growth: len(growth.aside))
    if best.derived:
        header[DERIVED_FIELD] = " ".join(best.derived)
    aside = [*best.aside, *measured.unusable]
    return TransformTree([_written(fields, number, best, aside) for number, fields in enumerate(frame_fields)], header)


class _Growth:
    """Grows the tree, one transform after another.

    kept     name to poses, in the order of writing
    changed  names among them whose text is not the one that was recorded
    derived  names that follow from those
    aside    names that would be a second way and do not follow
    """

    def __init__(
        self,
        poses: Mapping[str, Poses],
        count: int,
        reference: str,
        image_size: tuple[int, int],
        fixed: Mapping[str, np.ndarray],
        prefer_measured: bool,
    ) -> None:
        self.kept: dict[str, Poses] = {}
        self.changed: set[str] = set()
        self.derived: list[str] = []
        self.aside: list[str] = []
        self._poses, self._image_size = poses, image_size
        self._reference, self._target = reference, f"ImageTo{reference}"
        for name in self._order(prefer_measured):
            self._add(name)
        for name, matrix in fixed.items():
            if name not in poses and name != self._target and self._way(*split_transform_name(name)) is None:
                self._keep(name, Poses.constant(matrix, count))
        if self._target in poses:
            self._attach_image(poses[self._target])
            # What followed by way of the image may no longer.
            derived, self.derived = self.derived, []
            for name in derived:
                self._add(name)

    def _order(self, prefer_measured: bool) -> list[str]:
        """Measured transforms lead to the tracker: the frame to which most of them lead, which is not Reference."""
        names = [name for name in self._poses if name != self._target]
        if not prefer_measured:
            used = [name for name, _ in find_path(names, "Image", self._reference) or ()]
            return [*used, *(name for name in names if name not in used)]
        ends = [split_transform_name(name)[1] for name in names]
        rank = {end: -ends.count(end) for end in ends if end != self._reference}
        return sorted(names, key=lambda name: rank.get(split_transform_name(name)[1], 0))

    def _way(self, source: str, target: str) -> list[tuple[str, bool]] | None:
        return find_path(self.kept, source, target)

    def _keep(self, name: str, poses: Poses) -> None:
        self.kept[name] = poses
        self.changed.add(name)

    def _add(self, name: str) -> None:
        poses = self._poses[name]
        source, target = split_transform_name(name)
        way = self._way(source, target)
        if way is None:
            self.kept[name] = poses
        elif way and _says_the_same(poses, composed(self.kept, way)):
            self.derived.append(name)
        else:
            self.aside.append(name)

    def _attach_image(self, target: Poses) -> None:
        way = self._way("Image", self._reference)
        if way is None:
            self._attach_image_anew(target)
            return
        # The first transform on the way is that of the image: it takes the difference, and what is wrong with it.
        first, forwards = way[0]
        rest = composed(self.kept, way[1:], len(target.valid))
        along = product(rest, self.kept[first] if forwards else inverted(self.kept[first]))
        is_recorded = first in self._poses
        contradicts = target.valid & ~along.valid | (along.valid & ~target.valid if is_recorded else False)
        if contradicts.any() or not same_place(along, target, target.valid, self._image_size, _RIGID_MM):
            del self.kept[first]
            if is_recorded:
                self.aside.append(first)
                self.kept[self._target] = target
            else:
                # The images came with another calibration than the configuration's.
                self._attach_image_anew(target)
            return
        self._put(first, forwards, target, rest, along)

    def _attach_image_anew(self, target: Poses) -> None:
        """As the ImageToProbe that never changes, where there is a Probe with which the image moves."""
        ends = dict.fromkeys(end for name in self.kept for end in split_transform_name(name))
        frames = sorted((frame for frame in ends if frame not in ("Image", self._reference)), key="Probe".__ne__)
        for frame in frames:
            way = self._way(frame, self._reference)
            if way is None:
                continue
            rest = composed(self.kept, way)
            if not target.valid.any() or (target.valid & ~rest.valid).any():
                continue
            in_frame = product(inverted(rest), target)
            usual = Poses.constant(np.median(in_frame.matrices[in_frame.valid], axis=0), len(target.valid))
            if not same_place(in_frame, usual, in_frame.valid, self._image_size, _RIGID_MM):
                continue
            if frame != "Probe" and not self._moves(rest):
                continue
            self._put(f"ImageTo{frame}", True, target, rest, product(rest, usual), usual)
            return
        self.kept[self._target] = target

    def _put(
        self, name: str, forwards: bool, target: Poses, rest: Poses, along: Poses, usual: Poses | None = None
    ) -> None:
        """Keep the image's transform `name` such that the way through it gives `target`, and is as valid."""
        before = usual if usual is not None else self.kept[name]
        needed = product(inverted(rest), target)
        needed = needed if forwards else inverted(needed)
        exact = np.abs(along.matrices - target.matrices).max(axis=(1, 2), initial=0) <= _EXACT
        use = ~exact & target.valid
        # What says that the way is lost elsewhere on it needs no second word.
        invalid = along.valid & ~target.valid
        if usual is not None or use.any() or invalid.any():
            matrices = np.where(use[:, None, None], needed.matrices, before.matrices)
            self._keep(name, Poses(matrices, before.valid & ~invalid, before.known))

    def _moves(self, poses: Poses) -> bool:
        still = Poses.constant(poses.matrices[poses.valid][0], len(poses.valid))
        return not same_place(poses, still, poses.valid, self._image_size, _MOVED_MM)


def _says_the_same(direct: Poses, along: Poses) -> bool:
    """True when what was recorded directly follows from the way, and is as valid, in every frame that has it."""
    agrees = direct.valid[direct.known] == along.valid[direct.known]
    both = direct.valid & along.valid
    difference = np.abs(direct.matrices[both] - along.matrices[both])
    if not agrees.all():
        return False
    # Seven digits, as OpenIGTLink has them, of half a metre.
    return not both.any() or bool(difference[:, :3, :3].max() <= 1e-5 and difference[:, :3, 3].max() <= 2e-3)


def _written(fields: Mapping[str, str], number: int, tree: _Growth, aside: Sequence[str]) -> dict[str, str]:
    """The fields of one frame: the transforms of the tree, those that were put aside, and everything else."""
    written = {}
    for name, poses in tree.kept.items():
        text, status = fields.get(f"{name}Transform"), fields.get(f"{name}TransformStatus", "OK")
        if name in tree.changed:
            text = format_matrix(poses.matrices[number])
            if poses.valid[number] or status.upper() == "OK":
                status = "OK" if poses.valid[number] else "INVALID"
        elif text is None:
            # PLUS goes on with the transform of an earlier frame when one is not there.
            text, status = format_matrix(np.eye(4)), "MISSING"
        written[f"{name}Transform"], written[f"{name}TransformStatus"] = text, status
    for name, value in fields.items():
        is_status = STATUS_FIELD.match(name)
        match = is_status or TRANSFORM_FIELD.match(name)
        if match is None or not is_transform_name(match.group(1)):
            written.setdefault(name, value)
        elif match.group(1) in aside:
            written[f"{match.group(1)}Matrix{'Status' if is_status else ''}"] = value
    return written


def aside_transforms(fields: Mapping[str, str]) -> tuple[dict[str, Pose], dict[str, str]]:
    """The transforms of a frame that as_tree() put aside, and its other fields."""
    poses, others = {}, dict(fields)
    for field, text in fields.items():
        match = ASIDE_FIELD.match(field)
        if match is None or not is_transform_name(match.group(1)):
            continue
        name = match.group(1)
        try:
            matrix = parse_matrix(text, name)
        except TransformError:
            continue
        status = others.pop(f"{field}Status", "OK")
        del others[field]
        poses[name] = Pose(matrix, status.upper() == "OK", status)
    return poses, others
