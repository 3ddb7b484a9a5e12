"""The session's nodes, found by the role that they bear, and made when they are not there: every helper can run twice.

A node gets its role together with its name (see names.py). A user may rename it; the role stays, and is saved with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .names import SEEN_ROLE

STALE_ATTRIBUTE = "CRLM.Stale"


ROLE_ATTRIBUTE = "CRLM.Role"


def find(scene: Any, class_name: str, name: str) -> Any:
    """The node of that class whose role is `name`, whatever it is called by now; None when it is not there.

    One that has no role and bears the name, such as a node that SlicerOpenIGTLink has made, gets the role.
    """
    named = scene.GetFirstNode(name, class_name, None, True)
    if named is not None and named.GetAttribute(ROLE_ATTRIBUTE) == name:
        return named
    for node in nodes_of_class(scene, class_name):
        if node.GetAttribute(ROLE_ATTRIBUTE) == name:
            return node
    if named is None or named.GetAttribute(ROLE_ATTRIBUTE) is not None:
        return None
    named.SetAttribute(ROLE_ATTRIBUTE, name)
    return named


def role_of(node: Any) -> str:
    """What the node is for the session: one of names.py, or its name when it is nothing to it."""
    return node.GetAttribute(ROLE_ATTRIBUTE) or node.GetName() or ""


def nodes_of_class(scene: Any, class_name: str) -> list[Any]:
    """In the order of the scene."""
    found = scene.GetNodesByClass(class_name)
    found.UnRegister(None)
    return [found.GetItemAsObject(number) for number in range(found.GetNumberOfItems())]


def get_or_create(scene: Any, class_name: str, name: str, with_display: bool = False) -> Any:
    """The node of that class and name, added to the scene when it is not there."""
    node = find(scene, class_name, name)
    if node is None:
        node = scene.AddNewNodeByClass(class_name, name)
        node.SetAttribute(ROLE_ATTRIBUTE, name)
    if with_display and node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    return node


def remove(scene: Any, class_name: str, name: str) -> None:
    """Take the node out of the scene, with its display and storage nodes, when it is there."""
    node = find(scene, class_name, name)
    if node is not None:
        remove_node(scene, node)


def remove_node(scene: Any, node: Any) -> None:
    """Take `node` out of the scene, with its display and storage nodes."""
    attached = [node.GetStorageNode()] if node.IsA("vtkMRMLStorableNode") else []
    if node.IsA("vtkMRMLDisplayableNode"):
        attached += [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for part in attached:
        if part is not None:
            scene.RemoveNode(part)


def put_under(node: Any, transform: Any) -> None:
    """Make `transform` the parent of `node`; None takes it out of any."""
    wanted = transform.GetID() if transform is not None else None
    if node.GetTransformNodeID() != wanted:
        node.SetAndObserveTransformNodeID(wanted)


def set_visible(node: Any, visible: bool) -> None:
    """Show or hide a displayable node in all views."""
    if node is not None and node.GetDisplayNode() is not None and bool(node.GetDisplayVisibility()) != bool(visible):
        node.SetDisplayVisibility(int(visible))


class HiddenNodes:
    """Hides nodes for as long as something speaks against showing them, and shows those again that it has hidden."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._hidden: set[str] = set()

    def hide(self, nodes: Iterable[Any]) -> None:
        """Hide those of the nodes that are shown."""
        for node in nodes:
            if node is not None and node.GetDisplayNode() is not None and node.GetDisplayVisibility():
                set_visible(node, False)
                self._hidden.add(node.GetID())

    def show(self) -> None:
        """Show them again, unless they are gone or have become stale meanwhile."""
        hidden, self._hidden = self._hidden, set()
        for identifier in hidden:
            node = self._scene.GetNodeByID(identifier)
            if not is_stale(node):
                set_visible(node, True)

    def forget(self) -> None:
        """They are gone."""
        self._hidden.clear()


def mark_stale(node: Any, stale: bool) -> None:
    """A stale node is hidden, says so in an attribute, and is left out of saved scenes; a fresh one is the reverse."""
    if node is None:
        return
    node.SetAttribute(STALE_ATTRIBUTE, "true" if stale else None)
    if node.IsA("vtkMRMLDisplayableNode"):
        set_visible(node, not stale)
    set_saved(node, not stale)


def set_saved(node: Any, saved: bool) -> None:
    """Have a node, with its display and storage nodes, in saved scenes, or leave it out of them."""
    parts = [node]
    if node.IsA("vtkMRMLStorableNode"):
        parts += [node.GetNthStorageNode(number) for number in range(node.GetNumberOfStorageNodes())]
    if node.IsA("vtkMRMLDisplayableNode"):
        parts += [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]
    if node.GetNodeReference(SEEN_ROLE) is not None:
        set_saved(node.GetNodeReference(SEEN_ROLE), saved)
    for part in parts:
        if part is not None:
            part.SetSaveWithScene(saved)


def is_stale(node: Any) -> bool:
    """True when the node is missing or marked stale."""
    return node is None or bool(node.GetAttribute(STALE_ATTRIBUTE) == "true")
