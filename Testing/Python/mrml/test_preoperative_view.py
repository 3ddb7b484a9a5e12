"""The CT in the scene: nothing of it before landmarks brought it there, nothing once its registration has ended."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.conversion import surface_of
from CRLMSegmentationLib.mrml.ct_editing import CtEditing
from CRLMSegmentationLib.mrml.labelmap import put_segment
from CRLMSegmentationLib.mrml.nodes import find, nodes_of_class
from CRLMSegmentationLib.preoperative.ct_slices import CtSlices
from CRLMSegmentationLib.preoperative.measures import measure
from CRLMSegmentationLib.preoperative.result_folder import Result
from CRLMSegmentationLib.preoperative.result_folder import surface_of as surface_of_structure
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.session.preoperative.opened_ct import CtFacts, OpenedCt
from CRLMSegmentationLib.values import Volume

SHIFT = np.array([35.0, 45, -100])


@pytest.fixture
def registered(session, tmp_path):
    """A session with a CT of a liver and a tumor, 20 and 6 voxels of 3 mm wide, brought to Reference by a shift."""
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[5:25, 5:25, 5:25] = 1
    labels[10:16, 10:16, 10:16] = 3
    matrix = np.diag([3.0, 3.0, 3.0, 1.0])
    found = structures_of_map(Volume(labels, matrix, frame="CT"))
    surfaces = {name: surface_of_structure(found, name) for name in ("liver", "tumor")}
    session.volume.set(Volume(np.zeros((10, 10, 10), np.uint8), np.diag([12.0, 12.0, 12.0, 1.0])))
    part = session.preoperative
    part.ct = OpenedCt(
        CtFacts(), None, CtSlices(None, found), result=Result(found, measure(found), {}), surfaces=surfaces
    )
    part.changed()
    assert models(session) == []
    ct = np.array([[0.0, 0, 0], [80, 0, 0], [0, 80, 0], [0, 0, 80]])
    rows = [f"p{n},{','.join(map(str, [*row, *(row + SHIFT)]))}" for n, row in enumerate(ct)]
    path = tmp_path / "landmarks.csv"
    path.write_text("\n".join(["name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s", *rows]), "utf-8")
    part.register(path)
    return session


def models(session):
    """Names of the CT's structures that are in the scene and shown."""
    nodes = nodes_of_class(session.view.scene, "vtkMRMLModelNode")
    return [one.GetName() for one in nodes if one.GetName().startswith("CT ") and one.GetDisplayVisibility()]


def test_it_stands_in_reference_in_3d_alone_and_is_not_saved(registered):
    assert models(registered) == ["CT liver", "CT tumor"]
    node = find(registered.view.scene, "vtkMRMLModelNode", names.ct_model("tumor"))
    bounds = np.array(surface_of(node).GetBounds()).reshape(3, 2).mean(axis=1)
    np.testing.assert_allclose(bounds, 3.0 * 12.5 + SHIFT, atol=1.0)
    assert not node.GetDisplayNode().GetVisibility2D() and not node.GetSaveWithScene()
    assert node.GetDisplayNode().GetColor() == pytest.approx((235 / 255, 64 / 255, 52 / 255))


def test_what_is_hidden_deleted_or_asked_about_follows(registered, monkeypatch):
    part, scene = registered.preoperative, registered.view.scene
    part.show("liver", False)
    assert models(registered) == ["CT tumor"]
    scene.RemoveNode(find(scene, "vtkMRMLModelNode", names.ct_model("tumor")))
    registered.process()
    assert models(registered) == ["CT tumor"]
    registered.case.question_checked("Is it the same patient?")
    assert models(registered) == []
    registered.case.question_checked(None)
    assert models(registered) == ["CT tumor"]


def test_the_planned_cut_stands_where_the_registration_puts_it(registered):
    part, scene = registered.preoperative, registered.view.scene
    part.at = part.ct.slices.begin()
    part.remnant.draw()
    place = part.ct.slices.point_of(part.at)
    assert models(registered) == ["CT liver", "CT tumor", names.CT_CUT]
    liver = find(scene, "vtkMRMLModelNode", names.ct_model("liver"))
    for offset_mm in (0.0, 9.0):
        # What stays lies on the patient's left.
        part.remnant.move(0.0, 0.0, offset_mm)
        bounds = np.array(surface_of(find(scene, "vtkMRMLModelNode", names.CT_CUT)).GetBounds()).reshape(3, 2)
        np.testing.assert_allclose(bounds[0], place[0] + SHIFT[0] - offset_mm, atol=1e-3)
        around = np.array(surface_of(liver).GetBounds()).reshape(3, 2)[1:]
        assert (bounds[1:, 0] < around[:, 0]).all() and (bounds[1:, 1] > around[:, 1]).all()
    assert find(scene, "vtkMRMLModelNode", names.ct_model("liver")) is liver, "the structures stay as they are"
    part.show("tumor", False)
    assert models(registered) == ["CT liver", names.CT_CUT]
    part.remnant.remove()
    assert models(registered) == ["CT liver"]


@pytest.mark.parametrize("end", ["unregister", "new case", "closed"])
def test_nothing_of_it_stays_when_its_registration_ends(registered, end):
    scene, part = registered.view.scene, registered.preoperative
    part.at = part.ct.slices.begin()
    part.remnant.draw()
    {"unregister": registered.preoperative.unregister, "new case": registered.case.begin,
     "closed": registered.view.close}[end]()  # fmt: skip
    assert models(registered) == []
    assert find(scene, "vtkMRMLLinearTransformNode", names.CT_TO_REFERENCE) is None


def test_a_ct_is_in_the_scene_while_it_is_corrected_and_what_is_drawn_comes_back(session):
    labels = np.zeros((12, 20, 20), np.uint8)
    labels[2:10, 4:16, 4:16], labels[4:7, 6:9, 6:9] = 1, 3
    matrix = np.array([[-2.0, 0, 0, 30], [0, -2.0, 0, 40], [0, 0, 3.0, -50], [0, 0, 0, 1]])
    found = structures_of_map(Volume(labels, matrix, frame="CT"))
    hu = found.label_map.with_voxels((labels * 50).astype(np.int16))
    scene = session.view.scene
    ct = OpenedCt(CtFacts(), hu, CtSlices(hu, found), result=Result(found, measure(found), {}))
    editing = CtEditing(scene, ct)
    assert not editing.is_changed and not editing.volume.GetSaveWithScene()
    assert (editing.masks()["liver"] == (labels > 0)).all() and not editing.masks()["vessels"].any()
    drawn = found.mask("tumor").with_voxels((labels == 3) | (np.indices(labels.shape)[2] == 10) & (labels > 0))
    put_segment(editing.segmentation, "tumor", drawn.with_voxels(drawn.voxels.astype(np.uint8)))
    assert editing.is_changed
    assert (editing.masks()["tumor"] == drawn.voxels).all() and (editing.masks()["liver"] == (labels > 0)).all()
    editing.close()
    for name in (names.CT_VOLUME, names.CT_SEGMENTATION):
        assert scene.GetFirstNodeByName(name) is None


def test_the_planned_cut_is_dragged_by_its_handles_while_somebody_plans(registered):
    part, scene = registered.preoperative, registered.view.scene
    part.at = part.ct.slices.begin()
    part.remnant.draw()
    assert find(scene, "vtkMRMLMarkupsPlaneNode", names.CT_CUT_HANDLES) is None
    part.remnant.let_drag(True)
    node = find(scene, "vtkMRMLMarkupsPlaneNode", names.CT_CUT_HANDLES)
    drawn, left = part.remnant.plane, part.remnant.found.share
    np.testing.assert_allclose(node.GetCenterWorld(), np.array(drawn.point_ras_mm) + SHIFT, atol=1e-3)
    assert not node.GetDisplayNode().GetVisibility2D() and not node.GetSaveWithScene()
    # Dragged to the patient's right, more of the liver lies to the left of it.
    node.SetNthControlPointPositionWorld(0, *(np.array(node.GetCenterWorld()) + [12.0, 0, 0]))
    moved = part.remnant.plane
    np.testing.assert_allclose(np.array(moved.point_ras_mm) - drawn.point_ras_mm, [12.0, 0, 0], atol=1e-3)
    assert part.remnant.found.share > left + 0.1
    bounds = surface_of(find(scene, "vtkMRMLModelNode", names.CT_CUT)).GetBounds()
    assert bounds[0] == pytest.approx(moved.point_ras_mm[0] + SHIFT[0], abs=1e-3)
    node.SetNormalWorld(0.0, 1.0, 0.0)
    assert part.remnant.turn_deg == pytest.approx(90) and part.remnant.tilt_deg == pytest.approx(0, abs=1e-3)
    # A slider moves the handles, and who navigates finds none.
    part.remnant.move(90.0, 0.0, 5.0)
    expected = np.array(part.remnant.plane.point_ras_mm) + SHIFT
    np.testing.assert_allclose(node.GetCenterWorld(), expected, atol=1e-3)
    part.remnant.let_drag(False)
    assert find(scene, "vtkMRMLMarkupsPlaneNode", names.CT_CUT_HANDLES) is None
