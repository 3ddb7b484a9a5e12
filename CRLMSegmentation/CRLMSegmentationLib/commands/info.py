"""`crlm info`: what a file holds, in a few lines."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import FileFormatError, NotASequenceError
from ..files import read_box, read_surface, read_volume
from ..sweep import describe_sequence

_SURFACES = (".stl", ".vtp", ".ply")


def add_arguments(parser):
    parser.add_argument("file", help="recording, volume, box (.mrk.json), surface, or model folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments):
    description = describe(Path(arguments.file))
    if arguments.json:
        print(json.dumps(description, default=str))
    else:
        for name, value in description.items():
            print(f"{name:<28} {value}")


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
