"""A page that is really served, and a real browser that goes through it."""

import os
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served_page import NO_CHROMIUM, STEPS, ServedPage, chromium_program

SCREENSHOTS = "CRLM_SCREENSHOTS"
_PATIENCE_S = 600


class Visitor:
    """A tab of the browser, with what a person does on the page.

    problems    what the page's scripts threw
    is_cut_off  set by a test that takes the connection away: what is thrown then is no problem of the page
    """

    def __init__(self, page, address: str):
        self.page, self.address = page, address
        self.problems: list[str] = []
        self.is_cut_off = False
        page.on("pageerror", lambda error: self.is_cut_off or self.problems.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#step-connect")

    def line(self, step: str) -> str:
        """What the page says of a step."""
        return self.page.inner_text(f"#line-{step}")

    def label(self, step: str) -> str:
        """Its status as its label."""
        return self.page.inner_text(f"#label-{step}")

    def open(self, step: str) -> None:
        """Open a step as a person does: its title is pressed once, and it stays open."""
        self.page.click(f"#step-{step} .step-head")
        self.page.wait_for_selector(f"#step-{step} .step-body", state="visible")

    def error(self) -> str:
        """The sentence of an error, once it is there; closes it, so that the next one is not taken for it."""
        self.page.wait_for_selector("#error-text", state="visible")
        sentence = self.page.inner_text("#error-text")
        # A press is no click where the sentence, which slides in, moves away below it: a person presses again.
        for _press in range(3):
            self.page.click("#close-error")
            until = time.monotonic() + _PATIENCE_S / 10
            while time.monotonic() < until:
                if not self.page.is_visible("#error-text"):
                    return sentence
                self.page.wait_for_timeout(50)
        raise AssertionError(f"The error stays although it was closed three times: {sentence}")

    def until(self, is_so, what: str, patience_s: float = _PATIENCE_S) -> None:
        """Wait until is_so() holds. How long that took is shown when the test fails."""
        began = time.monotonic()
        until = began + patience_s
        while not is_so():
            if time.monotonic() > until:
                said = {step: self.line(step) for step in STEPS}
                said["over it"] = [one.inner_text() for one in self.page.locator("#error-text, .ask").all()]
                raise AssertionError(f"{what} did not happen; the page says {said}")
            self.page.wait_for_timeout(200)
        print(f"{time.monotonic() - began:6.1f} s until {what}")

    def until_line(self, step: str, pattern: str, patience_s: float = _PATIENCE_S) -> str:
        """Wait until the page says something of a step; what it says."""
        self.until(lambda: re.search(pattern, self.line(step)), f"'{pattern}' at {step}", patience_s)
        return self.line(step)

    def until_still(self, step: str) -> str:
        """Wait until the page has said the same of a step for a while; what it says."""
        said = [self.line(step), time.monotonic()]

        def is_still() -> bool:
            now = self.line(step)
            if now != said[0]:
                said[:] = now, time.monotonic()
            return time.monotonic() - said[1] > 1.5

        self.until(is_still, f"an end of the changes at {step}")
        return said[0]

    def picture(self, view: str):
        """float array (rows, columns, 3) of what a view shows: live, 3d, red, green or yellow."""
        import io

        import numpy as np
        from PIL import Image

        image = self.page.locator(f".view-{view}").screenshot()
        return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), dtype=float)

    def tumor_pixels(self, view: str) -> int:
        """How many pixels of a view, below its text, have the color of the tumor."""
        picture = self.picture(view)[140:]
        red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
        return int(((red > 120) & (green > 0.6 * red) & (blue < 0.55 * red)).sum())

    def keep(self, name: str) -> None:
        """Keep a picture of the whole page as NAME.png in the folder that CRLM_SCREENSHOTS names, if it names one."""
        import io

        from PIL import Image

        folder = os.environ.get(SCREENSHOTS)
        if folder:
            # Every view has shown its last change by then.
            self.page.wait_for_timeout(2500)
            whole = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
            Path(folder).mkdir(parents=True, exist_ok=True)
            # 256 colors are enough for a page and its grey pictures, and keep the file small.
            whole.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(Path(folder) / f"{name}.png", optimize=True)

    def until_picture(self, view: str, before, least: float = 1.0):
        """Wait until a view shows another picture than `before`, by a mean of `least` grey levels; the new one."""
        import numpy as np

        found = [before]

        def changed() -> bool:
            found[0] = self.picture(view)
            return found[0].shape != before.shape or np.abs(found[0] - before).mean() > least

        self.until(changed, f"another picture in {view}")
        return found[0]

    def click_in(self, view: str, across: float, down: float) -> None:
        """Click in a view, at a part of its width and height."""
        box = self.page.locator(f".view-{view}").bounding_box()
        self.page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)

    def drag_in(self, view: str, start, end, steps: int = 8) -> None:
        """Press the left button at `start`, move to `end` and release; parts of width and height."""
        box = self.page.locator(f".view-{view}").bounding_box()
        at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
        mouse = self.page.mouse
        # As a hand does it: a handle lights up before it is taken.
        mouse.move(at[0][0] - 6, at[0][1] - 6)
        mouse.move(*at[0], steps=4)
        self.page.wait_for_timeout(400)
        mouse.down()
        for number in range(1, steps + 1):
            part = number / steps
            mouse.move(*(first + (last - first) * part for first, last in zip(*at)))
            self.page.wait_for_timeout(60)
        mouse.up()

    def choose(self, tool: str) -> None:
        """Press the button of a tool that works in the slices, and wait as a person does until the page shows that it
        is chosen: what the mouse does before that is another's.
        """
        self.page.click(f"#{tool}")
        self.page.wait_for_selector(f"#{tool}[aria-pressed='true']")

    def place_seed(self, view: str, across: float, down: float) -> None:
        """Let the region grow from a place in a view; the page asks for the click first."""
        self.page.click("#place-seed")
        self.page.wait_for_selector(".call:has-text('Click inside the tumor')")
        self.click_in(view, across, down)

    def barriers(self, within: str | None = None) -> list[str]:
        """What axe finds serious or critical on the page now, or in one of its elements: rule, help, elements."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, within, {"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
            for one in found if one["impact"] in ("serious", "critical")
        ]  # fmt: skip

    def slide(self, slider_id: str, key: str, times: int) -> None:
        """Move a slider with the keyboard."""
        self.page.locator(f"#{slider_id} .v-slider-thumb").focus()
        for _ in range(times):
            self.page.keyboard.press(key)


# Not for the whole session: while it is there an event loop runs, and tests of other modules need one of their own.
@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; the tests skip aloud where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: the page was not tested")
    pytest.importorskip("trame_slicer", reason="no trame-slicer: the page was not tested")
    program = chromium_program()
    if program is None:
        pytest.skip(f"{NO_CHROMIUM}: the page was not tested")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def pytest_collection_modifyitems(items):
    """A whole workflow in software rendering, beside whatever else the machine does, may take its time."""
    for item in items:
        if "visit" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def visit(chromium):
    """visit(address): a Visitor; every tab is closed at the end and must not have shown a fault of its script."""
    visitors, contexts = [], []

    def open_tab(address: str, context=None, **options) -> Visitor:
        if context is None:
            # Nothing on the page moves by itself: without a graphics card that costs more than what is tested.
            options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
            context = chromium.new_context(**options)
            context.set_default_timeout(1000 * _PATIENCE_S)
            contexts.append(context)
        visitors.append(Visitor(context.new_page(), address))
        return visitors[-1]

    yield open_tab
    for context in contexts:
        context.close()
    assert [problem for visitor in visitors for problem in visitor.problems] == []


@contextmanager
def _serving(folder: Path):
    """start(*arguments): a ServedPage with a folder of its own; each has to end in good order."""
    pages = []

    def start(*arguments: str) -> ServedPage:
        own = folder / f"page{len(pages)}"
        own.mkdir()
        pages.append(ServedPage(own, *arguments))
        return pages[-1]

    yield start
    for page in pages:
        status = page.close()
        assert status == 0, page.terminal
        assert "Traceback" not in page.terminal and "Refused:" not in page.terminal, page.terminal


@pytest.fixture
def serve(tmp_path):
    """serve(*arguments): a ServedPage for one test."""
    with _serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def serve_all(tmp_path_factory):
    """serve_all(*arguments): a ServedPage that the tests of a file go on with, one after the other. A start costs some
    seconds of processor time.
    """
    with _serving(tmp_path_factory.mktemp("pages")) as start:
        yield start


@pytest.fixture(scope="module")
def saved_case(tmp_path_factory):
    """The folder of a case with a round tumor of 14 mm about (23.6, 23.6, 23.6) mm in a volume of noise."""
    pytest.importorskip("slicer", reason="slicer-core is not installed: no case was saved")
    import numpy as np
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationLib.values import Box, Volume

    ijk_to_ras = np.diag([0.8, 0.8, 0.8, 1.0])
    noise = np.random.default_rng(3).integers(60, 160, (60, 60, 60)).astype(np.uint8)
    squared = sum((axis - 29.5) ** 2 for axis in np.indices(noise.shape)) * 0.8**2
    session = Session()
    session.volume.set(Volume(noise, ijk_to_ras))
    session.box.set(Box((23.6, 23.6, 23.6), (30.0, 30.0, 30.0)))
    session.tumor.set(Volume((squared < 49).astype(np.uint8), ijk_to_ras))
    folder = session.case.save(tmp_path_factory.mktemp("case") / "round")
    session.close()
    return folder
