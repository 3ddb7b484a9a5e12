"""The recorded sweep as sequences, which grow while it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...session.recording import RecordingPart
from ...sweep import Sweep, TrackedFrame
from ...words import tr
from .. import names
from ..application import Application
from ..nodes import find
from .sweep_sequence import BROWSER_CLASS, GrowingSweep, put_sweep, remove_sweep, sweep_of

# Of each tick of the session's timer, for bringing frames into the scene.
_BUDGET_S = 0.008


class SweepView:
    """Shows the sweep of a session.

    A recording is brought into the scene a few frames at a time by process(), also after it has ended; nothing of it
    goes into saved scenes before it is complete. A sweep from a file is there at once.

    report  called with sentences for people
    """

    def __init__(self, application: Application, recording: RecordingPart, report: Callable[[str], None]):
        self._application, self._recording, self._report = application, recording, report
        self._growing: GrowingSweep | None = None
        self._completing: GrowingSweep | None = None
        self._has_remark = False
        self._shown: Sweep | None = None
        self._browser: Any = None
        self._disconnects = (
            recording.started.connect(self._on_started),
            recording.frame_added.connect(self._on_frame),
            recording.stopped.connect(self._on_stopped),
            recording.sweep_changed.connect(self._on_sweep),
        )

    def read(self) -> Sweep | None:
        """The sweep that the scene holds; None when it holds none, or half of one. It is not written back."""
        self._browser = find(self._application.scene, BROWSER_CLASS, names.SWEEP_BROWSER)
        self._shown = sweep_of(self._application)
        return self._shown

    @property
    def is_busy(self) -> bool:
        """True while a recording that has ended is being completed."""
        return self._completing is not None

    def complete(self) -> None:
        """Complete it now."""
        if self._completing is not None:
            self._completing.write()
            self._end_completing()

    def process(self, now_s: float) -> None:
        """Bring some frames into the scene."""
        # One after the other: the next one takes the place of the one before in the scene.
        if self._completing is not None:
            self._completing.write(_BUDGET_S)
            if self._completing.is_complete:
                self._end_completing()
            elif not self._has_remark:
                self._has_remark = True
                self._recording.set_remark(tr("the Sequence browser is being completed"))
        elif self._growing is not None:
            self._growing.write(_BUDGET_S)

    def check_nodes(self) -> None:
        """The nodes alone go: the session keeps the sweep, and its file."""

    def hide_live(self) -> None:
        """Nothing of a recording is live."""

    def close(self) -> None:
        """A sweep is in the scene as a whole or not at all."""
        for disconnect in self._disconnects:
            disconnect()
        self.complete()
        if self._growing is not None:
            self._growing.remove()
            self._growing = None

    def _on_started(self) -> None:
        self._growing = GrowingSweep(self._application)

    def _on_frame(self, frame: TrackedFrame) -> None:
        if self._growing is not None:
            self._growing.add(frame)

    def _on_stopped(self, sweep: Sweep | None) -> None:
        growing, self._growing = self._growing, None
        if growing is not None and sweep is not None:
            growing.end(sweep)
            self._completing, self._has_remark, self._shown = growing, False, sweep

    def _on_sweep(self) -> None:
        sweep, scene = self._recording.sweep, self._application.scene
        is_there = self._browser is not None and scene.IsNodePresent(self._browser)
        if sweep is self._shown and (sweep is None or is_there or self._completing is not None):
            return
        completing, self._completing, self._shown = self._completing, None, sweep
        if sweep is not None:
            self._browser = put_sweep(self._application, sweep)
        elif completing is not None:
            completing.remove()
        elif is_there:
            remove_sweep(scene, self._browser)

    def _end_completing(self) -> None:
        completing, self._completing = self._completing, None
        if completing is None:
            return
        self._browser = completing.browser
        if completing.every > 1:
            self._report(
                tr(
                    "The Sequence browser holds one frame of {every} of this sweep; the sweep has all.",
                    every=completing.every,
                )
            )
        if self._has_remark:
            self._recording.set_remark("")
