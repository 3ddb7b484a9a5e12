"""The nodes of a case among all that are in a scene: told from others, taken out, and written as one scene."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import names
from .nodes import nodes_of_class, remove_node, role_of
from .own_nodes import any_own_nodes, is_role_of_result, own_nodes
from .scene_snapshot import SceneSnapshot, add_a_storage_node
from .sweeps.sweep_sequence import remove_sweep, sweep_nodes


def is_result(node: Any) -> bool:
    """True for a node of sweep, volume, box or tumor."""
    return is_role_of_result(role_of(node)) or role_of(node) == names.SWEEP_BROWSER


def remove_results(scene: Any, but: Iterable[Any] = ()) -> None:
    """Take sweep, volume, box and tumor out of the scene, other than the nodes of `but`."""
    but = list(but)
    kept = {node.GetID() for node in but}
    kept |= {part.GetID() for node in but if role_of(node) == names.SWEEP_BROWSER for part in sweep_nodes(scene, node)}
    browsers = [one for one in nodes_of_class(scene, "vtkMRMLSequenceBrowserNode") if is_result(one)]
    for browser in browsers:
        if browser.GetID() not in kept:
            remove_sweep(scene, browser)
    for node in own_nodes(scene, ()):
        if is_role_of_result(role_of(node)) and node.GetID() not in kept:
            remove_node(scene, node)


def remove_doubles(scene: Any, loaded: Iterable[Any]) -> None:
    """Take those of the `loaded` nodes out of the scene that have come beside others of the same role."""
    loaded = list(loaded)
    ours = {node.GetID() for node in loaded}
    there = {role_of(node) for node in any_own_nodes(scene) if node.GetID() not in ours}
    parts = {part.GetID() for part in sweep_nodes(scene)}
    for node in loaded:
        if role_of(node) in there and node.GetID() not in parts and scene.IsNodePresent(node):
            remove_node(scene, node)


def case_scene(scene: Any, tools: Iterable[str]) -> SceneSnapshot:
    """What the session shows now, with these tools, without the sweep: it lies beside the scene in a case, and packing
    it a second time takes most of the time. Nothing else of the scene goes in.

    Raises FileFormatError.
    """
    return SceneSnapshot(scene, _saved_nodes(scene, tools))


def prepare_case_scene(scene: Any, tools: Iterable[str]) -> bool:
    """Do a part of what case_scene() would have to do first; False when nothing is left. Called now and then."""
    return add_a_storage_node(_saved_nodes(scene, tools))


def _saved_nodes(scene: Any, tools: Iterable[str]) -> list[Any]:
    sweep_ids = {node.GetID() for node in sweep_nodes(scene)}
    return [node for node in own_nodes(scene, tools, with_sweep=False) if node.GetID() not in sweep_ids]
