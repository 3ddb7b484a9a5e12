"""The catalogue of the language in use, by GNU gettext: assets/LANGUAGE.po is edited, assets/LANGUAGE.mo is read.

One language for the program: window, page and the sentences of the session come from one catalogue, so that a word is
one word everywhere. It is English until a front end chooses another one, and the command line never does.
"""

from __future__ import annotations

import gettext
import logging
import os
from pathlib import Path

ENGLISH = "en"
_FOLDER = Path(__file__).with_name("assets")
# Child processes of this library speak the language of the process that started them.
_VARIABLE = "CRLM_LANGUAGE"

_logger = logging.getLogger(__name__)


def languages() -> list[str]:
    """Codes of the languages that there are, such as 'de'; English first."""
    return [ENGLISH, *sorted(path.stem for path in _FOLDER.glob("*.mo"))]


def language() -> str:
    """The code of the language in use."""
    return _language


def set_language(name: str) -> str:
    """Speak the language of this code or locale, such as 'de', 'de_AT.UTF-8' or 'de-DE', from now on; English where
    there is no catalogue of it. Returns the code of what is spoken.

    What was made before, such as the text of a button or of a note, stays as it was made.
    """
    global _language, _catalogue
    code = _code_of(name)
    _language = code if code in languages() else ENGLISH
    os.environ[_VARIABLE] = _language
    _catalogue = _catalogue_of(_language)
    return _language


def _code_of(name: str) -> str:
    """'de' of 'de', 'de-DE' and 'de_AT.UTF-8'."""
    return name.replace("-", "_").split("_")[0].split(".")[0].lower()


def _catalogue_of(code: str) -> gettext.NullTranslations:
    if code == ENGLISH:
        return gettext.NullTranslations()
    with (_FOLDER / f"{code}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def language_of_computer() -> str:
    """What the environment asks for, as gettext reads it (LANGUAGE, LC_ALL, LC_MESSAGES, LANG); English where there is
    no catalogue of it.
    """
    asked = next(filter(None, map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))), ENGLISH)
    code = _code_of(asked.split(":")[0])
    return code if code in languages() else ENGLISH


def mark(text: str) -> str:
    """The same text: a sentence that stands outside of functions, and is looked up with tr() where it is used."""
    return text


def tr(text: str, /, **values: object) -> str:
    """A sentence in the language in use, with `values` in the places of the same names, as str.format() has them.

    A text that no catalogue knows comes back as it is, and so does one that was looked up before.
    """
    return _filled(_catalogue.gettext(text), text, values) if text else ""


def tr_count(one: str, many: str, count: int, /, **values: object) -> str:
    """As tr(), of a sentence that has another form for one thing than for many; `count` is a value, too."""
    english = one if count == 1 else many
    return _filled(_catalogue.ngettext(one, many, count), english, {"count": count, **values})


def _filled(found: str, english: str, values: dict[str, object]) -> str:
    if not values:
        return found
    try:
        return found.format(**values)
    except (KeyError, IndexError, ValueError):
        # A translation with a wrong place in it, which a test refuses, must not be the end of what it reports.
        _logger.exception("A translation of '%s' cannot be used.", english)
        return english.format(**values)


_language = ENGLISH
_catalogue: gettext.NullTranslations = gettext.NullTranslations()
if os.environ.get(_VARIABLE):
    set_language(os.environ[_VARIABLE])
