"""What is drawn over many seeds, without making pictures, and settings that cannot be used."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.simulation import LesionSettings, ProbeSettings, SweepSettings
from CRLMSegmentationLib.simulation.lesion_shape import sphere_directions
from CRLMSegmentationLib.simulation.ultrasound.lesion import draw_lesion
from CRLMSegmentationLib.simulation.ultrasound.motion import draw_tracker_errors
from CRLMSegmentationLib.simulation.ultrasound.placement import draw_sweep_over_lesion
from CRLMSegmentationLib.simulation.ultrasound.probe import draw_probe


def generator(*seed):
    return np.random.Generator(np.random.PCG64(seed))


def lesions(count, settings=None):
    return [draw_lesion(generator(1, seed), settings or LesionSettings()) for seed in range(count)]


@pytest.fixture(scope="module")
def population():
    return lesions(120)


def test_lesion_volumes_spread_as_published(population):
    volumes = np.array([4 / 3 * np.pi * (lesion.equivalent_diameter_mm / 2) ** 3 / 1000 for lesion in population])
    assert 2.0 < np.median(volumes) < 4.0
    assert volumes.min() > 0.45 and volumes.max() < 37


def test_all_kinds_of_lesion_occur_and_near_isoechoic_ones_only_on_request(population):
    assert {lesion.echogenicity for lesion in population} == {"hypoechoic", "hyperechoic", "mixed"}
    assert not any(lesion.near_isoechoic for lesion in population)
    assert any(lesion.near_isoechoic for lesion in lesions(30, LesionSettings(allow_near_isoechoic=True)))
    for lesion in population:
        if lesion.echogenicity == "hyperechoic":
            assert lesion.contrast_db > 0
        else:
            assert lesion.contrast_db < 0


def test_a_lesion_has_exactly_the_volume_of_its_sphere_and_an_irregular_surface():
    shape = lesions(1, LesionSettings(equivalent_diameter_mm=20))[0].shape
    assert shape.volume_ml() == pytest.approx(4 / 3 * np.pi * 10**3 / 1000, rel=1e-6)
    radii = shape.radius_mm(sphere_directions(500))
    assert radii.min() > 4 and radii.max() < 16 and radii.std() > 0.5
    directions = sphere_directions(500)
    np.testing.assert_allclose(shape.radial_distance_mm(directions * radii[:, None]), 0, atol=1e-9)


def test_tracking_error_has_the_size_that_was_asked_for():
    moments = np.linspace(0, 1, 60)
    errors = [draw_tracker_errors(generator(6, seed), moments, 0.9, 0.3) for seed in range(200)]
    for name, expected in (("offsets_mm", 0.9), ("angles_rad", np.radians(0.3))):
        vectors = np.array([getattr(error, name) for error in errors])
        assert np.sqrt((vectors**2).sum(axis=-1).mean()) == pytest.approx(expected, rel=0.08)
        # Mostly slow: what changes from one frame to the next is a small part.
        assert np.sqrt((np.diff(vectors, axis=1) ** 2).sum(axis=-1).mean()) < 0.35 * expected


@pytest.mark.parametrize("seed", range(8))
def test_sweeps_have_the_published_volume(seed):
    lesion = draw_lesion(generator(2, seed), LesionSettings())
    probe = draw_probe(generator(3, seed), ProbeSettings(), lesion.shape.longest_diameter_mm() + 16)
    motion, _ = draw_sweep_over_lesion(
        generator(4, seed), generator(5, seed), lesion, probe, LesionSettings(), SweepSettings()
    )
    assert 160 <= motion.swept_volume_ml(probe) <= 355
    assert (np.diff(motion.way(np.linspace(0, 1, 200))) > 0).all()


def test_swept_volume_agrees_with_counting_voxels():
    """The analytic volume against points of a grid that the image plane passes within the fan."""
    lesion = draw_lesion(generator(2, 3), LesionSettings(equivalent_diameter_mm=12))
    probe = draw_probe(generator(3, 3), ProbeSettings(depth_mm=60), 30)
    motion, _ = draw_sweep_over_lesion(
        generator(4, 3), generator(5, 3), lesion, probe, LesionSettings(), SweepSettings(swept_volume_ml=220)
    )
    step = 2.0
    axes = [np.arange(-80, 80, step), np.arange(-60, 60, step), np.arange(-10, 75, step)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inverse = np.linalg.inv(motion.face_to_liver(np.linspace(0, 1, 80)))
    passed, before = np.zeros(len(points), dtype=bool), None
    for matrix in inverse:
        local = points @ matrix[:3, :3].T + matrix[:3, 3]
        if before is not None:
            passed |= (before * local[:, 2] <= 0) & probe.inside_fan(local[:, 0], local[:, 1])
        before = local[:, 2]
    assert passed.sum() * step**3 / 1000 == pytest.approx(motion.swept_volume_ml(probe), rel=0.06)
    assert motion.swept_volume_ml(probe) == pytest.approx(220, rel=0.01)


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda: LesionSettings(echogenicity="purple"), "echogenicity is 'purple'"),
        (lambda: LesionSettings(equivalent_diameter_mm=500), "equivalent diameter is 500 mm"),
        (lambda: LesionSettings(equivalent_diameter_mm="big"), "must be a number"),
        (lambda: LesionSettings(echogenicity="hypoechoic", contrast_db=4), "must be below 0 dB"),
        (lambda: LesionSettings(echogenicity="hyperechoic", contrast_db=-4), "must be above 0 dB"),
        (lambda: LesionSettings(contrast_db=1.0), "near-isoechoic"),
        (lambda: ProbeSettings(depth_mm=float("nan")), "depth"),
        (lambda: ProbeSettings(frequency_mhz=50), "frequency is 50 MHz"),
        (lambda: ProbeSettings(lines=1), "number of scan lines is 1"),
        (lambda: ProbeSettings(image_width_px=1e9), "image width"),
        (lambda: SweepSettings(frames=0), "number of frames is 0"),
        (lambda: SweepSettings(frames="many"), "number of frames is 'many'"),
        (lambda: SweepSettings(frames=10, lost_poses=9), "too many for 10 frames"),
        (lambda: SweepSettings(tracking_noise_mm=-1), "tracking noise"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_a_sentence(make, reason):
    with pytest.raises(ConfigurationError, match=reason):
        make()
