"""When the views are drawn: each once after a tick, and what lies in space at every second one where it is slow."""

import sys
from types import SimpleNamespace

import pytest


class View:
    """As ctkVTKAbstractView: drawn when it is asked, at the end of a pause once; requests may be on their way."""

    def __init__(self, name, world):
        self.name, self.world = name, world
        self.pauses, self.is_asked, self.queued, self.renderEnabled = 0, False, 0, True

    def ask(self):
        self.is_asked |= self.renderEnabled
        self._draw()

    def pauseRender(self):
        self.pauses += 1

    def resumeRender(self):
        assert self.pauses > 0, "it was not paused"
        self.pauses -= 1
        self._draw()

    def take_queued(self):
        asked, self.queued = self.queued, 0
        for _ in range(asked):
            self.ask()

    def _draw(self):
        if self.is_asked and not self.pauses:
            self.is_asked = False
            self.world.drawn.append(self.name)
            self.world.now_s += self.world.takes_s


@pytest.fixture
def world(window_module, monkeypatch):
    """A live and a 3D view, a clock, and `tick(drawing)`: something moves in both within the block."""
    world = SimpleNamespace(drawn=[], now_s=0.0, takes_s=0.001)
    live, space = world.live, world.space = View("live", world), View("3D", world)
    slicer, views = sys.modules["slicer"], (live, space)
    slicer.app.pauseRender = lambda: [view.pauseRender() for view in views]
    slicer.app.resumeRender = lambda: [view.resumeRender() for view in views]
    qt = sys.modules["qt"]
    qt.QEvent = SimpleNamespace(MetaCall=43)
    qt.QCoreApplication = SimpleNamespace(sendPostedEvents=lambda view, kind: view.take_queued())
    module, layouts = window_module("view.drawing"), window_module("view.layouts")
    monkeypatch.setattr(layouts, "view_3d", lambda: space)
    monkeypatch.setattr(layouts, "live_widget", lambda: SimpleNamespace(sliceView=lambda: live))
    space.is_sorted = True
    space.mrmlViewNode = lambda: SimpleNamespace(
        GetUseDepthPeeling=lambda: space.is_sorted,
        SetUseDepthPeeling=lambda wanted: setattr(space, "is_sorted", wanted),
    )
    red = world.red = View("Red", world)
    monkeypatch.setattr(layouts, "planning_views", lambda: [red])
    world.drawing = module.Drawing(lambda: world.now_s)

    def tick():
        world.drawn.clear()
        with world.drawing.once():
            for view in views:
                view.ask()
                view.ask()
            live.queued = 3
            assert world.drawn == []
        live.take_queued()
        return list(world.drawn)

    world.tick = tick
    return world


def test_each_view_is_drawn_once_after_a_tick_and_not_again_for_requests_that_were_on_their_way(world):
    assert [world.tick() for _ in range(3)] == [["live", "3D"]] * 3


def test_layers_are_peeled_where_drawing_is_quick_and_weighed_where_it_is_slow(world):
    for _ in range(3):
        world.tick()
    assert world.space.is_sorted
    world.takes_s = 0.03
    world.tick()
    assert not world.space.is_sorted
    # A scene that was loaded or closed brings a view with its own ways.
    world.space.is_sorted = True
    world.tick()
    world.tick()
    assert not world.space.is_sorted


def test_where_drawing_is_slow_space_is_drawn_at_every_second_tick_and_never_forgotten(world):
    world.takes_s = 0.03
    assert [world.tick() for _ in range(5)] == [["live", "3D"], ["live"], ["live", "3D"], ["live"], ["live", "3D"]]
    world.takes_s = 0.001
    assert [world.tick() for _ in range(4)] == [["live"], ["live", "3D"], ["live", "3D"], ["live", "3D"]]


def test_nothing_waits_when_nobody_ticks_any_more(world):
    world.takes_s = 0.03
    world.tick()
    assert world.tick() == ["live"]
    world.drawing.release()
    assert world.drawn == ["live", "3D"] and world.space.pauses == 0
    world.drawing.release()
    assert world.space.pauses == 0


def test_views_are_given_back_when_the_work_fails(world):
    world.takes_s = 0.03
    world.tick()
    for _ in range(2):
        with pytest.raises(ValueError), world.drawing.once():
            raise ValueError
    assert world.live.pauses == world.space.pauses == 0


def test_slices_are_not_drawn_for_what_moves_but_now_and_then(world):
    for _ in range(10):
        world.now_s += 0.1
        with world.drawing.moving():
            world.red.ask()
        assert world.red.renderEnabled
    assert world.drawn == ["Red", "Red"], "what somebody has laid under a tool is seen in slices, twice a second"
    world.red.ask()
    assert world.drawn[2:] == ["Red"]


def test_slices_that_somebody_else_has_shut_stay_shut(world):
    world.red.renderEnabled = False
    for _ in range(3):
        with world.drawing.moving():
            pass
        assert not world.red.renderEnabled


def test_views_are_given_back_when_the_live_view_takes_no_requests(world):
    world.live.take_queued = None
    with pytest.raises(TypeError), world.drawing.once():
        world.live.ask()
    assert world.live.pauses == world.space.pauses == 0 and world.drawn == ["live"]
