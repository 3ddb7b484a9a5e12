"""Every tumor of a case is drawn: the chosen one to be worked on, the others beside it in their colors."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import load_scene, save_scene
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.mrml.own_nodes import numbered_nodes
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.sweep import Pose, Sweep
from CRLMSegmentationLib.values import Box
from scene_case import on_scene
from small_case import TUMOR_CENTER, affine
from stand_ins import ball, edit

OTHER_CENTER = TUMOR_CENTER + (20.0, 4.0, -2.0)


def found(session, volume, center, radius_mm):
    session.box.set(Box(center, (24.0, 24.0, 24.0)))
    session.tumor.set(volume.with_voxels(ball(volume, center, radius_mm).astype(np.uint8)))


@pytest.fixture
def two(session, volume, sweep):
    """T1, and T2 of 6 mm beside it, which is chosen."""
    session.recording.set_sweep(sweep)
    session.volume.set(volume)
    found(session, volume, TUMOR_CENTER, 9.0)
    session.tumors.add()
    found(session, volume, OTHER_CENTER, 6.0)
    return session


def color(node):
    return tuple(round(value, 2) for value in node.GetDisplayNode().GetColor())


def test_each_has_its_color_and_the_chosen_one_the_nodes_that_are_worked_on(two):
    view, node = two.view, two.view.others.node(1)
    assert color(node) == (1.0, 0.8, 0.2) and color(view.surface_node()) == (0.8, 0.47, 0.65)
    assert node.GetDisplayVisibility() and node.GetDisplayNode().GetVisibility2D()
    bounds = np.array(node.GetPolyData().GetBounds())
    np.testing.assert_allclose((bounds[::2] + bounds[1::2]) / 2, TUMOR_CENTER, atol=1.0)
    two.tumors.choose(1)
    assert view.others.node(1) is None and color(view.others.node(2)) == (0.8, 0.47, 0.65)
    assert color(view.surface_node()) == (1.0, 0.8, 0.2)
    np.testing.assert_allclose(view.box.read()[0].center_ras, TUMOR_CENTER, atol=1e-6)
    assert view.segmentation_node() is not None and not two.tumor.has_hand_corrections


def test_a_stroke_is_that_of_the_tumor_that_is_drawn_on(two, volume):
    two.tumors.choose(1)
    two.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0)
    edit(two, lambda mask: mask | stroke)
    two.tumors.choose(2)
    assert two.tumors.get(1).found.is_corrected and not two.tumor.has_hand_corrections
    assert two.tumor.mask.voxels.sum() < 1500
    assert two.wait() and not two.tumor.has_hand_corrections


def test_what_is_of_an_earlier_sweep_is_fainter_and_nothing_is_dropped(two, sweep, volume):
    clear = two.view.others.node(1).GetDisplayNode().GetOpacity()
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    shown = [two.view.others.node(number) for number in (1, 2)]
    assert all(node.GetDisplayVisibility() and node.GetDisplayNode().GetOpacity() < clear / 2 for node in shown)
    assert not two.view.surface_node().GetDisplayVisibility()
    second = volume.with_voxels(volume.voxels.copy())
    two.volume.set(second)
    found(two, second, OTHER_CENTER, 6.0)
    assert two.view.others.node(2) is None and two.view.surface_node().GetDisplayVisibility()


def test_a_node_that_is_deleted_comes_back_and_a_tumor_that_is_deleted_goes(two):
    scene, node = two.view.scene, two.view.others.node(1)
    scene.RemoveNode(node)
    assert two.view.others.node(1) is not None and len(two.tumors.all) == 2
    two.tumors.delete(1)
    assert two.view.others.nodes() == []
    two.case.begin()
    assert find(scene, "vtkMRMLModelNode", names.SURFACE) is None


def test_all_are_hidden_while_they_may_be_another_patient_s(two):
    from stand_ins import Source

    two.case.source.begin(identity="")
    two.case.source.connect(Source("another"))
    two.case.check_source()
    assert not two.view.others.node(1).GetDisplayVisibility()
    two.case.keep()
    assert two.view.others.node(1).GetDisplayVisibility()


def test_a_scene_that_is_opened_again_measures_to_all_of_them(two, tmp_path):
    two.tumors.rename(1, "deep one")
    path = save_scene(two.view, tmp_path / "case.mrb")
    session = on_scene(Session())
    load_scene(session.view, path)
    assert [(one.name, one.found is not None, one.is_stale) for one in session.tumors.all] == [
        ("deep one", True, False), ("T2", True, False)
    ]  # fmt: skip
    assert session.tumors.chosen.number == 2 and session.tumor.mask is not None
    session.tools.update("StylusToReference", Pose(affine(translation=TUMOR_CENTER)))
    reading = session.tools.reading("Stylus")
    assert reading.other.name == "deep one" and reading.other.margin.value == "inside the tumor"
    session.tumors.choose(1)
    assert session.tumor.mask is not None and session.tools.distance_mm() < 0
    np.testing.assert_allclose(session.box.value.center_ras, TUMOR_CENTER, atol=1e-6)
    session.close()


def masks(session):
    return [one.found.state.mask.voxels for one in session.tumors.all]


def test_a_scene_holds_all_that_was_found_and_all_volumes_also_while_an_earlier_one_is_shown(
    two, tmp_path, sweep, volume
):
    two.tumors.choose(1)
    two.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0)
    edit(two, lambda mask: mask | stroke)
    two.tumor.end_correction()
    assert two.wait() and two.tumors.chosen.found.is_corrected
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    second = volume.with_voxels(volume.voxels[::-1].copy())
    two.volume.set(second)
    two.tumors.add()
    found(two, second, TUMOR_CENTER - (18.0, 0, 0), 7.0)
    two.tumors.choose(2)
    assert two.volume.value is volume
    before = masks(two)
    path = save_scene(two.view, tmp_path / "case.mrb")
    session = on_scene(Session())
    load_scene(session.view, path)
    tumors = session.tumors
    assert [(one.name, one.is_stale, one.found.is_corrected) for one in tumors.all] == [
        ("T1", True, True), ("T2", True, False), ("T3", False, False)
    ]  # fmt: skip
    for mask, was in zip(masks(session), before, strict=True):
        np.testing.assert_array_equal(mask, was)
    assert (tumors.chosen.number, tumors.scan.number, tumors.newest_scan.number) == (2, 1, 2)
    np.testing.assert_array_equal(session.volume.value.voxels, volume.voxels)
    # Nothing of it is in the lists of a person's own nodes.
    hidden = [node for node, role in numbered_nodes(session.view.scene) if node.IsA("vtkMRMLVolumeNode")]
    assert len(hidden) == 4 and all(node.GetHideFromEditors() for node in hidden)
    tumors.choose(1)
    assert session.tumor.has_hand_corrections and session.tumor.mask.voxels[stroke].all()
    tumors.choose(3)
    np.testing.assert_array_equal(session.volume.value.voxels, second.voxels)
    tumors.delete(1)
    tumors.delete(2)
    assert numbered_nodes(session.view.scene) == []
    session.close()


def test_a_hidden_node_that_is_deleted_comes_back(two):
    scene = two.view.scene
    for node, _ in numbered_nodes(scene):
        scene.RemoveNode(node)
    assert len(two.tumors.all) == 2
    assert {role for _, role in numbered_nodes(scene)} == {"Tumor surface 1", "Tumor mask 1"}
    two.wait()
    assert "Tumor margin 1" in {role for _, role in numbered_nodes(scene)}


def test_the_margin_is_drawn_around_every_tumor(two):
    assert two.wait()
    [margin] = [node for node, role in numbered_nodes(two.view.scene) if role == "Tumor margin 1"]
    bounds = np.array(margin.GetPolyData().GetBounds())
    np.testing.assert_allclose((bounds[::2] + bounds[1::2]) / 2, TUMOR_CENTER, atol=1.0)
    assert margin.GetDisplayVisibility() and margin.GetDisplayNode().GetVisibility2D()
    two.tumors.delete(1)
    assert not [role for _, role in numbered_nodes(two.view.scene) if role.startswith("Tumor margin ")]


def test_a_case_that_is_opened_is_drawn_and_leaves_nothing_of_the_former_one(two, tmp_path, volume, sweep):
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    folder = two.case.save(tmp_path / "case")
    two.case.begin()
    assert two.view.others.nodes() == []
    two.case.load(folder)
    assert [two.view.others.node(number) is not None for number in (1, 2)] == [True, True]
    assert all(one.is_stale for one in two.tumors.all) and len(two.view.others.nodes()) == 2
