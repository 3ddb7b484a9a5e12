"""The Python packages that the module needs and Slicer does not bring: which are missing, and how they are installed.

Nothing is installed unless the user presses the button. What Slicer itself is built on is held at the version that is
there, by constraints, so that an installation can not break Slicer; torch comes from the PyTorch extension where that
is installed, which chooses the build that fits the graphics card.
"""

from __future__ import annotations

import importlib.metadata
import logging
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from CRLMSegmentationLib.words import tr as _

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Brought by Slicer or chosen by the PyTorch extension: never replaced by another version.
KEPT = ("numpy", "scipy", "SimpleITK", "requests", "torch")
TORCH = "torch>=2.4"
LEAST_PYTHON = (3, 10)
_REQUESTER = "CRLM Segmentation"
_INDEX = ("pypi.org", 443)


def python_is_too_old() -> str:
    """A sentence when this Slicer's Python is too old for the module; '' otherwise."""
    if sys.version_info[:2] >= LEAST_PYTHON:
        return ""
    return _(
        "This is Slicer {slicer} with Python {python}; the module needs Python 3.10 or newer. "
        "Install Slicer 5.10 or newer, and this extension in it."
    ).format(slicer=slicer.app.applicationVersion, python=".".join(map(str, sys.version_info[:2])))


def requirements(path: Path) -> list[str]:
    """The lines of a requirements file that name a package."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def missing(path: Path) -> list[str]:
    """Requirements of the file, and torch, that this Python does not meet."""
    return [text for text in [TORCH, *requirements(path)] if not is_met(text)]


def sentence_of_missing(names: list[str]) -> str:
    """What is to be installed, for people; '' when nothing is."""
    if not names:
        return ""
    return _(
        "Python packages are missing in this Slicer: {names}. The button installs them; that needs the Internet, takes "
        "some minutes, and leaves what Slicer itself is built on as it is."
    ).format(names=", ".join(names))


def is_met(requirement: str) -> bool:
    """True when the package is installed in a version that fits."""
    parsed = _requirement_class()(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate():
        return True
    try:
        version = importlib.metadata.version(parsed.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return parsed.specifier.contains(version, prereleases=True)


def constraints() -> list[str]:
    """'name==version' of every package that must stay as it is."""
    lines = []
    for name in KEPT:
        try:
            # pip does not know local versions such as '+cpu' from its index; the public part is enough to hold it.
            lines.append(f"{name}=={importlib.metadata.version(name).split('+')[0]}")
        except importlib.metadata.PackageNotFoundError:
            pass
    return lines


class Installer:
    """Installs what is missing, one package after the other, and reports how far it is.

    progress(fraction, text)  between the packages
    """

    def __init__(self, requirements_path: Path, progress: Callable[[float, str], None]):
        self._path, self._progress = requirements_path, progress

    def run(self) -> str:
        """Install; returns '' or one sentence that says why it did not work."""
        wanted = missing(self._path)
        with tempfile.TemporaryDirectory() as folder:
            for number, requirement in enumerate(wanted):
                self._progress(number / len(wanted), _("Installing {name}").format(name=requirement))
                # Written anew each time: what was just installed is held, too.
                held = Path(folder) / "constraints.txt"
                held.write_text("\n".join(constraints()) + "\n", encoding="utf-8")
                try:
                    _install(requirement, held)
                except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
                    logging.error("pip could not install %s: %s", requirement, error)
                    return _why_not(requirement)
        self._progress(1.0, _("Done"))
        left = missing(self._path)
        if left:
            return _("Still missing: {names}. Look into Slicer's error log (Ctrl+0), and try again.").format(
                names=", ".join(left)
            )
        return ""


def _install(requirement: str, held: Path) -> None:
    if requirement == TORCH and hasattr(slicer.modules, "pytorchutils"):
        import PyTorchUtils

        PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=TORCH[len("torch") :])
        return
    try:
        from slicer import packaging as slicer_packaging
    except ImportError:
        # Slicer before 5.11.
        slicer.util.pip_install([requirement, "-c", str(held)])
        return
    slicer_packaging.pip_install([requirement], constraints=held, show_progress=True, requester=_REQUESTER)


def _why_not(requirement: str) -> str:
    if not _index_answers():
        return _(
            "{name} could not be installed, because this computer does not reach the Internet ({host}). Connect it, "
            "press the button again, or ask your technician to install the packages of Resources/requirements.txt."
        ).format(name=requirement, host=_INDEX[0])
    return _(
        "{name} could not be installed. Slicer's error log (Ctrl+0) holds pip's reason; nothing of Slicer was changed."
    ).format(name=requirement)


def _index_answers() -> bool:
    try:
        with socket.create_connection(_INDEX, 3.0):
            return True
    except OSError:
        return False


def _requirement_class() -> type[Requirement]:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement
    return Requirement
