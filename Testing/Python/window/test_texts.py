"""What the window says: read-outs, warnings, and colors that can be told apart by everybody."""

import math
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.tracking.age import Age


def reading(status="LIVE", distance_mm=None, margin="UNKNOWN", other=None):
    """As the session gives it: see session.tools.ToolReading."""
    return SimpleNamespace(
        name="Stylus",
        status=SimpleNamespace(name=status),
        signed_distance_mm=distance_mm,
        margin=MarginState[margin],
        other=other,
    )


@pytest.mark.parametrize(
    "given, kind, number",
    [
        (reading(distance_mm=12.34, margin="CLEAR"), "good", "12.3 mm"),
        (reading(distance_mm=3.0, margin="WITHIN_MARGIN"), "warn", "3.0 mm"),
        (reading(distance_mm=-2.04, margin="INSIDE"), "bad", "\u22122.0 mm"),
        (reading(distance_mm=-0.01, margin="INSIDE"), "bad", "0.0 mm"),
        (reading(), "idle", "--"),
        (reading("NEVER_SEEN"), "idle", "--"),
    ],
)
def test_the_readout_of_a_tool(window_module, given, kind, number):
    shown_kind, shown_number, words = window_module("panels.readout").readout_of(given)
    assert (shown_kind, shown_number) == (kind, number) and words


@pytest.mark.parametrize("status", ["INVALID", "TOO_OLD", "anything that is not live"])
def test_a_lost_tool_never_has_a_number(window_module, status):
    # Also when a distance is still known from before.
    kind, number, words = window_module("panels.readout").readout_of(reading(status, distance_mm=4.0, margin="CLEAR"))
    assert kind == "lost" and not any(letter.isdigit() for letter in number + words)


def test_every_status_of_a_tool_that_is_not_live_reads_as_lost_or_unseen(window_module):
    from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus

    readout_of = window_module("panels.readout").readout_of
    for status in ToolStatus:
        kind, number, _ = readout_of(reading(status.name, distance_mm=4.0, margin="CLEAR"))
        assert (kind in ("lost", "idle") and "4" not in number) == (status is not ToolStatus.LIVE)


def test_every_margin_state_has_a_color_and_words(window_module):
    readout = window_module("panels.readout")
    for state in MarginState:
        kind, _, words = readout.readout_of(reading(distance_mm=1.0, margin=state.name))
        assert kind and words


def test_every_step_status_has_a_color_and_a_word(window_module):
    from CRLMSegmentationLib.session.state import StepStatus

    panel, style = window_module("panels.step_panel"), window_module("style")
    words = [panel.status_label(status) for status in StepStatus]
    assert all(kind in style.COLORS for kind, _ in words) and len({word for _, word in words}) == len(words)


def luminance(color):
    """Relative luminance of WCAG 2.1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_words_can_be_read_on_their_colors(window_module):
    for kind, (background, text) in window_module("style").COLORS.items():
        dark, light = sorted((luminance(background), luminance(text)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, kind


def stream(connected=True, seconds=0.1):
    return SimpleNamespace(connected=connected, age=Age(seconds))


@pytest.mark.real_ages
@pytest.mark.parametrize(
    "status, pose_is_valid, warns",
    [
        (stream(), True, False),
        (stream(), False, True),
        (stream(seconds=0.7), True, True),
        (stream(seconds=math.inf), True, True),
        (stream(connected=False), True, True),
        (None, True, True),
    ],
)
def test_the_live_view_says_when_it_is_not_live(window_module, status, pose_is_valid, warns):
    assert bool(window_module("view.live_slice").warning_of(status, pose_is_valid)) is warns


def test_times_and_sentences(window_module):
    minutes, sentence_of = window_module("panels.segment_panel").minutes, window_module("panels.step_panel").sentence_of
    assert [minutes(7.4), minutes(65), minutes(600)] == ["7 s", "1:05 min", "10:00 min"]
    assert [sentence_of(""), sentence_of(" the box "), sentence_of("Done.")] == ["", "The box.", "Done."]
