"""The documentation site: docstrings become readable pages, and every room has one. `make docs` checks the links."""

import importlib.util
import re
from pathlib import Path

import pytest

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
