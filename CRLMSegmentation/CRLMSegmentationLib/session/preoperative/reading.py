"""What takes long with a CT, as plain functions that run in a thread: read, segment, open what was found, follow up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import Cancelled, ConfigurationError, FileFormatError
from ...files import VOLUME_ENDINGS, read_volume
from ...files.dicom_folder import CT_FRAME, list_series, read_dicom_ct
from ...files.dicom_preview import series_picture
from ...preoperative.ct_slices import COLORS, CtSlices
from ...preoperative.find_structures import check_is_ct, find_structures
from ...preoperative.follow_up import FollowUp, follow_up
from ...preoperative.image_registration.refinement import with_images
from ...preoperative.into_operation import InOperation, with_vessels
from ...preoperative.labels import read_labels
from ...preoperative.measures import measure
from ...preoperative.orientation import Orientation
from ...preoperative.remnant import remnant_of
from ...preoperative.result_folder import (
    Result,
    read_kept_ct,
    read_result,
    surface_of,
    write_measures_file,
    write_result,
)
from ...preoperative.structures import HEPATIC, KINDS, PORTAL, VESSELS, Structures
from ...preoperative.vessel_refinement import BY_IMAGES
from ...values import Volume
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..state import NO_CT_RESULT, NO_CT_VOXELS
from .network import Network
from .opened_ct import CtFacts, ListedSeries, OpenedCt

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_MOST_RESULTS = 10_000
Opens = Callable[[Progress, ShouldCancel], OpenedCt]


def listing(folder: Path) -> Callable[[Progress, ShouldCancel], list[ListedSeries]]:
    """The series of a DICOM folder, each with its picture."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> list[ListedSeries]:
        progress(0.0, tr("Looking for series"))
        found = list_series(folder)
        listed = []
        for number, one in enumerate(found):
            progress(
                (number + 1) / (len(found) + 1),
                tr("Reading series {number} of {found}", number=number + 1, found=len(found)),
            )
            listed.append(ListedSeries(one, series_picture(one)))
        return listed

    return compute


def of_series(folder: Path, number: int) -> Opens:
    """The CT of a series."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        progress(0.1, tr("Reading the slices"))
        ct = read_dicom_ct(folder, number)
        check_is_ct(ct.volume)
        facts = CtFacts(ct.date, ct.description)
        return OpenedCt(facts, ct.volume, CtSlices(ct.volume), dicom=(folder, number))

    return compute


def of_volume(path: Path, date: str) -> Opens:
    """The CT of a file in HU."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        if not path.name.lower().endswith(VOLUME_ENDINGS):
            raise FileFormatError(
                tr(
                    "{name} is neither a DICOM folder nor a volume; use one of {volume_endings}.",
                    name=path.name,
                    volume_endings=", ".join(VOLUME_ENDINGS),
                )
            )
        progress(0.1, tr("Reading the volume"))
        volume = replace(read_volume(path), frame=CT_FRAME)
        check_is_ct(volume)
        return OpenedCt(CtFacts(date, tr("CT from a file")), volume, CtSlices(volume))

    return compute


def segmented(ct: OpenedCt, network: Network, new_folder: Callable[[], Path]) -> Opens:
    """`ct` with what a network finds in it, kept in new_folder()."""
    volume = ct.volume
    assert volume is not None, "there are voxels to segment"

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        with network.predictor() as predictor:
            found = find_structures(volume, predictor, _part(progress, 0.0, 0.85), should_cancel)
        return _kept(ct, found, network.about(), new_folder, _part(progress, 0.85, 1.0), should_cancel)

    return compute


def labelled(ct: OpenedCt | None, path: Path, new_folder: Callable[[], Path]) -> Opens:
    """`ct`, or no voxels, with labels that another program made of it, kept in new_folder()."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        progress(0.1, tr("Reading the labels"))
        found = read_labels(path)
        if ct is not None and ct.volume is not None:
            found = _on_grid(found, ct.volume)
        seen = ct if ct is not None else OpenedCt(CtFacts(), None, CtSlices(None, found))
        about = {"model": {"name": tr("another program")}, "doubts": [tr("These labels were made by another program.")]}
        return _kept(seen, found, about, new_folder, _part(progress, 0.3, 1.0), should_cancel)

    return compute


def of_folder(folder: Path) -> Opens:
    """What was found before, of a folder of `crlm preop segment` or of a session."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        progress(0.1, tr("Reading the masks"))
        result = read_result(folder)
        volume = read_kept_ct(folder, result.structures.label_map)
        facts = CtFacts(result.date, str(result.about.get("description", "")))
        surfaces = surfaces_of(result.structures, _part(progress, 0.4, 1.0), should_cancel)
        slices = CtSlices(volume, result.structures)
        return OpenedCt(facts, volume, slices, result=result, folder=folder, surfaces=surfaces)

    return compute


def corrected(
    ct: OpenedCt, change: Callable[[], Structures], about: Mapping[str, Any], folder: Path | None,
    new_folder: Callable[[], Path] | None = None, is_kept: bool = False,
) -> Opens:  # fmt: skip
    """`ct` with other structures, kept in `folder`, or in new_folder() where that is None; the plane of the remnant
    stays.

    is_kept  what comes of it is in `folder` already
    """

    def compute(progress: Progress, should_cancel: ShouldCancel) -> OpenedCt:
        assert ct.result is not None
        progress(0.1, tr("Correcting"))
        found = change()
        plane = None if ct.result.remnant is None else ct.result.remnant.plane
        surfaces = surfaces_of(found, _part(progress, 0.3, 0.8), should_cancel)
        progress(0.8, tr("Measuring and keeping the result"))
        place = folder if folder is not None or new_folder is None else new_folder()
        if is_kept or place is None:
            remnant = None if plane is None else remnant_of(found, plane)
            result = Result(found, measure(found), dict(about), remnant)
            if place is not None:
                write_measures_file(result, place)
        else:
            result = write_result(found, place, about, ct.volume, plane)
        slices = CtSlices(ct.volume, found)
        return replace(ct, slices=slices, result=result, folder=place, surfaces=surfaces)

    return compute


def followed(folders: Sequence[Path]) -> Callable[[Progress, ShouldCancel], FollowUp]:
    """The lesions of several folders over time, the first date first."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> FollowUp:
        results: list[Result] = []
        for number, folder in enumerate(folders):
            progress(
                0.5 * number / len(folders),
                tr("Reading CT {number} of {folders}", number=number + 1, folders=len(folders)),
            )
            results.append(read_result(folder))
        # Undated ones stay where they were chosen to be.
        if all(result.date for result in results):
            results.sort(key=lambda result: result.date)
        return follow_up(results, _part(progress, 0.5, 1.0))

    return compute


def new_folder(parent: Path, date: str, ending: str = "") -> Path:
    """A folder for a result, called by the date of its CT, that was not there yet. Raises FileFormatError."""
    stem = (f"ct-{date}" if date else "ct") + ending
    for number in range(1, _MOST_RESULTS):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise FileFormatError(
                tr("No folder for the result can be made ({reason}).", reason=error.strerror or error)
            ) from None
        return folder
    raise FileFormatError(tr("There are too many results in this folder: choose another one."))


def refined(
    found: InOperation, ct: OpenedCt, volume: Volume, by: str
) -> Callable[[Progress, ShouldCancel], InOperation]:
    """A registration by landmarks refined by what the ultrasound `volume`, in Reference, shows. Raises
    ConfigurationError without a result, and by images without the CT's voxels.
    """
    result, voxels = ct.result, ct.volume
    if result is None:
        raise ConfigurationError(NO_CT_RESULT)
    if by != BY_IMAGES:
        return lambda progress, should_cancel: with_vessels(found, result, volume)
    if voxels is None:
        raise ConfigurationError(NO_CT_VOXELS)
    return lambda progress, should_cancel: with_images(found, result, voxels, volume, progress)


def _kept(
    ct: OpenedCt, found: Structures, about: Mapping[str, Any], new_folder: Callable[[], Path], progress: Progress,
    should_cancel: ShouldCancel,
) -> OpenedCt:  # fmt: skip
    progress(0.0, tr("Measuring and keeping the result"))
    folder = new_folder()
    described = {"date": ct.facts.date, "description": ct.facts.description, **about}
    result = write_result(found, folder, described, ct.volume)
    surfaces = surfaces_of(found, _part(progress, 0.5, 1.0), should_cancel)
    slices = CtSlices(ct.volume, found)
    return replace(ct, slices=slices, result=result, folder=folder, surfaces=surfaces)


def surfaces_of(found: Structures, progress: Progress, should_cancel: ShouldCancel) -> dict[str, vtkPolyData]:
    """Of everything that can be shown by itself."""
    names = [name for name in COLORS if found.tells_vessels_apart or name not in KINDS]
    surfaces = {}
    for number, name in enumerate(names):
        if should_cancel():
            raise Cancelled("cancelled")
        progress(number / len(names), tr("Making the surface of: {name}", name=name))
        surface = surface_of(_unknown_kind(found) if name == VESSELS else found, name)
        if surface is not None:
            surfaces[name] = surface
    return surfaces


def _unknown_kind(found: Structures) -> Structures:
    """Without the vessels that are shown as portal or hepatic."""
    if not found.tells_vessels_apart:
        return found
    known = (found.mask(PORTAL).voxels > 0) | (found.mask(HEPATIC).voxels > 0)
    label_map = found.label_map.voxels.copy()
    label_map[known] = 1
    return Structures(found.label_map.with_voxels(label_map), found.lesions)


def _on_grid(found: Structures, grid: Volume) -> Structures:
    """On exactly the voxels of `grid`: headers round, and another program may count the same voxels from another corner
    or along other axes. Raises FileFormatError for other voxels.
    """
    here, there = Orientation.of(grid), Orientation.of(found.label_map)
    if not here.lay_volume(grid).has_geometry_of(there.lay_volume(found.label_map), tolerance_mm=0.01):
        raise FileFormatError(
            tr("These labels do not lie on the voxels of the CT that is open: open the CT that they were made of.")
        )

    def moved(volume: Volume) -> Volume:
        return grid.on_grid(np.ascontiguousarray(here.lay_back(there.lay(volume.voxels))))

    kinds = None if found.kinds is None else moved(found.kinds)
    return Structures(moved(found.label_map), moved(found.lesions), kinds)


def _part(progress: Progress, low: float, high: float) -> Progress:
    """Of the whole, from `low` to `high`."""
    return lambda fraction, text: progress(low + (high - low) * fraction, text)
