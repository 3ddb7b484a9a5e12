"""The documentation site: docstrings become readable pages, and every room has one. `make docs` checks the links."""

import argparse
import importlib.util
import re
from pathlib import Path

import pytest
from CRLMSegmentationLib.cli import build_parser

REPOSITORY = Path(__file__).resolve().parents[2]
FRONT_ENDS = {"web", "commands", "cli"}
# What compiles and what starts processes, for the library itself.
INTERNAL = {"compilation", "python_child", "python_process", "thread_variables"}


def extension(name):
    place = REPOSITORY / "docs" / "_extensions" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("docstring, expected", [
    ("All *a, **b of `x` and y_.", ["All \\*a, \\*\\*b of ``x`` and y\\_."]),
    ("The `names`s.", ["The ``names``\\ s."]),
    ("Takes:\n\nname   what it is,\n       and more", ["Takes:", "", "``name``", "    what it is, and more"]),
    ("- one\n  of many\n- two", ["* one of many", "* two"]),
    ("So:\n\n    x = 1\n    y = 2", ["So:", "", "::", "", "    x = 1", "    y = 2"]),
])  # fmt: skip
def test_a_docstring_becomes_a_page(docstring, expected):
    made = extension("plain_docstrings").as_restructured(docstring.split("\n"))
    assert made[: len(expected)] == expected and not any(made[len(expected) :])


def test_every_room_but_the_front_ends_has_a_page():
    library = REPOSITORY / "CRLMSegmentation" / "CRLMSegmentationLib"
    rooms = {path.stem for path in library.glob("*.py")} | {path.parent.name for path in library.glob("*/__init__.py")}
    wanted = rooms - FRONT_ENDS - INTERNAL - {"__init__"}
    assert set(extension("reference_pages").ROOMS) == wanted
    listed = (REPOSITORY / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^generated/(\w+)$", listed, re.MULTILINE)) == {*wanted, "commands"}


def names_of_commands():
    """Each command with the names of its steps."""

    def of(parser):
        steps = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        return steps[0].choices if steps else {}

    return {name: set(of(command)) for name, command in of(build_parser()).items()}


def test_the_readme_names_every_command_with_the_page_that_shows_it():
    """A row is `crlm NAME`, `NAME`, or `crlm NAME STEP`, `STEP`, then what they do, then the link to a page."""
    commands, found = names_of_commands(), {}
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for named, page in re.findall(r"^\| (`crlm [^|]*) \|[^|]*\| \[[^]]*\]\(([^)#]*)[^)]*\) \|$", readme, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", named)
        command, *step = first.split()[1:]
        rows = [(command, name) for name in [*step, *others]] if step else [(name, "") for name in [command, *others]]
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        for name, step_name in rows:
            assert f"crlm {name}" in text, f"{page} does not show crlm {name}"
            found.setdefault(name, set()).update({step_name} - {""})
    assert found == commands


# A command with what follows it in its line, up to the end of its code or what a shell makes of the rest.
SHOWN = re.compile(r"(?:^|[`(]|&& )crlm ([a-z][^`|#&\n]*)", re.MULTILINE)


def options_of(words, parser):
    """Of the innermost step that the words name; nothing when they name no command."""
    steps = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not steps:
        return set(parser._option_string_actions)
    return options_of(words[1:], steps[0][words[0]]) if words[:1] and words[0] in steps[0] else set()


def test_every_option_that_the_documentation_shows_belongs_to_its_command():
    pages = [*(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
    parser, looked_at = build_parser(), 0
    for page in (page for page in pages if not {"_build", "generated"} & set(page.parts)):
        for shown in SHOWN.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
            words = shown.split()
            named = {word.split("=")[0].strip("[].,;:()") for word in words if word.lstrip("[").startswith("--")}
            looked_at += bool(named)
            assert named <= options_of(words, parser), f"{page.name}: crlm {shown}"
    assert looked_at > 50
