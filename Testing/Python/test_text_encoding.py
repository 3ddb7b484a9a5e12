"""What a child process writes is read as UTF-8, whatever this computer's language setting is.

`text=True` alone takes the locale's encoding, which is ASCII in a bare container: the first '±' of a child ends its
parent. (Files are held to it by ruff's PLW1514.)
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = {"text", "universal_newlines"}


def text_without_encoding(source: str) -> list[int]:
    """The lines of the calls that ask for text and do not say how it is encoded."""
    found: list[int] = []
    if not re.search(rf"\b({'|'.join(TEXT)})\s*=\s*True", source):
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = {word.arg: word.value for word in node.keywords}
            asks = any(isinstance(given.get(name), ast.Constant) and given[name].value is True for name in TEXT)
            if asks and "encoding" not in given:
                found.append(node.lineno)
    return found


def test_every_child_is_read_as_utf_8():
    faults = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for folder in ("CRLMSegmentation", "Testing", "docs")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        for line in text_without_encoding(path.read_text(encoding="utf-8"))
    ]
    assert not faults, f'say encoding="utf-8" in place of text=True: {faults}'


@pytest.mark.parametrize(
    "call, faulty",
    [
        ("run(command, text=True)", True),
        ("Popen(command, universal_newlines=True, stdout=-1)", True),
        ("run(command, text=True, encoding='utf-8')", False),
        ("run(command, encoding='utf-8')", False),
        ("run(command, text=False)", False),
        ("label(text=True_or_not)", False),
    ],
)
def test_what_counts_as_a_fault(call, faulty):
    assert bool(text_without_encoding(call)) == faulty
