"""What the five steps of the window share: one line of state, and errors that become that line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.words import tr as _

from .. import style
from .action_button import show_action
from .scrolling import bring_into_view

if TYPE_CHECKING:
    import ctk
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.session.actions import Action
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationLib.session.state import StepStatus

    from ..window import Window


class StepPanel:
    """One collapsible section of the window, with a colored label and a sentence.

    window   Window, which has `session` and `parameters`
    section  the collapsible button around it; chip, sentence  the widgets of the line of state
    """

    def __init__(self, window: Window, section: ctk.ctkCollapsibleButton, chip: qt.QLabel, sentence: qt.QLabel):
        self.window, self.ui = window, window.ui
        self.section, self._chip, self._sentence = section, chip, sentence
        self._title = section.text
        self._problem, self._kind = "", "idle"
        style.apply(section, style.section(""))
        # Whatever its title says: a panel that grows and shrinks with a distance has Slicer draw all views anew.
        section.minimumWidth = 1
        style.apply(sentence, style.SENTENCE)
        section.connect("contentsCollapsed(bool)", lambda closed: None if closed else bring_into_view(section))

    @property
    def session(self) -> Session:
        """The Session; None before packages are installed."""
        return self.window.session

    @property
    def view(self) -> SceneView:
        """The SceneView that shows the session."""
        return self.window.view

    @property
    def state_text(self) -> str:
        """What stands in the line of state, label and sentence."""
        return f"{self._chip.text}: {self._sentence.text}"

    def refresh(self) -> None:
        """Bring the section up to date with the session."""
        kind, label, sentence = ("bad", _("FAILED"), self._problem) if self._problem else self.line()
        self._kind = kind
        style.apply(self._chip, style.chip(kind))
        style.write(self._chip, label)
        style.write(self._sentence, sentence)
        self.show_title()

    def show_title(self) -> None:
        """A section that is closed still says how it is."""
        closed = self.section.collapsed
        kind, text = self.title_state()
        style.apply(self.section, style.section(kind if closed else ""))
        style.write(self.section, f"{self._title}:  {text}" if closed else self._title)

    def title_state(self) -> tuple[str, str]:
        """Kind of color, and the text that stand in the title while the section is closed."""
        return self._chip_state()

    def _chip_state(self) -> tuple[str, str]:
        return self._kind, self._chip.text

    def show_action(self, button: qt.QAbstractButton, action: Action, label: str = "", ends: bool = False) -> None:
        """What a button does from now on; see action_button.show_action()."""
        show_action(button, action, self.session, label, ends)

    def can_run(self, action: Action) -> bool:
        """True when this action of the session can be done now."""
        return self.session is not None and action.can_run(self.session)

    def show_fault(self) -> None:
        """What stands in the line of state can no longer be trusted."""
        self._kind = "lost"
        style.apply(self._chip, style.chip("lost"))
        style.write(self._chip, _("FAULT"))
        style.write(self._sentence, _("Not known: see Slicer's error log (Ctrl+0)."))

    def line(self) -> tuple[str, str, str]:
        """Kind of color, label, sentence."""
        raise NotImplementedError

    def is_done(self) -> bool:
        """True when the next section may open."""
        raise NotImplementedError

    def needs_review(self) -> bool:
        """True while something about what was done is to be reviewed by a person before the next section opens."""
        return False

    def on_done(self) -> None:
        """Called once, when the step has been done."""

    def may_replace_hand_work(self, what: str) -> bool:
        """True unless a person keeps what was corrected by hand; `what`: a sentence on what is about to begin."""
        return not self.session.tumor.has_hand_corrections or self.window.questions.may_replace_hand_work(what)

    def set_enabled(self, enabled: bool) -> None:
        """Nothing can be pressed while packages are missing."""
        self.section.enabled = enabled

    def release(self) -> None:
        """The session ends: nothing of it may be used any more."""
        self._problem = ""

    def close(self) -> None:
        """Release everything that outlives the widgets."""

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """An error that the user can mend becomes the line of state; any other is logged, and reported as such."""
        from CRLMSegmentationLib.errors import CRLMError

        self._problem = ""
        try:
            yield
        except CRLMError as error:
            self._problem = str(error)
        except Exception as error:
            logging.exception("CRLM Segmentation: a button of the window failed")
            self._problem = _("Unexpected: {error}. Slicer's error log (Ctrl+0) holds the details.").format(error=error)
        finally:
            self.window.refresh()

    @staticmethod
    def _file(title: str, kinds: str) -> str:
        """The path of a file that the user chooses; '' for none. kinds: as Qt has them, 'Volumes (*.nrrd)'."""
        return str(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds) or "")

    @staticmethod
    def _folder(title: str) -> str:
        """The path of a folder that the user chooses; '' for none."""
        return str(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title) or "")

    def show_problem(self, sentence: str) -> None:
        """Show what went wrong until the user goes on."""
        self._problem = sentence
        self.refresh()

    def forget_problem(self) -> None:
        """The user goes on."""
        self._problem = ""


def status_label(status: StepStatus) -> tuple[str, str]:
    """Kind of color and label of a StepStatus."""
    return {
        "WAITING": ("idle", _("WAITING")),
        "READY": ("ready", _("READY")),
        "RUNNING": ("busy", _("WORKING")),
        "DONE": ("good", _("DONE")),
        "STALE": ("warn", _("OUT OF DATE")),
        "FAILED": ("bad", _("FAILED")),
    }[status.name]


def sentence_of(text: str) -> str:
    """`text` as a sentence: a capital letter at the front, a full stop at the end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?:" else ".")
