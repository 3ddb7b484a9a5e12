"""The large read-out of one tool: its distance to the tumor, in text and color, or that it is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import qt
from CRLMSegmentationLib.words import tr as _

from .. import style

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.tools import ToolReading

_KINDS = {"danger": "bad", "warning": "warn", "clear": "good", "unknown": "idle"}


class ToolReadout:
    """A panel of the window for one tool; `show` takes what the session says of it."""

    def __init__(self, layout: qt.QLayout, name: str):
        self.frame = qt.QFrame()
        self.frame.objectName = f"readout{name}"
        self._tool = name
        self._name, self._number, self._error, self._text, self._other = (qt.QLabel() for _number in range(5))
        for label, objectName, sheet in (
            (self._name, "readoutName", "font-size: 18px; font-weight: bold;"),
            (self._number, "readoutNumber", "font-size: 58px; font-weight: bold;"),
            (self._error, "readoutError", "font-size: 16px;"),
            (self._text, "readoutText", "font-size: 20px; font-weight: bold;"),
            (self._other, "readoutOther", "font-size: 17px; font-weight: bold;"),
        ):
            label.objectName = objectName
            label.styleSheet = sheet
            label.alignment = qt.Qt.AlignCenter
        inside = qt.QVBoxLayout(self.frame)
        inside.spacing = 0
        self._error.wordWrap = self._other.wordWrap = True
        for label in (self._name, self._number, self._error, self._text, self._other):
            inside.addWidget(label)
        self._name.text = name
        layout.addWidget(self.frame)

    def show(self, reading: ToolReading, tumor: str = "") -> str:
        """Show a ToolReading; returns the kind of its color, which is that of the tumor that the tip endangers most.

        tumor  name of the chosen tumor, where there are several
        """
        kind, number, text = readout_of(reading)
        kind = worst_kind(kind, reading)
        style.write(self._name, _("{tool} to {tumor}").format(tool=self._tool, tumor=tumor) if tumor else self._tool)
        style.write(self._other, "" if reading.other is None else reading.other.text)
        self._other.visible = reading.other is not None
        style.apply(self.frame, style.panel(kind))
        style.write(self._number, number)
        style.write(self._error, reading.error_text)
        self._error.setToolTip(reading.error_explanation)
        style.write(self._text, f"{text}\n{reading.remark}" if reading.remark and kind != "idle" else text)
        return kind

    def show_lost(self) -> None:
        """Show that nothing is known, whatever was shown before."""
        style.apply(self.frame, style.panel("lost"))
        style.write(self._number, _("LOST"))
        style.write(self._error, "")
        self._error.setToolTip("")
        style.write(self._text, _("a fault, see step 5"))
        style.write(self._other, "")

    @property
    def text(self) -> str:
        """What stands in the panel."""
        shown = f"{self._name.text}: {self._number.text} {self._error.text} {self._text.text}"
        return f"{shown} {self._other.text}" if self._other.text else shown

    def remove(self) -> None:
        """Take the panel out of the window."""
        self.frame.setParent(None)
        self.frame.deleteLater()


def readout_of(reading: ToolReading) -> tuple[str, str, str]:
    """Color, number and text of a ToolReading. A tool that is not live has no number."""
    if reading.status.name == "NEVER_SEEN":
        return "idle", "--", _("not seen yet")
    if reading.status.name != "LIVE":
        return "lost", _("LOST"), _("no valid pose")
    if reading.signed_distance_mm is None:
        return "idle", "--", _("no tumor to measure to")
    text = {
        "INSIDE": _("INSIDE THE TUMOR"),
        "WITHIN_MARGIN": _("WITHIN THE MARGIN"),
        "CLEAR": _("clear of the margin"),
        "UNKNOWN": _("no distance"),
    }
    distance = round(reading.signed_distance_mm, 1)
    # A minus sign of its own width, and never '-0.0'.
    sign = "\u2212" if distance < 0 else ""
    number = f"{sign}{abs(distance):.1f} mm"
    # A state that is not translated yet is shown as it is.
    return _KINDS[reading.margin.severity.value], number, text.get(reading.margin.name, reading.margin.text)


def worst_kind(kind: str, reading: ToolReading) -> str:
    """`kind` of the chosen tumor's distance, or that of the other tumor that is nearest where it is worse."""
    if reading.other is None:
        return kind
    other = _KINDS[reading.other.margin.severity.value]
    return other if reading.other.margin.is_alert and kind != "bad" else kind


def lines_of(reading: ToolReading, tumor: str = "") -> tuple[str, str, list[str]]:
    """Kind of color, number, and lines for a read-out with little room: error and age, what is measured, what it means,
    and the other tumor that the tip endangers most.

    tumor  name of the chosen tumor, where there are several
    """
    kind, number, text = readout_of(reading)
    what = _("{tool} to {tumor}").format(tool=reading.name, tumor=tumor) if tumor else reading.name
    if reading.signed_distance_mm is None:
        lines = [f"{what}: {text}"]
    else:
        from CRLMSegmentationLib.navigation.stated_distance import error_text

        lines = [", ".join(one for one in (error_text(reading.budget), reading.age_text) if one), f"{what}: {text}"]
        lines += [reading.remark] if reading.remark else []
    lines += [reading.other.text] if reading.other is not None else []
    return worst_kind(kind, reading), number, lines


# The first of these among the read-outs of all tools is the worst.
_WORST_FIRST = ("bad", "warn", "lost", "good", "idle")


def worst_of(readings: Iterable[ToolReading]) -> ToolReading | None:
    """Of the tools that have been seen the one whose tip endangers a tumor most, the nearest first; None for none."""

    def key(reading: ToolReading) -> tuple[int, float]:
        kind = worst_kind(readout_of(reading)[0], reading)
        return _WORST_FIRST.index(kind), reading.signed_distance_mm if reading.signed_distance_mm is not None else 0.0

    seen = [reading for reading in readings if reading.status.name != "NEVER_SEEN"]
    return min(seen, key=key) if seen else None


def worst_reading(readings: Iterable[ToolReading]) -> tuple[str, str] | None:
    """Color and text of the worst ToolReading of all, the nearest tool first; None when there is nothing to say. A tool
    that is the only one needs no name: a title is as wide as the panel.
    """
    readings, shown = list(readings), []
    for reading in readings:
        kind, number, text = readout_of(reading)
        kind, of_other = worst_kind(kind, reading), reading.other
        if of_other is not None and of_other.margin.is_alert:
            # A title has room for one distance: that of the tumor that is in danger.
            text = f"{text}; {of_other.text}" if reading.margin.is_alert else of_other.text
            number = number if reading.margin.is_alert else ""
        distance = reading.signed_distance_mm if reading.signed_distance_mm is not None else 0.0
        if kind != "idle":
            name = reading.name if len(readings) > 1 else ""
            words = " ".join(part for part in (name, number, text) if part)
            shown.append((_WORST_FIRST.index(kind), distance, kind, words))
    return min(shown)[2:] if shown else None
