"""Part 'fast-reconstruction': 95 frames of 640 x 480 pixels into 345 mL at 0.5 mm, with torch and with numba."""

from __future__ import annotations

import itertools

from correct_reconstruction import COMPOUNDINGS, INTERPOLATIONS
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.torch_insertion import insert_with_torch
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.sweep import Sweep
from record import Record
from sweeps import campaign_sweep
from timing import profiled, timed


def run(record: Record, argument: str) -> None:
    sweep = campaign_sweep(record.quick)
    for interpolation, compounding in itertools.product(INTERPOLATIONS, COMPOUNDINGS):
        _insertion(record, sweep, ReconstructionSettings(0.5, interpolation, compounding))
    for fill in ("none", "stick", "distance"):
        _whole(record, sweep, ReconstructionSettings(0.5, fill=fill, measure_holes=fill != "none"))


def _insertion(record: Record, sweep: Sweep, settings: ReconstructionSettings) -> None:
    poses = [frame.image_to_reference for frame in sweep.frames]
    images = [frame.pixels for frame in sweep.frames]
    region = region_of_sweep(poses, sweep.image_size, settings)

    def new() -> Inserter:
        return Inserter(region, sweep.image_size, images[0].dtype, settings)

    def with_torch() -> None:
        inserter = new()
        insert_with_torch(inserter, images, poses, device=record.device)
        inserter.result()

    def with_numba() -> None:
        inserter = new()
        inserter.insert(images, poses)
        inserter.result()
        inserter.close()

    name = f"{settings.interpolation} {settings.compounding}"
    found = {"torch": timed(record, with_torch), "numba": timed(record, with_numba, 5)}
    found["ratio"] = round(found["numba"]["median_ms"] / max(1e-6, found["torch"]["median_ms"]), 2)
    record.figure(f"a sweep into a volume, {name}", {"voxels": region.number_of_voxels, **found})
    if name in ("nearest mean", "linear mean"):
        profiled(record, f"a sweep into a volume, {name}", with_torch)


def _whole(record: Record, sweep: Sweep, settings: ReconstructionSettings) -> None:
    """As a user asks for it; and the steps of the last one."""
    found = {}
    for device in ("auto", "cpu"):
        wanted = settings.with_changes(device=device)
        times = timed(record, lambda wanted=wanted: reconstruct(sweep, wanted), 5)
        made = reconstruct(sweep, wanted)
        steps = {name: round(1e3 * float(seconds), 3) for name, seconds in made.report.seconds.items()}
        found[device] = {**times, "steps_ms": steps}
    record.figure(f"reconstruct(), fill {settings.fill}", found)
