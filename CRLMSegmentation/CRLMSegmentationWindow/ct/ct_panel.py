"""Beside the steps: the CT before the operation, opened, segmented, measured, followed over time, registered.

Its pictures are made of the CT alone and stand in this section: nothing of it is in the views of the operation.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..panels.doubt_list import listed
from ..panels.record_panel import show_progress
from ..panels.step_panel import StepPanel, sentence_of
from .ct_editing import CtEditingControls
from .ct_landmarks import CtLandmarks
from .ct_picture import CtPicture

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.actions import Action

    from ..window import Window

_VOLUMES = "*.nrrd *.nhdr *.nii *.nii.gz *.mha *.mhd"


class CtPanel(StepPanel):
    """Closed until somebody opens it: the five steps do without."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.ctSection, ui.ctChip, ui.ctState)
        self._reported, self._compared = "", []
        self._numbers: list[int] = []
        self._picture = CtPicture(ui.ctPicture)
        self.editing, self.landmarks = CtEditingControls(self), CtLandmarks(self)
        self._switches = {
            "liver": ui.ctLiverCheckBox, "vessels": ui.ctVesselsCheckBox, "portal": ui.ctPortalCheckBox,
            "hepatic": ui.ctHepaticCheckBox, "tumor": ui.ctTumorCheckBox,
        }  # fmt: skip
        self._sliders = {"axial": ui.ctAxialSlider, "coronal": ui.ctCoronalSlider, "sagittal": ui.ctSagittalSlider}
        style.apply(ui.ctSegmentButton, style.BUTTON)
        style.apply(ui.ctProgressBar, style.BAR)
        for label in (ui.ctFigures, ui.ctFollowUp):
            style.apply(label, style.NOTE)
        for button, slot in (
            (ui.ctDicomButton, self.on_dicom),
            (ui.ctVolumeButton, self.on_volume),
            (ui.ctResultButton, self.on_result),
            (ui.ctSeriesButton, self.on_series),
            (ui.ctSegmentButton, self.on_segment),
            (ui.ctLabelsButton, self.on_labels),
            (ui.ctAddDateButton, self.on_add_date),
            (ui.ctFollowUpButton, self.on_follow_up),
            (ui.ctRegisterButton, self.on_register),
            (ui.ctUnregisterButton, partial(self._act, actions.UNREGISTER_CT)),
            (ui.ctRefineButton, partial(self.on_refine, actions.REFINE_CT)),
            (ui.ctRefineByImagesButton, partial(self.on_refine, actions.REFINE_CT_BY_IMAGES)),
            (ui.ctExportButton, self.on_export),
            (ui.ctCloseButton, self.on_close),
        ):
            button.connect("clicked()", slot)
            if button is not ui.ctSegmentButton:
                style.apply(button, style.SMALL_BUTTON)
        for name, box in self._switches.items():
            box.connect("toggled(bool)", lambda shown, name=name: self.on_switch(name, shown))
        for plane, slider in self._sliders.items():
            slider.connect("valueChanged(double)", lambda value, plane=plane: self.on_slice(plane, value))
        self._show_buttons()

    # What the buttons do

    def _act(self, action: Action) -> None:
        with self.attempt():
            action.run(self.session)

    def on_dicom(self) -> None:
        """List the series of a DICOM folder."""
        folder = self._folder(_("DICOM folder of a CT"))
        if folder:
            with self.attempt():
                actions.OPEN_DICOM.run(self.session, folder)

    def on_volume(self) -> None:
        """A CT from a volume file."""
        path = self._file(_("CT in Hounsfield units"), f"{_('Volumes')} ({_VOLUMES})")
        if path:
            with self.attempt():
                actions.OPEN_CT_VOLUME.run(self.session, path)

    def on_result(self) -> None:
        """What was found before."""
        folder = self._folder(_("Folder of an earlier result"))
        if folder:
            with self.attempt():
                actions.OPEN_CT_RESULT.run(self.session, folder)

    def on_series(self) -> None:
        """Open the series that is chosen."""
        with self.attempt():
            row = max(0, self.ui.ctSeriesComboBox.currentIndex)
            actions.CHOOSE_SERIES.run(self.session, self._numbers[row])

    def on_segment(self) -> None:
        """The large button: segment, or cancel what is done."""
        with self.attempt():
            if self.session.preoperative.is_busy:
                actions.CANCEL_CT.run(self.session)
            else:
                actions.SEGMENT_CT.run(self.session)

    def on_labels(self) -> None:
        """Labels of another program: a folder of masks, such as TotalSegmentator's."""
        folder = self._folder(_("Folder with masks of this CT"))
        if folder:
            with self.attempt():
                actions.OPEN_CT_LABELS.run(self.session, folder)

    def on_add_date(self) -> None:
        """One more result to compare; the list begins anew after it was compared."""
        folder = self._folder(_("Result of one date"))
        if folder and folder not in self._compared:
            self._compared.append(folder)
            self.refresh()

    def on_follow_up(self) -> None:
        """Compare the dates."""
        with self.attempt():
            actions.FOLLOW_UP.run(self.session, self._compared)
            self._compared = []

    def on_register(self) -> None:
        """Bring the CT into the operation by a file of landmarks."""
        path = self._file(_("Landmarks of CT and operation"), f"{_('Landmarks')} (*.csv *.json)")
        if path:
            with self.attempt():
                self._reported = ""
                actions.REGISTER_CT.run(self.session, path)

    def on_refine(self, action: Action) -> None:
        """Lay the vessels of the CT, or the CT itself, over the volume."""
        with self.attempt():
            self._reported = ""
            action.run(self.session)

    def on_export(self) -> None:
        """Everything for other programs, into a folder that the user chooses."""
        folder = self._folder(_("Folder for surfaces, label map and table"))
        if folder:
            from CRLMSegmentationLib.pictures.ct_report import REPORT, picture_in_space, write_ct_report
            from CRLMSegmentationLib.preoperative.export import usual_kinds

            with self.attempt():
                part = self.session.preoperative
                ct, page = part.ct, Path(folder) / REPORT
                written = actions.EXPORT_CT.run(self.session, folder, usual_kinds(ct.dicom is not None))
                space = picture_in_space(ct)
                written.append(write_ct_report(ct, page, part.registration, space, part.followed))
                self._reported = _("{count} files are in the folder.").format(count=len(written))

    def on_close(self) -> None:
        """No CT is open any more."""
        with self.attempt():
            actions.CLOSE_CT.run(self.session)
            self._reported, self._compared = "", []

    def on_switch(self, name: str, shown: bool) -> None:
        """Show or hide a structure in the pictures."""
        part = self.session.preoperative if self.session is not None else None
        if part is not None and name in part.structures and (name in part.shown) != bool(shown):
            part.show(name, bool(shown))
            self.refresh()

    def on_slice(self, plane: str, value: float) -> None:
        """Look at another slice."""
        part = self.session.preoperative if self.session is not None else None
        if part is not None and part.ct is not None and part.at.get(plane) != int(value):
            part.go_to({plane: int(value)})
            self._show_picture()

    # What is shown

    def line(self) -> tuple[str, str, str]:
        from CRLMSegmentationLib.session.preoperative import figures

        part = self.session.preoperative
        if part.is_busy:
            return "busy", _("WORKING"), sentence_of(part.without_places(part.progress[1]))
        if part.problem:
            return "bad", _("FAILED"), part.problem
        if part.is_choosing:
            return "ready", _("CHOOSE"), _("Choose one of {count} series.").format(count=len(part.series))
        if part.ct is None:
            return "idle", _("OPTIONAL"), _("Open a CT: a DICOM folder, a volume or an earlier result.")
        text = self._reported or sentence_of(figures.ct_line(part.ct))
        if part.ct.result is None:
            return "ready", _("READY"), text
        if part.registration is not None:
            return "warn", _("REGISTERED"), sentence_of(figures.registration_text(part.registration))
        return ("warn" if part.ct.doubts else "good"), _("FOUND"), text

    def is_done(self) -> bool:
        return False

    def refresh(self) -> None:
        super().refresh()
        part, ui = self.session.preoperative, self.ui
        self._fill_series()
        self._show_buttons()
        ui.ctProgressBar.visible = part.is_busy
        if part.is_busy:
            show_progress(ui.ctProgressBar, part.progress[0])
        style.write(ui.ctFigures, self._figures())
        style.write(ui.ctFollowUp, self._follow_up())
        self.landmarks.refresh()
        for name, box in self._switches.items():
            box.visible = name in part.structures
            if box.visible and box.checked != (name in part.shown):
                box.checked = name in part.shown
        for plane, slider in self._sliders.items():
            slider.visible = part.ct is not None
            if part.ct is not None:
                slider.maximum = part.ct.slices.count(plane) - 1
                slider.value = part.at[plane]
        self.editing.refresh()
        self._show_picture()

    def leave(self) -> None:
        """Another module is on the screen: no click is waited for, and nothing is drawn behind it."""
        self.landmarks.picker.cancel()
        self.editing.leave()

    def forget_report(self) -> None:
        """What was written last is no longer what matters."""
        self._reported = ""

    def close(self) -> None:
        super().close()
        self.editing.dragging.remove()

    def release(self) -> None:
        super().release()
        self.landmarks.picker.cancel()
        self.editing.remove()
        self._reported, self._compared = "", []
        self._picture.release()

    def _show_picture(self) -> None:
        part = self.session.preoperative
        self.ui.ctPicture.visible = part.ct is not None
        # Nobody looks at a section that is closed.
        if part.ct is not None and not self.section.collapsed:
            self._picture.show(part.ct, part.at, part.shown, part.remnant.plane)

    def _figures(self) -> str:
        """Of the liver, then of each lesion one line; what speaks against them."""
        from CRLMSegmentationLib.session.preoperative import figures

        ct = self.session.preoperative.ct
        if ct is None or ct.result is None:
            return ""
        measures = ct.result.measures
        lines = [f"{what}: {how_much}" for what, how_much in figures.liver_figures(measures)]
        lines += [figures.correction_text(ct)] if ct.corrections else []
        for lesion in measures.lesions:
            row = zip(figures.LESION_COLUMNS[1:], figures.lesion_row(lesion)[1:])
            lines.append(f"{lesion.number}. " + ", ".join(f"{title.lower()} {cell}" for title, cell in row))
        if not measures.lesions:
            lines.append(figures.NONE_FOUND)
        return "\n".join([*lines, listed("", ct.doubts)]).strip()

    def _follow_up(self) -> str:
        from CRLMSegmentationLib.session.preoperative import figures

        found = self.session.preoperative.followed
        if self._compared:
            return _("{count} results are chosen.").format(count=len(self._compared))
        lines = [] if found is None else [*map(figures.track_text, found.tracks), *figures.follow_up_lines(found)]
        return "\n".join(lines)

    def _fill_series(self) -> None:
        """The series of the DICOM folder; the chosen one stays chosen."""
        series = [one for one in self.session.preoperative.series if one.is_ct]
        box = self.ui.ctSeriesComboBox
        box.visible = self.ui.ctSeriesButton.visible = bool(series)
        numbers = [one.summary.number for one in series]
        if numbers == self._numbers:
            return
        self._numbers = numbers
        box.clear()
        for one in series:
            box.addItem(f"{one.title} ({one.details})")
        box.currentIndex = 0

    def _show_buttons(self) -> None:
        ui = self.ui
        is_busy = self.session is not None and self.session.preoperative.is_busy
        self.show_action(ui.ctDicomButton, actions.OPEN_DICOM)
        self.show_action(ui.ctVolumeButton, actions.OPEN_CT_VOLUME)
        self.show_action(ui.ctResultButton, actions.OPEN_CT_RESULT)
        self.show_action(ui.ctSeriesButton, actions.CHOOSE_SERIES)
        self.show_action(ui.ctSegmentButton, actions.CANCEL_CT if is_busy else actions.SEGMENT_CT)
        self.show_action(ui.ctLabelsButton, actions.OPEN_CT_LABELS)
        self.show_action(ui.ctFollowUpButton, actions.FOLLOW_UP)
        self.show_action(ui.ctRegisterButton, actions.REGISTER_CT)
        self.show_action(ui.ctUnregisterButton, actions.UNREGISTER_CT)
        self.show_action(ui.ctRefineButton, actions.REFINE_CT)
        self.show_action(ui.ctRefineByImagesButton, actions.REFINE_CT_BY_IMAGES)
        self.show_action(ui.ctExportButton, actions.EXPORT_CT)
        self.show_action(ui.ctCloseButton, actions.CLOSE_CT)
        self.landmarks.show_buttons()
        if self.session is not None:
            self.editing.show_buttons()
