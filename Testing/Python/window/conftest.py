"""Where there is no Slicer: what the window asks of it at import, so that its pure functions can be tested."""

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

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


@pytest.fixture
def a_window(window_module, monkeypatch):
    """A whole Window on fakes of Slicer and Qt: (window, session), entered, with nothing done yet."""
    from window_fakes import FakeSession, FakeUi, FakeWidget, make_parameters

    for name in ("qt", "ctk", "vtk"):
        fake = MagicMock()
        fake.QObject = object
        fake.QLabel = fake.QFrame = FakeWidget
        monkeypatch.setitem(sys.modules, name, fake)
    slicer, fake = sys.modules["slicer"], MagicMock()
    slicer.app, slicer.util, slicer.modules = fake.app, fake.util, SimpleNamespace()
    slicer.util.mainWindow.return_value.width = 1280
    slicer.mrmlScene = fake.mrmlScene
    slicer.mrmlScene.IsBatchProcessing.return_value = 0
    slicer.mrmlScene.GetSingletonNode.return_value = None
    slicer.app.layoutManager.return_value = None
    session = FakeSession()
    window = window_module("window").Window(FakeUi(), lambda: (session, session.view), "requirements.txt")
    window.packages.refresh = lambda: None
    window.live_slice.follow = MagicMock()
    shown = []
    layouts = window_module("view.layouts")
    views = {"live": layouts.SWEEPING, "volume": layouts.PLANNING, "tumor": layouts.PLANNING}

    def show(name):
        shown.append(name)
        window.shown_layout = views.get(name, layouts.NAVIGATION)

    for name in (*views, "navigation"):
        monkeypatch.setattr(window.shown, name, lambda name=name: show(name))
    window.shown_views, window.shown_layout = shown, layouts.PLANNING
    monkeypatch.setattr(layouts.Layouts, "current", property(lambda _: window.shown_layout))
    window.enter(make_parameters())
    return window, session
