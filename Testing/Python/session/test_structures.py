"""Shells and outlines without any scene: what is to be shown, and that nothing out of date is."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.session.shells import Shell
from CRLMSegmentationLib.session.structures import StructuresPart
from CRLMSegmentationLib.session.workflow import Workflow

pytest.importorskip("vtkmodules", reason="vtk is not installed")


def sphere(radius_mm):
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    source = vtkSphereSource()
    source.SetRadius(radius_mm)
    source.SetThetaResolution(24)
    source.SetPhiResolution(24)
    source.Update()
    return source.GetOutput()


class Tools:
    margin_mm, distance = 5.0, None
    may_measure = staticmethod(lambda: True)

    def set_tumor(self, distance):
        self.distance = distance

    def refresh(self): ...


class Image:
    # The plane through the middle, 0.5 mm a pixel, its first pixel at (-20, -20, 0).
    image_to_reference = np.array([[0.5, 0, 0, -20], [0, 0.5, 0, -20], [0, 0, 1, 0], [0, 0, 0, 1.0]])


@pytest.fixture
def part():
    outer, inner = sphere(7.0), sphere(4.0)
    result = SimpleNamespace(uncertainty_shell=lambda: (outer, inner))
    part = StructuresPart(Workflow(), Image(), Tools(), lambda: result)
    yield part
    part.close()


def finish(part):
    until = time.monotonic() + 600
    while part.is_busy and time.monotonic() < until:
        part.process()
        time.sleep(0.002)
    assert not part.is_busy


def radius_mm(surface):
    return np.ptp(np.array(surface.GetBounds()).reshape(3, 2), axis=1).mean() / 2


def test_the_margins_shell_follows_tumor_and_margin(part):
    heard = []
    part.changed.connect(lambda: heard.append(dict(part.shells)))
    part.set_margin_mm(3.0)
    part.set_tumor(sphere(6.0), object())
    finish(part)
    assert list(heard[-1]) == [Shell.MARGIN] and radius_mm(heard[-1][Shell.MARGIN]) == pytest.approx(9.0, abs=0.3)
    part.set_margin_mm(0.0)
    assert heard[-1] == {} == part.shells
    with pytest.raises(ConfigurationError, match="margin"):
        part.set_margin_mm(21.0)
    assert part.margin_mm == 0.0


def test_a_tumor_that_is_gone_takes_its_shells_with_it_also_those_on_their_way(part):
    part.show_uncertainty(True)
    assert part.shells == {}, "there is no tumor to be unsure of"
    part.set_tumor(sphere(6.0), object())
    finish(part)
    assert set(part.shells) == set(Shell) and radius_mm(part.shells[Shell.UNCERTAINTY_OUTER]) == pytest.approx(
        7, abs=0.1
    )
    part.set_margin_mm(4.0)
    part.set_tumor(None, None)
    assert part.shells == {} and not part.has_tumor and part.shows_uncertainty
    finish(part)
    assert part.shells == {}


def test_the_outline_is_where_the_live_image_cuts_the_tumor_and_nowhere_else(part):
    part.set_tumor(sphere(6.0), object())
    (outline,) = part.contours()
    np.testing.assert_allclose(np.linalg.norm(outline - 40, axis=1), 12.0, atol=0.3)
    part._image.image_to_reference = None
    assert part.contours() == [], "the image is not live"
    part._image.image_to_reference = Image.image_to_reference
    part._tools.may_measure = lambda: False
    assert part.contours() == [], "nobody knows whether it is the same patient"
