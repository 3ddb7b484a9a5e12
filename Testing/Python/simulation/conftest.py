"""What the tests of the simulation share: one patient, drawn once."""

import pytest
from CRLMSegmentationLib.simulation.patient import draw_operation, draw_patient


@pytest.fixture(scope="session")
def patient():
    return draw_patient(3)


@pytest.fixture(scope="session")
def operation(patient):
    return draw_operation(patient)
