"""A scene that is loaded into the present one is taken over, also while live, and nothing stands in it twice."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def a_session():
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from CRLMSegmentationLib.scene.session import NavigationSession

    session = NavigationSession()
    yield session
    session.close()


@pytest.fixture
def scene_import(a_session, monkeypatch):
    """SceneImport on the session's scene: it needs nothing of Slicer's window."""
    i18n = ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    monkeypatch.setitem(sys.modules, "slicer.i18n", i18n)
    module = importlib.import_module("CRLMSegmentationWindow.scene_import")
    monkeypatch.setattr(module, "slicer", SimpleNamespace(mrmlScene=a_session.scene))
    yield module.SceneImport()
    del sys.modules["CRLMSegmentationWindow.scene_import"]


def volume_of(grey):
    from CRLMSegmentationLib.geometry import Volume

    return Volume(np.full((20, 24, 28), grey, np.uint8), np.eye(4))


def mask_of(radius):
    from CRLMSegmentationLib.geometry import Volume

    k, j, i = np.indices((20, 24, 28))
    inside = (k - 10) ** 2 + (j - 12) ** 2 + (i - 14) ** 2 <= radius**2
    return Volume(inside.astype(np.uint8), np.eye(4))


def place_stylus(session):
    from CRLMSegmentationLib.sweep import Pose

    session.update_tool("StylusTipToStylus", Pose(np.eye(4)))
    session.update_tool("StylusToReference", Pose(np.eye(4)))


def fill(session, grey, radius):
    """A case with a volume, a box and a tumor, and a tool that was tracked."""
    from CRLMSegmentationLib.geometry import Box

    session.set_volume(volume_of(grey))
    session.set_box(Box((14, 12, 10), (18, 18, 18)))
    session.set_segmentation(mask_of(radius))
    place_stylus(session)


@pytest.fixture
def saved(tmp_path):
    """Gives a function that loads a saved scene with another case into a session's scene, as Slicer does."""
    from CRLMSegmentationLib.scene.session import NavigationSession

    other = NavigationSession()
    fill(other, grey=90, radius=5)

    def load(session):
        scene = session.scene
        scene.StartState(scene.ImportState)
        for number in range(other.scene.GetNumberOfNodes()):
            node = other.scene.GetNthNode(number)
            if node.GetSaveWithScene() and not node.GetSingletonTag():
                copy = scene.CreateNodeByClass(node.GetClassName())
                copy.UnRegister(None)
                copy.CopyWithScene(node)
                scene.AddNode(copy)
        scene.EndState(scene.ImportState)

    yield load
    other.close()


def names_in(scene, class_name):
    return [scene.GetNthNodeByClass(n, class_name).GetName() for n in range(scene.GetNumberOfNodesByClass(class_name))]


def test_a_scene_that_holds_nothing_of_ours_changes_nothing(a_session, scene_import):
    fill(a_session, grey=50, radius=4)
    scene_import.begin()
    a_session.scene.AddNewNodeByClass("vtkMRMLModelNode", "Somebody's bone")
    assert scene_import.end(a_session) is False
    assert a_session.surface is not None


def test_a_loaded_case_is_gone_on_with(a_session, scene_import, saved):
    from CRLMSegmentationLib.scene.state import Step

    scene_import.begin()
    saved(a_session)
    assert scene_import.end(a_session) is True
    assert a_session.surface is not None and a_session.box is not None
    assert a_session.state.status(Step.BOX).name == "DONE"
    assert a_session.has_unsaved_data, "it is in no case folder yet"


def test_a_case_that_was_there_is_set_aside_with_its_data(a_session, scene_import, saved):
    fill(a_session, grey=50, radius=4)
    before = a_session.volume_node()
    scene_import.begin()
    saved(a_session)
    assert scene_import.end(a_session) is True
    assert int(a_session.volume.voxels.max()) == 90
    assert before.GetScene() is a_session.scene and before.GetName() != a_session.volume_node().GetName()
    for class_name in ("vtkMRMLModelNode", "vtkMRMLMarkupsROINode", "vtkMRMLSegmentationNode"):
        own = names_in(a_session.scene, class_name)
        assert len(own) == len(set(own)), own


def test_live_nodes_stay_the_same_nodes(a_session, scene_import, saved):
    place_stylus(a_session)
    before = a_session.tool_tip_node("Stylus")
    scene_import.begin()
    saved(a_session)
    scene_import.end(a_session)
    assert a_session.tool_tip_node("Stylus") is before
    own = names_in(a_session.scene, "vtkMRMLLinearTransformNode") + names_in(a_session.scene, "vtkMRMLModelNode")
    assert len(own) == len(set(own)), own


def test_a_loaded_tool_is_not_live(a_session, scene_import, saved):
    scene_import.begin()
    saved(a_session)
    scene_import.end(a_session)
    assert all(reading.signed_distance_mm is None for reading in a_session.readings())
    for name in ("Stylus model", "Stylus to tumor"):
        node = a_session.scene.GetFirstNodeByName(name)
        assert node is None or not node.GetDisplayVisibility()


def test_what_another_session_finds_in_the_scene_counts_as_not_saved(a_session):
    """After a reload of the module nobody knows whether the case was saved."""
    from CRLMSegmentationLib.scene.session import NavigationSession

    fill(a_session, grey=50, radius=4)
    a_session.close()
    following = NavigationSession(a_session.application)
    try:
        assert following.has_unsaved_data
    finally:
        following.close()


def test_an_empty_scene_holds_nothing_to_save(a_session):
    assert not a_session.has_unsaved_data
