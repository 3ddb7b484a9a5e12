"""A simulated patient in the operation: deformed by a field that is known, smooth and invertible."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.files import write_displacements
from CRLMSegmentationLib.simulation.patient.checks import faults_of_operation, jacobians
from CRLMSegmentationLib.simulation.patient.deformation import Deformation, draw_deformation

SURFACE = np.array([0.0, 60, 0]) + [100, 70, 80] * np.random.default_rng(0).standard_normal((500, 3)) / 2.2
RIDGE = np.linspace([80.0, 100, -60], [-80, 110, 20], 60)


@pytest.fixture(scope="module", params=range(5))
def deformation(request):
    return draw_deformation(np.random.default_rng(request.param), SURFACE, RIDGE)


def test_the_surface_moves_as_far_as_it_does_in_operations(deformation):
    length = np.linalg.norm(deformation.displacements_mm(SURFACE), axis=1)
    assert length.mean() >= 5 and 12 < length.max() <= 25
    # It is no rigid shift.
    assert np.linalg.norm(np.ptp(deformation.displacements_mm(SURFACE), axis=0)) > 3


def test_the_inverse_is_known_to_a_tenth_of_a_millimetre(deformation):
    back = deformation.to_ct(deformation.to_operation(SURFACE))
    assert np.abs(back - SURFACE).max() < 1e-4
    there = deformation.to_operation(deformation.to_ct(SURFACE))
    assert np.abs(there - SURFACE).max() < 1e-4


def test_nothing_folds(deformation):
    step = 0.01
    columns = [
        (deformation.to_operation(SURFACE + step * axis) - deformation.to_operation(SURFACE - step * axis)) / (2 * step)
        for axis in np.eye(3)
    ]
    assert np.linalg.det(np.stack(columns, axis=-1)).min() > 0.3


def test_one_push_is_what_it_says():
    one = Deformation(np.array([[10.0, 0, 0, 100, 0, 0, 8]]))
    assert one.to_operation([10.0, 0, 0]) == pytest.approx([10, 0, 8])
    assert one.to_operation([60.0, 0, 0]) == pytest.approx([60, 0, 8 * 0.75**3])
    assert one.to_operation([110.0, 0, 0]) == pytest.approx([110, 0, 0])


def test_one_that_may_fold_is_refused():
    with pytest.raises(GeometryError, match="may fold"):
        Deformation(np.array([[0.0, 0, 0, 20, 0, 0, 25]]))
    with pytest.raises(GeometryError, match="greater than 0"):
        Deformation(np.array([[0.0, 0, 0, 0, 0, 0, 5]]))


def test_other_programs_read_the_field_as_a_transform(deformation, tmp_path):
    lower, upper = np.array([-60.0, 0, -50]), np.array([60.0, 90, 50])
    path = write_displacements(*deformation.field(lower, upper), tmp_path / "deformation.nrrd")
    image = SimpleITK.ReadImage(str(path), SimpleITK.sitkVectorFloat64)
    transform = SimpleITK.DisplacementFieldTransform(image)
    to_lps = np.array([-1, -1, 1])
    for point in np.random.default_rng(1).uniform(lower, upper, (40, 3)):
        moved = to_lps * transform.TransformPoint((to_lps * point).tolist())
        assert moved == pytest.approx(deformation.to_operation(point), abs=0.05)


def test_the_same_seed_gives_the_same_deformation(deformation):
    one, other = (draw_deformation(np.random.default_rng(n), SURFACE, RIDGE) for n in (2, 2))
    assert np.array_equal(one.pushes, other.pushes)


def test_the_checks_find_an_operation_that_is_wrong(operation):
    assert faults_of_operation(operation) == []
    still = replace(operation, deformation=Deformation(np.zeros((0, 7))))
    assert "moves by 0.0 mm" in " ".join(faults_of_operation(still))

    class Folded:
        """x comes back on itself in front of the vena cava, and the inverse knows nothing of it."""

        def to_operation(self, points):
            return np.asarray(points) * [1.0, -0.5, 1.0]

        def displacements_mm(self, points):
            return self.to_operation(points) - points

        def to_ct(self, points):
            return np.asarray(points)

    said = " ".join(faults_of_operation(replace(operation, deformation=Folded())))
    assert "folds: its Jacobian determinant goes down to -0.50" in said
    assert "inverse of the deformation is off by" in said and "outside of 5 to 25 mm" in said


def test_a_push_stretches_and_presses():
    """Along its direction a push of d (1 - t^2)^3 has the slope -6 d t (1 - t^2)^2 / reach."""
    one = SimpleNamespace(deformation=Deformation(np.array([[0.0, 0, 0, 100, 0, 0, 10]])))
    expected = [1 - 6 * 10 * t * (1 - t * t) ** 2 / 100 for t in (-0.5, 0.0, 0.5)]
    points = np.array([[0.0, 0, -50], [0, 0, 0], [0, 0, 50]])
    assert jacobians(one, points) == pytest.approx(expected, abs=1e-6)
