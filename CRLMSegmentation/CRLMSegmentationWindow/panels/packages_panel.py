"""What stands above the steps while Python packages are missing, and the one button that installs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from .. import packages, style
from .record_panel import show_progress

if TYPE_CHECKING:
    from ..window import Window


class PackagesPanel:
    """Visible only while something is missing."""

    def __init__(self, window: Window, requirements_path: Path):
        self._window, self._path = window, requirements_path
        self._problem = ""
        ui = self._ui = window.ui
        style.apply(ui.packagesLabel, style.SENTENCE)
        style.apply(ui.installButton, style.BUTTON)
        style.apply(ui.packagesProgressBar, style.BAR)
        ui.installButton.connect("clicked()", self.on_install)

    def refresh(self) -> None:
        """Look at what is installed; show what is not."""
        too_old = packages.python_is_too_old()
        missing = [] if too_old else packages.missing(self._path)
        self._ui.packagesFrame.visible = bool(too_old or missing)
        self._ui.installButton.visible = bool(missing)
        style.write(self._ui.packagesLabel, too_old or self._problem or packages.sentence_of_missing(missing))

    def on_install(self) -> None:
        """Install what is missing, then begin."""
        bar = self._ui.packagesProgressBar
        bar.visible = True
        self._ui.installButton.enabled = False
        try:
            self._problem = packages.Installer(self._path, self._progress).run()
        finally:
            bar.visible = False
            self._ui.installButton.enabled = True
        self.refresh()
        self._window.open_session()

    def _progress(self, fraction: float, text: str) -> None:
        show_progress(self._ui.packagesProgressBar, fraction)
        self._ui.packagesProgressBar.format = f"{text}  (%p %)"
        slicer.app.processEvents()
