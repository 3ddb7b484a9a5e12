"""What is taken where nobody says anything else is the same for the command, the page, the session and the study."""

import inspect

import pytest
from CRLMSegmentationLib.cli import build_parser
from CRLMSegmentationLib.inference.models.import_model import About
from CRLMSegmentationLib.navigation.margin import MarginState, margin_state
from CRLMSegmentationLib.reconstruction import ReconstructionSettings
from CRLMSegmentationLib.study.tasks.crop import CropRecipe
from CRLMSegmentationLib.tracking import Receiver, Replayer, record
from CRLMSegmentationLib.web.page.page_state import PageState


def default_of(function, name):
    return inspect.signature(function).parameters[name].default


@pytest.mark.parametrize("function", [Receiver, Replayer, record])
def test_the_port_is_that_of_plus(function):
    assert default_of(function, "port") == 18944


@pytest.mark.parametrize("command", ["record -o y.igs.mha", "stream", "command X", "replay x.igs.mha"])
def test_every_command_takes_the_port_of_plus(command):
    words = command.split()
    assert build_parser(words[0]).parse_args(words).port == 18944


def test_a_model_is_given_ten_millimetres_around_a_tight_box_and_half_a_probability():
    imported = build_parser("import-model").parse_args(["import-model", "folder", "name"])
    assert imported.margin == About().margin_mm == CropRecipe().margin_mm == 10
    assert imported.threshold == About().threshold == PageState().threshold == 0.5


def test_a_volume_has_voxels_of_half_a_millimetre():
    assert ReconstructionSettings().spacing_mm == (0.5, 0.5, 0.5)


def test_the_margin_that_a_tool_is_warned_of():
    assert PageState().margin_mm == 10
    assert [margin_state(mm) for mm in (9.9, 10.1)] == [MarginState.WITHIN_MARGIN, MarginState.CLEAR]


def test_a_dropped_box():
    assert PageState().box_edge_mm == 40
