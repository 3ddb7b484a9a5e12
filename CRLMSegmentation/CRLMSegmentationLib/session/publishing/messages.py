"""The messages that tell other programs and robots what is navigated by, over OpenIGTLink.

All of it lies in Reference, in mm:

    POLYDATA  Tumor                     the surface of the chosen tumor; without points while none is to be navigated
                                        by
    POLYDATA  Tumor_<number>            that of each tumor of the present volume that is not chosen; without points once
                                        it is gone or chosen
    TRANSFORM <Tool>TipToReference      the tip of each tool that is live; nothing for one that is not
    STRING    <Tool>ToTumor             JSON with the keys of tool_facts(): the distance, what is known of its error,
                                        and whether there is one at all

A receiver must go by `status` and `time_s`, as a person goes by the colour: silence is not 'as before'.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyigtl import MessageBase

from ...tracking.openigtlink.conversion import transform_message
from ...tracking.openigtlink.messages import Utf8StringMessage
from ...tracking.openigtlink.polydata_message import PolyDataMessage
from ...values.triangles import triangles_of

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..tools import ToolReading
    from ..tumors.tumor_reading import TumorReading

TUMOR = "Tumor"


def other_tumor(number: int) -> str:
    """Name of the message of the tumor with that number, while another is chosen."""
    return f"{TUMOR}_{number}"


def tumor_message(surface: vtkPolyData | None, time_s: float, name: str = TUMOR) -> PolyDataMessage:
    """POLYDATA of a closed triangle surface, RAS mm in Reference; without points for None."""
    if surface is None:
        return PolyDataMessage(timestamp=time_s, device_name=name)
    points, triangles = triangles_of(surface)
    return PolyDataMessage(points, polygons=triangles, timestamp=time_s, device_name=name)


def tool_messages(reading: ToolReading, time_s: float) -> list[MessageBase]:
    """Where the tool's tip is, when that is known, and how far from the tumor; `time_s`: seconds since 1970."""
    messages: list[MessageBase] = []
    if reading.tip_to_reference is not None:
        messages.append(transform_message(reading.tip_to_reference, f"{reading.name}TipToReference", time_s))
    facts = json.dumps(tool_facts(reading, time_s), ensure_ascii=False)
    return [*messages, Utf8StringMessage(facts, timestamp=time_s, device_name=f"{reading.name}ToTumor")]


def tool_facts(reading: ToolReading, time_s: float) -> dict[str, object]:
    """What is known of a tool, as plain values; None for what is not.

    status              'live', or why not
    distance_mm         tip to the surface of the chosen tumor, negative inside; None unless the tool is live and there
                        is one
    error_95_mm         95 of 100 distances are no farther off, or more where error_is_complete is false
    closest_point_mm    on the tumor, in Reference
    margin              what the distance means, in words
    found               where and when the tumor was found, when that was in an earlier volume; "" otherwise
    other               of the other tumors the one that the tip endangers most: the same keys, its name and number, and
                        where and when it was found, when that was in an earlier volume ("" otherwise); None for none
    time_s              when this was so, in seconds since 1970 by the clock of this computer
    """
    budget = reading.budget
    place = reading.closest_point_ras
    return {
        "tool": reading.name,
        "status": reading.status.value,
        "distance_mm": reading.signed_distance_mm,
        "error_95_mm": None if budget is None else budget.within_mm,
        "error_is_complete": budget is not None and budget.is_complete,
        "closest_point_mm": None if place is None else [float(value) for value in place],
        "margin": reading.margin.value,
        "found": reading.remark,
        "other": None if reading.other is None else _other_facts(reading.other),
        "time_s": time_s,
    }


def _other_facts(other: TumorReading) -> dict[str, object]:
    budget = other.budget
    return {
        "tumor": other.name,
        "number": other.number,
        "found": other.remark,
        "distance_mm": other.signed_distance_mm,
        "error_95_mm": None if budget is None else budget.within_mm,
        "error_is_complete": budget is not None and budget.is_complete,
        "closest_point_mm": [float(value) for value in other.closest_point_ras],
        "margin": other.margin.value,
    }
