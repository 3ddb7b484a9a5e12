"""The session's own nodes among all that are in a scene: a CT beside them may bear a patient's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..navigation.tool_transforms import tip_to_tool, tool_of_calibration, tool_to_reference
from . import names
from .nodes import ROLE_ATTRIBUTE, nodes_of_class, role_of
from .sweeps.sweep_sequence import sweep_nodes

_SHOWN = {
    "vtkMRMLScalarVolumeNode": (names.LIVE_IMAGE, names.VOLUME, names.PROBABILITY),
    "vtkMRMLLabelMapVolumeNode": (names.SEEN,),
    "vtkMRMLLinearTransformNode": (names.IMAGE_TO_REFERENCE, names.PROBE_TO_REFERENCE, names.PROBE_FACE_TO_REFERENCE),
    "vtkMRMLModelNode": (
        names.PROBE_MODEL, names.SURFACE, names.MARGIN, names.UNCERTAINTY_OUTER, names.UNCERTAINTY_INNER
    ),
    "vtkMRMLMarkupsROINode": (names.BOX,),
    "vtkMRMLSegmentationNode": (names.SEGMENTATION,),
    "vtkMRMLTextNode": (names.DISTANCE_TEXT, names.CASE),
}  # fmt: skip
# Label maps are scalar volumes, too.
_NUMBERED = ("vtkMRMLModelNode", "vtkMRMLScalarVolumeNode")
# What a case leaves behind when another is opened; live nodes stay.
RESULTS = (
    names.VOLUME, names.SEEN, names.PROBABILITY, names.SURFACE, names.MARGIN, names.UNCERTAINTY_OUTER,
    names.UNCERTAINTY_INNER, names.BOX, names.SEGMENTATION, names.CASE,
)  # fmt: skip


def own_nodes(scene: Any, tool_names: Iterable[str], with_sweep: bool = True) -> list[Any]:
    """Every node that the session has made, without their display and storage nodes.

    tool_names  tools that the session knows
    with_sweep  False without the recorded sweep
    """
    wanted = {class_name: set(shown) for class_name, shown in _SHOWN.items()}
    for tool in tool_names:
        wanted["vtkMRMLLinearTransformNode"] |= {tool_to_reference(tool), tip_to_tool(tool)}
        wanted["vtkMRMLModelNode"].add(names.tool_model(tool))
        wanted.setdefault("vtkMRMLMarkupsLineNode", set()).add(names.distance_line(tool))
    found = list(sweep_nodes(scene)) if with_sweep else []
    for class_name, shown in wanted.items():
        found += [node for node in nodes_of_class(scene, class_name) if role_of(node) in shown]
    return found + [node for node, _ in numbered_nodes(scene)]


def numbered_nodes(scene: Any) -> list[tuple[Any, str]]:
    """The nodes of further tumors, and of volumes that are not shown, each with its role."""
    nodes = [
        (node, role_of(node)) for class_name in _NUMBERED for node in nodes_of_class(scene, class_name)
    ]  # fmt: skip
    return [(node, role) for node, role in nodes if names.is_of_other(role)]


def live_marks(scene: Any) -> list[Any]:
    """The nodes that move with the tools and the live image and are lines and outlines, not bodies."""
    lines = [node for node in nodes_of_class(scene, "vtkMRMLMarkupsLineNode") if names.is_distance_line(role_of(node))]
    return lines + [node for node in nodes_of_class(scene, "vtkMRMLModelNode") if names.is_live_mark(role_of(node))]


def is_role_of_result(role: str) -> bool:
    """True for a node of volume, box or tumor."""
    return role in RESULTS or names.is_of_other(role)


def any_own_nodes(scene: Any) -> list[Any]:
    """As own_nodes(), with the tools of any session, and whatever else bears a role."""
    calibrations = (tool_of_calibration(role_of(one)) for one in nodes_of_class(scene, "vtkMRMLLinearTransformNode"))
    found = own_nodes(scene, {tool for tool in calibrations if tool})
    known = {node.GetID() for node in found}
    return found + [
        node for node in nodes_of_class(scene, "vtkMRMLNode")
        if node.GetAttribute(ROLE_ATTRIBUTE) and node.GetID() not in known
    ]  # fmt: skip


@contextmanager
def own_names(nodes: Iterable[Any]) -> Iterator[None]:
    """Within the block renamed nodes have the names that the session gave them: another may be a patient's."""
    given = [(node, node.GetName()) for node in nodes]
    for node, name in given:
        if name != role_of(node):
            node.SetName(role_of(node))
    try:
        yield
    finally:
        for node, name in given:
            if node.GetName() != name:
                node.SetName(name)


@contextmanager
def only_saving(scene: Any, nodes: Iterable[Any]) -> Iterator[None]:
    """Within the block, of all that is in the scene only these nodes, and what shows and stores them, are saved."""
    nodes = list(nodes)
    kept = {node.GetID() for node in nodes}
    for node in nodes:
        kept |= {part.GetID() for part in _attached(node) if part is not None}
    hidden = []
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        if node.GetSaveWithScene() and node.GetID() not in kept:
            _set_saved(node, False)
            hidden.append(node)
    try:
        yield
    finally:
        for node in hidden:
            _set_saved(node, True)


def _set_saved(node: Any, wanted: bool) -> None:
    """Without a word to those who draw the node: nothing that is seen has changed."""
    was_disabled = node.GetDisableModifiedEvent()
    node.SetDisableModifiedEvent(True)
    node.SetSaveWithScene(wanted)
    node.SetDisableModifiedEvent(was_disabled)


def _attached(node: Any) -> Iterator[Any]:
    if node.IsA("vtkMRMLStorableNode"):
        for number in range(node.GetNumberOfStorageNodes()):
            yield node.GetNthStorageNode(number)
    if node.IsA("vtkMRMLDisplayableNode"):
        for number in range(node.GetNumberOfDisplayNodes()):
            yield node.GetNthDisplayNode(number)
