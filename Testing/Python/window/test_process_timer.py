"""The window's timer: background threads of Python get their moment, and the session is not kept waiting for it."""

import sys
from types import SimpleNamespace

import pytest


class Timer:
    """As qt.QTimer, sent by hand."""

    def __init__(self):
        self.active, self.slots = False, []

    def connect(self, _signal, slot):
        self.slots.append(slot)

    def start(self):
        self.active = True

    def stop(self):
        self.active = False

    def send(self):
        for slot in self.slots:
            slot()


@pytest.fixture
def made(window_module, monkeypatch):
    """A running timer with a clock, how long a call of the session takes, and the sleeps in between."""
    made = SimpleNamespace(now_s=100.0, takes_s=0.0, slept=[], paused=0)
    sys.modules["qt"].QTimer = Timer
    module = window_module("process_timer")
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now_s, sleep=made.slept.append))

    def process():
        made.now_s += made.takes_s

    def on_pause():
        made.paused += 1

    made.timer = module.ProcessTimer(process, lambda: True, on_pause)
    made.timer.start()
    return made


def test_it_rests_between_calls_while_there_is_work(made):
    made.timer._timer.send()
    made.timer._rest.send()
    assert made.slept == [pytest.approx(0.004)]


@pytest.mark.parametrize("takes_s, rests_s", [(0.031, 0.002), (0.07, 0.0)])
def test_it_rests_no_longer_than_to_the_next_call(made, takes_s, rests_s):
    made.takes_s = takes_s
    made.timer._timer.send()
    made.timer._rest.send()
    assert made.slept == [pytest.approx(rests_s)]


def test_a_pause_is_told(made):
    made.timer.pause()
    assert made.paused == 1 and not made.timer.is_running
