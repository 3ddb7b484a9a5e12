"""A DICOM folder that a browser sends, slice by slice: kept until its CT is read: its files name the patient."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path

from ...errors import FileFormatError
from ...session import actions
from ...session.session import Session
from ...words import tr
from .uploads import DEFAULT_LARGEST_BYTES

_MOST_FILES = 20_000
# A recording of the operation must not end because somebody has filled the disk.
_LEAVE_FREE_BYTES = 2 * 1024**3
_PREAMBLE, _MAGIC = 128, b"DICM"


class DicomUploads:
    """At most one folder at a time, outside of this page's own folder, under numbers and not under its names.

    largest_bytes  of all of its files together
    """

    def __init__(self, session: Session, largest_bytes: int = DEFAULT_LARGEST_BYTES) -> None:
        self._session, self.largest_bytes = session, largest_bytes
        self._folder: Path | None = None
        self._batch, self._bytes, self._files, self._is_open = "", 0, 0, False
        session.preoperative.changed.connect(self._on_changed)

    def begin(self) -> str:
        """A new folder in the place of an earlier one; returns what its files have to be sent with.

        Raises ConfigurationError while something is done with a CT.
        """
        actions.OPEN_DICOM.check(self._session)
        self.close()
        self._folder = Path(tempfile.mkdtemp(prefix="crlm-ct-"))
        self._batch = secrets.token_hex(8)
        return self._batch

    async def take(self, batch: str, parts: AsyncIterable[bytes]) -> bool:
        """Write one file; False for one that is no DICOM file, such as notes in the folder, which is dropped.

        Raises FileFormatError for a folder that is too large, or when another one has been begun; nothing is left then.
        """
        folder = self._folder_of(batch)
        self._files += 1
        path, came = folder / f"{self._files:05d}.dcm", bytearray()
        async for part in parts:
            self._bytes += len(part)
            if self._bytes > self.largest_bytes or self._files > _MOST_FILES or _is_nearly_full(folder):
                self.close()
                raise FileFormatError(
                    tr(
                        "This DICOM folder is larger than this page takes: send the folder of one series "
                        "alone, or give its path."
                    )
                )
            came += part
        self._folder_of(batch)
        if came[_PREAMBLE : _PREAMBLE + len(_MAGIC)] != _MAGIC:
            return False
        # A disk may be slow, and the page must not wait for it.
        await asyncio.to_thread(path.write_bytes, came)
        return True

    def open(self, batch: str) -> None:
        """All of it has come: list its series. Raises FileFormatError and ConfigurationError."""
        folder = self._folder_of(batch)
        actions.OPEN_DICOM.run(self._session, folder)
        self._is_open = True

    def close(self) -> None:
        """Nothing of it is left on the disk."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._batch, self._bytes, self._files, self._is_open = None, "", 0, 0, False

    def _folder_of(self, batch: str) -> Path:
        if self._folder is None or not secrets.compare_digest(batch.encode(), self._batch.encode()):
            raise FileFormatError(tr("Another DICOM folder is being sent, or this one was cancelled: send it again."))
        return self._folder

    def _on_changed(self) -> None:
        """Once a CT of it is read, or nobody is going to choose one any more, the files go."""
        part = self._session.preoperative
        if self._is_open and not part.is_busy and not part.is_choosing:
            self.close()
            part.release_dicom()


def _is_nearly_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _LEAVE_FREE_BYTES
