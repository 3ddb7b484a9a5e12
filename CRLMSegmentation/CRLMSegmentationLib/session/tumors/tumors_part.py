"""The tumors of one case, in their order. The steps work on one of them, the chosen one.

What the steps show and change is always `session.box` and `session.tumor`; those of the other tumors are kept here, as
plain values that are never changed in place, and take their place when another tumor is chosen. What was found in an
earlier volume is kept, too, marked as such: it is measured to and drawn beside what is current, and is never taken for
it. Choosing it brings its volume and its sweep back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...values import Box
from ...words import mark, tr
from ..box import BoxPart
from ..case.case_facts import CaseFacts
from ..event import Event
from ..jobs.jobs import Jobs
from ..recording import RecordingPart
from ..state import MOST_TUMORS_THERE, TUMOR_BEING_FOUND, Step
from ..structures import StructuresPart
from ..tools import Tools
from ..tumor.saved_tumor import SavedTumor
from ..tumor.tumor import TumorPart
from ..volume import VolumePart
from ..workflow import Workflow
from .case_tumor import MOST_TUMORS, CaseTumor, Found, Scan, beside, color_of, name_problem, seen_from
from .margin_log import MarginLog
from .measured import Measured
from .scans import Scans, moved, of_scan

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...navigation.distance import TumorDistance


class TumorsPart:
    """The tumors of one session.

    on_error   called with what a handler of an event raises

    changed    event: which tumors there are, how they are called, which one is chosen, or what was found of any
    forgotten  event: all is as at the beginning; what is shown of it belongs to another case, and is left alone
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, box: BoxPart, tumor: TumorPart,
        structures: StructuresPart, tools: Tools, recording: RecordingPart,
        on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self.forgotten: Event[[]] = Event(on_error)
        self._workflow, self._jobs, self._box, self._tumor = workflow, jobs, box, tumor
        self._structures, self._measured = structures, Measured(structures, tools)
        self._scans = Scans(volume, recording)
        self._tumors = [self._new(1)]
        self._chosen = self._newest_number = 1
        self._is_switching = False
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
        while nothing was found in the one that is worked on.
        """
        return self.beside(self.scan)

    def beside(self, scan: Scan | None) -> tuple[CaseTumor, ...]:
        """What was found, but for the chosen tumor where that was in this scan."""
        return beside(self.all, self._chosen, scan)

    @property
    def scan(self) -> Scan | None:
        """The volume that is worked on, and its sweep; None while there is none."""
        return self._scans.current

    @property
    def newest_scan(self) -> Scan | None:
        """The volume of the newest sweep; None while that has none."""
        return self._scans.newest

    @property
    def surface(self) -> vtkPolyData | None:
        """All that was found in the newest volume, RAS mm, as one surface that is never changed in place; None for
        nothing.
        """
        return self._measured.surface_with(None if self.chosen.is_stale else self._tumor.surface)

    @property
    def current_others(self) -> dict[int, vtkPolyData]:
        """By number the surfaces (RAS mm) of `others` that were found in the newest volume."""
        return self._measured.current_others

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
            raise ConfigurationError(tr(MOST_TUMORS_THERE, most=MOST_TUMORS))
        with self._workflow.held():
            self._leave()
            if empty is None:
                self._newest_number += 1
                empty = replace(self._new(self._newest_number), margin_mm=self._structures.margin_mm)
                self._tumors.append(empty)
                self._workflow.log.add(mark("tumor added"), tumor=empty.name)
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
        """Work on that tumor from now on, in the volume that it was found in. A correction by hand that goes on ends.

        An earlier volume takes the place of the present one, which is kept, unless a recording goes on or has no volume
        yet. Raises ConfigurationError when there is no such tumor, or one is being found.
        """
        name = self._entry(number).name
        if number == self._chosen and not self._scans.can_show(self._scan_of(self.chosen)):
            return
        with self._workflow.held():
            self._leave()
            self._choose(number)
            self._workflow.log.add(mark("tumor chosen"), tumor=name)

    @property
    def can_show_newest(self) -> bool:
        """True while an earlier volume is worked on, and the newest one can take its place."""
        return self._scans.can_show(self._scans.newest)

    def show_newest(self) -> None:
        """Work on the newest volume again, where the chosen tumor can be found anew. Raises as choose() does."""
        if self.can_show_newest:
            with self._workflow.held():
                self._leave()
                self._choose(self._chosen, self._scans.newest)

    def rename(self, number: int, name: str) -> None:
        """Call a tumor otherwise. No name of a person should be in it: it is saved with the case.

        Raises ConfigurationError for a name that is empty, too long, or another tumor's.
        """
        tumor, name = self._entry(number), " ".join(name.split())
        problem = name_problem(name, [one.name for one in self._tumors if one.number != number])
        if problem:
            raise ConfigurationError(problem)
        if name != tumor.name:
            self._workflow.log.add(mark("tumor renamed"), tumor=tumor.name, to=name)
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
            self._workflow.log.add(mark("tumor deleted"), tumor=tumor.name)
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
            self._tumors = [moved(one, *ended) for one in self._tumors]
        self._measure()
        self.changed()

    def restore(
        self, tumors: Sequence[CaseTumor], chosen: int, scan_number: int, newest: Scan | None = None
    ) -> None:  # fmt: skip
        """Take the tumors of a case that is being opened, after its volume, and before its box and its chosen tumor.

        scan_number  of the sweep of its volume
        newest       the newest volume, where that is another one
        What was found in the volume itself comes with a scan that holds that very volume.
        """
        if tumors:
            self._tumors, self._chosen = list(tumors), chosen
            self._newest_number = max(one.number for one in tumors)
            self._tumor.color = self._entry(chosen).color
        self._scans.restore(scan_number, newest)
        self._tumors = [of_scan(one, self.scan) for one in self._tumors]
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
        raise ConfigurationError(tr("There is no such tumor in this case any more."))

    def _put(self, tumor: CaseTumor) -> None:
        self._tumors = [tumor if one.number == tumor.number else one for one in self._tumors]

    def _now(self, tumor: CaseTumor) -> CaseTumor:
        """As it is now: the chosen one is what the parts hold."""
        found, tumor = tumor.found, seen_from(tumor, self._scans.newest)
        if tumor.number != self._chosen:
            return tumor
        if found is not None and found.scan is self.scan:
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

    def _scan_of(self, tumor: CaseTumor) -> Scan | None:
        """Where a person works on it."""
        found = tumor.found
        return self._scans.newest if found is None or found.scan is None else found.scan

    def _choose(self, number: int, scan: Scan | None = None) -> None:
        """Have the parts hold that tumor, in that scan; None: in its own."""
        scan = scan or self._scan_of(self._entry(number))
        will_show = self._scans.can_show(scan)
        found, part = self._entry(number).found, self._tumor
        is_current = found is not None and found.scan is (scan if will_show else self.scan)
        self._chosen, self._is_switching, part.color = number, True, self._entry(number).color
        try:
            is_old = found is not None and not is_current
            message = tr("out of date: {origin}", origin=self.get(number).origin) if is_old else ""
            part.leave(was_shown=is_old, message=message)
            if will_show and scan is not None:
                before_and_kept = self._scans.show(scan)
                self._tumors = [moved(one, *before_and_kept) for one in self._tumors]
        finally:
            self._is_switching = False
        tumor = self._entry(number)
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
        self._measured.update(self.all, self._chosen, self.scan)

    def _others_are_shown(self) -> bool:
        return bool(self.current_others)
