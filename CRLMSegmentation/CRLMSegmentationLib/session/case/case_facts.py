"""The plain values in a case's index: what is believed of what is read.

The file may have been written by another version or changed by hand, so that every value may be missing or be anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import CRLMError
from ...files.laparoscope.camera_file import camera_of, on_sensor_of
from ...geometry import as_affine
from ...navigation.tool_look import ToolLook, look_of
from ...segmentation.postprocess import KEEP
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from .case_source import ORIGINS

if TYPE_CHECKING:
    from ...inference.models.card import ModelCard


@dataclass(frozen=True, eq=False)
class CaseFacts:
    """What `case.json` says; None for what it does not say, or what makes no sense.

    card          of the model that found the tumor
    is_corrected  by hand
    found_at      when the tumor was found
    tools         tip calibrations (4, 4) by tool, and tool_looks how those are drawn that do not look as usual
    scope_camera  of the laparoscope, and scope_on_sensor where it sits on the scope's sensor
    """

    origin: str | None = None
    box_is_tight: bool = False
    threshold: float | None = None
    keep: str = "largest"
    smoothing: float | None = None
    margin_mm: float | None = None
    shows_uncertainty: bool = False
    card: ModelCard | None = None
    is_corrected: bool | None = None
    doubts: tuple[str, ...] | None = None
    doubts_acknowledged: bool = False
    found_at: datetime | None = None
    tools: dict[str, np.ndarray] = field(default_factory=dict)
    tool_looks: dict[str, ToolLook] = field(default_factory=dict)
    scope_camera: Camera | None = None
    scope_on_sensor: CameraOnSensor | None = None
    timings_s: dict[str, float] = field(default_factory=dict)


def read_facts(facts: Mapping[str, Any]) -> CaseFacts:
    """Of what `case.json` holds."""
    threshold = _number(facts.get("threshold"))
    camera, on_sensor = _camera(facts.get("scope_camera"))
    doubts = facts.get("doubts")
    return CaseFacts(
        origin=_one_of(facts.get("origin"), ORIGINS),
        box_is_tight=facts.get("box_is_tight") is True,
        threshold=threshold if threshold is not None and 0 < threshold < 1 else None,
        keep=_one_of(facts.get("keep"), KEEP) or KEEP[0],
        smoothing=_number(facts.get("smoothing"), 0.0, 1.0),
        margin_mm=_number(facts.get("margin_mm"), 0.0, 20.0),
        shows_uncertainty=facts.get("shows_uncertainty") is True,
        card=_card(facts.get("model_card")),
        is_corrected=facts.get("corrected_by_hand") if isinstance(facts.get("corrected_by_hand"), bool) else None,
        doubts=tuple(str(doubt) for doubt in doubts) if isinstance(doubts, list) else None,
        doubts_acknowledged=facts.get("doubts_acknowledged") is True,
        found_at=_time(facts.get("found_at")),
        tools=_tools(facts.get("tools")),
        tool_looks=_looks(facts.get("tool_looks")),
        scope_camera=camera,
        scope_on_sensor=on_sensor,
        timings_s=_timings(facts.get("timings_s")),
    )


def _one_of(value: object, known: tuple[str, ...]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _number(value: object, lowest: float = -math.inf, highest: float = math.inf) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return min(max(number, lowest), highest) if math.isfinite(number) else None


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _card(text: object) -> ModelCard | None:
    from ...inference.models.card import card_of

    if not isinstance(text, dict):
        return None
    try:
        return card_of(text, "in the case")
    except CRLMError:
        return None


def _tools(tools: object) -> dict[str, np.ndarray]:
    calibrations = {}
    for name, numbers in tools.items() if isinstance(tools, dict) else ():
        try:
            calibrations[str(name)] = as_affine(np.array(numbers, dtype=np.float64).reshape(4, 4))
        except (CRLMError, ValueError, TypeError, OverflowError):
            continue
    return calibrations


def _looks(looks: object) -> dict[str, ToolLook]:
    read = {str(name): look_of(plain) for name, plain in (looks.items() if isinstance(looks, dict) else ())}
    return {name: look for name, look in read.items() if look is not None}


def _camera(values: object) -> tuple[Camera | None, CameraOnSensor | None]:
    try:
        if isinstance(values, dict):
            return camera_of(values, "the case"), on_sensor_of(values, "the case")
    except CRLMError:
        pass
    return None, None


def _timings(timings_s: object) -> dict[str, float]:
    given = timings_s.items() if isinstance(timings_s, dict) else ()
    known = {str(name): _number(value) for name, value in given}
    return {name: value for name, value in known.items() if value is not None}
