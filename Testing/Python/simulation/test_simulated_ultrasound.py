"""The physics of the pictures: places, speckle, attenuation."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.simulation import ProbeSettings
from CRLMSegmentationLib.simulation.ultrasound.liver import LUMEN, Liver
from CRLMSegmentationLib.simulation.ultrasound.motion import UPRIGHT, SmoothCurve, rigid
from CRLMSegmentationLib.simulation.ultrasound.picture import Painter, Settings
from CRLMSegmentationLib.simulation.ultrasound.probe import draw_probe

SILENT = SmoothCurve(np.zeros(1), np.ones(1), np.zeros(1))
KEY = np.array([1, 2, 3], dtype=np.uint32)


@pytest.fixture(scope="module")
def probe():
    settings = ProbeSettings(
        depth_mm=60, frequency_mhz=7, focus_mm=40, lines=96, image_width_px=400, image_height_px=300,
        dynamic_range_db=60, burned_in_marks=False,
    )  # fmt: skip
    return draw_probe(np.random.default_rng(0), settings, 40)


@pytest.fixture(scope="module")
def knobs():
    """A receive chain without shadows, gain curves or visible noise, and hardly any smoothing after detection."""
    return Settings(
        noise_at_depth_db=-40, noise_slope_db_cm=0, parenchyma_grey=128, clutter_db=-90, capsule_mm=0.5, capsule_db=0,
        gain_down=SILENT, gain_across=SILENT, gain_in_time=SILENT, shadows=(), blur_samples=0.05, blur_lines=0.05,
    )  # fmt: skip


def liver_of(amplitude_at=None, level=1.0) -> Liver:
    """A block of parenchyma, or silence with a small bright ball around `amplitude_at` (x, y, z) mm."""
    origin = np.array([-58.0, -8.0, -8.0])
    shape = (233, 33, 150)
    amplitude = np.full(shape, level, dtype=np.float32)
    if amplitude_at is not None:
        axes = [origin[a] + np.arange(shape[a]) * 0.5 - amplitude_at[a] for a in range(3)]
        x, y, z = np.meshgrid(*axes, indexing="ij")
        amplitude = np.where(x * x + y * y + z * z < 1.2**2, 20.0, 0.0).astype(np.float32)
    return Liver(amplitude, np.zeros(shape, dtype=np.uint8), origin, np.zeros(6))


def straight(y_mm=0.0):
    return rigid(UPRIGHT, np.array([0.0, y_mm, 0.0]))


def picture(painter, pose=None, push=0.0, noise_seed=0):
    return painter.frame(straight() if pose is None else pose, push, 0.5, np.random.default_rng(noise_seed))


def detected(painter, near_mm, far_mm):
    """(lines, samples) float64 envelope of the ranges near..far, before log compression and scan conversion."""
    envelope = painter.envelope(straight(), 0.0, 0.5, np.random.default_rng(0))
    return envelope[10:-10, int(near_mm * 10) : int(far_mm * 10)].astype(float)


def pixels_within(probe, near_mm, far_mm):
    """(v, u) boolean: the part of the fan whose range lies in near..far, away from the side edges."""
    line, sample, inside = probe.pixel_samples()
    return inside & (sample * 0.1 > near_mm) & (sample * 0.1 < far_mm) & (line > 10) & (line < probe.lines - 11)


@pytest.mark.parametrize("at", [(0.0, 0.0, 30.0), (15.0, 0.0, 25.0), (-12.0, 0.0, 45.0)])
def test_a_bright_spot_appears_at_the_pixel_that_maps_to_it(probe, knobs, at):
    image = picture(Painter(probe, liver_of(at), knobs, KEY)).astype(float)
    image[~pixels_within(probe, 8, 58)] = 0
    v, u = np.nonzero(image > 0.75 * image.max())
    mean = np.array([u.mean(), v.mean(), 0, 1])
    found = (straight() @ probe.image_to_face() @ mean)[:3]
    assert np.linalg.norm(found - at) < 0.8


def test_a_spot_outside_the_slice_is_not_seen(probe, knobs):
    painter = Painter(probe, liver_of((0.0, 0.0, 36.0)), knobs, KEY)
    here, beside = (picture(painter, straight(y)) for y in (0.0, 6.0))
    deep = pixels_within(probe, 20, 50)
    assert here[deep].max() > beside[deep].max() + 60


def test_pressure_pushes_shallow_tissue_down_and_leaves_deep_tissue(probe, knobs):
    """A spot at rest at 10 mm (45 mm), with the face 2 mm into the liver: u = push / (1 + (d / 20)^2)."""
    for depth in (10.0, 45.0):
        painter = Painter(probe, liver_of((0.0, 0.0, depth)), knobs, KEY)
        image = picture(painter, rigid(UPRIGHT, np.array([0, 0, 2.0])), push=2.0).astype(float)
        image[~pixels_within(probe, 4, 58)] = 0
        v, u = np.nonzero(image > 0.75 * image.max())
        below_face = (probe.image_to_face() @ [u.mean(), v.mean(), 0, 1])[1]
        expected = depth - 2 + 2 / (1 + ((depth - 2) / 20) ** 2)
        assert below_face == pytest.approx(expected, abs=0.6)


def test_speckle_is_fully_developed(probe, knobs):
    """The envelope of fully developed speckle is Rayleigh distributed: mean / standard deviation = 1.91, and on a log
    scale its standard deviation is 5.57 dB.
    """
    envelope = detected(Painter(probe, liver_of(), knobs, KEY), 25, 50)
    assert envelope.mean() / envelope.std() == pytest.approx(1.91, abs=0.1)
    assert (20 * np.log10(envelope)).std() == pytest.approx(5.57, abs=0.4)
    assert 10 * np.log10((envelope**2).mean()) == pytest.approx(0.0, abs=1.0)  # unit scatterers are 0 dB


def test_speckle_stays_with_the_tissue_and_decorrelates_across_the_slice(probe, knobs):
    painter = Painter(probe, liver_of(), knobs, KEY)
    where = pixels_within(probe, 20, 50)
    first = picture(painter, noise_seed=1)[where].astype(float)
    again = picture(painter, noise_seed=2)[where].astype(float)
    near = picture(painter, straight(0.3), noise_seed=3)[where].astype(float)
    far = picture(painter, straight(4.0), noise_seed=4)[where].astype(float)
    correlation = [np.corrcoef(first, other)[0, 1] for other in (again, near, far)]
    assert correlation[0] > 0.98
    assert 0.5 < correlation[1] < correlation[0]
    assert abs(correlation[2]) < 0.1


def test_another_key_is_another_liver(probe, knobs):
    where = pixels_within(probe, 20, 50)
    one = picture(Painter(probe, liver_of(), knobs, KEY))[where].astype(float)
    two = picture(Painter(probe, liver_of(), knobs, KEY + np.uint32(77)))[where].astype(float)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1


def test_excess_attenuation_darkens_what_lies_behind(probe, knobs):
    """10 mm of tissue with 0.5 dB/cm/MHz more than parenchyma at 7 MHz cost 7 dB on the way there and back."""
    plain, shaded = liver_of(), liver_of()
    first, last = int((20 + 8) / 0.5), int((30 + 8) / 0.5)
    shaded.kind[:, :, first:last] = LUMEN
    shaded.attenuation_db_cm_mhz[LUMEN] = 0.5
    middle = pixels_within(probe, 34, 50)
    line = probe.pixel_samples()[0]
    middle &= np.abs(line - (probe.lines - 1) / 2) < 6
    lost = [picture(Painter(probe, liver, knobs, KEY))[middle].astype(float).mean() for liver in (plain, shaded)]
    assert (lost[0] - lost[1]) / 255 * 60 == pytest.approx(7.0, abs=0.7)


def test_level_follows_the_scatterers(probe, knobs):
    where = pixels_within(probe, 20, 50)
    full, half = (picture(Painter(probe, liver_of(level=level), knobs, KEY))[where].mean() for level in (1.0, 0.5))
    assert (full - half) / 255 * 60 == pytest.approx(6.02, abs=0.3)


def test_noise_hides_weak_echoes(probe, knobs):
    loud = replace(knobs, noise_at_depth_db=-3.0)
    envelope = detected(Painter(probe, liver_of(level=1e-3), loud, KEY), 25, 50)
    assert 10 * np.log10((envelope**2).mean()) == pytest.approx(-3.0, abs=0.3)
