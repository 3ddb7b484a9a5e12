"""Rendering without a window, on a machine with or without a display or a graphics card.

OpenGL libraries that are missing or broken can end the process instead of raising an error, so outside of Slicer a
short-lived process tries first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import CRLMError

if TYPE_CHECKING:
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

_TRIAL_TIMEOUT_S = 60
_TRIAL = """
import sys
import vtkmodules.vtkRenderingOpenGL2 as opengl
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkRenderer
window = getattr(opengl, sys.argv[1])()
window.SetOffScreenRendering(1)
window.SetSize(8, 8)
renderer = vtkRenderer()
renderer.SetBackground(1, 0, 0)
window.AddRenderer(renderer)
window.Render()
pixels = vtkUnsignedCharArray()
window.GetPixelData(0, 0, 7, 7, 0, pixels, 0)
sys.exit(0 if [pixels.GetValue(i) for i in range(3)] == [255, 0, 0] else 1)
"""


class RenderingError(CRLMError):
    """A picture that cannot be rendered on this machine."""


def render_window() -> vtkRenderWindow:
    """A vtkRenderWindow that renders off screen. Raises RenderingError when this machine cannot."""
    import vtkmodules.vtkRenderingOpenGL2 as opengl  # noqa: N813
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    if _inside_slicer():
        window = vtkRenderWindow()
    else:
        name = working_window_class()
        if name is None:
            raise RenderingError(
                "The 3D picture was not made: this machine has no OpenGL that renders without a window; install Mesa "
                "(on Debian and Ubuntu: `apt install libosmesa6`)."
            )
        window = getattr(opengl, name)()
    window.SetOffScreenRendering(1)
    return window


@lru_cache(maxsize=1)
def working_window_class() -> str | None:
    """The first of VTK's window classes that renders here, in a process of its own; None when none does."""
    candidates = ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    if sys.platform == "win32":
        candidates = ["vtkWin32OpenGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    elif sys.platform == "darwin":
        candidates = ["vtkCocoaRenderWindow"]
    elif os.environ.get("DISPLAY"):
        candidates.append("vtkXOpenGLRenderWindow")
    chosen = os.environ.get("VTK_DEFAULT_OPENGL_WINDOW")
    candidates = [chosen] if chosen else candidates
    return next((name for name in candidates if _renders(name)), None)


def _renders(window_class: str) -> bool:
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL, window_class], capture_output=True, timeout=_TRIAL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def _inside_slicer() -> bool:
    return hasattr(sys.modules.get("slicer"), "app")
