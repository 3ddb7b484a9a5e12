"""The view of a whole session: when it may be made, and that one view that fails keeps no other from its work."""

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
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
