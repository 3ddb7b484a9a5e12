"""What a remote view needs beyond trame-slicer's own: tabs of different size, and pictures only where they are seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trame_slicer.views import ScheduledRenderStrategy

from .picture_scheduler import PictureScheduler, Turns

if TYPE_CHECKING:
    from trame_rca.utils import RcaViewAdapter


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
    """Has `pictures` render its view when that asks for it, unless the gate is shut: it hears of nothing then.

    While no tab sees the view it is not rendered; what it asked for meanwhile is done as soon as one does.
    """

    def __init__(self, pictures: PictureScheduler) -> None:
        super().__init__()
        self._pictures = pictures
        self.is_shut = False
        self._is_seen, self._is_waiting = False, False

    def schedule_render(self) -> None:
        """Called by the view whenever a node that it knows has changed, seen in it or not."""
        super().schedule_render()
        if self.is_shut:
            return
        if self._is_seen:
            self._pictures.ask()
        else:
            self._is_waiting = True

    def set_seen(self, is_seen: bool) -> None:
        """Whether any tab sees the view."""
        self._is_seen = is_seen
        if is_seen and self._is_waiting:
            self._is_waiting = False
            self._pictures.ask()


def draw_by_turns(adapter: RcaViewAdapter, target_fps: float, turns: Turns) -> PictureScheduler:
    """Put our own scheduler in the place of the one that trame-slicer has made for a view."""
    theirs = adapter._scheduler
    ours = adapter._scheduler = PictureScheduler(theirs.rca, target_fps, turns, push=adapter.push)
    asyncio.get_running_loop().create_task(theirs.close())
    return ours
