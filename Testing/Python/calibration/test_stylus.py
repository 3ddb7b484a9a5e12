"""The tip of a stylus: known answers, eight real pivots, and an uncertainty that means something."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.stylus.pivot import algebraic_pivot, robust_pivot, shaft_tilt_deg
from CRLMSegmentationLib.calibration.stylus.resting_tip import resting_parts
from CRLMSegmentationLib.calibration.stylus.spin import spin_shaft
from CRLMSegmentationLib.calibration.stylus.stylus_calibration import StylusCalibration, estimate_tip
from CRLMSegmentationLib.calibration.stylus.tip_covariance import combined_tip, tip_covariance
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import CalibrationError, TransformError
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerErrors, TrackerField, pivoting_hand
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_plus_configuration, write_sweep
from CRLMSegmentationLib.sweep.sequence_files.tool_poses import read_tool_poses
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

EIGHT = "EightLandmarkPointsTrackedForPhantomRegistration.igs.mha"
TIP = np.array([110.0, -7.0, 3.0])
PIVOT = np.array([20.0, -40.0, 130.0])


def pivoted(seed=0, tilt_deg=45.0, seconds=10.0, errors=TrackerErrors(), pivot=PIVOT):
    random = np.random.default_rng(seed)
    poses, times = pivoting_hand(TIP, pivot, tilt_deg, seconds, random)
    return TrackerField(errors, random).measured(poses), times


def carried(poses, times, seconds=3.0):
    """The same with the way to the place and away from it."""
    count = round(seconds * 15)
    way = np.linspace(1, 0, count, endpoint=False)[:, np.newaxis] * [0.0, 60, 90]
    there, back = np.repeat(poses[:1], count, axis=0), np.repeat(poses[-1:], count, axis=0)
    there[:, :3, 3] += way
    back[:, :3, 3] += way[::-1]
    whole = np.concatenate([there, poses, back])
    return whole, times[0] + np.arange(len(whole)) / 15


def test_the_algebraic_pivot_is_exact_without_errors():
    poses, _ = pivoted(errors=TrackerErrors(noise_mm=0))
    pivot = algebraic_pivot(poses)
    np.testing.assert_allclose(pivot.tip_mm, TIP, atol=1e-9)
    np.testing.assert_allclose(pivot.pivot_mm, PIVOT, atol=1e-9)
    assert pivot.residual_mm < 1e-9


def test_it_agrees_with_an_independent_formulation():
    """A sphere through the sensor's places has the pivot as its middle and the tip's length as its radius."""
    poses, _ = pivoted(errors=TrackerErrors(noise_mm=0.05), tilt_deg=50)
    places = poses[:, :3, 3]
    design = np.column_stack([2 * places, np.ones(len(places))])
    solution = np.linalg.lstsq(design, (places**2).sum(axis=1), rcond=None)[0]
    pivot = algebraic_pivot(poses)
    np.testing.assert_allclose(pivot.pivot_mm, solution[:3], atol=0.3)
    radius = np.sqrt(solution[3] + solution[:3] @ solution[:3])
    assert np.linalg.norm(pivot.tip_mm) == pytest.approx(radius, abs=0.3)


def test_poses_that_do_not_fit_are_rejected():
    poses, _ = pivoted(1)
    wrong = np.arange(30)
    poses[wrong, :3, 3] += [0.0, 8.0, 5.0]
    pivot = robust_pivot(poses)
    assert not pivot.used[wrong].any() and pivot.used.sum() == len(poses) - len(wrong)
    np.testing.assert_allclose(pivot.tip_mm, TIP, atol=0.15)
    assert np.linalg.norm(algebraic_pivot(poses).tip_mm - TIP) > 0.3


def test_the_tilt_is_that_of_the_shaft():
    turn = Rotation.from_rotvec(np.radians([[0, 0, 0], [0, 30, 0], [0, -30, 0], [25, 0, 0]])).as_matrix()
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, :3, :3] = turn
    # The turn about x, along which the shaft lies, tilts nothing.
    assert shaft_tilt_deg(poses, np.array([100.0, 0, 0])) == pytest.approx(30, abs=1e-6)


def test_the_way_to_the_place_is_left_out():
    poses, times = carried(*pivoted(2))
    (part,) = resting_parts(poses, times)
    assert abs(part.start - 45) < 6 and abs(part.stop - (len(poses) - 45)) < 6
    tip = estimate_tip(poses, times)
    np.testing.assert_allclose(tip.tip_mm, TIP, atol=0.15)
    assert tip.poses_used + tip.poses_rejected == len(poses)
    assert tip.missing == []


def test_several_places_are_put_together():
    first, times = carried(*pivoted(3, 28))
    second, _ = carried(*pivoted(4, 28, pivot=PIVOT + [80, 20, -30]))
    poses = np.concatenate([first, second])
    both = estimate_tip(poses, np.arange(len(poses)) / 15)
    assert len(both.pivots_mm) == 2
    np.testing.assert_allclose(both.pivots_mm, [PIVOT, PIVOT + [80, 20, -30]], atol=0.5)
    assert both.deviation_mm < estimate_tip(first, times).deviation_mm
    assert any("of 45 degrees" in text for text in both.missing)


def pivots_with_tips(tips):
    """Two places, each of which has its own tip."""
    poses = []
    for number, tip in enumerate(tips):
        true, _ = pivoting_hand(tip, PIVOT + [80.0 * number, 20, -30], 45.0, 8.0, np.random.default_rng(number))
        poses.append(TrackerField(TrackerErrors(), np.random.default_rng(10 + number)).measured(true))
    return poses, [robust_pivot(part) for part in poses]


def test_tips_that_contradict_each_other_are_known_less_well():
    tip, agreeing = combined_tip(*pivots_with_tips([TIP, TIP]))
    _, differing = combined_tip(*pivots_with_tips([TIP + [0, 1.5, 0], TIP - [0, 1.5, 0]]))
    np.testing.assert_allclose(tip, TIP, atol=0.15)
    assert np.trace(differing) > 20 * np.trace(agreeing)


def test_places_near_each_other_are_no_independent_witnesses():
    """The error of a tracker is a smooth function of the place: two dimples within its length err alike."""
    errors = TrackerErrors(noise_mm=0.1, noise_deg=0.03, field_mm=0.35, field_deg=0.12)
    together, apart = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        hands = [pivoting_hand(TIP, PIVOT + [40.0 * number, 0, 0], 45.0, 6.0, random)[0] for number in range(2)]
        said = TrackerField(errors, random).measured(np.concatenate(hands))
        poses = list(np.split(said, 2))
        pivots = [robust_pivot(part) for part in poses]
        tip, covariance = combined_tip(poses, pivots)
        own = [tip_covariance(part, pivot) for part, pivot in zip(poses, pivots)]
        for squares, stated in ((together, covariance), (apart, np.linalg.inv(np.linalg.inv(own).sum(axis=0)))):
            squares.append((tip - TIP) @ np.linalg.solve(stated, tip - TIP))
    # The mean of chi2 with three degrees of freedom is 3.
    assert 1.5 < np.mean(together) < 5
    assert np.mean(apart) > 1.2 * np.mean(together)


def distances(errors, tilt_deg, trials):
    """Squared distance of each tip from the truth in units of its covariance, and the same in mm."""
    squares, lengths, residuals = [], [], []
    for seed in range(trials):
        tip = estimate_tip(*pivoted(seed, tilt_deg, 7.0, errors))
        off = tip.tip_mm - TIP
        squares.append(off @ np.linalg.solve(tip.covariance_mm2, off))
        lengths.append(np.linalg.norm(off))
        residuals.append(tip.residual_mm)
    return np.array(squares), np.array(lengths), np.array(residuals)


def test_the_covariance_holds_for_noise():
    squares, _, _ = distances(TrackerErrors(noise_mm=0.4), 28, 40)
    assert (squares < chi2.ppf(0.95, 3)).mean() >= 0.85
    # Nor is it larger than it has to be: the mean of chi2 with three degrees of freedom is 3.
    assert 1.5 < squares.mean() < 6


def test_the_covariance_is_not_fooled_by_a_small_residual():
    """Errors that change smoothly over the volume move the tip by more than the residual shows."""
    errors = TrackerErrors(noise_mm=0.05, field_mm=0.6, field_deg=0.15, field_length_mm=80)
    squares, lengths, residuals = distances(errors, 28, 30)
    assert np.median(lengths) > np.median(residuals)
    # The usual covariance, residual / number of poses, would put this beyond a hundred.
    assert np.median(squares) < chi2.ppf(0.95, 3)


def test_eight_real_pivots_are_within_their_uncertainty(shared_data):
    recorded = read_tool_poses(shared_data / "calibration" / EIGHT, "Stylus")
    assert recorded.valid.all() and recorded.reference == "Reference"
    tips, covariances, residuals = [], [], []
    for part in resting_parts(recorded.matrices, recorded.times_s):
        try:
            tip = estimate_tip(recorded.matrices[part], recorded.times_s[part])
        except CalibrationError:
            continue  # the stylus laid down before and after
        tips.append(tip.tip_mm)
        covariances.append(tip.covariance_mm2)
        residuals.append(tip.residual_mm)
        assert 22 < tip.tilt_deg < 31
    assert len(tips) == 8 and 0.28 < min(residuals) and max(residuals) < 0.6
    mean = np.mean(tips, axis=0)
    off = [np.sqrt((tip - mean) @ np.linalg.solve(cov, tip - mean)) for tip, cov in zip(tips, covariances)]
    assert sum(value <= 2 for value in off) >= 7
    assert max(np.linalg.norm(tip - mean) for tip in tips) > 0.9, "the tips scatter by a millimetre"


def test_the_command_finds_the_tip_of_all_eight(shared_data, tmp_path, capsys):
    output = tmp_path / "stylus.xml"
    file = str(shared_data / "calibration" / EIGHT)
    assert main(["calibrate", "stylus", file, "--tool", "Stylus", "--json", "-o", str(output)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["pivots"] == 8 and facts["poses_used"] > 600 and 28 < facts["tilt_deg"] < 31
    assert np.array(facts["covariance_mm2"]).shape == (3, 3) and 0.3 < facts["residual_mm"] < 0.5
    written = read_plus_configuration(output).transforms["StylusTipToStylus"]
    np.testing.assert_allclose(written[:3, 3], facts["tip_mm"], atol=1e-6)
    assert main(["calibrate", "stylus", file, "--tool", "Needle"]) == 1
    assert "does not say where Needle was" in capsys.readouterr().err


def recording(poses, times, path):
    no_image = np.zeros((0, 0), np.uint8)
    frames = [
        TrackedFrame(no_image, None, time, False, {"StylusToReference": Pose(pose)}) for pose, time in zip(poses, times)
    ]
    return str(write_sweep(Sweep(frames), path))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda poses, times: (poses[:20], times[:20]), "20 poses"),
        (lambda poses, times: (pivoted(tilt_deg=8)[0], times), "too little|hardly tilted"),
        (lambda poses, times: (poses @ np.diag([1.0, 1, -1, 1]), times), "mirrored"),
        (lambda poses, times: (poses @ np.diag([2.0, 2, 2, 1]), times), "scale"),
        (lambda poses, times: (poses, times * np.nan), "timestamps"),
        (lambda poses, times: (poses, times[::-1]), "go back"),
        (lambda poses, times: (np.repeat(poses[:1], len(poses), axis=0), times), "hardly tilted"),
    ],
)
def test_what_tells_no_tip_says_why(change, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        estimate_tip(*change(*pivoted()))


def test_a_tip_that_slips_about_is_no_tip():
    poses, times = pivoted(5)
    poses[:, 0, 3] += 30 * np.sin(2 * np.pi * times / 1.7)
    with pytest.raises(CalibrationError):
        estimate_tip(poses, times)


def test_a_recording_without_the_tool_says_what_it_holds(tmp_path):
    with pytest.raises(TransformError, match="it holds StylusToReference"):
        read_tool_poses(recording(*pivoted(seconds=1), tmp_path / "a.igs.mha"), "Pointer")


def test_live_it_says_what_is_missing_until_nothing_is():
    poses, times = pivoted(6)
    live, said = StylusCalibration(), []
    assert "0 poses" in live.missing[0]
    for number, (pose, time) in enumerate(zip(poses, times)):
        live.add(Pose(pose), time)
        if number % 40 == 39:
            said.append(live.missing)
    live.add(Pose(poses[0], False), times[-1] + 1)
    live.add(Pose(poses[0]), times[-1])
    assert live.lost == 2 and live.poses == len(poses)
    assert said[0] and live.missing == []
    np.testing.assert_allclose(live.estimate().tip_mm, TIP, atol=0.2)


def test_little_tilt_is_said_in_degrees():
    poses, times = pivoted(7, tilt_deg=26)
    (first, *_) = estimate_tip(poses, times).missing
    assert first in {f"tilt {tilt} of 45 degrees" for tilt in range(23, 27)}


def test_spinning_tells_the_shaft():
    random = np.random.default_rng(0)
    shaft = np.array([0.96, 0.0, 0.28])
    turns = np.linspace(0, 300, 120)
    poses = np.tile(np.eye(4), (120, 1, 1))
    wobble = Rotation.from_rotvec(np.radians(0.3) * random.normal(size=(120, 3)))
    poses[:, :3, :3] = (wobble * Rotation.from_rotvec(np.radians(turns)[:, np.newaxis] * shaft)).as_matrix()
    spin = spin_shaft(poses, tip_mm=100 * shaft)
    assert np.degrees(np.arccos(spin.shaft @ shaft)) < 0.2
    assert spin.turned_deg == pytest.approx(300, abs=8) and 0.2 < spin.deviation_deg < 0.8
    with pytest.raises(CalibrationError, match="turn it by 90"):
        spin_shaft(poses[:20])
    poses[:, :3, :3] = Rotation.random(120, random_state=0).as_matrix()
    with pytest.raises(CalibrationError, match="no single axis"):
        spin_shaft(poses)
