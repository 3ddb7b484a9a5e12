"""The CT before the operation on the page: opened, its structures shown, its lesions in a table and over time."""

import re
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.preoperative.result_folder import write_result
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.values import Volume

SPACING_MM = 3.0
SHAPE = (50, 70, 80)
# Of each lesion its middle, RAS mm, and diameter.
FIRST = (((30, 0, 10), 27.0), ((10, 15, -20), 15.0))
LATER = (((30, 0, 10), 36.0), ((-20, 5, 10), 12.0))


def patient(lesions) -> tuple[Volume, dict[str, np.ndarray]]:
    """A CT along R, A, S of a body with a liver, two vessels and round lesions, and the mask of each structure."""
    matrix = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    matrix[:3, 3] = -SPACING_MM * (np.array(SHAPE[::-1]) - 1) / 2
    k, j, i = np.indices(SHAPE)
    r, a, s = np.stack([i, j, k], 0) * SPACING_MM + matrix[:3, 3, None, None, None]
    inside = (r / 110) ** 2 + (a / 90) ** 2 < 1
    liver = ((r - 22) / 62) ** 2 + ((a - 5) / 48) ** 2 + (s / 56) ** 2 < 1
    masks = {
        "liver": liver,
        "portal_vein": liver & ((a - 0.4 * r) ** 2 + s**2 < 36),
        "hepatic_veins": liver & ((r - 25) ** 2 + (a + 12) ** 2 < 30),
        "liver_tumor": np.zeros(SHAPE, bool),
    }
    hu = np.where(inside, 40.0, -1000.0)
    hu[liver] = 110
    hu[masks["portal_vein"] | masks["hepatic_veins"]] = 180
    for center, diameter in lesions:
        ball = (r - center[0]) ** 2 + (a - center[1]) ** 2 + (s - center[2]) ** 2 < (diameter / 2) ** 2
        masks["liver_tumor"] |= ball
        hu[ball] = 60
    hu += np.random.default_rng(7).normal(0, 10, SHAPE)
    return Volume(hu.astype(np.int16), matrix, frame="CT"), masks


def keep_result(folder, lesions, date):
    """As a session keeps one."""
    ct, masks = patient(lesions)
    label_map = masks["liver"].astype(np.uint8)
    label_map[masks["portal_vein"] | masks["hepatic_veins"]] = 2
    label_map[masks["liver_tumor"]] = 3
    about = {"date": date, "description": "portal phase", "doubts": []}
    write_result(structures_of_map(ct.on_grid(label_map)), folder, about, ct)


@pytest.fixture(scope="module")
def page_with_a_case(serve_all, saved_case):
    return serve_all("--case", str(saved_case))


@pytest.fixture
def served(page_with_a_case):
    """The page, with nothing of a CT that an earlier test has kept."""
    for kept in (page_with_a_case.folder / "ct").iterdir():
        shutil.rmtree(kept)
    return page_with_a_case


def open_ct(tab, part="open", until_there="#ct-part-open"):
    """The section of the CT and a part of it, opened anew until it lists what is kept now."""

    def is_there():
        # What is opened and closed again at once never reaches the program.
        for step in ("connect", "ct"):
            tab.open(step)
            tab.page.wait_for_timeout(400)
        if not tab.page.is_visible(until_there) and tab.page.is_visible(f"#ct-part-{part}"):
            tab.page.click(f"#ct-part-{part}")
        return tab.page.is_visible(until_there)

    tab.until(is_there, until_there)


def type_path(tab, field, path, button):
    tab.page.fill(f"#{field}", str(path))
    tab.page.click(f"#{button}")


def until_loaded(tab, image):
    """The picture has come from the server."""
    tab.until(
        lambda: tab.page.evaluate(f"(() => {{ const i = document.querySelector('#{image}');"
                                  " return !!i && i.complete && i.naturalWidth > 300; })()"),
        f"the picture {image}",
    )  # fmt: skip
    tab.page.wait_for_timeout(300)


def colored(tab, view, wanted) -> int:
    """How many pixels of a view of the CT are nearly of a color."""
    import io

    from PIL import Image

    image = tab.page.locator(f"#ct-view-{view}").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), dtype=float)
    return int((np.abs(pixels - wanted).max(axis=2) < 40).sum())


def test_a_series_becomes_structures_with_a_table_that_can_be_looked_at(served, visit, tmp_path):
    tab = visit(served.address)
    open_ct(tab)
    page = tab.page
    ct, masks = patient(FIRST)
    for phase in ("native", "portal"):
        write_dicom_series(ct, tmp_path / "DOE^JANE" / phase, 3, phase, "20260105")
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, mask in masks.items():
        write_volume(ct.with_voxels(mask.astype(np.uint8)), labels / f"{name}.nii.gz")

    assert tab.line("ct") == "No CT is open"
    type_path(tab, "ct-path", tmp_path / "nowhere", "ct-open")
    assert tab.error() == "There is no such file or folder on this computer; check the path."
    # The folder is sent by the browser, its files are gone once the CT is read.
    page.set_input_files("#ct-upload", str(tmp_path / "DOE^JANE"))
    page.wait_for_selector("#ct-series")
    assert page.locator("#ct-series img").count() == 2
    assert "CT, 50 slices, 3 mm, contrast, 2026-01-05" in page.inner_text("#ct-series")
    page.click("#ct-series .series:has-text('portal phase')")
    until_loaded(tab, "ct-axial")
    assert page.inner_text("#line-ct") == "portal phase, simulated · 2026-01-05: not segmented yet"
    assert page.is_enabled("#ct-segment")

    page.click("#ct-part-labels")
    type_path(tab, "ct-labels", labels, "ct-open-labels")
    page.wait_for_selector("#ct-lesions")
    rows = page.locator("#ct-lesions tbody tr")
    assert rows.count() == 2 and "28.3 mm" in rows.nth(0).inner_text()
    shown = [one.inner_text() for one in page.locator(".structure").all()]
    assert shown == ["Liver", "Portal", "Hepatic", "Tumors"]
    assert "Not registered: the CT stands in a view of its own." in page.inner_text("#ct-banner")

    # A lesion is gone to, and its outline is red until tumors are hidden.
    before = page.input_value("#ct-slider-axial")
    rows.nth(1).click()
    tab.until(lambda: page.input_value("#ct-slider-axial") != before, "another slice")
    until_loaded(tab, "ct-axial")
    red = (235, 64, 52)
    assert colored(tab, "axial", red) > 50
    page.click("#ct-show-tumor")
    tab.until(lambda: colored(tab, "axial", red) == 0, "slices without tumors")
    page.click("#ct-show-tumor")
    tab.until(lambda: colored(tab, "axial", red) > 50, "slices with tumors")

    # Turned in space, and another slice by a click.
    until_loaded(tab, "ct-space")
    seen = page.get_attribute("#ct-space", "src")
    box = page.locator("#ct-space").bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 210, box["y"] + 150, steps=4)
    page.mouse.up()
    tab.until(lambda: page.get_attribute("#ct-space", "src") != seen, "another side")
    at = page.input_value("#ct-slider-coronal")
    box = page.locator("#ct-axial").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    tab.until(lambda: page.input_value("#ct-slider-coronal") != at, "another coronal slice")
    rows.nth(0).click()

    # A plane through the place that is looked at: what goes is darker, and moved, less stays.
    page.click("#ct-part-remnant")
    page.click("#ct-draw-plane")
    page.wait_for_selector("#ct-remnant")
    tab.until(lambda: colored(tab, "axial", (80, 230, 140)) > 100, "the plane in a slice")
    stays = page.inner_text("#ct-remnant p >> nth=0")
    assert "of the liver without tumors" in stays
    page.click("#ct-turn-around")
    tab.until(lambda: page.inner_text("#ct-remnant p >> nth=0") != stays, "the other side that stays")
    before = page.inner_text("#ct-remnant p >> nth=0")
    tab.slide("ct-plane-offset", "ArrowRight", 3)
    tab.until(lambda: page.inner_text("#ct-remnant p >> nth=0") != before, "a plane that was moved")

    # Its line is dragged by the handle in the middle, and the slices that are looked at stay.
    before, at = page.inner_text("#ct-remnant p >> nth=0"), page.input_value("#ct-slider-sagittal")
    box = page.locator("#ct-axial").bounding_box()
    across, down = page.evaluate("window.trame.state.get('ct_cut').axial[1]")
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (across - 0.06), box["y"] + box["height"] * down, steps=3)
    page.mouse.up()
    tab.until(lambda: page.inner_text("#ct-remnant p >> nth=0") != before, "a plane that was dragged")
    assert page.input_value("#ct-slider-sagittal") == at

    # What is no tumor is taken out of the table, and comes back.
    page.click("#ct-part-correct")
    page.click("#ct-remove-2")
    tab.until(lambda: rows.count() == 1, "one lesion less")
    assert page.inner_text("#ct-corrected") == "Corrected by hand, 1 change."
    page.click("#ct-undo")
    tab.until(lambda: rows.count() == 2, "the lesion again")
    assert not page.is_visible("#ct-corrected")

    # It is kept, and can be opened again without another step in between.
    page.click("#ct-part-open")
    page.wait_for_selector("#ct-open-result", state="visible")
    page.click("#ct-part-export")
    page.click("#ct-export")
    exported = served.folder / "ct" / "ct-2026-01-05" / "exported"
    tab.until(lambda: (exported / "report.html").is_file(), "the report on disk")
    assert (exported / "lesions.csv").is_file()
    report = (exported / "report.html").read_text(encoding="utf-8")
    assert "DOE" not in re.sub(r"base64,[\w+/=]+", "", report), "letters of a picture may be anything"
    page.click("#ct-close")
    page.click("#ct-part-open")
    tab.until(lambda: tab.line("ct") == "No CT is open", "a page without a CT")
    content = re.sub(r"base64,[\w+/=]+", "", page.content())
    assert "DOE" not in content and "DOE" not in page.input_value("#ct-path"), content[
        max(0, content.find("DOE") - 200) :
    ][:400]


def test_lesions_are_compared_over_two_dates(served, visit):
    for lesions, date in ((FIRST, "2026-01-05"), (LATER, "2026-04-02")):
        keep_result(served.folder / "ct" / f"ct-{date}", lesions, date)
    tab = visit(served.address)
    open_ct(tab, "follow", "#ct-follow-up")
    page = tab.page
    for date in ("2026-01-05", "2026-04-02"):
        page.get_by_label(f"ct-{date}").click()
    page.wait_for_selector("#ct-follow-up:not([disabled])")
    page.click("#ct-follow-up")
    page.wait_for_selector("#ct-tracks")
    said = page.inner_text("#ct-tracks")
    assert "vanished" in said and "new" in said and "progressive disease" in said
    assert page.locator("#ct-tracks svg circle").count() == 5


def test_a_registered_ct_stands_in_the_operation_with_its_error(served, visit, tmp_path):
    keep_result(served.folder / "ct" / "ct-2026-01-05", FIRST, "2026-01-05")
    ct = np.array([[0.0, 0, 0], [60, 0, 10], [0, 60, 0], [10, 10, 60]])
    there = ct + [(0, 0, 2)] + np.eye(4)[:, :3]
    rows = [f"p{n},{','.join(map(str, [*one, *other]))}" for n, (one, other) in enumerate(zip(ct, there))]
    (tmp_path / "l.csv").write_text(
        "\n".join(["name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s", *rows]), "utf-8"
    )
    tab = visit(served.address)
    page = tab.page
    open_ct(tab, "open", "#ct-open-result")
    page.wait_for_selector("#ct-open-result:not([disabled])")
    page.click("#ct-open-result")
    page.wait_for_selector("#ct-found")
    page.click("#ct-part-register")
    page.click("#ct-touch")
    assert "No tool is live" in tab.error()
    # Or found in the ultrasound, whose slices are seen until it was clicked.
    page.click("#ct-find-landmark")
    page.wait_for_selector("#ct-views", state="hidden")
    # As a hand does it: for a moment a view that has come back does not know how large it is.
    page.wait_for_timeout(500)
    tab.click_in("red", 0.5, 0.5)
    tab.until(lambda: "found in the ultrasound" in page.inner_text("#ct-touched"), "a landmark")
    page.wait_for_selector("#ct-views", state="visible")
    type_path(tab, "ct-landmarks", tmp_path / "l.csv", "ct-register")
    tab.until(lambda: "error at the tumor" in page.inner_text("#ct-banner"), "a registered CT")
    tab.open("navigate")
    said = page.inner_text("#ct-in-space")
    assert said.startswith("CT. In the operation: error at the tumor") and "UTC" in said
    tab.open("ct")
    page.click("#ct-unregister")
    tab.until(lambda: "Not registered" in page.inner_text("#ct-banner"), "a CT that stands by itself again")
    tab.open("navigate")
    assert not page.is_visible("#ct-in-space")
