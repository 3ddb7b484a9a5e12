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
from pathlib import Path

import numpy as np

from ..errors import SegmentationError

PREFIX = "crlm-"
_MEMORY_FOLDER = Path("/dev/shm")


class SharedBlock:
    """`size` bytes of memory that another process can open by `name`; made with create(), opened with open()."""

    def __init__(self, name: str, memory: mmap.mmap):
        self.name = name
        self._memory = memory

    @classmethod
    def create(cls, size: int) -> SharedBlock:
        """A new block of zeros. Raises SegmentationError when there is no room for it."""
        folders = [_MEMORY_FOLDER] if sys.platform.startswith("linux") and _MEMORY_FOLDER.is_dir() else []
        for folder in (*folders, Path(tempfile.gettempdir())):
            path = folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
            try:
                return cls(str(path), _mapped(path, size))
            except OSError as error:
                path.unlink(missing_ok=True)
                reason = error.strerror
        raise SegmentationError(
            f"There is no room for a crop of {size / 1e6:.0f} MB in the shared memory ({reason}): draw a smaller box."
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

    def array(self, shape, dtype, first_byte: int = 0) -> np.ndarray:
        """A view of the bytes from `first_byte` on as an array; it must not be used after close()."""
        return np.ndarray(shape, dtype, buffer=self._memory, offset=first_byte)

    def forget_name(self) -> None:
        """Nobody else can open the block from now on; whoever has it open keeps it. Can be called twice."""
        try:
            os.unlink(self.name)
        except FileNotFoundError:
            pass
        except PermissionError:
            # Windows removes no open file: the process that closes it last does.
            pass

    def close(self) -> None:
        """Give the memory back; can be called twice."""
        try:
            self._memory.close()
        except BufferError:
            pass  # a view is still alive: the memory goes with it
        self.forget_name()


def remove_blocks_of_dead_processes() -> None:
    """Take away what a process left that was killed in the instant between making a block and handing it over."""
    if not sys.platform.startswith("linux"):
        return
    for path in _MEMORY_FOLDER.glob(f"{PREFIX}*-*"):
        owner = path.name[len(PREFIX):].split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            path.unlink(missing_ok=True)


def _mapped(path: Path, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            # Reserved now: a full memory is an error here, and not a crash when the block is written to.
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
