"""Navigate: what is measured and drawn around the tumor: margin, uncertainty, and its outline on the live image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigurationError
from ..live.surface_cut import contours_in_image
from ..navigation.margin_shell import LARGEST_MARGIN_MM
from ..words import tr
from .event import Event
from .live_image import LiveImage
from .shells import Shell, Shells
from .tools import Tools
from .workflow import Workflow

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..navigation.distance import TumorDistance
    from ..segmentation.segment import SegmentationResult


class StructuresPart:
    """What is measured and drawn around one tumor.

    result    gives the SegmentationResult that the tumor came from; None when there is none
    changed   the shells were set, be it to the same
    on_error  called with what a handler of `changed` raises
    """

    def __init__(
        self, workflow: Workflow, image: LiveImage, tools: Tools,
        result: Callable[[], SegmentationResult | None], on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self._workflow, self._image, self._tools, self._result = workflow, image, tools, result
        self._shells = Shells(self.changed)
        self._surface: vtkPolyData | None = None
        self._uncertainty = False

    @property
    def shells(self) -> dict[Shell, vtkPolyData]:
        """The surfaces around the tumor that are to be shown, RAS mm; they follow by and by, see is_busy."""
        return self._shells.surfaces

    @property
    def other_margins(self) -> dict[int, vtkPolyData]:
        """By number the shell at the margin around each further tumor, RAS mm; they follow by and by as well."""
        return self._shells.others

    def set_others(self, tumors: Mapping[int, tuple[vtkPolyData, float]]) -> None:
        """Draw the margin around these tumors, too: by number the surface (RAS mm) and the margin in mm of each."""
        self._shells.show_others(tumors)

    @property
    def is_busy(self) -> bool:
        """True while a shell is being computed."""
        return self._shells.is_busy

    @property
    def margin_mm(self) -> float:
        """The margin around the tumor: the only one there is. A front end shows this one; the session's
        listeners hear of another, such as that of a case that is opened.
        """
        return self._tools.margin_mm

    def set_margin_mm(self, margin_mm: float) -> None:
        """The margin around the tumor, 0 to 20 mm, within which a tip is warned of; 0 hides its shell.

        Raises ConfigurationError for another one.
        """
        self.restore_margin_mm(margin_mm)
        self._workflow.touch()
        self._workflow.notify()

    def restore_margin_mm(self, margin_mm: float) -> None:
        """As set_margin_mm(), for a margin that comes with a case."""
        if not 0 <= margin_mm <= LARGEST_MARGIN_MM:
            raise ConfigurationError(
                tr(
                    "The margin is {margin_mm:g} mm; choose one from 0 to {largest_margin_mm:g} mm (0 shows no shell).",
                    margin_mm=margin_mm,
                    largest_margin_mm=LARGEST_MARGIN_MM,
                )
            )
        self._tools.margin_mm = float(margin_mm)
        self._tools.refresh()
        self._shells.show_margin(self._surface, self.margin_mm)

    @property
    def shows_uncertainty(self) -> bool:
        """What was asked of show_uncertainty() last."""
        return self._uncertainty

    def show_uncertainty(self, wanted: bool) -> None:
        """Show the two surfaces between which the model is unsure of the border; see uncertainty_shell()."""
        self.restore_uncertainty(wanted)
        self._workflow.touch()
        self._workflow.notify()

    def restore_uncertainty(self, wanted: bool) -> None:
        """As show_uncertainty(), for what comes with a case."""
        self._uncertainty = bool(wanted)
        self._shells.show_uncertainty(self._result() if wanted and self._surface is not None else None)

    def set_tumor(self, surface: vtkPolyData | None, distance: TumorDistance | None) -> None:
        """Another surface (RAS mm, not changed any more) and what measures to it; None for no tumor."""
        self._surface = surface
        self._tools.set_tumor(distance)
        self._shells.show_margin(surface, self.margin_mm)
        self.restore_uncertainty(self._uncertainty)

    @property
    def has_tumor(self) -> bool:
        """True when there is a surface to measure to."""
        return self._surface is not None

    def contours(self) -> list[np.ndarray]:
        """The tumor's outlines in the plane of the live image: (n, 2) pixels (u, v) each, none while it is not live."""
        image_to_reference = self._image.image_to_reference
        if self._surface is None or image_to_reference is None or not self._tools.may_measure():
            return []
        return contours_in_image(self._surface, image_to_reference)

    def forget(self) -> None:
        """The tumor is gone with its case."""
        self._surface = None
        self._shells.forget()

    def process(self) -> None:
        """Take in the shells that have been computed; called by the session's timer."""
        self._shells.process()

    def close(self) -> None:
        """Wait for the threads."""
        self._shells.close()
