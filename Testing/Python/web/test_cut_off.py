"""When a tab says that it is cut off from the program: its own script, without a browser, on a clock of its own."""

import json
import subprocess
from pathlib import Path

import pytest
from served_page import LIBRARY

HARNESS = Path(__file__).with_name("page_in_time.js")
SCRIPT = LIBRARY / "CRLMSegmentationLib" / "web" / "page" / "assets" / "page.js"
BEAT = ["beat"]


@pytest.fixture(scope="module")
def said():
    """said(*steps): whether the tab said so after, or within, each step."""
    driver = pytest.importorskip("playwright._impl._driver", reason="no playwright: the page's script was not tested")
    program = driver.compute_driver_executable()
    node = program[0] if isinstance(program, tuple) else program

    def run(*steps):
        begun = [BEAT, ["wait", 11_000], BEAT, ["wait", 200]]
        command = [str(node), str(HARNESS), str(SCRIPT), json.dumps([*begun, *steps])]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        assert found[:4] == [False, True, True, False]
        return found[4:]

    return run


def test_a_program_that_is_silent_for_a_second_is_cut_off_until_it_is_heard_again(said):
    assert said(BEAT, ["wait", 900], BEAT, ["wait", 900]) == [False] * 4
    assert said(BEAT, ["wait", 900], ["wait", 300], BEAT, ["wait", 200]) == [False, False, True, True, False]


def test_a_tab_that_was_held_up_itself_hears_first_what_came_meanwhile(said):
    """Full screen on a busy computer held the tab for more than a second, and it flashed 'No connection'."""
    assert said(["held", 1600], BEAT, ["wait", 500], ["held", 4000], BEAT, ["wait", 500]) == [False] * 6
    # When nothing follows it says so, and at once where it was asleep
    assert said(["held", 1600], ["wait", 1000]) == [False, True]
    assert said(["held", 60_000]) == [True]
