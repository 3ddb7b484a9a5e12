"""Colour video over OpenIGTLink into a session, through a real socket: what is shown, with which pose."""

import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import FoundLandmarks
from CRLMSegmentationLib.laparoscopy.picture import is_interlaced
from CRLMSegmentationLib.laparoscopy.video import pictures_of, video_source
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.sweep.sequence_files.sequence_formats import read_sequence_header
from CRLMSegmentationLib.sweep.sequence_files.sequence_pixels import SequencePixels
from CRLMSegmentationLib.sweep.sequence_files.sequence_reader import SequenceReader
from CRLMSegmentationLib.sweep.sequence_files.sequence_writer import SequenceWriter
from CRLMSegmentationLib.sweep.tracked_frame import TrackedFrame
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.message_parts import MalformedMessage
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from CRLMSegmentationLib.tracking.openigtlink.video_message import VideoMessage
from CRLMSegmentationLib.tracking.video_decoder import NO_DECODER, VideoDecoder
from CRLMSegmentationLib.values.landmarks import Polyline

pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
_PATIENCE_S = 60
SIZE = (64, 48)


class Line:
    """In the place of a network: a ridge along the middle row, whatever its size; none where it is dark."""

    def find(self, picture):
        height, width = picture.shape[:2]
        ridge = Polyline("ridge", [[width * 0.2, height // 2], [width * 0.8, height // 2]], 1.0)
        lines = [ridge] if picture.max() > 30 else []
        return FoundLandmarks(lines, np.zeros((3, 320, 416), np.float32), 20.0, 4.0, is_interlaced(picture))


def picture_of(number, size=SIZE):
    """Each channel with a gradient of its own, which says where it was cut, turned or swapped; and the number."""
    u, v = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([60 + u, 60 + v, np.full_like(u, 100 + number)], axis=-1).astype(np.uint8)


def pose_of(number):
    pose = np.eye(4)
    pose[:3, 3] = number, -2 * number, 5
    return pose


def wait_until(session, is_so):
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so(session.laparoscope):
        part = session.laparoscope
        assert time.monotonic() < deadline, (part.problem, part.landmarks_text, part.doubts)
        session.process()
        time.sleep(0.002)


@pytest.fixture
def server():
    with Server() as server:
        yield server


@pytest.fixture
def session(server):
    """A session with a laparoscope that is connected to `server`."""
    session = Session()
    session.laparoscope.begin = lambda name: (Line(), lambda: None)
    actions.CONNECT_SCOPE.run(session, "127.0.0.1", server.port, "Laparoscope")
    assert server.wait_for_client(_PATIENCE_S)
    yield session
    session.close()


def send(server, number, picture):
    """A turn: the tracker first, with poses of other times around the picture's, then the picture."""
    at_s = 100 + number / 20
    server.send([
        transform_message(pose_of(number), "ScopeToReference", at_s),
        image_message(picture, np.eye(4), "Laparoscope_Video", at_s),
        transform_message(pose_of(number + 0.4), "ScopeToReference", at_s + 0.02),
    ])  # fmt: skip


def shown(session, server, number, picture):
    """What the session makes of a picture that is sent."""
    send(server, number, picture)

    def has_come(part):
        newest = part.newest
        return newest is not None and newest.frame.tracked.timestamp == pytest.approx(100 + number / 20, abs=1e-6)

    wait_until(session, has_come)
    return session.laparoscope.newest


def test_colors_size_and_the_pose_of_the_same_time_arrive_and_lines_are_drawn(session, server):
    part = session.laparoscope
    wait_until(session, lambda part: part.landmarks_text == "No frame has come yet.")
    for number in range(4):
        newest = shown(session, server, number, picture_of(number))
        assert np.array_equal(newest.frame.picture, picture_of(number))
        pose = newest.frame.tracked.transforms["ScopeToReference"]
        np.testing.assert_allclose(pose.matrix, pose_of(number), atol=1e-6)
        assert pose.valid
    wait_until(session, lambda part: part.newest.lines)
    drawn = part.newest.picture
    assert drawn.shape == (48, 64, 3) and np.abs(drawn[24, 32].astype(int) - (255, 70, 60)).max() < 30
    far = np.abs(np.arange(48) - 24) > 3
    assert np.array_equal(drawn[far], picture_of(3)[far]) and part.newest.confidence()["ridge"] == 1
    part.show("landmarks", False)
    wait_until(session, lambda part: np.array_equal(part.newest.picture, picture_of(3)))


def test_a_recording_holds_colors_times_and_poses_and_is_played_again(session, server, tmp_path):
    part = session.laparoscope
    session.recording.folder = tmp_path
    shown(session, server, 0, picture_of(0))
    actions.RECORD_SCOPE.run(session)
    assert actions.RECORD_SCOPE.why_not(session) and not actions.STOP_SCOPE.why_not(session)
    for number in range(1, 5):
        shown(session, server, number, picture_of(number))
    assert part.recording.text.startswith("Recording: ")
    actions.STOP_SCOPE.run(session)
    wait_until(session, lambda part: part.recording.file is not None)
    file = part.recording.file
    assert part.recording.text == f"Recorded in {file.name}" and file.parent == tmp_path / "laparoscope"
    header = read_sequence_header(file)
    assert (header.channels, header.image_size, header.frame_count) == (3, SIZE, 4)
    for number, frame in enumerate(SequenceReader(file, keep_color=True), 1):
        assert np.array_equal(frame.pixels, picture_of(number))
        assert frame.timestamp == pytest.approx(100 + number / 20, abs=1e-6)
        np.testing.assert_allclose(frame.transforms["ScopeToReference"].matrix, pose_of(number), atol=1e-6)
    assert [name for name, _ in pictures_of(video_source(file), 2)] == ["frame_000000", "frame_000002"]
    actions.OPEN_SCOPE_VIDEO.run(session, file)
    assert "Only a video that happens now" in actions.RECORD_SCOPE.why_not(session)
    wait_until(session, lambda part: part.newest is not None and not part.is_playing)
    assert np.array_equal(part.newest.frame.picture, picture_of(4))
    assert part.newest.frame.tracked.transforms["ScopeToReference"].matrix[0, 3] == pytest.approx(4)


def test_a_recording_that_took_no_frame_leaves_nothing_and_says_so(session, server, tmp_path):
    part = session.laparoscope
    with pytest.raises(ConfigurationError, match="no folder for recordings"):
        part.recording.start(None)
    part.recording.start(tmp_path)
    part.stop()
    wait_until(session, lambda part: not part.recording.is_busy)
    assert part.recording.problem == "No frame came while the video was recorded: there is no file of it."
    assert list((tmp_path / "laparoscope").iterdir()) == []
    with pytest.raises(ConfigurationError, match="is not being recorded"):
        part.recording.stop()


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_colored_sequence_is_read_as_it_was_written_and_grey_as_a_sweep(tmp_path, ending, dtype):
    path = tmp_path / f"video.igs.{ending}"
    frames = [TrackedFrame(picture_of(n).astype(dtype) * 3, None, n / 10, False) for n in range(3)]
    with SequenceWriter(path) as writer:
        for frame in frames:
            writer.add(frame)
    header = read_sequence_header(path)
    assert header.dtype.newbyteorder("=") == dtype and header.channels == 3
    for read, frame in zip(SequenceReader(path, keep_color=True), frames, strict=True):
        assert np.array_equal(read.pixels, frame.pixels) and read.timestamp == frame.timestamp and not read.valid
    grey = next(iter(SequencePixels(header)))
    assert np.array_equal(grey, np.rint(frames[0].pixels @ np.array([0.299, 0.587, 0.114])))


TWO_MOMENTS = picture_of(7)
TWO_MOMENTS[1::2] += 60
# What a camera may send, what is said of it, and what of it is shown: (v, u, 3) uint8.
ODD = {
    "4:3": (picture_of(7, (160, 120)), "", picture_of(7, (160, 120))),
    "16:9": (picture_of(7, (128, 72)), "", picture_of(7, (128, 72))),
    "half the resolution": (picture_of(7)[::2, ::2], "", picture_of(7)[::2, ::2]),
    "10 bits": (picture_of(7).astype(np.uint16) * 4 + 3, "", picture_of(7)),
    "grey": (picture_of(7)[..., 0], "", np.repeat(picture_of(7)[..., :1], 3, axis=2)),
    "covered": (picture_of(7) // 20, "dark: is the lamp off, or the lens covered?", picture_of(7) // 20),
    "interlaced": (TWO_MOMENTS, "interlaced: of the two moments in a picture the first is taken", TWO_MOMENTS),
    "no liver": (np.full((48, 64, 3), 29, np.uint8), "No landmark is seen: is the liver in view?", None),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_are_shown_with_one_sentence_and_the_video_goes_on(session, server, name):
    picture, sentence, expected = ODD[name]
    part = session.laparoscope
    part.show("landmarks", False)
    wait_until(session, lambda part: not part._worker.is_starting)
    shown(session, server, 0, picture_of(0))
    newest = shown(session, server, 1, picture)
    if expected is not None:
        assert np.array_equal(newest.picture, expected)
    assert [doubt for doubt in part.doubts if sentence in doubt] == list(part.doubts)
    assert len(part.doubts) == bool(sentence) and part.problem == ""
    back = shown(session, server, 2, picture_of(2))
    assert np.array_equal(back.picture, picture_of(2)) and part.doubts == () and part.is_playing


def test_a_kind_of_picture_that_cannot_be_shown_is_one_sentence_and_the_next_is_shown(session, server):
    shown(session, server, 0, picture_of(0))
    send(server, 1, picture_of(1).astype(np.float32))
    wait_until(session, lambda part: part.problem)
    assert (
        session.laparoscope.problem == "A picture of 48 x 64 x 3 values of float32 cannot be shown: send 8 or 16 bits."
    )
    assert np.array_equal(shown(session, server, 2, picture_of(2)).frame.picture, picture_of(2))
    assert session.laparoscope.problem == ""


@pytest.mark.real_ages
def test_why_no_picture_comes_is_said(session, server):
    server.send([image_message(picture_of(0), np.eye(4), "Endoscope_Video", 1.0)])
    wait_until(session, lambda part: "Endoscope_Video" in part.landmarks_text)
    said = session.laparoscope.landmarks_text
    assert said == "The server sends images called Endoscope_Video, and none called Laparoscope."
    shown(session, server, 0, picture_of(0))
    address = f"127.0.0.1:{server.port}"
    server.stop()
    wait_until(session, lambda part: f"The server at {address} was lost and is looked for" in part.landmarks_text)
    assert session.laparoscope.is_old and "this one is old" in session.laparoscope.landmarks_text


def compressed(count):
    """H.264 as a server sends it: a key frame, then what changes, without a picture kept back."""
    av = pytest.importorskip("av", reason="PyAV is not installed (extra 'scope')")
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = SIZE
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 20)
    context.options = {"tune": "zerolatency", "crf": "4"}
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(smooth(number), format="rgb24")
        frame.pts = number
        yield b"".join(bytes(packet) for packet in context.encode(frame))


def smooth(number):
    """Each channel its own, without edges, which a codec that halves colors would smear."""
    return np.broadcast_to(np.array([60 + 20 * number, 140, 200 - 20 * number], np.uint8), (48, 64, 3)).copy()


def test_compressed_video_is_shown_with_its_colors_and_poses_from_its_first_key_frame_on(session, server):
    pictures = list(compressed(6))
    for number in (0, 1, 2, 3, 4, 5):
        at_s = 100 + number / 20
        video = VideoMessage("H264", SIZE, pictures[number], timestamp=at_s, device_name="Laparoscope_Video")
        other = VideoMessage("H264", SIZE, b"no video", timestamp=at_s, device_name="Room_Video")
        server.send([transform_message(pose_of(number), "ScopeToReference", at_s), video, other,
                     transform_message(pose_of(number + 0.4), "ScopeToReference", at_s + 0.02)])  # fmt: skip
        wait_until(session, lambda part, at_s=at_s: part.newest is not None
                   and abs(part.newest.frame.tracked.timestamp - at_s) < 1e-6)  # fmt: skip
        frame = session.laparoscope.newest.frame
        assert frame.picture.shape == (48, 64, 3)
        assert np.abs(frame.picture.astype(int) - smooth(number)).max() <= 6
        np.testing.assert_allclose(frame.tracked.transforms["ScopeToReference"].matrix, pose_of(number), atol=1e-6)


def test_what_cannot_be_decoded_is_said_and_what_lacks_its_beginning_is_waited_for(session, server, monkeypatch):
    decoder, pictures = VideoDecoder(), list(compressed(3))
    named = {"timestamp": 1.0, "device_name": "Laparoscope_Video"}
    assert decoder.images(VideoMessage("H264", SIZE, pictures[1], **named)) == []
    assert decoder.images(VideoMessage("H264", SIZE, b"nonsense", **named)) == []
    [image] = decoder.images(VideoMessage("H264", SIZE, pictures[0], **named))
    assert image.image.shape == (1, 48, 64, 3) and image.device_name == "Laparoscope_Video"
    server.send([VideoMessage("MJPG", SIZE, b"x", **named)])
    wait_until(session, lambda part: "compressed as 'MJPG'" in part.landmarks_text)
    monkeypatch.setitem(sys.modules, "av", None)
    server.send([VideoMessage("H264", SIZE, pictures[0], **named)])
    wait_until(session, lambda part: part.landmarks_text == NO_DECODER)


@pytest.mark.parametrize("content", [b"", bytes(75), b"\0\2" + bytes(74), b"\0\1" + bytes(74)])
def test_a_video_whose_header_makes_no_sense_is_malformed(content):
    with pytest.raises(MalformedMessage):
        VideoMessage()._unpack_content(content)
