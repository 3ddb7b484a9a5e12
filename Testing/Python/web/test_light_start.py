"""The page is there quickly: what it does not need for that is imported later."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from CRLMSegmentationLib.session.jobs.first_use import MODULES, import_for_first_use

EXTENSION = Path(__file__).resolve().parents[3] / "CRLMSegmentation"
LIBRARY = "CRLMSegmentationLib"
HEAVY = set(
    "PIL SimpleITK av coverage cv2 highdicom matplotlib monai nibabel nnunetv2 numba onnxruntime openvino pydicom "
    "scipy skimage torch torchvision trimesh".split()
)


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `tree` that run while its module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _at_import(node)


def _file_of(module: str) -> Path | None:
    path = EXTENSION.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def packages_imported_with(start: str) -> set[str]:
    """The packages of others that are imported when the module `start` of the extension is, directly or by others."""
    waiting, met, others = [start], set(), set()
    while waiting:
        module = waiting.pop()
        if module in met:
            continue
        met.add(module)
        file = _file_of(module)
        if file is None:
            continue
        package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
        waiting.append(".".join(module.split(".")[:-1]) or LIBRARY)
        for node in _at_import(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                above = package[: len(package) + 1 - node.level] if node.level else []
                origin = ".".join([*above, *([node.module] if node.module else [])])
                names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
            waiting += [name for name in names if name.startswith(f"{LIBRARY}.")]
            others |= {name.split(".")[0] for name in names} - {LIBRARY}
    return others


@pytest.mark.parametrize("start", ["web.server.build", "web.serve", "session.session", "mrml.scene_view"])
def test_the_page_starts_without_what_only_a_press_of_a_button_needs(start):
    imported = packages_imported_with(f"{LIBRARY}.{start}")
    assert "numpy" in imported
    assert imported & HEAVY == set()


def test_what_is_imported_later_is_imported_before_a_person_waits_for_it():
    later = set().union(*(packages_imported_with(f"{LIBRARY}.{module}") for module in MODULES))
    assert {"numba", "scipy"} <= later & HEAVY
    import_for_first_use()


def test_an_element_inside_of_others_is_rendered_once():
    html = pytest.importorskip("trame.widgets.html", reason="no trame: how the page is rendered was not tested")
    from CRLMSegmentationLib.web.server.rendered_once import rendered_once
    from trame.app import get_server

    server = get_server("rendered once", client_type="vue3")
    rendered = []

    class Counted(html.Div):
        @property
        def html(self):
            rendered.append(self)
            return super().html

    def nested():
        with html.Div(trame_server=server) as outer, html.Div(), html.Div():
            Counted("{{ text }}", v_if="is_there")
        return outer

    with rendered_once():
        once = nested()
    assert rendered == []
    text = once.html
    assert len(rendered) == 1 and 'v-if="is_there"' in text
    # trame's own way: at each end of a `with`, and then.
    assert text == nested().html and len(rendered) == 5
