"""The parameter node of the module: what the user can set, saved with the scene and bound to the widgets by name."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import ctk
import qt
import slicer
from CRLMSegmentationLib.values.defaults import (
    DEFAULT_BOX_EDGE_MM,
    DEFAULT_PORT,
    DEFAULT_PUBLISHING_PORT,
    DEFAULT_SAFETY_MARGIN_MM,
    DEFAULT_SPACING_MM,
    DEFAULT_THRESHOLD,
)
from CRLMSegmentationLib.words import tr as _
from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper
from slicer.parameterNodeWrapper.guiConnectors import GuiConnector, parameterNodeGuiConnector
from slicer.parameterNodeWrapper.util import unannotatedType

from . import sample


class Device(enum.Enum):
    """What the model runs on; the values are those of the session."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"

    def label(self) -> str:
        """For people."""
        return {
            "auto": _("Automatic"),
            "cpu": _("Processor (CPU)"),
            "cuda": _("Graphics card (GPU)"),
        }[self.value]


def _documents() -> Path:
    return Path(qt.QStandardPaths.writableLocation(qt.QStandardPaths.DocumentsLocation)) / "CRLM Navigation"


@parameterNodeGuiConnector
class PathTextConnector(GuiConnector):
    """A ctkPathLineEdit bound to a string, so that no path at all is '' and not the '.' that pathlib makes of it."""

    @staticmethod
    def canRepresent(widget: qt.QWidget, datatype: object) -> bool:
        return type(widget) is ctk.ctkPathLineEdit and unannotatedType(datatype) is str

    @staticmethod
    def create(widget: qt.QWidget, datatype: object) -> PathTextConnector | None:
        return PathTextConnector(widget) if PathTextConnector.canRepresent(widget, datatype) else None

    def __init__(self, widget: ctk.ctkPathLineEdit):
        super().__init__()
        self._widget = widget

    def _connect(self) -> None:
        self._widget.currentPathChanged.connect(self.changed)

    def _disconnect(self) -> None:
        self._widget.currentPathChanged.disconnect(self.changed)

    def widget(self) -> ctk.ctkPathLineEdit:
        return self._widget

    def read(self) -> str:
        return self._widget.currentPath

    def write(self, value: str) -> None:
        self._widget.currentPath = value


@parameterNodeWrapper
class Parameters:
    """Every field has the widget that bears its name as SlicerParameterName in Resources/UI/CRLMSegmentation.ui."""

    # Connect
    host: str = "localhost"
    port: Annotated[int, WithinRange(1, 65535)] = DEFAULT_PORT
    useSlicerConnector: bool = False
    imageNode: slicer.vtkMRMLScalarVolumeNode
    poseNode: slicer.vtkMRMLLinearTransformNode
    plusConfiguration: str = ""
    replayPath: str = str(sample.SWEEP)
    replaySpeed: Annotated[float, WithinRange(0.1, 10.0)] = 1.0
    # Record
    recordFolder: Annotated[Path, Default(_documents() / "Recordings")]
    liveReconstruction: bool = True
    spacingMm: Annotated[float, WithinRange(0.2, 3.0)] = DEFAULT_SPACING_MM
    # Box
    boxSizeMm: Annotated[float, WithinRange(10.0, 150.0)] = DEFAULT_BOX_EDGE_MM
    boxIsTight: bool = False
    # Segment
    device: Device = Device.AUTO
    threshold: Annotated[float, WithinRange(0.01, 0.99)] = DEFAULT_THRESHOLD
    smoothing: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    showUncertainty: bool = False
    # Navigate
    marginMm: Annotated[float, WithinRange(0.0, 20.0)] = DEFAULT_SAFETY_MARGIN_MM
    sound: bool = False
    useSlicerIgt: bool = True
    publishPort: Annotated[int, WithinRange(1, 65535)] = DEFAULT_PUBLISHING_PORT
    publishOpenly: bool = False
    # Laparoscope
    scopeImage: str = "Laparoscope"
    scopeDevice: Annotated[int, WithinRange(0, 63)] = 0
    scopeBoard: str = ""
    scopeSquareMm: Annotated[float, WithinRange(0.5, 100.0)] = 10.0
    # Case
    caseFolder: Annotated[Path, Default(_documents() / "Cases")]
