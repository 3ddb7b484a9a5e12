"""The scene belongs to the user, who renames, deletes and loads nodes, also while the session is at work."""

import time
import zipfile

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import save_scene
from CRLMSegmentationLib.mrml.conversion import matrix_of_transform
from CRLMSegmentationLib.mrml.nodes import find, nodes_of_class, role_of
from CRLMSegmentationLib.session.session import NavigationSession
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from small_case import TUMOR_CENTER

from .test_case_files import SURNAME
from .test_other_source import Source, record, visible
from .test_session import TIP_TO_STYLUS, SphereSegmenter, stylus_with_tip_at

MODEL, VOLUME, TRANSFORM = "vtkMRMLModelNode", "vtkMRMLScalarVolumeNode", "vtkMRMLLinearTransformNode"
LINE = "vtkMRMLMarkupsLineNode"


def stylus_is_seen(session):
    session.update_tool("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    return session.tool_distance_mm()


@pytest.fixture
def working(session, sweep, volume, box):
    session.connect_source(Source("room-1:18944"))
    record(session, sweep.frames)
    session.set_volume(volume)
    session.set_box(box, tight=True)
    session.segment(SphereSegmenter())
    session.update_tool("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    session.show_frame(sweep.frames[4].with_changes(transforms={}))
    assert session.wait() and stylus_is_seen(session) is not None
    return session


def own(session):
    """How many nodes there are of each role."""
    counts = {}
    for node in nodes_of_class(session.scene, "vtkMRMLNode"):
        if node.GetAttribute("CRLM.Role"):
            counts[role_of(node)] = counts.get(role_of(node), 0) + 1
    return counts


# Renamed


def test_renaming_changes_nothing(working, sweep, mask, volume):
    before, number = own(working), working.scene.GetNumberOfNodes()
    mask, surface = working.mask, working.surface.GetNumberOfPoints()
    for node in nodes_of_class(working.scene, "vtkMRMLNode"):
        if node.GetAttribute("CRLM.Role"):
            node.SetName(f"{SURNAME} {node.GetID()}")
    done = [working.state.status(step) for step in Step]
    working.process()
    assert [working.state.status(step) for step in Step] == done
    assert working.volume is not None and working.box is not None and working.surface.GetNumberOfPoints() == surface
    np.testing.assert_array_equal(working.mask.voxels, mask.voxels)
    assert stylus_is_seen(working) is not None and working.margin_node() is not None
    working.show_frame(sweep.frames[5])
    working.set_threshold(0.6)
    assert working.wait()
    working.segment(SphereSegmenter())
    assert working.scene.GetNumberOfNodes() == number and own(working) == before
    working.box_node().SetSize(28.0, 28.0, 28.0)
    assert working.surface is None, "the box is watched under its other name, too"
    working.new_case()
    left = [name for node in nodes_of_class(working.scene, "vtkMRMLNode") if SURNAME in (name := node.GetName() or "")]
    assert all(
        role
        in (
            names.LIVE_IMAGE,
            names.IMAGE_TO_REFERENCE,
            names.PROBE_MODEL,
            names.PROBE_FACE_TO_REFERENCE,
            names.PROBE_TO_REFERENCE,
            names.DISTANCE_TEXT,
            "StylusToReference",
            "StylusTipToStylus",
            "Stylus model",
        )
        for role in own(working)
    ), left


def test_names_that_a_user_gave_stay_out_of_saved_cases(working, tmp_path):
    renamed = {}
    for node in (working.volume_node(), working.surface_node(), working.box_node(), working.segmentation_node()):
        node.SetName(f"{SURNAME} {node.GetClassName()}")
        renamed[node.GetID()] = node.GetName()
    folder = working.save_case(tmp_path / "case")
    assert {identifier: working.scene.GetNodeByID(identifier).GetName() for identifier in renamed} == renamed
    contents = [path.read_bytes() for path in folder.iterdir() if path.suffix != ".mrb"]
    with zipfile.ZipFile(folder / "scene.mrb") as bundle:
        contents += [bundle.read(name) for name in bundle.namelist()] + [name.encode() for name in bundle.namelist()]
    assert not any(SURNAME.encode() in content for content in contents)


def test_a_node_of_another_role_is_not_taken_for_its_name(session, volume):
    session.set_volume(volume)
    session.volume_node().SetName("Sweep of today")
    other = session.scene.AddNewNodeByClass(VOLUME, names.VOLUME)
    other.SetAttribute("CRLM.Role", "something else")
    assert session.volume_node() is not other and session.volume is not None


# Deleted


def test_a_deleted_box_is_no_box(working, box):
    working.scene.RemoveNode(working.box_node())
    assert working.box is None and working.state.status(Step.BOX) is StepStatus.READY
    assert working.surface is None and stylus_is_seen(working) is None
    working.set_box(box)
    assert working.state.status(Step.BOX) is StepStatus.DONE
    working.box_node().SetSize(22.0, 22.0, 22.0)
    np.testing.assert_allclose(working.box.size_mm, 22.0)
    assert working.state[Step.BOX].message.startswith("22 x")


def test_a_deleted_volume_is_no_volume(working):
    working.scene.RemoveNode(working.volume_node())
    assert working.volume is None and working.state.status(Step.RECONSTRUCT) is StepStatus.READY
    assert stylus_is_seen(working) is None and working.state.status(Step.NAVIGATE) is StepStatus.WAITING


@pytest.mark.parametrize("which", ["surface_node", "segmentation_node"])
def test_who_deletes_a_node_of_the_tumor_deletes_the_tumor(working, which):
    working.scene.RemoveNode(getattr(working, which)())
    assert stylus_is_seen(working) is None and working.tumor_state is None
    assert working.surface_node() is None and working.segmentation_node() is None
    assert working.state.status(Step.SEGMENT) is StepStatus.READY
    assert working.margin_node() is None
    working.segment(SphereSegmenter())
    assert stylus_is_seen(working) is not None


def test_deleted_shells_come_back(working):
    working.show_uncertainty(True)
    assert working.wait()
    number = working.scene.GetNumberOfNodesByClass(MODEL)
    for name in (names.MARGIN, names.UNCERTAINTY_OUTER):
        working.scene.RemoveNode(find(working.scene, MODEL, name))
    assert working.wait()
    assert working.margin_node() is not None and working.scene.GetNumberOfNodesByClass(MODEL) == number


@pytest.mark.parametrize("what", [
    (MODEL, names.tool_model("Stylus")), (TRANSFORM, "StylusTipToStylus"), (TRANSFORM, "StylusToReference"),
    (LINE, names.distance_line("Stylus")),
])  # fmt: skip
def test_deleted_tools_come_back_with_their_calibration(working, what):
    before = stylus_is_seen(working)
    working.scene.RemoveNode(find(working.scene, *what))
    assert stylus_is_seen(working) == pytest.approx(before)
    for one in ((MODEL, names.tool_model("Stylus")), (LINE, names.distance_line("Stylus"))):
        assert visible(working, *one)
    model = find(working.scene, MODEL, names.tool_model("Stylus"))
    tip = model.GetParentTransformNode()
    np.testing.assert_allclose(matrix_of_transform(tip), TIP_TO_STYLUS)
    assert tip.GetParentTransformNode() is find(working.scene, TRANSFORM, "StylusToReference")


# Loaded


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, sweep, volume, box):
    """A scene that was saved while navigating."""
    session = NavigationSession()
    session.connect_source(Source("simulator", "simulated"))
    record(session, sweep.frames[:4])
    session.set_volume(volume)
    session.set_box(box, tight=True)
    session.segment(SphereSegmenter())
    session.set_margin_mm(7.0)
    session.update_tool("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    session.show_frame(sweep.frames[4])
    assert session.wait() and stylus_is_seen(session) is not None
    path = save_scene(session, tmp_path_factory.mktemp("scene") / "saved.mrb")
    session.close()
    return path


def load(session, path, folder):
    """As Slicer adds a scene to the one that is open."""
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    (scene_file,) = folder.rglob("*.mrml")
    session.scene.SetURL(str(scene_file))
    session.scene.SetRootDirectory(str(scene_file.parent))
    assert session.scene.Import()
    # Whoever else watches the scene must have finished with it before nodes are taken out again.
    assert session.is_computing
    session.process()


def assert_taken_over(session):
    assert len(session.sweep) == 4 and session.volume is not None and session.box is not None
    assert session.surface is not None and session.box_is_tight and session.margin_mm == 7.0
    assert session.origin == "simulated" and session.has_unsaved_data
    done = [step for step in Step if session.state.status(step) is StepStatus.DONE]
    assert done[-3:] == [Step.RECONSTRUCT, Step.BOX, Step.SEGMENT]
    assert (Step.RECORD in done) is (session.recording is None)
    assert session.segmentation_result.card.name == SphereSegmenter().model.card.name


def assert_nothing_is_shown_as_live(session):
    for one in (
        (MODEL, names.tool_model("Stylus")),
        (LINE, names.distance_line("Stylus")),
        (VOLUME, names.LIVE_IMAGE),
        (MODEL, names.PROBE_MODEL),
    ):
        assert not visible(session, *one), one
    assert "mm" not in find(session.scene, "vtkMRMLTextNode", names.DISTANCE_TEXT).GetText()
    assert session.tool_distance_mm() is None


def test_a_scene_that_is_loaded_is_gone_on_from(session, bundle, tmp_path):
    heard = []
    session.add_listener(lambda state: heard.append(state.status(Step.SEGMENT)))
    load(session, bundle, tmp_path)
    assert_taken_over(session)
    assert_nothing_is_shown_as_live(session)
    assert heard[-1] is StepStatus.DONE
    assert session.wait() and session.margin_node() is not None


def test_a_scene_that_is_loaded_while_live_replaces_the_case_and_leaves_the_stream(working, bundle, sweep, tmp_path):
    live = {one: find(working.scene, *one) for one in ((VOLUME, names.LIVE_IMAGE), (TRANSFORM, "StylusToReference"))}
    working.start_recording()
    working.show_frame(sweep.frames[0])
    load(working, bundle, tmp_path)
    assert_taken_over(working)
    assert max(own(working).values()) == 1, own(working)
    assert all(find(working.scene, *one) is node for one, node in live.items())
    assert "same patient" in working.source_question and stylus_is_seen(working) is None
    assert not visible(working, MODEL, names.SURFACE)
    working.show_frame(sweep.frames[1])
    assert working.recording.frames == 2
    working.keep_case()
    assert stylus_is_seen(working) is not None


def test_a_job_that_runs_while_a_scene_is_loaded_concerns_the_old_one(working, bundle, tmp_path):
    job = working.begin_segment(SphereSegmenter())
    result = job.run()
    load(working, bundle, tmp_path)
    figures = working.tumor_figures
    assert working.finish(job, result) is False
    assert_taken_over(working)
    assert working.tumor_figures == figures


def test_a_scene_of_somebody_else_leaves_the_case_alone(working, tmp_path):
    other = NavigationSession()
    other.scene.AddNewNodeByClass(MODEL, "Vessels")
    path = save_scene(other, tmp_path / "other.mrb")
    other.close()
    before = own(working)
    load(working, path, tmp_path / "files")
    assert working.surface is not None and own(working) == before and stylus_is_seen(working) is not None
    assert find(working.scene, MODEL, "Vessels") is not None


def test_a_session_that_begins_on_a_scene_knows_what_was_known(working):
    working.acknowledge_doubts()
    doubts, figures = working.doubts, working.tumor_figures
    working.close()
    again = NavigationSession(working.application)
    assert again.has_unsaved_data, "the module was loaded anew, and nothing was saved"
    assert again.doubts == doubts and again.doubts_acknowledged and again.origin == "live"
    assert again.tumor_figures == figures and again.box_is_tight
    assert_nothing_is_shown_as_live(again)
    again.close()


def test_a_timer_that_comes_while_a_scene_is_loaded_makes_no_nodes(session, sweep, monkeypatch):
    source = Source("room-1:18944")
    session.connect_source(source)
    source.waiting = list(sweep.frames[4:5])
    session.scene.StartState(session.scene.ImportState)
    session.process(time.monotonic())
    assert session.live_image_node() is None
    session.scene.EndState(session.scene.ImportState)
    session.process(time.monotonic())
    assert session.live_image_node() is not None
