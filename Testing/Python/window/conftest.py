"""Where there is no Slicer: what the window asks of it at import, so that its pure functions can be tested."""

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def window_module(monkeypatch):
    """Imports a module of CRLMSegmentationWindow by name. Nothing of Qt or Slicer may be called in it."""
    pytest.importorskip("vtkmodules", reason="VTK is not installed")
    i18n = ModuleType("slicer.i18n")
    i18n.tr = i18n.translate = lambda text: text
    slicer = ModuleType("slicer")
    slicer.i18n = i18n
    slicer.app = SimpleNamespace(applicationVersion="5.8.1")
    vtk = ModuleType("vtk")
    for name, module in {"slicer": slicer, "slicer.i18n": i18n, "vtk": vtk}.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("qt", "ctk"):
        empty = ModuleType(name)
        empty.QObject = object
        monkeypatch.setitem(sys.modules, name, empty)
    before = set(sys.modules)
    yield lambda name: importlib.import_module(f"CRLMSegmentationWindow.{name}")
    for name in set(sys.modules) - before:
        if name.startswith("CRLMSegmentationWindow"):
            del sys.modules[name]
