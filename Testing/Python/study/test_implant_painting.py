"""A tumor whose shape and contrast are worked out by hand, painted into pictures of one grey level."""

import numpy as np
import pytest
from CRLMSegmentationLib.simulation.lesion_shape import LesionShape
from CRLMSegmentationLib.study.implants.beams import Beams
from CRLMSegmentationLib.study.implants.painter import Painter
from CRLMSegmentationLib.study.implants.speckle import Speckle
from CRLMSegmentationLib.study.implants.tone_curve import ToneCurve
from CRLMSegmentationLib.study.implants.tumor import Body, Tumor
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.values.volume import REFERENCE

SIZE, PIXEL_MM, GREY = 120, 0.5, 110
MIDDLE = np.array([30.0, 25.0, -4.0])
# Turned by 30 degrees about z.
AXES = np.array([[np.cos(0.5236), np.sin(0.5236), 0], [-np.sin(0.5236), np.cos(0.5236), 0], [0, 0, 1.0]])
SEMI_AXES_MM = np.array([9.0, 7.0, 5.0])
BEAMS = Beams((PIXEL_MM, PIXEL_MM), (0.0, 0.0), (0.0, SIZE * PIXEL_MM), (0.0, SIZE * PIXEL_MM), False)


def body(heterogeneity_db=0.0, halo_mm=0.0, behind=0.0, semi_axes=SEMI_AXES_MM, rough_mm=0.0):
    """An ellipsoid of -10 dB with an edge of 1 mm."""
    shape = LesionShape(AXES, semi_axes, np.eye(3)[:1], np.array([2]), np.zeros(1))
    tumor = Tumor(
        "dark", "even", "recorded", shape, 13.6, -10.0, heterogeneity_db, 3.0, 1.0, rough_mm, halo_mm, -15.0, behind
    )
    return Body(tumor, MIDDLE, seed=1)


@pytest.fixture(scope="module")
def speckle():
    """Of a display that shows 60 dB evenly, so that a dB is 4.25 grey levels; beams 0.3 mm thick."""
    grey = np.linspace(20, 200, 300)
    tone = ToneCurve.measured(grey, np.full(300, 16.0), 60.0)
    quantiles = np.linspace(-1.7, 1.7, 512)
    return Speckle(tone, quantiles, 0.3, 0.3, 0.3, np.array([[30.0, 0.3, 0.3]]))


def frame(u, v, origin):
    """One of even grey, its pixels along the unit vectors u and v."""
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = np.multiply(u, PIXEL_MM), np.multiply(v, PIXEL_MM), np.cross(u, v)
    pose[:3, 3] = origin
    return TrackedFrame(np.full((SIZE, SIZE), GREY, np.uint8), pose, 0.0)


AXIAL = frame((1, 0, 0), (0, 1, 0), (0.0, 0.0, MIDDLE[2]))
# Its beams run along y as well; the two cross where x and z are those of the middle.
SAGITTAL = frame((0, 0, 1), (0, 1, 0), (MIDDLE[0], 0.0, MIDDLE[2] - 30.0))


def painted(speckle, one, of_frame):
    return Painter(one, np.eye(3), BEAMS, speckle, seed=1).paint(of_frame).astype(float)


def inside_ellipsoid(points, factor=1.0):
    return (((points - MIDDLE) @ AXES.T / (SEMI_AXES_MM * factor)) ** 2).sum(axis=-1) <= 1


def test_the_mask_is_the_ellipsoid_to_a_voxel():
    mask = body().mask()
    k, j, i = np.indices(mask.voxels.shape)
    points = np.stack([i, j, k], axis=-1) * mask.spacing_mm + mask.origin_ras
    assert np.array_equal(mask.voxels > 0, inside_ellipsoid(points)) and mask.frame == REFERENCE
    assert mask.voxels.sum() * mask.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 9 * 7 * 5, rel=0.01)


def test_the_contrast_is_that_of_the_display(speckle):
    v, u = np.indices((SIZE, SIZE))
    points = np.stack([u * PIXEL_MM, v * PIXEL_MM, np.full(u.shape, MIDDLE[2])], axis=-1)
    grey = painted(speckle, body(), AXIAL)
    # 10 dB of 60 are 42.5 of 255 grey levels, and the edge is over within 1 mm.
    assert np.abs(grey[inside_ellipsoid(points, 0.8)] - (GREY - 42.5)).max() <= 1
    assert (grey[~inside_ellipsoid(points, 1.25)] == GREY).all()


def test_a_beam_is_shadowed_behind_the_tumor_and_nowhere_else(speckle):
    grey = painted(speckle, body(behind=-4.0), AXIAL)
    column = int(MIDDLE[0] / PIXEL_MM)
    assert (grey[:20] == GREY).all() and (grey[:, :30] == GREY).all() and (grey[:, 90:] == GREY).all()
    # About 15 mm through it, at 4 dB a cm, less what goes into the neighbouring beams.
    assert (GREY - grey[90:110, column]) / 4.25 == pytest.approx(5.6, abs=1.0)


def test_frames_that_cross_show_the_same_there(speckle):
    one = body(heterogeneity_db=2.0, halo_mm=1.5, rough_mm=0.4)
    along = int(round(MIDDLE[0] / PIXEL_MM))
    first, second = painted(speckle, one, AXIAL)[:, along], painted(speckle, one, SAGITTAL)[:, 60]
    depth = np.arange(SIZE) * PIXEL_MM - MIDDLE[1]
    core, edge = np.abs(depth) < 5, np.abs(depth) < 12
    assert np.abs(first - second)[core].max() <= 2 and np.abs(first - second)[edge].max() <= 12
    assert first[core].std() > 1.5  # there is something in it to be the same
    elsewhere = painted(speckle, one, AXIAL)[:, along + 6]
    assert np.abs(first - elsewhere)[core].max() > 2 * np.abs(first - second)[core].max()


def test_a_frame_that_passes_beside_stays_as_it_is(speckle):
    beside = frame((1, 0, 0), (0, 1, 0), (0.0, 0.0, MIDDLE[2] + 12.0))
    assert Painter(body(), np.eye(3), BEAMS, speckle, seed=1).paint(beside) is beside.pixels
