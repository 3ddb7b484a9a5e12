"""The footprint found in the pixels."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import Fan, ReconstructionSettings, detect_footprint
from CRLMSegmentationLib.reconstruction.footprint import row_runs


def frames_of(fan, size=(640, 480), count=8):
    """Speckle within a fan, dark elsewhere, with a shadow and a mark beside it."""
    random = np.random.default_rng(0)
    inside = np.zeros((size[1], size[0]), dtype=bool)
    for row, runs in enumerate(row_runs(size, ReconstructionSettings(fan=fan))):
        for first, last in runs:
            inside[row, first : last + 1] = True
    frames = []
    for _ in range(count):
        image = np.where(inside, random.rayleigh(40, inside.shape), 0).clip(0, 255)
        image[:, 300:310] *= 0.02
        image[10:14, 5:40] = 255
        frames.append(image.astype(np.uint8))
    return frames


@pytest.mark.parametrize(
    "fan",
    [
        Fan((320, -120), (-32, 32), 160, 570),
        Fan((300, -60), (-40, 35), 110, 500),
        Fan((320, 10), (-35, 35), 20, 440),
    ],
)
def test_the_fan_of_a_curved_probe(fan):
    _, found = detect_footprint(frames_of(fan))
    np.testing.assert_allclose(found.origin_px, fan.origin_px, atol=8)
    np.testing.assert_allclose(found.angles_deg, fan.angles_deg, atol=1.5)
    np.testing.assert_allclose(
        [found.radius_start_px, found.radius_stop_px], [fan.radius_start_px, fan.radius_stop_px], atol=9
    )


def test_a_linear_probe_has_a_rectangle_and_no_fan(spine_sweep):
    """The picture fills columns 187 to 630 and rows 12 to 600 of the real recording; IGSIO's own clip rectangle for it
    (origin 192, 16; size 420 x 580) lies just inside.
    """
    rectangle, fan = detect_footprint([frame.pixels for frame in spine_sweep.frames])
    assert fan is None
    assert rectangle.u <= 192 and rectangle.v <= 16
    assert rectangle.u + rectangle.width >= 192 + 420 and rectangle.v + rectangle.height >= 16 + 580
    np.testing.assert_allclose(
        (rectangle.u, rectangle.v, rectangle.width, rectangle.height), (187, 12, 443, 588), atol=8
    )


@pytest.mark.parametrize("frames", [[np.zeros((100, 120), np.uint8)] * 3, []])
def test_nothing_to_be_seen(frames):
    with pytest.raises(ReconstructionError, match="fan"):
        detect_footprint(frames)
