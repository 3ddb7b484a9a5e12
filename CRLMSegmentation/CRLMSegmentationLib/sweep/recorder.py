"""Records frames to disk as they come, and ends with a standard sequence file."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import deque
from pathlib import Path

from ..errors import CRLMError, RecordingError
from .journal import MAGIC, pack_frame, read_journal
from .sequence_writer import SequenceWriter
from .tracked_frame import TrackedFrame

JOURNAL_SUFFIX = ".journal"
# What may wait for the disk: about half a minute of 640 x 480 at 30 frames/s.
_QUEUE_BYTES = 256 << 20
# A kill of the program loses nothing that was written; a power cut loses what the disk was not yet made to keep.
_SYNC_EVERY_S = 0.5
_LOOK_AT_DISK_EVERY_S = 2.0
_LOW_DISK_BYTES = 2 << 30
_TRY_AGAIN_AFTER_S = 1.0


def journal_path(path) -> Path:
    """Where the growing recording of `path` lies."""
    path = Path(path)
    return path.with_name(path.name + JOURNAL_SUFFIX)


def unfinished_recordings(folder) -> list[Path]:
    """The journals in `folder` that no program is writing: recordings that `recover` can finish."""
    journals = sorted(Path(folder).glob(f"*{JOURNAL_SUFFIX}"))
    return [journal for journal in journals if not _is_being_written(journal)]


class Recorder:
    """Writes each frame to a journal beside `path` from a thread of its own; stop() makes the sequence file of it.

    add() never waits for the disk. When the process dies, `recover(path)` makes the file from the journal.
    Raises RecordingError at once when the file or an unfinished recording of that name is already there, or its ending
    is not .mha or .nrrd.

    frames    frames that are on disk
    dropped   frames that are not, because the disk failed or was too slow
    warning   a sentence when the disk is nearly full; '' when all is well
    problem   a sentence when frames were lost; '' when all is well
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
            self._stream = open(self.journal, "xb", buffering=0)
            _lock(self._stream)
            self._stream.write(MAGIC)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be recorded ({error.strerror}); choose another folder.") from None
        self.frames = 0
        self.dropped = 0
        self.warning = ""
        self.problem = ""
        self._written_bytes = len(MAGIC)
        self._queue: deque[TrackedFrame] = deque()
        self._queued_bytes = 0
        self._ending = False
        self._failed_at = float("-inf")
        self._failed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="Recorder", daemon=True)
        self._thread.start()

    def add(self, frame: TrackedFrame) -> None:
        """Take a frame. When the disk cannot keep up or fails, the frame is counted in `dropped`."""
        size = frame.pixels.nbytes
        with self._changed:
            if self._ending:
                raise RecordingError(f"The recording {self.path} has ended; it takes no more frames.")
            if self._queue and self._queued_bytes + size > _QUEUE_BYTES:
                self.dropped += 1
                self.problem = f"the disk of {self.path} is too slow: {self.dropped} frames were lost"
                return
            self._queue.append(frame)
            self._queued_bytes += size
            self._changed.notify()

    def stop(self, progress=None) -> list[Path]:
        """Finish: the files that were made (one, unless the image size changed on the way).

        Raises RecordingError when nothing was recorded or the file cannot be made; the journal then stays.
        """
        self._end()
        if self.problem and self.frames == 0:
            raise RecordingError(f"Nothing could be recorded in {self.path}: {self.problem}.")
        return recover(self.path, progress)

    def discard(self) -> None:
        """End a recording that took no frame, and leave nothing behind."""
        self._end()
        if self.frames == 0:
            self.journal.unlink(missing_ok=True)

    def _end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def _write_all(self) -> None:
        synced = looked = time.monotonic()
        self._look_at_disk()
        while True:
            with self._changed:
                # Woken for a frame, for the end, and in time to make the disk keep the last frames.
                self._changed.wait_for(lambda: self._queue or self._ending, _SYNC_EVERY_S)
                if not self._queue and self._ending:
                    break
                frame = self._queue.popleft() if self._queue else None
            if frame is not None:
                self._write(frame)
                with self._changed:
                    self._queued_bytes -= frame.pixels.nbytes
            now = time.monotonic()
            if now - synced > _SYNC_EVERY_S:
                synced = now
                self._sync()
            if now - looked > _LOOK_AT_DISK_EVERY_S:
                looked = now
                self._look_at_disk()
        self._sync()
        with contextlib.suppress(OSError):
            self._stream.close()

    def _write(self, frame: TrackedFrame) -> None:
        """Append one frame; after a failure take back what was written of it, and try the disk again a second later."""
        if self._failed and time.monotonic() - self._failed_at < _TRY_AGAIN_AFTER_S:
            self._lose(self._reason)
            return
        try:
            if self._failed:
                self._stream.truncate(self._written_bytes)
                self._stream.seek(self._written_bytes)
            data = memoryview(pack_frame(frame))
            total = len(data)
            while data:
                data = data[self._stream.write(data) :]
            self._written_bytes += total
            self._failed = False
            self.frames += 1
        except (OSError, ValueError) as error:
            self._failed, self._failed_at = True, time.monotonic()
            self._lose(getattr(error, "strerror", None) or str(error))

    def _lose(self, reason: str) -> None:
        self._reason = reason
        with self._changed:
            self.dropped += 1
            self.problem = (
                f"the disk failed ({reason}), {self.dropped} frames were lost; the other {self.frames} are safe in "
                f"{self.journal}"
            )

    def _sync(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.fsync(self._stream.fileno())

    def _look_at_disk(self) -> None:
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self.path.parent).free
            # The sequence file is made beside the journal, and needs as much room again.
            low = free < max(_LOW_DISK_BYTES, 2 * self._written_bytes)
            self.warning = f"only {free / 1e9:.1f} GB are free on the disk of {self.path}" if low else ""


def recover(path, progress=None) -> list[Path]:
    """Make the sequence file of an unfinished recording; `path` is the file's or its journal's name.

    The journal is removed only after the file is complete. Frames of another size go to `<name>-2`, and so on.
    Raises RecordingError when there is no journal, it is still being written, or no whole frame is in it.
    """
    path = Path(path)
    if path.suffix == JOURNAL_SUFFIX:
        path = path.with_suffix("")
    journal = journal_path(path)
    if not journal.exists():
        raise RecordingError(f"There is no unfinished recording {journal}; nothing to repair.")
    if _is_being_written(journal):
        raise RecordingError(f"{journal} is still being recorded by another program; stop that one first.")
    if path.exists():
        raise RecordingError(f"{path} is already there and is not overwritten; move it away first.")
    total = max(journal.stat().st_size, 1)

    def report(position: int) -> None:
        if progress:
            progress(min(position / total, 1.0), "writing the sequence file")

    written: list[Path] = []
    try:
        with contextlib.ExitStack() as open_writer:
            writer, kind = None, None
            for frame in read_journal(journal, report):
                if (frame.pixels.shape, frame.pixels.dtype) != kind:
                    open_writer.close()
                    kind = frame.pixels.shape, frame.pixels.dtype
                    writer = open_writer.enter_context(SequenceWriter(_free_name(path, len(written) + 1)))
                    written.append(writer.path)
                writer.add(frame)
        if not written:
            raise RecordingError(f"No whole frame is in {journal}; it is left where it is.")
    except (CRLMError, OSError) as error:
        # The journal holds it all: half of the files would only stand in the way of the next try.
        for made in written:
            made.unlink(missing_ok=True)
        if isinstance(error, RecordingError):
            raise
        reason = str(error) if isinstance(error, CRLMError) else f"{path} cannot be written ({error.strerror})."
        raise RecordingError(f"{reason} The recording is safe in {journal}; `crlm repair` finishes it.") from None
    journal.unlink()
    return written


def _free_name(path: Path, number: int) -> Path:
    """`path` for the first file, then '<name>-2' and so on, past names that are taken."""
    if number == 1:
        return path
    stem, *endings = path.name.split(".")
    while True:
        numbered = path.with_name(".".join([f"{stem}-{number}", *endings]))
        if not numbered.exists():
            return numbered
        number += 1


def _lock(stream) -> None:
    """Mark a journal as being written, for as long as this process lives and has it open. Raises BlockingIOError."""
    try:
        import fcntl
    except ImportError:
        # Windows: a file that is open for writing cannot be removed, which protects it as well.
        return
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        # A file system without locks, such as some network drives: recording goes on all the same.
        pass


def _is_being_written(journal: Path) -> bool:
    try:
        with open(journal, "rb+") as stream:
            _lock(stream)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _sync_folder(folder: Path) -> None:
    """Make the disk keep the name of a new file, where a folder can be opened for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
