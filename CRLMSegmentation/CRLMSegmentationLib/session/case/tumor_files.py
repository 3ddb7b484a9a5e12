"""The files of a case with several tumors: of each but the chosen one, and of the volumes that were worked on before.

    tumor-2.stl  mask-2.nrrd  probability-2.nrrd  corrections-2.nrrd   of the second tumor in the index's list
    volume-1.nrrd  volume-1.seen.nrrd  recording-1.igs.mha             of the first entry in the index's list of volumes

The chosen tumor, and the volume that is worked on, have the names without a number: see case_files.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...files import read_surface, read_volume, seen_path, write_surface, write_volume
from ...sweep import Sweep, read_sweep
from ...values import Volume
from ..tumors.case_tumor import MOST_TUMORS

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class TumorFiles:
    """What a case holds of one more tumor.

    place        in the index's list, from 1
    surface      RAS mm
    corrections  uint8 on the grid of the mask: 1 painted, 2 erased by hand
    """

    place: int
    surface: vtkPolyData
    mask: Volume | None = None
    probability: Volume | None = None
    corrections: Volume | None = None


@dataclass(frozen=True, eq=False)
class ScanFiles:
    """What a case holds of a volume that was worked on before.

    number        in the index's list, from 1
    recording     file of the sweep that this program has written itself, to be copied
    recording_of  number of the entry whose recording it was made of: its own, or an earlier one's; 0 for none
    """

    number: int
    volume: Volume
    sweep: Sweep | None = None
    recording: Path | None = None
    recording_of: int = 0


def surface_name(place: int) -> str:
    """Of a tumor's surface."""
    return f"tumor-{place}.stl"


def volume_name(number: int) -> str:
    """Of an earlier volume."""
    return f"volume-{number}.nrrd"


def recording_name(number: int) -> str:
    """Of the sweep that an earlier volume was made of."""
    return f"recording-{number}.igs.mha"


def _voxel_names(place: int) -> tuple[str, str, str]:
    return f"mask-{place}.nrrd", f"probability-{place}.nrrd", f"corrections-{place}.nrrd"


NAMES = tuple(
    name
    for number in range(1, MOST_TUMORS + 1)
    for name in (
        surface_name(number), *_voxel_names(number), volume_name(number), seen_path(volume_name(number)).name,
        recording_name(number),
    )
)  # fmt: skip


def write_tumor_files(one: TumorFiles, folder: Path) -> None:
    """Write what there is of it. Raises OSError and FileFormatError."""
    write_surface(one.surface, folder / surface_name(one.place))
    for name, volume in zip(_voxel_names(one.place), (one.mask, one.probability, one.corrections)):
        if volume is not None:
            # Most digits of a probability are noise.
            write_volume(volume, folder / name, compressed=volume is not one.probability)


def write_scan_files(one: ScanFiles, folder: Path, write_sweep: Callable[[Sweep, Path], object]) -> None:
    """Write the volume, and its recording unless that is another's, too. Raises OSError and FileFormatError.

    write_sweep  writes a sweep that this program has not written itself, without names of people
    """
    write_volume(one.volume, folder / volume_name(one.number))
    path = folder / recording_name(one.number)
    if one.recording_of != one.number:
        return
    if one.recording is not None:
        shutil.copyfile(one.recording, path)
    elif one.sweep is not None:
        write_sweep(one.sweep, path)


def read_tumor_files(folder: Path, places: int) -> tuple[TumorFiles, ...]:
    """Of as many tumors as the index lists, those that have files. Raises what the readers raise."""
    found = []
    for place in range(1, min(places, MOST_TUMORS) + 1):
        surface = _read(read_surface, folder / surface_name(place))
        if surface is not None:
            voxels = (_read(read_volume, folder / name) for name in _voxel_names(place))
            found.append(TumorFiles(place, surface, *voxels))
    return tuple(found)


def read_scan_files(folder: Path, facts: Mapping[str, Any], with_sweep: bool) -> tuple[ScanFiles, ...]:
    """The earlier volumes of the index's list that have a file. Raises what the readers raise."""
    listed = facts.get("volumes")
    found: list[ScanFiles] = []
    sweeps: dict[int, Sweep] = {}
    for number, entry in enumerate(listed[:MOST_TUMORS] if isinstance(listed, list) else (), start=1):
        volume = _read(read_volume, folder / volume_name(number))
        if volume is None:
            # What the index lists and the folder does not hold is refused before; an odd entry has no file.
            continue
        path = folder / recording_name(number)
        if with_sweep and path.exists():
            sweep = read_sweep(path)
            sweeps[number] = Sweep(sweep.frames, reference=sweep.reference)
        source = entry.get("recording_of") if isinstance(entry, dict) else None
        recording_of = source if isinstance(source, int) else 0
        found.append(ScanFiles(number, volume, sweeps.get(recording_of), recording_of=recording_of))
    return tuple(found)


def _read(reader: Callable[[Path], T], path: Path) -> T | None:
    return reader(path) if path.exists() else None
