"""The budget of a distance in a session: what counts, what does not, and that it stands beside the number."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import (
    Calibrations,
    ImageCalibration,
    TipCalibration,
    today,
)
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.navigation.tracked_tool import TrackedTool
from CRLMSegmentationLib.session.accuracy.accuracy_part import AccuracyPart, outline_of
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.sweep import Pose
from small_case import TUMOR_CENTER, affine, stand_in_model

TIP = affine(translation=(0.0, 0.0, -100.0))
KNOWN = Calibrations(
    0.4, 0.1, {"Stylus": TipCalibration(TIP, 0.09 * np.eye(3), today())},
    ImageCalibration(np.eye(4), np.diag([0.0, 0.0, 0.25] * 3), (64, 48), today()), 0.01, today(),
)  # fmt: skip
SURFACE_RAS = TUMOR_CENTER + (0.0, 0.0, 9.0)


def part_of(sweep, mask, corrected=False, simulated=True, calibrations=KNOWN):
    result = SimpleNamespace(card=stand_in_model().card, mask=mask)
    part = AccuracyPart(lambda: sweep, lambda: result, lambda: corrected, lambda: simulated)
    part.set_calibrations(calibrations)
    return part


def stylus():
    tool = TrackedTool("Stylus", TIP)
    tool.update(Pose(affine(translation=SURFACE_RAS + (0.0, 0.0, 110.0))))
    return tool


def budget_of(part):
    return part.budget(stylus(), SURFACE_RAS + (0.0, 0.0, 10.0), SURFACE_RAS)


def test_every_source_counts_at_the_place_that_was_seen(sweep, mask):
    budget = budget_of(part_of(sweep, mask))
    assert budget.is_complete
    parts = budget.deviations_mm
    assert parts["stylus"] == pytest.approx(0.3)
    # The image's own error, and the tracker's while it was calibrated, whose turns add little this near to the sensor.
    assert parts["image"] == pytest.approx(np.hypot(0.5, 0.4), rel=0.01)
    # The tool's and the probe's sensor are above the surface: their turns do not change its distance much.
    assert parts["tracking"] == pytest.approx(np.sqrt(2) * 0.4, rel=0.05)
    assert parts["outline"] == pytest.approx(outline_of(stand_in_model().card))
    assert parts["voxels"] == pytest.approx(mask.spacing_mm.max() / 3)
    # The images go along A, the distance along S: the time adds next to nothing.
    assert 0 <= parts["time"] < 0.1


def test_nothing_calibrated_is_said(sweep, mask):
    budget = budget_of(part_of(sweep, mask, calibrations=Calibrations()))
    assert set(budget.deviations_mm) == {"voxels", "outline"}
    assert {"tracking", "stylus", "image", "time"} == set(budget.unknown)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"corrected": True}, "a hand has changed the outline"),
        ({"simulated": False}, "measured on simulated livers only"),
    ],
)
def test_an_outline_that_nobody_measured_is_said(sweep, mask, options, told):
    budget = budget_of(part_of(sweep, mask, **options))
    assert told in budget.reason and budget.deviations_mm["outline"] > 0


def test_a_place_that_no_frame_shows_is_said(sweep, mask):
    budget = part_of(sweep, mask).budget(stylus(), SURFACE_RAS, SURFACE_RAS + (0.0, 300.0, 0.0))
    assert "no frame of the sweep" in budget.reason


def test_images_without_a_third_axis_are_no_fault(sweep, mask):
    flat = [frame.with_changes(image_to_reference=frame.image_to_reference @ np.diag([1.0, 1, 0, 1]))
            for frame in sweep.frames]  # fmt: skip
    budget = budget_of(part_of(replace(sweep, frames=flat), mask))
    assert {"image", "time"} <= set(budget.unknown)


def test_without_a_sweep_or_a_model_it_still_answers(mask):
    part = AccuracyPart(lambda: None, lambda: None, lambda: False, lambda: True)
    part.set_calibrations(KNOWN)
    budget = budget_of(part)
    assert {"image", "time", "voxels", "outline"} <= set(budget.unknown) and budget.deviations_mm["stylus"] > 0


def test_a_card_without_validation_tells_no_outline():
    card = stand_in_model().card
    assert outline_of(replace(card, text={})) is None
    assert outline_of(replace(card, text={"validation": {"hd95_mm": {"median": "x"}}})) is None


def test_the_reading_of_a_session_carries_it(surface, tmp_path):
    session = Session()
    try:
        (tmp_path / "calibrations.json").write_text(json.dumps(KNOWN.to_plain()))
        session.accuracy.read(tmp_path, session.report)
        session.tools.set_tumor(TumorDistance(surface))
        session.tools.update("StylusTipToStylus", Pose(TIP))
        session.tools.update("StylusToReference", Pose(stylus().tool_to_reference), received_s=time.monotonic())
        reading = session.tools.reading()
        assert reading.budget.deviations_mm["stylus"] == pytest.approx(0.3)
        assert " ± at least " in reading.text and reading.error_text.startswith("± at least ")
        assert "By source" in reading.error_explanation
    finally:
        session.close()


def test_a_damaged_file_is_reported_and_nothing_counts(tmp_path):
    session = Session()
    try:
        (tmp_path / "calibrations.json").write_text("{")
        session.accuracy.read(tmp_path, session.report)
        assert "not JSON" in session.state.notices[-1] and not session.accuracy.calibrations.tips
    finally:
        session.close()
