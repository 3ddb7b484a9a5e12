"""The case in the window: whose it is, where it is from, whether it is saved, and which margin it warns at."""

from datetime import datetime, timezone
from types import SimpleNamespace
from unittest.mock import MagicMock, Mock, call

import pytest


def test_the_question_about_the_patient_stands_above_the_steps_with_its_two_answers(a_window):
    window, session = a_window
    assert not window.ui.sourceFrame.visible
    session.case.question = "A tumor of 4.2 mL is on the screen: is it the same patient?"
    window.refresh()
    assert window.ui.sourceFrame.visible and session.case.question in window.source.text
    session.calls.clear()
    window.ui.samePatientButton.click()
    assert session.calls == ["case.keep"]
    window.ui.otherPatientButton.click()
    assert "case.begin" in session.calls
    session.case.question = None
    window.refresh()
    assert not window.ui.sourceFrame.visible


def test_step_5_asks_as_well(a_window):
    from CRLMSegmentationLib.session.state import Step

    window, session = a_window
    session.state.steps[Step.NAVIGATE].message = "Is it the same patient?"
    window.refresh()
    assert "same patient" in window.navigate.state_text


@pytest.mark.parametrize(
    "of_the_case, connected, word",
    [
        (None, None, ""),
        ("live", "live", ""),
        (None, "simulated", "SIMULATED"),
        ("simulated", None, "SIMULATED"),
        ("simulated", "live", "SIMULATED"),
        ("live", "simulated", "SIMULATED"),
        ("replayed", None, "REPLAYED"),
        ("replayed", "simulated", "SIMULATED"),
    ],
)
def test_data_that_are_not_live_from_a_patient_say_so_for_as_long_as_they_are_there(
    a_window, of_the_case, connected, word
):
    window, session = a_window
    session.case.origin, session.stream.source = of_the_case, SimpleNamespace(origin=connected) if connected else None
    window.refresh()
    assert window.ui.sourceFrame.visible == bool(word)
    assert not word or window.source.text.startswith(word)
    assert not window.ui.samePatientButton.visible


@pytest.fixture
def unsaved(a_window):
    window, session = a_window
    session.case.has_unsaved_data = True
    session.case.begin_save = MagicMock()
    window.parameters.caseFolder = MagicMock()
    answers = []

    def about_unsaved(*_words):
        return answers.pop()

    window.questions.about_unsaved = about_unsaved
    window.refresh()
    session.calls.clear()
    return window, session, answers


@pytest.mark.parametrize("button", ["newCaseButton", "otherPatientButton"])
def test_another_case_asks_about_what_is_not_saved(unsaved, button):
    window, session, answers = unsaved
    session.case.question = "Is it the same patient?"
    window.refresh()
    answers.append("jobs.cancel")
    getattr(window.ui, button).click()
    assert "case.begin" not in session.calls
    answers.append("save")
    session.case.begin_save.side_effect = OSError("no room")
    getattr(window.ui, button).click()
    assert "case.begin" not in session.calls, "what could not be saved is not dropped"
    answers.append("discard")
    getattr(window.ui, button).click()
    assert "case.begin" in session.calls


def test_a_case_that_could_not_be_written_is_not_left(unsaved, tmp_path):
    window, session, answers = unsaved
    window.parameters.caseFolder = tmp_path

    def fails(_folder):
        session.case.is_saving = True

    def finish():
        session.case.is_saving, session.case.save_problem = False, "The case cannot be written (no room)"

    session.case.begin_save, session.case.finish_saving = fails, finish
    answers.append("save")
    window.ui.newCaseButton.click()
    assert "case.begin" not in session.calls
    window.refresh()
    assert window.case.state_text == "NOT SAVED: The case cannot be written (no room)."


def test_it_is_shown_that_a_case_is_being_saved_and_when_it_was(unsaved, tmp_path):
    window, session, _ = unsaved
    window.parameters.caseFolder = tmp_path
    session.case.begin_save = lambda folder: setattr(session.case, "is_saving", True)
    window.ui.saveCaseButton.click()
    assert window.case.state_text.startswith("SAVING") and not window.ui.saveCaseButton.enabled
    at = SimpleNamespace(folder="cases/a", at=datetime(2026, 3, 1, 14, 2, tzinfo=timezone.utc))
    session.case.is_saving, session.case.saved, session.case.has_unsaved_data = False, at, False
    window.refresh()
    assert window.case.state_text == "DONE: Saved at 14:02 in cases/a."


def test_nothing_is_asked_when_all_is_saved(a_window):
    window, session = a_window
    window.questions.about_unsaved = lambda *_: pytest.fail("asked")
    window.ui.newCaseButton.click()
    assert "case.begin" in session.calls


def test_a_saved_case_is_not_called_empty(a_window):
    window, session = a_window
    window.refresh()
    assert window.case.state_text.startswith("EMPTY")
    session.view["volume"] = object()
    window.refresh()
    assert window.case.state_text.startswith("SAVED")
    session.case.has_unsaved_data = True
    window.refresh()
    assert window.case.state_text.startswith("NOT SAVED")


def test_the_margin_that_is_shown_is_the_one_that_is_warned_at(a_window):
    window, session = a_window
    assert window.parameters.marginMm == session.structures.margin_mm
    # A case was opened.
    session.structures.margin_mm = 3.0
    window.refresh()
    assert window.parameters.marginMm == 3.0
    # And the person's own choice still counts.
    window.parameters.marginMm = 7.0
    window._on_parameters()
    window.refresh()
    assert window.parameters.marginMm == session.structures.margin_mm == 7.0


@pytest.mark.parametrize("navigate", ["WAITING", "READY"])
def test_no_tumor_is_no_success_and_says_what_the_model_has_seen(a_window, navigate):
    window, session = a_window
    # READY: by another tumor, found before.
    session.set(SEGMENT="DONE", NAVIGATE=navigate)
    session.tumor.surface = None
    session.state.steps[window.steps.SEGMENT].message = "no tumor was found in the box"
    session.tumor.result = SimpleNamespace(card=SimpleNamespace(trained_on="It was trained on made-up livers."))
    window.refresh()
    assert window.segment.line()[0] == "warn"
    assert "No tumor" in window.segment.state_text and "made-up livers" in window.segment.state_text


def test_models_that_were_imported_meanwhile_are_in_the_list(a_window):
    window, session = a_window
    choices = [SimpleNamespace(name=name, title=name, description="") for name in ("shipped", "imported")]
    added = []
    window.ui.modelComboBox.addItem = added.append
    session.engine.model_choices = lambda: choices
    window.segment.fill_models()
    window.segment.fill_models()
    assert added == ["shipped", "imported"]


class Node:
    def __init__(self, identifier):
        self.GetID = lambda: identifier


@pytest.mark.parametrize("is_live", [True, False])
def test_a_case_that_is_loaded_is_shown_also_while_live(a_window, is_live):
    window, session = a_window
    session.is_busy = is_live
    session.view["volume"] = Node("old")
    window.open_step(window.connect)
    window.scene.begin_import()
    window.scene.end_import()
    # The session hears of it after the window.
    session.view.update(volume=Node("new"), surface=Node("surface"))
    session.set(CONNECT="DONE", RECORD="DONE", RECONSTRUCT="DONE", BOX="DONE", SEGMENT="DONE", NAVIGATE="READY")
    session.structures.margin_mm = 4.0
    window.tick()
    assert window.shown_views == ["tumor"] and not window.navigate.section.collapsed
    assert window.parameters.marginMm == 4.0


def test_a_scene_with_nothing_of_ours_leaves_views_and_sections(a_window):
    window, session = a_window
    session.view["volume"] = Node("old")
    window.open_step(window.box)
    window.scene.begin_import()
    window.scene.end_import()
    window.tick()
    assert window.shown_views == [] and not window.box.section.collapsed


def test_a_live_view_that_no_layout_has_shown_yet_is_not_followed(a_window, window_module):
    """A loaded scene brings its node; there is no widget for it."""
    import slicer

    _, session = a_window
    slicer.mrmlScene.GetSingletonNode.return_value = MagicMock()
    session.view["live_image"] = MagicMock()
    live_slice = window_module("view.live_slice").LiveSlice()
    live_slice.follow(session.view)
    assert live_slice.center_ras is None and live_slice.warning == ""


def test_nothing_of_a_closed_window_goes_on(a_window):
    window, session = a_window
    window.close()
    assert session.calls.count("close") == 1 and window.session is None
    session.calls.clear()
    window.tick()
    assert session.calls == []


@pytest.mark.parametrize("name, origin", [("SimulatedLiverSweep.igs.mha", "simulated"), ("own.igs.mha", None)])
def test_the_sample_is_played_as_what_it_is(a_window, name, origin):
    window, session = a_window
    given = []
    session.stream.replay = lambda path, configuration, **options: given.append(options.get("origin"))
    window.connect.replay(f"/some/where/{name}")
    assert given == [origin]


def test_a_new_case_leaves_no_image_of_before_in_the_planning_slices(a_window, window_module):
    window, session = a_window
    slices = {"Red": "live", "Yellow": "live", "Green": "a CT"}

    class Composite:
        def __init__(self, name):
            self._name = name

        def GetBackgroundVolumeID(self):
            return slices[self._name]

        def SetBackgroundVolumeID(self, identifier):
            slices[self._name] = identifier

    views = window_module("view.views")
    views.slicer.app.layoutManager = lambda: SimpleNamespace(
        threeDViewCount=0, sliceWidget=lambda name: SimpleNamespace(mrmlSliceCompositeNode=lambda: Composite(name))
    )
    session.view["live_image"] = SimpleNamespace(GetID=lambda: "live")
    window.show_case()
    assert slices == {"Red": None, "Yellow": None, "Green": "a CT"}


def test_the_slice_of_a_growing_volume_is_moved_only_where_the_volume_has_grown(a_window, window_module):
    views = window_module("view.views")
    widget = views.slicer.app.layoutManager.return_value = Mock()
    node = widget.sliceWidget.return_value.mrmlSliceNode.return_value
    volume = Mock()
    volume.GetID.return_value, grown = "volume", [0.0, 10.0, 0.0, 20.0, 0.0, 30.0]

    def bounds(into):
        into[:] = grown

    volume.GetRASBounds.side_effect = bounds
    growing = views.GrowingSlice()
    for _ in range(3):
        growing.show(volume)
    assert node.JumpSliceByOffsetting.mock_calls == [call(5.0, 10.0, 15.0)]
    grown[1] = 20.0
    growing.show(volume)
    assert node.JumpSliceByOffsetting.mock_calls[1:] == [call(10.0, 10.0, 15.0)]
    # Another recording: the same volume is shown again, wherever a person has moved the slice meanwhile.
    growing.show(None)
    growing.show(volume)
    assert len(node.JumpSliceByOffsetting.mock_calls) == 3
