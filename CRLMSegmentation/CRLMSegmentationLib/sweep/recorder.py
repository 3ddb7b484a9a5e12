"""Records frames to disk as they come, and ends with a standard sequence file."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import Iterable

from ..errors import CRLMError, RecordingError, SequenceFileError
from .journal import MAGIC, pack_frame, read_journal
from .sequence_writer import SequenceWriter
from .tracked_frame import TrackedFrame

JOURNAL_SUFFIX = ".journal"
_QUEUE_FRAMES = 1000
_SYNC_EVERY_FRAMES = 10


def journal_path(path) -> Path:
    """Where the growing recording of `path` lies."""
    path = Path(path)
    return path.with_name(path.name + JOURNAL_SUFFIX)


class Recorder:
    """Writes each frame to a journal beside `path` from a thread of its own; stop() makes the sequence file of it.

    add() never waits for the disk. When the process dies, `recover(path)` makes the file from the journal.
    Raises RecordingError at once when the file or an unfinished recording of that name is already there, or its ending
    is not .mha or .nrrd.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.journal = journal_path(path)
        if self.path.suffix.lower() not in (".mha", ".nrrd"):
            raise RecordingError(f"{self.path} has to end in .igs.mha or .igs.nrrd.")
        for existing in (self.path, self.journal):
            if existing.exists():
                raise RecordingError(
                    f"{existing} is already there and is not overwritten; choose another name"
                    + (" or finish it with `crlm repair`." if existing == self.journal else ".")
                )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = open(self.journal, "xb")
            self._stream.write(MAGIC)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be recorded ({error.strerror}); choose another folder.") from None
        self.frames = 0
        self.dropped = 0
        self.problem = ""
        self._queue: queue.Queue[TrackedFrame | None] = queue.Queue(_QUEUE_FRAMES)
        self._thread = threading.Thread(target=self._write, name="Recorder", daemon=True)
        self._thread.start()

    def add(self, frame: TrackedFrame) -> None:
        """Take a frame. When the disk cannot keep up or fails, the frame is counted in `dropped`."""
        try:
            self._queue.put_nowait(frame)
        except queue.Full:
            self.dropped += 1
            self.problem = f"the disk of {self.path} is too slow: frames are being lost"

    def stop(self, progress=None) -> list[Path]:
        """Finish: the files that were made (one, unless the image size changed on the way).

        Raises RecordingError when nothing was recorded or the disk failed; the journal then stays.
        """
        self._queue.put(None)
        self._thread.join()
        if self.problem and self.frames == 0:
            raise RecordingError(f"Nothing could be recorded in {self.path}: {self.problem}.")
        return recover(self.path, progress)

    def discard(self) -> None:
        """End a recording that took no frame, and leave nothing behind."""
        self._queue.put(None)
        self._thread.join()
        if self.frames == 0:
            self.journal.unlink(missing_ok=True)

    def _write(self) -> None:
        while (frame := self._queue.get()) is not None:
            if self.problem.startswith("the disk failed"):
                self.dropped += 1
                continue
            try:
                self._stream.write(pack_frame(frame))
                self._stream.flush()
                if self.frames % _SYNC_EVERY_FRAMES == 0:
                    os.fsync(self._stream.fileno())
                self.frames += 1
            except OSError as error:
                self.dropped += 1
                self.problem = f"the disk failed ({error.strerror}); what was recorded before is safe in {self.journal}"
        try:
            self._stream.close()
        except OSError:
            pass


def recover(path, progress=None) -> list[Path]:
    """Make the sequence file of an unfinished recording; `path` is the file's or its journal's name.

    The journal is removed only after the file is complete. Frames of another size go to `<name>-2`, and so on.
    Raises RecordingError when there is no journal or no whole frame in it.
    """
    path = Path(path)
    if path.suffix == JOURNAL_SUFFIX:
        path = path.with_suffix("")
    journal = journal_path(path)
    if not journal.exists():
        raise RecordingError(f"There is no unfinished recording {journal}; nothing to repair.")
    if path.exists():
        raise RecordingError(f"{path} is already there and is not overwritten; move it away first.")
    total = max(journal.stat().st_size, 1)
    written, done_bytes = [], 0

    def counted() -> Iterable[TrackedFrame]:
        nonlocal done_bytes
        for frame in read_journal(journal):
            done_bytes += frame.pixels.nbytes
            if progress:
                progress(min(done_bytes / total, 1.0), "writing the sequence file")
            yield frame

    writer, size = None, None
    try:
        for frame in counted():
            if writer is None or (frame.pixels.shape, frame.pixels.dtype) != size:
                if writer is not None:
                    writer.close()
                    written.append(writer.path)
                size = frame.pixels.shape, frame.pixels.dtype
                writer = SequenceWriter(_numbered(path, len(written) + 1))
            writer.add(frame)
        if writer is None:
            raise RecordingError(f"No whole frame is in {journal}; it is left where it is.")
        writer.close()
    except (SequenceFileError, OSError) as error:
        reason = error if isinstance(error, CRLMError) else error.strerror
        raise RecordingError(f"{reason} The recording is safe in {journal}; `crlm repair` finishes it.") from None
    written.append(writer.path)
    journal.unlink()
    return written


def _numbered(path: Path, number: int) -> Path:
    if number == 1:
        return path
    stem, *endings = path.name.split(".")
    return path.with_name(".".join([f"{stem}-{number}", *endings]))
