"""The values of the page that a tab may set: each with its kind and its range. All others are the server's alone."""

from __future__ import annotations

from collections.abc import Iterable

from ...navigation.margin_shell import LARGEST_MARGIN_MM
from ...preoperative.corrections import LEAST_RADIUS_MM, MOST_RADIUS_MM
from ...preoperative.ct_slices import PLANES
from ...preoperative.structures import VALUES
from ...session.engine import DEVICES
from ...session.preoperative.remnant_plan import MOST_OFFSET_MM, MOST_TILT_DEG, MOST_TURN_DEG
from ...session.tool_setup.tool_looks import LONGEST_NAME as LONGEST_TOOL_NAME
from ...session.tumors.case_tumor import LONGEST_NAME
from ...simulation.ultrasound.settings import ECHOGENICITIES
from ..page.page_state import STEPS
from ..server.allowed import Check, is_truth, number, one_of, text
from .simulator import PATIENT

SOURCES = ("simulated", "file", "plus")
LESION_MM = (8.0, 40.0)
CASE_NUMBERS = (1, 99)
THRESHOLDS = (0.05, 0.95)
# Edges that the page offers; handles may go further.
BOX_MM = (10.0, 80.0)
BRUSH_MM = (1.0, 20.0)
MARGIN_MM = (0.0, LARGEST_MARGIN_MM)
_LONGEST_PATH = 1024
_LONGEST_HOST = 255
_LONGEST_DATE = 20
MOST_SLICES = 10_000
_MOST_TURNS_DEG = 36_000
_FARTHEST_SLICE_MM = 10_000.0
_MOST_SENTENCES = 1_000_000_000


def settable(sliders: Iterable[str]) -> dict[str, Check]:
    """name: check. sliders: names of the state behind the slider of each slice."""
    path = text(_LONGEST_PATH)
    port = text(8)
    own = {
        "open_step": one_of(*STEPS, "calibrate", "ct", "scope"),
        "errors_closed": number(0, _MOST_SENTENCES),
        "notes_closed": number(0, _MOST_SENTENCES),
        "choosing_case": is_truth,
        "source": one_of(*SOURCES),
        "lesion": one_of(*ECHOGENICITIES, PATIENT),
        "lesion_mm": number(*LESION_MM),
        "case_number": number(*CASE_NUMBERS),
        "file": path,
        "calibration": path,
        "calibration_tool": path,
        "phantom": path,
        "targets": path,
        "ct_path": path,
        "ct_date": text(_LONGEST_DATE),
        "ct_labels": path,
        "ct_landmarks": path,
        "ct_result": path,
        "ct_model": path,
        "ct_part": lambda value: value is None or text(_LONGEST_DATE)(value),
        **{f"ct_{plane}": number(0, MOST_SLICES) for plane in PLANES},
        "ct_brush": one_of(*VALUES),
        "ct_brush_mm": number(LEAST_RADIUS_MM, MOST_RADIUS_MM),
        "ct_plane_turn": number(-MOST_TURN_DEG, MOST_TURN_DEG),
        "ct_plane_tilt": number(-MOST_TILT_DEG, MOST_TILT_DEG),
        "ct_plane_offset": number(-MOST_OFFSET_MM, MOST_OFFSET_MM),
        "ct_turn": number(-_MOST_TURNS_DEG, _MOST_TURNS_DEG),
        "ct_tilt": number(-90, 90),
        "scope_path": path,
        "scope_image": path,
        # As it is typed; judged when it is used.
        "scope_device": lambda value: port(value) or number(0, 99)(value),
        "scope_model": path,
        "scope_camera": path,
        "scope_deform": is_truth,
        "scope_fine": is_truth,
        "scope_board": text(_LONGEST_DATE),
        "scope_square_mm": lambda value: text(_LONGEST_DATE)(value) or number(0, 1000)(value),
        "typing_path": is_truth,
        "upload_progress": number(-1, 100),
        "plus_host": text(_LONGEST_HOST),
        # As it is typed; judged when it is used.
        "plus_port": lambda value: port(value) or number(0, 99999)(value),
        "publish_port": lambda value: port(value) or number(0, 99999)(value),
        "box_edge_mm": number(*BOX_MM),
        "model": path,
        "device": one_of(*DEVICES),
        "threshold": number(*THRESHOLDS),
        "brush_mm": number(*BRUSH_MM),
        "margin_mm": number(*MARGIN_MM),
        "renaming": number(0, _MOST_SENTENCES),
        "tumor_name": text(LONGEST_NAME),
        "tool_name": lambda value: value is None or text(LONGEST_TOOL_NAME)(value),
    }
    return {**own, **{name: number(-_FARTHEST_SLICE_MM, _FARTHEST_SLICE_MM) for name in sliders}}
