"""A scene that is loaded into the present one: the session goes on with what came, and nothing stands there twice.

What Slicer has loaded looks as what was there before. So what was there is noted when loading begins.
"""

from __future__ import annotations

import re

import slicer
from slicer.i18n import tr as _

# Live nodes of any tool bear its name.
_OF_A_TOOL = re.compile(r"^(\w+)(ToReference|TipTo\1| model| to tumor)$")


class SceneImport:
    """From the beginning of an import to its end."""

    def __init__(self):
        self._before: set[str] = set()

    def begin(self) -> None:
        """Note what the scene holds of the session now."""
        self._before = {node.GetID() for node, _is_result in _own_nodes()}

    def end(self, session) -> bool:
        """Have the session go on with what came; False when none of that is the session's.

        Live nodes that were there stay, those that came for them are of another time and go. Results that were there
        are set aside when others came: they keep their data and are found by nobody any more.
        """
        before, self._before = self._before, set()
        own = _own_nodes()
        came = [(node, is_result) for node, is_result in own if node.GetID() not in before]
        if not came:
            return False
        was_there = [(node, is_result) for node, is_result in own if node.GetID() in before]
        live = {(node.GetClassName(), node.GetName()) for node, is_result in was_there if not is_result}
        with session.scene_replaced():
            for node, is_result in came:
                if not is_result and (node.GetClassName(), node.GetName()) in live:
                    _remove(node)
            if any(is_result for _node, is_result in came):
                for node, is_result in was_there:
                    if is_result:
                        _set_aside(node)
        return True


def is_result(name: str) -> bool | None:
    """By a node's name: True for what a case consists of, False for what is live, None for anything of others."""
    from CRLMSegmentationLib.scene import names
    from CRLMSegmentationLib.scene.own_nodes import RESULTS

    if name in RESULTS or name == names.SWEEP_BROWSER:
        return True
    live = (
        names.LIVE_IMAGE, names.IMAGE_TO_REFERENCE, names.PROBE_TO_REFERENCE, names.PROBE_FACE_TO_REFERENCE,
        names.PROBE_MODEL, names.DISTANCE_TEXT,
    )  # fmt: skip
    return False if name in live or _OF_A_TOOL.match(name) else None


def _own_nodes() -> list:
    """(node, is_result) of every node in the scene that bears one of the session's names."""
    scene, found = slicer.mrmlScene, []
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        is_helper = node.IsA("vtkMRMLDisplayNode") or node.IsA("vtkMRMLStorageNode")
        kind = None if is_helper else is_result(node.GetName() or "")
        if kind is not None:
            found.append((node, kind))
    return found


def _remove(node) -> None:
    from CRLMSegmentationLib.scene.nodes import remove_node

    remove_node(slicer.mrmlScene, node)


def _set_aside(node) -> None:
    from CRLMSegmentationLib.scene.nodes import set_visible

    node.SetName(_("{name} (before a scene was loaded)").format(name=node.GetName()))
    if node.IsA("vtkMRMLDisplayableNode"):
        set_visible(node, False)
