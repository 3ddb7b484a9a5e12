"""The MRML scene and the module logics: those of a running 3D Slicer, or our own when there is none.

Outside Slicer the libraries come from the package slicer-core, which holds the same classes but no application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigurationError
from ..words import tr

# Logics that register node classes and keep them up to date; a running Slicer has them all.
_LOGICS = {
    "Volumes": "vtkSlicerVolumesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}


@dataclass(frozen=True, eq=False)
class Application:
    """A scene and what is needed to work on it.

    scene      vtkMRMLScene
    logic      vtkMRMLApplicationLogic
    in_slicer  True inside 3D Slicer, whose scene and logics these are
    """

    scene: Any
    logic: Any
    in_slicer: bool
    _kept_alive: list[Any] = field(default_factory=list, repr=False)

    @property
    def sequences_logic(self) -> Any:
        """The vtkSlicerSequencesLogic."""
        return self.logic.GetModuleLogic("Sequences")


def current_application() -> Application:
    """That of the running Slicer; outside of it a new one with an empty scene.

    Raises ConfigurationError when neither Slicer nor slicer-core is there.
    """
    slicer = _slicer()
    if hasattr(slicer, "mrmlScene"):
        return Application(slicer.mrmlScene, slicer.app.applicationLogic(), in_slicer=True)
    from vtkmodules.vtkCommonCore import vtkCollection

    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.GetColorLogic().AddDefaultColorNodes()
    logic.SetSliceLogics(vtkCollection())
    logic.SetViewLogics(vtkCollection())
    return application_on(scene, logic)


def application_on(scene: Any, logic: Any) -> Application:
    """An application on a scene that somebody else has set up (a web page's, a test's): what is missing is added."""
    slicer = _slicer()
    added = []
    for name, class_name in _LOGICS.items():
        if logic.GetModuleLogic(name) is None:
            module_logic = getattr(slicer, class_name)()
            module_logic.SetMRMLScene(scene)
            module_logic.SetMRMLApplicationLogic(logic)
            logic.SetModuleLogic(name, module_logic)
            added.append(module_logic)
    return Application(scene, logic, in_slicer=False, _kept_alive=added)


@contextmanager
def vtk_messages() -> Iterator[Callable[[], str]]:
    """Keep VTK's messages off the terminal; gives a function that returns those so far as one text."""
    from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow

    before = vtkOutputWindow.GetInstance()
    window = vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(window)
    try:
        yield lambda: window.GetOutput() or ""
    finally:
        vtkOutputWindow.SetInstance(before)


def _slicer() -> Any:
    try:
        import slicer
    except ImportError as error:
        raise ConfigurationError(
            tr(
                "The navigation scene needs 3D Slicer or the package slicer-core ({error}); install it "
                "with `pip install crlm-navigation[scene]`.",
                error=error,
            )
        ) from None
    return slicer
