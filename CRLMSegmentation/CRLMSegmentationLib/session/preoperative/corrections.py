"""Corrections by hand of what was found in a CT: each can be undone, and the result says that it was corrected.

The result of the network stays in its folder; what is corrected is kept in another one beside it.
"""

from __future__ import annotations

import datetime
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from ...preoperative.corrections import with_ball, with_masks, without_lesion
from ...preoperative.structures import VALUES, Structures, structures_of_map
from ...words import tr
from ..state import NO_CT_RESULT
from . import reading
from .opened_ct import OpenedCt

if TYPE_CHECKING:
    from .preoperative_part import PreoperativePart

CORRECTIONS = "corrections"


@dataclass(frozen=True)
class _Earlier:
    """What a correction was made of, packed: a map of labels is a hundredth of itself.

    folder  in which it is kept, and about what is said of it there
    """

    folder: Path | None
    about: dict[str, Any]
    label_map: bytes
    kinds: bytes | None

    @classmethod
    def of(cls, ct: OpenedCt) -> _Earlier:
        assert ct.result is not None
        found = ct.result.structures
        kinds = None if found.kinds is None else zlib.compress(found.kinds.voxels.tobytes(), 1)
        packed = zlib.compress(np.ascontiguousarray(found.label_map.voxels, dtype=np.uint8).tobytes(), 1)
        return cls(ct.folder, dict(ct.result.about), packed, kinds)

    def structures(self, like: Structures) -> Structures:
        """On the voxels of `like`."""
        shape = like.label_map.voxels.shape

        def voxels(packed: bytes) -> np.ndarray:
            return np.frombuffer(zlib.decompress(packed), dtype=np.uint8).reshape(shape).copy()

        kinds = None if self.kinds is None else voxels(self.kinds)
        return structures_of_map(like.label_map.with_voxels(voxels(self.label_map)), kinds)


class Corrections:
    """Of the CT that is open. made: how many there are to be undone."""

    def __init__(self, part: PreoperativePart) -> None:
        self._part = part
        self._earlier: list[_Earlier] = []

    @property
    def made(self) -> int:
        return len(self._earlier)

    def remove_lesion(self, number: int) -> None:
        """What was marked as this lesion is none. Raises ConfigurationError when there is no such one."""
        lesions = self._with_result()[1].lesion_count
        if not 1 <= number <= lesions:
            raise ConfigurationError(tr("There is no lesion {number} in the table.", number=number))
        self._start(partial(without_lesion, number=number), tr("lesion {number} removed", number=number))

    def ball(self, name: str, radius_mm: float, erases: bool = False) -> None:
        """Draw or erase a ball of 'liver', 'vessels' or 'tumor' at the place that is looked at."""
        ct, _ = self._with_result()
        place = ct.slices.point_of(self._part.at)
        change = partial(with_ball, name=name, center_ras_mm=place, radius_mm=radius_mm, erases=erases)
        self._start(
            change,
            tr("{name}: a ball of {radius:g} mm radius erased", name=tr(name), radius=radius_mm)
            if erases
            else tr("{name}: a ball of {radius:g} mm radius drawn", name=tr(name), radius=radius_mm),
        )

    def take(self, masks: dict[str, np.ndarray]) -> None:
        """Structures as somebody has drawn them: a mask (k, j, i) of each of 'liver', 'vessels', 'tumor'."""
        _, found = self._with_result()
        for name in VALUES:
            if name not in masks or masks[name].shape != found.label_map.voxels.shape:
                raise ConfigurationError(tr("The drawing of '{name}' does not lie on the voxels of the CT.", name=name))
        self._start(partial(with_masks, masks=masks), tr("drawn in the Segment Editor"))

    def undo(self) -> None:
        """As it was before the last correction. Raises ConfigurationError when there is none."""
        if not self._earlier:
            raise ConfigurationError(tr("There is no correction to undo."))
        ct, found = self._with_result()
        earlier = self._earlier[-1]
        leaves = ct.folder if ct.folder != earlier.folder else None

        def done(undone: OpenedCt) -> None:
            self._earlier.pop()
            if leaves is not None:
                # Made by the correction that is undone: nothing else is in it.
                shutil.rmtree(leaves, ignore_errors=True)
            self._show(undone)

        compute = reading.corrected(
            ct, lambda: earlier.structures(found), earlier.about, earlier.folder, is_kept=leaves is not None
        )
        self._part.compute(compute, done, tr("Undoing the last correction"))

    def forget(self) -> None:
        """Another CT is looked at: nothing can be undone any more."""
        self._earlier.clear()

    def _start(self, change: Callable[[Structures], Structures], what: str) -> None:
        ct, found = self._with_result()
        assert ct.result is not None
        earlier = _Earlier.of(ct)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        made = [*ct.result.about.get(CORRECTIONS, ()), {"what": what, "at": now}]
        about = {**ct.result.about, CORRECTIONS: made}
        # The first one gets a folder of its own, those that follow are kept in it.
        folder = ct.folder if self._earlier else None

        def done(corrected: OpenedCt) -> None:
            self._earlier.append(earlier)
            self._show(corrected)

        compute = reading.corrected(ct, lambda: change(found), about, folder, self._new_folder(ct))
        self._part.compute(compute, done, tr("Correcting"))

    def _show(self, ct: OpenedCt) -> None:
        self._part.replace_ct(ct)
        self._part.remnant.take(ct.result)

    def _new_folder(self, ct: OpenedCt) -> Callable[[], Path] | None:
        """Beside the results; None where there is none to keep it in."""
        parent = self._part.folder
        return None if parent is None else partial(reading.new_folder, parent, ct.facts.date, "-corrected")

    def _with_result(self) -> tuple[OpenedCt, Structures]:
        ct = self._part.ct
        if ct is None or ct.result is None:
            raise ConfigurationError(NO_CT_RESULT)
        return ct, ct.result.structures
