"""Video that is not as it should be: two moments in one picture, frames that come unevenly, more than 8 bits; and of a
device that is not there, or goes.
"""

import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, LaparoscopeError
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import FoundLandmarks
from CRLMSegmentationLib.laparoscopy.picture import as_colors, is_interlaced, one_field
from CRLMSegmentationLib.session.laparoscope import live_feeds, video_sources, video_worker
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.sequence_files.sequence_reader import SequenceReader


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


class Grabber:
    """In the place of OpenCV's capture device: so many pictures, each of its number, blue before green before red."""

    def __init__(self, count):
        self._count, self._at, self.is_released = count, 0, False

    def VideoCapture(self, number):
        self.number = number
        return self

    def isOpened(self):
        return self._count is not None

    def read(self):
        self._at += 1
        picture = np.broadcast_to(np.array([self._at, 20, 200], np.uint8), (6, 8, 3))
        return self._at <= self._count, picture

    def release(self):
        self.is_released = True


def frames_until_it_ends(feed):
    """What a device gives, and the sentence with which it ends."""
    frames, deadline = [], time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            frame = feed.next()
        except LaparoscopeError as error:
            return frames, str(error)
        frames += [frame] if frame is not None else []
    raise AssertionError("it does not end")


def test_a_capture_device_gives_its_newest_picture_and_says_when_it_is_gone(monkeypatch):
    grabber = Grabber(3)
    monkeypatch.setattr(live_feeds, "opencv", lambda: grabber)
    feed = live_feeds.DeviceFeed(2)
    frames, sentence = frames_until_it_ends(feed)
    assert grabber.number == 2 and grabber.is_released and feed.title == "Capture device 2"
    assert sentence == "The capture device 2 gives no more pictures: was it unplugged, or the camera switched off?"
    assert tuple(frames[-1].picture[0, 0]) == (200, 20, 3) and not frames[-1].tracked.valid
    feed.close()
    assert feed.has_ended


def test_all_pictures_of_a_capture_device_are_recorded(monkeypatch, tmp_path):
    recorder = Recorder(tmp_path / "video.igs.mha", keep_color=True)
    grabber = Grabber(5)
    opened = grabber.VideoCapture

    def open_when_recorded(number):
        feed.record(recorder)
        return opened(number)

    monkeypatch.setattr(grabber, "VideoCapture", open_when_recorded)
    monkeypatch.setattr(live_feeds, "opencv", lambda: grabber)
    monkeypatch.setattr(live_feeds.threading.Thread, "start", lambda thread: None)
    feed = live_feeds.DeviceFeed(0)
    monkeypatch.undo()
    monkeypatch.setattr(live_feeds, "opencv", lambda: grabber)
    monkeypatch.setattr(grabber, "VideoCapture", open_when_recorded)
    feed._thread.start()
    frames_until_it_ends(feed)
    feed.record(None)
    [file] = recorder.stop()
    assert [frame.pixels[0, 0, 2] for frame in SequenceReader(file, keep_color=True)] == [1, 2, 3, 4, 5]


def test_a_device_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(live_feeds, "opencv", lambda: Grabber(None))
    frames, sentence = frames_until_it_ends(live_feeds.DeviceFeed(1))
    assert frames == [] and sentence.startswith("The capture device 1 cannot be opened: is it plugged in")
    with pytest.raises(ConfigurationError, match="from 0 to 63, not 64"):
        live_feeds.DeviceFeed(64)


class OneByOne:
    """A video whose frames come when a test says so."""

    title, has_ended, waiting_for = "one by one", False, ""

    def __init__(self):
        self.waiting, self.is_over = [], False

    def next(self):
        time.sleep(0.002)
        self.has_ended = self.is_over and not self.waiting
        return self.waiting.pop(0) if self.waiting else None

    def send(self, *names):
        for name in names:
            picture = np.full((30, 40, 3), 90, np.uint8)
            self.waiting.append(video_sources.VideoFrame(name, picture, time.monotonic()))

    def close(self):
        self.is_over = True


def until(is_so):
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_landmarks_are_found_in_the_next_frame_while_one_is_drawn_and_in_none_for_nothing(monkeypatch):
    may_draw, found, drawn = threading.Event(), [], []

    class Finder:
        def find(self, picture):
            found.append(picture)
            return FoundLandmarks([], np.zeros((3, 320, 416), np.float32), 1.0, 1.0)

    def draw(frame, *others):
        drawn.append(frame.name)
        may_draw.wait(60)
        return frame.picture

    monkeypatch.setattr(video_worker, "drawn_over", draw)
    feed = OneByOne()
    worker = video_worker.VideoWorker(feed, lambda: (Finder(), lambda: None))
    try:
        until(lambda: not worker.is_starting)
        feed.send("first")
        until(lambda: drawn == ["first"])
        feed.send("second", "third")
        until(lambda: len(found) == 2)
        time.sleep(0.1)
        # The third is not taken from its feed, which would give a newer one instead.
        assert len(found) == 2 and len(feed.waiting) == 1 and worker.newest is None and worker.is_playing
        may_draw.set()
        until(lambda: worker.newest is not None and worker.newest.frame.name == "third")
        assert drawn == ["first", "second", "third"] and worker.newest.late_ms > 0
        # The last frame of a video is drawn before it is at its end.
        feed.send("last")
        feed.is_over = True
        until(lambda: not worker.is_playing)
        assert worker.newest.frame.name == "last"
    finally:
        may_draw.set()
        worker.close()
    assert not worker.is_playing
