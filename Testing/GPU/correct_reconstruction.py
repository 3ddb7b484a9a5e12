"""Part 'correct-reconstruction': every voxel that torch makes on the card is the one that numba makes."""

from __future__ import annotations

import itertools

import numpy as np
from CRLMSegmentationLib.reconstruction import ClipRectangle, LiveReconstruction, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.torch_insertion import insert_with_torch
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from record import Record
from sweeps import campaign_sweep

INTERPOLATIONS, COMPOUNDINGS = ("nearest", "linear"), ("latest", "maximum", "mean")


def run(record: Record, argument: str) -> None:
    sweep = campaign_sweep(record.quick)
    deep = Sweep([_in_16_bits(frame) for frame in sweep.frames], name="16 bits")
    for interpolation, compounding in itertools.product(INTERPOLATIONS, COMPOUNDINGS):
        settings = ReconstructionSettings(0.5, interpolation, compounding)
        name = f"{interpolation} {compounding}"
        _compare(record, f"{name}, 8 bits", sweep, settings)
        if record.quick:
            continue
        _compare(record, f"{name}, 16 bits", deep, settings)
        clipped = settings.with_changes(pixel_rejection_threshold=40.0, clip_rectangle=ClipRectangle(5, 3, 200, 150))
        _compare(record, f"{name}, clipped and without dark pixels", sweep, clipped)
    # A coarse grid on which a voxel is full after some frames.
    _compare(record, "a probe that is held still", _still(sweep), ReconstructionSettings(4.0))
    _check_chosen_by_itself(record, sweep)
    _check_live(record, sweep)


def _compare(record: Record, name: str, sweep: Sweep, settings: ReconstructionSettings) -> None:
    poses = [frame.image_to_reference for frame in sweep.frames]
    images = [frame.pixels for frame in sweep.frames]
    region = region_of_sweep(poses, sweep.image_size, settings)
    found = []
    for on_card in (False, True):
        inserter = Inserter(region, sweep.image_size, images[0].dtype, settings)
        if on_card:
            insert_with_torch(inserter, images, poses, device=record.device)
        else:
            inserter.insert(images, poses)
        found.append(inserter.result()[:2])
        inserter.close()
    (expected, expected_seen), (voxels, seen) = found
    different = int((voxels != expected).sum() + ((seen != 0) != (expected_seen != 0)).sum())
    record.check(f"reconstruction, {name}", different == 0 and bool(expected.any()), different_voxels=different,
                 voxels=int(expected.size), seen=int((expected_seen != 0).sum()))  # fmt: skip


def _in_16_bits(frame: TrackedFrame) -> TrackedFrame:
    return TrackedFrame(frame.pixels.astype(np.uint16) * 40, frame.image_to_reference, frame.timestamp)


def _still(sweep: Sweep) -> Sweep:
    """The first frame again and again."""
    first = sweep.frames[0]
    frames = [TrackedFrame(np.full_like(first.pixels, 255), first.image_to_reference, 0.1 * n) for n in range(40)]
    return Sweep(frames, name="still")


def _check_chosen_by_itself(record: Record, sweep: Sweep) -> None:
    """A user's call: on a machine with a card, `auto` takes it, and nobody sees a difference."""
    settings = ReconstructionSettings(0.5, fill="distance")
    auto, plain = (reconstruct(sweep, settings.with_changes(device=device)) for device in ("auto", "cpu"))
    different = int((auto.volume.voxels != plain.volume.voxels).sum())
    record.check("a whole sweep with filled holes, device auto", different == 0, different_voxels=different)


def _check_live(record: Record, sweep: Sweep) -> None:
    """What grew frame by frame is what the card makes of the whole sweep."""
    settings = ReconstructionSettings(0.5, reject_jumps=False)
    with LiveReconstruction(settings) as live:
        for frame in sweep.frames:
            live.add(frame)
        live.wait()
    grown = live.snapshot(fill=False).volume
    lattice = {"origin_mm": tuple(grown.ijk_to_ras[:3, 3]), "dimensions": grown.voxels.shape[::-1]}
    whole = reconstruct(sweep, settings.with_changes(device="auto", **lattice)).volume
    different = int((grown.voxels != whole.voxels).sum())
    record.check("live reconstruction", different == 0, different_voxels=different, voxels=int(whole.voxels.size))
