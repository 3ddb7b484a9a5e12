"""OpenCV, where it is installed: it comes with the extra 'scope'."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ...errors import LaparoscopeError
from ...words import tr


def opencv() -> ModuleType:
    """The module cv2. Raises LaparoscopeError with what to install when it is not there."""
    try:
        return import_module("cv2")
    except ImportError:
        raise LaparoscopeError(
            tr(
                "OpenCV is not installed; install it with `pip install 'crlm-navigation[scope]'` (or "
                "opencv-python-headless)."
            )
        ) from None
