"""`crlm info`: what a file holds, in a few lines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileFormatError, NotASequenceError, SequenceFileError, TransformError
from ..files import READ_SURFACE_ENDINGS, read_box, read_surface, read_volume
from ..sweep import describe_sequence, read_poses
from .options.printing import print_facts, print_rows, text
from .options.sweep_options import add_sweep_options, calibration_from, configuration_from

EXAMPLES = ("crlm info sweep.igs.mha --plus-config plus.xml", "crlm info volume.nrrd --json", "crlm info my-model")
JSON = "print one JSON object; what is not known is null"
_GOOD = "good: no gap wider than it should be, no frame left out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="recording, volume, box (.mrk.json), surface, or a model or its folder")
    add_sweep_options(parser)


def run(arguments: argparse.Namespace) -> None:
    description = describe(Path(arguments.file))
    if description["kind"] == "sweep":
        description.update(sweep_judgement(arguments))
    print_facts(description)
    if description["kind"] in ("sweep", "tracking"):
        print_rows(rows_of_recording(description))
    elif description["kind"] == "model":
        print_rows(rows_of_model(description))
    else:
        print_rows({name.replace("_", " "): value for name, value in description.items()})


def sweep_judgement(arguments: argparse.Namespace) -> dict[str, Any]:
    """What a technician should know about a recording: gaps between its frames, speed, frames left out.

    Without a calibration the place of the pixels is not known, and that is said instead. Nothing is asked of the
    configuration's VolumeReconstruction but its spacing and the part of the image that is used.
    """
    from ..reconstruction import ReconstructionSettings, read_plus_settings, sweep_quality

    configuration = configuration_from(arguments)
    calibration = calibration_from(arguments, configuration)
    try:
        sweep = read_poses(arguments.file, calibration, arguments.reference)
    except (SequenceFileError, TransformError) as error:
        if calibration:
            raise
        return {"quality": f"unknown: {error}"}
    element = configuration.volume_reconstruction
    settings = read_plus_settings(element).settings if element is not None else ReconstructionSettings()
    different = sweep.without_repeated_frames()
    repeated = len(sweep) - len(different)
    notes = [f"{repeated} of {len(sweep)} frames repeat the one before."] if repeated else []
    quality = sweep_quality(different, settings)
    speeds = quality.speed_mm_per_s[np.isfinite(quality.speed_mm_per_s)]
    return {
        "speed_mm_per_s": round(float(np.median(speeds)), 1) if speeds.size else None,
        "widest_gap_mm": round(float(quality.gap_mm.max()), 2) if quality.gap_mm.size else None,
        "gap_voxels": round(quality.gap_voxels, 1),
        "quality": " ".join([*notes, *quality.sentences(), *sweep.notes]) or _GOOD,
    }


def describe(path: Path) -> dict[str, Any]:
    """Name to value. Raises the reader's own error when the file is not what its name says."""
    if path.is_dir() or (not path.exists() and _is_model_name(str(path))):
        from ..inference.models.trained_model import load_model

        card = load_model(path).card
        return {**card.text, "kind": "model", "trained_for": card.task, "trained_on": card.trained_on}
    if not path.exists():
        raise FileFormatError(f"{path} does not exist; check the path.")
    if path.suffix.lower() == ".json":
        box = read_box(path)
        return {"kind": "box", "center_ras": box.center_ras.tolist(), "size_mm": box.size_mm.tolist()}
    if path.suffix.lower() in READ_SURFACE_ENDINGS:
        surface = read_surface(path)
        bounds = [round(value, 3) for value in surface.GetBounds()]
        return {"kind": "surface", "points": surface.GetNumberOfPoints(), "bounds_ras_mm": bounds}
    try:
        description = describe_sequence(path)
    except NotASequenceError:
        # A volume has the same endings; a damaged recording is another error and is reported as such.
        pass
    else:
        return {"kind": "sweep" if min(description["image_size"]) > 1 else "tracking", **description}
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


def _is_model_name(name: str) -> bool:
    from ..inference.models.model_folders import available_models, user_models

    return name in (*available_models(), *user_models())


def rows_of_recording(description: dict[str, Any]) -> dict[str, object]:
    """The description of a recording as a person reads it."""
    width, height = description["image_size"]
    frames, valid = description["frames"], description["valid_frames_by_transform"]
    rate, duration = description["frames_per_second"], description["duration_s"]
    rows = {
        "recording": description["file"],
        "frames": f"{frames} of {width} x {height} pixels, {description['dtype']}, {_compressed(description)}",
        "time": "unknown" if duration is None else f"{duration:.1f} s" + (f", {rate:.1f} frames/s" if rate else ""),
        "transforms": ", ".join(f"{name} ({count} of {frames} valid)" for name, count in valid.items()) or "none",
    }
    if description["kind"] == "tracking":
        rows["frames"] = f"{frames} times of a tracker, without images: no volume can be made of them"
    if description.get("widest_gap_mm") is not None:
        rows["motion"] = (
            f"{_speed(description['speed_mm_per_s'])}; widest gap between frames {description['widest_gap_mm']:.2f} "
            "mm, "
            f"95 % below {description['gap_voxels']:g} voxels"
        )
    rows["times"] = " ".join(description["doubts_about_times"])
    rows["quality"] = description.get("quality", "")
    rows["fields"] = "; ".join(f"{name} = {value}" for name, value in description["fields"].items())
    return rows


def rows_of_model(card: dict[str, Any]) -> dict[str, object]:
    """The card of a model as a person reads it; --json has all of it."""
    dice = card.get("validation", {}).get("dice", {}) if isinstance(card.get("validation"), dict) else {}
    return {
        "model": f"{card['name']} {card.get('version', '')}".strip(),
        "for": "boxes around a tumor" if card["trained_for"] == "crop" else "whole volumes",
        "trained on": card["trained_on"],
        "threshold": f"{text(card['threshold'])} ({card.get('threshold_choice', 'no reason given')})",
        "margin": f"{text(card['margin_mm'])} mm around a tight box",
        "Dice": f"{text(dice['median'])} (median of the validation images)" if "median" in dice else "",
        "use": card.get("intended_use", ""),
    }


def _compressed(description: dict[str, Any]) -> str:
    return "not compressed" if description["compression"] == "none" else f"compressed ({description['compression']})"


def _speed(speed: float | None) -> str:
    return "speed unknown" if speed is None else f"{speed:.1f} mm/s"
