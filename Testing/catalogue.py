"""The catalogues of words brought up to date: `make words`.

What is marked in the code, and every text of the .ui file, is put into each language's .po file; a person fills in what
is empty there, and the .mo files are made of them, which the program reads. Says what is missing. The tests of
Testing/Python/words/ use the same functions.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

MODULE = Path(__file__).resolve().parents[1] / "CRLMSegmentation"
FOLDER = MODULE / "CRLMSegmentationLib" / "words" / "assets"
UI_FILE = MODULE / "Resources" / "UI" / "CRLMSegmentation.ui"
# What people read in the .ui file (as CRLMSegmentationWindow/language.py has it), and the functions that mark a text.
UI_PROPERTIES = ("text", "title", "toolTip", "placeholderText", "prefix", "suffix")
KEYWORDS = {"tr": None, "mark": None, "_": None, "tr_count": (1, 2)}
_WIDTH = 110
# The same words make the same file on any day.
_UNDATED = datetime(2026, 1, 1, tzinfo=timezone.utc)


def sources() -> Iterator[Path]:
    """The Python files in which something is marked."""
    for path in sorted(MODULE.rglob("*.py")):
        if re.search(r"words import .*\b(tr|mark|tr_count)\b", path.read_text(encoding="utf-8")):
            yield path


def ui_texts() -> Iterator[str]:
    """The texts of the .ui file that people read, but for units."""
    for entry in ElementTree.parse(UI_FILE).iter("property"):
        text = entry.findtext("string") or ""
        if entry.get("name") in UI_PROPERTIES and re.search(r"[^\W\d_]{3}", text):
            yield text


def template() -> Catalog:
    """Everything that is to be translated, with the files that it stands in."""
    found = Catalog(project="CRLM Navigation", charset="utf-8")
    for path in sources():
        name = path.relative_to(MODULE).as_posix()
        with path.open("rb") as file:
            for _, text, comments, _ in extract("python", file, KEYWORDS, ("Words:",)):
                found.add(text, locations=[(name, 0)], auto_comments=comments)
    for text in ui_texts():
        found.add(text, locations=[(UI_FILE.name, 0)])
    return found


def read(language: str) -> Catalog:
    """The .po file of a language."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language)
    found.creation_date = found.revision_date = _UNDATED
    found.last_translator = found.language_team = found.msgid_bugs_address = "the CRLM Navigation developers"
    return found


def compiled(catalogue: Catalog) -> bytes:
    """Its .mo file."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def is_whole(message: Message) -> bool:
    """True when every form of it is translated, and by nobody's guess."""
    forms = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return bool(forms) and all(forms) and not message.fuzzy


def update(language: str) -> list[Message]:
    """Bring one language up to date; returns what is not translated yet."""
    catalogue, path = read(language), FOLDER / f"{language}.po"
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.creation_date = _UNDATED
    with path.open("wb") as file:
        write_po(file, catalogue, width=_WIDTH, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    return [message for message in catalogue if message.id and not is_whole(message)]


def main() -> int:
    """Update every language; returns 1 while something is missing."""
    is_missing = False
    for path in sorted(FOLDER.glob("*.po")):
        missing = update(path.stem)
        print(f"{path.stem}: {len(read(path.stem))} texts, {len(missing)} of them not translated")
        is_missing |= bool(missing)
    return int(is_missing)


if __name__ == "__main__":
    sys.exit(main())
