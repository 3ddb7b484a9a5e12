"""Where a tool stands against the live image, against answers worked out by hand."""

import numpy as np
from CRLMSegmentationLib.navigation.image_crossing import image_crossing
from CRLMSegmentationLib.values import image_plane

# Pixels of 0.5 mm; u along R, v along -S, so that the viewer looks along A from behind.
PLANE = image_plane([[0.5, 0, 0, -50], [0, 0, 1, 20], [0, -0.5, 0, 80], [0, 0, 0, 1]], (200, 160))


def tool_at(tip, pointing):
    """(4, 4) of a tip that points there: its own -z."""
    z = -np.asarray(pointing, float) / np.linalg.norm(pointing)
    x = np.cross(z, [0.3, 0.5, 0.8])
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.column_stack([x, np.cross(z, x), z]), tip
    return matrix


def test_a_tip_beside_the_image_that_points_at_it():
    # 12 mm before the plane; the path goes 12 mm through and 9 mm down: 15 mm to the plane.
    found = image_crossing(tool_at((0.0, 8.0, 30.0), (0, 12.0, -9.0)), PLANE)
    np.testing.assert_allclose(found.tip_px, (100, 100), atol=1e-9)
    np.testing.assert_allclose(found.meets_px, (100, 118), atol=1e-9)
    np.testing.assert_allclose((found.tip_off_mm, found.ahead_mm), (12.0, 15.0), atol=1e-9)
    assert found.is_in_image and found.text == "tip 12 mm beside the image, its path meets it in 15 mm"


def test_a_tool_that_has_passed_the_image_and_one_that_never_meets_it():
    passed = image_crossing(tool_at((0.0, 25.0, 30.0), (0, 1, 0)), PLANE)
    assert passed.ahead_mm < 0 and passed.text == "tip 5 mm beside the image, it has passed it 5 mm ago"
    parallel = image_crossing(tool_at((0.0, 25.0, 30.0), (1, 0, 0)), PLANE)
    assert parallel.meets_px is None and parallel.text == "tip 5 mm beside the image, its path does not meet it"
    beside = image_crossing(tool_at((0.0, 8.0, 30.0), (60.0, 6.0, 0)), PLANE)
    assert not beside.is_in_image and "does not meet it" in beside.text


def test_a_tip_in_the_image_and_a_pose_that_is_none():
    assert image_crossing(tool_at((10.0, 20.2, 30.0), (0, 1, 0)), PLANE).text == "tip in the image"
    assert image_crossing(np.full((4, 4), np.nan), PLANE) is None
