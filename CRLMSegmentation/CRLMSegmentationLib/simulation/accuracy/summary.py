"""Many simulated operations: the error of the whole chain, and of each source alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.error_model import SOURCES
from ...errors import CalibrationError, ConfigurationError
from .chain import Distances, simulate_distances
from .settings import ALL, ChainSettings


@dataclass(frozen=True, eq=False)
class ChainAccuracy:
    """What `operations` simulated operations gave.

    whole   all of their distances, with every source of error
    alone   by source: the same with this source only
    failed  operations in which a calibration was refused, by its sentence
    """

    operations: int
    whole: Distances
    alone: dict[str, Distances]
    failed: tuple[str, ...]

    def facts(self) -> dict[str, object]:
        """Plain values: median_mm, p95_mm, budget and others; lengths of the error's amount, in mm."""
        error = np.abs(self.whole.error_mm)
        return {
            "simulated": True, "operations": self.operations, "distances": error.size, "failed": list(self.failed),
            **amounts(error), "bias_mm": float(self.whole.error_mm.mean()),
            "within_stated_95": float(self.whole.is_within.mean()),
            "stated_mm": float(np.sqrt((self.whole.stated_mm**2).mean())),
            "budget": {
                source: {
                    "rms_mm": rms(one.error_mm), **amounts(np.abs(one.error_mm)),
                    "stated_mm": float(np.sqrt((one.stated_mm**2).mean())),
                }
                for source, one in self.alone.items()
            },
        }  # fmt: skip


def amounts(error_mm: np.ndarray) -> dict[str, float]:
    """Quartiles and the 95th percentile of (n,) amounts of errors."""
    names = ("q25_mm", "median_mm", "q75_mm", "p95_mm")
    return dict(zip(names, np.percentile(error_mm, [25, 50, 75, 95]).tolist()))


def rms(error_mm: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt((error_mm**2).mean()))


def simulate_accuracy(
    operations: int, first_seed: int = 0, settings: ChainSettings | None = None,
    progress: Callable[[float, str], None] = lambda share, text: None,
) -> ChainAccuracy:  # fmt: skip
    """Operations number `first_seed` on, each with every source and with each source alone.

    Raises ConfigurationError for no operation, CalibrationError when in all of them a calibration is refused.
    """
    if operations < 1 or first_seed < 0:
        raise ConfigurationError("Give one operation and more, and a seed of at least 0.")
    settings = settings or ChainSettings()
    runs = [("all sources", ALL), *((source, frozenset((source,))) for source in SOURCES)]
    found: dict[str, list[Distances]] = {name: [] for name, _ in runs}
    failed = []
    for number in range(operations):
        for step, (name, sources) in enumerate(runs):
            progress((number + step / len(runs)) / operations, f"operation {number + 1} of {operations}, {name}")
            try:
                found[name].append(simulate_distances(first_seed + number, settings, sources))
            except CalibrationError as error:
                failed.append(f"{name}: {error}")
    if not all(found.values()):
        raise CalibrationError(f"No operation could be calibrated: {failed[0]}")
    joined = {name: _joined(parts) for name, parts in found.items()}
    whole = joined.pop("all sources")
    return ChainAccuracy(operations, whole, joined, tuple(failed))


def _joined(parts: list[Distances]) -> Distances:
    names = ("true_mm", "found_mm", "stated_mm", "depth_mm")
    return Distances(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
