"""What the page shows is marked, so that a whole catalogue leaves no English on it; without a browser."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pseudo_language import pseudo_language, spoken, unmarked

pytest.importorskip("trame_vuetify", reason="no trame-vuetify: the page was not tested")

READ_OUT = ("title", ":title", "label", "aria-label", ":aria-label", "alt", "placeholder", "data-alt")


class Shown(HTMLParser):
    """The texts of a template, and the attributes that are read or read out."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name not in READ_OUT or not value:
                continue
            if name.startswith(":"):
                # An expression: only what stands in quotes in it is text.
                value = re.sub(r"\$\{[^}]*\}", "", " ".join(re.findall(r"'[^']*'|`[^`]*`", value)))
            self.texts.append(value)

    def handle_data(self, data):
        # What stands in quotes within an expression is text; the rest of it is not.
        for expression in re.findall(r"\{\{(.*?)\}\}", data, re.DOTALL):
            self.texts += re.findall(r"[?:] ?'([^']*)'", expression)
        self.texts.append(re.sub(r"\{\{.*?\}\}", "", data, flags=re.DOTALL))


class Anything:
    """What buttons call, whatever it is named."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Anything()

    def __call__(self):
        pass


def page_texts(name):
    from CRLMSegmentationLib.web.page.page import Page
    from trame.app import get_server

    server = get_server(name, client_type="vue3")
    page = Page(server, *[Anything() for _ in range(8)])
    shown = Shown()
    shown.feed(page.html)
    return [text.strip() for text in shown.texts if text.strip() and not text.strip().startswith("mdi-")]


def test_every_text_of_the_page_is_marked():
    with pseudo_language():
        texts = page_texts("page of words")
    assert len(texts) > 200
    assert {text: unmarked(text) for text in texts if unmarked(text)} == {}


def test_the_page_is_german():
    with spoken("de"):
        texts = page_texts("page in German")
    for text in ("Verbinden", "Aufnehmen", "Box", "Segmentieren", "Navigieren", "Fall sichern", "CT vor der Operation"):
        assert text in texts
    assert not {"Connect", "Record", "Save the case", "Margin", "Cancel", "Close"} & set(texts)


def test_the_state_of_the_page_is_marked():
    from CRLMSegmentationLib.web.page.page_state import PageState

    with pseudo_language():
        state = PageState()
    shown = [
        state.live_title, state.live_text, *state.slice_titles, *state.step_labels.values(), *state.words.values(),
        *(shape["title"] for shape in state.tool_shapes),
    ]  # fmt: skip
    assert [text for text in shown if unmarked(text)] == []


def test_what_the_session_says_is_marked():
    """Names, help and refusals of every action of an empty session, and what the page makes of it."""
    from CRLMSegmentationLib.session import actions
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationLib.session.state import SessionState, Step, StepStatus
    from CRLMSegmentationLib.web.page import mirror

    session = Session()
    try:
        with pseudo_language():
            for action in actions.ACTIONS:
                for text in (action.label, action.help, action.why_not(session)):
                    assert unmarked(text) == [], action.name
            for status in StepStatus:
                state = SessionState()
                for step in Step:
                    state[step].status = status
                for line in mirror.step_lines(state, is_measuring=False).values():
                    assert unmarked(line["text"]) == [], status
            for origin in ("simulated", "replayed", "live", None):
                assert unmarked(mirror.origin_text(origin)) == unmarked(mirror.live_title(origin)) == []
    finally:
        session.close()


def test_the_read_out_is_marked_and_german():
    import numpy as np
    from CRLMSegmentationLib.navigation.margin import MarginState
    from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
    from CRLMSegmentationLib.session.tools import ToolReading
    from CRLMSegmentationLib.web.page import mirror

    def lines():
        readings = [
            ToolReading("Stylus", status, np.eye(4) if status is ToolStatus.LIVE else None, distance, None, margin)
            for status in ToolStatus
            for distance, margin in ((None, MarginState.UNKNOWN), *((7.5, margin) for margin in MarginState))
        ]
        shown = mirror.tool_lines(readings)
        return [reading.text for reading in readings] + [
            line[name] for line in (*shown, *mirror.lost_lines(shown)) for name in ("distance", "text", "error")
        ]

    with pseudo_language():
        assert [text for text in lines() if unmarked(text)] == []
    with spoken("de"):
        assert "Abstand unterschritten" in lines() and "verloren" in lines()


def test_the_script_has_no_words_of_its_own():
    from CRLMSegmentationLib.web.page import page_state
    from CRLMSegmentationLib.web.page.page_state import PageState

    script = (Path(page_state.__file__).parent / "assets" / "page.js").read_text(encoding="utf-8")
    code = re.sub(r"//[^\n]*", "", script)
    assert [text for text in re.findall(r'"([^"]*)"', code) if re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", text)] == []
    assert set(re.findall(r"\bwords\.(\w+)", code)) == set(PageState().words)


def test_how_the_stream_is_doing_is_marked_and_german():
    from CRLMSegmentationLib.tracking import StreamStatus
    from CRLMSegmentationLib.tracking.age import Age

    ill = StreamStatus(
        connected=True, frames=9, invalid=1, dropped=2, missing=3, repeated=4, crc_errors=5, queued=6, closures=7,
        frames_per_second=8.8, age=Age(0.1), latency_s=0.003,
    )  # fmt: skip
    with pseudo_language():
        for status in (StreamStatus(), ill):
            assert [part for part in str(status).split(", ") if unmarked(part)] == []
    with spoken("de"):
        assert str(StreamStatus()) == "nicht verbunden"
        assert str(ill).startswith("8.8 Bilder/s, 9 Bilder, letztes vor 0.1 s, Verzögerung 3 ms, 1 ohne gültige Pose")
