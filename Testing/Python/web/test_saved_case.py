"""The page that begins with a finished case, as at the end of the demo; and the page for other computers."""

import re

import numpy as np
import pytest

from CRLMSegmentationLib.geometry import Box, Volume


@pytest.fixture
def saved_case(tmp_path):
    """The folder of a case with a round tumor of 14 mm in a volume of noise."""
    pytest.importorskip("slicer", reason="slicer-core is not installed: no case was saved")
    from CRLMSegmentationLib.scene.session import NavigationSession

    ijk_to_ras = np.diag([0.8, 0.8, 0.8, 1.0])
    noise = np.random.default_rng(3).integers(60, 160, (60, 60, 60)).astype(np.uint8)
    squared = sum((axis - 29.5) ** 2 for axis in np.indices(noise.shape)) * 0.8**2
    session = NavigationSession()
    session.set_volume(Volume(noise, ijk_to_ras))
    session.set_box(Box((23.6, 23.6, 23.6), (30.0, 30.0, 30.0)))
    session.set_segmentation(Volume((squared < 49).astype(np.uint8), ijk_to_ras))
    folder = session.save_case(tmp_path / "round")
    session.close()
    return folder


def test_a_saved_case_opens_with_everything_in_it(serve, visit, saved_case):
    served = serve("--case", str(saved_case))
    tab = visit(served.address)
    page = tab.page
    assert page.inner_text("#data-kind") == "Case round"
    assert "is-open" in page.get_attribute("#step-navigate", "class")
    assert re.match(r"1\.4\d? mL", tab.line("segment"))
    assert "30 x 30 x 30 mm" in tab.line("box")
    # A yellow tumor in space, its contour in a slice
    tab.until(lambda: _yellow(tab.picture("3d")) > 200, "a tumor in space")
    tab.until(lambda: _yellow(tab.picture("red")) > 30, "a contour in the slice")

    # The network is away for a moment: the page says so, and is there again with everything in it
    tab.is_cut_off = True
    page.evaluate("window.trame.client.getConnection().getSession().close()")
    page.wait_for_selector("#lost")
    assert "comes back by itself" in page.inner_text("#lost")
    page.wait_for_selector("#lost", state="detached")
    page.wait_for_selector("#step-navigate.is-open")
    assert page.inner_text("#data-kind") == "Case round"


def test_a_page_for_others_asks_for_the_token(serve, visit):
    served = serve("--host", "0.0.0.0", "--token", "a-long-enough-token")
    port = re.search(r":(\d+)/", served.address).group(1)
    assert served.address.endswith("?token=a-long-enough-token")
    outside = visit(f"http://127.0.0.1:{port}/?token=a-long-enough-token")
    assert "token" not in outside.page.url
    with outside.page.context.browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        assert "Type the token" in page.inner_text("form") and page.query_selector("#step-connect") is None
        page.fill("input", "a-long-enough-token")
        page.click("button")
        page.wait_for_selector("#step-connect")


def _yellow(picture) -> int:
    """Pixels of the tumor's color."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    return int(((red > 120) & (green > 0.6 * red) & (blue < 0.55 * red)).sum())
