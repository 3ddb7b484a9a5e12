"""What the self test needs: presses, waiting with the event loop running, pictures, and what is left over."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
import vtk

if TYPE_CHECKING:
    import ctk
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.session.recordings.replay_process import ReplayProcess
    from CRLMSegmentationLib.session.session import Session
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

    from ..window import Window

SCREENSHOTS = "CRLM_SCREENSHOTS"
_SLEEP_S = 0.005
# What is waited for comes in its time on a computer of today, and in several times as much on a busy one.
PATIENCE = 6


def click(button: qt.QAbstractButton) -> None:
    """Press a button as a user does: only one that can be pressed counts."""
    slicer.app.processEvents()
    if not button.enabled:
        raise AssertionError(f"The button '{button.text}' cannot be pressed.")
    button.click()
    slicer.app.processEvents()


def click_under(advanced: ctk.ctkCollapsibleGroupBox, button: qt.QAbstractButton) -> None:
    """Press what lies under an 'Advanced', which is opened for it and closed again."""
    advanced.collapsed = False
    click(button)
    advanced.collapsed = True


def wait_until(condition: Callable[[], bool], timeout_s: float, text: Callable[[], str] = lambda: "") -> None:
    """Let Slicer run until `condition()`. Raises AssertionError with `text()` when it takes too long."""
    until = time.monotonic() + PATIENCE * timeout_s
    while time.monotonic() < until:
        slicer.app.processEvents()
        if condition():
            return
        time.sleep(_SLEEP_S)
    raise AssertionError(f"Waited {PATIENCE * timeout_s:g} s in vain. {text()}")


def pause(seconds: float) -> None:
    """Let Slicer run."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        slicer.app.processEvents()
        time.sleep(_SLEEP_S)


def name_of(node: slicer.vtkMRMLNode | None) -> str | None:
    """None when there is no node."""
    return node.GetName() if node is not None else None


@contextmanager
def counted_drawings() -> Iterator[list[str]]:
    """Gives a list to which each view that is drawn adds its name, as long as the block lasts."""
    drawn: list[str] = []
    observed, manager = [], slicer.app.layoutManager()
    views = {name: manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()}
    for number in range(manager.threeDViewCount):
        widget = manager.threeDWidget(number)
        views[widget.mrmlViewNode().GetLayoutName()] = widget.threeDView()
    for name, view in views.items():
        window = view.renderWindow()
        observed.append((window, window.AddObserver("EndEvent", lambda *_, name=name: drawn.append(name))))
    try:
        yield drawn
    finally:
        for window, tag in observed:
            window.RemoveObserver(tag)


def served(path: Path) -> ReplayProcess:
    """A recording served over OpenIGTLink by another process, as PLUS would, again and again: `with` gives its port."""
    from CRLMSegmentationLib.session.recordings.replay_process import ReplayProcess

    return ReplayProcess(path, loop=True, close_at_end=False)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served_at(path: Path, port: int) -> Iterator[None]:
    """A recording served by `crlm replay` at this port, again and again; killed at the end, as a server that breaks."""
    from CRLMSegmentationLib.python_process import start_python

    arguments = ["replay", str(path), "--port", str(port), "--loop"]
    process = start_python("CRLMSegmentationLib.cli", arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def place_point(point_ras: Sequence[float]) -> None:
    """As a click in a slice view does it: the point of the markup that is being placed is defined."""
    selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(*point_ras)


def pixel_of(slice_widget: slicer.qMRMLSliceWidget, point_ras: Sequence[float]) -> tuple[int, int]:
    """Pixels of a slice view at which a point (RAS mm) is seen, from the lower left."""
    ras_to_view = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(slice_widget.mrmlSliceNode().GetXYToRAS(), ras_to_view)
    return tuple(int(round(value)) for value in ras_to_view.MultiplyPoint((*point_ras, 1.0))[:2])


def grab(path: Path) -> None:
    """A picture of the main window, views and all."""
    window = slicer.util.mainWindow()
    slicer.app.processEvents()
    slicer.util.forceRenderAllViews()
    slicer.app.processEvents()
    window.grab().toImage().convertToFormat(qt.QImage.Format_RGB888).save(str(path))


def make_dark() -> None:
    """Slicer's dark theme, as after Edit > Application Settings > Appearance and a new start."""
    slicer.app.setStyle("Dark Slicer")
    slicer.app.setPalette(slicer.app.style().standardPalette())


def make_light() -> None:
    """Slicer's light theme, while it runs."""
    slicer.app.setStyle("Light Slicer")
    slicer.app.setPalette(slicer.app.style().standardPalette())


@dataclass(frozen=True)
class Leftovers:
    """What must not grow: Python threads, child processes, observers on the scene."""

    threads: frozenset[str]
    children: frozenset[int]

    @classmethod
    def now(cls) -> Leftovers:
        # The threads of a pool end when nothing refers to the pool any more.
        gc.collect()
        threads = frozenset(thread.name for thread in threading.enumerate())
        return cls(threads, frozenset(_children()))

    def beyond(self, before: Leftovers) -> list[str]:
        """Threads and processes that were not there before."""
        return [*sorted(self.threads - before.threads), *(str(pid) for pid in self.children - before.children)]


def _children() -> list[int]:
    """Process ids of the children of this process; none where the system does not say."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat") if os.name == "posix" else ():
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


class Bench:
    """The module's window as the parts of the self test use it.

    case  the ScriptedLoadableModuleTest, for its assertions and messages
    """

    def __init__(self, case: ScriptedLoadableModuleTest):
        self._case = case
        self._folder = Path(os.environ.get(SCREENSHOTS) or Path(slicer.app.temporaryPath) / "CRLMSegmentation")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._own = Path(tempfile.mkdtemp(prefix="crlm-self-test-"))

    @property
    def window(self) -> Window:
        """Anew each time: a reload makes another one."""
        return slicer.modules.crlmsegmentation.widgetRepresentation().self().window

    @property
    def session(self) -> Session | None:
        return self.window.session

    @property
    def view(self) -> SceneView | None:
        return self.window.view

    def report(self, text: str) -> None:
        self._case.delayDisplay(text, 50)

    def status(self, step: str) -> str:
        return self.session.state.status(self.window.steps[step]).name

    def tumor_ml(self) -> float:
        """Of the surface on the screen."""
        properties = vtk.vtkMassProperties()
        properties.SetInputData(self.session.tumor.surface)
        return properties.GetVolume() / 1000

    def picture(self, name: str) -> None:
        # Nothing moves while the views are drawn, so that numbers and views are of one moment.
        self.window.timer.pause()
        grab(self._folder / f"{name}.png")
        self.window.timer.start()
