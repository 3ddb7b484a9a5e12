"""A recording begins at its start, and not with what the sender's buffer held before."""

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.tracking.recording.from_its_start import FromItsStart

START_S = 1000.0
CLOCKS_APART_S = 77000.0


def taken(arrivals):
    """The times against the start of the frames that are taken of those that were measured and arrived at (s, s)."""
    begin, frames = FromItsStart(START_S), []
    for measured_s, arrived_s in arrivals:
        frame = TrackedFrame(np.zeros((2, 3), np.uint8), None, START_S + measured_s + CLOCKS_APART_S, False)
        frames += begin.take(frame, START_S + arrived_s)
    frames += begin.remaining()
    return [round(frame.timestamp - START_S - CLOCKS_APART_S, 6) for frame in frames], begin.left_out


def live(seconds=3.0, late_s=0.02):
    return [(number / 30, number / 30 + late_s) for number in range(1, int(30 * seconds))]


@pytest.mark.parametrize("buffered_s, burst_s", [(0.5, 0.05), (5.0, 0.05), (5.0, 1.0)])
def test_what_the_buffer_held_is_left_out(buffered_s, burst_s):
    count = int(30 * buffered_s)
    burst = [(-number / 30, 0.02 + burst_s * (1 - number / count)) for number in range(count, 0, -1)]
    rest = [(measured_s, max(arrived_s, 0.02 + burst_s + measured_s / 1000)) for measured_s, arrived_s in live()]
    times, left_out = taken(burst + rest)
    # Of what was measured just before the start a little may belong to it.
    assert min(times) > -0.15 and left_out >= count - 4 and times[-len(rest) :] == [round(m, 6) for m, _ in rest]


def test_nothing_is_left_out_of_a_stream_that_has_no_buffer():
    times, left_out = taken(live())
    assert len(times) == len(live()) and left_out == 0


@pytest.mark.parametrize("speed", [2.0, 5.0, 1000.0])
def test_nothing_is_left_out_of_a_replay_that_is_made_fast(speed):
    fast = [(number / 30 - 500, number / 30 / speed) for number in range(600)]
    times, left_out = taken(fast)
    assert len(times) == 600 and left_out == 0


def test_nothing_is_lost_when_the_stream_ends_early():
    times, left_out = taken(live(0.2))
    assert len(times) == len(live(0.2)) and left_out == 0


def test_times_that_stand_still_keep_nothing_back_for_ever():
    times, left_out = taken([(0.0, number / 30) for number in range(90)])
    assert len(times) == 90 and left_out == 0
