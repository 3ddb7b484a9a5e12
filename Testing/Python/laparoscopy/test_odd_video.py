"""Video that is not as it should be: two moments in one picture, frames that come unevenly, more than 8 bits."""

import numpy as np
import pytest
from CRLMSegmentationLib.laparoscopy.picture import as_colors, is_interlaced, one_field
from CRLMSegmentationLib.session.laparoscope import video_sources


def scene(shift):
    """Bright bars with soft borders, moved to the right."""
    u = np.arange(480) - shift
    bars = 120 + 80 * np.sin(u / 11.0)
    picture = np.repeat(bars[None], 270, axis=0) + 20 * np.sin(np.arange(270) / 23.0)[:, None]
    return np.repeat(np.clip(picture, 0, 255)[..., None], 3, axis=-1).astype(np.uint8)


def test_two_moments_in_one_picture_are_told_and_one_is_taken():
    picture = scene(0)
    assert not is_interlaced(picture) and not is_interlaced(np.zeros_like(picture))
    noise = np.random.default_rng(1).normal(0, 6, picture.shape)
    assert not is_interlaced(np.clip(picture + noise, 0, 255).astype(np.uint8))
    both = picture.copy()
    both[1::2] = scene(9)[1::2]
    assert is_interlaced(both) and is_interlaced(both[..., 0]) and is_interlaced(both[:269])
    for shown in (one_field(both), one_field(both[:269])):
        assert not is_interlaced(shown)
        assert np.abs(shown.astype(int) - picture[: len(shown)]).max() <= 3
    assert np.array_equal(both[1::2], scene(9)[1::2])


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_more_bits_are_the_same_colors(bits):
    picture = scene(3)
    picture[0, 0] = 255
    wide = picture.astype(np.uint16) << (bits - 8)
    assert np.array_equal(as_colors(wide), picture)


class Capture:
    """In the place of OpenCV's: frames with times in ms."""

    CAP_PROP_POS_MSEC = 0

    def __init__(self, times_ms):
        self._times, self._at, self.is_released = times_ms, -1, False

    def VideoCapture(self, path):
        return self

    def grab(self):
        self._at += 1
        return self._at < len(self._times)

    def get(self, _):
        return self._times[self._at]

    def retrieve(self):
        return True, np.full((4, 6, 3), self._at, np.uint8)

    def release(self):
        self.is_released = True


@pytest.mark.parametrize("times_ms, due_s", [
    ([0, 40, 80, 480, 980], [0, 0.04, 0.08, 0.48, 0.98]), ([500, 520, 540], [0, 0.02, 0.04]),
    ([0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),
])  # fmt: skip
def test_frames_are_due_at_their_own_times(monkeypatch, times_ms, due_s):
    """Also when the rate changes, and by 25 frames/s when the file says nothing."""
    capture = Capture(times_ms)
    monkeypatch.setattr(video_sources, "opencv", lambda: capture)
    frames = list(video_sources._video_frames("video.mp4"))
    assert [due for due, _, _ in frames] == pytest.approx(due_s) and capture.is_released
    assert [name for _, name, _ in frames][:2] == ["frame_000000", "frame_000001"]


def test_frames_that_come_too_late_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(video_sources, "opencv", lambda: Capture([0, 40, 80, 120, 160, 5000]))
    monkeypatch.setattr(video_sources, "video_source", lambda path: video_sources.VideoSource(video=tmp_path / "v.mp4"))
    now = iter([0.0, 0.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3])
    feed = video_sources.FileFeed("v.mp4", clock=lambda: next(now))
    assert feed.next().picture[0, 0, 0] == 0
    # At 0.3 s those of 0.04 to 0.16 s are late; that of 5 s is not due yet.
    assert feed.next() is None and not feed.has_ended
    feed.close()
    assert feed.has_ended
