"""From the journal of a recording to its sequence file: at the end of a recording, and after one that was cut off."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import CRLMError, RecordingError, SequenceFileError
from ..values.progress import Progress
from ..words import tr
from .journal import JournalEntry, journal_entries
from .recorded_frame import PiecePlace
from .sequence_files.packed_frame import FrameKind
from .sequence_files.sequence_formats import read_sequence_header
from .sequence_files.sequence_writer import compressed_bytes, compressed_chunks, first_piece_at, write_whole
from .transforms import parse_matrix

JOURNAL_SUFFIX = ".journal"
# What is said of so many frames fits the header that readers accept.
_MOST_FRAMES_A_FILE = 100_000
_REPORT_EVERY = 32
# A journal that cannot be locked is touched more often than this while it is written.
SURELY_OVER_AFTER_S = 10.0


@dataclass(frozen=True)
class Recovery:
    """What became of one unfinished recording: its `files`, or the sentence why there are none (`problem`)."""

    journal: Path
    files: tuple[Path, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return tr("A recording that was cut off could not be recovered: {problem}", problem=self.problem)
        return tr(
            "A recording that was cut off was recovered: {names}.", names=", ".join(str(path) for path in self.files)
        )


def journal_path(path: str | PathLike[str]) -> Path:
    """Where the growing recording of `path` lies."""
    path = Path(path)
    return path.with_name(path.name + JOURNAL_SUFFIX)


def unfinished_recordings(folder: str | Path) -> list[Path]:
    """The journals in `folder` that no program is writing: recordings that `recover` can finish."""
    journals = sorted(Path(folder).glob(f"*{JOURNAL_SUFFIX}"))
    return [journal for journal in journals if not _is_being_written(journal)]


def recover_unfinished(folder: str | Path, progress: Progress | None = None) -> list[Recovery]:
    """Finish every recording in `folder` that was cut off. Never raises for one that cannot be."""
    journals = unfinished_recordings(folder) if Path(folder).is_dir() else []
    recovered = []
    for number, journal in enumerate(journals):

        def report(fraction: float, text: str, number: int = number) -> None:
            if progress:
                progress((number + fraction) / len(journals), text)

        try:
            recovered.append(Recovery(journal, tuple(recover(journal, report))))
        except CRLMError as error:
            recovered.append(Recovery(journal, problem=str(error)))
    return recovered


def recover(
    path: str | Path,
    progress: Progress | None = None,
    on_moved: Callable[[int, PiecePlace], None] = lambda piece_at, place: None,
) -> list[Path]:
    """Make the sequence file of an unfinished recording; `path` is the file's or its journal's name.

    on_moved  called for each frame with where it lay in the journal and where it lies now, before the journal goes

    The journal is removed only after the file is complete and kept by the disk. Frames of another size or type of
    pixels than most go to `<name>-2`, and so on; nothing that is already there is overwritten.
    Raises RecordingError when there is no journal, it is still being written, or no whole frame is in it.
    """
    path = Path(path)
    if path.suffix == JOURNAL_SUFFIX:
        path = path.with_suffix("")
    journal = journal_path(path)
    if not journal.exists():
        raise RecordingError(tr("There is no unfinished recording {journal}; nothing to repair.", journal=journal))
    try:
        with open(journal, "rb") as stream:
            lock(stream)
            _remove_parts_of(path)
            files = _files_of(stream, path, progress, on_moved)
        sync_folder(path.parent)
        journal.unlink()
        return files
    except BlockingIOError:
        raise RecordingError(
            tr("{journal} is still being recorded by another program; stop that one first.", journal=journal)
        ) from None
    except OSError as error:
        raise RecordingError(
            tr(
                "{path} cannot be written ({strerror}). The recording is safe in {journal}; `crlm repair` finishes it.",
                path=path,
                strerror=error.strerror,
                journal=journal,
            )
        ) from None


def _files_of(
    stream: BinaryIO, path: Path, progress: Progress | None, on_moved: Callable[[int, PiecePlace], None]
) -> list[Path]:
    """The files made of an open journal. Raises RecordingError or OSError; no file is left then."""
    journal = journal_path(path)
    size = max(os.fstat(stream.fileno()).st_size, 1)
    reports = 0

    def report(position: int, begin: float, text: str) -> None:
        nonlocal reports
        reports += 1
        if progress and reports % _REPORT_EVERY == 0:
            progress(begin + 0.5 * min(position / size, 1.0), text)

    try:
        entries = list(journal_entries(stream, lambda position: report(position, 0.0, tr("checking the recording"))))
    except ValueError:
        raise RecordingError(
            tr("{journal} is not an interrupted recording of this program; nothing was changed.", journal=journal)
        ) from None
    if not entries:
        raise RecordingError(tr("No whole frame is in {journal}; it is left where it is.", journal=journal))
    if _holds_already(path, entries):
        # It was cut off after the file had been made and before the journal was removed.
        return [path]
    made: list[Path] = []
    moved: list[tuple[int, PiecePlace]] = []
    try:
        for group in _groups(entries):
            target = _free_name(path, len(made) + 1)
            stored = compressed_bytes(target, sum(entry.piece_bytes for entry in group))
            pieces = _pieces(stream, group, lambda position: report(position, 0.5, tr("writing the sequence file")))
            chunks = compressed_chunks(target, group, pieces)
            fields = [entry.fields for entry in group]
            position = write_whole(target, group[0].kind, fields, stored, chunks, fixed=_fixed(group))
            position += first_piece_at(target)
            for entry in group:
                moved.append((entry.piece_at, PiecePlace(target, position, entry.piece_bytes)))
                position += entry.piece_bytes
            made.append(target)
    except OSError:
        # The journal holds it all: half of the files would only stand in the way of the next try.
        for each in made:
            each.unlink(missing_ok=True)
        raise
    for piece_at, place in moved:
        on_moved(piece_at, place)
    return made


def _groups(entries: list[JournalEntry]) -> Iterator[list[JournalEntry]]:
    """The frames that go into one file each: first those of the kind that most have."""
    by_kind: dict[FrameKind, list[JournalEntry]] = {}
    for entry in entries:
        by_kind.setdefault(entry.kind, []).append(entry)
    for group in sorted(by_kind.values(), key=len, reverse=True):
        for begin in range(0, len(group), _MOST_FRAMES_A_FILE):
            yield group[begin : begin + _MOST_FRAMES_A_FILE]


def _fixed(entries: list[JournalEntry]) -> dict[str, np.ndarray]:
    """The transforms of a configuration with which these frames were recorded."""
    return {name: parse_matrix(text, name) for entry in entries for name, text in entry.fixed.items()}


def _pieces(stream: BinaryIO, entries: list[JournalEntry], on_position: Callable[[int], None]) -> Iterator[bytes]:
    for entry in entries:
        stream.seek(entry.piece_at)
        yield stream.read(entry.piece_bytes)
        on_position(entry.piece_at)


def _holds_already(path: Path, entries: list[JournalEntry]) -> bool:
    """True when `path` is the complete file of these frames."""
    if not path.exists() or any(entry.kind != entries[0].kind for entry in entries):
        return False
    try:
        header = read_sequence_header(path)
    except SequenceFileError:
        return False
    stored = compressed_bytes(path, sum(entry.piece_bytes for entry in entries))
    if header.frame_count != len(entries) or path.stat().st_size - header.data_offset != stored:
        return False
    return all(
        written.get("Timestamp") == entry.fields.get("Timestamp")
        for written, entry in zip(header.frame_fields, entries)
    )


def _free_name(path: Path, number: int) -> Path:
    """`path` for the first file, then '<name>-2' and so on, past names that are taken."""
    if number == 1 and not path.exists():
        return path
    number = max(number, 2)
    stem, *endings = path.name.split(".")
    while True:
        numbered = path.with_name(".".join([f"{stem}-{number}", *endings]))
        if not numbered.exists():
            return numbered
        number += 1


def _remove_parts_of(path: Path) -> None:
    """What an earlier attempt at the same file left when it was killed."""
    # Not glob(): a name may hold what means something there.
    for entry in path.parent.iterdir():
        if entry.name.startswith(f".{path.name}.") and entry.name.endswith(".partial"):
            entry.unlink(missing_ok=True)


def lock(stream: BinaryIO) -> bool:
    """Mark a journal as in use, for as long as this process lives and has it open. Raises BlockingIOError.

    False on Windows and on a file system without locks, such as some network drives: recording goes on all the same,
    and whoever writes calls mark_as_alive() from time to time.
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def mark_as_alive(journal: Path) -> None:
    """Where there are no locks, the time of the last change says that a journal is being written, frames or none."""
    with contextlib.suppress(OSError):
        os.utime(journal)


def _is_being_written(journal: Path) -> bool:
    try:
        with open(journal, "rb") as stream:
            return not lock(stream) and abs(time.time() - os.fstat(stream.fileno()).st_mtime) < SURELY_OVER_AFTER_S
    except BlockingIOError:
        return True
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """Make the disk keep the name of a new file, where a folder can be opened for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
