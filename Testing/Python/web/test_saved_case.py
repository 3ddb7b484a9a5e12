"""The page that begins with a finished case, as at the end of the demo, and for other computers; and what a tab says
when the program is started anew.
"""

import re
import socket

import pytest
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.live.frame_engine import FrameEngine
from link_listener import Listener
from pseudo_language import spoken
from served_page import STEPS

FOR_OTHERS = ("--host", "0.0.0.0", "--token", "a-long-enough-token")
# Of a button of the steps: whether it, or its words, are cut off at the right.
BEYOND = (
    "e => e.getBoundingClientRect().right > document.querySelector('.steps').getBoundingClientRect().right"
    " || e.querySelector('.v-btn__content').scrollWidth > e.clientWidth"
)


@pytest.fixture(scope="module")
def publish_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served(serve_all, saved_case, publish_port):
    return serve_all("--case", str(saved_case), "--publish", str(publish_port), *FOR_OTHERS)


@pytest.fixture
def address(served):
    """As a person on this computer types it."""
    port = re.search(r":(\d+)/", served.address).group(1)
    assert served.address.endswith("?token=a-long-enough-token")
    return f"http://127.0.0.1:{port}/?token=a-long-enough-token"


def test_a_saved_case_opens_with_everything_in_it(address, visit, publish_port):
    tab = visit(address)
    page = tab.page
    assert page.inner_text("#data-kind") == "Case round"
    assert "is-open" in page.get_attribute("#step-navigate", "class")
    assert re.match(r"1\.4\d? mL", tab.line("segment"))
    assert "30 x 30 x 30 mm" in tab.line("box")
    # A yellow tumor in space, its contour in a slice
    tab.until(lambda: tab.tumor_pixels("3d") > 200, "a tumor in space")
    tab.until(lambda: tab.tumor_pixels("red") > 30, "a contour in the slice")

    # Another program has it as well
    with Listener(publish_port) as listener:
        tab.until(lambda: listener.read() or listener.heard.get("Tumor"), "the tumor in another program")
        assert len(listener.heard["Tumor"][-1].points) > 100
        tab.until(lambda: "1 program is connected" in page.inner_text("#publish-text"), "who listens")
    # It is switched off and on, and a port that is none is refused with a sentence
    page.click("#stop-publishing")
    page.wait_for_selector("#publish-text", state="detached")
    page.fill("#publish-port", "99999")
    page.click("#publish")
    assert "port from 1 to 65535" in tab.error()
    page.fill("#publish-port", str(publish_port))
    page.click("#publish")
    tab.until(lambda: f"port {publish_port}" in page.inner_text("#publish-text"), "that it is sent again")

    # The network is away for a moment: the page says so, and is there again with everything in it
    tab.is_cut_off = True
    page.evaluate("window.trame.client.getConnection().getSession().close()")
    page.wait_for_selector("#lost")
    assert "comes back by itself" in page.inner_text("#lost")
    page.wait_for_selector("#lost", state="detached")
    page.wait_for_selector("#step-navigate.is-open")
    assert page.inner_text("#data-kind") == "Case round"

    # One press leaves the views and the distance, another brings the panel back
    page.click("#full-screen")
    page.wait_for_selector("#step-navigate", state="hidden")
    assert page.is_visible(".view-3d") and not page.is_visible(".view-red")
    shown = "getComputedStyle(document.getElementById('pinned')).display"
    assert page.evaluate(shown) == "block"
    page.keyboard.press("F9")
    page.wait_for_selector("#step-navigate", state="visible")
    assert page.evaluate(shown) == "none" and page.get_attribute("#full-screen", "aria-pressed") == "false"
    tab.until(lambda: not page.evaluate("!!document.fullscreenElement"), "the browser's own full screen left")
    # Another key reaches the program, which says why not
    page.keyboard.press("F2")
    tab.until(lambda: "Connect first" in page.inner_text("#note-text"), "why nothing is recorded")

    # Who does not see the page, or only with much contrast, can use every step of it
    pytest.importorskip("axe_playwright_python", reason="no axe: nothing looked for barriers on the page")
    for step in (*STEPS, "calibrate", "ct", "scope"):
        tab.open(step)
        page.wait_for_selector(f"#step-{step} .step-body")
        assert tab.barriers(None if step in ("navigate", "ct", "scope") else ".steps") == [], step

    # On the smallest screen nothing is cut off at the right
    page.set_viewport_size({"width": 1024, "height": 768})
    tab.until(lambda: page.evaluate("document.documentElement.scrollWidth") == 1024, "a page as wide as the screen")
    page.click("text=Keys and foot switch")
    page.wait_for_selector(".key-line")
    assert page.evaluate(f"[...document.querySelectorAll('.steps .v-btn')].filter({BEYOND}).map(e => e.id)") == []


def test_a_page_for_others_asks_for_the_token(address, visit):
    outside = visit(address)
    assert "token" not in outside.page.url
    with outside.page.context.browser.new_context() as context:
        page = context.new_page()
        page.goto(address.split("?")[0])
        assert "Type the token" in page.inner_text("form") and page.query_selector("#step-connect") is None
        page.fill("input", "a-long-enough-token")
        page.click("button")
        page.wait_for_selector("#step-connect")


def test_a_tab_tells_that_the_program_was_started_anew_and_grey_buttons_say_why_in_german(
    served, serve_all, address, visit
):
    tab = visit(address)
    page = tab.page
    tab.until(lambda: page.inner_text("#data-kind") == "Case round", "the case")
    tab.is_cut_off = True
    assert served.close() == 0
    page.wait_for_selector("#lost")
    # In another language meanwhile
    serve_all("--port", re.search(r":(\d+)/", served.address).group(1), *FOR_OTHERS, "--language", "de")
    page.wait_for_selector("#restarted")
    assert "neu gestartet" in page.inner_text("#restarted") and page.get_attribute("html", "lang") == "de"
    page.click("#restarted button")
    page.wait_for_selector("#restarted", state="detached")
    assert not page.is_visible("#data-kind")

    def button(name: str) -> tuple[bool, str]:
        return page.is_disabled(f"#{name}"), page.get_attribute(f"#{name}", "title")

    # Nothing is there yet: a button that cannot be pressed says why, and every other what it does
    tab.until(lambda: button("save") == (True, "Noch nichts zu sichern."), "why nothing can be saved")
    assert button("new-case") == (True, "Der Fall ist leer: Noch wurde nichts aufgenommen oder geöffnet.")
    assert button("open-case") == (False, "Einen früher gesicherten Fall öffnen")
    tab.open("record")
    assert button("record") == (True, "Zuerst verbinden: Es kommt nichts, was aufzunehmen wäre.")
    assert page.evaluate("getComputedStyle(document.getElementById('record')).pointerEvents") == "auto"
    # Whether there is a model for live frames is a matter of what is installed.
    with spoken("de"):
        no_model, outline = FrameEngine().why_not, actions.OUTLINE
        help_, label = outline.help, outline.label
    assert page.is_disabled(".outline-switch") is bool(no_model)
    assert page.get_attribute(".outline-switch", "title") == (no_model or help_)
    assert page.inner_text(".outline-switch").lower() == label.lower()
    assert tab.barriers() == []
    tab.open("segment")
    assert button("segment") == (True, "Noch gibt es kein Volumen; zuerst einen Sweep aufnehmen.")

    # Its words are longer, and on the smallest screen nothing is cut off at the right either
    page.set_viewport_size({"width": 1024, "height": 768})
    tab.until(lambda: page.evaluate("document.documentElement.scrollWidth") == 1024, "a page as wide as the screen")
    assert page.evaluate(f"[...document.querySelectorAll('.steps .v-btn')].filter({BEYOND}).map(e => e.id)") == []
    assert page.evaluate("document.querySelector('#save').getBoundingClientRect().right") <= 1024
