"""Going on from what a scene or a saved case holds: each part takes what is its own, in the order that they depend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..state import Step, StepStatus
from ..tumor.tumor_state import TumorState
from .contents import CaseContents

if TYPE_CHECKING:
    from ..session import Session
    from ..workflow import Workflow


def restore_case(session: Session, workflow: Workflow, contents: CaseContents) -> None:
    """See Session.restore(); `workflow` is that of the session."""
    facts, saved = contents.facts, contents.tumor
    with workflow.held():
        session.case.never_saved()
        workflow.set(Step.CONNECT, StepStatus.READY)
        session.recording.restore(contents.sweep)
        session.volume.restore(contents.volume, contents.volume_status, contents.volume_problem)
        session.tumors.restore(contents.tumors, contents.chosen, contents.scan_number, contents.newest)
        session.box.restore(contents.box, facts.box_is_tight, contents.box_problem)
        session.tools.restore(facts.tools, facts.tool_looks)
        if facts.scope_camera is not None:
            session.laparoscope.set_camera(facts.scope_camera, facts.scope_on_sensor)
        if not session.case.is_empty or isinstance(saved, TumorState) or saved.is_any:
            session.case.source.begin(facts.origin, identity="")
            margin_mm = session.structures.margin_mm if facts.margin_mm is None else facts.margin_mm
            session.structures.restore_margin_mm(margin_mm)
        if isinstance(saved, TumorState):
            session.tumor.restore(saved, acknowledged=facts.doubts_acknowledged)
        else:
            session.tumor.restore_saved(saved, facts)
        if session.tumor.state is not None:
            session.structures.restore_uncertainty(facts.shows_uncertainty)
        if contents.ct is not None:
            session.preoperative.restore(contents.ct)
        session.case.check_source()
