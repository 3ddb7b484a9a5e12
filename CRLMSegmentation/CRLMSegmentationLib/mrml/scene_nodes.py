"""Where what a session holds is in the scene: nodes for views, the Segment Editor, and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..navigation.tool_transforms import DEFAULT_TOOL, tip_to_tool
from . import names
from .nodes import find

if TYPE_CHECKING:
    from ..session.session import Session


class SceneNodes:
    """The nodes of one session. Each function gives None when the node is not there."""

    def __init__(self, session: Session):
        self._session, self._scene = session, session.scene

    def box(self):
        """The Markups ROI, made when it is not there. Dragging its handles is the same as box.set()."""
        return self._session.view.box.node()

    def volume(self):
        """Of the reconstructed volume."""
        return self._session.view.volume.node()

    def live_image(self):
        """Of the live ultrasound image; it lies under image_to_reference()."""
        return find(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)

    def image_to_reference(self):
        """The transform of the live image."""
        return find(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)

    def surface(self):
        """The model of the tumor's surface."""
        return self._session.view.tumor.nodes.surface_node()

    def segmentation(self):
        """The segmentation that is corrected by hand."""
        return self._session.view.tumor.nodes.segmentation_node()

    def probability(self):
        """The volume of the tumor's probability."""
        return self._session.view.tumor.nodes.probability_node()

    def tool_tip(self, name: str = DEFAULT_TOOL):
        """The transform of a tool's tip, under that of the tool: TipToTool, ToolToReference."""
        return find(self._scene, "vtkMRMLLinearTransformNode", tip_to_tool(name))

    def margin(self):
        """The model of the shell at the margin's distance; None while it is not shown."""
        return self._session.view.structures.margin_node()
