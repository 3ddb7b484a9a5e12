"""What the page's buttons do with the CT before the operation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...pictures.ct_report import REPORT, picture_in_space, write_ct_report
from ...pictures.offscreen import working_window_class
from ...preoperative.ct_slices import PLANES
from ...preoperative.export import usual_kinds
from ...session import actions
from ...session.preoperative.network import usable_models
from ...words import tr
from ..controller import Controller
from ..ct_library import CtLibrary, is_result
from .ct_editing import CtEditing
from .reported import ReportingActions, number_of, reported

# What the next click in a slice of the operation places; see PageState.placing.
LANDMARK = "landmark"


class CtActions(ReportingActions):
    """Bound to the page's buttons by page.Page, to the sliders of its slices by bind()."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._part = controller.session.preoperative
        self._files = CtLibrary(controller.library)
        self.editing = CtEditing(controller)
        self._pictured: tuple[Any, ...] = ()
        self._listed_with: Path | None = None
        self._part.folder = self._files.results
        self._part.changed.connect(self._on_changed)

    def bind(self) -> None:
        """Sliders that work while they are moved."""
        for plane in PLANES:
            self._state.change(f"ct_{plane}")(self._on_slice)
        self.editing.bind()
        self._state.change("open_step")(self._on_open_step)

    # What was chosen comes along with the click: the state of a tab may reach the program later than that.

    @reported
    def open(self, path: object, date: object) -> None:
        """A DICOM folder, a volume, or a result: what it is says its content."""
        place = self._files.typed(path)
        if is_result(place):
            actions.OPEN_CT_RESULT.run(self._session, place)
        elif place.is_dir():
            actions.OPEN_DICOM.run(self._session, place)
        else:
            actions.OPEN_CT_VOLUME.run(self._session, place, str(date).strip())
        self._forget_path("ct_path")

    @reported
    def open_result(self, value: object) -> None:
        if not value:
            raise ConfigurationError(tr("Choose a result from the list first."))
        actions.OPEN_CT_RESULT.run(self._session, self._files.result_of(value))

    @reported
    def choose_series(self, number: object) -> None:
        actions.CHOOSE_SERIES.run(self._session, int(number_of(number)))

    @reported
    def segment(self, model: object) -> None:
        self._part.model = str(model) or None
        actions.SEGMENT_CT.run(self._session)

    @reported
    def open_labels(self, path: object) -> None:
        actions.OPEN_CT_LABELS.run(self._session, self._files.typed(path))
        self._forget_path("ct_labels")

    @reported
    def cancel(self) -> None:
        # It may have ended while the click was on its way.
        if actions.CANCEL_CT.can_run(self._session):
            actions.CANCEL_CT.run(self._session)

    @reported
    def close(self) -> None:
        actions.CLOSE_CT.run(self._session)

    @reported
    def switch(self, name: object) -> None:
        """Show a structure that is hidden, or hide it."""
        self._part.show(str(name), str(name) not in self._part.shown)

    @reported
    def go_to_lesion(self, number: object) -> None:
        self._part.go_to_lesion(int(number_of(number)))

    @reported
    def click_in(self, plane: object, across: object, down: object) -> None:
        """Look at the slices through a place in the picture of one, as parts of its width and height."""
        ct = self._part.ct
        if ct is None or plane not in PLANES:
            return
        at = self._part.at[str(plane)]
        self._part.go_to(ct.slices.at_pixel(str(plane), at, number_of(across), number_of(down)))

    @reported
    def choose_for_follow_up(self, value: object) -> None:
        """A result that is to be compared with others, or is not any more."""
        self._files.result_of(value)
        chosen = [one for one in self._state.ct_compared if one != value]
        with self._state as state:
            state.ct_compared = chosen if value in state.ct_compared else [*chosen, value]

    @reported
    def follow_up(self) -> None:
        actions.FOLLOW_UP.run(self._session, [self._files.result_of(value) for value in self._state.ct_compared])

    @reported
    def register(self, path: object) -> None:
        actions.REGISTER_CT.check(self._session)
        actions.REGISTER_CT.run(self._session, self._files.typed(path))
        self._forget_path("ct_landmarks")

    @reported
    def touch(self) -> None:
        actions.TOUCH_LANDMARK.run(self._session)

    @reported
    def find_landmark(self) -> None:
        """The next click in a slice of the operation is where the place is; see click_in_view()."""
        actions.FIND_LANDMARK.check(self._session)
        self._state.placing = LANDMARK

    @reported
    def leave_landmark(self) -> None:
        """No click is waited for any more."""
        self._state.placing = ""

    @reported
    def drop_touched(self) -> None:
        actions.DROP_LANDMARK.run(self._session)

    @reported
    def register_touched(self) -> None:
        actions.REGISTER_TOUCHED.run(self._session)

    @reported
    def refine(self) -> None:
        actions.REFINE_CT.run(self._session)

    @reported
    def refine_by_images(self) -> None:
        actions.REFINE_CT_BY_IMAGES.run(self._session)

    @reported
    def unregister(self) -> None:
        actions.UNREGISTER_CT.run(self._session)

    @reported
    async def export(self) -> None:
        """Surfaces, label map, table and report; a DICOM segmentation where the CT came from DICOM and highdicom is
        there.
        """
        actions.EXPORT_CT.check(self._session)
        ct = self._part.ct
        assert ct is not None, "there is a result"
        folder = self._files.new_export_folder(ct.folder)
        kinds = usual_kinds(ct.dicom is not None)
        written = await asyncio.to_thread(actions.EXPORT_CT.run, self._session, folder, kinds)
        # Found out once, in a process of its own.
        await asyncio.to_thread(working_window_class)
        space = picture_in_space(ct)
        part, page = self._part, folder / REPORT
        written.append(await asyncio.to_thread(write_ct_report, ct, page, part.registration, space, part.followed))
        self._controller.report_note(
            tr(
                "{written} files are in {name}/{name_2}.",
                written=len(written),
                name=folder.parent.name,
                name_2=folder.name,
            )
        )

    def after_action(self) -> None:
        self.show()
        super().after_action()

    def report_error(self, sentence: str) -> None:
        super().report_error(self._part.without_places(sentence))

    def show(self) -> None:
        """What can be chosen, as it is now."""
        with self._state as state:
            state.ct_models = [{"title": one.title, "value": one.name} for one in usable_models()]
            if state.ct_model not in {one["value"] for one in state.ct_models}:
                state.ct_model = state.ct_models[0]["value"] if state.ct_models else ""
            state.ct_results = self._files.kept()
            there = {one["value"] for one in state.ct_results}
            state.ct_compared = [value for value in state.ct_compared if value in there]
            if state.ct_result not in there:
                state.ct_result = state.ct_results[0]["value"] if state.ct_results else ""

    def _forget_path(self, name: str) -> None:
        """A path that was taken is on no page any more: folders of patients bear their names."""
        with self._state as state:
            state[name] = ""

    def _on_changed(self) -> None:
        """Pictures are asked for anew; a slider stands where somebody went by another way."""
        folder = None if self._part.ct is None else self._part.ct.folder
        if folder != self._listed_with:
            # A result may have been kept.
            self._listed_with = folder
            self.show()
        with self._state as state:
            for plane, number in self._part.at.items():
                state[f"ct_{plane}"] = number
            if self._pictured != self._picture_of():
                self._pictured = self._picture_of()
                state.ct_version += 1

    def _picture_of(self) -> tuple[Any, ...]:
        """What the pictures are of."""
        part = self._part
        return part.ct and part.ct.slices, tuple(part.shown), tuple(part.at.items()), part.remnant.plane

    def _on_slice(self, **_: Any) -> None:
        wanted = {plane: int(number_of(self._state[f"ct_{plane}"])) for plane in self._part.at}
        if wanted != self._part.at:
            self._part.go_to(wanted)

    def _on_open_step(self, open_step: str, **_: Any) -> None:
        if open_step == "ct":
            self._part.look_for_models()
            self.show()
