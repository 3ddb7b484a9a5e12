"""What the frames say together: the probability of tumor in space, while the probe still moves.

The probabilities of each frame take the same way into voxels as its grey levels (reconstruction.live): each voxel gets
the mean of all pixels that came to it, so that one frame that errs is outvoted by those beside it, and it is known of
each voxel whether any came.
"""

from __future__ import annotations

import numpy as np

from ..errors import ReconstructionError
from ..reconstruction import ReconstructionSettings
from ..reconstruction.live import LiveReconstruction
from ..sweep import TrackedFrame
from ..values import Volume

# A tumor that matters is several of these wide, and there is an eighth of the voxels that the grey volume has.
EVIDENCE_SPACING_MM = 1.0
# Of all voxels and their snapshot: 25 to 30 million voxels, a box of 30 cm on every side.
MOST_MEMORY_BYTES = 512 << 20
# Frames that wait to be inserted: more are left out, so that a slow machine does not collect them.
_MOST_WAITING = 30
_CERTAIN = 255


def evidence_settings(grey: ReconstructionSettings | None = None) -> ReconstructionSettings:
    """How probabilities are inserted: as the `grey` levels are, from the same part of the image, coarser and as a true
    mean; holes stay open.
    """
    grey = grey or ReconstructionSettings()
    spacing = tuple(max(EVIDENCE_SPACING_MM, mm) for mm in grey.spacing_mm)
    return grey.with_changes(
        spacing_mm=spacing, compounding="mean", definition="exact", fill="none", interpolation="nearest",
        pixel_rejection_threshold=None, origin_mm=None, dimensions=None, memory_limit_bytes=MOST_MEMORY_BYTES,
        device="cpu",
    )  # fmt: skip


class Evidence:
    """The probabilities of many frames in one volume. May be used from any thread, and as a context.

    settings  see evidence_settings()
    """

    def __init__(self, settings: ReconstructionSettings | None = None) -> None:
        self._frames = LiveReconstruction(settings or evidence_settings())
        self._left_out = 0

    def __enter__(self) -> Evidence:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, frame: TrackedFrame, probability: np.ndarray) -> None:
        """Take the probability, (v, u) float 0 to 1, of the pixels of `frame`; returns at once.

        A frame without a valid pose has no place and is left out, and so are those that come quicker than they can be
        inserted.
        """
        if not frame.valid or frame.image_to_reference is None or self._frames.frames_waiting >= _MOST_WAITING:
            self._left_out += 1
            return
        levels = np.rint(probability * np.float32(_CERTAIN)).astype(np.uint8)
        self._frames.add(frame.with_changes(pixels=levels, transforms={}, fields={}))

    @property
    def frames_left_out(self) -> int:
        """That had no pose, or came too quickly."""
        return self._left_out

    @property
    def problem(self) -> str:
        """Why nothing is gathered any more, in a sentence; '' when all is well."""
        return self._frames.problem

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all that was added is in the volume; False when that takes longer."""
        return self._frames.wait(timeout_s)

    def volume(self) -> Volume | None:
        """float32 probabilities, 0 to 1, in Reference, with what was seen; None while there is no frame in it.

        Where no pixel came the probability is 0 and `seen` False. After an error of the insertion (see problem) None.
        """
        try:
            found = self._frames.snapshot(fill=False).volume
        except ReconstructionError:
            return None
        return found.with_voxels(found.voxels.astype(np.float32) / np.float32(_CERTAIN))

    def close(self) -> None:
        """Insert what waits and end the thread; volume() can still be asked."""
        self._frames.close()
