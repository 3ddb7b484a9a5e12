"""What a remote view needs beyond trame-slicer's own: tabs of different size, and a pace that leaves time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trame_slicer.views import ScheduledRenderStrategy

if TYPE_CHECKING:
    from trame_rca.utils import RcaViewAdapter
    from trame_slicer.views import AbstractView

# All views together may take this share of the time; the rest belongs to the stream, the distances and the person.
_SHARE = 0.5
# A view that has not changed for so many of its frames, and for so long, leaves its share to the others.
_RESTING_FRAMES, _RESTING_S = 3, 1.0


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


class Gate(ScheduledRenderStrategy):  # type: ignore[misc]  # trame-slicer has no types
    """Has `adapter` render its view when that asks for it, unless the gate is shut: it hears of nothing then."""

    def __init__(self, adapter: RcaViewAdapter) -> None:
        super().__init__()
        self._adapter = adapter
        self.is_shut = False

    def schedule_render(self) -> None:
        """Called by the view whenever a node that it knows has changed, seen in it or not."""
        super().schedule_render()
        if not self.is_shut:
            self._adapter.schedule_render()


class Pace:
    """Renders views as often as their common share of the time allows: software rendering must not fill the event loop.

    However slow the machine is, what a person does is answered between two pictures and does not wait in a line behind
    them. The views that change share alike; one that rests leaves its share to the others.

    fastest  frames/s of a view
    clock    seconds
    """

    def __init__(self, fastest: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._fastest, self._clock = fastest, clock
        self._rendered: dict[RcaViewAdapter, float] = {}

    def add(self, view: AbstractView, adapter: RcaViewAdapter) -> None:
        """Pace `view`, which `adapter` renders."""
        started = [0.0]

        def start(*_: object) -> None:
            started[0] = self._clock()

        def end(*_: object) -> None:
            self.take_frame(adapter, self._clock() - started[0])

        view.render_window().AddObserver("StartEvent", start)
        view.render_window().AddObserver("EndEvent", end)

    def take_frame(self, adapter: RcaViewAdapter, took_s: float) -> None:
        """A frame of `adapter` is ready, which took `took_s` seconds; sets the adapter's frames/s."""
        now = self._rendered[adapter] = self._clock()
        changing = [one for one, at in self._rendered.items() if now - at <= _resting_s(one)]
        wanted = min(self._fastest, _SHARE / len(changing) / max(took_s, 1e-3))
        # The geometric mean: one slow frame does not stop the picture, and three of them slow it by a hundredfold.
        adapter.target_fps = math.sqrt(adapter.target_fps * wanted)


def _resting_s(adapter: RcaViewAdapter) -> float:
    return max(_RESTING_S, _RESTING_FRAMES / float(adapter.target_fps))
