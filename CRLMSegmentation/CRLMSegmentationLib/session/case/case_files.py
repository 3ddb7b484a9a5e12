"""A case in one folder: everything that was recorded and computed, which opens again. No name of a person goes in.

    case.json           what is in the folder, box, threshold, timings, figures (FORMAT, VERSION)
    recording.igs.mha   the sweep
    volume.nrrd  volume.seen.nrrd  probability.nrrd  mask.nrrd  tumor.stl  box.mrk.json
    corrections.nrrd    on the voxels of the mask: 1 where a hand has painted, 2 where it has erased
    scene.mrb           the results as a scene for 3D Slicer, which opens the recording as well
    log.jsonl           what happened when
    protocol.txt        the same for people, with what was found by which model and with which doubts

What belongs to further tumors, and to volumes that were worked on before, has names with numbers: see tumor_files.py;
the CT before the operation has those of ct_files.py.

Every file is a standard one, so that a case can be read without this program. It is opened again from the single files
and not from the scene, because the scene may hold other things by then, which stay.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...errors import CRLMError, FileFormatError
from ...files import read_box, read_surface, read_volume, seen_path, write_box, write_surface, write_volume
from ...sweep import Sweep, read_sweep, write_sweep
from ...sweep.sequence_files.identifying_fields import without_identity
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values import Box, Volume
from ...words import tr
from .case_folder import recover, written_in_one_piece
from .ct_files import CT, SavedCt, read_ct_files, write_ct_files
from .ct_files import NAMES as CT_NAMES
from .protocol import protocol_of
from .tumor_files import (
    NAMES,
    ScanFiles,
    TumorFiles,
    read_scan_files,
    read_tumor_files,
    write_scan_files,
    write_tumor_files,
)

FORMAT = "crlm-case"
# A case with one tumor in one volume is what it always was, and earlier versions of this program open it.
ONE_TUMOR, VERSION = 1, 2
INDEX, LOG, SCENE, RECORDING = "case.json", "log.jsonl", "scene.mrb", "recording.igs.mha"
PROTOCOL = "protocol.txt"
VOLUME, PROBABILITY, MASK, SURFACE, BOX = "volume.nrrd", "probability.nrrd", "mask.nrrd", "tumor.stl", "box.mrk.json"
SEEN = seen_path(VOLUME).name
CORRECTIONS = "corrections.nrrd"
_ALL = (
    INDEX,
    LOG,
    PROTOCOL,
    SCENE,
    RECORDING,
    VOLUME,
    SEEN,
    PROBABILITY,
    MASK,
    CORRECTIONS,
    SURFACE,
    BOX,
    *NAMES,
    *CT_NAMES,
)

_OWN_FIELDS = {ORIGIN_FIELD: SIMULATED, "PosePairing": "arrival"}
_NUMBERS = re.compile(r"[-+]?\d[-+\d.eE ]*")


T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Case:
    """What a case holds; None for what is not there.

    corrections  uint8 on the grid of the mask: 1 painted, 2 erased by hand
    recording  file of the sweep that this program has written itself, to be copied; None to write the sweep anew
    surface    vtkPolyData, RAS mm
    facts      plain values: threshold, smoothing, margin_mm, box_is_tight, tools, timings_s, ...
    log        text of the event log
    tumors     further tumors;  scans  volumes that were worked on before;  ct  the CT before the operation
    """

    sweep: Sweep | None = None
    volume: Volume | None = None
    box: Box | None = None
    probability: Volume | None = None
    mask: Volume | None = None
    corrections: Volume | None = None
    surface: Any = None
    facts: dict[str, Any] | None = None
    log: str = ""
    recording: Path | None = None
    tumors: tuple[TumorFiles, ...] = ()
    scans: tuple[ScanFiles, ...] = ()
    ct: SavedCt | None = None


def write_case(case: Case, folder: str | Path, write_scene: Callable[[Path], None] | None = None) -> Path:
    """Write the case; files of an earlier one in the folder are replaced, and removed when they are not needed.

    write_scene  writes the scene to the path that it is given; None for a case without a scene
    Raises FileFormatError; then an earlier case in the folder is as it was.
    """
    folder, place = Path(folder), Path(folder)
    try:
        with written_in_one_piece(folder, INDEX, _ALL) as place:
            _write_files(case, place)
            if write_scene is not None:
                write_scene(place / SCENE)
            _write_index(case, place)
            _check_written(case, place)
    except (OSError, CRLMError) as error:
        reason = str(getattr(error, "strerror", None) or error).replace(f"{place}/", "").replace(str(place), "it")
        raise FileFormatError(
            tr(
                "The case cannot be written to {folder} ({rstrip}); an earlier one there is as it was.",
                folder=folder,
                rstrip=reason.rstrip("."),
            )
        ) from None
    return folder


def read_case(folder: str | Path) -> Case:
    """Raises FileFormatError, with the reason, for a folder that is no case or is damaged."""
    folder = Path(folder)
    try:
        recover(folder, INDEX, _ALL)
    except OSError as error:
        raise FileFormatError(
            tr(
                "Saving the case in {folder} was cut off, and it cannot be put right ({strerror}).",
                folder=folder,
                strerror=error.strerror,
            )
        ) from None
    facts = _read_index(folder)
    # The scene is for other programs, the protocol for people: nothing is read from them.
    missing = [name for name in facts["files"] if name not in {SCENE, PROTOCOL} and not (folder / name).exists()]
    if missing:
        raise FileFormatError(
            tr("The case in {folder} is incomplete: {missing} is missing.", folder=folder, missing=", ".join(missing))
        )
    case = _read_files(folder, facts)
    if case.sweep is not None and len(case.sweep) == 0:
        raise FileFormatError(tr("The case in {folder} holds an empty recording.", folder=folder))
    for what, part in (("mask", case.mask), ("corrections", case.corrections)):
        if part is not None and (case.volume is None or not part.has_geometry_of(case.volume)):
            raise FileFormatError(
                tr(
                    "The case in {folder} does not fit together: {what} and volume have other voxels.",
                    folder=folder,
                    what=what,
                )
            )
    return case


def _read_files(folder: Path, facts: dict[str, Any], with_sweep: bool = True) -> Case:
    def read(reader: Callable[[Path], T], name: str) -> T | None:
        path = folder / name
        return reader(path) if path.exists() else None

    try:
        sweep = read(read_sweep, RECORDING) if with_sweep else None
        return Case(
            sweep=sweep if sweep is None else Sweep(sweep.frames, reference=sweep.reference),
            volume=read(read_volume, VOLUME), box=read(read_box, BOX),
            probability=read(read_volume, PROBABILITY), mask=read(read_volume, MASK),
            corrections=read(read_volume, CORRECTIONS), surface=read(read_surface, SURFACE), facts=facts,
            log=read(lambda path: path.read_text(encoding="utf-8"), LOG) or "",
            tumors=read_tumor_files(folder, len(facts["tumors"]) if isinstance(facts.get("tumors"), list) else 0),
            scans=read_scan_files(folder, facts, with_sweep), ct=read_ct_files(folder, facts),
        )  # fmt: skip
    except (CRLMError, OSError, UnicodeDecodeError) as error:
        raise FileFormatError(
            tr("The case in {folder} cannot be opened: {error}", folder=folder, error=error)
        ) from None


def _check_written(case: Case, place: Path) -> None:
    """What was written can be read again: else the earlier case would be replaced by one that cannot be opened."""
    facts = _read_index(place)
    for name in facts["files"]:
        if not (place / name).stat().st_size and name != LOG:
            raise OSError(f"{name} came out empty")
    _read_files(place, facts, with_sweep=False)
    if case.recording is not None and (place / RECORDING).stat().st_size != case.recording.stat().st_size:
        raise OSError(f"{RECORDING} was not copied as a whole")


def _write_files(case: Case, place: Path) -> None:
    if case.recording is not None:
        shutil.copyfile(case.recording, place / RECORDING)
    elif case.sweep is not None:
        _write_sweep(case, case.sweep, place / RECORDING)
    for name, volume in (
        (VOLUME, case.volume), (PROBABILITY, case.probability), (MASK, case.mask), (CORRECTIONS, case.corrections)
    ):  # fmt: skip
        if volume is not None:
            # Most digits of a probability are noise: compressing it takes long and spares next to nothing.
            write_volume(volume, place / name, compressed=name != PROBABILITY)
    if case.surface is not None:
        write_surface(case.surface, place / SURFACE)
    if case.box is not None:
        write_box(case.box, place / BOX)
    for tumor in case.tumors:
        write_tumor_files(tumor, place)
    for scan in case.scans:
        write_scan_files(scan, place, lambda sweep, path: _write_sweep(case, sweep, path))
    if case.ct is not None:
        write_ct_files(case.ct, place)
    (place / LOG).write_text(case.log, encoding="utf-8")
    (place / PROTOCOL).write_text(protocol_of(_facts_of(case), case.log), encoding="utf-8")


def _facts_of(case: Case) -> dict[str, Any]:
    return {**(case.facts or {}), **({} if case.ct is None else {CT: case.ct.facts})}


def _write_sweep(case: Case, sweep: Sweep, path: Path) -> None:
    """A sweep that this program has not written itself."""
    sweep = _without_names(sweep)
    if (case.facts or {}).get("origin") == SIMULATED:
        # The recording tells it wherever it goes.
        sweep = replace(sweep, fields={**sweep.fields, ORIGIN_FIELD: SIMULATED})
    write_sweep(sweep, path)


def _without_names(sweep: Sweep) -> Sweep:
    """What a case keeps of a sweep from elsewhere: of its fields those with a number, and what this program says."""
    sweep = without_identity(sweep)

    def kept(fields: Mapping[str, str]) -> dict[str, str]:
        return {
            name: value for name, value in fields.items()
            if _OWN_FIELDS.get(name) == value or _NUMBERS.fullmatch(str(value).strip())
        }  # fmt: skip

    frames = [frame.with_changes(fields=kept(frame.fields)) for frame in sweep.frames]
    return Sweep(frames, fields=kept(sweep.fields), reference=sweep.reference)


def _version_of(case: Case) -> int:
    return ONE_TUMOR if len((case.facts or {}).get("tumors", ())) < 2 and not case.scans else VERSION


def _write_index(case: Case, place: Path) -> None:
    index = {
        "format": FORMAT, "version": _version_of(case), "files": sorted(path.name for path in place.iterdir()),
        **_facts_of(case),
    }  # fmt: skip
    (place / INDEX).write_text(json.dumps(index, indent=2, default=_plain) + "\n", encoding="utf-8")


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(
            tr(
                "{folder} is no saved case: {index} cannot be read ({strerror}).",
                folder=folder,
                index=INDEX,
                strerror=error.strerror,
            )
        ) from None
    except ValueError:
        raise FileFormatError(
            tr("{folder} is no saved case, or is damaged: {index} is not JSON.", folder=folder, index=INDEX)
        ) from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise FileFormatError(tr("{folder} is no saved case: {index} is something else.", folder=folder, index=INDEX))
    version, files = facts.get("version"), facts.get("files")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise FileFormatError(
            tr(
                "The case in {folder} is damaged: its version is {version!r}, not a number.",
                folder=folder,
                version=str(version)[:20],
            )
        )
    if version > VERSION:
        raise FileFormatError(
            tr("The case in {folder} was saved by a later version of this program; update it.", folder=folder)
        )
    if not isinstance(files, list) or not all(isinstance(name, str) and Path(name).name == name for name in files):
        raise FileFormatError(
            tr(
                "The case in {folder} is damaged: {index} does not list its files by their names.",
                folder=folder,
                index=INDEX,
            )
        )
    return facts


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
