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


def test_a_tip_or_an_image_that_is_known_to_more_than_two_millimetres_is_coarse():
    def coarse(tip_mm, image_mm):
        tip = TipCalibration(TIP, tip_mm**2 * np.eye(3), now())
        image = ImageCalibration(IMAGE.image_to_probe, np.diag([0.0, 0.0, image_mm**2] * 3), (64, 48), now())
        known = Calibrations(0.4, 0.1, {"Stylus": tip}, image, 0.007, now())
        return [one.source for one in known_errors(known, {"Stylus": TIP}, (64, 48)) if one.is_coarse]

    assert coarse(0.3, 0.5) == coarse(1.99, 1.99) == []
    assert coarse(2.1, 0.5) == ["Stylus"] and coarse(0.3, 5.1) == ["Image"]
    # What is not known is not called coarse as well.
    assert not any(one.is_coarse for one in known_errors(Calibrations(), {"Stylus": TIP}, (64, 48)))
