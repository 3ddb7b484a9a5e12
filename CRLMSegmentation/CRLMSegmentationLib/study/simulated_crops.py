"""Simulated livers as crops for training: simulate, reconstruct, cut out, write."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Callable, Sequence

from ..geometry import Volume
from .dataset import BoxJitter, Case, CropDataset, crops_of_case
from .metrics import on_grid_of

# One crop of every case from each: a model must not depend on whether the holes between the frames were filled.
FILLS = ("stick", "stick", "none")
SPACING_MM = 0.5


def reconstructed(sweep, tumor: Volume, fill: str, name: str, spacing_mm: float = SPACING_MM) -> Case:
    """The sweep as a volume (nearest neighbour, mean; `fill` for the holes) with the truth on its grid."""
    from ..reconstruction import ReconstructionSettings, reconstruct

    settings = ReconstructionSettings(
        spacing_mm=(spacing_mm,) * 3, interpolation="nearest", compounding="mean", fill=fill, threads=1
    )
    volume = reconstruct(sweep, settings).volume
    return Case(name, volume, on_grid_of(tumor, volume))


def crop_names(seed: int) -> list[str]:
    return [f"liver{seed:04d}_{number}{fill}" for number, fill in enumerate(FILLS)]


def write_simulated_crops(raw: Path, seed: int, margin_mm: float, jitter: BoxJitter | None) -> int:
    """Write the crops of the liver `seed` into the nnU-Net dataset below `raw`, unless they are there; returns `seed`.

    With `jitter` the first box is the tight one and the others stray; without, all are tight.
    """
    dataset = CropDataset(raw)
    if all(map(dataset.has, crop_names(seed))):
        return seed
    from ..simulation import simulate_case

    case = simulate_case(seed)
    write_crops_of_sweep(dataset, case.sweep, case.tumor, seed, margin_mm, jitter)
    return seed


def write_crops_of_sweep(dataset: CropDataset, sweep, tumor: Volume, seed: int, margin_mm: float, jitter) -> None:
    cases = {fill: reconstructed(sweep, tumor, fill, f"liver{seed}") for fill in set(FILLS)}
    for number, (fill, name) in enumerate(zip(FILLS, crop_names(seed))):
        boxes = number + 1 if jitter else 1
        dataset.add(name, *crops_of_case(cases[fill], margin_mm, boxes, jitter, seed)[-1])


def write_many(
    raw: Path, seeds: Sequence[int], margin_mm: float, jitter: BoxJitter | None, workers: int = 1,
    progress: Callable[[float, str], None] | None = None,
) -> list[int]:
    """`write_simulated_crops` for every seed, in `workers` processes; returns the seeds in order."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(write_simulated_crops, raw, seed, margin_mm, jitter) for seed in seeds]
        for done, future in enumerate(as_completed(waiting), start=1):
            future.result()
            if progress:
                progress(done / len(seeds), f"Simulating and cutting out, case {done} of {len(seeds)}")
    return list(seeds)
