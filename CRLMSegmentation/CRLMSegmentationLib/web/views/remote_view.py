"""What a remote view needs beyond trame-slicer's own: tabs of different size, and a pace that leaves time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trame_rca.utils import RcaViewAdapter
    from trame_slicer.views import AbstractView

# A view may take this share of the time; the rest belongs to the stream, the other views and the person.
_SHARE = 0.25
# Lower than a person would like; but on a machine that is that slow, the stream and the distances come first.
_SLOWEST_FRAMES_PER_SECOND = 0.3


def make_fit_for_several_tabs(adapter: RcaViewAdapter) -> None:
    """Take mouse places from a tab of any size, although the picture has the size of the tab that was sized last.

    adapter  trame_rca's RcaViewAdapter; a mouse event names the size of the picture it was made on
    """
    on_interaction = adapter.on_interaction

    def scaled(origin: str, event: dict[str, Any]) -> None:
        size = getattr(adapter, "_current_size", None)
        if size is not None and isinstance(event.get("w"), (int, float)) and event["w"] and event.get("h"):
            across, down = size[0] / event["w"], size[1] / event["h"]
            if (across, down) != (1.0, 1.0):
                event = {**event, "w": size[0], "h": size[1]}
                for key, factor in (("x", across), ("y", down)):
                    if isinstance(event.get(key), (int, float)):
                        event[key] = int(event[key] * factor)
        on_interaction(origin, event)

    adapter.on_interaction = scaled


def take_presses(adapter: RcaViewAdapter, on_press: Callable[[float, float], bool]) -> None:
    """Let on_press(x, y) see presses of the left button first; what it takes (True) does not reach the view.

    x, y  pixels of the picture, from the bottom left
    """
    on_interaction = adapter.on_interaction
    is_taken = [False]

    def asked(origin: str, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "LeftButtonPress":
            factor = adapter.scale_factor
            is_taken[0] = bool(on_press(event.get("x", 0) * factor, event.get("y", 0) * factor))
        if is_taken[0]:
            # The release belongs to the press.
            is_taken[0] = kind != "LeftButtonRelease"
            if kind in ("LeftButtonPress", "LeftButtonRelease"):
                return
        on_interaction(origin, event)

    adapter.on_interaction = asked


def pace(view: AbstractView, adapter: RcaViewAdapter, fastest: float) -> None:
    """Render a view as often as its share of the time allows: software rendering must not fill the event loop."""
    started = [0.0]

    def start(*_: object) -> None:
        started[0] = time.perf_counter()

    def end(*_: object) -> None:
        took_s = time.perf_counter() - started[0]
        wanted = min(fastest, max(_SLOWEST_FRAMES_PER_SECOND, _SHARE / max(took_s, 1e-3)))
        # Half-way each time, so that one slow frame does not stop the picture.
        adapter.target_fps = (adapter.target_fps + wanted) / 2

    view.render_window().AddObserver("StartEvent", start)
    view.render_window().AddObserver("EndEvent", end)
