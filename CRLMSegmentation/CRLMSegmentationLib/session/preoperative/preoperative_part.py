"""The CT before the operation: opened, segmented, measured, followed over time, and brought into the operation.

It lies in a frame of its own. Nothing of it is in Reference, where the tumor of the ultrasound is, until landmarks have
brought it there; then it is shown with the error to be expected at the tumor, and with when that was done.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...files.transform_file import write_transform
from ...preoperative.ct_slices import COLORS
from ...preoperative.export import DICOM_SEG, export_result
from ...preoperative.follow_up import FollowUp
from ...preoperative.into_operation import InOperation, of_corrected
from ...preoperative.vessel_refinement import BY_IMAGES, BY_VESSELS
from ...values.progress import Progress, ShouldCancel
from ...words import mark, tr
from ..case.ct_files import SavedCt
from ..recording import RecordingPart
from ..state import CT_BUSY, NO_CT, NO_CT_RESULT, NO_CT_VOXELS, NO_SUCH_SERIES, SERIES_IS_NO_CT
from ..tools import Tools
from ..volume import VolumePart
from . import reading
from .corrections import Corrections
from .in_case import RestoredCt, open_saved
from .network import Begin, begin_network, network_named, usable_models
from .opened_ct import ListedSeries, OpenedCt
from .registered_ct import RegisteredCt
from .remnant_plan import RemnantPlan
from .work import CtWork

TRANSFORM_FILE = "ct_to_reference.tfm"
_HIDDEN = mark("the chosen folder")


class PreoperativePart(RegisteredCt):
    """At most one CT at a time.

    volume, recording  what the operation's ultrasound saw
    tools     whose tips touch landmarks
    on_error  called with what a handler of an event raises
    edited    called when what a saved case holds of the CT is out of date

    folder        in which every result gets a folder of its own; None where a front end has none
    model, device for the next segmentation; None for the first model that there is
    begin         begins a network, for tests
    series        of the DICOM folder that is open, to choose from; () when none is
    is_choosing   they were listed, and none was chosen yet, also while another CT is open
    followed      the lesions over several dates; None without
    unopened      the CT of the case that was opened, until it is read or another one is; None without
    remnant       what a resection along a plane would leave
    corrections   of what was found, by hand
    """

    def __init__(
        self, volume: VolumePart, recording: RecordingPart, tools: Tools, on_error: Callable[[Exception], None],
        edited: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(volume, recording, tools, on_error, edited)
        self.folder: Path | None = None
        self.model: str | None = None
        self.device = "auto"
        self.begin: Begin = begin_network
        self.series: tuple[ListedSeries, ...] = ()
        self.is_choosing = False
        self.followed: FollowUp | None = None
        self.unopened: SavedCt | None = None
        self.remnant = RemnantPlan(self)
        self.corrections = Corrections(self)
        self._work = CtWork(on_error)
        self._has_model: bool | None = None
        self._dicom: Path | None = None
        self._seen_progress: tuple[float, str] = (0.0, "")

    # What is known

    @property
    def is_busy(self) -> bool:
        """True while something is computed in the background; see progress."""
        return self._work.is_busy

    @property
    def progress(self) -> tuple[float, str]:
        """Fraction, 0 to 1, and a sentence; (0, '') while nothing is computed."""
        return self._work.progress

    @property
    def problem(self) -> str:
        """Why what was begun last gave nothing; ''."""
        return self.without_places(self._work.problem)

    @property
    def is_there(self) -> bool:
        """True while a CT, a list of series or a follow-up is open, or a CT is to be."""
        return any((self.ct, self.series, self.followed, self.unopened))

    @property
    def has_result(self) -> bool:
        return self.ct is not None and self.ct.result is not None

    @property
    def has_model(self) -> bool:
        """True when there is a model that finds structures in a CT."""
        if self._has_model is None:
            self._has_model = bool(usable_models())
        return self.model is not None or self._has_model

    def look_for_models(self) -> None:
        """Models may have been installed meanwhile: see has_model anew."""
        self._has_model = None

    def without_places(self, sentence: str) -> str:
        """A sentence without the paths of the CT: folders of patients bear their names."""
        for place in sorted(self._private, key=len, reverse=True):
            sentence = sentence.replace(place, tr(_HIDDEN))
        return sentence

    # What can be done

    def open_dicom(self, folder: str | Path) -> None:
        """List the series of a DICOM folder; choose_series() takes one. A folder with one CT alone is opened at once.

        Raises ConfigurationError while something else is computed.
        """
        place = self._take(folder)

        def listed(series: list[ListedSeries]) -> None:
            self.series, self._dicom, self.is_choosing = tuple(series), place, True
            cts = [one for one in series if one.is_ct]
            if len(series) == 1 and cts:
                self.choose_series(cts[0].summary.number)

        self._start(reading.listing(place), listed, tr("Looking for series"))

    def choose_series(self, number: int) -> None:
        """Open the CT of that number of `series`. Raises ConfigurationError for another number."""
        self._check_idle()
        chosen = [one for one in self.series if one.summary.number == number]
        if not chosen or self._dicom is None:
            raise ConfigurationError(tr(NO_SUCH_SERIES, number=number))
        if not (found := chosen[0]).is_ct:
            raise ConfigurationError(tr(SERIES_IS_NO_CT, title=found.title, kind=found.summary.modality))
        self._start(reading.of_series(self._dicom, number), self._open, tr("Reading the slices"))

    def open_volume(self, path: str | Path, date: str = "") -> None:
        """Open a CT in HU from a volume file.

        date  of the CT, YYYY-MM-DD; '' where it is not known
        Raises ConfigurationError for what is no date, and while something else is computed.
        """
        if date:
            try:
                date = datetime.date.fromisoformat(date).isoformat()
            except ValueError:
                raise ConfigurationError(tr("The date is '{date}'; write it as YYYY-MM-DD.", date=date[:20])) from None
        place = self._take(path)
        self._start(reading.of_volume(place, date), self._open_other, tr("Reading the volume"))

    def start_segmentation(self) -> None:
        """Find liver, vessels and tumors in the CT that is open. Raises ConfigurationError or ModelError."""
        self._check_idle()
        if self.ct is None:
            raise ConfigurationError(NO_CT)
        if self.ct.volume is None:
            raise ConfigurationError(NO_CT_VOXELS)
        network = network_named(self.model, self.device, self.begin)
        self._start(
            reading.segmented(self.ct, network, self._folder_for(self.ct)), self._open, tr("Starting the network")
        )

    def open_labels(self, path: str | Path) -> None:
        """Take labels that another program made of the CT that is open, or of one that is not at hand.

        path  a label file, or a folder of masks, see preoperative.labels
        """
        place = self._take(path)
        self._start(reading.labelled(self.ct, place, self._folder_for(self.ct)), self._open, tr("Reading the labels"))

    def open_result(self, folder: str | Path) -> None:
        """Open what was found before: a folder of `crlm preop segment`, or of this part."""
        place = self._take(folder)
        self._start(reading.of_folder(place), self._open_other, tr("Reading the masks"))

    def cancel(self) -> None:
        """Stop what is computed; what was there before stays."""
        self._work.cancel()
        self.changed()

    def start_follow_up(self, folders: Sequence[str | Path]) -> None:
        """Compare the lesions of several folders of results of one patient, by their dates."""
        if len(folders) < 2:
            raise ConfigurationError(tr("Choose the results of at least two dates."))
        places = [self._take(folder) for folder in folders]

        def done(found: FollowUp) -> None:
            self.followed = found
            self._edited()

        self._start(reading.followed(places), done, tr("Reading the results"))

    def export(self, folder: str | Path, kinds: Collection[str]) -> list[Path]:
        """Write what was found for other programs, see preoperative.export; where the CT is registered its transform as
        well. Returns the files. Raises ConfigurationError and FileFormatError.
        """
        if self.ct is None or self.ct.result is None:
            raise ConfigurationError(NO_CT_RESULT)
        if DICOM_SEG in kinds and self.ct.dicom is None:
            raise ConfigurationError(tr("A DICOM segmentation needs the DICOM folder of the CT: open the CT from it."))
        written, _ = export_result(self.ct.result, folder, kinds, self.ct.dicom)
        if self.registration is not None:
            written.append(Path(write_transform(self.registration.ct_to_reference, Path(folder) / TRANSFORM_FILE)))
        return written

    def start_refinement(self, by: str = BY_VESSELS) -> None:
        """Lay the vessels of the registered CT, or the CT itself (BY_IMAGES), over the ultrasound's volume; where that
        says too little, `problem` says so, and the registration stays. Raises ConfigurationError without a registration
        or a volume, and without the CT where it is needed.
        """
        self._check_idle()
        ct, found, volume = self._checked(), self.registration, self._volume.value
        if found is None or volume is None:
            raise ConfigurationError(tr("Register the CT by landmarks first, and have a volume of the ultrasound."))
        compute = reading.refined(found, ct, volume, by)

        def done(refined: InOperation) -> None:
            if self.registration is found:
                self.registration = refined
                self._edited()

        text = (
            tr("Laying the CT over the ultrasound") if by == BY_IMAGES else tr("Laying the vessels over the ultrasound")
        )
        self._start(compute, done, text)

    def release_dicom(self) -> None:
        """The DICOM files are not there any more; what was read of them stays."""
        self.series, self._dicom = (), None
        if self.ct is not None and self.ct.dicom is not None:
            self.ct = replace(self.ct, dicom=None)
            self.changed()

    # What its parts do

    def report_problem(self, sentence: str) -> None:
        """Why something that was tried gave nothing; see problem."""
        self._work.problem = sentence
        self.changed()

    def compute(self, compute: Callable[[Progress, ShouldCancel], OpenedCt], done: Callable[[OpenedCt], None],
                text: str) -> None:  # fmt: skip
        """In the background; done() is called in the session's thread. Raises ConfigurationError while it is busy."""
        self._start(compute, done, text)

    def replace_ct(self, ct: OpenedCt) -> None:
        """Other structures of the same CT, or another remnant: it stays where it is registered, and is looked at in the
        same place.
        """
        is_other = self.ct is None or ct.surfaces is not self.ct.surfaces
        if self.registration is not None and ct.result is not None and is_other:
            self.registration = of_corrected(self.registration, ct.result)
        self.ct = ct
        self._edited()
        self.changed()

    # What the session does

    def process(self) -> None:
        """Take in what has been computed; called by the session's timer."""
        has_ended = self._work.process()
        if has_ended or self._work.progress != self._seen_progress:
            self._seen_progress = self._work.progress
            self.changed()

    def restore(self, saved: SavedCt) -> None:
        """Open the CT of a saved case in the background, in the place of another one."""
        self._work.cancel()
        self.unopened = saved

        def done(opened: RestoredCt) -> None:
            self.registration, self.followed, self.unopened = opened.registration, opened.followed, None
            self.series, self._dicom, self.ct, self.at = (), None, None, {}
            if opened.ct is not None:
                self._look_at(opened.ct)

        self._start(partial(open_saved, saved), done, tr("Reading the CT of the case"))

    def forget(self) -> None:
        """Another case: nothing of this patient is left but the results on disk."""
        self._work.cancel()
        self._work.problem = ""
        self.series, self.ct, self.at, self.is_choosing = (), None, {}, False
        self.registration = self.followed = self.unopened = self._dicom = None
        self.touched = ()
        self.remnant.take(None)
        self.corrections.forget()
        self._private.clear()
        self._shown = dict.fromkeys(COLORS, True)
        self.changed()

    def close(self) -> None:
        """No thread and no process is left."""
        self._work.close()

    # Behind

    def _start(self, compute: Callable[[Progress, ShouldCancel], Any], done: Callable[[Any], None], text: str) -> None:
        self._check_idle()
        self._work.start(compute, done, text)
        self.changed()

    def _check_idle(self) -> None:
        if self._work.is_busy:
            raise ConfigurationError(CT_BUSY)

    def _take(self, path: str | Path) -> Path:
        self._check_idle()
        self._private.append(str(path))
        return Path(path)

    def _open_other(self, ct: OpenedCt) -> None:
        """From another source than the list of series."""
        self.series, self._dicom = (), None
        self._open(ct)

    def _open(self, ct: OpenedCt) -> None:
        if self.ct is None or ct.volume is None or self.ct.volume is not ct.volume:
            # Another CT lies elsewhere.
            self.registration, self.touched = None, ()
        self._look_at(ct)
        self._edited()

    def _look_at(self, ct: OpenedCt) -> None:
        self.is_choosing, self.unopened = False, None
        self.ct, self.at = ct, ct.slices.begin()
        self.remnant.take(ct.result)
        self.corrections.forget()

    def _folder_for(self, ct: OpenedCt | None) -> Callable[[], Path]:
        """A folder for a new result; no name of a person is in its name."""
        parent = self.folder
        if parent is None:
            raise ConfigurationError(tr("Choose a folder for the results first."))
        return partial(reading.new_folder, parent, ct.facts.date if ct is not None else "")
