"""The Calibrate section of the window: what it says while a calibration runs, at its end, and when there is none."""

import pytest
from CRLMSegmentationLib.navigation.tool_look import ToolShape
from CRLMSegmentationLib.session.accuracy.known_errors import KnownError
from CRLMSegmentationLib.session.calibration.guidance import Guidance
from test_actions import calibrated, measured
from window_fakes import make_status


def test_it_is_closed_and_says_what_is_not_known(a_window):
    window, session = a_window
    session.calibration.known_errors = [KnownError("Tracker", "0.5 mm", True), KnownError("Image", "not here", False)]
    window.refresh()
    assert window.ui.calibrateSection.collapsed
    assert window.calibrate.state_text == "OPTIONAL: Errors are not known of: Image."
    assert window.ui.knownErrors.text == "Tracker: 0.5 mm\nImage: not here"


def test_what_is_known_too_coarsely_is_not_called_good(a_window):
    window, session = a_window
    session.calibration.known_errors = [
        KnownError("Tracker", "0.5 mm", True), KnownError("Image", "corners known to 5.1 mm", True, is_coarse=True),
    ]  # fmt: skip
    window.refresh()
    assert window.calibrate.line()[0] == "warn"
    assert window.calibrate.state_text == "LOOK: Known too coarsely: Image. Calibrate again."
    calibrated(session)
    assert window.calibrate.line()[0] == "good"
    session.calibration.result.is_coarse = True
    assert window.calibrate.line()[0] == "warn"


def test_while_it_runs_it_says_what_to_do_and_what_is_missing(a_window):
    window, session = a_window
    session.calibration.is_running, session.calibration.instruction = True, "Tilt the stylus."
    session.calibration.guidance = Guidance((("Tilt", "24 of 45 degrees"),), ("tilt 24 of 45 degrees",), 0.53)
    window.refresh()
    assert window.calibrate.state_text == "CALIBRATING: Tilt the stylus."
    assert window.ui.calibrationFigures.text == "Tilt: 24 of 45 degrees\nTilt 24 of 45 degrees."
    assert (window.ui.calibrationProgressBar.visible, window.ui.calibrationProgressBar.value) == (True, 53)
    assert not window.ui.knownErrors.visible and not window.ui.calibrateStylusButton.enabled


def test_a_result_waits_until_it_is_taken(a_window):
    window, session = a_window
    calibrated(session)
    window.refresh()
    assert window.calibrate.state_text == "RESULT: The tip is known to 0.4 mm."
    window.ui.calibrationDoneButton.click()
    assert "calibration.accept" in session.calls


def test_the_chosen_tool_is_drawn_as_somebody_wants_and_another_is_looked_for(a_window):
    window, session = a_window
    looks = session.tools.looks
    session.stream.other_tools = ["Needle"]
    window.refresh()
    window.calibrate.setup.on_shape(list(ToolShape).index(ToolShape.NEEDLE))
    assert looks.of("Stylus").shape is ToolShape.NEEDLE
    window.refresh()
    assert window.ui.toolShapeComboBox.currentIndex == list(ToolShape).index(ToolShape.NEEDLE)
    assert looks.of("Stylus").color in window.ui.toolColorButton.styleSheet
    assert not window.ui.unfollowToolButton.visible
    window.ui.toolNameComboBox.currentText = "Needle"
    window.ui.followToolButton.click()
    assert "tools.follow" in session.calls
    looks.follow("Stylus")
    window.refresh()
    window.ui.unfollowToolButton.click()
    assert "tools.unfollow" in session.calls


def test_why_there_is_no_result_stands_there_also_when_it_is_closed(a_window):
    window, session = a_window
    session.calibration.problem = "The poses of the tool are mirrored (left-handed): check the tracker's axes."
    window.refresh()
    assert window.calibrate.state_text == f"NO RESULT: {session.calibration.problem}"
    assert "NO RESULT" in window.ui.calibrateSection.text


@pytest.mark.parametrize("path, call", [("", None), ("plus.xml", "calibration.start_probe")])
def test_the_probe_needs_the_configuration_with_its_phantom(a_window, path, call):
    window, session = a_window
    session.stream.status = make_status()
    window.parameters.plusConfiguration = path
    window.refresh()
    window.ui.calibrateProbeButton.click()
    assert (call in session.calls) if call else "Choose the PLUS configuration" in window.calibrate.state_text


def test_the_chosen_tool_is_calibrated_and_stays_chosen_when_another_comes(a_window):
    window, session = a_window
    session.stream.status = make_status()
    session.calibration.tools = ["Stylus", "Pointer"]
    window.refresh()
    window.ui.calibrationToolComboBox.currentIndex = 1
    session.calibration.tools = ["Needle", "Stylus", "Pointer"]
    window.refresh()
    assert window.ui.calibrationToolComboBox.currentIndex == 2
    asked = []
    session.calibration.start_stylus = asked.append
    window.ui.calibrateStylusButton.click()
    assert asked == ["Pointer"]


def test_a_phantom_is_measured_with_the_chosen_targets_and_kept_as_a_page(a_window):
    window, session = a_window
    session.stream.status = make_status()
    window.refresh()
    window.ui.targetsPathLineEdit.currentPath = ""
    window.ui.measureAccuracyButton.click()
    assert "Choose the file with the phantom's targets" in window.calibrate.state_text
    window.ui.targetsPathLineEdit.currentPath = "targets.mrk.json"
    asked = []
    session.calibration.start_accuracy = lambda *given: asked.append(given)
    window.ui.measureAccuracyButton.click()
    assert asked == [("Stylus", "targets.mrk.json")]
    measured(session)
    window.refresh()
    window.ui.calibrationDoneButton.click()
    assert "calibration.write_accuracy" in session.calls and "calibration.accept" not in session.calls
