"""Style of the window: colors that always come with a label, and text that is read at arm's length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import qt

# Background and text of each kind of state. They carry their own background, so that they read the same in Slicer's
# light and dark themes; every pair has a contrast of at least 4.5 to 1 (WCAG 2.1, level AA).
COLORS = {
    "idle": ("#5a626c", "#ffffff"),
    "ready": ("#1f5fa8", "#ffffff"),
    "busy": ("#6a3fa0", "#ffffff"),
    "good": ("#1b7a3d", "#ffffff"),
    "warn": ("#ffb000", "#000000"),
    "bad": ("#c62828", "#ffffff"),
    "lost": ("#101010", "#ff8a80"),
}

# Kinds that a closed section shows in its title.
LOUD = ("warn", "bad", "lost")

BUTTON = "QPushButton { font-size: 19px; font-weight: bold; padding: 4px 12px; }"
SMALL_BUTTON = "QPushButton { font-size: 16px; padding: 3px 10px; }"
SENTENCE = "QLabel { font-size: 17px; }"
NOTE = "QLabel { font-size: 13px; }"
BAR = "QProgressBar { font-size: 14px; text-align: center; }"


def section(kind: str) -> str:
    """Style sheet of the title of a section; in color when it is closed over something to be seen."""
    background, text = COLORS.get(kind if kind in LOUD else "", ("", ""))
    colors = f"background: {background}; color: {text}; border-radius: 5px; padding: 4px;" if background else ""
    return f"ctkCollapsibleButton {{ font-size: 17px; font-weight: bold; {colors} }}"


def chip(kind: str) -> str:
    """Style sheet of the colored label beside a sentence."""
    background, text = COLORS[kind]
    return (
        f"QLabel {{ background: {background}; color: {text}; border-radius: 5px; padding: 4px 10px;"
        " font-size: 15px; font-weight: bold; }"
    )


def bar(kind: str, size_px: int) -> str:
    """Style sheet of the read-out that stays in Slicer's window, in letters of that size."""
    background, text = COLORS[kind]
    return (
        f"QToolBar {{ background: {background}; border: 0; padding: 3px 12px; }}"
        f" QLabel {{ color: {text}; font-size: {size_px}px; font-weight: bold; }}"
    )


def panel(kind: str) -> str:
    """Style sheet of a large read-out."""
    background, text = COLORS[kind]
    return f"QFrame {{ background: {background}; border-radius: 8px; }} QLabel {{ color: {text}; }}"


def apply(widget: qt.QWidget, sheet: str) -> None:
    """Give a widget a style sheet, unless it has it: Qt lays everything out again when it is set."""
    if widget.styleSheet != sheet:
        widget.styleSheet = sheet


def write(label: qt.QLabel | qt.QAbstractButton, text: str) -> None:
    """Give a label its text, unless it has it."""
    if label.text != text:
        label.text = text


def explain(widget: qt.QWidget, text: str) -> None:
    """Give a widget its tooltip, unless it has it."""
    if widget.toolTip != text:
        widget.toolTip = text
