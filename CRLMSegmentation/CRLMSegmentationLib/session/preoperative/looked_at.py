"""What of a CT is looked at: which slices of it, and which of its structures are shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...errors import ConfigurationError
from ...preoperative.ct_slices import COLORS
from ...words import tr
from ..event import Event
from .opened_ct import OpenedCt


class LookedAt:
    """At most one CT at a time.

    ct       that is looked at; None when none is
    at       the slice of each plane that is looked at
    changed  event: another CT, result, slice, choice or progress
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self.ct: OpenedCt | None = None
        self.at: dict[str, int] = {}
        self.changed: Event[[]] = Event(on_error)
        self._shown = dict.fromkeys(COLORS, True)

    @property
    def structures(self) -> list[str]:
        """What was found and can be shown or hidden by itself, in the order in which it is drawn."""
        return [name for name in COLORS if self.ct is not None and name in self.ct.surfaces]

    @property
    def shown(self) -> list[str]:
        """Of these, those that are shown."""
        return [name for name in self.structures if self._shown[name]]

    def show(self, name: str, wanted: bool) -> None:
        """Show or hide one of the structures. Raises ConfigurationError for another name."""
        if name not in self._shown:
            raise ConfigurationError(
                tr("There is no structure '{name}': there are {colors}.", name=name[:20], colors=", ".join(COLORS))
            )
        self._shown[name] = bool(wanted)
        self.changed()

    def go_to(self, at: dict[str, int]) -> None:
        """Look at these slices, by plane; another plane stays."""
        if self.ct is not None:
            for plane, number in at.items():
                if plane in self.at:
                    self.at[plane] = int(min(max(number, 0), self.ct.slices.count(plane) - 1))
            self.changed()

    def go_to_lesion(self, number: int) -> None:
        """Look at the slice in which this lesion was measured. Raises ConfigurationError when there is no such one."""
        lesions = self.ct.result.measures.lesions if self.ct is not None and self.ct.result is not None else ()
        chosen = [one for one in lesions if one.number == number]
        if not chosen or self.ct is None:
            raise ConfigurationError(tr("There is no lesion {number} in the table.", number=number))
        self.go_to(self.ct.slices.at(np.array(chosen[0].center_ras_mm)))
