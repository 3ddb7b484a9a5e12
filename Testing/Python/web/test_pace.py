"""Views are rendered by turns, only what changed and is seen, and leave half of the time to everything else."""

import asyncio
import selectors
from concurrent.futures import Executor, Future

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="no trame-slicer: the page was not tested")

from CRLMSegmentationLib.web.server.seen_views import SeenViews
from CRLMSegmentationLib.web.views.picture_scheduler import PictureScheduler, Turns
from CRLMSegmentationLib.web.views.remote_view import Gate

_NOISE = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)


class _Selector(selectors.SelectSelector):
    """Nothing comes from outside: waiting takes no time."""

    waited_s = 0.0

    def select(self, timeout=None):
        self.waited_s += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock goes on where it waits, and by hand."""

    def __init__(self):
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self):
        return self.selector.waited_s


class _AtOnce(Executor):
    def submit(self, work, *arguments):
        done = Future()
        done.set_result(work(*arguments))
        return done


class _View:
    """A window that takes the same time for each picture, with a scheduler and a gate."""

    def __init__(self, loop, turns, took_s=0.02, fps=12.0):
        self.loop, self.took_s, self.grey, self.began_s, self.sent = loop, took_s, 0, [], []
        self.pictures = PictureScheduler(
            self, fps, turns, _AtOnce(), push=lambda image, meta: self.sent.append((loop.time(), len(image)))
        )
        self.gate = Gate(self.pictures)

    @property
    def img_cols_rows(self):
        self.began_s.append(self.loop.time())
        self.loop.selector.waited_s += self.took_s
        return _NOISE + np.uint8(self.grey), 64, 64

    def change(self):
        self.grey = (self.grey + 1) % 256
        self.gate.schedule_render()


@pytest.fixture
def in_loop():
    """in_loop(script): runs script(loop, turns) in a loop with a clock of its own."""

    def run(script):
        loop = _Loop()
        try:
            return loop.run_until_complete(script(loop, Turns(loop.time)))
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    return run


async def _keep_changing(views, seconds, every_s):
    loop = views[0].loop
    until = loop.time() + seconds
    while loop.time() < until:
        for view in views:
            view.change()
        await asyncio.sleep(every_s)


def _seen(*views):
    for view in views:
        view.gate.set_seen(True)


@pytest.mark.parametrize("took_s", [0.02, 0.2, 2.0, 20.0])
def test_five_views_leave_half_of_the_time_and_take_turns(in_loop, took_s):
    async def script(loop, turns):
        views = [_View(loop, turns, took_s) for _ in range(4)] + [_View(loop, turns, 2 * took_s)]
        _seen(*views)
        await _keep_changing(views, 300 * took_s, took_s / 5)
        settled = [sum(at > 100 * took_s for at in view.began_s) for view in views]
        share = sum(n * view.took_s for n, view in zip(settled, views)) / (200 * took_s)
        assert 0.35 < share < 0.55
        assert min(settled) > 10 and max(settled) - min(settled) <= 1

    in_loop(script)


def test_the_rest_of_the_page_has_its_turn_between_two_pictures(in_loop):
    async def script(loop, turns):
        views = [_View(loop, turns, 0.3) for _ in range(5)]
        _seen(*views)
        late_s = []

        async def heartbeat():
            while True:
                due = loop.time() + 0.1
                await asyncio.sleep(0.1)
                late_s.append(loop.time() - due)

        beating = loop.create_task(heartbeat())
        await _keep_changing(views, 20, 0.02)
        beating.cancel()
        assert max(late_s) < 0.31

    in_loop(script)


def test_a_fast_view_is_as_fast_as_is_asked_for_and_one_slow_picture_does_not_stop_it(in_loop):
    async def script(loop, turns):
        view = _View(loop, turns, 0.002)
        _seen(view)
        await _keep_changing([view], 10, 0.01)
        assert len(view.began_s) == pytest.approx(120, abs=4)
        view.took_s = 2.0
        view.change()
        await asyncio.sleep(0.1)
        view.took_s, slow = 0.002, view.began_s[-1]
        await _keep_changing([view], 2, 0.01)
        (after,) = [at for at in view.began_s if at > slow][:1]
        assert after - slow - 2.0 < 0.5

    in_loop(script)


def test_a_view_that_rests_leaves_its_part_to_the_others(in_loop):
    async def script(loop, turns):
        moving, resting = _View(loop, turns, 0.2), _View(loop, turns, 0.2)
        _seen(moving, resting)
        resting.change()
        await _keep_changing([moving], 20, 0.02)
        assert len(moving.began_s) == pytest.approx(0.5 * 20 / 0.2, rel=0.1) and len(resting.began_s) == 1

    in_loop(script)


def test_what_is_the_same_goes_nowhere_and_what_stands_still_once_more_and_better(in_loop):
    async def script(loop, turns):
        view = _View(loop, turns)
        _seen(view)
        view.change()
        await asyncio.sleep(2)
        assert len(view.began_s) == 1 and len(view.sent) == 2, "rendered once, sent as it came and better"
        assert view.sent[0][1] < view.sent[1][1]
        view.gate.schedule_render()
        await asyncio.sleep(2)
        assert len(view.began_s) == 2 and len(view.sent) == 2, "something was asked for that does not show"
        # Another tab has nothing yet
        view.pictures.schedule_render()
        await asyncio.sleep(2)
        assert len(view.sent) == 4

    in_loop(script)


def test_a_view_is_not_rendered_behind_its_shut_gate_or_while_nobody_sees_it(in_loop):
    async def script(loop, turns):
        view = _View(loop, turns)
        seen = SeenViews(lambda name, is_seen: view.gate.set_seen(is_seen))
        view.change()
        await asyncio.sleep(1)
        assert not view.began_s
        # Two tabs, and in one of them the view is covered: the other one sees it
        assert seen.take_size("one", "Red", 400, 300) and not seen.take_size("two", "Red", 0, 0)
        await asyncio.sleep(1)
        assert len(view.began_s) == 1, "what it had asked for before"
        view.gate.is_shut = True
        view.change()
        await asyncio.sleep(1)
        view.gate.is_shut = False
        assert len(view.began_s) == 1
        seen.forget("one")
        view.change()
        await asyncio.sleep(1)
        assert len(view.began_s) == 1
        seen.take_size("two", "Red", 400, 300)
        await asyncio.sleep(1)
        assert len(view.began_s) == 2

    in_loop(script)


def test_a_picture_that_fails_is_reported_and_the_view_goes_on(in_loop):
    """Else it would stand still for every tab, and be taken for live."""

    async def script(loop, turns):
        told, view = [], _View(loop, turns)
        loop.set_exception_handler(lambda loop, context: told.append(str(context["exception"])))
        _seen(view)
        good, broken = view.pictures._push, ["of a tab", "of another"]

        def push(image, meta):
            if broken:
                raise ConnectionError(broken.pop())
            good(image, meta)

        view.pictures.set_push_callback(push)
        await _keep_changing([view], 1.0, 0.05)
        assert told == ["of another", "of a tab"] and len(view.sent) > 3

    in_loop(script)
