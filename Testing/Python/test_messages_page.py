"""The page on which users look messages up speaks of sentences that the program really says."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "messages.md"
# Words and numbers that are filled in part a sentence at places that the page cannot know.
LOOKED_AT = 4


def sources():
    """All text of the program as one line, with sentences that are written over several lines put together."""
    files = [REPOSITORY / "Makefile", *(REPOSITORY / ".ci").iterdir()]
    for ending in (".py", ".ui", ".js"):
        files += (REPOSITORY / "CRLMSegmentation").rglob(f"*{ending}")
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    text = re.sub(r"""["']\s*\n\s*(?:\+\s*)?(?:_?\(\s*)?[rf]*["']""", "", text)
    return re.sub(r"\s+", " ", text.replace('\\"', '"').replace("\\'", "'"))


def messages():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| message ", "| ---")):
            yield line.strip("| ").split(" | ")[0]


def pieces(message):
    """The longest parts of a sentence between its marks; its words where it is filled in as a whole."""
    found = [piece.strip(" '") for piece in re.split(r"[^\w\s'-]+", message.replace("\\|", "|"))]
    return sorted((piece for piece in found if " " in piece), key=len, reverse=True)[:LOOKED_AT] or found


def test_every_message_has_three_cells():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(lines) > 100
    assert [line for line in lines if line.count(" | ") != 2] == []


@pytest.fixture(scope="module")
def text():
    return sources()


def test_the_page_knows_no_sentence_that_the_program_does_not_say(text):
    unknown = [message for message in messages() if not any(piece in text for piece in pieces(message))]
    assert unknown == []
