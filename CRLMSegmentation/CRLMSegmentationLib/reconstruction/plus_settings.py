"""Reconstruction settings out of a PLUS configuration.

Attribute names and defaults follow vtkIGSIOVolumeReconstructor::ReadConfiguration and
vtkIGSIOFillHolesInVolume::ReadConfiguration, older names included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from ..errors import ConfigurationError, ReconstructionError
from .settings import ClipRectangle, Fan, ReconstructionSettings

_INTERPOLATIONS = {"NEAREST_NEIGHBOR": "nearest", "LINEAR": "linear"}
_OPTIMIZATIONS = {"FULL": "full", "PARTIAL": "partial", "NONE": "none", "OPENCL": "full"}
_COMPOUNDINGS = {"LATEST": "latest", "MAXIMUM": "maximum", "MEAN": "mean"}


@dataclass(frozen=True)
class PlusSettings:
    """What a PLUS <VolumeReconstruction> element asks for, read without refusing anything.

    settings     with the default wherever the element asks for something that is not offered
    unsupported  name of a field of ReconstructionSettings to the sentence that says what the element asks for there
                 and what can be done; empty when all of it is offered
    """

    settings: ReconstructionSettings
    unsupported: dict[str, str]

    def used(self, **changes: Any) -> ReconstructionSettings:
        """The settings to reconstruct with, `changes` in place of what the element says.

        Raises ConfigurationError for a setting that is not offered and that `changes` does not replace, and
        ReconstructionError for a change that cannot be.
        """
        for name, sentence in self.unsupported.items():
            if name not in changes:
                raise ConfigurationError(sentence)
        return self.settings.with_changes(**changes)


def read_plus_settings(element: Element, definition: str = "exact") -> PlusSettings:
    """The settings of a PLUS <VolumeReconstruction> element and what of it is not offered; refuses nothing in it.

    definition  'igsio' for IGSIO's arithmetic, 'exact' for ours; the file has no word for it
    """
    settings, unsupported = ReconstructionSettings(definition=definition), {}
    for name, read in _READERS.items():
        try:
            settings = settings.with_changes(**read(element))
        except ConfigurationError as error:
            unsupported[name] = str(error)
        except ReconstructionError as error:
            unsupported[name] = f"{element.tag}: {error}"
    return PlusSettings(settings, unsupported)


def settings_from_plus(element: Element, definition: str = "exact", **changes: Any) -> ReconstructionSettings:
    """The settings that a PLUS <VolumeReconstruction> element asks for, with `changes` in place of its own.

    definition  'igsio' for IGSIO's arithmetic, 'exact' for ours; the file has no word for it
    Raises ConfigurationError for a value that cannot be read or that this library does not offer, where none of
    `changes` replaces it.
    """
    return read_plus_settings(element, definition).used(**changes)


def _numbers(element: Element, name: str, count: int) -> tuple[float, ...] | None:
    text = element.get(name)
    if text is None:
        return None
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise ConfigurationError(f'{element.tag}: {name}="{text}" must hold {count} number{"s" if count > 1 else ""}.')
    return numbers


def _choice(element: Element, name: str, choices: dict[str, str]) -> str | None:
    text = element.get(name)
    if text is None:
        return None
    if text.upper() not in choices:
        raise ConfigurationError(f'{element.tag}: {name}="{text}" is not offered; use one of {", ".join(choices)}.')
    return choices[text.upper()]


def _one_choice(field: str, attribute: str, choices: dict[str, str]) -> Callable[[Element], dict[str, Any]]:
    def read(element: Element) -> dict[str, Any]:
        choice = _choice(element, attribute, choices)
        return {field: choice} if choice else {}

    return read


def _spacing(element: Element) -> dict[str, Any]:
    spacing = _numbers(element, "OutputSpacing", 3)
    return {"spacing_mm": spacing} if spacing else {}


def _clip_rectangle(element: Element) -> dict[str, Any]:
    origin, size = _numbers(element, "ClipRectangleOrigin", 2), _numbers(element, "ClipRectangleSize", 2)
    if not size or size[0] <= 0 or size[1] <= 0:
        return {}
    return {"clip_rectangle": ClipRectangle(*(int(number) for number in (*(origin or (0.0, 0.0)), *size)))}


def _skip_interval(element: Element) -> dict[str, Any]:
    interval = _numbers(element, "SkipInterval", 1)
    return {"skip_interval": max(1, int(interval[0]))} if interval else {}


def _threads(element: Element) -> dict[str, Any]:
    threads = _numbers(element, "NumberOfThreads", 1)
    return {"threads": int(threads[0])} if threads and threads[0] >= 1 else {}


def _pixel_rejection_threshold(element: Element) -> dict[str, Any]:
    threshold = _numbers(element, "PixelRejectionThreshold", 1)
    return {"pixel_rejection_threshold": threshold[0]} if threshold else {}


def _compounding(element: Element) -> dict[str, Any]:
    compounding = _choice(element, "CompoundingMode", _COMPOUNDINGS)
    if compounding:
        return {"compounding": compounding}
    if element.get("Calculation", "").upper() == "MAXIMUM":
        return {"compounding": "maximum"}
    return {"compounding": "latest" if element.get("Compounding", "").upper() == "OFF" else "mean"}


def _fan(element: Element) -> dict[str, Any]:
    angles = _numbers(element, "FanAnglesDeg", 2) or _numbers(element, "FanAngles", 2)
    if not angles or angles == (0.0, 0.0):
        return {}
    if element.get("EnableFanAnglesAutoDetect", "FALSE").upper() == "TRUE":
        raise ConfigurationError(
            f'{element.tag}: EnableFanAnglesAutoDetect="TRUE" is not offered; give FanAnglesDeg and set it to FALSE.'
        )
    origin = _numbers(element, "FanOriginPixel", 2) or _numbers(element, "FanOrigin", 2) or (0.0, 0.0)
    start = _numbers(element, "FanRadiusStartPixel", 1) or (0.0,)
    stop = _numbers(element, "FanRadiusStopPixel", 1) or _numbers(element, "FanDepth", 1) or (500.0,)
    return {"fan": Fan((origin[0], origin[1]), (angles[0], angles[1]), start[0], stop[0])}


def _hole_filling(element: Element) -> dict[str, Any]:
    if element.get("FillHoles", "OFF").upper() != "ON":
        return {}
    steps = list(element.iterfind("HoleFilling/HoleFillingElement"))
    if not steps:
        raise ConfigurationError(
            f'{element.tag}: FillHoles="ON" needs a HoleFilling element with a HoleFillingElement.'
        )
    kinds = [step.get("Type", "").upper() for step in steps]
    if len(steps) > 1 or kinds[0] != "STICK":
        raise ConfigurationError(
            f"{element.tag}: hole filling by {', '.join(kinds) or 'nothing'} is not offered; "
            "use a single HoleFillingElement of Type STICK."
        )
    length, sticks = _numbers(steps[0], "StickLengthLimit", 1), _numbers(steps[0], "NumberOfSticksToUse", 1)
    if not length or not sticks:
        raise ConfigurationError(f"{element.tag}: a STICK needs StickLengthLimit and NumberOfSticksToUse.")
    return {"fill": "stick", "stick_length_voxels": int(length[0]), "sticks_used": int(sticks[0])}


_READERS = {  # by the field of ReconstructionSettings that stands for it
    "spacing_mm": _spacing,
    "interpolation": _one_choice("interpolation", "Interpolation", _INTERPOLATIONS),
    "optimization": _one_choice("optimization", "Optimization", _OPTIMIZATIONS),
    "compounding": _compounding,
    "clip_rectangle": _clip_rectangle,
    "fan": _fan,
    "skip_interval": _skip_interval,
    "threads": _threads,
    "pixel_rejection_threshold": _pixel_rejection_threshold,
    "fill": _hole_filling,
}
