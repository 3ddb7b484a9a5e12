"""The window's words: it speaks the language of Slicer itself, and so do the texts of the .ui file.

Slicer's own catalogues are Qt's and hold what is translated with Slicer. The window and the sentences of the session
below it have one catalogue of their own, CRLMSegmentationLib/words/, which the page reads, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import slicer
from CRLMSegmentationLib.words import ENGLISH, set_language, tr

_READ_BY_PEOPLE = ("text", "title", "toolTip", "placeholderText", "prefix", "suffix")


def follow_slicer() -> None:
    """Speak the language that is chosen in Slicer's settings, which needs a restart to change; else English."""
    set_language(str(getattr(slicer.app, "applicationLocaleName", ENGLISH)))


def texts_of(ui_file: str | Path) -> Iterator[tuple[str, str, str]]:
    """(name of the widget, name of its property, English text) of every text of a .ui file that people read."""
    for widget in ElementTree.parse(ui_file).iter("widget"):
        for entry in widget.findall("property"):
            string = entry.find("string")
            if string is not None and string.text and entry.get("name") in _READ_BY_PEOPLE:
                yield widget.get("name", ""), entry.get("name", ""), string.text


def translate_ui(ui: SimpleNamespace, ui_file: str | Path) -> None:
    """Put the texts of the language in use into the widgets that were loaded from `ui_file`, by their names in `ui`."""
    for name, entry, text in texts_of(ui_file):
        setattr(getattr(ui, name), entry, tr(text))
