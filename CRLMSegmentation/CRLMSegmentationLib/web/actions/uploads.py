"""Files that a browser sends: taken into one folder, checked by what is in them, removed when they are refused."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterable
from pathlib import Path

from ...errors import CRLMError, FileFormatError
from ...files.points_file import read_points
from ...sweep.plus_configuration import read_plus_configuration
from ...sweep.sequence_files.sequence_formats import read_sequence_header
from ...words import tr

SWEEP_ENDINGS = (".igs.mha", ".igs.nrrd", ".mha", ".nrrd")
CONFIGURATION_ENDINGS = (".xml",)
POINTS_ENDINGS = (".mrk.json",)
DEFAULT_LARGEST_BYTES = 4 * 1024**3
_LARGEST_CONFIGURATION_BYTES = 16 * 1024**2
_LONGEST_NAME = 80
# A recording of the operation must not end because somebody has filled the disk.
_LEAVE_FREE_BYTES = 2 * 1024**3
_PART = ".part"


class UploadFolder:
    """One folder that uploads are written into, and never out of; largest_bytes: of all of them together."""

    def __init__(self, folder: str | Path, largest_bytes: int = DEFAULT_LARGEST_BYTES) -> None:
        self.folder = Path(folder)
        self.largest_bytes = largest_bytes
        self._coming_bytes = 0
        self.folder.mkdir(parents=True, exist_ok=True)
        for cut_off in self.folder.glob(f".*{_PART}"):
            cut_off.unlink()

    async def take(self, name: str, parts: AsyncIterable[bytes]) -> Path:
        """Write what comes and check it; returns its path. Raises FileFormatError, and then nothing is left of it.

        name  as the browser gives it; only its last part counts, without unusual characters
        """
        path = self.folder / safe_name(name)
        partial = path.with_name(f".{secrets.token_hex(4)}{_PART}")
        here = sum(file.stat().st_size for file in self.folder.iterdir() if not file.name.endswith(_PART))
        room = min(self.largest_bytes - here, shutil.disk_usage(self.folder).free - _LEAVE_FREE_BYTES)
        largest = _LARGEST_CONFIGURATION_BYTES if is_configuration(path) or is_points(path) else room
        came = 0
        try:
            with open(partial, "wb") as file:
                async for part in parts:
                    came += len(part)
                    # What others send at the same time takes its share of the room.
                    self._coming_bytes += len(part)
                    if came > largest or self._coming_bytes > room:
                        raise FileFormatError(
                            tr(
                                "{name} is larger than this page takes; put it into the folder of recordings instead.",
                                name=path.name,
                            )
                        )
                    file.write(part)
            # A header can be long, and the page must not wait for it.
            await asyncio.to_thread(check_content, partial, path.name)
            os.replace(partial, path)
        finally:
            self._coming_bytes -= came
            partial.unlink(missing_ok=True)
        return path


def safe_name(name: str) -> str:
    """The last part of a file name, of plain characters. Raises FileFormatError for an ending that is not taken."""
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip(".")
    lower = plain.lower()
    endings = (*SWEEP_ENDINGS, *CONFIGURATION_ENDINGS, *POINTS_ENDINGS)
    ending = next((ending for ending in endings if lower.endswith(ending)), None)
    if ending is None or lower == ending.lstrip("."):
        raise FileFormatError(
            tr(
                "'{name}' is not taken: only recorded sweeps (.igs.mha, .igs.nrrd), PLUS configurations (.xml) and "
                "points (.mrk.json) are.",
                name=last[:40],
            )
        )
    stem = plain[: -len(ending)]
    return stem[:_LONGEST_NAME] + ending


def is_configuration(path: str | Path) -> bool:
    return str(path).lower().endswith(CONFIGURATION_ENDINGS)


def is_points(path: str | Path) -> bool:
    return str(path).lower().endswith(POINTS_ENDINGS)


def check_content(path: Path, shown_name: str) -> None:
    """Raises FileFormatError when the file is not what its name says; `shown_name` is what the person calls it."""
    try:
        if is_configuration(shown_name):
            read_plus_configuration(path)
        elif is_points(shown_name):
            read_points(path)
        else:
            read_sequence_header(path)
    except CRLMError as error:
        raise FileFormatError(str(error).replace(str(path), shown_name)) from None
