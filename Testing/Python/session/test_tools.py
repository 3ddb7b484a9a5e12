"""Tools as plain values: what becomes known of them is reported by events, and nothing of a scene is needed."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.navigation.tool_transforms import tool_of_pose, tool_poses
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.tools import Tools
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.age import TrackingClock


def at(*translation_mm) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = translation_mm
    return matrix


@pytest.fixture
def tools():
    return Tools(TrackingClock())


@pytest.fixture
def heard(tools):
    heard = []
    tools.changed.connect(lambda readings: heard.append([(one.name, one.status.value) for one in readings]))
    tools.calibrated.connect(lambda name: heard.append(f"{name} calibrated"))
    tools.removed.connect(lambda name: heard.append(f"{name} removed"))
    return heard


@pytest.mark.real_ages
def test_every_pose_and_calibration_is_reported(tools, heard):
    tools.update("StylusToReference", Pose(at(1, 2, 3)), received_s=10.0)
    tools.update("NeedleTipToNeedle", Pose(at(0, 0, 9)))
    tools.update("NeedleToReference", Pose(at(5, 5, 5)), received_s=10.2)
    tools.refresh(10.6)
    assert heard == [
        [("Stylus", "live")], "Needle calibrated", [("Stylus", "live"), ("Needle", "live")],
        [("Stylus", "lost"), ("Needle", "live")],
    ]  # fmt: skip
    np.testing.assert_allclose(tools.reading("Needle", 10.6).tip_ras, (5, 5, 14))


def test_a_calibration_that_is_none_changes_nothing(tools, heard):
    tools.update("StylusTipToStylus", Pose(at(0, 0, 9)))
    with pytest.raises(GeometryError):
        tools.update("StylusTipToStylus", Pose(np.zeros((4, 4))))
    assert heard == ["Stylus calibrated"]
    np.testing.assert_array_equal(tools.tip_to_tool("Stylus"), at(0, 0, 9))


@pytest.mark.parametrize("keeps", [True, False])
def test_another_case_knows_calibrated_tools_if_at_all(tools, heard, keeps):
    tools.update("StylusTipToStylus", Pose(at(0, 0, 9)))
    for name in ("Stylus", "Needle"):
        tools.update(name, Pose(np.eye(4)), received_s=10.0)
    heard.clear()
    tools.forget(keep_calibration=keeps)
    assert heard == ["Stylus removed", "Needle removed", *(["Stylus calibrated"] if keeps else [])]
    assert tools.names == (["Stylus"] if keeps else [])
    assert tools.reading("Stylus", 10.1).status is ToolStatus.NEVER_SEEN


def test_who_shows_the_tools_hears_once_of_all_poses_that_came_together(tools):
    heard = []
    tools.changed.connect(lambda readings: heard.append([one.tip_ras[0] for one in readings]))
    with tools.held():
        for x in (1, 2, 3):
            tools.update("StylusToReference", Pose(at(x, 0, 0)), received_s=10.0)
        assert heard == []
    assert heard == [[3.0]]
    with tools.held():
        pass
    assert len(heard) == 1, "nothing came"
    with pytest.raises(RuntimeError), tools.held():
        tools.update("StylusToReference", Pose(at(4, 0, 0)), received_s=10.0)
        raise RuntimeError("a frame that cannot be shown")
    assert heard[1:] == [[4.0]]


def test_what_was_saved_calibrates_tools_that_are_not_known(tools):
    tools.update("StylusTipToStylus", Pose(at(0, 0, 9)))
    tools.restore({"Stylus": at(0, 0, 1), "Needle": at(0, 0, 2)})
    assert tools.tip_to_tool("Stylus")[2, 3] == 9 and tools.tip_to_tool("Needle")[2, 3] == 2
    assert [one.status for one in tools.readings()] == [ToolStatus.NEVER_SEEN] * 2


@pytest.mark.parametrize(
    ("name", "tool"),
    [("StylusToReference", "Stylus"), ("Needle", "Needle"), ("ProbeToReference", None), ("StylusToTracker", None),
     ("StylusTipToReference", None), ("ImageToReference", None)],
)  # fmt: skip
def test_which_transforms_are_of_tools(name, tool):
    assert tool_of_pose(name) == tool


def test_a_tool_is_found_through_any_tracker():
    transforms = {
        "StylusToTracker": Pose(at(1, 0, 0)), "ReferenceToTracker": Pose(at(0, 2, 0)),
        "NeedleTipToNeedle": Pose(at(0, 0, 3)), "NeedleToReference": Pose(at(7, 0, 0), False),
        "LiverToReference": Pose(np.eye(4)), "BrokenTipToBroken": Pose(np.zeros((4, 4))),
    }  # fmt: skip
    poses = tool_poses(transforms, ["Stylus"])
    assert set(poses) == {"StylusToReference", "NeedleToReference", "NeedleTipToNeedle"}
    np.testing.assert_allclose(poses["StylusToReference"].matrix, at(1, -2, 0))
    assert not poses["NeedleToReference"].valid
