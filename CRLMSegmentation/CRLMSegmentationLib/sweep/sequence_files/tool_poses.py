"""The poses of one tool out of a recording, with or without images, and those of all tools of one without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import TransformError
from ...words import tr
from ..sweep import Sweep
from ..tracked_frame import Pose, TrackedFrame
from ..transform_tree import STATUS_FIELD, TRANSFORM_FIELD
from ..transforms import compose, is_transform_name, parse_matrix, split_transform_name
from .sequence_formats import read_sequence_header
from .sequence_reader import frames_by_transform, seconds


@dataclass(frozen=True, eq=False)
class ToolPoses:
    """Where a tool was.

    matrices   (n, 4, 4) tool to `reference`, mm
    times_s    (n,) seconds; NaN where the file says none
    valid      (n,) bool: measured by the tracker
    reference  the frame that the poses lead to
    """

    matrices: np.ndarray
    times_s: np.ndarray
    valid: np.ndarray
    reference: str


def read_tool_poses(path: str | Path, tool: str, reference: str | None = None) -> ToolPoses:
    """The poses of `tool` in every frame of a sequence file.

    reference  None for Reference, where the file joins the two, or else Tracker
    Raises SequenceFileError for a damaged file, and TransformError when the file does not say where the tool was.
    """
    header = read_sequence_header(path)
    recorded = list(frames_by_transform(header))
    found = {name: Pose(np.eye(4)) for name in recorded}
    wanted = ("Reference", "Tracker") if reference is None else (reference,)
    target = next((name for name in wanted if compose(found, tool, name) is not None), None)
    if target is None or not any(tool in split_transform_name(name) for name in recorded):
        raise TransformError(
            tr(
                "{path} does not say where {tool} was in {wanted}: it holds {recorded}; give the name of "
                "a tool that is in it.",
                path=path,
                tool=tool,
                wanted=" or ".join(wanted),
                recorded=", ".join(recorded) or "no transforms",
            )
        )
    matrices, times, valid = [], [], []
    for fields in header.frame_fields:
        pose = compose(_transforms(fields, path), tool, target)
        is_good = pose is not None and pose.valid and bool(np.isfinite(pose.matrix).all())
        matrices.append(pose.matrix if pose is not None and is_good else np.eye(4))
        times.append(seconds(fields.get("Timestamp"), header.path))
        valid.append(is_good)
    return ToolPoses(np.array(matrices).reshape(-1, 4, 4), np.array(times), np.array(valid, dtype=bool), target)


def read_tracker(path: str | Path) -> Sweep:
    """A recording of poses alone: a frame of no pixels, (0, 0), for each time. Raises SequenceFileError."""
    header = read_sequence_header(path)
    none = np.zeros((0, 0), dtype=np.uint8)
    frames = [
        TrackedFrame(none, None, seconds(fields.get("Timestamp"), header.path), False, _transforms(fields, path))
        for fields in header.frame_fields
    ]
    return Sweep(frames, Path(path).name)


def _transforms(fields: dict[str, str], path: str | Path) -> dict[str, Pose]:
    statuses = {match.group(1): value for name, value in fields.items() if (match := STATUS_FIELD.match(name))}
    transforms = {}
    for name, value in fields.items():
        match = TRANSFORM_FIELD.match(name)
        if match and is_transform_name(match.group(1)):
            status = statuses.get(match.group(1), "OK")
            matrix = parse_matrix(value, f"{name} in {path}")
            transforms[match.group(1)] = Pose(matrix, status.upper() == "OK", status)
    return transforms
