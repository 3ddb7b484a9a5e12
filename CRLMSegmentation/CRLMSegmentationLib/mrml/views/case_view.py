"""The case in the scene: what is known of it beside its nodes, in a hidden text node; and its nodes are hidden while it
is not known whether they belong to the patient who is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...session.case.case_facts import CaseFacts, read_facts
from ...session.case.session_facts import facts_of
from ...session.tumors.scan_facts import note_scans
from .. import names
from ..nodes import HiddenNodes, find, get_or_create, remove

if TYPE_CHECKING:
    from ...session.session import Session

_TEXT = "vtkMRMLTextNode"
# Clocks, and what the nodes say themselves.
_CHANGES_ALL_THE_TIME = ("timings_s", "case_clock_s", "steps", "tools", "tumor")


class CaseView:
    """Shows the case of a session.

    scene   vtkMRMLScene
    nodes   gives the nodes that would be taken for part of the live scene
    """

    is_busy = False

    def __init__(self, scene: Any, session: Session, nodes: Callable[[], list[Any]]) -> None:
        self._scene, self._session, self._nodes = scene, session, nodes
        self._hidden = HiddenNodes(scene)
        case = session.case
        self._ends = [case.question_checked.connect(self._follow), case.forgotten.connect(self._hidden.forget)]

    def process(self, now_s: float) -> None:
        """CasePart.check_source() does it."""

    def check_nodes(self) -> None:
        """The text comes back with the next change."""

    def hide_live(self) -> None:
        """A case is not live."""

    def close(self) -> None:
        """Listen no more; what was hidden is shown again."""
        for end in self._ends:
            end()
        self.show_hidden()

    def show_hidden(self) -> None:
        """Until the next CasePart.check_source(), whatever the question is."""
        self._hidden.show()

    def write_facts(self) -> None:
        """Have the scene hold what `case.json` would, for a session that begins on it, or on what was saved of it."""
        if self._session.case.is_empty:
            remove(self._scene, _TEXT, names.CASE)
            return
        facts = {name: value for name, value in facts_of(self._session).items() if name not in _CHANGES_ALL_THE_TIME}
        tumors = self._session.tumors
        note_scans(facts, tumors.all, tumors.scan, tumors.newest_scan)
        text = json.dumps(facts, default=str)
        node = get_or_create(self._scene, _TEXT, names.CASE)
        if node.GetText() != text:
            node.SetHideFromEditors(True)
            node.SetText(text)

    def facts(self) -> CaseFacts:
        """What is believed of what the scene holds."""
        return read_facts(self.raw_facts())

    def raw_facts(self) -> dict[str, Any]:
        """What the scene holds, as it was written; whoever has changed it may have made anything of it."""
        node = find(self._scene, _TEXT, names.CASE)
        try:
            facts = json.loads(node.GetText()) if node is not None else {}
        except (ValueError, TypeError):
            facts = {}
        return facts if isinstance(facts, dict) else {}

    def _follow(self, question: str | None) -> None:
        if question is not None:
            self._hidden.hide(self._nodes())
        else:
            self._hidden.show()
