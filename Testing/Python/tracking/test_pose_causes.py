"""A frame without a valid pose has a reason, which is reported in one sentence."""

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, pose_of_image
from CRLMSegmentationLib.tracking.pairing.embedded_pose import lost_on_the_way
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

OK, LOST = Pose(np.eye(4)), Pose(np.eye(4), False, "OUT_OF_VIEW")


def an_image(number, name="Image_Image", matrix=None):
    matrix = np.eye(4) if matrix is None else matrix
    return image_message(np.full((2, 3), number, np.uint8), matrix, name, 100 + number / 20)


def cause(transforms, name="Image_Image", **options):
    """Of 20 frames beside which `transforms(number)`, (time, poses), come."""
    pairing, frames = FramePairing(**options), []
    for number in range(20):
        frames += pairing.add_image(an_image(number, name), number / 20)
        stamp, poses = transforms(number)
        frames += pairing.add_transforms(stamp, poses)
    frames += pairing.give_up_waiting(np.inf)
    assert len(frames) == 20 and not any(frame.valid for frame in frames)
    assert pairing.causes.now
    return pairing.causes.usual


def beside(**poses):
    return lambda number: (100 + number / 20, poses)


@pytest.mark.parametrize(
    "transforms, options, labels",
    [
        (lambda number: (1.7e9 + number / 20, {"ImageToReference": OK}), {}, ["ImageToReference", "1.7e9 s from the"]),
        (lambda number: (100.01 + number / 20, {"ImageToReference": OK}), {}, ["0.01 s", "interpolation"]),
        (lambda number: (100 + number / 20, {"Image To Reference": OK}), {}, ["'Image To Reference' is not the name"]),
        (beside(imageToReference=OK), {}, ["'imageToReference' is not the name"]),
        (beside(UltrasoundProbeToRef=OK), {}, ["UltrasoundProbeToRef come", "20 characters"]),
        (beside(ProbeToReference=OK), {}, ["ProbeToReference come", "ImageToProbe is missing"]),
        (beside(), {}, ["no transforms come"]),
        (beside(ImageToReference=LOST), {}, ["ImageToReference is OUT_OF_VIEW"]),
        (beside(StylusToReference=OK), {"calibration": {"ImageToReference": np.eye(4)}}, ["only fixed transforms"]),
        (beside(), {"calibration": {"ImageToReference": np.eye(4)}}, ["only fixed transforms"]),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_wrong(transforms, options, labels):
    sentence = cause(transforms, **options)
    assert all(label in sentence for label in labels), sentence


def test_a_transform_that_comes_no_more_is_one_that_the_tracker_does_not_see():
    pairing, frames = FramePairing({"ImageToProbe": np.eye(4), "ProbeToReference": np.eye(4)}), []
    for number in range(30):
        frames += pairing.add_image(an_image(number), number / 20)
        if number < 10:
            frames += pairing.add_transforms(100 + number / 20, {"ProbeToReference": OK})
    frames += pairing.give_up_waiting(np.inf)
    assert [frame.valid for frame in frames] == [True] * 10 + [False] * 20, "nothing fixed stands in for it"
    assert "does not see" in pairing.causes.now and "ProbeToReference does not come" in pairing.causes.now


def test_a_valid_frame_ends_the_sentence():
    pairing = FramePairing()
    pairing.add_image(an_image(0), 0.0)
    pairing.give_up_waiting(np.inf)
    assert pairing.causes.now
    pairing.add_image(an_image(1), 0.05)
    pairing.add_transforms(100.05, {"ImageToReference": OK})
    pairing.give_up_waiting(np.inf)
    assert pairing.causes.now == "" and pairing.causes.usual


@pytest.mark.parametrize("probe", ["Probe", "Ultrasound", "USImage", "Transducer"])
@pytest.mark.parametrize("reference", ["Reference", "Patient", "ReferenceStar"])
def test_a_lost_probe_or_reference_counts_whatever_its_name(probe, reference):
    names = [f"{probe}ToTracker", f"{reference}ToTracker"]
    assert lost_on_the_way(dict.fromkeys(names, OK), reference, names) is None
    for lost in names:
        assert lost_on_the_way({name: LOST if name == lost else OK for name in names}, reference, names) == lost


def test_a_lost_tool_that_is_known_to_be_another_one_does_not_count():
    recorded = {"ProbeToTracker": OK, "ReferenceToTracker": OK, "PointerToTracker": LOST}
    assert lost_on_the_way(recorded, "Reference", recorded) is None
    recorded = {"UltrasoundToTracker": OK, "ReferenceToTracker": OK, "PointerToTracker": LOST}
    assert lost_on_the_way(recorded, "Reference", recorded) == "PointerToTracker", "it may be the probe"
    assert lost_on_the_way(recorded, "Reference", {"PointerTipToPointer"}) is None
    assert lost_on_the_way(recorded, "Reference", {"ImageToUltrasound"}) is None
    assert lost_on_the_way({"UltrasoundToTracker": OK, "StylusToTracker": LOST}, "Reference", ()) is None


def test_an_image_without_thickness_has_a_pose():
    matrix = np.diag([0.5, 0.5, 0.0, 1.0])
    pose = pose_of_image(an_image(0, "Image_Reference", matrix))
    assert pose.valid
    np.testing.assert_allclose(pose.matrix @ [3, 5, 0, 1], [1.5, 2.5, 0, 1])
    assert not pose_of_image(an_image(0, "Image_Reference", np.diag([0.5, 0.0, 0.0, 1.0]))).valid
