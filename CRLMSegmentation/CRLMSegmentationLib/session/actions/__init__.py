"""What a person can do with a session, described once for every front end.

The window and the page make their buttons from ACTIONS: name, help, and whether it can be done now.
"""

from .action import Action
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

ACTIONS = WORKFLOW_ACTIONS

__all__ = [
    "ACCEPT_BOX",
    "ACKNOWLEDGE",
    "ACTIONS",
    "CANCEL",
    "CONNECT",
    "CORRECT",
    "DISCARD",
    "DISCONNECT",
    "FIND",
    "GROW",
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
    "Action",
]
