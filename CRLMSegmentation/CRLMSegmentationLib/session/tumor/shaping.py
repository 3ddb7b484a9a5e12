"""From strokes, a threshold and a smoothing to the next tumor, in the background; no stroke is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from ...errors import CRLMError
from ..jobs.latest import Latest
from .labelmap import Labelmap
from .tumor_state import DEFAULT_SMOOTHING, TumorState


class Shaped(NamedTuple):
    """What has been computed.

    was_cut  by a threshold, so that the mask is another than the one that the hand sees
    strokes  how many there had been when it began
    """

    state: TumorState
    was_cut: bool
    strokes: int


class Shaping:
    """What was asked of one tumor and is on its way to the screen.

    state      gives the present tumor
    on_kept    called with a state in which strokes are taken in, while others have come already
    on_shaped  called with the next state, and whether its mask is another than the hand has drawn
    on_failed  called with what went wrong

    canvas            gives what a hand has drawn, as it is now (None: it removed the segment); set by who shows the
                      mask, None while nobody does
    smoothing         wanted, 0 to 1
    wanted_threshold  and which part counts, while they are on their way
    has_stroke        True while there is a stroke that is not on its way yet
    """

    def __init__(
        self, state: Callable[[], TumorState | None], on_kept: Callable[[TumorState], None],
        on_shaped: Callable[[TumorState, bool], None], on_failed: Callable[[Exception], None],
    ):  # fmt: skip
        self.canvas: Callable[[], Labelmap | None] | None = None
        self.smoothing = DEFAULT_SMOOTHING
        self.wanted_threshold: tuple[float, str] | None = None
        self.has_stroke = False
        self._state, self._on_kept, self._on_shaped, self._on_failed = state, on_kept, on_shaped, on_failed
        self._latest = Latest("tumor surface")
        self._strokes = 0
        self._is_taking_stroke = False

    @property
    def is_busy(self) -> bool:
        """True while anything is on its way, or waits to be."""
        return self.has_stroke or self._latest.is_busy

    @property
    def has_any_stroke(self) -> bool:
        """True while a stroke has not reached the screen."""
        return self.has_stroke or self._is_taking_stroke

    def add_stroke(self) -> None:
        """The canvas has changed, perhaps in the middle of an edit: it is read by the next process()."""
        self._strokes += 1
        self.has_stroke = True

    def cut(self, threshold: float, keep: str) -> None:
        """Another threshold."""
        self.wanted_threshold = threshold, keep
        self.request()

    def request(self) -> None:
        """Shape the tumor by what is wanted now."""
        self._latest.request(self._begin, self._take, self._on_failed)

    def discard(self, state: TumorState, on_done: Callable[[TumorState], None]) -> None:
        """Take back all that a hand has made of `state`, also strokes that are on their way."""
        self.has_stroke = False
        self._latest.request(lambda: (self._state() or state).uncorrected, on_done, self._on_failed)

    def process(self) -> None:
        """Take in what has been computed, and strokes that have come; called by the session's timer."""
        self._latest.process()
        if self.has_stroke and not self._latest.is_busy:
            self.request()

    def drop(self) -> None:
        """What was asked of the tumor so far concerns no other one."""
        self._latest.drop()
        self.wanted_threshold = None
        self.has_stroke = self._is_taking_stroke = False

    def close(self) -> None:
        """Wait for the thread."""
        self._latest.close()

    def _begin(self) -> Callable[[], Shaped]:
        state, smoothing, strokes, cut = self._state(), self.smoothing, self._strokes, self.wanted_threshold
        assert state is not None, "who forgets the tumor drops what was asked of it"
        drawn = self.has_stroke and self.canvas is not None
        try:
            labelmap = self.canvas() if drawn and self.canvas is not None else None
        except CRLMError as error:
            self.has_stroke = False
            return _raising(error)
        # Anything else that is raised there leaves the stroke to the next process().
        self.has_stroke, self._is_taking_stroke = False, drawn

        def compute() -> Shaped:
            following = state.edited(labelmap) if drawn else state
            if cut is not None and cut != (following.threshold, following.keep):
                following = following.cut_at(*cut)
            if smoothing != following.smoothing:
                following = following.smoothed(smoothing)
            return Shaped(following, cut is not None, strokes)

        return compute

    def _take(self, shaped: Shaped) -> None:
        state = shaped.state
        self._is_taking_stroke = False
        if self.wanted_threshold == (state.threshold, state.keep):
            self.wanted_threshold = None
        if shaped.strokes != self._strokes:
            # Strokes came meanwhile. They were made on the mask that is still there, so that is what they change.
            if not shaped.was_cut:
                self._on_kept(state)
            elif state.threshold is not None:
                self.wanted_threshold = self.wanted_threshold or (state.threshold, state.keep)
            self.has_stroke = True
            return
        if state is not self._state() or shaped.was_cut:
            self._on_shaped(state, shaped.was_cut)


def _raising(error: Exception) -> Callable[[], NoReturn]:
    def compute() -> NoReturn:
        raise error

    return compute
