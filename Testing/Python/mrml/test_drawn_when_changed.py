"""A view draws again what changes in the scene: so nothing may change that shows the same, and all that shows else."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.sweep import Pose
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine

RECEIVED_S = 100.0


@pytest.fixture
def frames(sweep):
    """Images without the stylus, which the tests move."""
    return [replace(frame, transforms={}) for frame in sweep.frames]


@pytest.fixture
def navigating(session, frames, volume, box, mask, surface):
    """Live image, stylus and distance are shown, all of one moment."""
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask, surface=surface)
    # A node that is new finds its display only when it is asked for it again, which counts as a change.
    for _ in range(2):
        session.stream.show_frame(frames[0], RECEIVED_S)
        move_stylus(session, 30.0)
        session.refresh(RECEIVED_S)
    return session


def move_stylus(session, away_mm, valid=True):
    pose = Pose(affine(translation=TUMOR_CENTER + (away_mm, 0, 0)), valid)
    session.tools.update("StylusToReference", pose, received_s=RECEIVED_S)


def line_of(session):
    return find(session.view.scene, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))


@pytest.fixture
def changed(navigating):
    """Names of the nodes that said of themselves that they changed, in the order in which they did."""
    heard, observed = [], []
    scene = navigating.view.scene
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        observed.append((node, node.AddObserver("AnyEvent", lambda *_, name=node.GetName(): heard.append(name))))
    yield heard
    for node, tag in observed:
        node.RemoveObserver(tag)


def test_what_is_shown_already_changes_nothing(navigating, frames, changed):
    for later_s in (0.0, 0.1, 0.4):
        navigating.refresh(RECEIVED_S + later_s)
    navigating.stream.show_frame(frames[0], RECEIVED_S)
    move_stylus(navigating, 30.0)
    assert changed == []


def test_a_tool_that_moves_takes_its_line_along(navigating, changed):
    for away_mm in (30.0 + 1e-6, 12.0, 29.0):
        changed.clear()
        move_stylus(navigating, away_mm)
        assert line_of(navigating).GetName() in changed and "StylusToReference" in changed
        ends = np.zeros((2, 3))
        for number, end in enumerate(ends):
            line_of(navigating).GetNthControlPointPositionWorld(number, end)
        np.testing.assert_array_equal(ends[0], TUMOR_CENTER + (away_mm, 0, 0))
        np.testing.assert_allclose(ends[1], TUMOR_CENTER + (TUMOR_RADIUS_MM, 0, 0), atol=1.5)


def test_a_frame_that_is_new_changes_the_image(navigating, frames, changed):
    navigating.stream.show_frame(frames[1], RECEIVED_S)
    assert {names.LIVE_IMAGE, names.IMAGE_TO_REFERENCE} <= set(changed)


def test_an_image_that_is_new_is_no_news_to_who_lists_nodes(navigating, frames):
    """Every list of nodes in Slicer looks at a node that says of itself that it was modified, at every frame."""
    heard, node = [], navigating.view.live_image_node()
    node.AddObserver("ModifiedEvent", lambda *_: heard.append("the node"))
    node.GetImageData().AddObserver("ModifiedEvent", lambda *_: heard.append("its image"))
    navigating.stream.show_frame(frames[1], RECEIVED_S)
    assert set(heard) == {"its image"}


def test_what_moves_says_so_to_who_draws_slices_that_do_not_show_it(navigating, frames):
    """Lines, bodies and images; texts are drawn nowhere."""
    inside, outside = [], []
    into, depth = outside, 0

    @contextmanager
    def moving():
        nonlocal into, depth
        depth += 1
        into = inside
        yield
        depth -= 1
        into = inside if depth else outside

    navigating.view.process(RECEIVED_S)
    scene = navigating.view.scene
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    for node in (node for node in nodes if not node.IsA("vtkMRMLTextNode")):
        node.AddObserver("AnyEvent", lambda *_, name=node.GetName(): into.append(name))
    navigating.view.moving = moving
    navigating.stream.show_frame(frames[1], RECEIVED_S)
    move_stylus(navigating, 12.0)
    navigating.view.process(RECEIVED_S)
    assert outside == []
    assert {names.LIVE_IMAGE, names.IMAGE_TO_REFERENCE, line_of(navigating).GetName()} <= set(inside)


@pytest.mark.real_ages
def test_a_tool_that_is_lost_is_hidden_even_where_it_did_not_move(navigating):
    move_stylus(navigating, 30.0, valid=False)
    assert not line_of(navigating).GetDisplayVisibility()
    move_stylus(navigating, 30.0)
    assert line_of(navigating).GetDisplayVisibility()
    navigating.refresh(RECEIVED_S + 0.6)
    assert not line_of(navigating).GetDisplayVisibility()


@pytest.mark.parametrize("spoil", [
    lambda line: line.SetNthControlPointPositionWorld(1, 0.0, 0.0, 0.0),
    lambda line: line.UnsetNthControlPointPosition(0),
    lambda line: line.RemoveNthControlPoint(1),
])  # fmt: skip
def test_a_line_that_somebody_else_changed_is_right_again(navigating, spoil):
    line = line_of(navigating)
    before = np.zeros((2, 3))
    for number, end in enumerate(before):
        line.GetNthControlPointPositionWorld(number, end)
    line.SetLocked(False)
    spoil(line)
    navigating.refresh(RECEIVED_S)
    assert line.GetNumberOfDefinedControlPoints() == line.GetNumberOfControlPoints() == 2
    after = np.zeros((2, 3))
    for number, end in enumerate(after):
        line.GetNthControlPointPositionWorld(number, end)
    np.testing.assert_array_equal(after, before)
    assert line.GetLocked()
