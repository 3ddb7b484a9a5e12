"""The tumor's nodes follow the session, and what cannot be shown is no tumor that is shown."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.labelmap import labelmap_of
from CRLMSegmentationLib.mrml.nodes import is_stale
from CRLMSegmentationLib.session.tumor.labelmap import Labelmap
from small_case import TUMOR_CENTER
from stand_ins import TOP, ConeSegmenter, ball, edit


@pytest.fixture
def segmented(session, volume, box):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    return session


def drawn(session, volume):
    return labelmap_of(session.view.segmentation_node(), names.SEGMENT).mask_on(volume).voxels > 0


def test_a_mask_that_cannot_be_shown_is_a_fault_until_it_is_shown(segmented, volume, monkeypatch):
    nodes = segmented.view.tumor.nodes
    usual, calls = nodes.put_mask, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) < 3:
            raise MemoryError("no memory for a segmentation")
        usual(*arguments)

    monkeypatch.setattr(nodes, "put_mask", failing)
    segmented.tumor.set_threshold(0.7)
    while segmented.tumor.is_shaping:
        segmented.tumor.process()
    assert "no memory" in segmented.fault, "image and tools are shown as lost"
    assert drawn(segmented, volume).sum() > segmented.tumor.mask.voxels.sum()
    segmented.process()
    segmented.process()
    assert len(calls) == 3
    np.testing.assert_array_equal(drawn(segmented, volume), segmented.tumor.mask.voxels > 0)
    segmented._workflow.state.fault = ""


def test_a_stroke_on_a_mask_that_is_behind_does_not_bring_the_old_mask_back(segmented, volume, monkeypatch):
    view = segmented.view.tumor
    usual = view.nodes.put_mask
    monkeypatch.setattr(view.nodes, "put_mask", lambda *arguments: 1 / 0)
    segmented.tumor.set_threshold(0.7)
    while segmented.tumor.is_shaping:
        segmented.tumor.process()
    monkeypatch.setattr(view.nodes, "put_mask", usual)
    wanted = segmented.tumor.mask.voxels.sum()
    edit(segmented, lambda mask: mask)
    assert segmented.wait()
    assert segmented.tumor.mask.voxels.sum() == wanted and not segmented.tumor.has_hand_corrections
    segmented._workflow.state.fault = ""


def test_a_threshold_that_leaves_nothing_while_a_hand_corrects_empties_the_segment(segmented, volume):
    segmented.tumor.begin_correction()
    segmented.tumor.set_threshold(0.999)
    assert segmented.wait()
    assert segmented.tumor.surface is None and not drawn(segmented, volume).any()
    assert segmented.view.segmentation_node().GetDisplayVisibility() and is_stale(segmented.view.surface_node())
    edit(segmented, lambda mask: mask | ball(volume, TOP, 3.0))
    assert segmented.wait()
    assert segmented.tumor.mask.voxels.sum() == ball(volume, TOP, 3.0).sum()


def test_a_segmentation_that_a_user_hides_stays_hidden_at_every_stroke(segmented, volume):
    node = segmented.view.segmentation_node()
    segmented.tumor.begin_correction()
    node.SetDisplayVisibility(False)
    edit(segmented, lambda mask: mask | ball(volume, TOP, 3.0))
    assert segmented.wait() and not node.GetDisplayVisibility()


def test_a_segmentation_that_shares_its_labelmap_gives_the_tumors_voxels_alone(segmented, volume):
    from slicer import vtkSlicerSegmentationsModuleLogic

    node = segmented.view.segmentation_node()
    tumor = drawn(segmented, volume)
    vein = node.GetSegmentation().AddEmptySegment("Vein", "Vein")
    from CRLMSegmentationLib.mrml.labelmap import oriented_image

    place = volume.on_grid(ball(volume, TUMOR_CENTER - (0, 20, 0), 3.0).astype(np.uint8))
    vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(oriented_image(place), node, vein)
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    labelmap = labelmap_of(node, names.SEGMENT)
    assert isinstance(labelmap, Labelmap)
    np.testing.assert_array_equal(labelmap.mask_on(volume).voxels > 0, tumor)
