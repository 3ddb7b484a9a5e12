"""Times that several measurements share pair nothing, and a neighbour's pose is never taken."""

import itertools

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

COUNT = 40


def translation(x):
    matrix = np.eye(4)
    matrix[0, 3] = x
    return matrix


def an_image(number, stamp, name="Image_Image", matrix=None):
    return image_message(np.full((2, 3), number, np.uint8), np.eye(4) if matrix is None else matrix, name, stamp)


def received(stamps, order, lost=(), **options):
    """Image n is filled with n, its pose is a translation by n; `order` is how the messages of a moment are sent."""
    pairing, frames = FramePairing(**options), []
    for number, stamp in enumerate(stamps):
        for kind in order:
            if kind == "image":
                frames += pairing.add_image(an_image(number, stamp), number / 20)
            elif number not in lost:
                frames += pairing.add_transforms(stamp, {"ImageToReference": Pose(translation(number))})
    return pairing, frames + pairing.give_up_waiting(np.inf)


def wrong(frames):
    return [int(one.pixels[0, 0]) for one in frames if one.valid and one.image_to_reference[0, 3] != one.pixels[0, 0]]


STAMPS = {
    "none at all": [0.0] * COUNT,
    "standing still": [12345.0] * COUNT,
    "two by two": [100 + number // 2 / 10 for number in range(COUNT)],
    "whole seconds": [100.0 + number // 20 for number in range(COUNT)],
}


@pytest.mark.parametrize("gap", [None, 0.2])
@pytest.mark.parametrize("order", [("image", "pose"), ("pose", "image")])
@pytest.mark.parametrize("kind", STAMPS)
@pytest.mark.parametrize("lost", [(), range(COUNT // 2, COUNT), range(3), (0, 7, 8, 21)])
def test_a_time_that_images_share_gives_none_of_them_a_pose_of_another(kind, order, lost, gap):
    pairing, frames = received(STAMPS[kind], order, lost, interpolation_gap_s=gap)
    assert len(frames) == COUNT and wrong(frames) == []
    # One may have come before it was known what clock this is.
    assert sum(frame.valid for frame in frames) <= 1
    assert "the same time" in pairing.causes.usual


def test_transforms_that_share_their_time_are_not_taken_and_it_is_reported():
    pairing, frames = FramePairing(interpolation_gap_s=0.2), []
    for number in range(COUNT):
        # The tracker's times are cut to tenths of a second, those of the images are not.
        frames += pairing.add_transforms(100 + number // 4 / 10, {"ImageToReference": Pose(translation(number))})
        frames += pairing.add_image(an_image(number, 100 + number / 40), 0.0)
    frames += pairing.give_up_waiting(np.inf)
    assert not any(frame.valid for frame in frames[2:])
    assert "several ImageToReference the same time" in pairing.causes.usual


def test_a_clock_that_runs_again_is_believed_after_a_while():
    stamps = [50.0] * 5 + [60 + number / 20 for number in range(30)]
    _, frames = received(stamps, ("image", "pose"))
    assert wrong(frames) == [] and not any(frame.valid for frame in frames[1:6])
    assert all(frame.valid for frame in frames[15:])


def test_a_pose_inside_the_image_needs_no_time():
    pairing, frames = FramePairing(), []
    for number in range(COUNT):
        frames += pairing.add_image(an_image(number, 0.0, "Image_Reference", translation(number)), 0.0)
        frames += pairing.add_transforms(0.0, {"StylusToReference": Pose(translation(-number))})
    frames += pairing.give_up_waiting(np.inf)
    assert len(frames) == COUNT and all(frame.valid for frame in frames) and wrong(frames) == []
    tools = [frame.transforms["StylusToReference"] for frame in frames if "StylusToReference" in frame.transforms]
    assert not any(pose.valid for pose in tools[1:])


@pytest.mark.parametrize("order", [("image", "pose"), ("pose", "image")])
@pytest.mark.parametrize("interval_s", [0.0008, 0.0003])
def test_frames_closer_than_the_tolerance_keep_their_own_poses(interval_s, order):
    stamps = [100 + number * interval_s for number in range(COUNT)]
    _, frames = received(stamps, order)
    assert wrong(frames) == [] and all(frame.valid for frame in frames)
    _, frames = received(stamps, order, lost=(0, 3, 4, 11))
    assert wrong(frames) == [] and [frame.valid for frame in frames].count(False) == 4


def test_an_image_that_comes_again_with_its_time_is_left_out_and_counted():
    pairing, frames = FramePairing(), []
    for number, again in itertools.product(range(10), range(3)):
        frames += pairing.add_image(an_image(number, 100 + number / 5), number / 5 + again / 30)
        frames += pairing.add_transforms(100 + number / 5, {"ImageToReference": Pose(translation(number))})
    frames += pairing.give_up_waiting(np.inf)
    assert [int(frame.pixels[0, 0]) for frame in frames] == list(range(10))
    assert all(frame.valid for frame in frames) and wrong(frames) == [] and pairing.repeated == 20


def test_images_without_times_that_look_the_same_are_no_repetitions():
    pairing, frames = FramePairing(), []
    for number in range(20):
        frames += pairing.add_image(an_image(7, 0.0), number / 30)
        if number == 0:
            frames += pairing.add_transforms(0.0, {"ImageToReference": Pose(translation(1))})
    frames += pairing.give_up_waiting(np.inf)
    assert len(frames) == 20 and not any(frame.valid for frame in frames) and pairing.repeated == 0


def test_frames_that_the_sender_skipped_are_estimated_and_kept_with_the_frame():
    skipped = {12, 13, 20, 33}
    pairing, frames = FramePairing(), []
    for number in range(COUNT):
        if number not in skipped:
            # Times of a real sender are never quite even.
            frames += pairing.add_image(an_image(number, 100 + number / 30 + 0.004 * np.sin(number)), number / 30)
    frames += pairing.give_up_waiting(np.inf)
    before = {int(one.pixels[0, 0]): one.fields.get("FramesMissingBefore") for one in frames}
    assert pairing.missing == 4
    assert {number: count for number, count in before.items() if count} == {14: "2", 21: "1", 34: "1"}
