"""What a command is going to write, checked before it begins: nothing is lost to a name that was typed twice."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ...files import SURFACE_ENDINGS, VOLUME_ENDINGS
from ...files.paths import name_for_library
from ...files.seen_file import seen_path
from ...sweep.sequence_files.sequence_formats import detached_data_file

SWEEP_ENDINGS = (".mha", ".nrrd")
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
# Where the voxels go that belong to a header of their own.
_DATA_BESIDE_HEADER = {".mhd": (".raw", ".zraw"), ".nhdr": (".raw", ".raw.gz")}

__all__ = [
    "PICTURE_ENDINGS", "SURFACE_ENDINGS", "SWEEP_ENDINGS", "VOLUME_ENDINGS", "Output", "add_force_option",
    "check_outputs",
]  # fmt: skip


@dataclass(frozen=True)
class Output:
    """One file that a command writes.

    option   what it was given with, for people
    path     None when it was not asked for
    endings  that its writer knows; empty for any
    by_library  True when a library writes it that takes no names but in UTF-8
    """

    option: str
    path: str | Path | None
    endings: tuple[str, ...] = ()
    by_library: bool = True


def add_force_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="replace what is already there under the output's name")


def check_outputs(outputs: Iterable[Output], inputs: Iterable[str | Path | None], force: bool = False) -> None:
    """Raise ConfigurationError or FileFormatError unless every output can be written without harm.

    An output is never one of the inputs, whatever the two are called (links included), nor another output, not even
    with `force`. Its ending must be known and its folder be there or possible to make, and what stands under its name
    already is only replaced with `force`.
    """
    wanted = [(output, Path(output.path)) for output in outputs if output.path]
    read = [Path(file) for path in inputs if path for file in (path, detached_data_file(path)) if file]
    written: list[tuple[Output, Path]] = []
    for output, path in wanted:
        _check_name(output, path)
        files = _files_of(output, path)
        for file in files:
            for source in read:
                if _is_same_file(file, source):
                    raise ConfigurationError(
                        f"{output.option} {path} would be written over {source}, which is read: choose another name."
                    )
            for other, there in written:
                if _is_same_file(file, there):
                    raise ConfigurationError(
                        f"{output.option} {path} and {other.option} {other.path} are the same file: choose another "
                        "name."
                    )
        if not force and (taken := next((file for file in files if os.path.lexists(file)), None)):
            raise ConfigurationError(
                f"{taken} is already there and is not overwritten: choose another name for {output.option}, or give "
                "--force."
            )
        written += [(output, file) for file in files]


def _check_name(output: Output, path: Path) -> None:
    if output.by_library and output.endings != SWEEP_ENDINGS:
        name_for_library(path)
    if output.endings and not path.name.lower().endswith(output.endings):
        raise ConfigurationError(f"{output.option} {path} has no known ending; use one of {', '.join(output.endings)}.")
    if path.is_dir():
        raise ConfigurationError(f"{output.option} {path} is a folder; give the name of a file.")
    check_folder(path.parent, output.option)


def check_not_inside(folder: Path, option: str, inputs: Iterable[str | Path | None]) -> None:
    """Raise ConfigurationError when one of `inputs` lies in `folder`, which a command is going to replace whole."""
    for source in inputs:
        if source and Path(os.path.realpath(source)).is_relative_to(os.path.realpath(folder)):
            raise ConfigurationError(
                f"{option}: {folder} would be written anew, and {source}, which is read, lies in it: choose another "
                "folder."
            )


def check_folder(folder: Path, option: str) -> None:
    """Raise ConfigurationError unless files can be written into `folder`, which need not be there yet."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
    if not there.is_dir():
        raise ConfigurationError(f"{option}: {there} is not a folder; choose another place.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{option}: nothing can be written into the folder {there}; choose another place.")


def _files_of(output: Output, path: Path) -> list[Path]:
    """`path` and the files that its writer puts beside it."""
    endings = _DATA_BESIDE_HEADER.get(path.suffix.lower(), ())
    seen = [seen_path(path)] if output.endings == VOLUME_ENDINGS else []
    return [path, *(path.with_suffix(ending) for ending in endings), *seen]


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
