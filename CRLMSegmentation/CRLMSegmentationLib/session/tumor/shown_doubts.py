"""What speaks against the tumor on the screen, and whether a person has said that he has seen it."""

from __future__ import annotations

from collections.abc import Callable

from ...words import mark, tr
from ..workflow import Workflow
from .tumor_state import TumorState


class ShownDoubts:
    """The doubts in the session's state.

    is_simulated  True while the data of the case are simulated
    """

    def __init__(self, workflow: Workflow, is_simulated: Callable[[], bool]):
        self._workflow, self._is_simulated = workflow, is_simulated
        self._acknowledged: frozenset[str] = frozenset()

    def show(self, tumor: TumorState) -> None:
        """Those of the tumor; and that nothing was found says little about data that the model has never seen."""
        doubts, card = tumor.doubts, getattr(tumor.result, "card", None)
        if tumor.is_nothing_found and card is not None and not self._is_simulated():
            sentence = tr("The model may have overlooked a tumor. {trained_on}", trained_on=card.trained_on)
            doubts = (*(doubt for doubt in doubts if doubt != sentence), sentence)
        if doubts != self._workflow.state.doubts:
            self._workflow.log.add(mark("doubts"), message=" ".join(doubts) or tr("none"))
        self._workflow.state.doubts = doubts
        self._workflow.state.doubts_acknowledged = self._acknowledged.issuperset(doubts)

    def hide(self) -> None:
        """There is no tumor to doubt."""
        self._workflow.state.doubts, self._workflow.state.doubts_acknowledged = (), True

    def acknowledge(self) -> None:
        """A person has seen all of them."""
        state = self._workflow.state
        if state.doubts and not state.doubts_acknowledged:
            self._acknowledged |= set(state.doubts)
            state.doubts_acknowledged = True
            self._workflow.log.add(mark("doubts acknowledged"), number=len(state.doubts))
            self._workflow.edited()

    def begin(self, acknowledged: tuple[str, ...] = ()) -> None:
        """Another tumor: only these have been acknowledged of its doubts."""
        self._acknowledged = frozenset(acknowledged)
