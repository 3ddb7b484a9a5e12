"""The page that begins with a finished case, as at the end of the demo; and the page for other computers."""

import re
import socket

from link_listener import Listener


def test_a_saved_case_opens_with_everything_in_it(serve, visit, saved_case):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = serve("--case", str(saved_case), "--publish", str(port))
    tab = visit(served.address)
    page = tab.page
    assert page.inner_text("#data-kind") == "Case round"
    assert "is-open" in page.get_attribute("#step-navigate", "class")
    assert re.match(r"1\.4\d? mL", tab.line("segment"))
    assert "30 x 30 x 30 mm" in tab.line("box")
    # A yellow tumor in space, its contour in a slice
    tab.until(lambda: tab.tumor_pixels("3d") > 200, "a tumor in space")
    tab.until(lambda: tab.tumor_pixels("red") > 30, "a contour in the slice")

    # Another program has it as well
    with Listener(port) as listener:
        tab.until(lambda: listener.read() or listener.heard.get("Tumor"), "the tumor in another program")
        assert len(listener.heard["Tumor"][-1].points) > 100

    # The network is away for a moment: the page says so, and is there again with everything in it
    tab.is_cut_off = True
    page.evaluate("window.trame.client.getConnection().getSession().close()")
    page.wait_for_selector("#lost")
    assert "comes back by itself" in page.inner_text("#lost")
    page.wait_for_selector("#lost", state="detached")
    page.wait_for_selector("#step-navigate.is-open")
    assert page.inner_text("#data-kind") == "Case round"


def test_a_tab_tells_that_the_program_was_started_anew(serve, visit, saved_case):
    first = serve("--case", str(saved_case))
    tab = visit(first.address)
    tab.until(lambda: tab.page.inner_text("#data-kind") == "Case round", "the case")
    tab.is_cut_off = True
    assert first.close() == 0
    tab.page.wait_for_selector("#lost")
    serve("--port", re.search(r":(\d+)/", first.address).group(1))
    tab.page.wait_for_selector("#restarted")
    assert "started anew" in tab.page.inner_text("#restarted")
    tab.page.click("#restarted button")
    tab.page.wait_for_selector("#restarted", state="detached")
    assert not tab.page.is_visible("#data-kind")


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
