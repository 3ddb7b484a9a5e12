"""What the page shows, as plain values that every open tab shares.

The names are those that the page's templates use. The server owns them: a reloaded page, or a second tab, gets them as
they are. What a tab sends back is taken as a request and checked where it is used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ...navigation.tool_look import ToolShape
from ...navigation.tool_transforms import DEFAULT_TOOL
from ...pictures.cut_handles import REACH
from ...session.actions import ACTIONS
from ...session.hands_free.shortcuts import SHORTCUTS
from ...values.defaults import (
    DEFAULT_BOX_EDGE_MM,
    DEFAULT_PORT,
    DEFAULT_PUBLISHING_PORT,
    DEFAULT_SAFETY_MARGIN_MM,
    DEFAULT_THRESHOLD,
)
from ...words import language, mark, tr

# What a step's status is called on the page.
STEP_LABELS = {
    "waiting": "",
    "ready": mark("Next"),
    "running": mark("Working"),
    "done": mark("Done"),
    "check": mark("Look"),
    "live": mark("Live"),
    "stale": mark("Out of date"),
    "failed": mark("Failed"),
}
STEPS = ("connect", "record", "box", "segment", "navigate")


def _step_labels() -> dict[str, str]:
    return {name: tr(label) for name, label in STEP_LABELS.items()}


def _words_of_the_script() -> dict[str, str]:
    """What assets/page.js says by itself, while no program is there to say it."""
    return {
        "cut_off": tr("No connection: nothing has come from the program for a while. What is seen here is not live."),
        "restarted": tr(
            "The program was started anew. What was recorded is in the list of recordings; what was neither recorded "
            "nor saved is gone."
        ),
        "no_connection": tr("no connection"),
        "close": tr("Close"),
        "lost": tr("The connection to the program is lost."),
        "comes_back": tr("This page comes back by itself once it is there again."),
    }


def _shapes() -> list[dict[str, str]]:
    return [{"title": shape.label, "value": shape.value} for shape in ToolShape]


@dataclass
class StepLine:
    """status: waiting, ready, running, done, check, live, stale or failed; text: one line for people."""

    status: str = "waiting"
    text: str = ""


@dataclass
class PageState:
    """Every value of the page, as it is at the beginning."""

    # Which step is open, and how far each one is
    open_step: str = "connect"
    steps: dict[str, Any] = field(default_factory=lambda: {name: asdict(StepLine()) for name in STEPS})
    step_labels: dict[str, Any] = field(default_factory=_step_labels)
    actions: dict[str, Any] = field(default_factory=lambda: {action.name: {"why_not": ""} for action in ACTIONS})
    progress: float = 0.0  # of the job that runs, 0 to 100
    running: str = ""  # the step that runs a job, "" when none does
    data_kind: str = ""  # what the person looks at: a file's name, a case, the computer that sends
    origin_text: str = ""  # whether that is simulated, replayed or live, "" when nobody knows
    is_real: bool = False  # True for what was, or is, sent by a scanner
    full_screen: bool = False  # the views alone: every tab follows when it changes, and can be switched by itself
    keys: list[Any] = field(default_factory=lambda: [shortcut.key for shortcut in SHORTCUTS])
    hands_free_text: str = ""  # what a key or a foot switch has asked for last
    heartbeat: int = 0  # goes on while the program does: a tab sees by it that it is cut off

    language: str = field(default_factory=language)
    words: dict[str, str] = field(default_factory=_words_of_the_script)

    fault: str = ""  # of the program: nothing is live while it stands
    # Questions that a person has to answer
    question: str = ""  # whether the case and the images are of one patient
    asked: dict[str, Any] = field(
        default_factory=dict
    )  # {"text", "choices": [{"name", "title", "color"}]}, {} for nothing
    choosing_case: bool = False
    cases: list[Any] = field(default_factory=list)

    # Sentences: an error stays until it is closed, a note goes by itself
    error_text: str = ""
    errors: int = 0  # so far
    errors_closed: int = 0  # of them, said by a tab
    note_text: str = ""
    notes: int = 0
    notes_closed: int = 0

    # 1 Connect
    source: str = "simulated"
    lesion: str = "hypoechoic"
    lesion_mm: float = 20.0
    case_number: int = 2
    files: list[Any] = field(default_factory=list)
    file: str = ""
    calibrations: list[Any] = field(default_factory=list)
    calibration: str = ""
    any_path: bool = False  # whether a path may be typed
    typing_path: bool = False
    upload_progress: float = -1.0
    plus_host: str = "localhost"
    plus_port: int = DEFAULT_PORT
    connected: bool = False
    preparing: str = ""  # what the source does before it can be connected to, "" when nothing
    prepared: float = 0.0
    stream_text: str = ""
    image_name: str = ""  # of the stream of images that is taken
    image_names: list[Any] = field(default_factory=list)  # of all that come
    frames_per_second: float = 0.0
    live_title: str = field(default_factory=lambda: tr("Live ultrasound"))
    live_text: str = field(
        default_factory=lambda: tr("No live image")
    )  # why the image is not live where it is shown, "" when it is
    live_hidden: bool = True  # no pixels are shown
    rate_curves: list[Any] = field(default_factory=list)
    rate_top: float = 0.0

    # 2 Record
    recording: bool = False
    recorded_text: str = ""
    sweep_seconds: float = 0.0  # how long the replayed sweep lasts; 0 when nobody knows
    recorded_part: float = 0.0  # of that sweep, 0 to 100
    record_hints: list[Any] = field(default_factory=list)
    has_sweep: bool = False
    has_volume: bool = False
    has_picture: bool = False  # of the volume, also of one that still grows

    outlining: bool = False  # the tumor is outlined in live images
    outline_text: str = ""  # how that goes
    outline_warnings: list[Any] = field(default_factory=list)  # the tumor has moved against its model

    # 3 Box
    proposal_text: str = ""  # of the box that the outlines propose, "" while there is none
    slice_titles: list[Any] = field(
        default_factory=lambda: [tr("Volume {number}", number=number) for number in (1, 2, 3)]
    )
    placing: str = ""  # what the next click in a slice places: "", "box", "seed" or "landmark"
    has_box: bool = False
    box_edge_mm: float = DEFAULT_BOX_EDGE_MM
    box_warnings: list[Any] = field(default_factory=list)
    truth_known: bool = False

    # The tumors of the case, above the steps
    tumors: list[Any] = field(default_factory=list)  # {"number", "name", "color", "text", "distance", ...}
    renaming: int = 0  # number of the tumor whose name is being typed, 0 for none
    tumor_name: str = ""  # as it is typed

    # 4 Segment
    models: list[Any] = field(default_factory=list)
    model: str = ""
    device: str = "auto"
    engine_text: str = ""
    has_tumor: bool = False
    has_probability: bool = False
    threshold: float = DEFAULT_THRESHOLD
    tumor_text: str = ""
    doubts: list[Any] = field(default_factory=list)
    doubts_new: bool = False  # nobody has looked at them yet
    clock_text: str = ""
    tool: str = ""  # of the segment editor: "", "paint" or "erase"
    brush_mm: float = 6.0
    can_undo: bool = False
    can_redo: bool = False

    # 5 Navigate
    can_navigate: bool = False  # by the chosen tumor, or by another one of the case, be it of an earlier sweep
    margin_mm: float = DEFAULT_SAFETY_MARGIN_MM
    tools: list[Any] = field(default_factory=list)
    alarm: str = ""  # "inside", "near", "lost" or "clear": the worst that is known of any tool; "" while none measures
    distance_curves: list[Any] = field(default_factory=list)
    margin_line: float = 0.0
    zero_line: float = 0.0
    distance_top: float = 0.0

    # Calibrate, beside the steps
    calibrating: str = ""  # what is being calibrated, "" when nothing is
    calibration_ending: bool = False  # the result is being computed
    calibration_line: str = ""  # below the title
    calibration_instruction: str = ""
    calibration_figures: list[Any] = field(default_factory=list)  # [what, how much], of the run or its result
    calibration_missing: list[Any] = field(default_factory=list)
    calibration_share: float = 0.0  # of what is wanted, 0 to 100
    calibration_wires: list[Any] = field(default_factory=list)  # [across, down] 0 to 1, in the newest image
    calibration_problem: str = ""  # why there is no result
    calibration_result: str = ""  # what was found, until somebody takes or discards it
    calibration_accepted: list[Any] = field(default_factory=list)
    tool_setups: list[Any] = field(default_factory=list)  # of each tool: how it is drawn, and where its tip is from
    tool_shapes: list[Any] = field(default_factory=_shapes)
    other_tools: list[Any] = field(default_factory=list)  # tracked, and looked for by nobody
    tool_name: str = ""  # as it is typed
    calibration_tools: list[Any] = field(default_factory=list)
    calibration_tool: str = DEFAULT_TOOL
    calibration_measured: bool = False  # the result is of a phantom's targets, and no calibration
    phantom: str = ""  # the PLUS configuration that defines it
    target_files: list[Any] = field(default_factory=list)  # with a phantom's targets, for a select box
    targets: str = ""
    known_errors: list[Any] = field(default_factory=list)  # {"source", "text", "known", "coarse"}

    # The CT before the operation, beside the steps
    ct_line: str = ""  # below the title
    ct_busy: bool = False
    ct_progress: float = 0.0  # of what is done with it, 0 to 100
    ct_progress_text: str = ""
    ct_problem: str = ""  # why what was begun last gave nothing
    ct_path: str = ""
    ct_date: str = ""  # of a volume, which does not say it itself
    ct_labels: str = ""
    ct_landmarks: str = ""
    ct_results: list[Any] = field(default_factory=list)  # kept here, for a select box
    ct_result: str = ""
    ct_compared: list[Any] = field(default_factory=list)  # of these, those that are compared over time
    ct_models: list[Any] = field(default_factory=list)
    ct_model: str = ""
    ct_part: str = "open"  # the part of the section that is open
    ct_series: list[Any] = field(default_factory=list)  # {"number", "title", "details", "is_ct", "picture"}
    ct_choosing: bool = False  # one of them is to be chosen
    ct_there: bool = False
    ct_title: str = ""
    ct_has_result: bool = False
    ct_figures: list[Any] = field(default_factory=list)  # [what, how much]
    ct_lesions: list[Any] = field(default_factory=list)  # rows of the table
    ct_doubts: list[Any] = field(default_factory=list)
    ct_structures: list[Any] = field(default_factory=list)  # {"name", "title", "color", "shown"}
    ct_counts: dict[str, Any] = field(default_factory=dict)  # slices of each plane
    ct_axial: int = 0
    ct_coronal: int = 0
    ct_sagittal: int = 0
    ct_turn: float = 20.0  # from where it is seen in space, degrees
    ct_tilt: float = 10.0
    ct_version: int = 0  # of its pictures: a tab asks for them anew
    ct_registration: str = ""
    ct_registered: bool = False
    ct_touched: list[Any] = field(default_factory=list)  # landmarks, a line each
    ct_remnant: list[Any] = field(default_factory=list)  # sentences of what a planned cut would leave
    ct_plane_turn: float = 0.0
    ct_plane_tilt: float = 0.0
    ct_plane_offset: float = 0.0  # mm
    ct_cut: dict[str, Any] = field(default_factory=dict)  # its handles in the slices, parts of width and height
    ct_reach: float = REACH  # of a handle, a share of the longer side
    ct_corrected: str = ""  # whether it was corrected by hand
    ct_brushes: list[Any] = field(default_factory=list)
    ct_brush: str = "tumor"
    ct_brush_mm: float = 8.0
    ct_tracks: list[Any] = field(default_factory=list)  # curves of diameters over time
    ct_dates: list[Any] = field(default_factory=list)  # {"x", "text"} below them
    ct_top: str = ""
    ct_follow_lines: list[Any] = field(default_factory=list)

    # The laparoscope, beside the steps
    scope_open: bool = False
    scope_title: str = ""
    scope_line: str = ""  # below the title
    scope_busy: bool = False  # the model is being registered
    scope_problem: str = ""
    scope_there: bool = False  # a frame is there
    scope_frame: str = ""
    scope_version: int = 0  # of its picture: a tab asks for it anew
    scope_text: str = ""  # how landmarks are looked for
    scope_old: str = ""  # why what is shown is not what the scope sees now
    scope_recorded: bool = False
    scope_recording: str = ""
    scope_landmarks: list[Any] = field(default_factory=list)  # {"name", "color", "percent"}
    scope_switches: list[Any] = field(default_factory=list)  # {"name", "title", "shown"}
    scope_registration: str = ""
    scope_doubts: list[Any] = field(default_factory=list)
    scope_has_model: bool = False
    scope_has_camera: bool = False
    scope_path: str = ""
    scope_image: str = "Laparoscope"
    scope_device: Any = 0
    scope_model: str = ""
    scope_camera: str = ""
    scope_deform: bool = False
    scope_aligning: bool = False
    scope_fine: bool = False
    scope_board: str = ""
    scope_square_mm: Any = 10.0
    scope_calibration: str = ""
    scope_calibrating: bool = False
    scope_result_waits: bool = False
    scope_calibration_doubts: list[Any] = field(default_factory=list)

    # The case as files
    publish_port: int = DEFAULT_PUBLISHING_PORT
    publish_text: str = ""  # where tumor and distances are sent, "" while they are not
    saving: bool = False  # also while it is packed for the download
    saved_text: str = ""  # whether the case is saved, and since when
    has_anything: bool = False
