"""Of a sender's image streams one is taken, and stays taken."""

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing


def an_image(number, name, shape=(2, 3), matrix=None, stamp=None):
    stamp = 100 + number / 20 if stamp is None else stamp
    return image_message(np.full(shape, number, np.uint8), np.eye(4) if matrix is None else matrix, name, stamp)


def fed(pairing, messages):
    frames = []
    for message in messages:
        frames += pairing.add_image(message, 0.0)
    return frames + pairing.give_up_waiting(np.inf)


def pose(number):
    matrix = np.eye(4)
    matrix[2, 3] = number
    return matrix


@pytest.mark.parametrize("names", [("Image_Tracker", "Image_Reference"), ("Image_Reference", "Image_Tracker")])
def test_one_image_under_two_places_is_taken_once_with_its_pose(names):
    pairing = FramePairing()
    frames = fed(pairing, [an_image(n, name, matrix=pose(n)) for n in range(12) for name in names])
    assert [int(frame.pixels[0, 0]) for frame in frames] == list(range(12))
    assert all(frame.valid and frame.image_to_reference[2, 3] == frame.pixels[0, 0] for frame in frames)
    assert pairing.names.seen == names and pairing.other_images == 12 and pairing.repeated == 0


def test_one_image_under_two_places_whose_poses_come_as_transforms():
    pairing, frames = FramePairing(), []
    for number in range(12):
        # The transforms come first, so that the first of the two images is complete at once.
        frames += pairing.add_transforms(100 + number / 20, {"ImageToReference": Pose(pose(number))})
        for name in ("Image_Image", "Image_Probe"):
            frames += pairing.add_image(an_image(number, name), 0.0)
    frames += pairing.give_up_waiting(np.inf)
    assert [int(frame.pixels[0, 0]) for frame in frames] == list(range(12)) and all(frame.valid for frame in frames)


def test_an_embedding_that_comes_no_more_gives_way_to_the_other():
    pairing = FramePairing()
    messages = [an_image(n, name) for n in range(5) for name in ("Image_Image", "Image_Reference")]
    frames = fed(pairing, messages + [an_image(n, "Image_Image") for n in range(5, 30)])
    assert [int(frame.pixels[0, 0]) for frame in frames][-15:] == list(range(15, 30))


def test_a_volume_does_not_claim_the_stream():
    volume = an_image(0, "RecVol_Reference")
    volume.image = np.zeros((5, 2, 3), np.uint8)
    pairing = FramePairing()
    frames = fed(pairing, [volume, *(an_image(n, "Image_Reference") for n in range(3))])
    assert len(frames) == 3 and pairing.image_name == "Image" and pairing.names.seen == ("Image_Reference",)
    assert "5 slices" in pairing.image_problem


@pytest.mark.parametrize("wanted", ["Video", "Video_Reference"])
def test_a_stream_is_taken_by_its_name(wanted):
    pairing = FramePairing(image_name=wanted)
    streams = ("Image_X", (2, 3)), ("Video_Reference", (4, 5))
    both = [an_image(n, name, shape) for n in range(4) for name, shape in streams]
    frames = fed(pairing, both)
    assert {frame.pixels.shape for frame in frames} == {(4, 5)} and len(frames) == 4
    assert pairing.names.seen == ("Image_X", "Video_Reference")


def test_the_stream_that_was_chosen_stays_so_when_the_sender_is_found_again():
    pairing = FramePairing()
    fed(pairing, [an_image(0, "Image_Reference"), an_image(0, "Video_Reference", (4, 5))])
    pairing.begin_anew()
    frames = fed(pairing, [an_image(n, name) for n in range(3) for name in ("Video_Reference", "Image_Reference")])
    assert len(frames) == 3 and pairing.image_name == "Image"
    pairing.choose_image("Video")
    frames = fed(pairing, [an_image(n, name) for n in range(3, 6) for name in ("Video_Reference", "Image_Reference")])
    assert len(frames) == 3 and pairing.image_name == "Video"
