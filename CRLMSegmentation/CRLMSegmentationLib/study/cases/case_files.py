"""A case of the table as a volume and a mask on one grid, whatever the files are."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...errors import FileFormatError, GeometryError, TransformError
from ...files import read_mask, read_volume
from ...files.mask_file import ALL_LABELS
from ...geometry import transform_points
from ...segmentation.postprocess import with_guessed_seen
from ...values import Volume
from ...values.defaults import DEFAULT_SPACING_MM
from ..metrics import on_grid_of
from .case_table import CaseRow
from .dataset import Case
from .observers import consensus

if TYPE_CHECKING:
    from ...sweep import Sweep
    from .sweep_variation import SweepVariation


@lru_cache(maxsize=2)
def _sweep(path: str, calibration: str) -> Sweep:
    from ...sweep import read_plus_configuration, read_sweep

    try:
        return read_sweep(path, read_plus_configuration(calibration).transforms if calibration else None)
    except TransformError as error:
        if calibration:
            raise
        raise TransformError(
            f"{error} In a table of cases, the PLUS configuration stands in the column 'calibration'."
        ) from None


class CaseReader:
    """The files of one case, of which each thing is read once, for all that ask for it."""

    def __init__(self, row: CaseRow, spacing_mm: float = DEFAULT_SPACING_MM):
        self.row, self.spacing_mm = row, spacing_mm
        self._cases: dict[tuple[str, int], Case] = {}

    def case(self, fill: str = "stick", every: int = 1) -> Case:
        """As load_case() gives it."""
        if (fill, every) not in self._cases:
            self._cases[fill, every] = load_case(self.row, fill, every, self.spacing_mm)
        return self._cases[fill, every]

    def sweep(self) -> Sweep | None:
        """The recording of the case; None where the table names a volume."""
        return sweep_of(self.row) if self.row.sweep else None


def load_case(row: CaseRow, fill: str = "stick", every: int = 1, spacing_mm: float = DEFAULT_SPACING_MM) -> Case:
    """The case as uint8 ultrasound with its mask on the same grid (an empty one when the case has no mask).

    A sweep is reconstructed (nearest neighbour, mean, `fill` for the holes, every n-th frame); a volume is taken as
    it is. Raises CRLMError for files that cannot be read, and GeometryError when the mask does not lie in the volume.
    """
    if row.volume:
        volume = with_guessed_seen(read_volume(row.volume))
    else:
        volume = reconstructed(sweep_of(row), fill, every, spacing_mm)
    return _with_truth(row, volume.with_voxels(_as_bytes(volume.voxels, row.case)))


def load_varied_case(
    row: CaseRow, variation: SweepVariation, fill: str, every: int, random: np.random.Generator
) -> Case:
    """As load_case() does it, from the case's recording varied by `random`; of training cases only."""
    from .sweep_variation import varied

    volume = reconstructed(varied(sweep_of(row), variation, random), fill, every)
    return _with_truth(row, volume.with_voxels(_as_bytes(volume.voxels, row.case)))


def _with_truth(row: CaseRow, volume: Volume) -> Case:
    if not row.mask:
        return Case(row.case, volume, volume.on_grid(np.zeros(volume.voxels.shape, np.uint8)))
    truth = mask_of(row)
    if not truth.voxels.any():
        raise GeometryError(f"The mask of case {row.case} is empty: {row.mask}.")
    _check_place(truth, volume, row.case)
    on_grid = on_grid_of(truth, volume)
    if not on_grid.voxels.any():
        raise GeometryError(f"The tumor of case {row.case} is smaller than a voxel of its volume.")
    return Case(row.case, volume, on_grid, _others(row, volume, on_grid) if row.label not in ("", ALL_LABELS) else None)


def _others(row: CaseRow, volume: Volume, tumor: Volume) -> Volume | None:
    """What else the mask of the case holds beside its tumor, on the grid of its volume; None for nothing."""
    every: Volume = on_grid_of(read_mask(row.masks[0], ALL_LABELS), volume)
    others = every.with_voxels(every.voxels * (tumor.voxels == 0))
    return others if others.voxels.any() else None


def sweep_of(row: CaseRow) -> Sweep:
    """The recording of the case."""
    return _sweep(row.sweep, row.calibration)


def reconstructed(sweep: Sweep, fill: str = "stick", every: int = 1, spacing_mm: float = DEFAULT_SPACING_MM) -> Volume:
    """The volume of every n-th frame of a sweep: nearest neighbour, mean."""
    from ...reconstruction import ReconstructionSettings, reconstruct
    from ...sweep import Sweep

    if every > 1:
        sweep = Sweep(sweep.frames[::every], name=sweep.name)
    settings = ReconstructionSettings(
        spacing_mm=(spacing_mm,) * 3, interpolation="nearest", compounding="mean", fill=fill, threads=1
    )
    volume: Volume = reconstruct(sweep, settings).volume
    return volume


def mask_of(row: CaseRow) -> Volume:
    """uint8 0 and 1: the tumor of the case, the label that the table names where its mask holds several; the consensus
    of several people's.
    """
    masks = masks_of(row)
    return masks[0] if len(masks) == 1 else consensus(masks)


def masks_of(row: CaseRow) -> list[Volume]:
    """The same, as each person drew it."""
    return [read_mask(path, row.label or None, "the column 'label' of the table") for path in row.masks]


def _as_bytes(voxels: np.ndarray, case: str) -> np.ndarray:
    if voxels.dtype == np.uint8:
        return voxels
    if not np.isfinite(voxels).all() or voxels.min() < 0 or voxels.max() > 255:
        raise FileFormatError(f"The volume of case {case} holds values outside 0 to 255: it is not B-mode ultrasound.")
    rounded: np.ndarray = np.rint(voxels)
    return rounded.astype(np.uint8)


def _check_place(truth: Volume, volume: Volume, case: str) -> None:
    """The tumor must lie in the volume: a mask in another frame of reference is the commonest mistake in a table."""
    places = np.argwhere(truth.voxels)[:, ::-1]
    index = transform_points(volume.ras_to_ijk @ truth.ijk_to_ras, places)
    inside = ((index >= -0.5) & (index <= np.array(volume.dimensions) - 0.5)).all(axis=1)
    if inside.mean() < 0.5:
        raise GeometryError(
            f"The mask of case {case} does not lie in its volume ({inside.mean():.0%} of the tumor is inside): "
            "they belong to different recordings or frames of reference."
        )


def forget_sweeps() -> None:
    """Free the recordings kept in memory."""
    _sweep.cache_clear()
