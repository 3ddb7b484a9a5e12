"""What the tests of the simulation share: one patient, drawn once, and the same at the next date."""

import pytest
from CRLMSegmentationLib.simulation.patient import at_date, draw_operation, draw_patient


@pytest.fixture(scope="session")
def patient():
    return draw_patient(3)


@pytest.fixture(scope="session")
def operation(patient):
    return draw_operation(patient)


@pytest.fixture(scope="session")
def later(patient):
    return at_date(patient, 1)
