"""What the page shows of a laparoscope, without a browser: its values, and the newest picture."""

import asyncio
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("trame_server", reason="no trame: the page was not tested")
pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")

import cv2
from CRLMSegmentationLib.session.laparoscope.laparoscope_part import LaparoscopePart
from CRLMSegmentationLib.session.laparoscope.shown_frame import ShownFrame
from CRLMSegmentationLib.session.laparoscope.video_sources import VideoFrame
from CRLMSegmentationLib.values.landmarks import Polyline
from CRLMSegmentationLib.web.page.page_state import PageState
from CRLMSegmentationLib.web.page.scope.scope_values import scope_values
from CRLMSegmentationLib.web.server.scope_pictures import ScopePictures


class Playing(LaparoscopePart):
    """A video whose newest frame is known."""

    is_open = is_playing = True
    frames_per_second = 24.6
    newest = ShownFrame(
        VideoFrame("frame_000007", np.zeros((30, 40, 3), np.uint8), 0.0),
        (Polyline("ridge", [[0, 0], [30, 0]], 0.8), Polyline("ridge", [[0, 9], [10, 9]], 0.4)),
        np.full((30, 40, 3), (200, 40, 40), np.uint8), 20.0, 4.0,
    )  # fmt: skip


def test_landmarks_stand_with_their_confidence_and_what_is_missing_is_said():
    shown = scope_values(Playing(lambda error: None), str)
    assert set(shown) <= set(asdict(PageState()))
    assert [one["percent"] for one in shown["scope_landmarks"]] == ["70 %", "not seen", "not seen"]
    assert (shown["scope_line"], shown["scope_frame"]) == ("25 frames/s", "frame_000007")
    assert all(one["shown"] for one in shown["scope_switches"]) and shown["scope_there"]
    without_network = replace(Playing.newest, lines=(), network_ms=None)
    assert set(without_network.confidence_texts().values()) == {"not looked for"}
    closed = scope_values(LaparoscopePart(lambda error: None), str)
    assert closed["scope_line"] == "No video is open" and closed["scope_landmarks"] == [] and not closed["scope_there"]


def test_a_calibration_of_the_camera_says_how_far_it_is_and_what_speaks_against_it():
    part = Playing(lambda error: None)
    shown = scope_values(part, str)
    assert not shown["scope_calibrating"] and not shown["scope_result_waits"] and shown["scope_calibration"] == ""
    found = SimpleNamespace(is_running=False, result=SimpleNamespace(doubts=("Only 3",)), text="Error 0.1", problem="")
    part.calibration = found
    shown = scope_values(part, str)
    assert (shown["scope_calibration"], shown["scope_calibration_doubts"]) == ("Error 0.1", ["Only 3"])
    part.calibration = SimpleNamespace(is_running=True, result=None, text="", problem="No board was found")
    assert scope_values(part, str)["scope_calibration"] == "No board was found"


def test_the_newest_picture_is_sent_in_its_colors():
    sent = asyncio.run(ScopePictures(Playing(lambda error: None)).picture(SimpleNamespace(query={})))
    picture = cv2.imdecode(np.frombuffer(sent.body, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape == (30, 40, 3) and np.abs(picture.astype(int) - (200, 40, 40)).max() < 12
    missing = asyncio.run(ScopePictures(LaparoscopePart(lambda error: None)).picture(SimpleNamespace(query={})))
    assert missing.status == 404
