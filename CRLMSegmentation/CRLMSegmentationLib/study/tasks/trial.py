"""One test case on which methods are tried."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...values.defaults import DEFAULT_SPACING_MM
from ..cases.case_files import CaseReader
from ..cases.case_table import CaseRow
from ..cases.disturbances import Disturbances


@dataclass(frozen=True)
class EvaluationSettings:
    """How methods are tried.

    empty_boxes   boxes without tumor for each case
    disturbances  of boxes and sweeps, for the study's own models; None to leave them out
    spacing_mm    of reconstructed volumes
    threads       for each process
    """

    empty_boxes: int = 2
    disturbances: Disturbances | None = Disturbances()
    spacing_mm: float = DEFAULT_SPACING_MM
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Trial:
    """A case, whose files are read once for all methods, and the name of the method that is tried on it."""

    method: str
    reader: CaseReader
    settings: EvaluationSettings

    @property
    def row(self) -> CaseRow:
        return self.reader.row

    def random(self, stream: int) -> np.random.Generator:
        """The same numbers for the same case and stream, whatever else is tried."""
        return np.random.default_rng([zlib.crc32(self.row.case.encode()), stream])


@dataclass(frozen=True, eq=False)
class TrialResult:
    """What a method gave on a case.

    figures  by the key of the task's metrics, None or NaN for what is not defined
    more     further plain values for the task's own report
    arrays   for the report's pictures, by name
    """

    figures: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
