"""What makes a volume of a sweep in the session's thread, in place of our own reconstruction."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from ..reconstruction import ReconstructionSettings
from ..sweep import Sweep
from ..values import Volume
from ..values.progress import Progress, ShouldCancel

Slices = Generator[None, None, Volume]


class ReconstructionEngine(Protocol):
    """A program that is registered with VolumePart.register_engine(), such as IGSIO's in a running Slicer.

    name   by which it is chosen
    label  its name for people
    """

    name: str
    label: str

    def check_available(self) -> None:
        """Raises ReconstructionError, which says what is missing, where it cannot be used."""
        ...

    def slices(
        self,
        sweep: Sweep,
        settings: ReconstructionSettings,
        progress: Progress | None,
        should_cancel: ShouldCancel | None,
    ) -> Slices:
        """Yields every few milliseconds and returns the volume, in Reference; with what it has of these settings.

        Raises ReconstructionError, and Cancelled when it is stopped.
        """
        ...


@dataclass(frozen=True, eq=False)
class MadeByEngine:
    """A volume, and the label of the engine that made it."""

    volume: Volume
    label: str


def made_by(
    engine: ReconstructionEngine, sweep: Sweep, settings: ReconstructionSettings, progress: Progress | None,
    should_cancel: ShouldCancel | None,
) -> Generator[None, None, MadeByEngine]:  # fmt: skip
    """As engine.slices()."""
    volume = yield from engine.slices(sweep, settings, progress, should_cancel)
    return MadeByEngine(volume, engine.label)
