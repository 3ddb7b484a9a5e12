"""A case and images of another source: nothing of the case is shown until a person says whose it is."""

import os
import re
import signal

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame
from CRLMSegmentationLib.tracking import Replayer

# As in the saved case
CENTER = np.array([23.6, 23.6, 23.6])
_VALID, _LOST = 40, 40


@pytest.fixture
def scanner():
    """scanner(grey): a server that sends images through the tumor's middle, four seconds with a pose and four without.

    A stylus stands 20 mm from the tumor's center, 13 mm from its surface.
    """
    servers = []

    def start(grey):
        image_to_reference = np.diag([0.5, 0.5, 1.0, 1.0])
        image_to_reference[:3, 3] = CENTER - (20, 15, 0)
        stylus = np.eye(4)
        stylus[:3, 3] = CENTER + (0, 0, 20)
        pixels = np.full((60, 80), grey, np.uint8)
        frames = []
        for number in range(_VALID + _LOST):
            is_valid = number < _VALID
            transforms = {"StylusToReference": Pose(stylus)}
            if is_valid:
                transforms["ImageToReference"] = Pose(image_to_reference)
            frames.append(
                TrackedFrame(
                    pixels, image_to_reference if is_valid else None, number / 10, is_valid, transforms=transforms
                )
            )
        servers.append(Replayer(Sweep(frames), 0, loop=True).start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def _connect(tab, server) -> None:
    tab.open("connect")
    if tab.page.is_visible("#disconnect"):
        tab.page.click("#disconnect")
    tab.page.click("#source-plus")
    tab.page.fill("#plus-port", str(server.port))
    tab.page.click("#connect-plus")


def _seen(tab) -> tuple[bool, int, float]:
    """(whether the place of the live image is unknown, pixels of the tumor in it, its grey), all of one moment."""
    while True:
        before = tab.page.is_visible("#not-placed")
        outline, grey = tab.tumor_pixels("live"), float(np.median(tab.picture("live")))
        if tab.page.is_visible("#not-placed") == before:
            return before, outline, grey


def _ml(tab) -> float:
    found = re.search(r"[\d.]+(?= mL)", tab.line("segment"))
    return float(found.group()) if found else 0.0


def test_a_case_waits_for_a_person_when_the_images_come_from_elsewhere(serve, visit, saved_case, scanner):
    served = serve("--case", str(saved_case))
    tab = visit(served.address)
    page = tab.page
    tab.until(lambda: tab.tumor_pixels("3d") > 200, "a tumor in space")

    # Another source: the question, and nothing of the case
    _connect(tab, scanner(150))
    tab.until(lambda: page.is_visible("#same-patient"), "the question")
    assert "same patient" in page.inner_text("#question")
    tab.until(lambda: tab.tumor_pixels("3d") == 0, "no tumor in space")
    assert not page.is_visible(".read-out")
    page.wait_for_selector("#not-placed", state="hidden")
    tab.until(lambda: np.median(tab.picture("live")) > 100, "the live image")
    assert tab.tumor_pixels("live") == 0

    # The same patient: everything is there again, measured to
    page.click("#keep-case")
    page.wait_for_selector("#same-patient", state="detached")
    tab.until(lambda: re.search(r"1[23]\.\d mm", page.inner_text(".read-out")), "the distance")
    tab.until(lambda: tab.tumor_pixels("3d") > 200, "the tumor again")
    assert page.inner_text("#origin") == "Live"

    # Tracking comes and goes: the outline is over the image while its place is known, and at no other time
    tab.until(lambda: _seen(tab)[0] is False and _seen(tab)[1] > 30, "the outline in the image")
    tab.until(lambda: (seen := _seen(tab))[0] and seen[1] == 0 and seen[2] > 100, "new pixels and no outline")
    tab.keep("web-no-position")

    # The program stands still: the tab says by itself that what it shows is old
    os.kill(served.process.pid, signal.SIGSTOP)
    try:
        page.wait_for_selector("body.is-cut-off")
        assert page.is_visible("#cut-off")
        shown = page.eval_on_selector(".read-out .distance", "one => getComputedStyle(one).fontSize")
        assert shown == "0px"
    finally:
        os.kill(served.process.pid, signal.SIGCONT)
    page.wait_for_selector("body:not(.is-cut-off)")

    # Another scanner, another patient: the case is gone, but not before what a hand has done to it is saved
    tab.open("segment")
    tab.choose("paint")
    tab.drag_in("red", (0.5, 0.5), (0.8, 0.5))
    tab.until(lambda: _ml(tab) > 1.5, "a larger tumor")
    page.click("#paint")
    _connect(tab, scanner(90))
    tab.until(lambda: page.is_visible("#same-patient"), "the question")
    page.click("#other-patient")
    tab.until(lambda: page.is_visible("#asked"), "the question about what is not saved")
    assert "not saved" in page.inner_text("#asked-text")
    tab.keep("web-not-saved")
    page.click("#asked >> text=Save it first")
    page.wait_for_selector("#same-patient", state="detached")
    assert tab.line("box") == "Record a sweep first" and tab.label("segment") == ""
    assert not page.is_visible(".read-out")
    tab.until(lambda: tab.tumor_pixels("3d") == 0, "no tumor in space", patience_s=30)
    (saved,) = (path for path in (served.folder / "cases").iterdir() if path.is_dir())

    # And back to it, from the list: it is of another source than what is connected
    page.click("#open-case")
    page.click(f"#saved-cases .case-line:has-text('{saved.name}')")
    tab.until(lambda: page.is_visible("#same-patient"), "the question")
    page.click("#keep-case")
    tab.until(lambda: re.search(r"1[23]\.\d mm", page.inner_text(".read-out")), "the distance again")
    assert page.inner_text("#data-kind") == f"Case {saved.name}"
