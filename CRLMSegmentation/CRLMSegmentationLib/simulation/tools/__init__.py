"""Tracked tools beside the simulated patient: a stylus that is pivoted and touches landmarks, and a scope."""

from .landmarks import named_landmarks
from .recordings import ToolRecordings, record_tools
from .write import LANDMARKS_FILE, SCOPE_FILE, STYLUS_FILES, write_tools

__all__ = [
    "LANDMARKS_FILE",
    "SCOPE_FILE",
    "STYLUS_FILES",
    "ToolRecordings",
    "named_landmarks",
    "record_tools",
    "write_tools",
]
