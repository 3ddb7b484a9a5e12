"""Surfaces around one tumor: the shell at the margin, and how far the model is unsure of the border."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from ..navigation.margin_shell import margin_shell
from .jobs.latest import Latest

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..segmentation.segment import SegmentationResult


class Shell(Enum):
    """A surface around the tumor."""

    MARGIN = "margin"
    UNCERTAINTY_OUTER = "uncertainty outer"
    UNCERTAINTY_INNER = "uncertainty inner"


class Shells:
    """Made in the background, one for each Shell that is wanted.

    surfaces    those that are to be shown, vtkPolyData in RAS mm, never changed in place
    others      the shell at the margin around each further tumor, by its number, likewise
    on_changed  called when they were set, be it to the same
    """

    def __init__(self, on_changed: Callable[[], None]):
        self.surfaces: dict[Shell, vtkPolyData] = {}
        self._on_changed = on_changed
        self.others: dict[int, vtkPolyData] = {}
        self._others: dict[int, tuple[vtkPolyData, float]] = {}
        self._made: dict[int, tuple[vtkPolyData, float]] = {}
        self._margin, self._unsure = Latest("margin shell"), Latest("uncertainty shell")
        self._other = Latest("margin shell of another tumor")

    @property
    def is_busy(self) -> bool:
        """True while one is being computed."""
        return self._margin.is_busy or self._unsure.is_busy or self._other.is_busy

    def show_margin(self, surface: vtkPolyData | None, margin_mm: float) -> None:
        """Around this surface (RAS mm; not changed any more); None or 0 mm hides it."""
        if surface is None or margin_mm <= 0:
            self._margin.drop()
            self._set({Shell.MARGIN: None})
            return
        self._margin.request(
            lambda: lambda: margin_shell(surface, margin_mm),
            lambda shell: self._set({Shell.MARGIN: shell}),
            lambda error: self._set({Shell.MARGIN: None}),
        )

    def show_others(self, tumors: Mapping[int, tuple[vtkPolyData, float]]) -> None:
        """Around each of these, by its number: its surface (RAS mm; not changed any more) and its margin in mm. One
        after the other; 0 mm shows none.
        """
        self._others = {number: one for number, one in tumors.items() if one[1] > 0}
        gone = [number for number in self._made if not _is_same(self._made[number], self._others.get(number))]
        for number in gone:
            del self._made[number]
            self.others = {other: shell for other, shell in self.others.items() if other != number}
        if gone:
            self._on_changed()
        if not self._other.is_busy:
            self._make_next()

    def _make_next(self) -> None:
        number = next((number for number in self._others if number not in self._made), None)
        if number is None:
            return
        surface, margin_mm = one = self._others[number]

        def take(shell: vtkPolyData | None) -> None:
            if _is_same(one, self._others.get(number)):
                self._made[number] = one
                if shell is not None:
                    self.others = {**self.others, number: shell}
                    self._on_changed()
            self._make_next()

        self._other.request(lambda: lambda: margin_shell(surface, margin_mm), take, lambda error: take(None))

    def show_uncertainty(self, result: SegmentationResult | None) -> None:
        """Of this result; None hides it."""
        if result is None:
            self._unsure.drop()
            self._set_uncertainty((None, None))
            return
        self._unsure.request(
            lambda: result.uncertainty_shell,
            self._set_uncertainty,
            lambda error: self._set_uncertainty((None, None)),
        )

    def process(self) -> None:
        """Take in what has been computed."""
        self._margin.process()
        self._unsure.process()
        self._other.process()

    def forget(self) -> None:
        """What is being computed, or was shown, is not wanted any more."""
        self._margin.drop()
        self._unsure.drop()
        self._other.drop()
        self._others, self._made, self.others = {}, {}, {}
        self._set(dict.fromkeys(Shell))

    def close(self) -> None:
        """Wait for the threads."""
        self._margin.close()
        self._unsure.close()
        self._other.close()

    def _set_uncertainty(self, surfaces: tuple[vtkPolyData | None, vtkPolyData | None]) -> None:
        outer, inner = surfaces
        self._set({Shell.UNCERTAINTY_OUTER: outer, Shell.UNCERTAINTY_INNER: inner})

    def _set(self, surfaces: dict[Shell, vtkPolyData | None]) -> None:
        wanted = {**self.surfaces, **surfaces}
        self.surfaces = {shell: surface for shell, surface in wanted.items() if surface is not None}
        # Also when nothing was shown before: a view may hold shells of a scene that was loaded.
        self._on_changed()


def _is_same(one: tuple[vtkPolyData, float], other: tuple[vtkPolyData, float] | None) -> bool:
    return other is not None and one[0] is other[0] and one[1] == other[1]
