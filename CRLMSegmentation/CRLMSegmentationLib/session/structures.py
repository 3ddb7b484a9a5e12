"""Navigate: tools and their distances, the margin's shell, and the tumor's outline on the live image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import ConfigurationError
from ..mrml.shells import Shells
from ..navigation.contour import contours_in_image
from ..navigation.margin_shell import LARGEST_MARGIN_MM
from .live_image import LiveImage
from .tools import Tools
from .workflow import Workflow


class StructuresPart:
    """What is measured and drawn around one tumor.

    result  gives the SegmentationResult that the tumor came from; None when there is none
    """

    def __init__(self, scene, workflow: Workflow, image: LiveImage, tools: Tools, result: Callable):
        self.tools, self.shells = tools, Shells(scene)
        self._workflow, self._image = workflow, image
        self._result = result
        self._surface = None
        self._uncertainty = False

    @property
    def margin_mm(self) -> float:
        """The margin around the tumor: the only one there is. A front end shows this one; listeners are told of
        another, such as that of a case that is opened.
        """
        return self.tools.margin_mm

    def set_margin_mm(self, margin_mm: float) -> None:
        """The margin around the tumor, 0 to 20 mm, within which a tip is warned of; 0 hides its shell.

        Raises ConfigurationError for another one.
        """
        self.restore_margin_mm(margin_mm)
        self._workflow.touch()
        self._workflow.tell()

    def restore_margin_mm(self, margin_mm: float) -> None:
        """As set_margin_mm(), for a margin that comes with a case."""
        if not 0 <= margin_mm <= LARGEST_MARGIN_MM:
            raise ConfigurationError(
                f"The margin is {margin_mm:g} mm; choose one from 0 to {LARGEST_MARGIN_MM:g} mm (0 shows no shell)."
            )
        self.tools.margin_mm = float(margin_mm)
        self.tools.refresh()
        self.shells.show_margin(self._surface, self.tools.margin_mm)

    @property
    def shows_uncertainty(self) -> bool:
        """What show_uncertainty() was told last."""
        return self._uncertainty

    def show_uncertainty(self, wanted: bool) -> None:
        """Show the two surfaces between which the model is unsure of the border; see uncertainty_shell()."""
        self.restore_uncertainty(wanted)
        self._workflow.touch()
        self._workflow.tell()

    def restore_uncertainty(self, wanted: bool) -> None:
        """As show_uncertainty(), for what comes with a case."""
        self._uncertainty = bool(wanted)
        self.shells.show_uncertainty(self._result() if wanted and self._surface is not None else None)

    def set_tumor(self, surface, distance) -> None:
        """Another surface (vtkPolyData, RAS mm, not changed any more) and what measures to it; None for no tumor."""
        self._surface = surface
        self.tools.set_tumor(distance)
        self.shells.show_margin(surface, self.margin_mm)
        self.restore_uncertainty(self._uncertainty)

    @property
    def has_tumor(self) -> bool:
        """True when there is a surface to measure to."""
        return self._surface is not None

    def contours(self) -> list[np.ndarray]:
        """The tumor's outlines in the plane of the live image: (n, 2) pixels (u, v) each, none while it is not live."""
        image_to_reference = self._image.image_to_reference
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
