"""A recording that is going on: kept in memory for the scene, on disk as it grows, and reconstructed live."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import RecordingError
from ...reconstruction import ReconstructionSettings
from ...sweep import Sweep, TrackedFrame
from ...sweep.missing_frames import MISSING_FIELD
from ...sweep.recorder import Recorder
from ...words import mark, tr
from .memory import LAST_BYTES, SHORT_BYTES, available_bytes

_logger = logging.getLogger(__name__)
_FILE_ENDING = ".igs.mha"

if TYPE_CHECKING:
    from ...reconstruction import LiveReconstruction


@dataclass(frozen=True)
class RecordingState:
    """A recording at one moment.

    frames, seconds, invalid   so far; invalid: without a measured pose
    path            the file that it will be
    gap_mm          widest gap between the last two usable frames; NaN before the second
    spacing_mm      of the volume that is to be made of it
    speed_mm_per_s  of the probe; NaN when unknown
    coverage        part of the way, 0 to 1, in which no gap was too wide to be filled
    frames_waiting  for the live volume
    hints           sentences for the person who sweeps, most important first; empty when all is well
    """

    frames: int
    seconds: float
    invalid: int
    path: Path | None
    gap_mm: float = math.nan
    spacing_mm: float = math.nan
    speed_mm_per_s: float = math.nan
    coverage: float = 1.0
    frames_waiting: int = 0
    hints: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for people."""
        line = tr("{frames} frames in {seconds:.1f} s", frames=self.frames, seconds=self.seconds)
        if self.invalid:
            line += tr(", {invalid} without a valid pose", invalid=self.invalid)
        return f"{line}: {self.hints[0]}" if self.hints else line


class Recording:
    """Frames of one sweep.

    path      the file on disk; None to keep it in memory only
    settings  of the volume that will be made of it
    live      LiveReconstruction that takes each frame, or None
    Raises RecordingError when the file cannot be begun.
    """

    def __init__(
        self, path: str | Path | None, settings: ReconstructionSettings, live: LiveReconstruction | None = None
    ):
        from ...reconstruction import SweepWatch

        self.recorder = Recorder(path) if path is not None else None
        self.live = live
        self.watch = SweepWatch(settings)
        self._frames: list[TrackedFrame] = []
        self._bytes_in_memory = 0
        self._invalid = self._missing = 0
        self._troubles: dict[str, str] = {}
        self._started_s: float | None = None

    @property
    def path(self) -> Path | None:
        return self.recorder.path if self.recorder is not None else None

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: TrackedFrame) -> TrackedFrame:
        """Take the next frame; returns it as it is kept: with its pixels on disk, once they are there."""
        if self._started_s is None:
            self._started_s = time.monotonic()
        kept = self.recorder.add(frame) if self.recorder is not None else frame
        self._bytes_in_memory += frame.pixels.nbytes if self.recorder is None else 0
        self._frames.append(kept)
        self._invalid += not frame.valid
        self._missing += int(frame.fields.get(MISSING_FIELD, 0))
        # What only looks at the frames must never keep one from being recorded.
        for what, looker in ((mark("reconstructed live"), self.live), (mark("watched"), self.watch)):
            if looker is None or what in self._troubles:
                continue
            try:
                looker.add(frame)
            except Exception as error:
                _logger.exception("The recording is not %s any more.", what)
                self._troubles[what] = tr(
                    "it is recorded, but not {what} any more ({error})", what=tr(what), error=error
                )
        return kept

    @property
    def must_end(self) -> str:
        """Why no more frames can be kept, for people; '' while they can."""
        left = available_bytes()
        if self.recorder is not None or left > LAST_BYTES:
            return ""
        return tr(
            "The recording has ended, because it is kept in memory and only {left:.1f} GB are left: "
            "choose a folder for recordings.",
            left=left / 1000000000.0,
        )

    def _memory_problem(self) -> str:
        left = available_bytes()
        if left > SHORT_BYTES:
            return ""
        kept = (
            tr(
                ", of which this recording takes {bytes_in_memory:.1f} GB",
                bytes_in_memory=self._bytes_in_memory / 1000000000.0,
            )
            if self.recorder is None
            else ""
        )
        return tr(
            "memory is short: {left:.1f} GB are left{kept}; end the recording soon", left=left / 1000000000.0, kept=kept
        )

    def state(self) -> RecordingState:
        """What is known now."""
        recorder = self.recorder
        reading = self.watch.reading
        troubles = [recorder.problem, recorder.warning, recorder.mixture] if recorder is not None else []
        if self.live is not None and self.live.problem:
            troubles.append(
                tr("it is recorded, but not reconstructed live any more ({problem})", problem=self.live.problem)
            )
        if self._missing:
            troubles.append(tr("about {missing} frames were skipped by the sender", missing=self._missing))
        return RecordingState(
            frames=len(self._frames),
            seconds=time.monotonic() - self._started_s if self._started_s is not None else 0.0,
            invalid=self._invalid,
            path=self.path,
            gap_mm=reading.gap_mm,
            spacing_mm=min(self.watch.settings.spacing_mm),
            speed_mm_per_s=reading.speed_mm_per_s,
            coverage=reading.covered_share,
            frames_waiting=self.live.frames_waiting if self.live is not None else 0,
            hints=(*filter(None, (*troubles, self._memory_problem(), *self._troubles.values())), *reading.hints),
        )

    def sweep(self) -> Sweep:
        """The frames so far, those of the size that most of them have. Raises RecordingError when there is none."""
        if not self._frames:
            raise RecordingError(tr("No frame came while recording; check that PLUS sends images, then record again."))
        kinds = [(frame.image_size, frame.dtype) for frame in self._frames]
        usual = max(dict.fromkeys(kinds), key=kinds.count)
        name = self.path.name if self.path is not None else ""
        frames = [frame for frame, kind in zip(self._frames, kinds) if kind == usual]
        return Sweep(frames, name, notes=self._left_out(len(kinds) - len(frames), usual))

    def _left_out(self, frames: int, usual: tuple[tuple[int, int], np.dtype]) -> tuple[str, ...]:
        if not frames:
            return ()
        (width, height), dtype = usual
        where = tr("; they are in a file of their own beside it") if self.recorder is not None else ""
        return (
            (
                tr(
                    "{frames} of {frames_2} frames are not of {width} x {height} pixels of type {dtype} as "
                    "the others and not in the sweep{where}.",
                    frames=frames,
                    frames_2=len(self._frames),
                    width=width,
                    height=height,
                    dtype=dtype,
                    where=where,
                )
            ),
        )

    def discard(self) -> None:
        """End it without keeping anything, when no frame came."""
        if self.recorder is not None:
            self.recorder.discard()


def new_recording_path(folder: Path) -> Path:
    """A name in `folder` that is not taken, after the time of day. No name of a person is in it."""
    stem = time.strftime("sweep-%Y%m%d-%H%M%S")
    for number in range(1, 10_000):
        path = Path(folder) / f"{stem}{f'-{number}' if number > 1 else ''}{_FILE_ENDING}"
        if not path.exists() and not path.with_name(path.name + ".journal").exists():
            return path
    raise RecordingError(
        tr("{folder} is full of recordings of this very second; choose another folder.", folder=folder)
    )
