"""Calibrate a stylus and a probe on the page, on recorded data that a server sends live."""

import json
import re

import numpy as np
import pytest
from CRLMSegmentationLib.tracking import Replayer
from recorded_calibration import LANDMARKS_XML, PHANTOM_XML, PLUS_IMAGE_TO_PROBE, pivoted_stylus, scanned_phantom


@pytest.fixture(scope="module")
def served(serve_all, shared_data):
    """One page for all of it, with what PLUS has of the phantoms."""
    recordings = shared_data / "calibration"
    return serve_all(str(recordings / LANDMARKS_XML), str(recordings / PHANTOM_XML))


def connect(tab, port):
    tab.open("connect")
    if tab.page.is_visible("#disconnect"):
        tab.page.click("#disconnect")
    tab.page.click("#source-plus")
    tab.page.fill("#plus-port", str(port))
    tab.page.click("#connect-plus")
    # The page goes on to the next step by itself then.
    tab.until_line("connect", f"(?i)receiving from localhost:{port}")
    tab.open("calibrate")


def figures(tab):
    return dict(row.split("\n")[:2] for row in tab.page.locator(".figure-row").all_inner_texts() if "\n" in row)


def test_a_stylus_is_calibrated_on_recorded_poses(served, visit, shared_data):
    recordings = shared_data / "calibration"
    tab = visit(served.address)
    page = tab.page
    kept = served.folder / "calibrations.json"

    # Nothing is known yet, and nothing comes that could be calibrated
    tab.open("calibrate")
    assert page.get_attribute("#calibrate-stylus", "title") == "Connect first: nothing comes that could be calibrated."
    tab.until(lambda: "was not calibrated here" in page.inner_text("#known-errors"), "what is not known")

    with Replayer(pivoted_stylus(recordings), 0, speed=10.0, loop=True) as server:
        connect(tab, server.port)
        page.wait_for_selector("#calibrate-stylus:not([disabled])")
        page.click("#calibrate-stylus")
        tab.until(lambda: "of 45 degrees" in figures(tab).get("Tilt", ""), "the tilt")
        # What is sent again is not counted again.
        tab.until(lambda: sum(map(int, re.findall(r"\d+", figures(tab).get("Poses", "")))) >= 490, "nearly all poses")
        tab.until(lambda: re.search(r"Tilt \d\d of 45 degrees", page.inner_text("#step-calibrate")), "what is missing")
        tab.keep("web-calibrate-stylus")
        page.click("#end-calibration")
        tab.until(lambda: page.is_visible("#calibration-result"), "a result")
        known = re.search(r"The tip of Stylus is known to (\d\.\d) mm", page.inner_text("#calibration-result")).group(1)
        tab.keep("web-calibrate-stylus-result")
        page.click("#accept-calibration")
        tab.until(lambda: f"tip known to {known}" in page.inner_text("#known-errors"), "a tip that counts")
        assert not kept.exists()
        # Its color is another one, and a second tool is looked for and not any more
        assert "tip calibrated" in page.inner_text("#tool-Stylus")
        page.locator("#tool-Stylus input[type=color]").fill("#ff9ed2")
        setups = "JSON.stringify(trame.state.get('tool_setups'))"
        tab.until(lambda: "#ff9ed2" in page.evaluate(setups), "another color")
        page.fill("#tool-name", "Needle")
        page.click("#follow-tool:not([disabled])")
        page.wait_for_selector("#unfollow-Needle")
        assert tab.barriers("#tool-setups") == []
        page.click("#unfollow-Needle")
        page.wait_for_selector("#tool-Needle", state="detached")
        page.click("#keep-calibrations")
        tab.until(kept.exists, "the file of calibrations")

        # The stylus was held at landmarks whose places PLUS has: half of them come in these poses.
        page.click("#measure-accuracy")
        assert "Choose the file with the phantom's targets" in tab.error()
        page.click("#step-calibrate .v-select:has(#targets)")
        page.click(f".v-list-item:has-text('{LANDMARKS_XML}')")
        page.click("#measure-accuracy")
        tab.until(lambda: figures(tab).get("Targets") == "4 of 8 touched", "the touched landmarks")
        tab.until(lambda: "Hold the tip at #5" in page.inner_text("#step-calibrate"), "what is missing")
        tab.keep("web-accuracy")
        page.click("#end-calibration")
        tab.until(lambda: page.is_visible("#calibration-result"), "what was measured")
        assert re.search(r"Tip to target: [0-3]\.\d mm in the middle", page.inner_text("#calibration-result"))
        tab.keep("web-accuracy-result")
        assert not page.is_visible("#accept-calibration")
        page.click("#write-accuracy")
        tab.until(lambda: list(served.folder.glob("accuracy-*.html")), "the page of what was measured")
        page.goto(next(served.folder.glob("accuracy-*.html")).as_uri())
        assert page.locator("svg").count() == 3 and "Not touched: #5, #6, #7, #8" in page.inner_text("body")
        tab.keep("web-accuracy-page")
    tip = np.array(json.loads(kept.read_text())["tools"]["Stylus"]["tip_to_tool"])[:3, 3]
    np.testing.assert_allclose(tip, [109.5, 6.7, 2.8], atol=0.6)


def test_a_probe_is_calibrated_on_recorded_images(served, visit, shared_data):
    recordings = shared_data / "calibration"
    tab = visit(served.address)
    page = tab.page
    kept = served.folder / "calibrations.json"
    with Replayer(scanned_phantom(recordings), 0, speed=8.0, loop=True) as server:
        connect(tab, server.port)
        page.click("#calibrate-probe")
        assert "Choose the PLUS configuration" in tab.error()
        page.click("#step-calibrate .v-select:has(#phantom)")
        page.click(f".v-list-item:has-text('{PHANTOM_XML}')")
        page.click("#calibrate-probe")
        tab.until(lambda: figures(tab).get("This image") == "all 9 wires are seen", "all wires")
        tab.until(lambda: "Corners known to" in figures(tab), "the corners")
        tab.until(lambda: figures(tab)["Images"].startswith("32 of "), "all images")
        assert page.locator("#calibration-wires circle").count() == 9
        tab.keep("web-calibrate-probe")
        page.click("#end-calibration")
        tab.until(lambda: page.is_visible("#calibration-result"), "a result")
        # The probe was hardly turned: that is said, and the uncertainty is far larger than the error of the wires.
        assert "Probe turned 6 of 20 degrees" in page.inner_text("#step-calibrate")
        assert "Position unknown" in page.inner_text(".view-live")
        page.click("#accept-calibration")
        tab.until(lambda: "corners known to" in page.inner_text("#known-errors"), "an image that counts")
        tab.until(lambda: "Position unknown" not in page.inner_text(".view-live"), "an image with its place")
        page.click("#keep-calibrations")
        tab.until(lambda: kept.exists() and "image_to_probe" in kept.read_text("utf-8"), "the file of calibrations")
    found = json.loads(kept.read_text())
    np.testing.assert_allclose(found["image"]["image_to_probe"], PLUS_IMAGE_TO_PROBE, atol=0.4)


def test_what_was_kept_is_used_again_and_what_gives_no_tip_says_why(served, visit, shared_data):
    sweep = pivoted_stylus(shared_data / "calibration", poses=40)
    tip = np.eye(4)
    tip[:3, 3] = [109.5, 6.7, 2.8]
    calibration = {"tip_to_tool": tip.tolist(), "covariance_mm2": (0.04 * np.eye(3)).tolist(), "date": "2026-01-02"}
    (served.folder / "calibrations.json").write_text(
        json.dumps({"format": "CRLM calibrations", "version": 1, "tools": {"Stylus": calibration}})
    )
    tab = visit(served.address)
    page = tab.page
    with Replayer(sweep, 0, speed=10.0, loop=True) as server:
        connect(tab, server.port)
        page.wait_for_selector("#use-kept-calibrations:not([disabled])")
        page.click("#use-kept-calibrations")
        tab.until(lambda: "the tip of Stylus (2026-01-02)" in page.inner_text("#note-text"), "what is used")
        tab.until(lambda: "calibration of the stylus is" in page.inner_text("#known-errors"), "how old it is")
        page.click("#calibrate-stylus")
        tab.until(lambda: figures(tab).get("Poses", ""), "poses")
        page.click("#end-calibration")
        tab.until(lambda: page.is_visible("#calibration-problem"), "why there is no result")
        assert re.search("tilt|rests", page.inner_text("#calibration-problem"))
        tab.keep("web-calibrate-problem")
