"""Pictures take a share of the page's time, however slow the machine renders them."""

import pytest

pytest.importorskip("trame_slicer", reason="no trame-slicer: the page was not tested")

from CRLMSegmentationLib.web.views.remote_view import Gate, Pace


class View:
    """Renders whenever its period is over, as trame's scheduler does, and takes the same time for each frame."""

    def __init__(self, frame_s: float, frames_per_second: float = 12.0):
        self.frame_s, self.target_fps, self.due_s = frame_s, frames_per_second, 0.0
        self.began_s: list[float] = []


def share_of(views: list[View], until_s: float, settled_s: float) -> float:
    """The share of the time after `settled_s` that the views took, in one thread."""
    now = [0.0]
    pace = Pace(12.0, clock=lambda: now[0])
    busy_s = 0.0
    while now[0] < until_s:
        view = min(views, key=lambda one: one.due_s)
        began = now[0] = max(now[0], view.due_s)
        now[0] += view.frame_s
        view.began_s.append(began)
        pace.take_frame(view, view.frame_s)
        view.due_s = began + 1 / view.target_fps
        if began > settled_s:
            busy_s += view.frame_s
    return busy_s / (now[0] - settled_s)


@pytest.mark.parametrize("frame_s", [0.02, 0.2, 2.0, 20.0])
def test_five_views_leave_half_of_the_time_to_the_person(frame_s):
    views = [View(frame_s) for _ in range(4)] + [View(2 * frame_s)]
    share = share_of(views, until_s=2000 * frame_s, settled_s=200 * frame_s)
    assert 0.3 < share < 0.55
    # Each is still seen to change.
    assert min(len(view.began_s) for view in views) > 20


def test_a_fast_view_is_as_fast_as_is_asked_for():
    view = View(0.002)
    share_of([view], until_s=10, settled_s=5)
    assert view.target_fps == pytest.approx(12.0, rel=0.01)


def test_a_view_that_rests_leaves_its_share_to_the_others():
    now = [0.0]
    pace = Pace(12.0, clock=lambda: now[0])
    alone, resting = View(0.2), View(0.2)
    pace.take_frame(resting, 0.2)
    for _ in range(50):
        now[0] += 1 / alone.target_fps
        pace.take_frame(alone, 0.2)
    assert alone.target_fps == pytest.approx(0.5 / 0.2, rel=0.05)
    pace.take_frame(resting, 0.2)
    for _ in range(10):
        now[0] += 0.4
        pace.take_frame(alone, 0.2)
        pace.take_frame(resting, 0.2)
    assert alone.target_fps == pytest.approx(0.25 / 0.2, rel=0.05)


def test_one_slow_frame_does_not_stop_the_picture():
    now = [0.0]
    pace = Pace(12.0, clock=lambda: now[0])
    view = View(0.01)
    pace.take_frame(view, 2.0)
    assert 1 / view.target_fps < 1.0


def test_a_view_is_not_rendered_for_what_moves_behind_its_shut_gate():
    class Adapter:
        rendered = 0

        def schedule_render(self):
            self.rendered += 1

    gate = Gate(Adapter())
    gate.schedule_render()
    gate.is_shut = True
    gate.schedule_render()
    gate.is_shut = False
    assert gate._adapter.rendered == 1
    gate.schedule_render()
    assert gate._adapter.rendered == 2
