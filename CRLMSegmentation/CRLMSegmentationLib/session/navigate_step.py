"""Navigate: tools and their distances, the margin's shell, and the tumor's outline on the live image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import ConfigurationError
from ..mrml.shells import Shells
from ..mrml.tools import Tools
from ..navigation.contour import contours_in_image
from ..navigation.margin_shell import LARGEST_MARGIN_MM


class NavigateStep:
    """What is measured and drawn around one tumor.

    result  gives the SegmentationResult that the tumor came from; None when there is none
    """

    def __init__(self, scene, tools: Tools, result: Callable):
        self.tools, self.shells = tools, Shells(scene)
        self._result = result
        self._surface = None
        self._uncertainty = False

    @property
    def margin_mm(self) -> float:
        return self.tools.margin_mm

    @margin_mm.setter
    def margin_mm(self, margin_mm: float) -> None:
        if not 0 <= margin_mm <= LARGEST_MARGIN_MM:
            raise ConfigurationError(
                f"The margin is {margin_mm:g} mm; choose one from 0 to {LARGEST_MARGIN_MM:g} mm (0 shows no shell)."
            )
        self.tools.margin_mm = float(margin_mm)
        self.tools.refresh()
        self.shells.show_margin(self._surface, self.tools.margin_mm)

    @property
    def shows_uncertainty(self) -> bool:
        return self._uncertainty

    @shows_uncertainty.setter
    def shows_uncertainty(self, wanted: bool) -> None:
        self._uncertainty = bool(wanted)
        self.shells.show_uncertainty(self._result() if wanted and self._surface is not None else None)

    def set_tumor(self, surface, distance) -> None:
        """Another surface (vtkPolyData, RAS mm, not changed any more) and what measures to it; None for no tumor."""
        self._surface = surface
        self.tools.set_tumor(distance)
        self.shells.show_margin(surface, self.margin_mm)
        self.shows_uncertainty = self._uncertainty

    @property
    def has_tumor(self) -> bool:
        """True when there is a surface to measure to."""
        return self._surface is not None

    def contours(self, image_to_reference) -> list[np.ndarray]:
        """Outlines of the tumor in the plane of an image, (n, 2) pixels each; see navigation.contour."""
        if self._surface is None or image_to_reference is None or not self.tools.may_measure():
            return []
        return contours_in_image(self._surface, image_to_reference)

    def look(self) -> None:
        """Nodes were taken out of the scene: shells that are wanted come back."""
        if self._surface is not None:
            self.shells.show_missing()

    def forget(self) -> None:
        """The tumor is gone with its scene."""
        self._surface = None
        self.shells.forget()

    def process(self) -> None:
        self.shells.process()

    def close(self) -> None:
        self.shells.close()
