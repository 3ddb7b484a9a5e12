"""What is not imported before it is needed, so that a session is there quickly: compiled kernels and SciPy, by half a
second. A front end imports it while nobody waits, and the first press of a button is as quick as the second.
"""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "live.live_tumor",
    "session.laparoscope.registering",
    "laparoscopy.pose.model_landmarks",
    "laparoscopy.network.landmark_finder",
    "laparoscopy.camera.hand_eye",
)


def import_for_first_use() -> None:
    """Import all of it; in any thread. Raises ImportError where a package is missing."""
    for name in MODULES:
        import_module(f"...{name}", __package__)
