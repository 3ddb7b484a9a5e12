"""How the demo ends: on the web page at a terminal, without it in a script, with a sentence when that fails."""

from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.commands.demo import pictures
from CRLMSegmentationLib.commands.demo.folder import APPROACH
from CRLMSegmentationLib.commands.options.printing import printing
from CRLMSegmentationLib.errors import ConfigurationError

serve = pytest.importorskip("CRLMSegmentationLib.web.serve")


@pytest.fixture
def served(monkeypatch):
    calls = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(serve, "serve_case", lambda case, **options: calls.append((case, options)))
    monkeypatch.setattr(pictures, "sys", streams(True, True))
    return calls


def streams(*are_terminals):
    stdin, stdout = (SimpleNamespace(isatty=lambda answer=answer: answer) for answer in are_terminals)
    return SimpleNamespace(stdin=stdin, stdout=stdout)


def test_at_a_terminal_the_case_is_served_with_its_approach(served, tmp_path):
    pictures.show_on_page(tmp_path, "Simulated, not clinical")
    (tmp_path / APPROACH).write_bytes(b"")
    pictures.show_on_page(tmp_path, "Simulated, not clinical")
    assert served == [
        (tmp_path / "finished", {"live": None, "shown_as": "Simulated, not clinical"}),
        (tmp_path / "finished", {"live": tmp_path / APPROACH, "shown_as": "Simulated, not clinical"}),
    ]


def test_in_a_script_it_ends_without(served, tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    pictures.show_on_page(tmp_path, "Simulated, not clinical")
    monkeypatch.delenv("CI")
    monkeypatch.setattr(pictures, "sys", streams(True, False))
    pictures.show_on_page(tmp_path, "Simulated, not clinical")
    monkeypatch.setattr(pictures, "sys", streams(True, True))
    with printing(as_json=True):
        pictures.show_on_page(tmp_path, "Simulated, not clinical")
    assert served == []


def test_what_is_missing_is_said(served, tmp_path, monkeypatch, capsys):
    def missing(case, **options):
        raise ConfigurationError("The web page needs the package trame-slicer.")

    monkeypatch.setattr(serve, "serve_case", missing)
    pictures.show_on_page(tmp_path, "Simulated, not clinical")
    assert "trame-slicer" in capsys.readouterr().out
