"""The Slicer extension: its CMake files list every file, and its module imports nothing that a bare Slicer lacks."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

MODULE = REPOSITORY / "CRLMSegmentation"
IN_A_BARE_SLICER = {"__future__", "logging", "os", "pathlib", "sys", "qt", "ctk", "slicer", "vtk", "numpy", "typing"}


def listed(variable):
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    return set(re.search(rf"set\({variable}\s(.*?)\)", text, re.DOTALL).group(1).split()) - {"${MODULE_NAME}.py"}


def test_cmake_lists_every_python_file():
    folders = ("CRLMSegmentationLib", "CRLMSegmentationWindow")
    files = {path.relative_to(MODULE).as_posix() for folder in folders for path in (MODULE / folder).rglob("*.py")}
    assert listed("MODULE_PYTHON_SCRIPTS") == files


def test_cmake_lists_every_resource():
    found = [*(MODULE / "Resources").rglob("*"), *(MODULE / "CRLMSegmentationLib").rglob("assets/*")]
    files = {path.relative_to(MODULE).as_posix() for path in found if path.is_file()}
    assert files and listed("MODULE_PYTHON_RESOURCES") == files


def test_pip_installs_every_package():
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    packages = {
        ".".join(path.parent.relative_to(MODULE).parts)
        for path in (MODULE / "CRLMSegmentationLib").rglob("__init__.py")
    }
    installed = re.search(r"^packages = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE).group(1)
    assert packages == set(re.findall(r'"(CRLMSegmentationLib[\w.]*)"', installed)) - {"CRLMSegmentationLib.Resources"}


def test_the_module_imports_only_what_a_bare_slicer_has():
    for node in ast.parse((MODULE / "CRLMSegmentation.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {node.module.split(".")[0]}
        else:
            continue
        assert names <= IN_A_BARE_SLICER, names


# From the ground up: what each room may use, beside what is reached through those.
ROOMS = {
    "words": set(),
    "errors": {"words"},
    "geometry": {"errors"},
    "thread_variables": set(),
    "compilation": set(),
    "python_child": set(),
    "python_process": {"errors", "python_child"},
    "values": {"geometry"},
    "files": {"values"},
    "sweep": {"values"},
    "tracking": {"sweep"},
    "calibration": {"sweep", "tracking"},
    "reconstruction": {"sweep", "compilation"},
    "inference": {"values", "python_process"},
    "segmentation": {"inference"},
    "preoperative": {"segmentation", "files"},
    "live": {"segmentation", "reconstruction", "tracking"},
    "laparoscopy": {"sweep", "files", "inference", "compilation"},
    "navigation": {"calibration", "segmentation"},
    "session": {"calibration", "files", "laparoscopy", "live", "navigation", "preoperative"},
    "mrml": {"session"},
    "pictures": {"mrml"},
    "simulation": {"reconstruction", "files", "segmentation", "laparoscopy", "calibration", "navigation"},
    "study": {"reconstruction", "preoperative", "simulation"},
    "web": {"pictures", "simulation"},
    "commands": {"web", "study"},
    "cli": {"commands"},
}
# What still points up, and has to go.
NOT_YET: set[tuple[str, str]] = set()


def _reachable(room):
    return {room} | {further for step in ROOMS[room] for further in _reachable(step)}


@cache
def _imports_of(path: Path) -> list[ast.stmt]:
    """Every import in a file, wherever it stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]


def _imports_between_rooms():
    """Each import of one room by another: file, importing room, imported room."""
    library = MODULE / "CRLMSegmentationLib"
    for path in library.rglob("*.py"):
        parts = path.relative_to(library).parts
        room = parts[0].removesuffix(".py")
        for node in _imports_of(path):
            if room == "__init__" or not isinstance(node, ast.ImportFrom) or node.level < len(parts):
                continue
            targets = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            yield from ((path, room, target) for target in targets if target != "__version__")


def test_imports_in_the_library_point_one_way():
    for path, room, target in _imports_between_rooms():
        assert target in _reachable(room) or (room, target) in NOT_YET, f"{path} imports {target}"


def test_every_step_between_rooms_is_one_that_an_import_takes():
    taken = {(room, target) for _, room, target in _imports_between_rooms()}
    assert {(room, target) for room, targets in ROOMS.items() for target in targets} <= taken


def test_only_rooms_that_show_know_mrml_and_nothing_knows_qt():
    library = MODULE / "CRLMSegmentationLib"
    for path in library.rglob("*.py"):
        room = path.relative_to(library).parts[0]
        for node in _imports_of(path):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module.split(".")[0]]
            assert not {"qt", "ctk", "PythonQt"} & set(names), path
            if "slicer" in names:
                assert room in ("mrml", "pictures", "web"), path


def test_light_commands_start_without_the_heavy_libraries():
    code = (
        "import sys; from CRLMSegmentationLib.cli import build_parser; build_parser('info'); "
        "heavy = {'torch', 'nnunetv2', 'numba', 'slicer', 'vtk', 'SimpleITK'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(MODULE)})


def test_openvino_is_imported_in_one_place_that_switches_its_telemetry_off():
    importers = set()
    for path in (MODULE / "CRLMSegmentationLib").rglob("*.py"):
        for node in _imports_of(path):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] == "openvino" for name in names):
                importers.add(path.name)
    assert importers == {"openvino_runtime.py"}


def test_what_scripts_and_pages_name_of_the_tree_is_there():
    """Continuous integration, the Makefile, workflows and the documentation go by paths: a moved file is found here."""
    pages = [*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md"), *(REPOSITORY / ".github").rglob("*.yml")]
    pages = [page for page in pages if page.name != "CHANGELOG.md" and "_build" not in page.parts]
    named = [
        (page.name, name)
        for page in [REPOSITORY / ".ci" / "run", REPOSITORY / "Makefile", *pages]
        for name in re.findall(r"\bTesting/[\w/]+\.py\b", page.read_text(encoding="utf-8"))
    ]
    assert len(named) > 10
    assert [(page, name) for page, name in named if not (REPOSITORY / name).is_file()] == []
