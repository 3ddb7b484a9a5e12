"""A CT and what was found in it as nodes, for as long as somebody corrects them in the Segment Editor.

They lie in the frame of the CT, and not in Reference: they are in the scene only while nothing of an operation is, and
are never saved with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..preoperative.ct_slices import COLORS
from ..preoperative.structures import LIVER, TUMOR, VALUES, VESSELS, Structures
from . import names
from .conversion import put_volume
from .labelmap import mask_of, put_segment
from .nodes import get_or_create, remove, set_saved

if TYPE_CHECKING:
    from ..session.preoperative.opened_ct import OpenedCt

_SEGMENTATION, _VOLUME = "vtkMRMLSegmentationNode", "vtkMRMLScalarVolumeNode"
_WINDOW_HU, _LEVEL_HU = 350.0, 60.0
_FILLED = {LIVER: 0.0, VESSELS: 0.3, TUMOR: 0.4}


class CtEditing:
    """Puts them into `scene`, reads what was drawn, and takes them out again."""

    def __init__(self, scene: Any, ct: OpenedCt) -> None:
        assert ct.result is not None, "there is something to correct"
        self._scene, self._found = scene, ct.result.structures
        grid = self._found.label_map
        self.volume = get_or_create(scene, _VOLUME, names.CT_VOLUME, with_display=True)
        put_volume(self.volume, ct.volume if ct.volume is not None else grid)
        if ct.volume is not None:
            display = self.volume.GetDisplayNode()
            display.AutoWindowLevelOff()
            display.SetWindowLevel(_WINDOW_HU, _LEVEL_HU)
        self.segmentation = get_or_create(scene, _SEGMENTATION, names.CT_SEGMENTATION, with_display=True)
        self.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        for name in reversed(VALUES):
            red, green, blue = (channel / 255 for channel in COLORS[name])
            put_segment(self.segmentation, name, self._found.mask(name), color=(red, green, blue))
        # What is drawn must not hide what it is drawn on.
        for name, opacity in _FILLED.items():
            self.segmentation.GetDisplayNode().SetSegmentOpacity2DFill(name, opacity)
        for node in (self.volume, self.segmentation):
            set_saved(node, False)

    def masks(self) -> dict[str, np.ndarray]:
        """Boolean (k, j, i) of each of 'liver', 'vessels' and 'tumor' as drawn now, on the voxels of the CT."""
        found: Structures = self._found
        masks = {}
        for name in VALUES:
            drawn = mask_of(self.segmentation, name, found.label_map)
            masks[name] = np.zeros(found.label_map.voxels.shape, bool) if drawn is None else drawn.voxels > 0
        return masks

    @property
    def is_changed(self) -> bool:
        """Whether anything was drawn."""
        return any((mask != (self._found.mask(name).voxels > 0)).any() for name, mask in self.masks().items())

    def close(self) -> None:
        """Nothing of the CT is left in the scene."""
        remove(self._scene, _SEGMENTATION, names.CT_SEGMENTATION)
        remove(self._scene, _VOLUME, names.CT_VOLUME)
