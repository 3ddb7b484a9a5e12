"""The tumors of one case, in their order. The steps work on one of them, the chosen one.

What the steps show and change is always `session.box` and `session.tumor`; those of the other tumors are kept here, as
plain values that are never changed in place, and take their place when another tumor is chosen. What was found in an
earlier volume is kept, too, marked as such: it is measured to and drawn beside what is current, and is never taken for
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...navigation.several_tumors import MeasuredTumor, joined
from ...values import Box
from ..box import BoxPart
from ..case.case_facts import CaseFacts
from ..event import Event
from ..jobs.jobs import Jobs
from ..state import TUMOR_BEING_FOUND, Step
from ..structures import StructuresPart
from ..tools import Tools
from ..tumor.saved_tumor import SavedTumor
from ..tumor.tumor import TumorPart
from ..volume import VolumePart
from ..workflow import Workflow
from .case_tumor import LONGEST_NAME, MOST_TUMORS, CaseTumor, Found, Scan, color_of
from .margin_log import MarginLog
from .scans import Scans

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...navigation.distance import TumorDistance


class TumorsPart:
    """The tumors of one session.

    recording  gives the file of the sweep that is worked on, as this program has written it; None where there is none
    on_error   called with what a handler of an event raises

    current_others  by number the surfaces (RAS mm) of `others` that were found in the present volume
    changed    event: which tumors there are, how they are called, which one is chosen, or what was found of any
    forgotten  event: all is as at the beginning; what is shown of it belongs to another case, and is left alone
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, box: BoxPart, tumor: TumorPart,
        structures: StructuresPart, tools: Tools, recording: Callable[[], Path | None],
        on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self.forgotten: Event[[]] = Event(on_error)
        self._workflow, self._jobs, self._box, self._tumor = workflow, jobs, box, tumor
        self._structures, self._tools = structures, tools
        self._scans = Scans(volume, recording)
        self._tumors = [self._new(1)]
        self._chosen = self._newest_number = 1
        self._is_switching = False
        self.current_others: dict[int, vtkPolyData] = {}
        self._joined: vtkPolyData | None = None
        self._joined_of: list[vtkPolyData] = []
        self._margin_log = MarginLog(workflow.log, tools, lambda: self._entry(self._chosen).name)
        tumor.others_are_shown = self._others_are_shown
        # With another margin, too.
        structures.changed.connect(self._measure)

    # What there is

    @property
    def all(self) -> tuple[CaseTumor, ...]:
        """Every tumor, be it an empty one that was just added. While nothing was placed, there is one."""
        return tuple(self._now(tumor) for tumor in self._tumors)

    @property
    def chosen(self) -> CaseTumor:
        """The one that the steps work on."""
        return self._now(self._entry(self._chosen))

    @property
    def others(self) -> tuple[CaseTumor, ...]:
        """What was found beside what `session.tumor` shows: of other tumors, and of the chosen one in an earlier volume
        while nothing was found in this one.
        """
        return tuple(one for one in self.all if one.found is not None and (one.number != self._chosen or one.is_stale))

    @property
    def scan(self) -> Scan | None:
        """The volume that is worked on, and its sweep; None while there is none."""
        return self._scans.current

    @property
    def surface(self) -> vtkPolyData | None:
        """All that was found in the present volume, RAS mm, as one surface that is never changed in place; None for
        nothing.
        """
        shown = [*([] if self._tumor.surface is None else [self._tumor.surface]), *self.current_others.values()]
        if len(shown) <= 1:
            return shown[0] if shown else None
        if len(shown) != len(self._joined_of) or any(one is not other for one, other in zip(shown, self._joined_of)):
            self._joined, self._joined_of = joined(shown), shown
        return self._joined

    @property
    def is_any(self) -> bool:
        """True when a tumor was placed, found, or added beside the first."""
        return len(self._tumors) > 1 or not self.chosen.is_empty

    def get(self, number: int) -> CaseTumor:
        """The tumor of that number. Raises ConfigurationError when there is none."""
        return self._now(self._entry(number))

    # What a person does

    def add(self) -> CaseTumor:
        """Another tumor, which is chosen: the box that is placed next is its own. An empty one that is there already is
        taken first. Raises ConfigurationError when the case is full, or a tumor is being found.
        """
        empty = next((one for one in self.all if one.is_empty), None)
        if empty is not None and empty.number == self._chosen:
            return self.chosen
        if empty is None and len(self._tumors) >= MOST_TUMORS:
            raise ConfigurationError(f"A case holds {MOST_TUMORS} tumors at most; delete one that is not needed.")
        with self._workflow.held():
            self._leave()
            if empty is None:
                self._newest_number += 1
                empty = replace(self._new(self._newest_number), margin_mm=self._structures.margin_mm)
                self._tumors.append(empty)
                self._workflow.log.add("tumor added", tumor=empty.name)
            self._choose(empty.number)
        return self.chosen

    def place(self, box: Box) -> None:
        """Place a box that was proposed: around the chosen tumor, or around another one, which is added, when what was
        found of the chosen one does not lie in it. Raises as add() does.
        """
        found = self.chosen.found
        if found is not None and not box.holds(np.array(found.surface.GetCenter())):
            self.add()
        self._box.set(box, tight=False)

    def choose(self, number: int) -> None:
        """Work on that tumor from now on. A correction by hand that goes on ends.

        Raises ConfigurationError when there is no such tumor, or one is being found.
        """
        name = self._entry(number).name
        if number == self._chosen:
            return
        with self._workflow.held():
            self._leave()
            self._choose(number)
            self._workflow.log.add("tumor chosen", tumor=name)

    def rename(self, number: int, name: str) -> None:
        """Call a tumor otherwise. No name of a person should be in it: it is saved with the case.

        Raises ConfigurationError for a name that is empty, too long, or another tumor's.
        """
        tumor, name = self._entry(number), " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise ConfigurationError(f"A tumor's name has 1 to {LONGEST_NAME} characters.")
        if any(one.name == name and one.number != number for one in self._tumors):
            raise ConfigurationError(f"There is a tumor {name} already.")
        if name != tumor.name:
            self._workflow.log.add("tumor renamed", tumor=tumor.name, to=name)
            self._put(replace(tumor, name=name))
            self._report()

    def delete(self, number: int) -> None:
        """Take a tumor out of the case, with its box, and whatever a hand has made of it.

        When it is the chosen one the next is chosen, or an empty one when there is no other. Raises ConfigurationError
        when there is no such tumor, or the chosen one is being found.
        """
        tumor = self._entry(number)
        if number == self._chosen:
            self._check_idle()
        with self._workflow.held():
            place = self._tumors.index(tumor)
            self._tumors.remove(tumor)
            self._measure()
            self._workflow.log.add("tumor deleted", tumor=tumor.name)
            if not self._tumors:
                self._newest_number += 1
                self._tumors.append(replace(self._new(self._newest_number), margin_mm=self._structures.margin_mm))
            if number == self._chosen:
                self._choose(self._tumors[min(place, len(self._tumors) - 1)].number)
            else:
                self._tumor.check_navigate()
                self._report()

    # What the session does

    def take(self, surface: vtkPolyData | None, distance: TumorDistance | None) -> None:
        """`session.tumor` shows this surface now, or none any more."""
        if self._is_switching:
            return
        entry = self._entry(self._chosen)
        if surface is not None and distance is not None:
            self._put(replace(entry, found=Found(surface, distance, self.scan, self._tumor.state)))
        elif entry.found is not None and entry.found.scan is self.scan:
            # What was found in an earlier volume stays until something is found in this one.
            self._put(replace(entry, found=None))
        self._measure()
        self.changed()

    def follow_volume(self) -> None:
        """There is another volume to work with, or none any more; the tumor of the former one is hidden after this."""
        ended = self._scans.follow()
        if ended is not None:
            before, kept = ended
            self._tumors = [_moved(one, before, kept) for one in self._tumors]
        self._measure()
        self.changed()

    def restore(self, tumors: Sequence[CaseTumor], chosen: int, scan_number: int) -> None:
        """Take the tumors of a case that is being opened, after its volume, and before its box and its chosen tumor.

        scan_number  of the sweep of its volume
        What was found in the volume itself comes with a scan that holds that very volume.
        """
        if tumors:
            self._tumors, self._chosen = list(tumors), chosen
            self._newest_number = max(one.number for one in tumors)
            self._tumor.color = self._entry(chosen).color
        self._scans.restore(scan_number)
        self._tumors = [_of_scan(one, self.scan) for one in self._tumors]
        self._measure()
        self.changed()

    def forget(self) -> None:
        """As at the beginning."""
        self._tumors, self._chosen, self._newest_number = [self._new(1)], 1, 1
        self._scans.forget()
        self._tumor.color = self._tumors[0].color
        self._measure()
        self.forgotten()
        self.changed()

    # How it is done

    @staticmethod
    def _new(number: int) -> CaseTumor:
        return CaseTumor(number, f"T{number}", color_of(number))

    def _entry(self, number: int) -> CaseTumor:
        """As it was when it was left."""
        for tumor in self._tumors:
            if tumor.number == number:
                return tumor
        raise ConfigurationError("There is no such tumor in this case any more.")

    def _put(self, tumor: CaseTumor) -> None:
        self._tumors = [tumor if one.number == tumor.number else one for one in self._tumors]

    def _now(self, tumor: CaseTumor) -> CaseTumor:
        """As it is now: the chosen one is what the parts hold."""
        found = tumor.found
        is_stale = found is not None and found.scan is not self.scan
        scan = self.scan if is_stale else None
        same = scan is not None and found is not None and found.scan is not None and found.scan.number == scan.number
        tumor = replace(tumor, is_stale=is_stale, is_of_this_sweep=same)
        if tumor.number != self._chosen:
            return tumor
        if found is not None and not is_stale:
            found = replace(found, acknowledged=self._tumor.doubts_acknowledged)
        return replace(
            tumor, box=self._box.known, box_is_tight=self._box.is_tight, margin_mm=self._structures.margin_mm,
            found=found,
        )  # fmt: skip

    def _check_idle(self) -> None:
        if Step.SEGMENT in self._jobs.steps:
            raise ConfigurationError(TUMOR_BEING_FOUND)

    def _leave(self) -> None:
        """Keep what the parts hold of the chosen tumor, the last strokes included."""
        self._check_idle()
        self._tumor.end_correction()
        self._tumor.finish_shaping()
        self._put(self.chosen)

    def _choose(self, number: int) -> None:
        """Have the parts hold that tumor."""
        tumor, part = self._entry(number), self._tumor
        self._chosen, part.color = number, tumor.color
        found = tumor.found
        is_current = found is not None and found.scan is self.scan
        self._is_switching = True
        try:
            is_stale = found is not None and not is_current
            part.leave(was_shown=is_stale, message=f"out of date: {self.get(number).origin}" if is_stale else "")
        finally:
            self._is_switching = False
        self._box.restore(tumor.box, tumor.box_is_tight)
        self._structures.restore_margin_mm(tumor.margin_mm)
        if found is not None and is_current:
            if found.state is not None:
                part.restore(found.state, acknowledged=found.acknowledged)
            else:
                part.restore_saved(SavedTumor(surface=found.surface, is_any=True), CaseFacts())
        else:
            self._workflow.rest(Step.SEGMENT, self._workflow.state[Step.SEGMENT].message)
        self._report()

    def _report(self) -> None:
        self._measure()
        self._workflow.edited()
        self.changed()
        self._workflow.notify()

    def _measure(self) -> None:
        """Have the tools measure to what was found beside the tumor that they measure to already."""
        others = [(one, one.found) for one in self.others if one.found is not None]
        self.current_others = {one.number: found.surface for one, found in others if not one.is_stale}
        self._tools.set_others([
            MeasuredTumor(
                one.number, one.name, found.distance, one.margin_mm, one.origin if one.is_stale else ""
            )
            for one, found in others
        ])  # fmt: skip

    def _others_are_shown(self) -> bool:
        return bool(self.current_others)


def _moved(tumor: CaseTumor, before: Scan, kept: Scan | None) -> CaseTumor:
    """What was found in `before` was found in `kept` from now on; None: it is gone with its volume."""
    found = tumor.found
    if found is None or found.scan is not before:
        return tumor
    return replace(tumor, found=None if kept is None else replace(found, scan=kept))


def _of_scan(tumor: CaseTumor, scan: Scan | None) -> CaseTumor:
    """What was found in the volume of `scan` was found in that scan."""
    found = tumor.found
    if scan is None or found is None or found.scan is None or found.scan.volume is not scan.volume:
        return tumor
    return replace(tumor, found=replace(found, scan=scan))
