"""The same picture must not be learned from and tested on, whatever it is called.

Data sets overlap: the cases of 3D-IRCADb are part of LiTS under other names and in another format. An image is known by
what is in its voxels, turned into one orientation, and not by its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, FileFormatError
from ...files import read_volume
from ...inference.models.model_files import sha256_of
from ...preoperative.orientation import Orientation
from ...values import Volume
from .case_table import CaseRow


def refuse_same_images(rows: Sequence[CaseRow]) -> None:
    """Raises ConfigurationError when cases of two splits show the same image; files that are not there are skipped."""
    known: dict[str, CaseRow] = {}
    for row in rows:
        digest = _digest_of(row)
        if digest is None:
            continue
        other = known.setdefault(digest, row)
        if other.split != row.split:
            raise ConfigurationError(
                f"The cases {other.case} ({other.split}) and {row.case} ({row.split}) show the same image: "
                "keep it in one split."
            )


def content_digest(volume: Volume) -> str:
    """Of the voxels, rounded to whole numbers and laid along R, A, S as nearly as the grid does; not of the place."""
    whole = np.ascontiguousarray(np.rint(Orientation.of(volume).lay(volume.voxels)), dtype=np.int32)
    return hashlib.sha256(repr(whole.shape).encode() + whole.tobytes()).hexdigest()


def _digest_of(row: CaseRow) -> str | None:
    path = Path(row.volume or row.sweep)
    if not path.is_file():
        return None
    if row.volume:
        try:
            return content_digest(read_volume(path))
        except FileFormatError:
            pass  # of a task with files of its own
    return sha256_of(path)
