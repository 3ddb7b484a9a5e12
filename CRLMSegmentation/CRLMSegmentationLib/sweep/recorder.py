"""Records frames to disk as they come, and ends with a standard sequence file."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shutil
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

import numpy as np

from ..errors import RecordingError, SequenceFileError
from ..geometry import as_affine
from ..values.progress import Progress
from ..words import tr
from .journal import MAGIC, journal_record
from .recorded_frame import PiecePlace, RecordedFrame
from .recovery import journal_path, lock, mark_as_alive, recover, recover_unfinished, sync_folder, unfinished_recordings
from .sequence_files.packed_frame import pack_frame
from .tracked_frame import TrackedFrame
from .transforms import format_matrix

__all__ = ["Recorder", "journal_path", "recover", "recover_unfinished", "unfinished_recordings"]

_logger = logging.getLogger(__name__)
# What may wait for the disk: about half a minute of 640 x 480 at 30 frames/s.
_QUEUE_BYTES = 256 << 20
# Beyond this frames are written as they are, until the rest has caught up: losing none goes before saving room.
_COMPRESS_UP_TO_BYTES = 32 << 20
# The disk is made to keep what it has whenever nothing waits, and at least so often.
_SYNC_EVERY_S = 0.5
_CHECK_DISK_EVERY_S = 2.0
_LOW_DISK_BYTES = 2 << 30
_LOW_DISK_S, _RATE_KNOWN_AFTER_S = 300.0, 5.0
_TRY_AGAIN_AFTER_S = 1.0
_COPIED_BYTES = 1 << 20


class Recorder:
    """Compresses each frame and writes it to a journal beside `path`, in a thread of its own.

    add() never waits for the disk; the frame that it gives back takes no memory for its pixels once the disk has them,
    and reads them from there when they are asked for, also after stop(). stop() makes the sequence file of what is
    compressed already. When the process dies, `recover(path)` or `recover_unfinished(folder)` makes the file: a kill
    loses no frame that was written, and a power cut those that the disk had not yet been made to keep (the last one,
    where it takes less time than a frame).
    Raises RecordingError at once when the file or an unfinished recording of that name is already there, or its ending
    is not .mha or .nrrd.

    calibration  (4, 4) by name: fixed transforms, such as those of a PLUS configuration, that go with the recording
    reference    the frame of reference of the frames
    keep_color   a video: frames may be colored

    frames    frames that are on disk
    kinds     how many frames came of each size and type of pixels, as ((width, height), dtype) to number
    dropped   frames that are not, because the disk failed or was too slow
    warning   a sentence when the disk is nearly full; '' when all is well
    problem   a sentence when frames were lost; '' when all is well
    """

    def __init__(
        self, path: str | os.PathLike[str], calibration: Mapping[str, np.ndarray] | None = None,
        reference: str = "Reference", keep_color: bool = False,
    ) -> None:  # fmt: skip
        self.path = Path(path)
        self.journal = journal_path(path)
        if self.path.suffix.lower() not in (".mha", ".nrrd"):
            raise RecordingError(tr("{path} has to end in .igs.mha or .igs.nrrd.", path=self.path))
        for existing in (self.path, self.journal):
            if existing.exists():
                raise RecordingError(
                    tr("{existing} is already there and is not overwritten; choose another name", existing=existing)
                    + (tr(" or finish it with `crlm repair`.") if existing == self.journal else ".")
                )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._new_journal()
            self._stream.write(MAGIC)
            sync_folder(self.path.parent)
        except OSError as error:
            raise RecordingError(
                tr(
                    "{path} cannot be recorded ({strerror}); choose another folder.",
                    path=self.path,
                    strerror=error.strerror,
                )
            ) from None
        self._fixed = {name: format_matrix(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()}
        self._reference, self._keep_color = reference, keep_color
        self.frames = 0
        self.dropped = 0
        self.warning = ""
        self.problem = ""
        self._written_bytes = len(MAGIC)
        self._free_bytes = math.inf
        self._began = time.monotonic()
        self.kinds: Counter[tuple[tuple[int, int], str]] = Counter()
        self._queue: deque[RecordedFrame] = deque()
        self._on_disk: dict[int, weakref.ref[RecordedFrame]] = {}
        self._queued_bytes = 0
        self._ending = False
        self._failed_at = float("-inf")
        self._failed = False
        self._reason = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="Recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Frames that wait for the disk."""
        return len(self._queue)

    @property
    def seconds_left(self) -> float:
        """How long the disk has room at the rate so far; infinite when that is not known yet."""
        rate = self._written_bytes / max(time.monotonic() - self._began, _RATE_KNOWN_AFTER_S)
        # The sequence file is made beside the journal, and needs as much room again.
        room = max(self._free_bytes - self._written_bytes, 0)
        return room / (2 * rate) if self.frames else math.inf

    @property
    def mixture(self) -> str:
        """A sentence when frames of several sizes or types of pixels came; '' when all are alike."""
        if len(self.kinds) < 2:
            return ""
        (_, usual), *others = self.kinds.most_common()
        others_text = ", ".join(f"{width} x {height} {dtype}" for ((width, height), dtype), _ in others)
        return tr(
            "{total} of {total_2} frames have other images ({others_text}): they are recorded in a "
            "file of their own beside {name}",
            total=self.kinds.total() - usual,
            total_2=self.kinds.total(),
            others_text=others_text,
            name=self.path.name,
        )

    def add(self, frame: TrackedFrame) -> RecordedFrame:
        """Take a frame. When the disk cannot keep up or fails, the frame is counted in `dropped`.

        A colored one is counted there, too, unless colors are kept: sequence files of sweeps hold grey images.

        Returns it as one that may be kept for long, however many there are. Raises RecordingError after the end.
        """
        size = frame.pixels.nbytes
        kept = RecordedFrame.of(frame)
        with self._changed:
            if self._ending:
                raise RecordingError(tr("The recording {path} has ended; it takes no more frames.", path=self.path))
            if frame.pixels.ndim != 2 and not self._keep_color:
                self.dropped += 1
                self.problem = tr("a colored image cannot be written to {path}, which holds grey ones", path=self.path)
                return kept
            if self._queue and self._queued_bytes + size > _QUEUE_BYTES:
                self.dropped += 1
                self.problem = tr(
                    "the disk of {path} is too slow: {dropped} frames were lost", path=self.path, dropped=self.dropped
                )
                return kept
            self.kinds[frame.image_size, str(frame.dtype)] += 1
            self._queue.append(kept)
            self._queued_bytes += size
            self._changed.notify()
        return kept

    def stop(self, progress: Progress | None = None) -> list[Path]:
        """Finish: the files that were made (one, unless the image size changed on the way).

        Raises RecordingError when nothing was recorded or the file cannot be made; the journal then stays.
        """
        self._end()
        if self.problem and self.frames == 0:
            raise RecordingError(
                tr("Nothing could be recorded in {path}: {problem}.", path=self.path, problem=self.problem)
            )
        return recover(self.path, progress, self._moved)

    def discard(self) -> None:
        """End a recording that took no frame, and leave nothing behind."""
        self._end()
        if self.frames == 0:
            self.journal.unlink(missing_ok=True)

    def _moved(self, piece_at: int, place: PiecePlace) -> None:
        reference = self._on_disk.get(piece_at)
        frame = reference() if reference is not None else None
        if frame is not None:
            frame.leave_to_disk(place)

    def _end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def _write_all(self) -> None:
        synced = checked = time.monotonic()
        unsynced = False
        self._look_at_disk()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._ending, _CHECK_DISK_EVERY_S)
                if not self._queue and self._ending:
                    break
                frame = self._queue[0] if self._queue else None
                in_a_hurry = self._queued_bytes > _COMPRESS_UP_TO_BYTES
            if frame is not None:
                size = frame.pixels.nbytes
                self._write(frame, compressed=not in_a_hurry)
                unsynced = True
                with self._changed:
                    self._queue.popleft()
                    self._queued_bytes -= size
                del frame
            now = time.monotonic()
            if unsynced and (not self._queue or now - synced > _SYNC_EVERY_S):
                synced, unsynced = now, False
                self._sync()
            if now - checked > _CHECK_DISK_EVERY_S:
                checked = now
                self._look_at_disk()
        self._look_at_disk()
        self._sync()
        with contextlib.suppress(OSError):
            self._stream.close()

    def _write(self, frame: RecordedFrame, compressed: bool) -> None:
        """Append one frame; after a failure take back what was written of it, and try the disk again a second later."""
        if self._failed and time.monotonic() - self._failed_at < _TRY_AGAIN_AFTER_S:
            self._lose(self._reason)
            return
        try:
            if self._failed:
                self._stream.truncate(self._written_bytes)
                self._stream.seek(self._written_bytes)
            packed = pack_frame(frame, compressed, self._reference, self._fixed)
            self._written_bytes += _write_fully(self._stream, journal_record(packed))
            piece_at = self._written_bytes - len(packed.piece)
            self._on_disk[piece_at] = weakref.ref(frame)
            frame.leave_to_disk(PiecePlace(self.journal, piece_at, len(packed.piece)))
            self._failed = False
            self.frames += 1
        except OSError as error:
            self._failed, self._failed_at = True, time.monotonic()
            self._lose(error.strerror or str(error))
        except SequenceFileError as error:
            self._lose(str(error))
        except Exception as error:
            # A fault of ours with one frame must not end the recording in the middle of an operation.
            _logger.exception("A frame could not be recorded.")
            self._lose(str(error))

    def _lose(self, reason: str) -> None:
        self._reason = reason
        with self._changed:
            self.dropped += 1
            self.problem = tr(
                "{dropped} frames could not be written ({rstrip}) and were lost; the other {frames} are "
                "safe in {journal}",
                dropped=self.dropped,
                rstrip=reason.rstrip("."),
                frames=self.frames,
                journal=self.journal,
            )

    def _sync(self) -> None:
        try:
            getattr(os, "fdatasync", os.fsync)(self._stream.fileno())
        except OSError as error:
            self.problem = self.problem or tr(
                "the disk of {path} does not keep what is written ({strerror})", path=self.path, strerror=error.strerror
            )

    def _look_at_disk(self) -> None:
        if self._is_gone():
            with contextlib.suppress(OSError):
                self._write_anew()
        if not self._is_locked:
            mark_as_alive(self.journal)
        with contextlib.suppress(OSError):
            self._free_bytes = shutil.disk_usage(self.path.parent).free
            low = self._free_bytes < _LOW_DISK_BYTES or self.seconds_left < _LOW_DISK_S
            minutes = (
                tr(", for about {seconds_left:.0f} minutes more", seconds_left=self.seconds_left / 60)
                if math.isfinite(self.seconds_left)
                else ""
            )
            self.warning = (
                tr(
                    "only {free_bytes:.1f} GB are free on the disk of {path}{minutes}",
                    free_bytes=self._free_bytes / 1000000000.0,
                    path=self.path,
                    minutes=minutes,
                )
                if low
                else ""
            )

    def _is_gone(self) -> bool:
        """True when the journal is no longer where it was: removed, or its disk was."""
        try:
            return not os.path.samestat(os.stat(self.journal), os.fstat(self._stream.fileno()))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def _write_anew(self) -> None:
        """Go on in a new journal of the same name, with all of the old one that can be read while it is still open."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        anew = self._new_journal()
        _write_fully(anew, MAGIC)
        try:
            self._stream.seek(len(MAGIC))
            while data := self._stream.read(_COPIED_BYTES):
                _write_fully(anew, data)
        except OSError as error:
            self.problem = tr(
                "{journal} was taken away ({strerror}); some frames are only where it was",
                journal=self.journal,
                strerror=error.strerror,
            )
        with contextlib.suppress(OSError):
            self._stream.close()
        self._stream, self._written_bytes, self._failed = anew, anew.tell(), False

    def _new_journal(self) -> FileIO:
        stream = open(self.journal, "x+b", buffering=0)
        self._is_locked = lock(stream)
        return stream


def _write_fully(stream: FileIO, data: bytes) -> int:
    """Write all of `data` to an unbuffered stream; how many bytes that were."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]
    return len(data)
