"""Saving what a session holds as a case, and going on from a saved one."""

from __future__ import annotations

import math
from pathlib import Path

from ..errors import FileFormatError
from ..sweep import Pose
from . import names
from .bundle import write_scene
from .case_files import Case, read_case, tools_of, write_case
from .nodes import remove_node
from .own_nodes import RESULTS, only_saving, own_nodes
from .sweep_sequence import remove_sweep, sweep_nodes


def save_case(session, folder) -> Path:
    """Write everything that the session holds into a folder; returns it. Raises FileFormatError.

    Stale results are left out; so is whatever else is in the scene.
    """
    scene = session.scene
    volume, mask = session.volume, session.mask
    has_tumor = mask is not None and session.surface is not None
    case = Case(
        sweep=session.sweep, volume=volume, box=session.box,
        probability=session.probability if has_tumor else None, mask=mask if has_tumor else None,
        surface=session.surface if has_tumor else None, facts=_facts(session), log=session.event_log,
        recording=session.own_recording,
    )  # fmt: skip

    def write_own_scene(path: Path) -> None:
        # The sweep lies beside it; packing it a second time takes most of the time.
        sweep_ids = {node.GetID() for node in sweep_nodes(scene)}
        nodes = [node for node in own_nodes(scene, session.tools.names) if node.GetID() not in sweep_ids]
        with only_saving(scene, nodes):
            write_scene(scene, path)

    return write_case(case, folder, write_own_scene)


def load_case(session, folder) -> None:
    """Replace what the session holds by a saved case. A stream goes on, and nodes of others stay.

    Raises FileFormatError before anything is replaced.
    """
    case = read_case(folder)
    facts = case.facts
    if case.sweep is not None and len(case.sweep) == 0:
        raise FileFormatError(f"The case in {folder} holds an empty recording.")
    session.begin_loaded_case(facts.get("origin"))
    if case.sweep is not None:
        session.set_sweep(case.sweep)
    if case.volume is not None:
        session.set_volume(case.volume)
    if case.box is not None:
        session.set_box(case.box, bool(facts.get("box_is_tight")))
    for tool, tip_to_tool in tools_of(facts).items():
        session.update_tool(names.tip_to_tool(tool), Pose(tip_to_tool))
    session.set_margin_mm(_number(facts, "margin_mm", session.margin_mm, 0.0, 20.0))
    session.set_smoothing(_number(facts, "smoothing", session.smoothing, 0.0, 1.0))
    if case.mask is not None and case.surface is not None:
        session.restore_tumor(case.mask, case.surface, case.probability, facts.get("threshold"))
    timings_s = facts.get("timings_s")
    if isinstance(timings_s, dict):
        session.state.timings_s.update(
            {str(name): float(value) for name, value in timings_s.items() if isinstance(value, (int, float))}
        )


def remove_results(scene) -> None:
    """Take sweep, volume, box and tumor out of the scene."""
    remove_sweep(scene)
    for node in own_nodes(scene, ()):
        if node.GetName() in RESULTS:
            remove_node(scene, node)


def _facts(session) -> dict:
    state, result = session.state, session.segmentation_result
    card = getattr(result, "card", None)
    tumor = session.tumor_figures
    return {
        "origin": session.origin,
        "box_is_tight": session.box_is_tight,
        "threshold": session.threshold,
        "smoothing": session.smoothing,
        "margin_mm": session.margin_mm,
        "model": None if card is None else {"name": card.name, "version": card.version},
        "doubts": list(state.doubts),
        "tumor": tumor,
        "tools": {name: session.tools.tip_to_tool(name).ravel().tolist() for name in session.tools.names},
        "timings_s": {name: round(seconds, 4) for name, seconds in state.timings_s.items() if math.isfinite(seconds)},
        "case_clock_s": session.case_clock_s,
        "steps": {step.value: state.status(step).value for step in state.steps},
    }


def _number(facts: dict, name: str, usual: float, lowest: float, highest: float) -> float:
    value = facts.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return min(max(float(value), lowest), highest) if is_number else usual
