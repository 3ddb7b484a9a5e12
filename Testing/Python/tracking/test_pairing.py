"""A frame gets the pose of its own time or none."""

import struct
import warnings
from collections import deque

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, poses_of, transform_message
from CRLMSegmentationLib.tracking.openigtlink.crc import crc64
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import MESSAGE_CLASSES
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_message
from CRLMSegmentationLib.tracking.pairing.frame_pairing import TOLERANCE_S, FramePairing
from hypothesis import given, settings
from hypothesis import strategies as st

IMAGE_TO_PROBE = np.diag([0.1, 0.2, 1.0, 1.0])


def translation(x, y=0.0, z=0.0):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def an_image(number, timestamp, name="Image_Image", matrix=None, metadata=None):
    message = image_message(np.full((2, 3), number, np.uint8), np.eye(4) if matrix is None else matrix, name, timestamp)
    message.metadata = metadata or {}
    return message


def feed(pairing, message, now=0.0):
    if message.message_type == "IMAGE":
        return pairing.add_image(message, now)
    return pairing.add_transforms(message.timestamp, poses_of(message))


def test_the_pose_may_come_through_the_probe_and_its_calibration():
    pairing = FramePairing({"ImageToProbe": IMAGE_TO_PROBE})
    feed(pairing, an_image(0, 1.0))
    feed(pairing, transform_message(translation(7), "ProbeToTracker", 1.0))
    feed(pairing, transform_message(translation(2), "ReferenceToTracker", 1.0))
    (frame,) = pairing.give_up_waiting(np.inf)
    np.testing.assert_allclose(frame.image_to_reference, translation(5) @ IMAGE_TO_PROBE, atol=1e-6)
    assert set(frame.transforms) == {"ProbeToTracker", "ReferenceToTracker"}


def test_an_image_that_carries_its_place_in_the_probe():
    pairing = FramePairing()
    feed(pairing, an_image(0, 1.0, "Image_Probe", IMAGE_TO_PROBE))
    feed(pairing, transform_message(translation(7), "ProbeToReference", 1.0))
    (frame,) = pairing.give_up_waiting(np.inf)
    np.testing.assert_allclose(frame.image_to_reference, translation(7) @ IMAGE_TO_PROBE, atol=1e-6)


@pytest.mark.parametrize("transform_first", [True, False])
def test_a_frame_is_never_paired_with_the_pose_of_another_time(transform_first):
    pairing, frames = FramePairing(), []
    for number in range(6):
        image = an_image(number, number / 50)
        messages = [transform_message(np.eye(4), "StylusToReference", number / 50), image]
        # The pose of frame 2 is lost on the way; the stylus always comes before it.
        if number != 2:
            pose = transform_message(translation(number), "ImageToReference", number / 50)
            messages.insert(0 if transform_first else 2, pose)
        for message in messages:
            frames += feed(pairing, message)
    frames += pairing.give_up_waiting(np.inf)
    assert [frame.valid for frame in frames] == [True, True, False, True, True, True]
    assert all(frame.image_to_reference[0, 3] == frame.pixels[0, 0] for frame in frames if frame.valid)


def test_a_frame_goes_on_as_soon_as_it_is_complete():
    pairing = FramePairing()
    for number in range(3):
        feed(pairing, transform_message(translation(number), "ImageToReference", number / 50))
        done = feed(pairing, an_image(number, number / 50))
    assert [frame.pixels[0, 0] for frame in done] == [2], "the last frame must not wait for a next one"


@given(st.lists(st.integers(-3, 30), max_size=40), st.integers(-10, 500))
@settings(max_examples=200, deadline=None)
def test_of_all_that_came_before_the_nearest_in_time_is_taken(steps, image_at):
    """Times in quarters of the tolerance, which may go back by less than one tolerance."""
    quarter_s, newest, came = TOLERANCE_S / 4, 0, []
    pairing = FramePairing()
    for step in steps:
        if came and newest + step == came[-1]:
            continue
        came.append(newest + step)
        newest = max(newest, newest + step)
        pairing.add_transforms(1.0 + came[-1] * quarter_s, {"ImageToReference": Pose(translation(len(came) - 1))})
    frames = pairing.add_image(an_image(0, 1.0 + image_at * quarter_s), 0.0) + pairing.give_up_waiting(np.inf)
    apart = [abs(at - image_at) for at in came]
    # At exactly one tolerance rounding decides.
    if min(apart, default=9) != 4:
        assert frames[0].valid == (min(apart, default=9) < 4)
        assert not frames[0].valid or apart[int(frames[0].image_to_reference[0, 3])] == min(apart)


@pytest.mark.parametrize("kept", [10, 500])
def test_pairing_looks_no_further_back_than_the_time_of_the_image(kept):
    class Counted(deque):
        checks = 0

        def __reversed__(self):
            for one in super().__reversed__():
                Counted.checks += 1
                yield one

    pairing = FramePairing()
    for number in range(kept):
        pairing.add_transforms(number / 50, {"ImageToReference": Pose(translation(number))})
    samples = pairing._samples["ImageToReference"]
    samples.poses = Counted(samples.poses)
    (frame,) = pairing.add_image(an_image(0, (kept - 3) / 50), 0.0) or pairing.give_up_waiting(np.inf)
    assert frame.image_to_reference[0, 3] == kept - 3 and Counted.checks <= 5
    Counted.checks = 0
    (frame,) = pairing.add_image(an_image(0, (kept - 2.5) / 50), 0.0) or pairing.give_up_waiting(np.inf)
    # Those of the time of the image, and the last ones for the sentence that says why it has no pose.
    assert not frame.valid and Counted.checks <= 5 + 8


def test_a_frame_without_its_pose_does_not_wait_for_ever():
    pairing = FramePairing()
    assert feed(pairing, an_image(0, 1.0), now=10.0) == [] and pairing.give_up_waiting(10.1) == []
    (frame,) = pairing.give_up_waiting(10.6)
    assert not frame.valid and frame.image_to_reference is None and frame.timestamp == 1.0


def test_a_replay_that_starts_again_does_not_mix_its_turns():
    pairing, frames = FramePairing(), []
    for turn in range(2):
        for number in range(4):
            pose = transform_message(translation(10 * turn + number), "ImageToReference", number / 50)
            frames += feed(pairing, an_image(10 * turn + number, number / 50))
            if (turn, number) != (1, 2):
                frames += feed(pairing, pose)
    frames += pairing.give_up_waiting(np.inf)
    assert [frame.valid for frame in frames] == [True] * 6 + [False, True]
    assert all(frame.image_to_reference[0, 3] == frame.pixels[0, 0] for frame in frames if frame.valid)


def test_a_status_in_metadata_makes_the_embedded_pose_invalid():
    metadata = {
        "ProbeToTrackerTransform": " ".join(map(str, translation(3).ravel())),
        "ProbeToTrackerTransformStatus": "OUT_OF_VIEW",
        "StylusToTrackerTransform": " ".join(map(str, translation(4).ravel())),
        "StylusToTrackerTransformStatus": "OK",
    }
    pairing = FramePairing()
    feed(pairing, MessageParser().feed(pack_message(an_image(0, 1.0, "Image_Reference", metadata=metadata), 2))[0])
    (frame,) = pairing.give_up_waiting(np.inf)
    assert not frame.valid and frame.image_to_reference is not None
    assert frame.transforms["ProbeToTracker"].status == "OUT_OF_VIEW" and frame.transforms["StylusToTracker"].valid


def test_other_image_streams_are_left_alone():
    pairing = FramePairing(image_name="Image_Image")
    feed(pairing, an_image(9, 1.0, "Camera_Camera"))
    feed(pairing, an_image(1, 1.0, "Image_Image"))
    (frame,) = pairing.give_up_waiting(np.inf)
    assert frame.pixels[0, 0] == 1 and pairing.other_images == 1


def interpolated(image_times, pose_times, lost=(), **options):
    """Frames whose pose is a translation by ten times the time in x, measured at `pose_times` only."""
    pairing, frames = FramePairing(interpolation_gap_s=0.05, **options), []
    events = [(time, 0, an_image(0, time)) for time in image_times]
    events += [(time, 1, transform_message(translation(10 * time), "ImageToReference", time))
               for time in pose_times if time not in lost]  # fmt: skip
    for _, _, message in sorted(events, key=lambda event: event[:2]):
        frames += feed(pairing, message)
    return frames + pairing.give_up_waiting(np.inf)


def test_poses_at_a_rate_of_their_own_are_interpolated_when_asked():
    poses = [number / 60 for number in range(1, 61)]
    frames = interpolated([number / 25 for number in range(1, 25)], poses)
    assert len(frames) == 24 and all(frame.valid for frame in frames)
    for frame in frames:
        assert frame.image_to_reference[0, 3] == pytest.approx(10 * frame.timestamp, abs=1e-4)
    gap = [time for time in poses if 0.3 < time < 0.5]
    frames = interpolated([number / 25 for number in range(1, 25)], poses, gap)
    assert {round(frame.timestamp, 2) for frame in frames if not frame.valid} == {0.32, 0.36, 0.4, 0.44, 0.48}


def test_an_image_that_shows_what_was_earlier():
    poses = [number / 60 for number in range(61)]
    frames = interpolated([0.5, 0.6, 0.7], poses, image_delay_s=0.1)
    assert [frame.image_to_reference[0, 3] for frame in frames] == pytest.approx([4, 5, 6], abs=1e-4)


def test_a_delay_of_the_images_needs_no_word_about_interpolation():
    pairing, frames = FramePairing(image_delay_s=0.1), []
    for number in range(60):
        frames += feed(pairing, an_image(number, number / 60))
        frames += feed(pairing, transform_message(translation(number / 6), "ImageToReference", number / 60))
    frames += pairing.give_up_waiting(np.inf)
    assert all(frame.valid for frame in frames[8:-1])
    assert frames[30].image_to_reference[0, 3] == pytest.approx(4, abs=1e-3)


def test_parts_of_an_image_are_put_into_the_whole():
    pairing = FramePairing()
    whole = an_image(5, 1.0, "Image_Reference")
    part = an_image(0, 2.0, "Image_Reference")
    part.image, part.whole_size, part.part_offset = np.full((1, 1, 2), 9, np.uint8), (3, 2, 1), (1, 1, 0)
    frames = feed(pairing, part) + feed(pairing, whole) + feed(pairing, part) + pairing.give_up_waiting(np.inf)
    assert pairing.other_images == 1, "a part before the first whole image shows nothing"
    np.testing.assert_array_equal(frames[0].pixels, [[5, 5, 5], [5, 5, 5]])
    np.testing.assert_array_equal(frames[1].pixels, [[5, 5, 5], [5, 9, 9]])


numbers = st.floats(width=32)


@st.composite
def image_bodies(draw):
    """Bodies of images whose sizes fit, with any numbers in their matrix."""
    size = draw(st.tuples(*[st.integers(0, 4)] * 3))
    components, kind = draw(st.integers(1, 4)), draw(st.sampled_from([2, 3, 4, 5, 6, 7, 10, 11]))
    item = {2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 10: 4, 11: 8}[kind]
    pixels = draw(st.binary(min_size=size[0] * size[1] * size[2] * components * item,
                            max_size=size[0] * size[1] * size[2] * components * item))  # fmt: skip
    offset = draw(st.tuples(*[st.integers(0, 2)] * 3))
    whole = [start + length for start, length in zip(offset, size)]
    head = struct.pack("> H 4B 3H", 1, components, kind, draw(st.integers(0, 3)), draw(st.integers(0, 3)), *whole)
    return head + struct.pack("> 12f", *draw(st.tuples(*[numbers] * 12))) + struct.pack("> 6H", *offset, *size) + pixels


bodies = st.one_of(
    st.tuples(st.just("IMAGE"), image_bodies()),
    st.tuples(st.just("TRANSFORM"), st.binary(min_size=48, max_size=48)),
    st.tuples(st.just("POSITION"), st.binary(min_size=28, max_size=28)),
    st.tuples(st.just("TDATA"), st.binary(min_size=140, max_size=140)),
    st.tuples(st.sampled_from(sorted(MESSAGE_CLASSES)), st.binary(max_size=200)),
)
names = st.sampled_from(
    ["Image_Reference", "Image_Image", "Image_Probe", "ImageToReference", "ProbeToReference", "X", ""]
)
times = st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1))


@given(st.lists(st.tuples(bodies, names, times), max_size=12), st.sampled_from([None, 0.5]))
@settings(max_examples=150, deadline=None)
def test_no_content_of_any_message_raises(content, gap):
    parser = MessageParser()
    pairing = FramePairing({"ImageToProbe": IMAGE_TO_PROBE}, interpolation_gap_s=gap)
    frames, images = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for (kind, body), name, time in content:
            head = struct.pack("> H 12s 20s II Q Q", 1, kind.encode(), name.encode(), time, 0, len(body), crc64(body))
            for message in parser.feed(head + body):
                images += message.message_type == "IMAGE"
                frames += feed(pairing, message)
        frames += pairing.give_up_waiting(np.inf)
    assert len(frames) == images - pairing.other_images - pairing.repeated
    for frame in frames:
        assert frame.pixels.ndim == 2 and (not frame.valid or np.isfinite(frame.image_to_reference).all())
