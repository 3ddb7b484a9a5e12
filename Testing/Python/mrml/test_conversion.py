"""Volumes, boxes, masks and surfaces go into MRML nodes and come back in the same place."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.mrml import conversion, labelmap
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.nodes import find, get_or_create, is_stale, mark_stale, put_under, remove
from CRLMSegmentationLib.values import Box, Volume
from hypothesis import given, settings
from hypothesis import strategies as st
from small_case import TUMOR_CENTER, affine, turn


@pytest.fixture(scope="module")
def scene():
    return current_application().scene


@pytest.fixture
def node(scene):
    made = []

    def make(class_name):
        made.append(scene.AddNewNodeByClass(class_name))
        return made[-1]

    yield make
    for one in made:
        scene.RemoveNode(one)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, bool])
def test_volume_comes_back_as_it_was(node, volume, dtype):
    given_volume = volume.with_voxels(volume.voxels.astype(dtype))
    holder = node("vtkMRMLScalarVolumeNode")
    conversion.put_volume(holder, given_volume)
    back = conversion.volume_of(holder)
    np.testing.assert_array_equal(back.voxels, given_volume.voxels)
    np.testing.assert_allclose(back.ijk_to_ras, given_volume.ijk_to_ras, atol=1e-10)
    assert holder.GetImageData().GetDimensions() == given_volume.dimensions


def test_what_was_seen_goes_with_the_volume_s_node_and_comes_back(scene, node, volume):
    holder = node("vtkMRMLScalarVolumeNode")
    seen = volume.voxels > np.median(volume.voxels)
    conversion.put_volume(holder, volume.with_seen(seen))
    seen_node = holder.GetNodeReference("CRLM.Seen")
    assert seen_node.IsA("vtkMRMLLabelMapVolumeNode") and seen_node.GetHideFromEditors()
    assert np.array_equal(conversion.volume_of(holder).seen, seen)
    conversion.put_volume(holder, volume.with_seen(~seen))
    assert np.array_equal(conversion.volume_of(holder).seen, ~seen)
    mark_stale(holder, True)
    assert not seen_node.GetSaveWithScene()
    mark_stale(holder, False)
    assert seen_node.GetSaveWithScene()

    # another program's volume in the same node: what was seen of the old one is not its
    holder.SetAndObserveImageData(conversion.image_data(volume.voxels[:-1]))
    assert conversion.volume_of(holder).seen is None
    number = scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode")
    conversion.put_volume(holder, volume.with_seen(seen, is_guessed=True))
    assert conversion.volume_of(holder).seen is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == number - 1


def test_voxel_of_a_known_place_is_found_through_the_node(node, volume):
    holder = node("vtkMRMLScalarVolumeNode")
    conversion.put_volume(holder, volume)
    to_ijk = conversion.vtk_matrix(np.eye(4))
    holder.GetRASToIJKMatrix(to_ijk)
    i, j, k = np.round(to_ijk.MultiplyPoint([*TUMOR_CENTER, 1.0])[:3]).astype(int)
    assert holder.GetImageData().GetScalarComponentAsDouble(int(i), int(j), int(k), 0) > 130
    assert volume.voxels[k, j, i] == holder.GetImageData().GetScalarComponentAsDouble(int(i), int(j), int(k), 0)


def test_voxels_are_copies(node, volume):
    holder = node("vtkMRMLScalarVolumeNode")
    voxels = volume.voxels.copy()
    conversion.put_volume(holder, Volume(voxels, volume.ijk_to_ras))
    voxels[:] = 0
    first = conversion.volume_of(holder)
    assert first.voxels.any()
    first.voxels[:] = 0
    assert conversion.volume_of(holder).voxels.any()


def test_volume_big_endian_and_sheared(node):
    sheared = affine(np.array([[0.5, 0.1, 0], [0, 0.6, 0], [0, 0, 0.7]]), (1, 2, 3))
    given_volume = Volume(np.arange(24, dtype=">i2").reshape(2, 3, 4), sheared)
    holder = node("vtkMRMLScalarVolumeNode")
    conversion.put_volume(holder, given_volume)
    back = conversion.volume_of(holder)
    np.testing.assert_array_equal(back.voxels, given_volume.voxels)
    np.testing.assert_allclose(back.ijk_to_ras, sheared, atol=1e-12)


def test_transforms_above_a_node_are_counted(node, volume, box):
    parent_to_world = affine(turn((5, 40, -20)), (3, -2, 8))
    parent = node("vtkMRMLLinearTransformNode")
    conversion.set_transform(parent, parent_to_world)
    holder, roi = node("vtkMRMLScalarVolumeNode"), node("vtkMRMLMarkupsROINode")
    for child in (holder, roi):
        put_under(child, parent)
    conversion.put_volume(holder, volume)
    np.testing.assert_allclose(conversion.volume_of(holder).ijk_to_ras, parent_to_world @ volume.ijk_to_ras, atol=1e-9)
    conversion.put_box(roi, box)
    np.testing.assert_allclose(conversion.box_of(roi).corners_ras(), box.corners_ras(), atol=2e-5)


def test_nothing_comes_from_empty_nodes(node):
    assert conversion.volume_of(None) is None
    assert conversion.volume_of(node("vtkMRMLScalarVolumeNode")) is None
    assert conversion.box_of(None) is None
    assert conversion.surface_of(None) is None
    assert conversion.surface_of(node("vtkMRMLModelNode")) is None
    assert conversion.box_of(node("vtkMRMLMarkupsROINode")) is None


coordinate = st.floats(-200, 200)


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[coordinate] * 3), st.tuples(*[st.floats(0.5, 150)] * 3), st.tuples(*[st.floats(-180, 180)] * 3))
def test_box_comes_back_also_turned(scene, center, size, angles):
    roi = get_or_create(scene, "vtkMRMLMarkupsROINode", "box of the property test")
    given_box = Box(center, size, turn(angles))
    conversion.put_box(roi, given_box)
    back = conversion.box_of(roi)
    # The ROI keeps its center in single precision.
    np.testing.assert_allclose(back.corners_ras(), given_box.corners_ras(), atol=2e-5)
    np.testing.assert_allclose(back.size_mm, given_box.size_mm, atol=1e-9)


def test_box_is_where_slicer_itself_says(node, box):
    roi = node("vtkMRMLMarkupsROINode")
    conversion.put_box(roi, box)
    center, axis = [0.0] * 3, [0.0] * 3
    roi.GetCenterWorld(center)
    np.testing.assert_allclose(center, box.center_ras, atol=2e-5)
    size = [0.0] * 3
    roi.GetSizeWorld(size)
    np.testing.assert_allclose(size, box.size_mm, atol=1e-9)
    roi.GetXAxisWorld(axis)
    np.testing.assert_allclose(axis, box.axes_ras[:, 0], atol=1e-9)


def test_box_placed_in_slicers_own_way_is_understood(node):
    roi = node("vtkMRMLMarkupsROINode")
    roi.SetSize(10.0, 20.0, 30.0)
    roi.SetCenterWorld(1.0, 2.0, 3.0)
    back = conversion.box_of(roi)
    np.testing.assert_allclose(back.center_ras, (1, 2, 3), atol=1e-9)
    np.testing.assert_allclose(back.size_mm, (10, 20, 30))


def test_box_under_an_oblique_transform_is_refused(node, box):
    parent = node("vtkMRMLLinearTransformNode")
    roi = node("vtkMRMLMarkupsROINode")
    conversion.put_box(roi, box)
    conversion.set_transform(parent, affine(np.array([[1, 0.4, 0], [0, 1, 0], [0, 0, 1.0]])))
    put_under(roi, parent)
    with pytest.raises(GeometryError, match="perpendicular"):
        conversion.box_of(roi)


def test_mask_comes_back_voxel_for_voxel(node, mask, surface):
    holder = node("vtkMRMLSegmentationNode")
    labelmap.put_segment(holder, "Tumor", mask, surface)
    back = labelmap.mask_of(holder, "Tumor", mask)
    np.testing.assert_array_equal(back.voxels, mask.voxels)
    assert back.has_geometry_of(mask)
    assert labelmap.mask_of(holder, "Vessel", mask) is None
    assert holder.GetSegmentation().GetNumberOfSegments() == 1


def test_mask_on_a_crop_comes_back_on_the_whole_grid(node, volume, mask):
    from CRLMSegmentationLib.segmentation.crop import crop_volume

    holder = node("vtkMRMLSegmentationNode")
    labelmap.put_segment(holder, "Tumor", crop_volume(mask, Box.around_mask(mask), 2.0))
    np.testing.assert_array_equal(labelmap.mask_of(holder, "Tumor", volume).voxels, mask.voxels)
    assert holder.GetSegmentation().GetNthSegment(0).GetRepresentation("Closed surface").GetNumberOfPoints() > 100


def test_putting_a_mask_twice_leaves_one_segment(node, mask, surface):
    holder = node("vtkMRMLSegmentationNode")
    for _ in range(2):
        labelmap.put_segment(holder, "Tumor", mask, surface)
    assert holder.GetSegmentation().GetNumberOfSegments() == 1


def test_surface_comes_back_where_it_was(node, surface):
    holder = node("vtkMRMLModelNode")
    conversion.put_surface(holder, surface)
    np.testing.assert_allclose(conversion.surface_of(holder).GetBounds(), surface.GetBounds(), atol=1e-5)
    parent = node("vtkMRMLLinearTransformNode")
    conversion.set_transform(parent, affine(translation=(100, 0, 0)))
    put_under(holder, parent)
    assert conversion.surface_of(holder).GetBounds()[0] == pytest.approx(surface.GetBounds()[0] + 100, abs=1e-3)


def test_get_or_create_twice_leaves_one_node(scene):
    before = scene.GetNumberOfNodes()
    first = get_or_create(scene, "vtkMRMLModelNode", "only one", with_display=True)
    number = scene.GetNumberOfNodes()
    assert get_or_create(scene, "vtkMRMLModelNode", "only one", with_display=True) is first
    assert scene.GetNumberOfNodes() == number
    assert find(scene, "vtkMRMLModelNode", "only") is None, "a part of a name is not the name"
    assert find(scene, "vtkMRMLScalarVolumeNode", "only one") is None
    remove(scene, "vtkMRMLModelNode", "only one")
    assert scene.GetNumberOfNodes() == before


def test_stale_nodes_are_hidden_and_not_saved(scene):
    model = get_or_create(scene, "vtkMRMLModelNode", "stale or not", with_display=True)
    assert not is_stale(model)
    mark_stale(model, True)
    assert is_stale(model) and not model.GetDisplayVisibility()
    assert not model.GetSaveWithScene() and not model.GetDisplayNode().GetSaveWithScene()
    mark_stale(model, False)
    assert not is_stale(model) and model.GetDisplayVisibility() and model.GetSaveWithScene()
    remove(scene, "vtkMRMLModelNode", "stale or not")
    assert is_stale(None)
