"""A case in one folder: everything that was recorded and computed, which opens again. No name of a person goes in.

    case.json           what is in the folder, box, threshold, timings, figures (FORMAT, VERSION)
    recording.igs.mha   the sweep
    volume.nrrd  probability.nrrd  mask.nrrd  tumor.stl  box.mrk.json
    scene.mrb           the results as a scene for 3D Slicer, which opens the recording as well
    log.jsonl           what happened when

Every file is a standard one, so that a case can be read without this program. It is opened again from the single files
and not from the scene, because the scene may hold other things by then, which stay.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CRLMError, FileFormatError
from ..files import read_box, read_surface, read_volume, seen_path, write_box, write_surface, write_volume
from ..geometry import Box, Volume, as_affine
from ..sweep import Sweep, read_sweep, write_sweep

FORMAT, VERSION = "crlm-case", 1
INDEX, LOG, SCENE, RECORDING = "case.json", "log.jsonl", "scene.mrb", "recording.igs.mha"
VOLUME, PROBABILITY, MASK, SURFACE, BOX = "volume.nrrd", "probability.nrrd", "mask.nrrd", "tumor.stl", "box.mrk.json"
SEEN = seen_path(VOLUME).name
_ALL = (INDEX, LOG, SCENE, RECORDING, VOLUME, SEEN, PROBABILITY, MASK, SURFACE, BOX)


@dataclass(frozen=True, eq=False)
class Case:
    """What a case holds; None for what is not there.

    recording  file of the sweep that this program has written itself, to be copied; None to write the sweep anew
    surface    vtkPolyData, RAS mm
    facts      plain values: threshold, smoothing, margin_mm, box_is_tight, tools, timings_s, ...
    log        text of the event log
    """

    sweep: Sweep | None = None
    volume: Volume | None = None
    box: Box | None = None
    probability: Volume | None = None
    mask: Volume | None = None
    surface: Any = None
    facts: dict | None = None
    log: str = ""
    recording: Path | None = None


def write_case(case: Case, folder, write_scene) -> Path:
    """Write the case; files of an earlier one in the folder are replaced, and removed when they are not needed.

    write_scene  function that writes the scene to the path that it is given
    Raises FileFormatError; then an earlier case in the folder is as it was.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as place:
            _write_files(case, Path(place))
            write_scene(Path(place) / SCENE)
            for name in _ALL:
                written = Path(place) / name
                if written.exists():
                    os.replace(written, folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise FileFormatError(f"The case cannot be written to {folder} ({error.strerror}).") from None
    return folder


def read_case(folder) -> Case:
    """Raises FileFormatError, with the reason, for a folder that is no case or is damaged."""
    folder = Path(folder)
    facts = _read_index(folder)

    def read(reader, name):
        path = folder / name
        return reader(path) if path.exists() else None

    try:
        sweep = read(read_sweep, RECORDING)
        case = Case(
            sweep if sweep is None else Sweep(sweep.frames, reference=sweep.reference), read(read_volume, VOLUME),
            read(read_box, BOX), read(read_volume, PROBABILITY), read(read_volume, MASK), read(read_surface, SURFACE), facts,
            read(lambda path: path.read_text(encoding="utf-8"), LOG) or "",
        )  # fmt: skip
    except (CRLMError, OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"The case in {folder} cannot be opened: {error}") from None
    missing = [name for name in facts["files"] if not (folder / name).exists()]
    if missing:
        raise FileFormatError(f"The case in {folder} is incomplete: {', '.join(missing)} is missing.")
    if case.mask is not None and (case.volume is None or not case.mask.has_geometry_of(case.volume)):
        raise FileFormatError(f"The case in {folder} does not fit together: mask and volume have other voxels.")
    return case


def _write_files(case: Case, place: Path) -> None:
    if case.recording is not None:
        shutil.copyfile(case.recording, place / RECORDING)
    elif case.sweep is not None:
        write_sweep(Sweep(case.sweep.frames, reference=case.sweep.reference), place / RECORDING)
    for name, volume in ((VOLUME, case.volume), (PROBABILITY, case.probability), (MASK, case.mask)):
        if volume is not None:
            # Most digits of a probability are noise: compressing it takes long and spares next to nothing.
            write_volume(volume, place / name, compressed=name != PROBABILITY)
    if case.surface is not None:
        write_surface(case.surface, place / SURFACE)
    if case.box is not None:
        write_box(case.box, place / BOX)
    (place / LOG).write_text(case.log, encoding="utf-8")
    index = {
        "format": FORMAT, "version": VERSION, "files": sorted(path.name for path in place.iterdir()),
        **(case.facts or {}),
    }  # fmt: skip
    (place / INDEX).write_text(json.dumps(index, indent=2, default=_plain) + "\n", encoding="utf-8")


def _read_index(folder: Path) -> dict:
    path = folder / INDEX
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"{folder} is no saved case: {INDEX} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise FileFormatError(f"{folder} is no saved case, or is damaged: {INDEX} is not JSON.") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT or not isinstance(facts.get("files"), list):
        raise FileFormatError(f"{folder} is no saved case: {INDEX} is something else.")
    if not isinstance(facts.get("version"), int) or facts["version"] > VERSION:
        raise FileFormatError(f"The case in {folder} was saved by a later version of this program; update it.")
    return facts


def tools_of(facts: dict) -> dict[str, np.ndarray]:
    """Tip calibrations (4, 4) by tool, as saved; those that are none are left out."""
    tools = {}
    for name, numbers in (facts.get("tools") or {}).items():
        try:
            tools[str(name)] = as_affine(np.array(numbers, dtype=np.float64).reshape(4, 4))
        except (CRLMError, ValueError, TypeError):
            continue
    return tools


def _plain(value):
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
