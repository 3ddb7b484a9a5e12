"""What a person can do with a session, described once for every front end.

The window and the page make their buttons from ACTIONS: name, help, and whether it can be done now.
"""

from .action import Action
from .calibration_actions import (
    ACCEPT_CALIBRATION,
    CALIBRATE_PROBE,
    CALIBRATE_STYLUS,
    CALIBRATION_ACTIONS,
    DISCARD_CALIBRATION,
    END_CALIBRATION,
    KEEP_CALIBRATIONS,
    USE_KEPT_CALIBRATIONS,
)
from .workflow_actions import (
    ACCEPT_BOX,
    ACKNOWLEDGE,
    CANCEL,
    CONNECT,
    CORRECT,
    DISCARD,
    DISCONNECT,
    FIND,
    GROW,
    KEEP_CASE,
    MARGIN,
    NAVIGATE,
    NEW_CASE,
    OPEN_CASE,
    OPEN_SWEEP,
    OUTLINE,
    PLACE_BOX,
    RECONSTRUCT,
    RECORD,
    REPLAY,
    SAVE,
    STOP,
    WORKFLOW_ACTIONS,
)

ACTIONS = (*WORKFLOW_ACTIONS, *CALIBRATION_ACTIONS)

__all__ = [
    "ACCEPT_BOX",
    "ACCEPT_CALIBRATION",
    "ACKNOWLEDGE",
    "ACTIONS",
    "CALIBRATE_PROBE",
    "CALIBRATE_STYLUS",
    "CANCEL",
    "CONNECT",
    "CORRECT",
    "DISCARD",
    "DISCARD_CALIBRATION",
    "DISCONNECT",
    "END_CALIBRATION",
    "FIND",
    "GROW",
    "KEEP_CALIBRATIONS",
    "KEEP_CASE",
    "MARGIN",
    "NAVIGATE",
    "NEW_CASE",
    "OPEN_CASE",
    "OPEN_SWEEP",
    "OUTLINE",
    "PLACE_BOX",
    "RECONSTRUCT",
    "RECORD",
    "REPLAY",
    "SAVE",
    "STOP",
    "USE_KEPT_CALIBRATIONS",
    "Action",
]
