"""Limits that keep the library readable: lines of a file and of a function, files of a folder, types of public
functions.

What does not keep a limit yet stands in the lists below with its present value, by room. The lists only shrink: a value
above its entry fails, and so does an entry that is no longer needed.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 60
MOST_FILES_OF_A_FOLDER = 20

# Kernels that numba compiles read best in one piece: by their decorator, or by the folder in which nothing else is.
KERNEL_DECORATORS = {"compiled", "inlined", "njit", "jit"}
KERNEL_FOLDER = "CRLMSegmentationLib/reconstruction/kernels/"

LONG_FILES = {}

LONG_FUNCTIONS = {}

FULL_FOLDERS: dict[str, int] = {}

UNTYPED = {}


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    """The text of every Python file of the extension, by its path below CODE."""
    return {path.relative_to(CODE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(CODE.rglob("*.py"))}


def lines_of_files(sources: dict[str, str]) -> dict[str, int]:
    return {path: len(text.splitlines()) for path, text in sources.items()}


def files_of_folders(sources: dict[str, str]) -> dict[str, int]:
    """How many Python files lie in each folder itself."""
    folders = [Path(path).parent.as_posix() for path in sources]
    return {folder: folders.count(folder) for folder in set(folders)}


def lines_of_functions(sources: dict[str, str]) -> dict[str, int]:
    """The lines of each function from its `def` on, by 'path Class.name'; compiled kernels left out."""
    lines: dict[str, int] = {}
    for path, text in sources.items():
        for name, function in _functions(ast.parse(text).body):
            if not path.startswith(KERNEL_FOLDER) and not _is_kernel(function):
                length = (function.end_lineno or 0) - function.lineno + 1
                lines[f"{path} {name}"] = max(length, lines.get(f"{path} {name}", 0))
    return lines


def untyped_of_files(sources: dict[str, str]) -> dict[str, int]:
    """How many public functions and methods of each file lack the type of an argument or of what they return."""
    return {
        path: sum(_is_public(name) and not _is_typed(function) for name, function in _functions(ast.parse(text).body))
        for path, text in sources.items()
    }


def _functions(body: list[ast.stmt], prefix: str = "") -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a module and the methods of its classes; a function within another is part of it."""
    found: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]] = []
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append((prefix + node.name, node))
        elif isinstance(node, ast.ClassDef):
            found += _functions(node.body, f"{prefix}{node.name}.")
        else:
            for branch in ("body", "orelse", "finalbody", "handlers"):
                for inner in getattr(node, branch, []):
                    found += _functions(inner.body if isinstance(inner, ast.ExceptHandler) else [inner], prefix)
    return found


def _is_kernel(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(node, (ast.Name, ast.Attribute))
        and (node.id if isinstance(node, ast.Name) else node.attr) in KERNEL_DECORATORS
        for decorator in function.decorator_list
        for node in ast.walk(decorator)
    )


def _is_public(name: str) -> bool:
    return all(not part.startswith("_") or part.endswith("__") for part in name.split("."))


def _is_typed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether each argument but self and cls has a type, and what is returned, which of `__init__` everybody knows."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    typed = [argument.annotation is not None for argument in given if argument and argument.arg not in ("self", "cls")]
    return all(typed) and (function.returns is not None or (function.name == "__init__" and bool(typed)))


def complaints(values: dict[str, int], most: int, listed: dict[str, int]) -> list[str]:
    """A line for each value that is over its limit, and for each entry of the list that is no longer needed."""
    found = []
    for name, value in sorted(values.items()):
        if value > listed.get(name, most):
            found.append(f"{name}: {value}, and {listed.get(name, most)} is the most")
    for name in listed:
        if values.get(name, 0) <= most:
            found.append(f"{name} keeps the limit now: take it off the list")
    return found


MEASURES = {
    "lines of a file": (lines_of_files, MOST_LINES_OF_A_FILE, LONG_FILES),
    "lines of a function": (lines_of_functions, MOST_LINES_OF_A_FUNCTION, LONG_FUNCTIONS),
    "files of a folder": (files_of_folders, MOST_FILES_OF_A_FOLDER, FULL_FOLDERS),
    "public functions that are not typed in full": (untyped_of_files, 0, UNTYPED),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_the_code_keeps_the_limits(measure):
    values_of, most, listed = MEASURES[measure]
    found = complaints(values_of(_sources()), most, listed)
    assert not found, f"{measure}:\n" + "\n".join(found)


def test_a_value_over_its_limit_or_its_entry_is_named():
    assert complaints({"a.py": 351, "b.py": 350}, 350, {}) == ["a.py: 351, and 350 is the most"]
    assert complaints({"a.py": 401}, 350, {"a.py": 400}) == ["a.py: 401, and 400 is the most"]
    assert complaints({"a.py": 399}, 350, {"a.py": 400}) == []


def test_an_entry_that_is_no_longer_needed_is_named():
    expected = ["a.py keeps the limit now: take it off the list", "gone.py keeps the limit now: take it off the list"]
    assert complaints({"a.py": 350}, 350, {"a.py": 400, "gone.py": 400}) == expected


def test_functions_are_measured_in_classes_and_branches_but_not_when_compiled():
    text = (
        "try:\n    def plain():\n        pass\nexcept ImportError:\n    def other(): pass\n"
        "class Thing:\n    def method(self):\n        x = 1\n        return x\n"
        "@compiled\ndef kernel(): pass\n@numba.njit(nogil=True)\ndef second(): pass\n"
    )
    assert lines_of_functions({"x.py": text}) == {"x.py plain": 2, "x.py other": 1, "x.py Thing.method": 3}
    assert lines_of_functions({KERNEL_FOLDER + "x.py": text}) == {}


@pytest.mark.parametrize(
    "definition, count",
    [
        ("def f(x: int) -> int: ...", 0),
        ("def f(x) -> int: ...", 1),
        ("def f(x: int): ...", 1),
        ("def f(*values, **more) -> None: ...", 1),
        ("def _f(x): ...", 0),
        ("class C:\n    def __init__(self, x: int): ...", 0),
        ("class C:\n    def __init__(self): ...", 1),
        ("class C:\n    def __enter__(self): ...", 1),
        ("class _C:\n    def f(self, x): ...", 0),
        ("class C:\n    def f(self, x: int, *, y) -> None: ...", 1),
        ("def f() -> None:\n    def inner(x): ...", 0),
    ],
)
def test_public_functions_without_all_their_types_are_counted(definition, count):
    assert untyped_of_files({"x.py": definition}) == {"x.py": count}


def test_files_are_counted_in_their_own_folder():
    assert files_of_folders({"a/x.py": "", "a/y.py": "", "a/b/z.py": ""}) == {"a": 2, "a/b": 1}
