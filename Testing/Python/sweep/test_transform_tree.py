"""Every file that is written holds at most one way between any two frames, as PLUS wants it, and loses nothing."""

import itertools

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.geometry import as_affine
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.transform_columns import poses_of
from CRLMSegmentationLib.sweep.transform_tree import STATUS_FIELD, TRANSFORM_FIELD
from CRLMSegmentationLib.sweep.transforms import format_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

IMAGE_TO_PROBE = np.array([[0.1, 0, 0, -3], [0, 0, 1, 2.5], [0, -0.2, 0, 7], [0, 0, 0, 1.0]])
STATUSES = ("OK", "OK", "OK", "MISSING", "OUT_OF_VIEW")


def pose(random, scale=100.0):
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(random.normal(size=(3, 3)))[0]
    matrix[:3, 3] = random.uniform(-scale, scale, 3)
    return matrix


def ways_between(names):
    """The most ways that lead from any coordinate frame to another without passing one twice, counted by
    walking all.
    """
    ends = [tuple(name.split("To", 1)) for name in names]
    neighbours = {}
    for number, (one, other) in enumerate(ends):
        neighbours.setdefault(one, []).append((other, number))
        neighbours.setdefault(other, []).append((one, number))

    def count(here, there, passed, used):
        if here == there:
            return 1
        return sum(
            count(after, there, passed | {after}, used | {number})
            for after, number in neighbours[here]
            if number not in used and after not in passed
        )

    pairs = itertools.permutations(neighbours, 2)
    return max((count(one, other, {one}, frozenset()) for one, other in pairs), default=0)


def transforms_in(path):
    lines = path.read_bytes().split(b"ElementDataFile")[0].decode().splitlines()
    fields = [line.split(" = ")[0].split("_", 2)[2] for line in lines if line.startswith("Seq_Frame")]
    return sorted({field.removesuffix("Transform") for field in fields if field.endswith("Transform")})


def as_plus_sends(random, count, extra=(), jitter=0.0, embedded=True):
    """Frames whose transforms say the same in several ways, as a stream of PLUS does."""
    frames = []
    for number in range(count):
        tracker = {
            f"{tool}ToTracker": Pose(pose(random), random.choice(STATUSES) == "OK")
            for tool in ("Probe", "Reference", "Stylus")
        }
        probe, reference = tracker["ProbeToTracker"], tracker["ReferenceToTracker"]
        to_reference = Pose(np.linalg.inv(reference.matrix) @ probe.matrix, probe.valid and reference.valid)
        stylus = np.linalg.inv(reference.matrix) @ tracker["StylusToTracker"].matrix
        transforms = {
            **tracker,
            "ProbeToReference": to_reference,
            "StylusToReference": Pose(stylus, reference.valid and tracker["StylusToTracker"].valid),
            "TrackerToReference": Pose(np.linalg.inv(reference.matrix), reference.valid),
        }
        kept = {name: transforms[name] for name in transforms if name in extra or name.endswith("ToTracker")}
        image = to_reference.matrix @ IMAGE_TO_PROBE + jitter * np.eye(4)[:, [3, 0, 1, 2]] * [0, 0, 0, 1]
        valid = to_reference.valid and random.random() > 0.1
        pixels = np.zeros((4, 6), np.uint8)
        frames.append(TrackedFrame(pixels, image if embedded else None, 1.0 + number, valid and embedded, kept))
    return Sweep(frames)


def assert_same_frames(read, written):
    assert len(read) == len(written)
    for one, other in zip(read.frames, written.frames):
        assert one.valid == other.valid and one.timestamp == other.timestamp
        if other.valid:
            np.testing.assert_allclose(one.image_to_reference, other.image_to_reference, atol=1e-6)
        for name, before in other.transforms.items():
            after = one.transforms.get(name)
            assert (after is not None and after.valid) == before.valid, name
            if before.valid:
                # Seven digits of what travelled through OpenIGTLink.
                np.testing.assert_allclose(after.matrix, before.matrix, atol=2e-3)


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 4),
    extra=st.sets(st.sampled_from(["ProbeToReference", "StylusToReference", "TrackerToReference"])),
    jitter=st.sampled_from([0.0, 1e-5, 0.3]),
    embedded=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_file_holds_one_way_and_reads_back(tmp_path_factory, seed, count, extra, jitter, embedded):
    sweep = as_plus_sends(np.random.default_rng(seed), count, extra, jitter, embedded)
    path = write_sweep(sweep, tmp_path_factory.mktemp("tree") / "a.igs.mha")
    assert ways_between(transforms_in(path)) <= 1, transforms_in(path)
    assert_same_frames(read_sweep(path), sweep)
    # What was read is written as the same tree again.
    again = write_sweep(read_sweep(path), path.with_name("b.igs.mha"))
    assert transforms_in(again) == transforms_in(path)


@given(
    seed=st.integers(0, 2**32 - 1),
    names=st.sets(
        st.sampled_from(
            [f"{a}To{b}" for a, b in itertools.permutations(("Image", "Probe", "Tracker", "Reference"), 2)]
        ),
        min_size=1,
    ),
)
@settings(max_examples=60, deadline=None)
def test_transforms_that_contradict_each_other_are_all_kept(tmp_path_factory, seed, names):
    random = np.random.default_rng(seed)
    names = sorted(names - {"ImageToReference"})
    frames = [
        TrackedFrame(np.zeros((4, 6), np.uint8), pose(random), float(number + 1), bool(random.integers(2)),
                     {name: Pose(pose(random), bool(random.integers(4))) for name in names if random.random() > 0.2})
        for number in range(3)
    ]  # fmt: skip
    path = write_sweep(Sweep(frames), tmp_path_factory.mktemp("tree") / "a.igs.mha")
    assert ways_between(transforms_in(path)) <= 1, transforms_in(path)
    assert_same_frames(read_sweep(path), Sweep(frames))


def test_what_was_measured_is_written_and_the_image_hangs_on_the_probe(tmp_path):
    sweep = as_plus_sends(np.random.default_rng(0), 20, {"ProbeToReference", "StylusToReference"})
    path = write_sweep(sweep, tmp_path / "a.igs.mha")
    assert transforms_in(path) == ["ImageToProbe", "ProbeToTracker", "ReferenceToTracker", "StylusToTracker"]


def test_a_transform_that_a_frame_lacks_is_marked_for_plus(tmp_path):
    """PLUS keeps the transform of the frame before when one is not there, and takes it for a good one."""
    stylus = {"StylusToTracker": Pose(np.eye(4))}
    frames = [
        TrackedFrame(np.zeros((2, 2), np.uint8), None, number + 1.0, False, transforms)
        for number, transforms in enumerate((stylus, {}))
    ]
    text = write_sweep(Sweep(frames), tmp_path / "a.igs.mha").read_bytes().split(b"ElementDataFile")[0].decode()
    assert "Seq_Frame0001_StylusToTrackerTransformStatus = MISSING" in text
    assert not read_sweep(tmp_path / "a.igs.mha").frames[1].transforms["StylusToTracker"].valid


@pytest.mark.parametrize("reference", ["Reference", "Patient"])
def test_a_recording_comes_back_with_its_calibration_and_in_its_frame(tmp_path, reference):
    random = np.random.default_rng(3)
    recorder = Recorder(
        tmp_path / "a.igs.mha",
        {"ImageToProbe": IMAGE_TO_PROBE, "StylusTipToStylus": np.eye(4), f"ProbeTo{reference}": np.eye(4)},
        reference,
    )
    poses = [pose(random) for _ in range(3)]
    for number, matrix in enumerate(poses):
        lost = number == 1
        recorder.add(TrackedFrame(np.zeros((3, 4), np.uint8), None if lost else matrix @ IMAGE_TO_PROBE, number + 1.0,
                                  not lost, {} if lost else {f"ProbeTo{reference}": Pose(matrix)}))  # fmt: skip
    (path,) = recorder.stop()
    assert transforms_in(path) == ["ImageToProbe", f"ProbeTo{reference}", "StylusTipToStylus"]
    sweep = read_sweep(path)
    assert sweep.reference == reference and [frame.valid for frame in sweep.frames] == [True, False, True]
    np.testing.assert_allclose(sweep.frames[2].image_to_reference, poses[2] @ IMAGE_TO_PROBE, atol=1e-9)
    np.testing.assert_array_equal(sweep.frames[0].transforms["ImageToProbe"].matrix, IMAGE_TO_PROBE)


def test_a_lost_tracker_leaves_the_calibration_as_it_is(tmp_path):
    """Else the one who reads it would look for the fault at the image."""
    random = np.random.default_rng(5)
    frames = []
    for number in range(6):
        probe = Pose(pose(random), number != 2)
        image = np.round(probe.matrix @ IMAGE_TO_PROBE, 6)
        frames.append(TrackedFrame(np.zeros((4, 6), np.uint8), image, 1.0 + number, number not in (2, 4),
                                   {"ProbeToReference": probe}))  # fmt: skip
    read = read_sweep(write_sweep(Sweep(frames), tmp_path / "a.igs.mha")).frames
    assert [frame.transforms["ImageToProbe"].valid for frame in read] == [True, True, True, True, False, True]
    assert [frame.valid for frame in read] == [True, True, False, True, False, True]


@given(st.lists(st.floats(-2, 2) | st.sampled_from([np.nan, np.inf, 0.0, 1.0, 1 + 1e-7]), min_size=16, max_size=16))
@settings(max_examples=200, deadline=None)
def test_what_counts_as_a_pose_is_the_same_one_by_one_and_all_at_once(values):
    """The tree must not take for lost what the reader takes for measured, nor the other way round."""
    matrix = np.reshape(values, (4, 4))
    for candidate in (matrix, np.vstack([matrix[:3], [0, 0, 0, matrix[3, 3]]]), np.vstack([matrix[:3], [0, 0, 0, 1]])):
        try:
            as_affine(candidate)
            is_one = True
        except GeometryError:
            is_one = False
        fields = [{"AToBTransform": format_matrix(candidate)}]
        poses = poses_of(fields, TRANSFORM_FIELD, STATUS_FIELD).usable["AToB"]
        assert bool(poses.valid[0]) == is_one


def test_images_that_came_with_another_calibration_keep_theirs(tmp_path):
    random = np.random.default_rng(8)
    recorder = Recorder(tmp_path / "a.igs.mha", {"ImageToProbe": np.diag([0.3, 0.3, 1, 1])})
    frames = []
    for number in range(4):
        probe = pose(random)
        frames.append(TrackedFrame(np.zeros((4, 6), np.uint8), probe @ IMAGE_TO_PROBE, 1.0 + number, True,
                                   {"ProbeToReference": Pose(probe)}))  # fmt: skip
        recorder.add(frames[-1])
    (path,) = recorder.stop()
    assert transforms_in(path) == ["ImageToProbe", "ProbeToReference"]
    assert_same_frames(read_sweep(path), Sweep(frames))
