"""Saving what a session holds as a case, and going on from a saved one."""

from __future__ import annotations

from pathlib import Path

from ...errors import CRLMError, FileFormatError
from ...mrml import names
from ...mrml.bundle import write_scene
from ...mrml.nodes import nodes_of_class, remove_node, role_of
from ...mrml.own_nodes import RESULTS, any_own_nodes, only_saving, own_names, own_nodes
from ...mrml.sweeps.sweep_sequence import remove_sweep, sweep_nodes
from ...navigation.tool_transforms import tip_to_tool as tip_name
from ...sweep import Pose
from ..tumor.hand_corrections import HandCorrections
from ..tumor.tumor_state import DEFAULT_SMOOTHING, TumorState, state_of_scene
from .case_facts import CaseFacts, facts_of, read_facts
from .case_files import Case, read_case, write_case


def save_case(session, folder) -> Path:
    """Write everything that the session holds into a folder; returns it. Raises FileFormatError.

    Stale results are left out; so is whatever else is in the scene.
    """
    scene = session.scene
    case = Case(
        sweep=session.recording.sweep, volume=session.volume.value, box=session.box.value, **_parts_of_tumor(session),
        facts=facts_of(session), log=session.case.event_log, recording=session.recording.own_path,
    )  # fmt: skip

    def write_own_scene(path: Path) -> None:
        # The sweep lies beside it; packing it a second time takes most of the time.
        sweep_ids = {node.GetID() for node in sweep_nodes(scene)}
        nodes = [node for node in own_nodes(scene, session.tools.names) if node.GetID() not in sweep_ids]
        with own_names(nodes), only_saving(scene, nodes):
            write_scene(scene, path)

    return write_case(case, folder, write_own_scene)


def load_case(session, folder) -> None:
    """Replace what the session holds by a saved case. A stream goes on, and nodes of others stay.

    Raises FileFormatError before anything is replaced.
    """
    case = read_case(folder)
    facts = read_facts(case.facts)
    tumor = _tumor_of(case, facts, folder)
    session.case.begin_loaded(facts.origin)
    if case.sweep is not None:
        session.recording.set_sweep(case.sweep)
    if case.volume is not None:
        session.volume.set(case.volume)
    if case.box is not None:
        session.box.set(case.box, facts.box_is_tight)
    for tool, tip_to_tool in facts.tools.items():
        session.tools.update(tip_name(tool), Pose(tip_to_tool))
    if facts.margin_mm is not None:
        session.structures.set_margin_mm(facts.margin_mm)
    if facts.smoothing is not None:
        session.tumor.set_smoothing(facts.smoothing)
    if tumor is not None:
        session.tumor.restore(tumor, acknowledged=facts.doubts_acknowledged)
    session.structures.show_uncertainty(facts.shows_uncertainty)
    session.state.timings_s.update(facts.timings_s)


def is_result(node) -> bool:
    """True for a node of sweep, volume, box or tumor."""
    return role_of(node) in (*RESULTS, names.SWEEP_BROWSER)


def remove_results(scene, but=()) -> None:
    """Take sweep, volume, box and tumor out of the scene, other than the nodes of `but`."""
    kept = {node.GetID() for node in but}
    kept |= {part.GetID() for node in but if role_of(node) == names.SWEEP_BROWSER for part in sweep_nodes(scene, node)}
    browsers = [one for one in nodes_of_class(scene, "vtkMRMLSequenceBrowserNode") if is_result(one)]
    for browser in browsers:
        if browser.GetID() not in kept:
            remove_sweep(scene, browser)
    for node in own_nodes(scene, ()):
        if role_of(node) in RESULTS and node.GetID() not in kept:
            remove_node(scene, node)


def remove_doubles(scene, loaded) -> None:
    """Take those of the nodes out of the scene that have come beside others of the same role."""
    ours = {node.GetID() for node in loaded}
    there = {role_of(node) for node in any_own_nodes(scene) if node.GetID() not in ours}
    parts = {part.GetID() for part in sweep_nodes(scene)}
    for node in loaded:
        if role_of(node) in there and node.GetID() not in parts and scene.IsNodePresent(node):
            remove_node(scene, node)


def _parts_of_tumor(session) -> dict:
    """What a case holds of the tumor, be it that none was found."""
    tumor = session.tumor.state
    if tumor is None:
        return {}
    mask = tumor.mask if tumor.shape.surface is None else session.tumor.mask
    if mask is None or session.volume.value is None:
        return {}
    labels, probability = tumor.corrections.labels, tumor.probability
    fits = labels is not None and labels.shape == mask.voxels.shape
    return {
        "mask": mask.with_seen(None),
        "corrections": mask.on_grid(labels) if fits else None,
        "probability": None if probability is None else probability.with_seen(None),
        "surface": tumor.shape.surface,
    }


def _tumor_of(case: Case, facts: CaseFacts, folder) -> TumorState | None:
    """Made before anything is replaced. Raises FileFormatError when its parts do not fit together."""
    if case.mask is None or (case.surface is None and case.mask.voxels.any()):
        return None
    corrections = HandCorrections() if facts.is_corrected is False else None
    if case.corrections is not None:
        corrections = HandCorrections.of_labels(case.corrections.voxels)
    try:
        return state_of_scene(
            case.volume, case.mask, case.surface, case.probability, facts.threshold, facts.keep,
            DEFAULT_SMOOTHING if facts.smoothing is None else facts.smoothing, facts.card, corrections, facts.doubts,
        )  # fmt: skip
    except CRLMError as error:
        raise FileFormatError(f"The case in {folder} does not fit together: {error}") from None
