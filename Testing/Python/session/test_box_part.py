"""The box as a plain part: what counts as another box, and what is said of one that is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.session.box import BoxPart
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.session.workflow import Workflow
from CRLMSegmentationLib.values import Box, Volume

VOLUME = Volume(np.zeros((40, 40, 40), np.uint8), np.eye(4))
BOX = Box(np.array([20.0, 20.0, 20.0]), np.array([25.0, 25.0, 25.0]))


@pytest.fixture
def part():
    """A box in a volume, with counts of its changes and of how often results became stale."""
    workflow, stale, changes = Workflow(), [], []
    part = BoxPart(workflow, SimpleNamespace(value=VOLUME), lambda: 10.0, lambda: stale.append(1))
    part.changed.connect(lambda: changes.append(1))
    return SimpleNamespace(box=part, state=workflow.state, workflow=workflow, stale=stale, changes=changes)


def test_another_box_or_another_meaning_of_it_makes_results_stale_and_the_same_does_not(part):
    part.box.set(BOX)
    part.box.set(Box(BOX.center_ras + 1e-5, BOX.size_mm))
    assert len(part.stale) == 1 and len(part.changes) == 2
    part.box.set(BOX, tight=True)
    part.box.move(Box(BOX.center_ras + 1, BOX.size_mm))
    assert len(part.stale) == 3 and part.box.is_tight
    part.box.remove()
    part.box.remove()
    assert len(part.stale) == 4 and part.box.value is None and not part.box.is_there


def test_what_was_saved_comes_back_with_the_results_that_were_made_in_it(part):
    part.box.restore(BOX, tight=True)
    assert part.stale == [] and part.workflow.edits == 0 and part.box.is_tight and part.box.value is BOX
    assert part.state.status(Step.BOX) is StepStatus.DONE and part.state[Step.BOX].message == "25 x 25 x 25 mm"
    part.box.forget()
    assert part.stale == [] and not part.box.is_there and not part.box.is_tight


def test_a_problem_is_told_wherever_the_box_is_asked_for(part):
    part.box.set(BOX)
    part.box.set_problem("its edges are oblique")
    part.box.set_problem("its edges are very oblique")
    assert len(part.stale) == 2, "there was a tumor in the box only once"
    assert part.state.status(Step.BOX) is StepStatus.FAILED and part.box.is_there
    assert part.box.warnings == ("its edges are very oblique",) and "very" in part.state[Step.BOX].message
    with pytest.raises(GeometryError, match="very oblique"):
        assert part.box.value
    part.box.set(BOX)
    assert part.box.value is BOX and part.box.warnings == ()
