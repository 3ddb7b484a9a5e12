"""An array that two processes see at once, under a name that lives only until both have opened it.

A memory-mapped file: on Linux in /dev/shm, which is memory, else in the folder for temporary files. The process that
opens a block removes its name at once, so that nothing is left behind however either process ends. Python's own
multiprocessing.shared_memory would start a tracker process with `sys.executable`, which inside 3D Slicer may be Slicer
itself, and before Python 3.13 removes blocks that are still in use (python/cpython issue 82300).
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from ..errors import SegmentationError
from ..words import tr

PREFIX = "crlm-"
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  (where Linux keeps shared memory)
# A block is locked in the instant after it is made; before that nobody can see whether its maker lives.
_SURELY_LOCKED_AFTER_S = 60.0


class SharedBlock:
    """`size` bytes of memory that another process can open by `name`; made with create(), opened with open()."""

    def __init__(self, name: str, memory: mmap.mmap, descriptor: int | None = None):
        self.name = name
        self._memory = memory
        self._locked = descriptor

    @classmethod
    def create(cls, size: int) -> SharedBlock:
        """A new block of zeros. Raises SegmentationError when there is no room for it."""
        reason = ""
        for folder in _folders():
            path = folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
            try:
                return cls(str(path), *_mapped(path, size))
            except OSError as error:  # full, read-only, or not ours to write to: the next one may do
                _unlink(path)
                reason = error.strerror or str(error)
        raise SegmentationError(
            tr(
                "There is no room for a crop of {size:.0f} MB in the shared memory or the folder for "
                "temporary files ({reason}): make room there, or draw a smaller box.",
                size=size / 1000000.0,
                reason=reason or "there is no such folder",
            )
        )

    @classmethod
    def open(cls, name: str) -> SharedBlock:
        """The block of that name, whose name is removed. Raises FileNotFoundError when it is no longer there."""
        descriptor = os.open(name, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            block = cls(name, mmap.mmap(descriptor, 0))
        finally:
            os.close(descriptor)
        block.forget_name()
        return block

    def array(self, shape: Sequence[int], dtype: DTypeLike, first_byte: int = 0) -> np.ndarray:
        """A view of the bytes from `first_byte` on as an array; it must not be used after close()."""
        return np.ndarray(shape, dtype, buffer=self._memory, offset=first_byte)

    def forget_name(self) -> None:
        """Nobody else can open the block from now on; whoever has it open keeps it. Can be called twice."""
        # Windows removes no open file: the process that closes it last does.
        _unlink(Path(self.name))

    def close(self) -> None:
        """Give the memory back; can be called twice."""
        try:
            self._memory.close()
        except BufferError:
            pass  # a view is still alive: the memory goes with it
        self.forget_name()
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None


def remove_blocks_of_dead_processes() -> None:
    """Take away what a process left that was killed in the instant between making a block and handing it over.

    Only blocks of this user whose maker surely has gone: no process of its number is seen from here, and the lock that
    it held as long as it lived is free. (In another process name space, as of a container that shares /dev/shm, a
    living process is not seen, but its lock is.)
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        paths = list(_MEMORY_FOLDER.glob(f"{PREFIX}*-*"))
    except OSError:
        return
    for path in paths:
        owner = path.name[len(PREFIX) :].split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and _is_own_and_unlocked(path):
            _unlink(path)


def _is_own_and_unlocked(path: Path) -> bool:
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        about = os.fstat(descriptor)
        if about.st_uid != os.getuid() or time.time() - about.st_mtime < _SURELY_LOCKED_AFTER_S:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False  # locked by its maker, or there are no locks here
    finally:
        os.close(descriptor)


def _folders() -> list[Path]:
    folders = [_MEMORY_FOLDER] if sys.platform.startswith("linux") and _MEMORY_FOLDER.is_dir() else []
    try:
        return [*folders, Path(tempfile.gettempdir())]
    except OSError:  # not one can be written to
        return folders


def _mapped(path: Path, size: int) -> tuple[mmap.mmap, int | None]:
    """The memory, and the descriptor that holds the lock; None where there are no locks."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    keep = False
    try:
        keep = _lock(descriptor)
        if hasattr(os, "posix_fallocate"):
            # Reserved now: a full memory is an error here, and not a crash when the block is written to.
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size), descriptor if keep else None
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Say that the maker lives, for as long as the descriptor is open. False where there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass  # it has gone, or is not ours to remove
