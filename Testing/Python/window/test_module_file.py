"""The module loads in a bare Slicer, and asks the session only for what the session has."""

import ast
import subprocess
import sys
from functools import lru_cache

import pytest
from window_files import MODULE, WINDOW, names_used, sources

IN_A_BARE_SLICER = {
    "qt",
    "ctk",
    "slicer",
    "vtk",
    "numpy",
    "SampleData",
    "CRLMSegmentationLib",
    "CRLMSegmentationWindow",
}
# Of the library only what needs no more than numpy may be imported before the packages are installed.
PLAIN = {
    "CRLMSegmentationLib.errors",
    "CRLMSegmentationLib.geometry",
    "CRLMSegmentationLib.navigation.tool_look",
    "CRLMSegmentationLib.session",
    "CRLMSegmentationLib.session.actions",
    "CRLMSegmentationLib.session.hands_free.shortcuts",
    "CRLMSegmentationLib.session.state",
    "CRLMSegmentationLib.values",
    "CRLMSegmentationLib.values.defaults",
    "CRLMSegmentationLib.words",
}


def imports(tree, at_import_only):
    for node in tree.body if at_import_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def test_nothing_is_imported_that_a_bare_slicer_lacks():
    for path, tree in sources().items():
        for name in imports(tree, at_import_only=True):
            first = name.split(".")[0]
            assert first in IN_A_BARE_SLICER or first in sys.stdlib_module_names, (path, name)
            assert first != "CRLMSegmentationLib" or name in PLAIN, (path, name)


def test_what_is_imported_early_of_the_library_needs_no_more_than_numpy():
    code = (
        f"import sys; [__import__(name) for name in {sorted(PLAIN)}]; "
        "print(*{name.split('.')[0] for name, module in sys.modules.items() if getattr(module, '__file__', None)})"
    )
    environment = {"PYTHONPATH": str(MODULE), "PATH": ""}
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, capture_output=True, encoding="utf-8"
    )
    others = set(loaded.stdout.split()) - sys.stdlib_module_names - {"sitecustomize"}
    assert {name for name in others if not name.startswith("_")} == {"numpy", "CRLMSegmentationLib"}


@lru_cache
def parsed(module):
    """A module of the library, or the __init__ of a package, and the names of the modules in that."""
    path = MODULE.joinpath(*module.split("."))
    inside = {entry.stem for entry in path.glob("*") if entry.suffix == ".py" or entry.is_dir()}
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8")), inside


def names_in(body):
    """What is defined, assigned or imported at the top of a module."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_what_is_imported_of_the_library_is_there():
    """Also where it is imported late: what only a running Slicer would miss."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.startswith("CRLMSegmentationLib"):
                module, inside = parsed(node.module)
                there = {*names_in(module.body), *inside}
                assert {alias.name for alias in node.names} <= there, (path, node.module)


def test_the_session_has_what_is_asked_of_it():
    """The fakes of these tests answer to everything; the session and its parts do not."""
    from CRLMSegmentationLib.session.session import Session

    # Not the package of the same name.
    asked = names_used(r"(?<!Lib\.)\bsession\.([a-z]\w*(?:\.[a-z]\w*)?)")
    session = Session()
    try:
        missing = {name: files for name, files in asked.items() if not has(session, *name.split("."))}
    finally:
        session.close()
    assert asked and not missing


def test_the_view_of_the_scene_has_what_is_asked_of_it():
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from CRLMSegmentationLib.mrml.scene_view import SceneView

    asked = names_used(r"(?:self|window)\.view\.([a-z]\w*)\(")
    assert "volume_node" in asked and set(asked) <= set(dir(SceneView))


def has(thing, name, *more):
    return name in dir(thing) and (not more or has(getattr(thing, name), *more))


def test_nothing_is_installed_at_import():
    for path, tree in sources().items():
        for node in tree.body:
            called = {ast.unparse(entry.func) for entry in ast.walk(node) if isinstance(entry, ast.Call)}
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                assert not any("pip" in name or "ensure" in name for name in called), path


def test_the_extension_lists_every_file():
    listed = set((MODULE / "CMakeLists.txt").read_text(encoding="utf-8").split())
    files = [*WINDOW.rglob("*.py"), *(path for path in (MODULE / "Resources").rglob("*") if path.is_file())]
    assert {path.relative_to(MODULE).as_posix() for path in files} <= listed


def test_the_module_has_the_four_classes_that_slicer_looks_for():
    tree = sources()[MODULE / "CRLMSegmentation.py"]
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes == {f"CRLMSegmentation{part}" for part in ("", "Widget", "Logic", "Test")}
