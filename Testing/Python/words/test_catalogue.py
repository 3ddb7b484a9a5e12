"""The German catalogue is whole, fits what it translates, and is the one that the program reads."""

import gettext
import io
import re
import string
import sys
from functools import cache
from pathlib import Path

import pytest
from CRLMSegmentationLib import words
from pseudo_language import spoken

pytest.importorskip("babel", reason="the catalogues of words were not checked")
REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "Testing"))

import catalogue  # noqa: E402  (of this repository, beside the tests)

LANGUAGES = words.languages()[1:]


@cache
def template():
    return catalogue.template()


@cache
def translated(language):
    return catalogue.read(language)


def forms_of(message):
    """(English, translated) of each form."""
    several = isinstance(message.id, tuple)
    english = message.id if several else (message.id,)
    given = message.string if several else (message.string,)
    return [(english[min(number, len(english) - 1)], form) for number, form in enumerate(given)]


def places(text):
    return sorted((name, spec, kind) for _, name, spec, kind in string.Formatter().parse(text) if name is not None)


def test_german_is_there():
    assert "de" in LANGUAGES


# What guides name besides the buttons of this program: of Slicer, of a keyboard, and what is emphasised.
OF_OTHERS = {
    "Edit > Application Settings > Modules > Additional module paths", "IGT > CRLM Segmentation", "OpenIGTLinkIF",
    "Esc", "Reference", "No tumor was found", "This decides", "It could be better", "Then look",
    "View > Extensions Manager",
}  # fmt: skip


def test_what_guides_have_people_press_is_called_so():
    forms = [
        form for message in template() for form in (message.id if isinstance(message.id, tuple) else (message.id,))
    ]
    known = {re.sub(r"^\d +", "", form).strip(" :.") for form in forms}
    docs = REPOSITORY / "docs"
    pages = [docs / "tutorial.md", docs / "web.md", *(docs / "tutorials").glob("*.md"), *(docs / "how-to").glob("*.md")]
    for page in pages:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for name in re.findall(r"(?<![*\w])\*{1,2}([A-Z][^*\n]{0,40})\*{1,2}(?!\*)", text):
            parts = {part.strip(" :.") for part in ([name] if name in OF_OTHERS else name.split(" > "))}
            there = parts <= known | OF_OTHERS or any(form.startswith(name) for form in known)
            assert there, f"{page.name} names '{name}', which nothing in the window or on the page is called"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_marked_text_is_translated_and_nothing_else_is_kept(language):
    known = {message.id: message for message in translated(language) if message.id}
    marked = {message.id for message in template() if message.id}
    missing = [text for text in marked if text not in known or not catalogue.is_whole(known[text])]
    assert not missing, "`make words` puts them into the catalogue, to be translated there"
    assert not set(known) - marked, "`make words` takes out what stands nowhere any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_put_into_a_sentence_has_its_place_in_the_other_language(language):
    for message in translated(language):
        for english, form in forms_of(message) if message.id else []:
            if "{{" in english:
                assert re.findall(r"\{\{.*?\}\}", form) == re.findall(r"\{\{.*?\}\}", english)
            elif "count" in english and isinstance(message.id, tuple):
                assert set(places(form)) <= set(places(english)) | {("count", "", None)}
            else:
                assert places(form) == places(english), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_spaces_at_the_ends_stay_and_no_quotes_break_the_page(language):
    for message in translated(language):
        for english, form in forms_of(message) if message.id else []:
            assert (english[:1] == " ", english[-1:] == " ") == (form[:1] == " ", form[-1:] == " "), english
            assert form.count('"') <= english.count('"'), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_reads_what_was_written(language):
    with (catalogue.FOLDER / f"{language}.mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    made = gettext.GNUTranslations(io.BytesIO(catalogue.compiled(translated(language))))
    assert read._catalog == made._catalog, "`make words` makes it"


def test_only_texts_are_marked_that_a_catalogue_can_hold():
    """An f-string is put together before it is looked up."""
    put_together = re.compile(r"\b(?:tr|tr_count|mark|_)\(\s*f[\"']")
    assert [path.name for path in catalogue.sources() if put_together.search(path.read_text(encoding="utf-8"))] == []


def test_a_text_is_looked_up_in_the_language_in_use():
    assert (words.language(), words.tr("Connect")) == ("en", "Connect")
    for name in ("de", "de-DE", "de_AT.UTF-8", "DE"):
        with spoken(name) as language:
            assert (language, words.tr("Connect"), words.tr("not in it")) == ("de", "Verbinden", "not in it")
            assert words.tr(words.tr("Connect")) == "Verbinden" and words.tr("") == ""
            assert words.tr("CT {number}", number="{x}") == "CT {x}"
            lesions = [words.tr_count("1 lesion", "{count} lesions", count) for count in (1, 2)]
            assert lesions == ["1 Läsion", "2 Läsionen"]
    for name in ("fr", "", "MagicMock", "../de"):
        with spoken(name) as language:
            assert (language, words.tr("Connect")) == ("en", "Connect")


def test_a_wrong_place_in_a_translation_leaves_english(monkeypatch):
    class Wrong(gettext.NullTranslations):
        def gettext(self, message):
            return "Fall {nummer}"

    monkeypatch.setattr(words.catalogue, "_catalogue", Wrong())
    assert words.tr("Case {number}", number=3) == "Case 3"


@pytest.mark.parametrize(
    "environment, language",
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "de_DE"}, "en"),
        ({"LANGUAGE": "de:en", "LANG": "en_US"}, "de"),
    ],
)
def test_the_language_of_the_computer(monkeypatch, environment, language):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert words.language_of_computer() == language


def test_an_error_is_told_in_the_language_in_use():
    from CRLMSegmentationLib.errors import ConfigurationError
    from CRLMSegmentationLib.session.state import NO_BOX

    error = ConfigurationError(NO_BOX)
    assert str(error) == NO_BOX
    with spoken("de"):
        assert str(error) == "Es gibt keine Box; zuerst eine um den Tumor setzen."


# Said by commands alone, which speak English, or shown to nobody.
OF_COMMANDS = {"commands", "simulation", "study", "laparoscopy"}


def test_what_is_said_while_one_waits_is_marked():
    library = Path(words.__file__).resolve().parents[1]
    plain = [
        (path.name, text)
        for path in library.rglob("*.py") if path.relative_to(library).parts[0] not in OF_COMMANDS
        for text in re.findall(r"\b(?:report|progress)\([^\"\n]*, \"(\w[^\"]*)\"\)", path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert not plain
