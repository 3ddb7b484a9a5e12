"""What a model's first load leaves on disk, so that the next one is quick: converted networks, torch's answers, and
which runtime was the fastest.

Everything here can be made again, is found by the hash of what it was made of, and is removed when it has not been
used for longest. Other files in the folder, which a user may have named, are never touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from ..models import user_folders

FOLDER_VARIABLE = "CRLM_CACHE"
# Up to five for each fold of a model, and one for each way to use it.
FILES_KEPT = 40
# The names that key_of() gives, finished or not: nothing else in the folder is ours.
_OWN_NAME = re.compile(r"(draft-[0-9-]+-)?[0-9a-f]{32}\.(npy|xml|bin|json)")


def cache_folder() -> Path:
    """The folder that CRLM_CACHE names, else the system's for what can be made again."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    return user_folders.cache_folder()


def key_of(*parts: str) -> str:
    """A file name that stands for exactly these parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def kept_answer(file: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The float32 array that was kept; None when there is none of that shape."""
    try:
        answer = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(answer, dtype=np.float32) if answer.shape == shape else None


def keep_answer(file: Path, answer: np.ndarray) -> None:
    """Keep it for the next start, and remove what has not been used for longest."""
    _keep(file, lambda stream: np.save(stream, answer.astype(np.float32), allow_pickle=False))


def kept_choice(file: Path) -> dict[str, str]:
    """What keep_choice() was given; empty when there is nothing, or nothing of that kind."""
    try:
        choice: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(choice, dict):
        return {}
    return {name: value for name, value in choice.items() if isinstance(name, str) and isinstance(value, str)}


def keep_choice(file: Path, choice: dict[str, str]) -> None:
    """Keep it for the next start."""
    _keep(file, lambda stream: stream.write(json.dumps(choice).encode()))


def _keep(file: Path, write: Callable[[IO[bytes]], object]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"draft-{os.getpid()}-{time.monotonic_ns()}-{file.name}")
        with open(draft, "wb") as stream:
            write(stream)
        draft.replace(file)
        _remove_oldest(file.parent)
    except OSError:
        pass  # a full or read-only disk costs some seconds at the next start, nothing else


def _remove_oldest(folder: Path) -> None:
    own = []
    for path in folder.iterdir():
        about = path.lstat() if _OWN_NAME.fullmatch(path.name) else None
        if about is not None and stat.S_ISREG(about.st_mode):
            own.append((about.st_mtime, path))
    for _, old in sorted(own, reverse=True)[FILES_KEPT:]:
        old.unlink(missing_ok=True)
