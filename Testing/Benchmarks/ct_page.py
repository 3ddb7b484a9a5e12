"""Pictures of the CT on the page, of a simulated patient at two dates, for the documentation.

python Testing/Benchmarks/ct_page.py --seed 5 --pictures docs/pictures

Takes a minute or two. Needs Chromium and the extra `web`; see Testing/Python/web/conftest.py.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.ct.dicom import date_after, write_dicom_series
from CRLMSegmentationLib.simulation.patient import at_date, draw_patient
from CRLMSegmentationLib.simulation.patient.labels import LABELS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python" / "web"))

from conftest import SCREENSHOTS, Visitor
from served_page import NO_CHROMIUM, ServedPage, chromium_program

# What other programs call liver has no vessels in it, which go on outside.
_MASKS = {
    "liver": ("liver", "bile duct", "artery", "metastasis", "cyst", "hemangioma", "fat in the liver"),
    "portal_vein": ("portal vein",),
    "hepatic_veins": ("hepatic vein",),
    "liver_tumor": ("metastasis",),
}
_DATES = {0: ("native", "arterial", "portal"), 1: ("portal",)}
_THICKNESS_MM, _PIXELS = 3.0, 320
_PATIENCE_MS = 600_000


def simulate(seed: int, folder: Path) -> None:
    """dicomDATE/PHASE and labelsDATE of each date; the labels are the truth."""
    first = draw_patient(seed)
    for date, phases in _DATES.items():
        patient = at_date(first, date)
        for phase in phases:
            ct, labels = scan(patient, CtSettings(phase, _THICKNESS_MM, pixels=_PIXELS))
            write_dicom_series(ct, folder / f"dicom{date}" / phase, seed, phase, date_after(patient.days))
        (folder / f"labels{date}").mkdir()
        for name, parts in _MASKS.items():
            mask = np.isin(labels.voxels, [LABELS[part] for part in parts])
            write_volume(labels.on_grid(mask.astype(np.uint8)), folder / f"labels{date}" / f"{name}.nii.gz")


def open_date(tab: Visitor, folder: Path, date: int) -> None:
    """Open the portal venous CT of a date, and its labels."""
    page = tab.page
    if not page.is_visible("#ct-path"):
        page.click("#ct-part-open")
    page.fill("#ct-path", str(folder / f"dicom{date}"))
    page.click("#ct-open")
    if len(_DATES[date]) > 1:
        page.wait_for_selector("#ct-series")
        tab.keep("web-ct-series")
        page.click("#ct-series .series:has-text('portal phase')")
    page.wait_for_selector("#ct-segment")
    page.click("#ct-part-labels")
    page.fill("#ct-labels", str(folder / f"labels{date}"))
    page.click("#ct-open-labels")
    page.wait_for_selector("#ct-lesions")


def take_pictures(address: str, folder: Path, program: str) -> None:
    """Go through the page as a person does."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(_PATIENCE_MS)
        tab = Visitor(context.new_page(), address)
        tab.open("ct")
        open_date(tab, folder, 0)
        page = tab.page
        page.locator("#ct-lesions tbody tr").first.click()
        page.click("#ct-part-labels")
        page.locator("#step-ct").scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('#ct-space').naturalWidth > 300")
        page.mouse.move(5, 5)
        tab.keep("web-ct")
        page.click("#ct-part-export")
        page.click("#ct-close")
        page.wait_for_selector("#ct-found", state="detached")
        open_date(tab, folder, 1)
        page.click("#ct-part-follow")
        boxes = page.locator("#step-ct input[type=checkbox]")
        for number in range(boxes.count()):
            boxes.nth(number).click()
        page.wait_for_selector("#ct-follow-up:not([disabled])")
        page.click("#ct-follow-up")
        page.wait_for_selector("#ct-tracks")
        page.locator("#ct-tracks").scroll_into_view_if_needed()
        tab.keep("web-ct-follow-up")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=5, help="number of the patient")
    parser.add_argument("--pictures", required=True, metavar="FOLDER", help="folder for the pictures")
    arguments = parser.parse_args()
    program = chromium_program()
    if program is None:
        parser.error(NO_CHROMIUM)
    os.environ[SCREENSHOTS] = arguments.pictures
    with tempfile.TemporaryDirectory() as folder:
        simulate(arguments.seed, Path(folder))
        page_folder = Path(folder) / "page"
        page_folder.mkdir()
        served = ServedPage(page_folder)
        try:
            take_pictures(served.address, Path(folder), program)
        finally:
            served.close()


if __name__ == "__main__":
    main()
