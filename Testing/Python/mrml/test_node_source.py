"""Frames from nodes that somebody else fills, as SlicerOpenIGTLink's connector does."""

import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.connector import node_source
from CRLMSegmentationLib.mrml.connector.node_source import NodeSource
from CRLMSegmentationLib.mrml.connector.openigtlink_nodes import connector_available, connector_source
from CRLMSegmentationLib.mrml.conversion import image_data, vtk_matrix
from CRLMSegmentationLib.mrml.nodes import get_or_create
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from small_case import affine, turn

POSE = affine(turn((10, 20, 30)) * 0.3, (5, 6, 7))


class Connector:
    """Fills nodes by their names, as the connector does: an image that is made anew or written over, and transforms."""

    def __init__(self, scene):
        self.scene = scene

    def send_image(self, value, name="Image_Image", shape=(48, 64), matrix=None, status=None):
        node = get_or_create(self.scene, "vtkMRMLScalarVolumeNode", name)
        pixels = np.full((1, *shape), value, np.uint8)
        node.DisableModifiedEventOff()
        was_modifying = node.StartModify()
        if node.GetImageData() is None or value % 2:
            node.SetAndObserveImageData(image_data(pixels))
        else:
            image_data(pixels, into=node.GetImageData()).Modified()
        node.SetIJKToRASMatrix(vtk_matrix(np.eye(4) if matrix is None else matrix))
        if status is not None:
            node.SetAttribute("OpenIGTLink.TransformStatus", status)
        node.EndModify(was_modifying)
        return node

    def send_transform(self, name, matrix, status="OK"):
        node = get_or_create(self.scene, "vtkMRMLLinearTransformNode", name)
        was_modifying = node.StartModify()
        node.SetMatrixTransformToParent(vtk_matrix(matrix))
        # So the connector does (vtkMRMLIGTLConnectorNode::ProcessIncomingDeviceModifiedEvent), whatever the matrix is.
        node.Modified()
        node.SetAttribute("TransformStatus", status)
        node.EndModify(was_modifying)


@pytest.fixture
def connector(session, monkeypatch):
    """One that has made its nodes already: what a node holds when it is found does not count.

    However slowly this computer goes from one node to the next, what is sent at once is together.
    """
    monkeypatch.setattr(node_source, "_TOGETHER_S", 5.0)
    return prompt_connector(session)


def prompt_connector(session):
    session.stream.connect_source(NodeSource(session.view.scene))
    connector = Connector(session.view.scene)
    connector.send_image(0)
    connector.send_transform("ImageToReference", np.eye(4))
    connector.send_transform("StylusToReference", np.eye(4))
    session.process()
    return connector


def test_frames_are_shown_and_recorded(session, connector):
    session.process()
    assert session.state.status(Step.CONNECT) is StepStatus.RUNNING
    session.recording.live_reconstruction = False
    session.recording.start()
    for value in range(1, 7):
        connector.send_transform("ImageToReference", POSE)
        connector.send_image(value)
        session.process()
        session.process()
    assert session.state.status(Step.CONNECT) is StepStatus.DONE
    sweep = session.recording.stop()
    assert [int(frame.pixels[0, 0]) for frame in sweep.frames] == [1, 2, 3, 4, 5, 6], "each image once"
    assert all(frame.valid for frame in sweep.frames)
    np.testing.assert_allclose(sweep.frames[3].image_to_reference, POSE)
    assert session.stream.is_live and session.stream.status.frames == 6
    assert session.view.live_image_node().GetParentTransformNode() is session.view.image_to_reference_node()


def test_an_image_without_a_new_pose_has_none(session, connector, monkeypatch):
    connector.send_transform("ImageToReference", POSE)
    connector.send_image(1)
    session.process()
    assert session.stream.is_live
    monkeypatch.setattr(node_source, "_TOGETHER_S", 0.02)
    time.sleep(0.05)
    connector.send_image(2)
    session.process()
    assert not session.stream.is_live and session.stream.status.invalid == 1
    connector.send_transform("ImageToReference", POSE, "OUT_OF_VIEW")
    connector.send_image(3)
    session.process()
    assert not session.stream.is_live and session.stream.status.invalid == 2


@pytest.mark.parametrize("apart_s", [0.03, 0.12, 0.5])
@pytest.mark.parametrize("looks_between", [False, True])
def test_a_pose_that_came_some_time_before_the_image_is_not_its_pose(session, apart_s, looks_between):
    """Also when the window stood still, and both are found at one look."""
    connector = prompt_connector(session)
    connector.send_transform("ImageToReference", POSE)
    if looks_between:
        session.process()
    time.sleep(apart_s)
    connector.send_image(1)
    session.process()
    assert session.stream.status.frames == 1 and not session.stream.is_live


def test_it_is_told_and_recorded_how_poses_were_assigned(session, connector):
    assert any("no times" in note for note in session.stream.status.notes)
    source = NodeSource(session.view.scene)
    source.start()
    connector.send_transform("ImageToReference", POSE)
    connector.send_image(1)
    (frame,) = source.poll()
    source.stop()
    assert frame.valid and frame.fields["PosePairing"] == "arrival"


@pytest.mark.parametrize("tip", [None, affine(turn((7, 31, 53)), (0.1, 123.4, 0.7))])
def test_a_tool_that_is_sent_no_more_is_lost_though_its_node_stays(session, connector, tip):
    if tip is not None:
        session.tools.update("StylusTipToStylus", Pose(tip))
    for value in range(1, 4):
        connector.send_transform("ImageToReference", POSE)
        connector.send_transform("StylusToReference", affine(turn((11, 22, 33)), (1.1, 2.2, 3.3)))
        connector.send_image(value)
        session.process()
    assert session.tools.reading().status is ToolStatus.LIVE
    until = time.monotonic() + 600
    while session.tools.reading().status is ToolStatus.LIVE and time.monotonic() < until:
        connector.send_transform("ImageToReference", POSE)
        connector.send_image(value := value + 1)
        session.process()
        time.sleep(0.03)
    assert session.tools.reading().status is ToolStatus.LOST
    assert session.stream.is_live


def test_a_tool_is_followed_while_no_image_comes(session, connector):
    for number in range(3):
        connector.send_transform("StylusToReference", affine(translation=(number, 2, 3)))
        session.process()
        np.testing.assert_allclose(session.tools.reading().tip_ras, (number, 2, 3))
    connector.send_transform("StylusToReference", affine(translation=(9, 2, 3)), "INVALID")
    session.process()
    assert session.tools.reading().status is ToolStatus.LOST


def test_pose_in_the_image_message(session):
    connector = Connector(session.view.scene)
    connector.send_image(0, "Image_Reference")
    source = NodeSource(session.view.scene)
    source.start()
    assert source.poll() == []
    connector.send_image(1, "Image_Reference", matrix=POSE)
    (frame,) = source.poll()
    assert frame.valid
    np.testing.assert_allclose(frame.image_to_reference, POSE)
    connector.send_image(2, "Image_Reference", matrix=POSE, status="INVALID")
    (frame,) = source.poll()
    assert not frame.valid
    source.stop()


def test_pose_through_a_calibration(session, monkeypatch):
    monkeypatch.setattr(node_source, "_TOGETHER_S", 5.0)
    image_to_probe, probe_to_reference = affine(np.eye(3) * 0.2), affine(turn((0, 0, 90)), (1, 2, 3))
    connector = Connector(session.view.scene)
    connector.send_transform("StylusToReference", np.eye(4))
    connector.send_transform("ProbeToReference", np.eye(4))
    connector.send_image(0)
    source = NodeSource(session.view.scene, calibration={"ImageToProbe": image_to_probe})
    source.start()
    connector.send_transform("ProbeToReference", probe_to_reference)
    connector.send_image(1)
    (frame,) = source.poll()
    np.testing.assert_allclose(frame.image_to_reference, probe_to_reference @ image_to_probe)
    assert set(frame.transforms) == {"ProbeToReference"}, "what was in the scene before is sent by nobody"
    source.stop()


def test_nodes_of_other_names_can_be_chosen(session, monkeypatch):
    monkeypatch.setattr(node_source, "_TOGETHER_S", 5.0)
    connector = Connector(session.view.scene)
    connector.send_image(0, "BK_Image")
    connector.send_transform("UltrasoundPose", np.eye(4))
    source = NodeSource(session.view.scene, "BK_Image", "UltrasoundPose")
    source.start()
    connector.send_image(1)
    assert source.poll() == []
    connector.send_transform("UltrasoundPose", POSE)
    connector.send_image(2, "BK_Image")
    (frame,) = source.poll()
    assert frame.valid and frame.pixels[0, 0] == 2
    source.stop()
    connector.send_image(3, "BK_Image")
    assert source.poll() == []


def test_a_node_that_is_removed_stops_nothing(session, connector):
    connector.send_transform("ImageToReference", POSE)
    session.view.scene.RemoveNode(connector.send_image(1))
    session.process()
    for value in (2, 3):
        connector.send_transform("ImageToReference", POSE)
        connector.send_image(value)
        session.process()
    assert session.stream.status.frames == 1
    session.stream.disconnect()
    assert session.stream.status is None


def test_an_image_that_is_no_frame_is_counted_and_left_out(session):
    node = get_or_create(session.view.scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
    source = NodeSource(session.view.scene)
    source.start()
    node.SetAndObserveImageData(image_data(np.zeros((3, 4, 5), np.uint8)))
    assert source.poll() == [] and source.status.other_images == 1
    source.stop()


def test_without_the_extension_it_says_so(session):
    assert connector_available(session.view.application) is False
    with pytest.raises(StreamError, match="SlicerOpenIGTLink"):
        connector_source(session.view.application)
