"""What of a case is not worked on now, as hidden nodes, so that a scene that is saved holds all of it.

They are the voxels of the tumors beside the chosen one, and the volumes beside the one that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...session.case.tumor_files import TumorFiles
from ...session.tumor.labelmap import Labelmap
from ...session.tumor.tumor_state import TumorState
from ...session.tumors.case_tumor import MOST_TUMORS, Scan
from ...session.tumors.scan_facts import sweep_number
from ...values import Volume
from .. import names
from ..conversion import put_volume, volume_of
from ..nodes import find, get_or_create, remove_node
from ..own_nodes import numbered_nodes

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_VOLUME, _LABELS = "vtkMRMLScalarVolumeNode", "vtkMRMLLabelMapVolumeNode"


class KeptNodes:
    """Hidden nodes of one scene (vtkMRMLScene), written when what they hold is another."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._states: dict[int, TumorState] = {}
        self._volumes: list[Volume] = []

    def forget(self) -> None:
        """The nodes belong to another case."""
        self._states, self._volumes = {}, []

    def put_tumors(self, states: Mapping[int, TumorState]) -> None:
        """Keep these, by the numbers of their tumors, and no others."""
        for number in [number for number in self._states if number not in states]:
            self._remove(names.of_other(kind, number) for kind in names.OTHER_VOXELS)
            del self._states[number]
        for number, state in states.items():
            if self._states.get(number) is not state:
                self._put_tumor(number, state)
                self._states[number] = state

    def put_volumes(self, scans: Sequence[Scan]) -> None:
        """Keep the volumes of these scans, in this order, and no others."""
        volumes = [scan.volume for scan in scans if scan.volume is not None]
        for number, volume in enumerate(volumes, start=1):
            if number > len(self._volumes) or self._volumes[number - 1] is not volume:
                put_volume(self._hidden(_VOLUME, names.of_other(names.OTHER_VOLUME, number)), volume)
        self._remove(
            names.of_other(names.OTHER_VOLUME, number) for number in range(len(volumes) + 1, len(self._volumes) + 1)
        )
        self._volumes = volumes

    def tumor(self, number: int, surface: vtkPolyData, grid: Volume | None) -> TumorFiles:
        """What the scene holds of that tumor, on the voxels of `grid`; its surface (RAS mm) alone without one."""
        voxels = [find(self._scene, _LABELS, names.of_other(kind, number)) for kind in names.OTHER_LABELS]
        mask, corrections = (volume_of(node) for node in voxels)
        if mask is None or grid is None:
            return TumorFiles(number, surface)
        on_grid = [
            None if one is None else Labelmap(one.voxels, one.ijk_to_ras).mask_on(grid) for one in (mask, corrections)
        ]  # fmt: skip
        probability = volume_of(find(self._scene, _VOLUME, names.of_other(names.OTHER_PROBABILITY, number)))
        return TumorFiles(number, surface, on_grid[0], probability, on_grid[1])

    def scans(self, facts: Mapping[str, Any]) -> dict[int, Scan]:
        """What the scene holds, by the number in the list of volumes of the case's facts."""
        found: dict[int, Scan] = {}
        for number in range(1, MOST_TUMORS + 1):
            volume = volume_of(find(self._scene, _VOLUME, names.of_other(names.OTHER_VOLUME, number)))
            if volume is None:
                break
            found[number] = Scan(sweep_number(facts, number), volume)
        # What was read is not written back.
        self._volumes = [scan.volume for scan in found.values() if scan.volume is not None]
        return found

    def restore(self) -> None:
        """Nodes were taken out of the scene: those that are to be kept come back."""
        states, volumes = self._states, self._volumes
        self.forget()
        self.put_tumors(states)
        self.put_volumes([Scan(0, volume) for volume in volumes])

    @property
    def is_whole(self) -> bool:
        """False when somebody has deleted one."""
        wanted = [names.of_other(names.OTHER_MASK, number) for number in self._states]
        wanted += [names.of_other(names.OTHER_VOLUME, number) for number in range(1, len(self._volumes) + 1)]
        there = {role for _, role in numbered_nodes(self._scene)}
        return there.issuperset(wanted)

    def _put_tumor(self, number: int, state: TumorState) -> None:
        labels = state.corrections.labels
        mask = Labelmap(state.mask.voxels, state.mask.ijk_to_ras).cropped()
        self._put_labels(names.of_other(names.OTHER_MASK, number), mask)
        fits = labels is not None and labels.shape == state.mask.voxels.shape and state.is_corrected
        corrections = Labelmap(labels, state.mask.ijk_to_ras).cropped() if labels is not None and fits else None
        self._put_labels(names.of_other(names.OTHER_CORRECTIONS, number), corrections)
        role = names.of_other(names.OTHER_PROBABILITY, number)
        if state.probability is None:
            self._remove([role])
        else:
            node = self._hidden(_VOLUME, role)
            put_volume(node, state.probability.with_seen(None))
            # Most of its digits are noise: compressing takes half the time of a save.
            node.AddDefaultStorageNode()
            node.GetStorageNode().SetUseCompression(False)

    def _put_labels(self, role: str, labels: Labelmap | None) -> None:
        if labels is None or not labels.voxels.size:
            self._remove([role])
        else:
            put_volume(self._hidden(_LABELS, role), Volume(labels.voxels, labels.ijk_to_reference))

    def _hidden(self, class_name: str, role: str) -> Any:
        node = get_or_create(self._scene, class_name, role)
        node.SetHideFromEditors(True)
        return node

    def _remove(self, roles: Iterable[str]) -> None:
        roles = set(roles)
        for node, role in numbered_nodes(self._scene) if roles else ():
            if role in roles or role in {f"{one}{names.SEEN_SUFFIX}" for one in roles}:
                remove_node(self._scene, node)
