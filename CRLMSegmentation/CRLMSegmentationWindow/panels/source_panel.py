"""Above the steps: where the data come from, and whether the images that come now show the patient of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from .action_button import show_action
from .scrolling import bring_into_view

if TYPE_CHECKING:
    from ..window import Window


class SourcePanel:
    """A colored label for data that are not live from a patient, and the question 'same patient?' with two answers."""

    def __init__(self, window: Window):
        self.window, ui = window, window.ui
        self._frame, self._chip, self._sentence = ui.sourceFrame, ui.originChip, ui.originState
        self._buttons = (ui.samePatientButton, ui.otherPatientButton)
        style.apply(self._sentence, style.SENTENCE)
        for button, slot in zip(self._buttons, (self.on_same, self.on_other)):
            style.apply(button, style.SMALL_BUTTON)
            button.connect("clicked()", slot)
        show_action(ui.samePatientButton, actions.KEEP_CASE, None)
        self._frame.visible = False
        self._asked = ""

    @property
    def text(self) -> str:
        """What stands there; '' when there is nothing to say."""
        return f"{self._chip.text}: {self._sentence.text}" if self._frame.visible else ""

    def on_same(self) -> None:
        """It is the same patient: go on with the case."""
        with self.window.case.attempt():
            actions.KEEP_CASE.run(self.window.session)

    def on_other(self) -> None:
        """It is another patient: another case."""
        self.window.case.on_new()

    def refresh(self) -> None:
        """Bring it up to date with the session."""
        session = self.window.session
        question = session.case.question
        kind, label, sentence = text_of(question, session.case.origin, getattr(session.stream.source, "origin", None))
        self._frame.visible = bool(label)
        show_action(self.window.ui.samePatientButton, actions.KEEP_CASE, session)
        for button in self._buttons:
            button.visible = bool(question)
        style.apply(self._chip, style.chip(kind))
        style.write(self._chip, label)
        style.write(self._sentence, sentence)
        if question and question != self._asked:
            # Nothing goes on before it is answered, and the panel may be scrolled to the step that is open.
            bring_into_view(self._frame)
        self._asked = question or ""

    def show_fault(self) -> None:
        """Where the data come from is not known now."""
        self._frame.visible = True
        style.apply(self._chip, style.chip("lost"))
        style.write(self._chip, _("FAULT"))

    def set_enabled(self, enabled: bool) -> None:
        self._frame.enabled = enabled

    def release(self) -> None:
        """The session ends."""
        self._frame.visible = False

    def close(self) -> None:
        """Nothing outlives the widgets."""


def text_of(question: str | None, case_origin: str | None, source_origin: str | None) -> tuple[str, str, str]:
    """Kind of color, label and sentence; label '' when everything is live.

    question       Session.case.question
    case_origin, source_origin  'live', 'replayed', 'simulated' or None: of the case's data, of what is connected
    """
    if question:
        return "bad", _("SAME PATIENT?"), question
    for origin, label, sentence in (
        ("simulated", _("SIMULATED"), _("These images were made by a computer: they show no patient.")),
        ("replayed", _("REPLAYED"), _("These images come from a recording: nothing of it happens now.")),
    ):
        if origin in (case_origin, source_origin):
            return "warn", label, sentence
    return "idle", "", ""
