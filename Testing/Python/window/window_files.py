"""The files of the module's window, read as text: what can be checked of them where there is no Slicer."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

MODULE = Path(__file__).resolve().parents[3] / "CRLMSegmentation"
WINDOW = MODULE / "CRLMSegmentationWindow"
UI_FILE = MODULE / "Resources" / "UI" / "CRLMSegmentation.ui"


@cache
def texts() -> dict[Path, str]:
    """Every Python file with Qt in it."""
    return {
        path: path.read_text(encoding="utf-8")
        for path in [MODULE / "CRLMSegmentation.py", *sorted(WINDOW.rglob("*.py"))]
    }


@cache
def sources() -> dict[Path, ast.Module]:
    """The same, parsed."""
    return {path: ast.parse(text) for path, text in texts().items()}


@cache
def widgets() -> dict[str, ElementTree.Element]:
    """The widgets of the .ui file by name."""
    return {element.get("name"): element for element in ElementTree.parse(UI_FILE).iter("widget")}


def property_of(widget, name: str) -> str | None:
    """The text of a property of a widget; None when the .ui file does not set it."""
    for entry in widget.findall("property"):
        if entry.get("name") == name:
            return "".join(entry.itertext()).strip()
    return None


def bound_widgets() -> dict[str, ElementTree.Element]:
    """Widgets by the parameter that they are bound to."""
    named = {property_of(widget, "SlicerParameterName"): widget for widget in widgets().values()}
    named.pop(None)
    return named


@cache
def parameter_fields() -> dict[str, str]:
    """The annotation, as text, of every field of the parameter node."""
    tree = ast.parse((WINDOW / "parameters.py").read_text(encoding="utf-8"))
    [node] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Parameters"]
    return {entry.target.id: ast.unparse(entry.annotation) for entry in node.body if isinstance(entry, ast.AnnAssign)}


def names_used(pattern: str) -> dict[str, set[str]]:
    """What follows `pattern` in the sources, with the files in which it does."""
    found: dict[str, set[str]] = {}
    for path, text in texts().items():
        for name in re.findall(pattern, text):
            found.setdefault(name, set()).add(path.name)
    return found


def buttons_of_actions() -> set[str]:
    """The buttons whose text and tooltip come from an action of the session."""
    return set(names_used(r"\bshow_action\([\w.]*\bui\.(\w+)"))


def labels_of_buttons() -> dict[str, set[str]]:
    """Every text that each button of an action may bear: labels of actions, and those that the window has instead."""
    from CRLMSegmentationLib.session import actions

    found: dict[str, set[str]] = {}
    for tree in sources().values():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("show_action") or not call.args:
                continue
            button, *rest = call.args
            labels = found.setdefault(ast.unparse(button).rpartition(".")[2], set())
            for part in (node for one in rest for node in ast.walk(one)):
                if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "actions":
                    labels.add(getattr(actions, part.attr).label)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    labels.add(part.value)
    return found


def rows_of_buttons() -> list[list[str]]:
    """The names of what stands side by side, where that is buttons alone, row by row of every layout."""
    rows = []
    for layout in ElementTree.parse(UI_FILE).iter("layout"):
        if layout.get("class") not in ("QHBoxLayout", "QGridLayout"):
            continue
        by_row: dict[str, list[ElementTree.Element]] = {}
        for item in layout.findall("item"):
            by_row.setdefault(item.get("row", "0"), []).extend(item.findall("widget"))
        rows += [
            [widget.get("name") for widget in row]
            for row in by_row.values()
            if row and all(widget.get("class") == "QPushButton" for widget in row)
        ]
    return rows
