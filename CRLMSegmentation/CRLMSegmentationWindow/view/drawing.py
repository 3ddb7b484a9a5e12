"""When the views are drawn: each once after a tick, slices not for what they do not show, and what lies in space more
seldom, and in a simpler way, where that is slow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import qt
import slicer

from . import layouts

# Slices of a volume show nothing that is live, but for what somebody else has put there, which is seen so soon.
_SLICES_AFTER_S = 0.5
# Where all views take longer, which they do without a graphics card, they keep the window from the next frame.
_LONG_S = 1 / 50


class Drawing:
    """Draws the views after each tick; the 3D view only after every second one while drawing all of them takes long.

    clock  seconds that go on
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._is_slow = clock, False
        self._slices_s = -math.inf
        self._waiting: slicer.qMRMLThreeDView | None = None

    @contextmanager
    def once(self) -> Iterator[None]:
        """Nothing is drawn within the block, and each view at most once after it.

        Image, pose, tools and distances change one after the other, and a view that was asked to draw a while ago draws
        at once when it is asked again (ctkVTKAbstractView::scheduleRender): several times a tick, and with half of them
        in their new places. While paused it keeps the request.
        """
        had_waited = self._waiting is not None
        slicer.app.pauseRender()
        try:
            self.release()
            yield
        finally:
            try:
                self._hold(self._is_slow and not had_waited)
            finally:
                # Whatever fails: views that stay paused would show what is old as if it were now.
                began_s = self._clock()
                slicer.app.resumeRender()
                if self._waiting is None:
                    self._is_slow = self._clock() - began_s > _LONG_S
                    if self._is_slow:
                        layouts.blend_without_sorting()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Within the block something changes that no slice of a volume shows. All views are asked to be drawn, whatever
        changes (vtkMRMLLinearTransformsDisplayableManager): the slices do not hear of it.
        """
        now_s = self._clock()
        if now_s - self._slices_s > _SLICES_AFTER_S:
            self._slices_s = now_s
            yield
            return
        shut = [view for view in layouts.planning_views() if view.renderEnabled]
        for view in shut:
            view.renderEnabled = False
        try:
            yield
        finally:
            for view in shut:
                view.renderEnabled = True

    def _hold(self, is_to_wait: bool) -> None:
        _take_requests()
        view = layouts.view_3d() if is_to_wait else None
        if view is not None:
            view.pauseRender()
            self._waiting = view

    def release(self) -> None:
        """No view waits any more: nobody ticks, or the view is about to go."""
        view, self._waiting = self._waiting, None
        if view is not None:
            view.resumeRender()


def _take_requests() -> None:
    """The live view has requests to be drawn on their way to it (qMRMLSliceWidget queues them), which would have it
    drawn a second time in a moment, with nothing new: it takes them while it keeps them.
    """
    widget = layouts.live_widget()
    if widget is not None:
        qt.QCoreApplication.sendPostedEvents(widget.sliceView(), qt.QEvent.MetaCall)
