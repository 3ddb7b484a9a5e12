"""One clear sentence for everything that cannot be reconstructed."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError, SequenceFileError
from CRLMSegmentationLib.reconstruction import ClipRectangle, Fan, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep

SETTINGS = ReconstructionSettings(spacing_mm=0.5)


def with_pose(sweep, number, pose):
    frames = list(sweep.frames)
    frames[number] = frames[number].with_changes(image_to_reference=pose)
    return Sweep(frames, name="the test sweep")


@pytest.mark.parametrize("spacing", [0, -1, (0.5, 0.5, 0), np.nan, np.inf, (1, 2)])
def test_spacing_must_be_positive(spacing):
    with pytest.raises(ReconstructionError, match=r"spacing.*greater than 0"):
        ReconstructionSettings(spacing_mm=spacing)


@pytest.mark.parametrize("name", ["interpolation", "compounding", "fill", "definition", "optimization"])
def test_unknown_words_are_named_with_the_choices(name):
    with pytest.raises(ReconstructionError, match=f"{name} is 'best'.*one of"):
        ReconstructionSettings(**{name: "best"})


@pytest.mark.parametrize("bad, reason", [(np.full((4, 4), np.nan), "not finite"), (np.zeros((4, 4)), "singular")])
def test_a_bad_pose_is_left_out_and_listed(a_sweep, bad, reason):
    made = reconstruct(with_pose(a_sweep, 3, bad), SETTINGS)
    assert 3 not in made.report.frames_used
    assert [(frame.number, reason in frame.reason) for frame in made.report.frames_skipped] == [(3, True)]


def test_a_tracker_jump_is_left_out_and_listed(a_sweep):
    far = a_sweep.frames[4].image_to_reference.copy()
    far[:3, 3] += (400, 0, 0)
    made = reconstruct(with_pose(a_sweep, 4, far), SETTINGS)
    without = reconstruct(Sweep([f for n, f in enumerate(a_sweep.frames) if n != 4]), SETTINGS)
    assert [frame.number for frame in made.report.frames_skipped] == [4]
    assert "jump" in made.report.frames_skipped[0].reason
    np.testing.assert_array_equal(made.volume.voxels, without.volume.voxels)


def test_two_long_stretches_far_apart_are_no_jump(make_sweep):
    sweep = make_sweep(2, frames=20)
    motion = np.eye(4)
    motion[0, 3] = 60
    frames = [
        frame.with_changes(image_to_reference=motion @ frame.image_to_reference) if number >= 10 else frame
        for number, frame in enumerate(sweep.frames)
    ]
    assert reconstruct(Sweep(frames), SETTINGS).report.frames_skipped == ()


def test_no_valid_frame(a_sweep):
    sweep = Sweep([frame.with_changes(valid=False) for frame in a_sweep.frames], name="liver 3")
    with pytest.raises(ReconstructionError, match=r"liver 3 has no frame.*pose not valid"):
        reconstruct(sweep, SETTINGS)


def test_an_empty_sweep():
    with pytest.raises(ReconstructionError, match="no frame"):
        reconstruct(Sweep([]), SETTINGS)


@pytest.mark.parametrize(
    "clip", [ClipRectangle(0, 0, 0, 10), ClipRectangle(500, 0, 10, 10), ClipRectangle(0, -50, 10, 10)]
)
def test_an_empty_clip_rectangle(a_sweep, clip):
    with pytest.raises(ReconstructionError, match="clip rectangle"):
        reconstruct(a_sweep, SETTINGS.with_changes(clip_rectangle=clip))


def test_a_fan_outside_the_image(a_sweep):
    with pytest.raises(ReconstructionError, match=r"fan.*no pixel"):
        reconstruct(a_sweep, SETTINGS.with_changes(fan=Fan((20, 500), (-30, 30), 10, 100)))


def test_a_region_too_large_says_what_would_fit_before_allocating(a_sweep):
    with pytest.raises(
        ReconstructionError, match=r"GiB of memory.*a spacing of [\d.]+ x [\d.]+ x [\d.]+ mm would fit"
    ) as caught:
        reconstruct(a_sweep, SETTINGS.with_changes(spacing_mm=0.0005))
    fitting = tuple(float(word) for word in str(caught.value).split("a spacing of ")[1].split(" mm")[0].split(" x "))
    assert all(value > 0.0005 for value in fitting)


def test_the_spacing_that_is_said_to_fit_does_fit(a_sweep):
    tight = SETTINGS.with_changes(spacing_mm=0.05, memory_limit_bytes=2_000_000)
    with pytest.raises(ReconstructionError, match="would fit") as caught:
        reconstruct(a_sweep, tight)
    fitting = tuple(float(word) for word in str(caught.value).split("a spacing of ")[1].split(" mm")[0].split(" x "))
    reconstruct(a_sweep, tight.with_changes(spacing_mm=fitting))


def test_pixels_of_an_unknown_type(make_sweep):
    with pytest.raises(ReconstructionError, match="int64 cannot be reconstructed"):
        reconstruct(make_sweep(1, dtype=np.int64), SETTINGS)


def test_frames_of_different_types(a_sweep):
    frames = [*a_sweep.frames, a_sweep.frames[0].with_changes(pixels=a_sweep.frames[0].pixels.astype(np.uint16))]
    with pytest.raises(SequenceFileError, match="one type"):
        Sweep(frames)
    # The live volume takes frames before they are a sweep.
    sweep = Sweep(a_sweep.frames)
    object.__setattr__(sweep, "frames", frames)
    with pytest.raises(ReconstructionError, match="all frames must be alike"):
        reconstruct(sweep, SETTINGS)


def test_half_a_region():
    with pytest.raises(ReconstructionError, match="origin and its dimensions"):
        ReconstructionSettings(origin_mm=(0, 0, 0))
