"""The files of a case in one folder, replaced all or none.

New files are written beside the old ones first. Then the old ones step aside, the index first, and the new ones take
their places, the index last: while it is missing the folder is no case, so that there is never a mixture of two. What a
crash leaves in between is put right by recover().
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_SAVING, _ASIDE = ".saving-", ".replaced"
_LEFT_OVER_S = 3600.0


@contextmanager
def written_in_one_piece(folder: Path, index: str, names: Sequence[str]) -> Iterator[Path]:
    """Gives a folder to write the files `names` into; they take their places when the block ends without an error.

    index  which of them makes the folder a case: a JSON object whose 'files' lists the others
    Files of an earlier case that are not written again are removed; those of others stay. Raises OSError; then the
    earlier case is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recover(folder, index, names)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_SAVING, ignore_cleanup_errors=True) as place:
        yield Path(place)
        _replace(Path(place), folder, [index, *(name for name in names if name != index)])


def recover(folder: Path, index: str, names: Sequence[str]) -> None:
    """Put right what was cut off in the middle of replacing, and remove what was cut off while being written."""
    for left_over in folder.glob(_SAVING + "*"):
        with suppress(OSError):
            if time.time() - left_over.stat().st_mtime > _LEFT_OVER_S:
                shutil.rmtree(left_over, ignore_errors=True)
    aside = folder / _ASIDE
    if not aside.is_dir():
        return
    if (aside / index).is_file() and not (folder / index).exists():
        kept = set(_listed(aside / index))
        for name in names:
            if (folder / name).exists() and not (aside / name).exists() and name not in kept:
                (folder / name).unlink()
        _bring_back(aside, folder, [name for name in names if name != index])
        _bring_back(aside, folder, [index])
    if (folder / index).exists() or not (aside / index).exists():
        shutil.rmtree(aside, ignore_errors=True)


def _replace(written: Path, folder: Path, order: list[str]) -> None:
    aside = folder / _ASIDE
    aside.mkdir()
    placed = []
    try:
        for name in order:
            if (folder / name).exists():
                os.replace(folder / name, aside / name)
        for name in reversed(order):
            if (written / name).exists():
                os.replace(written / name, folder / name)
                placed.append(name)
    except OSError:
        for name in placed:
            with suppress(OSError):
                os.replace(folder / name, written / name)
        _bring_back(aside, folder, list(reversed(order)))
        with suppress(OSError):
            aside.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _bring_back(aside: Path, folder: Path, names: Iterable[str]) -> None:
    """The index comes last, and only when all the others are there."""
    for name in names:
        if (aside / name).exists():
            os.replace(aside / name, folder / name)


def _listed(index: Path) -> list[str]:
    try:
        files = json.loads(index.read_text(encoding="utf-8"))["files"]
        return [name for name in files if isinstance(name, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
