"""A tumor in the frames of a sweep that holds none, with the truth about it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigurationError, GeometryError, SequenceFileError
from ...reconstruction import Fan
from ...simulation.ultrasound.truth import as_plain_values
from ...sweep import Sweep
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values import Volume
from ...values.progress import Progress
from .beams import Beams, beams_of
from .painter import Painter
from .places import Place, PlaceFinder
from .settings import SMALLEST_MM, ImplantSettings
from .speckle import Speckle, measure_speckle
from .tumor import Body, Tumor, draw_tumor, lobed_shape

# In the fields of a sweep: the seed of its tumor.
IMPLANTED_FIELD = "ImplantedTumor"
IMPLANT_FILES = ("sweep.igs.mha", "tumor.nrrd", "parameters.json")
# Bumped when the same seed would give another tumor.
VERSION = 2
# A drawn tumor that fits nowhere is made smaller by this, down to the smallest.
SMALLER = 0.85
LEAST_FRAMES = 8


@dataclass(frozen=True, eq=False)
class ImplantedCase:
    """sweep: with the tumor in its frames; tumor: uint8 mask in Reference; parameters: plain JSON values."""

    sweep: Sweep
    tumor: Volume
    parameters: dict[str, Any]


class Host:
    """A sweep without tumor, with all that is measured of it once, for any number of tumors.

    fan  of its pictures; None to find it. Raises SequenceFileError for a sweep without poses, of another kind of pixels
    or with a tumor that was implanted before, and ReconstructionError where the fan cannot be told or too little tissue
    is seen.
    """

    def __init__(self, sweep: Sweep, fan: Fan | None = None, dynamic_range_db: float = 60.0):
        self.sweep, self.dynamic_range_db = sweep, dynamic_range_db
        if IMPLANTED_FIELD in sweep.fields:
            raise SequenceFileError(
                f"{sweep.name or 'The sweep'} holds an implanted tumor already, which would be missing from the truth "
                "of another one: give the recording that it was laid into."
            )
        frames = sweep.valid_frames
        if len(frames) < LEAST_FRAMES:
            raise SequenceFileError(
                f"{sweep.name or 'The sweep'} has {len(frames)} frames with a valid pose, and at least {LEAST_FRAMES} "
                "are needed to lay a tumor through them: record it with its tracking, or give its calibration."
            )
        if frames[0].dtype != np.uint8 or frames[0].pixels.ndim != 2:
            raise SequenceFileError(
                f"{sweep.name or 'The sweep'} is not of 8 bit grey pixels: convert it, so that a tumor can be laid in."
            )
        pixel_mm = np.linalg.norm(sweep.image_to_reference()[0, :3, :2], axis=0)
        self.beams: Beams = beams_of([frame.pixels for frame in frames], (float(pixel_mm[0]), float(pixel_mm[1])), fan)
        self.speckle: Speckle = measure_speckle(sweep, self.beams, dynamic_range_db)
        self.places = PlaceFinder(sweep, self.beams, self.speckle)


def implant(
    host: Host, seed: int, settings: ImplantSettings | None = None, progress: Progress | None = None
) -> ImplantedCase:
    """The sweep of `host` with a tumor drawn from `seed`. The same seed and settings give the same case.

    Raises ConfigurationError for a seed below 0, and GeometryError where no place of the sweep fits the tumor.
    """
    if seed < 0:
        raise ConfigurationError(f"The seed is {seed}; it must be 0 or more.")
    settings = settings or ImplantSettings()
    random = np.random.default_rng([seed, 1])
    tumor, place = _placed(host, draw_tumor(random, settings), settings, random)
    body = Body(tumor, place.middle, seed)
    painter = Painter(body, host.places.axes_at(place.middle), host.beams, host.speckle, seed)
    frames, changed = [], 0
    for number, frame in enumerate(host.sweep.frames):
        pixels = painter.paint(frame) if frame.valid and frame.image_to_reference is not None else frame.pixels
        changed += pixels is not frame.pixels
        frames.append(frame if pixels is frame.pixels else frame.with_changes(pixels=pixels))
        if progress:
            progress((number + 1) / len(host.sweep), f"Implanting, frame {number + 1} of {len(host.sweep)}")
    fields = {**host.sweep.fields, ORIGIN_FIELD: SIMULATED, IMPLANTED_FIELD: str(seed)}
    sweep = replace(host.sweep, frames=frames, fields=fields)
    truth = body.mask()
    return ImplantedCase(sweep, truth, _parameters(host, seed, tumor, place, truth, changed))


def write_implanted(case: ImplantedCase, folder: str | Path) -> None:
    """Write IMPLANT_FILES into `folder`, which is made if it is not there; parameters.json is written last."""
    from ...files import write_volume
    from ...sweep import write_sweep

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_sweep(case.sweep, folder / IMPLANT_FILES[0])
    write_volume(case.tumor, folder / IMPLANT_FILES[1])
    (folder / IMPLANT_FILES[2]).write_text(json.dumps(case.parameters, indent=2) + "\n", encoding="utf-8")


def _placed(host: Host, tumor: Tumor, settings: ImplantSettings, random: np.random.Generator) -> tuple[Tumor, Place]:
    """The tumor where it goes: of the size and at the kind of place that was drawn, or else the next that there is."""
    shape_seed = int(random.integers(2**32))
    kinds = [tumor.place] if settings.place else [tumor.place, *(one for one in ("even", "walls", "edge", "depth"))]
    diameter = tumor.diameter_mm
    while True:
        for kind in dict.fromkeys(kinds):
            place = host.places.find(random, kind, 0.55 * diameter)
            if place is not None:
                shape = tumor.shape if diameter == tumor.diameter_mm else lobed_shape(
                    np.random.default_rng(shape_seed), diameter
                )  # fmt: skip
                return replace(tumor, shape=shape, diameter_mm=diameter, place=place.kind), place
        smaller = max(SMALLEST_MM, SMALLER * diameter)
        if settings.diameter_mm is not None or smaller == diameter:
            where = "" if settings.place is None else f" {_WHERE[settings.place]}"
            raise GeometryError(
                f"The sweep has no place{where} for a tumor of {diameter:g} mm: give a longer sweep, a smaller "
                "--diameter, or another --place."
            )
        diameter = smaller


_WHERE = {"even": "in even tissue", "walls": "beside walls or vessels", "depth": "at depth", "edge": "at its edge"}


def _parameters(host: Host, seed: int, tumor: Tumor, place: Place, truth: Volume, changed: int) -> dict[str, Any]:
    tone = host.speckle.tone
    around = host.places.level_at(place.middle, tumor.diameter_mm / 2)
    inside = float(tone.shifted(np.array(around), tumor.contrast_db))
    looks = {name: value for name, value in vars(tumor).items() if name not in ("shape", "place", "diameter_mm")}
    found = {
        "version": VERSION,
        "seed": seed,
        "tumor": {
            **looks,
            "place": place.kind,
            "middle_ras_mm": place.middle,
            "semi_axes_mm": tumor.shape.semi_axes_mm,
            "axes_ras": tumor.shape.axes,
            "equivalent_diameter_mm": tumor.diameter_mm,
            "longest_diameter_mm": tumor.shape.longest_diameter_mm(),
            "volume_ml": int(truth.voxels.sum()) * truth.voxel_volume_mm3 / 1000,
            "grey_around": around,
            "grey_ratio": inside / around,
        },
        "place": {"seen": place.seen, "tissue": place.tissue, "uneven_db": place.uneven_db, "depth": place.depth},
        "sweep": {"name": host.sweep.name, "frames": len(host.sweep), "frames_with_tumor": changed},
        "display": {
            "dynamic_range_db": host.dynamic_range_db,
            "black_grey": tone.black,
            "speckle_depth_mm": host.speckle.depth_mm,
            "speckle_across": host.speckle.across,
            "speckle_elevation_mm": host.speckle.elevation_mm,
            "speckle_spread_grey": tone.spread[::16],
            "beams": asdict(host.beams),
        },
    }
    plain: dict[str, Any] = as_plain_values(found)
    return plain
