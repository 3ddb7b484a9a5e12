"""A button that cannot be pressed yet says why, on the page as a person sees it."""

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.live.frame_engine import FrameEngine


def test_a_grey_button_says_why_and_every_other_what_it_does(serve, visit):
    tab = visit(serve().address)
    page = tab.page

    def button(name: str) -> tuple[bool, str]:
        return page.is_disabled(f"#{name}"), page.get_attribute(f"#{name}", "title")

    tab.until(lambda: button("save") == (True, "Nothing to save yet."), "why nothing can be saved")
    assert button("new-case") == (True, "The case is empty: nothing was recorded or opened yet.")
    assert button("open-case") == (False, "Open a case that was saved before")
    tab.open("record")
    assert button("record") == (True, "Connect first: nothing comes that could be recorded.")
    assert page.evaluate("getComputedStyle(document.getElementById('record')).pointerEvents") == "auto"
    # Whether there is a model for live frames is a matter of what is installed.
    no_model = FrameEngine().why_not
    assert page.is_disabled(".outline-switch") is bool(no_model)
    assert page.get_attribute(".outline-switch", "title") == (no_model or actions.OUTLINE.help)
    assert page.inner_text(".outline-switch").lower() == actions.OUTLINE.label.lower()
    tab.open("segment")
    assert button("segment") == (True, "There is no volume yet; record a sweep first.")
