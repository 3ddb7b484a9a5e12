"""How old a thing is has one owner: the model of the clocks, the limits, and everybody who asks."""

import ast
import math
import re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib import tracking
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus, TrackedTool
from CRLMSegmentationLib.sweep import Pose, TrackedFrame
from CRLMSegmentationLib.tracking.age import NEVER, Age, Liveness, TrackingClock
from CRLMSegmentationLib.tracking.frame_monitor import FrameMonitor
from CRLMSegmentationLib.tracking.health import health_rows
from CRLMSegmentationLib.tracking.status import StreamStatus

CODE = Path(tracking.__file__).parents[2]
pytestmark = pytest.mark.real_ages
# Seconds, and what they mean to a person at the table.
JUDGED = [
    (-0.1, Liveness.LIVE),
    (0.0, Liveness.LIVE),
    (0.5, Liveness.LIVE),
    (0.501, Liveness.LATE),
    (2.0, Liveness.LATE),
    (2.001, Liveness.LOST),
    (math.inf, Liveness.LOST),
    (math.nan, Liveness.LOST),
]


@pytest.mark.parametrize("seconds, liveness", JUDGED)
def test_what_an_age_means(seconds, liveness):
    age = Age(seconds)
    assert age.liveness is liveness and age.seconds >= 0
    assert (age.is_live, age.is_lost) == (liveness is Liveness.LIVE, liveness is Liveness.LOST)


def test_ages_that_are_not_known_and_those_that_grow():
    assert NEVER.is_lost and not NEVER.is_known and str(NEVER) == "none yet"
    assert Age(math.nan) == NEVER and Age(0.2) < Age(0.3) < NEVER
    assert Age(0.2).at_least(0.7) == Age(0.7) and Age(0.2).at_least(0.1) == Age(0.2) and str(Age(0.24)) == "0.2 s"


@pytest.mark.parametrize(("seconds", "may_be"), [(0.0, True), (0.3, True), (0.301, False), (math.inf, False)])
def test_what_was_found_in_a_frame_is_drawn_for_less_time_than_the_frame_is_live(seconds, may_be):
    assert Age(seconds).may_be_outlined is may_be


@pytest.mark.parametrize("seconds, liveness", JUDGED)
def test_tool_panel_and_page_judge_an_age_alike(seconds, liveness):
    pytest.importorskip("slicer", reason="the page needs slicer-core")
    from CRLMSegmentationLib.web.page import mirror

    age, is_live = Age(seconds), liveness is Liveness.LIVE
    tool = TrackedTool("Stylus")
    tool.update(Pose(np.eye(4)))
    assert (tool.status(age) is ToolStatus.LIVE) is is_live and (tool.tip_ras(age) is not None) is is_live
    row = next(one for one in health_rows(StreamStatus(connected=True, age=age)) if one.label == "Age")
    assert (row.level == "ok") is is_live
    assert mirror.live_view(SimpleNamespace(connected=True, age=age), True)[1] is is_live


# As a whole name, or between underscores.
_NAME_OF_AGE = re.compile(r"(?<![a-z])(age|ages|silent|liveness)(?![a-z])", re.IGNORECASE)


def _is_of_age(expression: ast.expr) -> bool:
    """True when a name in it is that of an age or of a limit of one."""
    names = {one.id for one in ast.walk(expression) if isinstance(one, ast.Name)}
    names |= {one.attr for one in ast.walk(expression) if isinstance(one, ast.Attribute)}
    return any(map(_NAME_OF_AGE.search, names))


def test_nobody_else_compares_an_age_with_a_limit():
    files = [*(CODE / "CRLMSegmentationLib").rglob("*.py"), *(CODE / "CRLMSegmentationWindow").rglob("*.py")]
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if _NAME_OF_AGE.search(text) else ():
            ordered = isinstance(node, ast.Compare) and any(
                isinstance(one, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for one in node.ops
            )
            if ordered and any(_is_of_age(side) for side in (node.left, *node.comparators)):
                found.append(f"{path.relative_to(CODE)}:{node.lineno}: {ast.unparse(node)}")
    assert len(files) > 300
    assert {one.split(":")[0] for one in found} <= {"CRLMSegmentationLib/tracking/age.py"}, found
    assert not _is_of_age(ast.parse("image_size > page").body[0].value)
    assert _is_of_age(ast.parse("status.age.seconds > SILENT_AFTER_S").body[0].value)


def test_a_stream_that_comes_ever_later_is_old_though_frames_arrive(monkeypatch):
    monitor, now = FrameMonitor(), SimpleNamespace(s=1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: now.s)
    for number in range(121):
        now.s = 1000 + number / 20
        frame = TrackedFrame(np.zeros((2, 2), np.uint8), np.eye(4), 77 + now.s - number / 40, True)
        monitor.frame_arrived(frame)
    status = monitor.added_to(StreamStatus(connected=True), 0)
    assert status.age.seconds == pytest.approx(3.0, abs=0.01) and status.frames_per_second > 5
    assert "last 3.0 s ago" in str(status)
    # Nothing comes any more: it grows older, and there is no rate.
    now.s += 2.5
    assert (
        monitor.added_to(StreamStatus(connected=True), 0).age.seconds == pytest.approx(5.5, abs=0.01)
        and monitor.added_to(StreamStatus(connected=True), 0).frames_per_second == 0
    )


def test_a_sender_that_sets_no_time_is_as_old_as_its_arrival(monkeypatch):
    monitor, now = FrameMonitor(), SimpleNamespace(s=1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: now.s)
    for _ in range(5):
        now.s += 1
        monitor.frame_arrived(TrackedFrame(np.zeros((2, 2), np.uint8), None, 0.0, False))
    assert monitor.added_to(StreamStatus(connected=True), 0).age.seconds == 0


def test_age_counts_from_arrival():
    clock = TrackingClock()
    assert clock.age("Stylus", 5.0).seconds == math.inf
    clock.note("Stylus", 1000.0, received_s=5.0)
    assert clock.age("Stylus", 5.25).seconds == pytest.approx(0.25)
    clock.note("Stylus", 1000.25, received_s=5.25)
    assert clock.age("Stylus", 5.25).seconds == pytest.approx(0, abs=1e-3)


def test_a_frozen_tracker_that_sends_one_stamp_again_and_again_grows_old():
    clock = TrackingClock()
    for tick in range(20):
        clock.note("Stylus", 1000.0, received_s=5.0 + 0.1 * tick)
    assert clock.age("Stylus", 7.0).seconds == pytest.approx(2.0)


def test_a_tool_that_lags_behind_its_stream_is_old():
    clock = TrackingClock()
    clock.note("Stylus", 1000.0, received_s=5.0)
    clock.note("Image", 1000.8, received_s=5.0)
    assert clock.age("Stylus", 5.0).seconds == pytest.approx(0.8)
    assert clock.age("Image", 5.0).seconds == 0


def test_a_recording_that_starts_over_does_not_lose_its_tools():
    clock = TrackingClock()
    clock.note("Image", 1009.0, received_s=5.0)
    clock.note("Stylus", 1009.0, received_s=5.0)
    clock.note("Image", 1000.0, received_s=5.1)
    clock.note("Stylus", 1000.0, received_s=5.1)
    assert clock.age("Stylus", 5.1).seconds == 0
    # A source that ended with the first pass does not hold the others back.
    clock.note("Stylus", 1000.6, received_s=5.7)
    assert clock.age("Stylus", 5.7).seconds == pytest.approx(0, abs=1e-3)
    clock.note("Needle", 1000.6, received_s=5.7)
    assert clock.age("Needle", 5.7).seconds == pytest.approx(0, abs=1e-3)


def test_poses_that_come_ever_later_are_as_old_as_they_are_late():
    clock, now = TrackingClock(), 0.0
    for number in range(300):
        # A queue builds up at the sender until everything is three seconds old; each pose is new when it comes.
        now, late = 1000 + number / 30, min(3.0, number / 60)
        for source in ("Stylus", "Image"):
            clock.note(source, 77 + now - late, now)
        assert clock.age("Stylus", now).seconds == pytest.approx(late, abs=0.05)
    assert clock.age("Stylus", now).is_lost and clock.age("Image", now).is_lost
    # Minutes later they are still known to be late, and when the queue is gone they are fresh at once.
    for _ in range(5 * 60 * 30):
        now += 1 / 30
        clock.note("Stylus", 77 + now - 3, now)
    assert clock.age("Stylus", now).seconds > 2.5
    clock.note("Stylus", 77 + now + 0.1, now + 0.1)
    assert clock.age("Stylus", now + 0.1).seconds < 0.2


@pytest.mark.parametrize("parts_per_million", [-100, 100])
def test_clocks_that_run_apart_make_no_pose_old(parts_per_million):
    clock = TrackingClock()
    for second in range(4 * 3600):
        clock.note("Stylus", 500 + second * (1 + parts_per_million * 1e-6), 1000.0 + second)
    assert clock.age("Stylus", 1000.0 + second).seconds < 0.01


def test_a_single_wrong_time_and_a_clock_that_was_set():
    clock = TrackingClock()
    for number in range(10):
        clock.note("Stylus", 500 + number / 10, 5 + number / 10)
    clock.note("Needle", 4e9, 6.0)
    clock.note("Stylus", 501.1, 6.1)
    assert clock.age("Stylus", 6.1).seconds < 0.1
    for number in range(10):
        clock.note("Stylus", 700 + number / 10, 7 + number / 10)
    assert clock.age("Stylus", 7.9).seconds < 0.1
    for number in range(10):
        clock.note("Stylus", 600 + number / 10, 8 + number / 10)
    assert clock.age("Stylus", 8.9).seconds < 0.1


def test_what_waited_unread_is_old_and_makes_nothing_else_old():
    clock = TrackingClock()
    for number in range(10):
        clock.note("Stylus", 500 + number / 10, 5 + number / 10)
    # Nobody read for three seconds: what was read then may have waited since.
    clock.note("Stylus", 503.9, received_s=5.9, read_s=8.9)
    assert clock.age("Stylus", 8.9).seconds == pytest.approx(3)
    clock.note("Stylus", 504.0, received_s=9.0)
    assert clock.age("Stylus", 9.0).seconds == pytest.approx(0, abs=1e-3)


def test_poses_without_a_stamp_age_by_arrival_alone():
    clock = TrackingClock()
    clock.note("Image", 1000.0, received_s=5.0)
    clock.note("Stylus", math.nan, received_s=5.0)
    clock.note("Stylus", None, received_s=5.2)
    assert clock.age("Stylus", 5.3).seconds == pytest.approx(0.1)
    clock.forget()
    assert clock.age("Stylus", 5.3).seconds == math.inf
