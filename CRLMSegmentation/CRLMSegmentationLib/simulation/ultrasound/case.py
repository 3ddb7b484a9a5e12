"""A simulated case: a sweep as PLUS would record it, the true tumor, and every parameter; and its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...sweep import Sweep
from ...values import Volume


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """One simulated patient.

    sweep               poses as the tracker measured them
    tumor               uint8 mask in Reference, the liver at rest; empty for a phantom
    tissue              uint8 labels in Reference, the liver at rest: see truth.TISSUES
    parameters          plain JSON values
    liver_to_reference  (4, 4) from the frame in which everything was laid out to Reference
    """

    sweep: Sweep
    tumor: Volume
    tissue: Volume
    parameters: dict[str, Any]
    liver_to_reference: np.ndarray


def check_seed(seed: object) -> int:
    """`seed` as an int. Raises ConfigurationError unless it is a whole number of at least 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigurationError(f"The seed is {seed!r}; it must be a whole number of at least 0.")
    return int(seed)


# What write_case() puts into its folder.
CASE_FILES = ("sweep.igs.mha", "tumor.nrrd", "tumor.vtp", "liver.nrrd", "parameters.json")


def write_case(case: SimulatedCase, folder: str | Path, with_surface: bool = True) -> None:
    """Write `sweep.igs.mha` and the truth into `folder`, which is made if it is not there.

    The truth: `tumor.nrrd` and `tumor.vtp` (mask and surface; no surface where there is no tumor), `liver.nrrd`
    (labels of tissue) and `parameters.json`, which is written last.

    with_surface  False to leave the surface out, which VTK makes
    """
    from ...files import write_surface, write_volume
    from ...sweep import write_sweep

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_sweep(case.sweep, folder / "sweep.igs.mha")
    write_volume(case.tumor, folder / "tumor.nrrd")
    write_volume(case.tissue, folder / "liver.nrrd")
    if with_surface and case.tumor.voxels.any():
        from ...segmentation.surface import surface_from_mask

        write_surface(surface_from_mask(case.tumor), folder / "tumor.vtp")
    else:
        (folder / "tumor.vtp").unlink(missing_ok=True)  # of another case
    (folder / "parameters.json").write_text(json.dumps(case.parameters, indent=2) + "\n", encoding="utf-8")
