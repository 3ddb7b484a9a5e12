"""Window and session go by the same values: the user's changes are handed on, and a case's own are shown."""

from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest


@dataclass(frozen=True)
class Settings:
    spacing_mm: float


@pytest.fixture
def bound(window_module):
    Binding = window_module("binding").Binding

    class Session:
        def __init__(self):
            self.margin_mm, self.smoothing, self.shows_uncertainty = 10.0, 0.5, False
            self.box, self.box_is_tight, self.threshold, self.segmentation_result = None, False, None, None

        def set_device(self, device):
            self.device = device

        def set_margin_mm(self, margin_mm):
            self.margin_mm = margin_mm

        def set_smoothing(self, smoothing):
            self.smoothing = smoothing

        def show_uncertainty(self, wanted):
            self.shows_uncertainty = wanted

        def set_box(self, box, tight):
            self.box, self.box_is_tight = box, tight

    class Panel:
        @contextmanager
        def attempt(self):
            yield

    parameters = SimpleNamespace(
        liveReconstruction=True, spacingMm=0.5, recordFolder=None, boxIsTight=False, threshold=0.5, smoothing=0.5,
        showUncertainty=False, marginMm=10.0, device=SimpleNamespace(value="auto"),
    )  # fmt: skip
    session = Session()
    session.reconstruction_settings = Settings(0.5)
    binding = Binding(session, parameters, {name: Panel() for name in ("record", "box", "segment", "navigate")})
    binding.apply()
    return binding, session, parameters


def test_what_a_case_brings_is_shown(bound):
    binding, session, parameters = bound
    session.margin_mm, session.smoothing, session.shows_uncertainty = 3.0, 0.9, True
    session.box, session.box_is_tight = object(), True
    binding.take_from_session()
    assert (parameters.marginMm, parameters.smoothing) == (3.0, 0.9)
    assert parameters.showUncertainty is True and parameters.boxIsTight is True
    # What was taken is no wish of the user's: nothing is handed back.
    session.margin_mm = 4.0
    binding.apply()
    assert session.margin_mm == parameters.marginMm == 4.0


def test_what_the_user_changes_goes_first(bound):
    binding, session, parameters = bound
    session.margin_mm, parameters.marginMm = 3.0, 7.0
    binding.apply()
    assert session.margin_mm == parameters.marginMm == 7.0


def test_a_box_that_is_not_there_leaves_the_choice_alone(bound):
    binding, session, parameters = bound
    parameters.boxIsTight = True
    binding.apply()
    assert parameters.boxIsTight is True and session.box is None
