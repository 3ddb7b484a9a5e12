"""What is known of each device's error, in one line each."""

import numpy as np
from CRLMSegmentationLib.calibration.accuracy.calibrations import Calibrations, ImageCalibration, TipCalibration
from CRLMSegmentationLib.calibration.accuracy.calibrations import today as now
from CRLMSegmentationLib.session.accuracy.known_errors import known_errors

TIP = np.eye(4)
TIP[:3, 3] = [0.0, 0.0, -100.0]
# Of u, v and 1 along each axis of Probe: the origin alone errs, by 0.5 mm along each.
IMAGE = ImageCalibration(np.diag([0.2, 0.2, 0.2, 1.0]), np.diag([0.0, 0.0, 0.25] * 3), (64, 48), now())
KNOWN = Calibrations(0.4, 0.1, {"Stylus": TipCalibration(TIP, 0.09 * np.eye(3), now())}, IMAGE, 0.007, now())


def lines(known, tips, size=(64, 48)):
    return {one.source: (one.text, one.is_known) for one in known_errors(known, tips, size)}


def test_every_source_has_its_line():
    today = now()[:10]
    assert lines(KNOWN, {"Stylus": TIP}) == {
        "Tracker": ("0.4 mm, 0.1 degrees (by its maker)", True),
        "Stylus": (f"tip known to 0.3 mm, of {today}", True),
        "Image": (f"corners known to 0.5 mm, of {today}", True),
        "Time": (f"delay known to 7 ms, of {today}", True),
    }


def test_what_is_not_known_or_does_not_fit_says_why():
    assert not any(is_known for _, is_known in lines(Calibrations(), {"Stylus": TIP}).values())
    other = lines(KNOWN, {"Stylus": np.eye(4), "Pointer": TIP}, (640, 480))
    assert other["Stylus"] == ("the tip of Stylus lies elsewhere than its calibration has it", False)
    assert other["Pointer"] == ("Pointer was not calibrated here", False)
    assert other["Image"] == ("the image was calibrated at another size or depth", False)
