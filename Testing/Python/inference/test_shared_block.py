"""Blocks of shared memory: only own ones, whose maker surely has gone, are taken away; a folder that refuses
is left.
"""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.inference import shared_block
from CRLMSegmentationLib.inference.shared_block import SharedBlock, remove_blocks_of_dead_processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /dev/shm, which Linux has")


@pytest.fixture
def memory(tmp_path, monkeypatch) -> Path:
    """A folder in the place of /dev/shm."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(shared_block, "_MEMORY_FOLDER", folder)
    return folder


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_over(folder: Path, process_id: int, age_s: float = 3600) -> Path:
    path = folder / f"crlm-{process_id}-00ff"
    path.write_bytes(b"voxels")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_what_a_dead_process_left_is_taken_away_and_nothing_else(memory, dead):
    gone, living, fresh = left_over(memory, dead), left_over(memory, os.getpid()), memory / f"crlm-{dead}-0a0a"
    fresh.write_bytes(b"just made: its maker, seen from another name space, may be about to lock it")
    others = [memory / "other-99999-aa", memory / "crlm-notes-99999", memory / f"crlm-{dead}-link"]
    for other in others[:2]:
        other.write_bytes(b"not ours")
    others[2].symlink_to(others[0])
    remove_blocks_of_dead_processes()
    assert not gone.exists() and living.exists() and fresh.exists() and all(other.exists() for other in others)


def test_a_block_that_is_in_use_stays_though_its_maker_is_not_seen_from_here(memory, dead):
    """As from another process name space: the number says nothing, the lock does."""
    block = SharedBlock.create(10)
    path = memory / f"crlm-{dead}-0b0b"
    Path(block.name).rename(path)
    os.utime(path, (time.time() - 3600,) * 2)
    remove_blocks_of_dead_processes()
    assert path.exists()
    block.close()
    remove_blocks_of_dead_processes()
    assert not path.exists()


def test_a_block_of_another_user_is_left_and_disturbs_nothing(memory, dead, monkeypatch):
    path = left_over(memory, dead)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
        remove_blocks_of_dead_processes()
    assert path.exists()

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:  # as the sticky bit of /dev/shm does
        patch.setattr(Path, "unlink", refuse)
        remove_blocks_of_dead_processes()
    assert path.exists()


def test_without_file_locks_blocks_are_made_and_nothing_is_taken_away(memory, dead, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    path = left_over(memory, dead)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    remove_blocks_of_dead_processes()
    assert path.exists()
    block = SharedBlock.create(100)
    block.array((100,), np.uint8)[:] = 7
    block.close()
    assert list(memory.iterdir()) == [path]


def test_a_read_only_memory_leaves_the_folder_for_temporary_files(memory, tmp_path, monkeypatch):
    real, refused = os.open, []

    def read_only(path, flags, *mode, **options):
        if Path(path).parent == memory and flags & os.O_CREAT:
            refused.append(path)
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, flags, *mode, **options)

    def cannot_unlink(path, missing_ok=False):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        patch.setattr(Path, "unlink", cannot_unlink)
        block = SharedBlock.create(100)
    assert refused and Path(block.name).parent == elsewhere
    block.close()
    assert not list(elsewhere.iterdir())


def test_no_room_anywhere_is_one_sentence(memory, monkeypatch):
    def full(path, flags, *mode, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(SegmentationError, match=r"no room for a crop of 3 MB .*No space left on device"):
        SharedBlock.create(3_000_000)
