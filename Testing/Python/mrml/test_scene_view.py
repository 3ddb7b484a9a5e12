"""The view of a whole session: when it may be made, and that one view that fails keeps no other from its work."""

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.case_nodes import case_scene
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.mrml.scene_view import SceneView
from CRLMSegmentationLib.session.session import Session


def test_what_a_session_holds_never_gives_way_to_an_empty_scene(volume):
    session = Session()
    session.volume.set(volume)
    with pytest.raises(ConfigurationError, match="before it is given anything"):
        SceneView(session, current_application())
    assert session.volume.value is volume
    session.close()


def test_a_view_that_fails_keeps_no_other_from_hiding_what_is_live(session, sweep, monkeypatch):
    session.stream.show_frame(sweep.frames[4])
    image = session.view.live_image_node()
    model = find(session.view.scene, "vtkMRMLModelNode", names.tool_model("Stylus"))
    assert image.GetDisplayVisibility() and model.GetDisplayVisibility()
    monkeypatch.setattr(session.view.box, "hide_live", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        session.view.hide_live()
    assert not image.GetDisplayVisibility() and not model.GetDisplayVisibility()


def test_an_event_whose_handler_fails_shows_everything_live_as_lost(session, sweep):
    session.stream.image.frame_shown.connect(lambda frame: 1 / 0)
    session.stream.show_frame(sweep.frames[4])
    assert "division" in session.fault and not session.stream.is_live
    session.process()
    assert not session.view.live_image_node().GetDisplayVisibility()
    session._workflow.state.fault = ""


def test_a_session_that_is_closed_is_shown_no_more(session, sweep):
    session.close()
    session.stream.show_frame(sweep.frames[4])
    assert session.view.live_image_node() is None


def test_what_a_save_has_to_do_first_is_done_before_one_piece_at_a_time(session, sweep, volume):
    session.volume.set(volume)
    session.stream.show_frame(sweep.frames[4])
    scene, view = session.view.scene, session.view
    added = []
    for now_s in range(1000, 1060, 2):
        before = scene.GetNumberOfNodesByClass("vtkMRMLStorageNode")
        view.process(float(now_s))
        # Within the same second nothing is done again.
        view.process(now_s + 0.1)
        added.append(scene.GetNumberOfNodesByClass("vtkMRMLStorageNode") - before)
    assert max(added) == 1 and added[-1] == 0
    assert view.volume_node().GetStorageNode() is not None
    before = scene.GetNumberOfNodesByClass("vtkMRMLStorageNode")
    case_scene(scene, session.tools.names)
    assert scene.GetNumberOfNodesByClass("vtkMRMLStorageNode") == before, "a save keeps the window waiting for these"
