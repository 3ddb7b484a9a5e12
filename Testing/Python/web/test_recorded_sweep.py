"""The five steps on a real recording, uploaded in the browser, and what the page says when something is wrong."""

import re

from CRLMSegmentationLib.sweep import read_plus_configuration, read_sweep
from CRLMSegmentationLib.tracking import Replayer


def test_five_steps_on_a_real_recording(serve, visit, shared_data):
    served = serve()
    tab = visit(served.address)
    page = tab.page
    page.click("#source-file")

    # What is no sweep is refused with a sentence, and nothing of it is kept
    page.set_input_files("#upload", {"name": "../../notes.mha", "mimeType": "", "buffer": b"no image at all"})
    assert "notes.mha" in tab.error()
    page.set_input_files("#upload", {"name": "program.exe", "mimeType": "", "buffer": b"MZ"})
    assert "only recorded sweeps" in tab.error()
    uploads = served.folder / "uploads"
    assert list(uploads.iterdir()) == [] and not (served.folder / "notes.mha").exists()

    # The recording alone lacks its calibration: the page says so
    page.set_input_files("#upload", shared_data / "SpinePhantomFreehand.igs.mha")
    page.wait_for_selector("#connect-file:not([disabled])")
    page.click("#connect-file")
    assert "ImageTo" in tab.error()

    # 1 Connect, with the PLUS configuration that holds it
    live = tab.picture("live")
    page.set_input_files("#upload", shared_data / "SpinePhantom.xml")
    tab.until(lambda: "SpinePhantom.xml" in page.inner_text(".step-body"), "the chosen calibration")
    page.click("#connect-file")
    tab.until_line("connect", "(?i)receiving from replay of SpinePhantomFreehand")
    assert page.inner_text("#data-kind") == "SpinePhantomFreehand.igs.mha"
    tab.until_picture("live", live, least=5)
    page.wait_for_selector("#record:not([disabled])")
    assert not page.is_visible("#place-truth")

    # 2 Record
    empty = tab.picture("red")
    page.click("#record")
    tab.until(lambda: int(re.search(r"\d+", "0" + page.inner_text("#recorded")).group()) >= 24, "24 recorded frames")
    page.click("#stop")
    tab.until_line("record", "voxels")
    volume = tab.until_picture("red", empty, least=3)

    # 3 Box
    tab.click_in("red", 0.5, 0.5)
    tab.until_line("box", "40 x 40 x 40 mm")
    tab.until_picture("red", volume, least=0.3)
    tab.slide("box-edge-mm", "ArrowLeft", 10)
    tab.until_line("box", "30 x 30 x 30 mm")

    # 4 Segment, semi-automatically: the phantom holds no tumor that the model knows
    tab.open("segment")
    before = tab.picture("3d")
    tab.place_seed("red", 0.5, 0.5)
    tab.until_line("segment", r"mL")
    tab.until_picture("3d", before, least=0.2)

    # 5 Navigate: the recording tracks a stylus
    page.click("#go-navigate")
    page.wait_for_selector("#step-navigate.is-open")
    tab.until(lambda: re.search(r"\d+\.\d mm", page.inner_text(".read-out")), "a distance")
    assert "Stylus" in page.inner_text(".read-out")

    tab.keep("web-recorded")

    # The stream ends: the page says so, the picture is marked, the distance is gone
    tab.open("connect")
    page.click("#disconnect")
    tab.until_line("connect", "(?i)disconnected")
    tab.until(lambda: "– mm" in page.inner_text(".read-out"), "a lost stylus")
    assert "No live image" in page.inner_text(".view-live")

    # A live server, that goes away and comes back
    calibration = read_plus_configuration(shared_data / "SpinePhantom.xml").transforms
    sweep = read_sweep(shared_data / "SpinePhantomFreehand.igs.mha", calibration)
    page.click("#source-plus")
    page.fill("#plus-port", "99999")
    page.click("#connect-plus")
    assert "port" in tab.error()
    with Replayer(sweep, 0, loop=True) as plus:
        port = plus.port
        page.fill("#plus-port", str(port))
        page.click("#connect-plus")
        tab.until_line("connect", "(?i)receiving from localhost")
        assert page.inner_text("#data-kind") == "localhost"
        page.click("#keep-case")
        tab.open("record")
        page.click("#record")
        tab.until(lambda: int(re.search(r"\d+", "0" + page.inner_text("#recorded")).group()) > 3, "recorded frames")
    tab.until_line("connect", "(?i)lost")
    assert tab.label("connect") == "Working"
    tab.until(lambda: page.inner_text("#rate") == "no frames", "no frames")
    with Replayer(sweep, port, loop=True):
        tab.until_line("connect", "(?i)receiving")
        page.click("#stop")
        tab.until_line("record", "voxels")
