"""The self test of the Calibrate section: a stylus, and where PLUS's recordings are given, a real one and a probe.

The environment variable CRLM_CALIBRATION_DATA names the folder of PLUS's recordings of a stylus and an N-wire phantom;
without it the stylus is simulated, and the test says that no probe was calibrated.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from .self_test_tools import Bench, click, pause, wait_until

RECORDINGS = "CRLM_CALIBRATION_DATA"
_STYLUS = "EightLandmarkPointsTrackedForPhantomRegistration.igs.mha"
_PHANTOM, _PHANTOM_XML = "fCal_Test_Calibration_3NWires.igs.mha", "PlusDeviceSet_fCal_Sim_SpatialCalibration_1.2.xml"
_PHANTOM_IMAGES = 188
# As PLUS's own result has it (FreehandCalibration3NWires.results.xml).
_PLUS_IMAGE_TO_PROBE = np.array([
    [0.00183186, 0.0729281, -0.0100928, 11.1551], [-0.0777188, 0.00280788, 0.00822424, 45.9713],
    [0.008793, 0.00953226, 0.0747944, -7.35909], [0, 0, 0, 1],
])  # fmt: skip
_SIMULATED_TIP = (1.0, 2.0, -150.0)


class CalibrateSteps(Bench):
    """Begins with an empty case, and leaves nothing connected."""

    def calibrate(self) -> None:
        folder = Path(os.environ[RECORDINGS]) if os.environ.get(RECORDINGS) else None
        self.window.open_step(self.window.connect)
        self.window.ui.calibrateSection.collapsed = False
        self._calibrate_stylus(folder)
        if folder is None:
            self.report(f"No probe was calibrated: {RECORDINGS} names no folder of recordings")
        else:
            self._calibrate_probe(folder)
        self.window.ui.calibrateSection.collapsed = True

    def _calibrate_stylus(self, folder: Path | None) -> None:
        self.report("Calibrate: the tip of a stylus")
        ui, check, part = self.window.ui, self._case, self.session.calibration
        path = self._own / "pivot.igs.mha"
        expected, count = _write_pivot(path, folder)
        self.session.stream.replay(path, speed=10.0)
        wait_until(lambda: ui.calibrateStylusButton.enabled, 30, lambda: self.window.connect.state_text)
        click(ui.calibrateStylusButton)
        said = lambda: f"{self.window.calibrate.state_text} {ui.calibrationFigures.text}"  # noqa: E731
        wait_until(lambda: "of 45 degrees" in ui.calibrationFigures.text, 60, said)
        wait_until(lambda: _count_told(ui.calibrationFigures.text, "Poses") > 0.97 * count, 60, said)
        check.assertTrue(ui.calibrationProgressBar.visible)
        self.picture("calibrate-stylus")
        click(ui.calibrationDoneButton)
        wait_until(lambda: part.result is not None, 30, said)
        wait_until(
            lambda: self.window.calibrate.state_text.startswith("RESULT: The tip of Stylus is known to"), 5, said
        )
        self.picture("calibrate-stylus-result")
        # Nothing counts before a person has said so.
        check.assertFalse(self.session.accuracy.calibrations.tips)
        click(ui.calibrationDoneButton)
        tip = self.session.tools.tip_to_tool("Stylus")[:3, 3]
        np.testing.assert_allclose(tip, expected, atol=1.0)
        wait_until(lambda: "tip known to" in ui.knownErrors.text, 5, lambda: ui.knownErrors.text)
        click(ui.keepCalibrationsButton)
        check.assertTrue(part.file.is_file())

    def _calibrate_probe(self, folder: Path) -> None:
        self.report("Calibrate: where the image lies on its probe")
        ui, part = self.window.ui, self.session.calibration
        calibration = {"ImageToProbe": _PLUS_IMAGE_TO_PROBE}
        self.session.stream.replay(folder / _PHANTOM, speed=1.0, calibration=calibration)
        self.window.parameters.plusConfiguration = str(folder / _PHANTOM_XML)
        # Until its next tick the window speaks of the stream before.
        pause(1.0)
        wait_until(lambda: ui.calibrateProbeButton.enabled, 60, lambda: self.window.connect.state_text)
        click(ui.calibrateProbeButton)
        said = lambda: f"{self.window.calibrate.state_text} {ui.calibrationFigures.text}"  # noqa: E731
        wait_until(lambda: "Corners known to" in ui.calibrationFigures.text, 120, said)
        # A few images leave the angle between image and probe open.
        wait_until(lambda: _count_told(ui.calibrationFigures.text, "Images") > 0.8 * _PHANTOM_IMAGES, 120, said)
        self.picture("calibrate-probe")
        if not part.is_ending and part.result is None:  # when the recording is over it ends by itself
            click(ui.calibrationDoneButton)
        wait_until(lambda: part.result is not None and ui.calibrationDoneButton.enabled, 60, said)
        np.testing.assert_allclose(part.result.estimate.matrix[:3, :2], _PLUS_IMAGE_TO_PROBE[:3, :2], atol=0.003)
        click(ui.calibrationDoneButton)
        wait_until(lambda: "corners known to" in ui.knownErrors.text, 5, lambda: ui.knownErrors.text)
        self.window.parameters.plusConfiguration = ""
        click(ui.connectButton)


def _count_told(figures: str, of: str) -> int:
    """How many poses (used and rejected) or images (with all wires) the section speaks of."""
    line = next((line for line in figures.splitlines() if line.startswith(of)), "")
    numbers = [int(number) for number in re.findall(r"\d+", line)]
    return sum(numbers) if of == "Poses" else sum(numbers[:1])


def _write_pivot(path: Path, folder: Path | None) -> tuple[np.ndarray, int]:
    """A recording of a stylus that is turned about its tip, with tiny black images; where its tip is, (3,) mm, and how
    many poses there are.
    """
    from CRLMSegmentationLib.simulation.calibration.pivoting import pivoting_hand
    from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, write_sweep
    from CRLMSegmentationLib.sweep.sequence_files.tool_poses import read_tool_poses

    if folder is None:
        expected = np.array(_SIMULATED_TIP)
        poses, times = pivoting_hand(expected, np.array([20.0, -40, 130]), 50.0, 12.0, np.random.default_rng(0))
    else:
        # The tip of all eight pivots of the recording together.
        expected = np.array([109.5, 6.8, 2.9])
        recorded = read_tool_poses(folder / _STYLUS, "Stylus")
        poses, times = recorded.matrices[:500], recorded.times_s[:500]
    black = np.zeros((16, 16), np.uint8)
    frames = [
        TrackedFrame(black, np.eye(4), 1.0 + float(time - times[0]), transforms={"StylusToReference": Pose(pose)})
        for pose, time in zip(poses, times)
    ]
    write_sweep(Sweep(frames, "pivot"), path)
    return expected, len(frames)
