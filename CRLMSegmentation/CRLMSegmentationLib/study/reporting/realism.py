"""Recordings without any tumor, from real phantoms: what does Model_crop see in them? It should be nothing.

A network that only ever saw simulated livers may take anything for a metastasis. Boxes are laid at random through a
real recording, and the volume that is found in each is reported.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from ...inference.models.trained_model import load_model
from ...segmentation.segment import segment
from ...values import Volume
from ...values.progress import Progress
from ..cases.case_files import reconstructed
from ..cases.crop_sampling import empty_box
from ..cases.dataset import Case
from ..segmenters import segmenter_of
from .statistics import quartiles

if TYPE_CHECKING:
    from ...sweep import Sweep

BOXES = 30
# The same recording as every way of filling its holes leaves it: the boxes take turns in them.
FILLS = ("stick", "none")


def read_recording(path: str | Path, configuration: str | Path | None = None) -> Sweep:
    """A tracked sweep; `configuration` is the PLUS file with its calibration, where the sweep does not hold it."""
    from ...sweep import read_plus_configuration, read_sweep

    return read_sweep(path, read_plus_configuration(configuration).transforms if configuration else None)


def false_alarms(
    sweep: Sweep,
    model: Path,
    boxes: int = BOXES,
    seed: int = 0,
    threads: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """{'boxes': [{'edges_mm', 'seen', 'found_ml'}], 'found_ml': quartiles, 'largest_ml', 'with_anything', 'mean_ml'}.

    Raises ConfigurationError when the recording has no room for a box.
    """
    segmenter = segmenter_of(model, threads=threads)
    found = []
    for turn, fill in enumerate(FILLS):
        volume = reconstructed(sweep, fill)
        nothing = Volume(np.zeros(volume.voxels.shape, np.uint8), volume.ijk_to_ras)
        case = Case("recording", volume, nothing)
        random = np.random.default_rng([seed, turn])
        for _ in range(boxes // len(FILLS)):
            box = empty_box(case, random)
            if box is None:
                continue
            result = segment(volume, box, segmenter)
            block = result.crop.volume
            found.append({
                "edges_mm": np.round(box.size_mm, 1).tolist(), "seen": round(float((block.voxels > 0).mean()), 3),
                "fill": fill, "found_ml": round(result.volume_ml, 4),
            })  # fmt: skip
            if progress:
                progress(len(found) / boxes, f"Looking for false alarms, box {len(found)} of {boxes}")
    if not found:
        raise ConfigurationError("The recording has no room for a box: give a longer sweep.")
    volumes = [one["found_ml"] for one in found]
    return {
        "boxes": found, "found_ml": quartiles(volumes), "mean_ml": round(float(np.mean(volumes)), 4),
        "largest_ml": max(volumes), "with_anything": sum(value > 0 for value in volumes), "tried": len(volumes),
    }  # fmt: skip


def evaluate_recording(
    path: str | Path,
    configuration: str | Path | None,
    model: Path,
    output: Path,
    threads: int = 1,
    progress: Progress | None = None,
    boxes: int = BOXES,
) -> dict[str, Any]:
    """false_alarms of the recording at `path`, kept in the file `output` and not measured twice for one model."""
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    card = load_model(model).card
    wanted: dict[str, Any] = {"recording": Path(path).name, "sha256": digest, "model": card.decides}
    if boxes != BOXES:
        wanted["boxes"] = boxes
    if output.is_file():
        known: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        if known["made_from"] == wanted:
            return known
    sweep = read_recording(path, configuration)
    result = {**false_alarms(sweep, model, boxes, threads=threads, progress=progress), "made_from": wanted}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result
