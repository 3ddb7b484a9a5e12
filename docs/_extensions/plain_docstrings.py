"""The project's docstrings as reStructuredText.

They are written for people who read the source: paragraphs, `code`, lists, and lines 'name   what it is' for arguments
and fields. Nothing in them is markup but the backticks, so that everything else is escaped here.
"""

from __future__ import annotations

import re
import textwrap

# 'name, other   what it is': two spaces or more between a short head and its text.
_ENTRY = re.compile(r"^(?P<head>[^\s`][^`]{0,60}?)\s{2,}(?P<text>\S.*)$")
_BULLET = re.compile(r"^[-*]\s+(?P<text>.*)$")
_CODE = re.compile(r"`+([^`]+)`+")


def _escaped(text: str) -> str:
    """`text` with its code as literals and everything else as it is written."""
    parts, at = [], 0
    for found in _CODE.finditer(text):
        parts += [_plain(text[at : found.start()]), f"``{found.group(1).strip()}``"]
        at = found.end()
    joined = "".join([*parts, _plain(text[at:])])
    # A literal ends where a space or punctuation follows.
    return re.sub(r"(``[^`]+``)(?=\w)", r"\1\\ ", re.sub(r"(?<=\w)(``[^`]+``)", r"\\ \1", joined))


def _plain(text: str) -> str:
    return re.sub(r"([\\*|`_])", r"\\\1", text)


def as_restructured(lines: list[str]) -> list[str]:
    """The lines of one docstring, without its indentation, as reStructuredText."""
    made: list[str] = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        rows = block.split("\n")
        if all(row.startswith("    ") for row in rows):
            made += ["::", "", *(f"    {row}" for row in textwrap.dedent(block).split("\n")), ""]
        elif any(_ENTRY.match(row) for row in rows) and not _BULLET.match(rows[0]):
            made += _definitions(rows)
        elif _BULLET.match(rows[0]):
            made += _list(rows)
        else:
            made += [*(_escaped(row.strip()) for row in rows), ""]
    return made


def _definitions(rows: list[str]) -> list[str]:
    before: list[str] = []
    entries: list[tuple[str, list[str]]] = []
    for row in rows:
        entry = _ENTRY.match(row)
        if entry and not row.startswith(" "):
            entries.append((entry["head"].strip(), [entry["text"].strip()]))
        elif entries:
            entries[-1][1].append(row.strip())
        else:
            before.append(row.strip())
    made = [*(_escaped(row) for row in before), ""] if before else []
    for head, text in entries:
        made += [f"``{head}``", f"    {_escaped(' '.join(text))}", ""]
    return made


def _list(rows: list[str]) -> list[str]:
    items: list[list[str]] = []
    for row in rows:
        bullet = _BULLET.match(row)
        if bullet:
            items.append([bullet["text"]])
        else:
            items[-1].append(row.strip())
    return [*(f"* {_escaped(' '.join(item))}" for item in items), ""]


def _on_docstring(app, what, name, subject, options, lines) -> None:
    lines[:] = as_restructured(list(lines))


def setup(app) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _on_docstring)
    return {"parallel_read_safe": True}
