"""What was measured comes before what is fixed, and fixed transforms alone are no pose."""

import itertools

import numpy as np
import pytest
from CRLMSegmentationLib.errors import TransformError
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.sweep.pose_path import compose_measured, pose_path


def at(x, y=0.0):
    matrix = np.eye(4)
    matrix[:2, 3] = x, y
    return Pose(matrix)


MEASURED = {"ProbeToTracker": at(7), "ReferenceToTracker": at(2)}
FIXED = {
    "a fixed pose of the image": {"ImageToReference": at(90)},
    "turned round": {"ReferenceToImage": at(90)},
    "a fixed place of the probe": {"ProbeToReference": at(90)},
    "the same turned round": {"ReferenceToProbe": at(90)},
    "a fixed tracker": {"TrackerToReference": at(90)},
    "over a frame of its own": {"ProbeToRas": at(90), "ReferenceToRas": at(0)},
    "from the image over a frame of its own": {"ImageToRas": at(90), "RasToReference": at(0)},
}


@pytest.mark.parametrize("kind", FIXED)
def test_a_fixed_transform_never_takes_the_place_of_a_measured_way(kind):
    entries = [("ImageToProbe", at(0, 3)), *FIXED[kind].items()]
    for order in itertools.permutations(entries):
        fixed = dict(order)
        pose = compose_measured(MEASURED, fixed, "Image", "Reference")
        assert pose.valid and pose.matrix[0, 3] == 5 and pose.matrix[1, 3] == 3
        assert pose_path(MEASURED, fixed, "Image", "Reference").passed_over
        # The probe is lost, the reference is lost, and nothing is tracked at all: nothing fixed stands in for it.
        for left in ({"ReferenceToTracker": at(2)}, {"ProbeToTracker": at(7)}, {}):
            pose = compose_measured(left, fixed, "Image", "Reference", names=MEASURED)
            assert pose is None or not pose.valid


def test_fixed_transforms_alone_are_no_measured_pose():
    for fixed in FIXED.values():
        pose = compose_measured({"StylusToTracker": at(1)}, {"ImageToProbe": at(0, 3), **fixed}, "Image", "Reference")
        assert pose is None or not pose.valid
    pose = compose_measured({}, {"ImageToReference": at(90)}, "Image", "Reference")
    assert pose.matrix[0, 3] == 90 and not pose.valid


def test_what_is_needed_of_a_configuration_is_used_and_the_rest_is_not_reported():
    fixed = {"StylusTipToStylus": at(1), "ImageToProbe": at(0, 3), "TrackerToReference": at(50)}
    path = pose_path({"ProbeToTracker"}, fixed, "Image", "Reference")
    assert [name for name, _, _ in path.steps] == ["ImageToProbe", "ProbeToTracker", "TrackerToReference"]
    assert path.measured and path.passed_over == ()
    assert compose_measured({"ProbeToTracker": at(7)}, fixed, "Image", "Reference").matrix[0, 3] == 57


def test_a_transform_that_was_measured_and_is_fixed_as_well():
    measured = {"ImageToReference": at(4), "ProbeToReference": at(1)}
    pose = compose_measured(measured, {"ImageToReference": at(90)}, "Image", "Reference")
    assert pose.matrix[0, 3] == 4 and pose.valid
    path = pose_path(measured, {"ImageToProbe": at(0)}, "Image", "Reference")
    assert path.passed_over == ("ImageToProbe",)
    assert pose_path(measured, {}, "Image", "Somewhere") is None


def test_many_fixed_transforms_take_no_long_time():
    names = [f"{a}To{b}" for a, b in itertools.combinations("ABCDEFGHIJKLMNOP", 2)]
    assert pose_path({"XToY"}, names, "A", "P").steps
    assert pose_path({"XToY"}, names, "A", "Y") is None


def test_reading_uses_what_was_measured_and_tells_what_is_not_used(tmp_path):
    pixels = np.zeros((4, 5), np.uint8)
    frames = [
        TrackedFrame(pixels, at(5 * number).matrix, number / 10, True, {"ProbeToTracker": at(number)})
        for number in range(5)
    ]
    path = write_sweep(Sweep(frames), tmp_path / "a.igs.mha")
    sweep = read_sweep(path, {"ImageToReference": at(90).matrix, "ImageToProbe": at(0).matrix})
    assert [frame.image_to_reference[0, 3] for frame in sweep.frames] == [0, 5, 10, 15, 20]
    assert not sweep.notes, "nothing joins Probe and Reference, so that this ImageToProbe takes no one's place"

    frames = [frame.with_changes(transforms={"ProbeToReference": at(5 * n)}) for n, frame in enumerate(frames)]
    path = write_sweep(Sweep(frames), tmp_path / "b.igs.mha")
    (note,) = read_sweep(path, {"ImageToProbe": at(12).matrix}).notes
    assert "ImageToProbe" in note and "not used" in note and "12.0 mm" in note
    assert not read_sweep(path, {"ImageToProbe": at(0).matrix}).notes, "the same calibration is no news"


def test_a_recording_whose_images_have_fixed_poses_alone_is_refused(tmp_path):
    frame = TrackedFrame(np.zeros((4, 5), np.uint8), at(1).matrix, 1.0, True, {"ProbeToTracker": at(7)})
    text = write_sweep(Sweep([frame]), tmp_path / "a.igs.mha").read_bytes()
    (tmp_path / "b.igs.mha").write_bytes(b"\n".join(
        line for line in text.split(b"\n") if b"ImageToReference" not in line
    ))  # fmt: skip
    with pytest.raises(TransformError, match="not measured"):
        read_sweep(tmp_path / "b.igs.mha", {"ImageToReference": at(3).matrix})
