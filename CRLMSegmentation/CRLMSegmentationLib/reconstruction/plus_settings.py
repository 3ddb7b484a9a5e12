"""Reconstruction settings out of a PLUS configuration.

Attribute names and defaults follow vtkIGSIOVolumeReconstructor::ReadConfiguration and
vtkIGSIOFillHolesInVolume::ReadConfiguration, older names included.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ..errors import ConfigurationError
from .settings import ClipRectangle, Fan, ReconstructionSettings

_INTERPOLATIONS = {"NEAREST_NEIGHBOR": "nearest", "LINEAR": "linear"}
_OPTIMIZATIONS = {"FULL": "full", "PARTIAL": "partial", "NONE": "none", "OPENCL": "full"}
_COMPOUNDINGS = {"LATEST": "latest", "MAXIMUM": "maximum", "MEAN": "mean"}


def settings_from_plus(element: Element, definition: str = "exact") -> ReconstructionSettings:
    """The settings that a PLUS <VolumeReconstruction> element asks for.

    definition  'igsio' for IGSIO's arithmetic, 'exact' for ours; the file has no word for it
    Raises ConfigurationError for a value that cannot be read or that this library does not offer.
    """
    changes = {}
    spacing = _numbers(element, "OutputSpacing", 3)
    if spacing:
        changes["spacing_mm"] = spacing
    interpolation = _choice(element, "Interpolation", _INTERPOLATIONS)
    if interpolation:
        changes["interpolation"] = interpolation
    optimization = _choice(element, "Optimization", _OPTIMIZATIONS)
    if optimization:
        changes["optimization"] = optimization
    changes["compounding"] = _compounding(element)

    clip_origin, clip_size = _numbers(element, "ClipRectangleOrigin", 2), _numbers(element, "ClipRectangleSize", 2)
    if clip_size and clip_size[0] > 0 and clip_size[1] > 0:
        origin = clip_origin or (0.0, 0.0)
        changes["clip_rectangle"] = ClipRectangle(*(int(number) for number in (*origin, *clip_size)))
    changes["fan"] = _fan(element)

    skip_interval = _numbers(element, "SkipInterval", 1)
    if skip_interval:
        changes["skip_interval"] = max(1, int(skip_interval[0]))
    threads = _numbers(element, "NumberOfThreads", 1)
    if threads and threads[0] >= 1:
        changes["threads"] = int(threads[0])
    threshold = _numbers(element, "PixelRejectionThreshold", 1)
    if threshold:
        changes["pixel_rejection_threshold"] = threshold[0]
    if element.get("FillHoles", "OFF").upper() == "ON":
        changes.update(_hole_filling(element))
    return ReconstructionSettings(definition=definition, **changes)


def _numbers(element: Element, name: str, count: int) -> tuple[float, ...] | None:
    text = element.get(name)
    if text is None:
        return None
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise ConfigurationError(f'{element.tag}: {name}="{text}" must hold {count} number{"s" if count > 1 else ""}.')
    return numbers


def _choice(element: Element, name: str, choices: dict[str, str]) -> str | None:
    text = element.get(name)
    if text is None:
        return None
    if text.upper() not in choices:
        raise ConfigurationError(f'{element.tag}: {name}="{text}" is not offered; use one of {", ".join(choices)}.')
    return choices[text.upper()]


def _compounding(element: Element) -> str:
    compounding = _choice(element, "CompoundingMode", _COMPOUNDINGS)
    if compounding:
        return compounding
    if element.get("Calculation", "").upper() == "MAXIMUM":
        return "maximum"
    return "latest" if element.get("Compounding", "").upper() == "OFF" else "mean"


def _fan(element: Element) -> Fan | None:
    angles = _numbers(element, "FanAnglesDeg", 2) or _numbers(element, "FanAngles", 2)
    if not angles or angles == (0.0, 0.0):
        return None
    if element.get("EnableFanAnglesAutoDetect", "FALSE").upper() == "TRUE":
        raise ConfigurationError(
            f'{element.tag}: EnableFanAnglesAutoDetect="TRUE" is not offered; give FanAnglesDeg and set it to FALSE.'
        )
    origin = _numbers(element, "FanOriginPixel", 2) or _numbers(element, "FanOrigin", 2) or (0.0, 0.0)
    start = _numbers(element, "FanRadiusStartPixel", 1) or (0.0,)
    stop = _numbers(element, "FanRadiusStopPixel", 1) or _numbers(element, "FanDepth", 1) or (500.0,)
    return Fan(origin, angles, start[0], stop[0])


def _hole_filling(element: Element) -> dict:
    steps = [step for step in element.iterfind("HoleFilling/HoleFillingElement")]
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
