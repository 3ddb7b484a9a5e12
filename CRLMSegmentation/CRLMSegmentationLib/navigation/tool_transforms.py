"""What PLUS calls the transforms of tracked tools, and which of the transforms of one time are of tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..geometry import as_affine
from ..sweep import Pose
from ..sweep.transforms import compose, is_transform_name, split_transform_name

DEFAULT_TOOL = "Stylus"
_TIP_CALIBRATION = re.compile(r"^(\w+)TipTo\1$")
_TOOL_POSE = re.compile(r"^(\w+)ToReference$")
# Frames of reference that PLUS names beside tools.
_NO_TOOLS = ("Image", "Probe", "Tracker", "Reference", "TransducerOrigin", "TransducerOriginPixel")


def tool_to_reference(tool: str) -> str:
    """'StylusToReference' for 'Stylus'."""
    return f"{tool}ToReference"


def tip_to_tool(tool: str) -> str:
    """'StylusTipToStylus' for 'Stylus'."""
    return f"{tool}TipTo{tool}"


def tool_of_calibration(name: str) -> str | None:
    """'Stylus' for 'StylusTipToStylus'; None for a name that is no tip calibration's."""
    found = _TIP_CALIBRATION.match(name)
    return found.group(1) if found else None


def tool_of_pose(name: str) -> str | None:
    """'Stylus' for 'StylusToReference' or 'Stylus'; None for a name that is no tool's, such as 'ProbeToReference'."""
    placed = _TOOL_POSE.match(name)
    tool = placed.group(1) if placed else name
    is_other = tool in _NO_TOOLS or tool.endswith("Tip") or (not placed and "To" in name)
    return None if is_other else tool


def tool_poses(transforms: Mapping[str, Pose], followed: Iterable[str]) -> dict[str, Pose]:
    """What the transforms of one time say of tools, by PLUS name: ToolToReference of the `followed` ones, through any
    tracker, and every tip calibration, whose tools are followed too. What else is tracked (the liver, a second sensor)
    is no tool.
    """
    poses = {}
    tools = set(followed)
    for name in transforms:
        if is_transform_name(name):
            source, target = split_transform_name(name)
            # A broken calibration must not stop the live view: the last good one stays.
            if source == f"{target}Tip" and is_affine(transforms[name].matrix):
                poses[name] = transforms[name]
                tools.add(target)
    for tool in sorted(tools):
        pose = compose(transforms, tool, "Reference")
        if pose is not None:
            poses[tool_to_reference(tool)] = pose
    return poses


def tools_among(names: Iterable[str]) -> list[str]:
    """What of these transforms (PLUS names) may be a tool, sorted: what is placed by a tracker, or in Reference."""
    sources = {split_transform_name(name)[0] for name in names if is_transform_name(name)}
    return sorted(tool for tool in sources if tool_of_pose(tool) is not None)


def is_affine(matrix: ArrayLike | None) -> bool:
    """True for a (4, 4) affine matrix that can be inverted."""
    try:
        as_affine(matrix if matrix is not None else np.zeros((4, 4)))
    except GeometryError:
        return False
    return True
