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
    from window_fakes import FakeSession

    Binding = window_module("binding").Binding

    session = FakeSession()
    session.volume.settings = Settings(0.5)

    def set_box(box, tight):
        session.box.value, session.box.is_tight = box, tight

    session.box.set = set_box
    session.engine.set_device = lambda device: setattr(session.engine, "device", device)
    session.tumor.set_smoothing = lambda smoothing: setattr(session.tumor, "smoothing", smoothing)
    session.structures.show_uncertainty = lambda wanted: setattr(session.structures, "shows_uncertainty", wanted)

    class Panel:
        @contextmanager
        def attempt(self):
            yield

    parameters = SimpleNamespace(
        liveReconstruction=True, spacingMm=0.5, recordFolder="recordings", boxIsTight=False, threshold=0.5,
        smoothing=0.5, showUncertainty=False, marginMm=10.0, device=SimpleNamespace(value="auto"),
    )  # fmt: skip
    binding = Binding(session, parameters, {name: Panel() for name in ("record", "box", "segment", "navigate")})
    binding.apply()
    return binding, session, parameters


def test_what_a_case_brings_is_shown(bound):
    binding, session, parameters = bound
    session.structures.margin_mm, session.tumor.smoothing, session.structures.shows_uncertainty = 3.0, 0.9, True
    session.box.value, session.box.is_tight = object(), True
    binding.update_from_session()
    assert (parameters.marginMm, parameters.smoothing) == (3.0, 0.9)
    assert parameters.showUncertainty is True and parameters.boxIsTight is True
    # What was shown is no change of the user's: nothing is handed back.
    session.structures.margin_mm = 4.0
    binding.apply()
    assert session.structures.margin_mm == parameters.marginMm == 4.0


def test_what_the_user_changes_goes_first(bound):
    binding, session, parameters = bound
    session.structures.margin_mm, parameters.marginMm = 3.0, 7.0
    binding.apply()
    assert session.structures.margin_mm == parameters.marginMm == 7.0


def test_a_box_that_is_not_there_leaves_the_choice_alone(bound):
    binding, session, parameters = bound
    parameters.boxIsTight = True
    binding.apply()
    assert parameters.boxIsTight is True and session.box.value is None
