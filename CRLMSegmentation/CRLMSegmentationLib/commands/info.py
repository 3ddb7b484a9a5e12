"""`crlm info`: what a file holds, in a few lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import FileFormatError, NotASequenceError, SequenceFileError, TransformError
from ..files import read_box, read_surface, read_volume
from ..sweep import describe_sequence, read_sweep
from .sweep_options import add_sweep_options, calibration_from, configuration_from

_SURFACES = (".stl", ".vtp", ".ply")


def add_arguments(parser):
    parser.add_argument("file", help="recording, volume, box (.mrk.json), surface, or model folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_sweep_options(parser)


def run(arguments):
    description = describe(Path(arguments.file))
    if description["kind"] == "sweep":
        description.update(sweep_judgement(arguments))
    if arguments.json:
        print(json.dumps(description, default=str))
    else:
        for name, value in description.items():
            print(f"{name:<28} {value}")


def sweep_judgement(arguments) -> dict:
    """What a technician should know about a recording: gaps between its frames, speed, frames left out.

    Without a calibration the place of the pixels is not known, and that is said instead.
    """
    from ..reconstruction import ReconstructionSettings, settings_from_plus, sweep_quality

    configuration = configuration_from(arguments)
    calibration = calibration_from(arguments, configuration)
    try:
        sweep = read_sweep(arguments.file, calibration, arguments.reference)
    except (SequenceFileError, TransformError) as error:
        if calibration:
            raise
        return {"quality": f"unknown: {error}"}
    element = configuration.volume_reconstruction
    settings = settings_from_plus(element) if element is not None else ReconstructionSettings()
    quality = sweep_quality(sweep, settings)
    speeds = quality.speed_mm_per_s[np.isfinite(quality.speed_mm_per_s)]
    return {
        "frames_per_s": round(quality.frames_per_s, 1),
        "speed_mm_per_s": round(float(np.median(speeds)), 1) if speeds.size else None,
        "widest_gap_mm": round(float(quality.gap_mm.max()), 2) if quality.gap_mm.size else None,
        "gap_voxels": round(quality.gap_voxels, 1),
        "quality": " ".join([*quality.sentences(), *sweep.notes]) or "good: no gap wider than it should be, no frame left out",
    }


def describe(path: Path) -> dict:
    """Name to value. Raises the reader's own error when the file is not what its name says."""
    if path.is_dir():
        from ..segmentation.models import load_model

        return {"kind": "model", **load_model(path).card.text}
    if not path.exists():
        raise FileFormatError(f"{path} does not exist; check the path.")
    if path.suffix == ".json":
        box = read_box(path)
        return {"kind": "box", "center_ras": box.center_ras.tolist(), "size_mm": box.size_mm.tolist()}
    if path.suffix.lower() in _SURFACES:
        surface = read_surface(path)
        bounds = [round(value, 3) for value in surface.GetBounds()]
        return {"kind": "surface", "points": surface.GetNumberOfPoints(), "bounds_ras_mm": bounds}
    try:
        return {"kind": "sweep", **describe_sequence(path)}
    except NotASequenceError:
        # A volume has the same endings; a damaged recording is another error and is told as such.
        pass
    volume = read_volume(path)
    return {
        "kind": "volume",
        "dimensions": list(volume.dimensions),
        "spacing_mm": volume.spacing_mm.round(6).tolist(),
        "origin_ras": volume.origin_ras.round(6).tolist(),
        "dtype": volume.voxels.dtype.name,
        "minimum": volume.voxels.min().item(),
        "maximum": volume.voxels.max().item(),
    }
