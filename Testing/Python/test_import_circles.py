"""No two modules import each other, not by a detour and not from inside of a function either.

Names that stand in annotations alone (`if TYPE_CHECKING`) are left out: they are never imported while the program runs.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

EXTENSION = Path(__file__).resolve().parents[2] / "CRLMSegmentation"


def _modules() -> dict[str, Path]:
    """Every module of the extension by its full name; a package by the name of its folder."""
    files = [path.relative_to(EXTENSION) for path in EXTENSION.rglob("*.py")]
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__"): EXTENSION / file for file in files}


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `tree` but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _statements(node)


def imported_by(text: str, module: str, is_package: bool, modules: set[str]) -> set[str]:
    """Which of `modules` the module of that name and text imports."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    names = []
    for node in _statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            whole = [f"{origin}.{alias.name}" for alias in node.names]
            names += [name if name in modules else origin for name in whole]
    return {name for name in names if name in modules and name != module}


def test_no_module_imports_itself_by_a_detour():
    modules = _modules()
    assert len(modules) > 300
    imports = {
        name: imported_by(path.read_text(encoding="utf-8"), name, path.name == "__init__.py", set(modules))
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError("imported in a circle: " + " -> ".join(reversed(error.args[1]))) from None


def test_a_circle_would_be_seen():
    names = {"a", "a.b", "a.c", "a.d"}
    assert imported_by("from . import c", "a.b", False, names) == {"a.c"}
    assert imported_by("def f():\n    from .b import g", "a.c", False, names) == {"a.b"}
    assert imported_by("from ..a import d\nimport a.b", "a.c", False, names) == {"a.d", "a.b"}
    assert imported_by("if TYPE_CHECKING:\n    from .b import g", "a.c", False, names) == set()
    assert imported_by("from .b import g", "a", True, names) == {"a.b"}
