"""A newcomer goes through the five steps on a simulated sweep, in a real browser."""

import re
import zipfile

import numpy as np


def test_five_steps_on_a_simulated_sweep(serve, visit, tmp_path):
    served = serve()
    tab = visit(served.address)
    page = tab.page
    empty = {view: tab.picture(view) for view in ("live", "red", "green", "yellow", "3d")}
    assert tab.label("connect") == "Next" and tab.line("record") == "Connect first"
    assert "Not a medical device" in page.inner_text("header")

    # 1 Connect: a dark tumor of 24 mm
    tab.slide("lesion-mm", "ArrowRight", 4)
    page.wait_for_function("document.querySelector('#lesion-mm-value').innerText === '24 mm'")
    page.click("#connect-simulated")
    tab.until_line("connect", "(?i)receiving")
    assert page.inner_text("#origin") == "Simulated, not clinical"
    page.wait_for_selector("#record:not([disabled])")
    live = tab.until_picture("live", empty["live"], least=5)

    # 2 Record one whole sweep; the volume grows meanwhile
    page.click("#record")
    tab.until(lambda: int(re.search(r"\d+", "0" + page.inner_text("#recorded")).group()) >= 62, "62 recorded frames")
    tab.until_picture("live", live)
    page.click("#stop")
    assert re.search(r"\d+ x \d+ x \d+ voxels of 0\.5 mm", tab.until_line("record", "voxels"))
    volume = {view: tab.until_picture(view, empty[view], least=3) for view in ("red", "green", "yellow", "3d")}
    assert [file.suffix for file in (served.folder / "recordings").iterdir()] == [".mha"]

    # 3 Box: one click, drag a handle, and then where the simulator has its tumor
    assert tab.label("box") == "Next" and page.is_visible(".call")
    tab.click_in("red", 0.5, 0.55)
    tab.until_line("box", "40 x 40 x 40 mm")
    tab.until(lambda: _of_box(tab.picture("red")).any(), "the box in the slice")
    boxed = tab.picture("red")
    tab.until_picture("3d", volume["3d"], least=0.3)
    corner = _corner_of_box(tab, boxed)
    tab.drag_in("red", corner, (corner[0] + 0.06, corner[1] + 0.06))
    tab.until(lambda: "40 x 40 x 40" not in tab.line("box") and "mm" in tab.line("box"), "a dragged box")
    page.click("#place-truth")
    tab.until(lambda: min(map(int, re.findall(r"\d+", tab.line("box")))) < 30, "the box around the true tumor")

    tab.keep("web-box")

    # 4 Segment: progress, cancel, and then to the end
    with served.held_worker():
        page.click("#find")
        page.click("#cancel")
        tab.until_line("segment", "(?i)cancelled")
    before = tab.picture("3d")
    page.click("#segment")
    found = tab.until_line("segment", r"[\d.]+ mL")
    volume_ml = float(re.search(r"[\d.]+(?= mL)", found).group())
    truth_ml = 4 / 3 * np.pi * 1.2**3
    assert 0.4 * truth_ml < volume_ml < 1.8 * truth_ml
    tab.until_picture("3d", before, least=0.3)
    assert "s" in page.inner_text("#clock")

    tab.keep("web-segment")

    # The threshold cuts the stored probability at once: a lower one finds more
    tab.slide("threshold", "ArrowLeft", 25)
    tab.until(lambda: _ml(tab) > volume_ml, "a larger tumor")

    # A hand adds to it, and takes that back
    tab.until_still("segment")
    cut_ml = _ml(tab)
    tab.choose("paint")
    tab.drag_in("red", (0.5, 0.5), (0.7, 0.5))
    tab.until(lambda: _ml(tab) > cut_ml, "a painted tumor")
    tab.until_still("segment")
    painted_ml = _ml(tab)
    page.click("#undo:not([disabled])")
    tab.until(lambda: _ml(tab) < painted_ml, "the stroke taken back")
    tab.until_still("segment")
    undone_ml = _ml(tab)
    tab.choose("erase")
    tab.drag_in("red", (0.45, 0.5), (0.55, 0.5))
    tab.until(lambda: _ml(tab) < undone_ml, "an erased tumor")
    page.click("#undo:not([disabled])")
    tab.until(lambda: _ml(tab) == undone_ml, "the erased part back")

    # Another tumor is added, called otherwise and deleted: the first one is as it was
    page.click("#add-tumor")
    tab.until_line("box", "Click on the tumor")
    assert "no box yet" in page.inner_text("#tumor-2") and "across" in page.inner_text("#tumor-1")
    page.click("#rename-2")
    page.fill("#name-2", "deep one")
    page.press("#name-2", "Enter")
    tab.until(lambda: "deep one" in page.inner_text("#tumor-2"), "another name")
    page.click("#delete-2")
    tab.until(lambda: page.locator("#tumor-2").count() == 0 and _ml(tab) == undone_ml, "the first tumor again")

    # While the browser waits for an answer, a step that is pressed and then the button in it arrive in this order
    page.evaluate("window.wasBusy = trame.client.isBusy; trame.client.isBusy = () => true")
    tab.open("segment")

    # 5 Navigate: the stylus comes and goes
    page.click("#go-navigate")
    page.wait_for_selector("#step-navigate.is-open")
    page.evaluate("trame.client.isBusy = window.wasBusy")
    page.wait_for_selector(".read-out .distance")
    tab.until(lambda: tab.label("navigate") == "Live", "a live distance")
    left, width = page.evaluate(
        "[document.querySelector('.view-live').getBoundingClientRect().right"
        " - document.querySelector('#live-read-out').getBoundingClientRect().right,"
        " document.documentElement.clientWidth]"
    )
    assert left >= 64, "the read-out covers the depth scale at the right of the live image"
    assert width == page.viewport_size["width"], "a bar that scrolls nothing takes room"
    seen = set()
    tab.until(lambda: _gather_states(page, seen) >= {"clear", "inside"}, "the stylus in the tumor and out again")
    points = "all => Math.max(0, ...all.map(one => one.points.numberOfItems))"
    tab.until(lambda: page.eval_on_selector_all("#distance-curves polyline", points) > 5, "a curve of the distance")

    tab.keep("web-navigate")

    # A second tab shows the same session, a reloaded one as well
    other = visit(served.address, page.context)
    other.until(lambda: other.line("segment") == tab.line("segment"), "the same session in another tab")
    page.reload()
    page.wait_for_selector("#step-navigate.is-open")
    assert tab.line("record") == other.line("record")
    tab.until(lambda: tab.picture("3d").std() > 10, "a picture after the reload")

    # Save and download
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / "case.zip"
    download.value.save_as(saved)
    with zipfile.ZipFile(saved) as case:
        names = [name.split("/", 1)[-1] for name in case.namelist()]
        assert any(name.endswith((".mrb", ".igs.mha")) for name in names), names
        assert case.testzip() is None


def _ml(tab) -> float:
    found = re.search(r"[\d.]+(?= mL)", tab.line("segment"))
    return float(found.group()) if found else float("nan")


def _gather_states(page, seen: set) -> set:
    kinds = page.get_attribute(".read-out .tool", "class").split()
    seen.update(kind.removeprefix("is-") for kind in kinds if kind.startswith("is-"))
    return seen


def _of_box(picture: np.ndarray) -> np.ndarray:
    """Boolean [row, column] of the pixels of the box."""
    blue: np.ndarray = (picture[..., 2] > 200) & (picture[..., 0] < 120)
    return blue


def _corner_of_box(tab, picture) -> tuple[float, float]:
    """Where the lower right handle of the box is in a slice: parts of width and height."""
    rows, columns = np.nonzero(_of_box(picture))
    assert rows.size, "no box is seen in the slice"
    return columns.max() / picture.shape[1], rows.max() / picture.shape[0]
