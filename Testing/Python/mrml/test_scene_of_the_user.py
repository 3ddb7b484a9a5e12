"""The scene belongs to the user, who renames, deletes and loads nodes, also while the session is at work."""

import time
import zipfile

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import save_scene
from CRLMSegmentationLib.mrml.conversion import matrix_of_transform
from CRLMSegmentationLib.mrml.nodes import find, nodes_of_class, role_of
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from scene_case import on_scene
from scene_nodes import number_of_nodes
from small_case import TUMOR_CENTER
from stand_ins import SURNAME, TIP_TO_STYLUS, Source, SphereSegmenter, record, stylus_with_tip_at, visible

MODEL, VOLUME, TRANSFORM = "vtkMRMLModelNode", "vtkMRMLScalarVolumeNode", "vtkMRMLLinearTransformNode"
LINE = "vtkMRMLMarkupsLineNode"


def stylus_is_seen(session):
    session.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    return session.tools.distance_mm()


@pytest.fixture
def working(session, sweep, volume, box):
    session.stream.connect_source(Source("room-1:18944"))
    record(session, sweep.frames)
    session.volume.set(volume)
    session.box.set(box, tight=True)
    session.tumor.segment(SphereSegmenter())
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    session.stream.show_frame(sweep.frames[4].with_changes(transforms={}))
    assert session.wait() and stylus_is_seen(session) is not None
    session.process()  # what shows the tool against the image is drawn at a tick
    return session


def own(session):
    """How many nodes there are of each role."""
    counts = {}
    for node in nodes_of_class(session.view.scene, "vtkMRMLNode"):
        if node.GetAttribute("CRLM.Role"):
            counts[role_of(node)] = counts.get(role_of(node), 0) + 1
    return counts


# Renamed


def test_renaming_changes_nothing(working, sweep, mask, volume):
    before, number = own(working), number_of_nodes(working)
    line = working.view.distance_line_node()
    assert line.GetClassName() == LINE
    mask, surface = working.tumor.mask, working.tumor.surface.GetNumberOfPoints()
    for node in nodes_of_class(working.view.scene, "vtkMRMLNode"):
        if node.GetAttribute("CRLM.Role"):
            node.SetName(f"{SURNAME} {node.GetID()}")
    done = [working.state.status(step) for step in Step]
    working.process()
    assert [working.state.status(step) for step in Step] == done
    assert (
        working.volume.value is not None
        and working.box.value is not None
        and working.tumor.surface.GetNumberOfPoints() == surface
    )
    np.testing.assert_array_equal(working.tumor.mask.voxels, mask.voxels)
    assert stylus_is_seen(working) is not None and working.view.margin_node() is not None
    assert working.view.distance_line_node() is line and SURNAME in line.GetName()
    working.stream.show_frame(sweep.frames[5])
    working.tumor.set_threshold(0.6)
    assert working.wait()
    working.tumor.segment(SphereSegmenter())
    assert number_of_nodes(working) == number and own(working) == before
    working.view.box_node().SetSize(28.0, 28.0, 28.0)
    assert working.tumor.surface is None, "the box is watched under its other name, too"
    working.case.begin()
    left = [
        name for node in nodes_of_class(working.view.scene, "vtkMRMLNode") if SURNAME in (name := node.GetName() or "")
    ]
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
    for node in (
        working.view.volume_node(),
        working.view.surface_node(),
        working.view.box_node(),
        working.view.segmentation_node(),
    ):
        node.SetName(f"{SURNAME} {node.GetClassName()}")
        renamed[node.GetID()] = node.GetName()
    folder = working.case.save(tmp_path / "case")
    assert {identifier: working.view.scene.GetNodeByID(identifier).GetName() for identifier in renamed} == renamed
    contents = [path.read_bytes() for path in folder.iterdir() if path.suffix != ".mrb"]
    with zipfile.ZipFile(folder / "scene.mrb") as bundle:
        contents += [bundle.read(name) for name in bundle.namelist()] + [name.encode() for name in bundle.namelist()]
    assert not any(SURNAME.encode() in content for content in contents)


def test_a_node_of_another_role_is_not_taken_for_its_name(session, volume):
    session.volume.set(volume)
    session.view.volume_node().SetName("Sweep of today")
    other = session.view.scene.AddNewNodeByClass(VOLUME, names.VOLUME)
    other.SetAttribute("CRLM.Role", "something else")
    assert session.view.volume_node() is not other and session.volume.value is not None


# Deleted


def test_a_deleted_box_is_no_box(working, box):
    working.view.scene.RemoveNode(working.view.box_node())
    assert working.box.value is None and working.state.status(Step.BOX) is StepStatus.READY
    assert working.tumor.surface is None and stylus_is_seen(working) is None
    working.box.set(box)
    assert working.state.status(Step.BOX) is StepStatus.DONE
    working.view.box_node().SetSize(22.0, 22.0, 22.0)
    np.testing.assert_allclose(working.box.value.size_mm, 22.0)
    assert working.state[Step.BOX].message.startswith("22 x")


def test_a_deleted_volume_is_no_volume(working):
    working.view.scene.RemoveNode(working.view.volume_node())
    assert working.volume.value is None and working.state.status(Step.RECONSTRUCT) is StepStatus.READY
    assert stylus_is_seen(working) is None and working.state.status(Step.NAVIGATE) is StepStatus.WAITING


@pytest.mark.parametrize("which", ["surface", "segmentation"])
def test_who_deletes_a_node_of_the_tumor_deletes_the_tumor(working, which):
    working.view.scene.RemoveNode(getattr(working.view, f"{which}_node")())
    assert stylus_is_seen(working) is None and working.tumor.state is None
    assert working.view.surface_node() is None and working.view.segmentation_node() is None
    assert working.state.status(Step.SEGMENT) is StepStatus.READY
    assert working.view.margin_node() is None
    working.tumor.segment(SphereSegmenter())
    assert stylus_is_seen(working) is not None


def test_deleted_shells_come_back(working):
    working.structures.show_uncertainty(True)
    assert working.wait()
    number = working.view.scene.GetNumberOfNodesByClass(MODEL)
    for name in (names.MARGIN, names.UNCERTAINTY_OUTER):
        working.view.scene.RemoveNode(find(working.view.scene, MODEL, name))
    assert working.wait()
    assert working.view.margin_node() is not None and working.view.scene.GetNumberOfNodesByClass(MODEL) == number


@pytest.mark.parametrize("what", [
    (MODEL, names.tool_model("Stylus")), (TRANSFORM, "StylusTipToStylus"), (TRANSFORM, "StylusToReference"),
    (LINE, names.distance_line("Stylus")),
])  # fmt: skip
def test_deleted_tools_come_back_with_their_calibration(working, what):
    before = stylus_is_seen(working)
    working.view.scene.RemoveNode(find(working.view.scene, *what))
    assert stylus_is_seen(working) == pytest.approx(before)
    for one in ((MODEL, names.tool_model("Stylus")), (LINE, names.distance_line("Stylus"))):
        assert visible(working, *one)
    model = find(working.view.scene, MODEL, names.tool_model("Stylus"))
    tip = model.GetParentTransformNode()
    np.testing.assert_allclose(matrix_of_transform(tip), TIP_TO_STYLUS)
    assert tip.GetParentTransformNode() is find(working.view.scene, TRANSFORM, "StylusToReference")


# Loaded


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, sweep, volume, box):
    """A scene that was saved while navigating."""
    session = on_scene(Session())
    session.stream.connect_source(Source("simulator", "simulated"))
    record(session, sweep.frames[:4])
    session.volume.set(volume)
    session.box.set(box, tight=True)
    session.tumor.segment(SphereSegmenter())
    session.structures.set_margin_mm(7.0)
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    session.stream.show_frame(sweep.frames[4])
    assert session.wait() and stylus_is_seen(session) is not None
    path = save_scene(session.view, tmp_path_factory.mktemp("scene") / "saved.mrb")
    session.close()
    return path


def load(session, path, folder):
    """As Slicer adds a scene to the one that is open."""
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    (scene_file,) = folder.rglob("*.mrml")
    session.view.scene.SetURL(str(scene_file))
    session.view.scene.SetRootDirectory(str(scene_file.parent))
    assert session.view.scene.Import()
    # Whoever else watches the scene must have finished with it before nodes are taken out again.
    assert session.is_computing
    session.process()


def assert_taken_over(session):
    assert len(session.recording.sweep) == 4 and session.volume.value is not None and session.box.value is not None
    assert session.tumor.surface is not None and session.box.is_tight and session.structures.margin_mm == 7.0
    assert session.case.origin == "simulated" and session.case.has_unsaved_data
    done = [step for step in Step if session.state.status(step) is StepStatus.DONE]
    assert done[-3:] == [Step.RECONSTRUCT, Step.BOX, Step.SEGMENT]
    assert (Step.RECORD in done) is (session.recording.state is None)
    assert session.tumor.result.card.name == SphereSegmenter().model.card.name


def assert_nothing_is_shown_as_live(session):
    for one in (
        (MODEL, names.tool_model("Stylus")),
        (LINE, names.distance_line("Stylus")),
        (VOLUME, names.LIVE_IMAGE),
        (MODEL, names.PROBE_MODEL),
    ):
        assert not visible(session, *one), one
    assert "mm" not in find(session.view.scene, "vtkMRMLTextNode", names.DISTANCE_TEXT).GetText()
    assert session.tools.distance_mm() is None


def test_a_scene_that_is_loaded_is_gone_on_from(session, bundle, tmp_path):
    heard = []
    session.add_listener(lambda state: heard.append(state.status(Step.SEGMENT)))
    load(session, bundle, tmp_path)
    assert_taken_over(session)
    assert_nothing_is_shown_as_live(session)
    assert heard[-1] is StepStatus.DONE
    assert session.wait() and session.view.margin_node() is not None


def test_a_scene_that_is_loaded_while_live_replaces_the_case_and_leaves_the_stream(working, bundle, sweep, tmp_path):
    live = {
        one: find(working.view.scene, *one) for one in ((VOLUME, names.LIVE_IMAGE), (TRANSFORM, "StylusToReference"))
    }
    working.recording.start()
    working.stream.show_frame(sweep.frames[0])
    load(working, bundle, tmp_path)
    assert_taken_over(working)
    assert max(own(working).values()) == 1, own(working)
    assert all(find(working.view.scene, *one) is node for one, node in live.items())
    assert "same patient" in working.case.question and stylus_is_seen(working) is None
    assert not visible(working, MODEL, names.SURFACE)
    working.stream.show_frame(sweep.frames[1])
    assert working.recording.state.frames == 2
    working.case.keep()
    assert stylus_is_seen(working) is not None


def test_a_job_that_runs_while_a_scene_is_loaded_concerns_the_old_one(working, bundle, tmp_path):
    job = working.tumor.begin(SphereSegmenter())
    result = job.run()
    load(working, bundle, tmp_path)
    figures = working.tumor.figures
    assert working.jobs.finish(job, result) is False
    assert_taken_over(working)
    assert working.tumor.figures == figures


def test_a_scene_of_somebody_else_leaves_the_case_alone(working, tmp_path):
    other = on_scene(Session())
    other.view.scene.AddNewNodeByClass(MODEL, "Vessels")
    path = save_scene(other.view, tmp_path / "other.mrb")
    other.close()
    before = own(working)
    load(working, path, tmp_path / "files")
    assert working.tumor.surface is not None and own(working) == before and stylus_is_seen(working) is not None
    assert find(working.view.scene, MODEL, "Vessels") is not None


def test_a_session_that_begins_on_a_scene_knows_what_was_known(working):
    working.tumor.acknowledge_doubts()
    doubts, figures = working.tumor.doubts, working.tumor.figures
    working.close()
    again = on_scene(Session(), working.view.application)
    assert again.case.has_unsaved_data, "the module was loaded anew, and nothing was saved"
    assert again.tumor.doubts == doubts and again.tumor.doubts_acknowledged and again.case.origin == "live"
    assert again.tumor.figures == figures and again.box.is_tight
    assert_nothing_is_shown_as_live(again)
    again.close()


def test_a_timer_that_comes_while_a_scene_is_loaded_makes_no_nodes(session, sweep, monkeypatch):
    source = Source("room-1:18944")
    session.stream.connect_source(source)
    source.waiting = list(sweep.frames[4:5])
    session.view.scene.StartState(session.view.scene.ImportState)
    session.process(time.monotonic())
    assert session.view.live_image_node() is None
    session.view.scene.EndState(session.view.scene.ImportState)
    session.process(time.monotonic())
    assert session.view.live_image_node() is not None
