"""Outline live: the tumor in each live frame, the box that follows from many, and whether the known tumor has moved.

While it is on, the image that is shown is the newest one whose outline is there, so that image and outline are always
of one frame: the image is later by as long as the network takes. When no outline comes, images are shown at once.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...reconstruction import ReconstructionSettings
from ...sweep import TrackedFrame
from ...tracking.age import Age
from ...values import Box, Volume
from ..event import Event
from ..jobs.task import Task
from ..live_image import LiveImage
from ..state import NO_PROPOSAL
from .frame_engine import FrameEngine
from .live_text import LiveStatus, live_text, proposal_text

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...live.box_proposal import BoxProposal
    from ...live.live_tumor import ComparedOutline

# Frames that wait for their outline; the network has one or two of them.
_MOST_HELD = 30
_SHORTEST_PAUSE_S = 0.5
# Proposals take at most this part of the time, so that frames are outlined in between.
_LARGEST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class _Arrival:
    """A frame and when it came, as LiveImage.show() takes it."""

    frame: TrackedFrame
    received_s: float
    read_s: float | None


class LivePart:
    """Outlines on the live image of one session.

    image      shows the frames
    settings   gives how the grey levels are reconstructed: the evidence is of the same part of the image
    set_box    takes an accepted box
    on_shown   called with each frame that was held back and is shown now
    engine     starts the network, for tests
    on_error   called with what a handler of `changed` raises

    changed    event: switched on or off, another outline or none, another proposal
    """

    def __init__(
        self, image: LiveImage, settings: Callable[[], ReconstructionSettings], set_box: Callable[[Box], None],
        on_shown: Callable[[TrackedFrame], object], engine: FrameEngine | None = None,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self.evidence: Volume | None = None
        self._image, self._settings, self._set_box, self._on_shown = image, settings, set_box, on_shown
        self._engine = engine or FrameEngine()
        self._surface: vtkPolyData | None = None
        self._held: deque[_Arrival] = deque(maxlen=_MOST_HELD)
        self._shown_s = self._outlined_s = -math.inf
        self._newest: ComparedOutline | None = None
        self._proposal: BoxProposal | None = None
        self._proposing: Task | None = None
        self._of_case = 0
        self._next_proposal_s = -math.inf
        self._reported: tuple[object, ...] = ()

    # What is known

    @property
    def is_on(self) -> bool:
        """True from start() to stop(), whether the network is ready or not."""
        return self._engine.is_wanted

    @property
    def status(self) -> LiveStatus:
        """Can be asked at any time; waits for nothing."""
        state, message = self._engine.status
        live = self._engine.live
        if live is None:
            return LiveStatus(state, message)
        frames = live.status
        return LiveStatus(state, message or frames.problem or live.evidence.problem, frames)

    @property
    def outline(self) -> ComparedOutline | None:
        """What belongs to the image that is shown, and to no other; None while that is too old or has no pose."""
        newest = self._newest
        if newest is None or not self._image.is_live():
            return None
        return newest if newest.outline.may_be_drawn(self._image.frame, self._image.age()) else None

    @property
    def moved_warning(self) -> str:
        """A sentence when the tumor has moved against its model; ''."""
        live = self._engine.live
        return live.moved_warning if live is not None else ""

    @property
    def proposal(self) -> BoxProposal | None:
        """The box around what the frames have shown together; None while that is too little."""
        return self._proposal

    @property
    def text(self) -> str:
        """How outlining goes, for people; '' while it is off."""
        return live_text(self.status, self._image.age())

    @property
    def proposal_text(self) -> str:
        """What is proposed, for people; ''."""
        return "" if self._proposal is None else proposal_text(self._proposal)

    @property
    def why_not(self) -> str:
        """Why outlining cannot begin; '' when it can."""
        return self._engine.why_not

    # What can be done

    def choose_model(self, name_or_folder: str | Path | None) -> None:
        """A model for the task 'frames'; None for the first that there is. One that is running is replaced."""
        self._engine.choose(name_or_folder)
        if self.is_on:
            self.stop()
            self.start()

    def start(self) -> None:
        """Begin; the network is loaded meanwhile. Raises ModelError when there is no model."""
        if not self.is_on:
            self._engine.start(self._settings(), self._surface)
            self.changed()

    def stop(self) -> None:
        """Outline no more; images are shown at once. What was gathered is gone, and a proposed box stays."""
        if self.is_on:
            self._engine.stop()
            self._show_newest()
            self._held.clear()
            self._newest, self._outlined_s = None, -math.inf
            self.changed()

    def switch(self, wanted: bool) -> None:
        """start() or stop()."""
        if wanted:
            self.start()
        else:
            self.stop()

    def accept_box(self) -> None:
        """Take the proposed box for the box around the tumor. Raises ConfigurationError when there is none."""
        if self._proposal is None:
            raise ConfigurationError(NO_PROPOSAL)
        self._set_box(self._proposal.box)

    def set_tumor(self, surface: vtkPolyData | None) -> None:
        """The known tumor, RAS mm, whose cut is shown beside the outlines; None while there is none, or it is not known
        whether it is of this patient.
        """
        if surface is not self._surface:
            self._surface = surface
            if self._engine.live is not None:
                self._engine.live.set_tumor(surface)

    def forget(self) -> None:
        """Another case, another source or another recording: what was gathered so far is not of it."""
        self._of_case += 1
        self._newest = self._proposal = self.evidence = None
        self._held.clear()
        if self._engine.live is not None:
            self._engine.live.begin_anew()
        self.changed()

    # What the session does

    def take(self, frame: TrackedFrame, received_s: float, read_s: float | None = None) -> bool:
        """A new frame, before it is shown: True when it is held back until its outline is there.

        received_s, read_s   see LiveImage.show()
        """
        live = self._engine.live
        if live is None or not self._engine.is_ready:
            self._shown_s = received_s
            return False
        live.submit(frame, received_s)
        arrival = _Arrival(frame, received_s, read_s)
        self._held.append(arrival)
        if Age(time.monotonic() - self._outlined_s).may_be_outlined:
            return True
        self._shown_s = received_s
        return False

    def process(self, now_s: float | None = None) -> None:
        """Show what has been outlined; called by the session's timer."""
        now_s = time.monotonic() if now_s is None else now_s
        live = self._engine.live
        found = live.take() if live is not None else []
        if found:
            self._outlined_s = time.monotonic()
            self._show_outlined(found[-1])
        elif not Age(time.monotonic() - self._outlined_s).may_be_outlined:
            self._show_newest()
        self._propose(now_s)
        state = (self._engine.status, self.outline, self._proposal, self.moved_warning)
        if state != self._reported:
            self._reported = state
            self.changed()

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self._engine.close()
        if self._proposing is not None:
            self._proposing.join()

    def _show_outlined(self, found: ComparedOutline) -> None:
        """Unless a newer image is on the screen already."""
        arrival = next((one for one in self._held if one.frame is found.outline.frame), None)
        while arrival is not None and self._held and self._held[0] is not arrival:
            self._held.popleft()
        if arrival is None:
            return
        self._held.popleft()
        self._newest = found
        if arrival.received_s > self._shown_s:
            self._show(arrival)

    def _show_newest(self) -> None:
        """No outline comes: the newest frame is shown without."""
        if self._held and self._held[-1].received_s > self._shown_s:
            self._show(self._held[-1])

    def _show(self, arrival: _Arrival) -> None:
        self._shown_s = arrival.received_s
        self._image.show(arrival.frame, arrival.received_s, arrival.read_s)
        self._on_shown(arrival.frame)

    def _propose(self, now_s: float) -> None:
        """Take a proposal that is ready; begin another when it is time."""
        task = self._proposing
        if task is not None:
            if not task.has_ended:
                return
            self._proposing = None
            self._next_proposal_s = now_s + max(_SHORTEST_PAUSE_S, task.seconds / _LARGEST_SHARE)
            if task.error is None and task.result[0] == self._of_case:
                _, self.evidence, self._proposal = task.result
        elif now_s >= self._next_proposal_s and self._engine.live is not None and self._engine.is_ready:
            live, case = self._engine.live, self._of_case
            self._proposing = Task(lambda: (case, *live.evidence_and_box()), "box proposal")
