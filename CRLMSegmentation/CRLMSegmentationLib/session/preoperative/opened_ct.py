"""A CT that is looked at, with what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...files.dicom_folder import SeriesSummary
from ...preoperative.ct_slices import CtSlices
from ...preoperative.result_folder import Result
from ...values import Volume
from ...words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


@dataclass(frozen=True, eq=False)
class ListedSeries:
    """A series of a DICOM folder, for a person to choose from.

    picture  uint8 grey levels of its middle slice; None where it cannot be read
    """

    summary: SeriesSummary
    picture: np.ndarray | None

    @property
    def title(self) -> str:
        """What the scanner called it, such as its phase."""
        return self.summary.description or tr("Series {number}", number=self.summary.number)

    @property
    def details(self) -> str:
        """Modality, number and thickness of the slices, contrast agent, and date, as far as they are known."""
        one = self.summary
        parts = [one.modality or tr("unknown modality"), tr("{count} slices", count=one.slices)]
        parts += [f"{one.thickness_mm:g} mm"] if one.thickness_mm is not None else []
        parts += [tr("contrast")] if one.has_contrast else []
        return ", ".join([*parts, *([one.date] if one.date else [])])

    @property
    def is_ct(self) -> bool:
        return self.summary.modality == "CT"


@dataclass(frozen=True)
class CtFacts:
    """What is known of a CT beside its voxels; no name of a patient, and no path, which often holds one.

    date         YYYY-MM-DD, '' where unknown
    description  as the scanner wrote it, or how it came
    """

    date: str = ""
    description: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return " · ".join(part for part in (self.description or "CT", self.date) if part)


@dataclass(frozen=True, eq=False)
class OpenedCt:
    """One CT, with what was found in it.

    volume    HU; None where only what was found is known
    slices    of both, as pictures
    dicom     folder and number of the series that it was read from; None for another source
    result    structures and measures; None until there are some
    folder    in which the result is kept; None where it is in memory alone
    surfaces  of what was found, by name, RAS mm of the CT
    """

    facts: CtFacts
    volume: Volume | None
    slices: CtSlices
    dicom: tuple[Path, int] | None = None
    result: Result | None = None
    folder: Path | None = None
    surfaces: Mapping[str, vtkPolyData] = field(default_factory=dict)

    @property
    def corrections(self) -> int:
        """How often what was found was corrected by hand."""
        return 0 if self.result is None else len(self.result.about.get("corrections", ()))

    @property
    def doubts(self) -> list[str]:
        """Sentences that a person should read with the measures."""
        return [] if self.result is None else [str(doubt) for doubt in self.result.about.get("doubts", ())]
