"""Several image streams and trackers of one server at once, each by its name, over a real socket on this computer."""

import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.tracking import Receiver, StreamSettings
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, pixels_of, transform_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

IMAGE_TO_PROBE = np.diag([0.1, 0.2, 1.0, 1.0])
LAPAROSCOPE = StreamSettings("Laparoscope", keep_color=True)
RED, BLUE = (200, 10, 20), (5, 15, 250)
COUNT = 12


def translation(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def color(value, shape=(4, 6)):
    return np.broadcast_to(np.array(value, np.uint8), (*shape, 3)).copy()


def wait_until(condition, timeout_s=600.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def messages_of(number, with_probe=True):
    """Of one turn: ultrasound at 20 Hz with the probe, video 7 ms later with a camera that another tracker sees."""
    stamp = 100 + number / 20
    grey = np.full((8, 10), number, np.uint8)
    yield image_message(color(RED if number % 2 else BLUE), np.eye(4), "Laparoscope_Video", stamp + 0.007)
    yield transform_message(translation(0, number, 0), "LaparoscopeToRoom", stamp + 0.007)
    yield image_message(grey, np.eye(4), "Image_Image", stamp)
    if with_probe:
        yield transform_message(translation(number, 0, 0), "ProbeToReference", stamp)


@pytest.fixture
def server():
    with Server() as server:
        yield server


@pytest.fixture
def receiver(server):
    with Receiver(
        port=server.port, calibration={"ImageToProbe": IMAGE_TO_PROBE}, streams={"laparoscope": LAPAROSCOPE}
    ) as receiver:
        receiver.wait_until_connected(600)
        assert server.wait_for_client(600)
        yield receiver


def frames_of(stream, count):
    frames = []
    wait_until(lambda: frames.extend(stream.poll()) or len(frames) >= count)
    return frames


def test_each_stream_has_its_own_frames_colors_and_poses(server, receiver):
    for number in range(COUNT):
        server.send(list(messages_of(number)))
    ultrasound = frames_of(receiver.ultrasound, COUNT)
    laparoscope = frames_of(receiver.streams["laparoscope"], COUNT)
    assert len(ultrasound) == len(laparoscope) == COUNT
    for number, (image, video) in enumerate(zip(ultrasound, laparoscope, strict=True)):
        assert image.pixels.shape == (8, 10) and (image.pixels == number).all() and image.valid
        np.testing.assert_allclose(image.image_to_reference, translation(number, 0, 0) @ IMAGE_TO_PROBE)
        assert set(image.transforms) == {"ProbeToReference"}
        assert video.pixels.shape == (4, 6, 3) and video.image_size == (6, 4)
        assert (video.pixels == (RED if number % 2 else BLUE)).all()
        assert video.timestamp == pytest.approx(100.007 + number / 20, abs=1e-6)
        # It is placed by its own tracker, and nothing leads from there to the image: no pose of another is taken.
        assert (
            video.transforms["LaparoscopeToRoom"].matrix[1, 3] == number and "ProbeToReference" not in video.transforms
        )
        assert video.image_to_reference is None and not video.valid
    assert receiver.status.image_names == ("Image_Image",) and receiver.status.frames == COUNT
    assert receiver.streams["laparoscope"].status.image_names == ("Laparoscope_Video",)
    assert not receiver.status.pose_problem and receiver.streams["laparoscope"].status.pose_problem


def test_a_stream_that_ends_grows_old_by_itself(server, receiver):
    for number in range(3):
        server.send(list(messages_of(number)))
    laparoscope = receiver.streams["laparoscope"]
    assert wait_until(lambda: receiver.status.frames == 3 and laparoscope.status.frames == 3)
    time.sleep(0.6)
    server.send([image_message(np.full((8, 10), 3, np.uint8), np.eye(4), "Image_Image", 100.8)])
    assert wait_until(lambda: receiver.status.frames == 4)
    ultrasound_s = receiver.status.age.seconds
    assert laparoscope.status.age.seconds > ultrasound_s + 0.5 and laparoscope.status.connected


def test_each_tool_of_each_tracker_has_its_own_age_and_time(server, receiver):
    server.send(list(messages_of(0)))
    assert wait_until(lambda: receiver.latest.transform("ProbeToReference") is not None)
    time.sleep(0.55)
    server.send(list(messages_of(11, with_probe=False)))
    assert wait_until(lambda: receiver.latest.transform("LaparoscopeToRoom").stamp_s > 100.5)
    assert receiver.latest.transform_names() == ["LaparoscopeToRoom", "ProbeToReference"]
    # The later one is asked first.
    camera, probe = receiver.latest.transform("LaparoscopeToRoom"), receiver.latest.transform("ProbeToReference")
    assert probe.age.seconds > camera.age.seconds + 0.5 and probe.pose.valid
    timed = receiver.latest.timed_pose("LaparoscopeToRoom")
    assert timed.clock == receiver.address and timed.measured_s == pytest.approx(100.557, abs=1e-6)
    assert receiver.latest.timed_pose("ProbeToReference").seconds_before(timed) == pytest.approx(0.557, abs=1e-6)
    assert receiver.latest.timed_pose("NeedleToReference") is None


def test_without_a_thread_every_stream_is_received(server):
    receiver = Receiver(port=server.port, streams={"laparoscope": LAPAROSCOPE}).start(own_thread=False)
    try:
        assert wait_until(lambda: receiver.poll() == [] and receiver.status.connected and server.client_count == 1)
        for number in range(3):
            server.send(list(messages_of(number)))
        laparoscope = frames_of(receiver.streams["laparoscope"], 3)
        assert [tuple(frame.pixels[0, 0]) for frame in laparoscope] == [BLUE, RED, BLUE]
        server.send(list(messages_of(3)))
        assert tuple(receiver.streams["laparoscope"].get(60).pixels[0, 0]) == RED
        assert len(frames_of(receiver.ultrasound, 3)) >= 3
    finally:
        receiver.stop()


def test_the_ultrasound_stream_takes_no_image_that_another_stream_has_asked_for(server, receiver):
    server.send([image_message(color(RED), np.eye(4), "Laparoscope_Video", 99.0)])
    server.send(list(messages_of(0)) + list(messages_of(1)))
    assert wait_until(lambda: receiver.status.frames == 2)
    assert receiver.status.image_name == "Image" and receiver.status.other_images == 0
    # Asked for by both, it is given to both; here it is grey.
    receiver.ultrasound.choose_image("Laparoscope")
    server.send(list(messages_of(2)) + list(messages_of(3)))
    frames = frames_of(receiver.ultrasound, 4)
    assert frames[-1].pixels.shape == (4, 6) and frames[-1].pixels[0, 0] in (68, 39)


@pytest.mark.parametrize(
    "streams, sentence",
    [
        ({"ultrasound": StreamSettings("Image")}, "options of its own"),
        ({"laparoscope": StreamSettings()}, "'laparoscope' needs the name"),
    ],
)
def test_streams_that_cannot_be_told_apart_are_refused(streams, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Receiver(streams=streams)


def test_colors_are_kept_where_that_was_asked_for():
    message = image_message(color(RED), np.eye(4), "Video", 1.0)
    grey = round(0.299 * RED[0] + 0.587 * RED[1] + 0.114 * RED[2])
    assert (pixels_of(message) == grey).all() and pixels_of(message).shape == (4, 6)
    assert (pixels_of(message, keep_color=True) == RED).all()
    with_alpha = image_message(np.dstack([color(RED), np.full((4, 6), 99, np.uint8)]), np.eye(4), "Video", 1.0)
    assert (pixels_of(with_alpha, keep_color=True) == RED).all()
    assert (pixels_of(image_message(np.full((4, 6), 7, np.uint8), np.eye(4), "Video", 1.0), True) == (7, 7, 7)).all()


def test_a_part_of_a_colored_image_is_put_into_the_whole():
    pairing, frames = FramePairing(keep_color=True), []
    whole, part = (image_message(color(one, shape), np.eye(4), "Video", 1.0 + n) for n, (one, shape) in enumerate(
        [(RED, (4, 6)), (BLUE, (2, 3))]))  # fmt: skip
    part.whole_size, part.part_offset = (6, 4, 1), (3, 2, 0)
    frames = pairing.add_image(whole, 0.0) + pairing.add_image(part, 1.0) + pairing.give_up_waiting(np.inf)
    assert (frames[1].pixels[2:, 3:] == BLUE).all() and (frames[1].pixels[:2] == RED).all()
    assert (frames[0].pixels == RED).all()


def test_a_recording_takes_no_colored_frame_for_a_grey_one(tmp_path):
    pairing = FramePairing(keep_color=True)
    pairing.add_image(image_message(color(RED), np.eye(4), "Video", 1.0), 0.0)
    (frame,) = pairing.give_up_waiting(np.inf)
    recorder = Recorder(tmp_path / "video.igs.mha")
    recorder.add(frame)
    assert recorder.frames == 0 and recorder.dropped == 1 and "colored" in recorder.problem
    recorder.discard()
