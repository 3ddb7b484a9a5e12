"""The reconstructed volume as a scalar volume node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import GeometryError
from ...session.volume import VolumePart, VolumeStatus
from ...values import Volume
from .. import names
from ..conversion import node_to_world, put_volume, volume_of
from ..nodes import find, get_or_create, is_stale, mark_stale
from .one_node_view import OneNodeView

_CLASS = "vtkMRMLScalarVolumeNode"
_GROWING = "CRLM.Growing"


class VolumeView(OneNodeView):
    """Shows the volume of a session.

    Who moves the node, or changes its voxels, makes another volume of it: what was made from the former one is stale.
    """

    def __init__(self, scene: Any, volume: VolumePart):
        super().__init__(scene, volume.changed)
        self._volume = volume
        self._shown: Volume | None = None

    def node(self) -> Any:
        """The volume's node; None when there is none."""
        return find(self._scene, _CLASS, names.VOLUME)

    def read(self) -> tuple[Volume | None, VolumeStatus, str]:
        """What the scene holds: the volume, what it is good for, and why it has no place in Reference ('' if it has).

        What is read is not written back when the session takes it.
        """
        node, problem = self.node(), ""
        self._shown = None
        if node is None or node.GetImageData() is None:
            self._observed.release()
            return None, VolumeStatus.NONE, problem
        self._observe(node)
        if is_stale(node):
            return None, VolumeStatus.STALE, problem
        try:
            self._shown = volume_of(node)
        except GeometryError as error:
            problem = str(error)
        return self._shown, VolumeStatus.GROWING if node.GetAttribute(_GROWING) else VolumeStatus.CURRENT, problem

    def check_nodes(self) -> None:
        """Who deletes the node, deletes the volume."""
        node = self._observed.node
        if node is not None and not self._scene.IsNodePresent(node):
            self._observed.release()
            self._volume.remove()

    def _show(self) -> None:
        """The volume has changed."""
        if self._observed.is_quiet:
            return
        status, volume = self._volume.status, self._volume.shown
        if status is VolumeStatus.NONE:
            self._shown = None
            self._remove_node()
        elif status is VolumeStatus.STALE:
            self._shown = None
            mark_stale(self.node(), True)
        elif volume is not None and volume is not self._shown:
            self._put(volume, status)

    def _put(self, volume: Volume, status: VolumeStatus) -> None:
        node = get_or_create(self._scene, _CLASS, names.VOLUME, with_display=True)
        self._observe(node)
        try:
            with self._observed.quiet():
                # Whatever transform the node lies under.
                to_node = np.linalg.inv(node_to_world(node))
                put_volume(node, replace(volume, ijk_to_ras=to_node @ volume.ijk_to_ras))
                if volume.voxels.dtype == np.uint8:
                    node.GetScalarVolumeDisplayNode().AutoWindowLevelOff()
                    node.GetScalarVolumeDisplayNode().SetWindowLevelMinMax(0, 255)
                node.SetAttribute(_GROWING, "true" if status is VolumeStatus.GROWING else None)
                mark_stale(node, False)
        except GeometryError as error:
            with self._observed.quiet():
                self._volume.set_problem(str(error))
            return
        self._shown = volume

    def _on_moved(self) -> None:
        """Something of the node has changed, or a transform above it: perhaps where it lies."""
        self._follow(with_voxels=False)

    def _on_voxels_changed(self) -> None:
        self._follow(with_voxels=True)

    def _follow(self, with_voxels: bool) -> None:
        if self._observed.is_quiet or not self._volume.is_there or self._scene.IsClosing() or self._scene.IsImporting():
            return
        known = self._volume.shown
        try:
            now = volume_of(self._observed.node, copy=False)
        except GeometryError as error:
            with self._observed.quiet():
                self._volume.set_problem(str(error))
            return
        if known is not None and known is not self._shown:
            # It could not be shown before.
            self._volume.set(known)
            return
        with self._observed.quiet():
            if now is None:
                self._volume.remove()
            elif known is None or (with_voxels and not np.array_equal(now.voxels, known.voxels)):
                self._take(volume_of(self._observed.node))
            elif self._volume.problem or not known.has_geometry_of(now):
                self._take(replace(known, ijk_to_ras=now.ijk_to_ras))

    def _take(self, volume: Volume | None) -> None:
        self._shown = volume
        if volume is not None:
            self._volume.set(volume)

    def _observe(self, node: Any) -> None:
        self._observed.observe(
            node,
            {
                "ModifiedEvent": self._on_moved,
                node.TransformModifiedEvent: self._on_moved,
                node.ImageDataModifiedEvent: self._on_voxels_changed,
            },
        )
