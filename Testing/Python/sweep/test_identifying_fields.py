"""Fields that can tell who somebody is, and sweeps without them."""

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.sweep.sequence_files.identifying_fields import is_identifying, without_identity


@pytest.mark.parametrize(
    "name",
    ["PatientName", "patient_id", "Patient's Name", "OperatorName", "DateOfBirth", "DOB", "MRN", "Referring-Doctor",
     "Subject", "lastName", "InstitutionName", "AccessionNumber", "Comments", "SSN", "Sonographer"],
)  # fmt: skip
def test_fields_that_can_tell_who_somebody_is(name):
    assert is_identifying(name)


@pytest.mark.parametrize("name", ["Depth", "FrameNumber", "UnfilteredTimestamp", "Gain", "TemporalOffset", "Frequency"])
def test_fields_that_tell_nobody(name):
    assert not is_identifying(name)


def test_a_sweep_that_is_passed_on_names_nobody_and_keeps_the_rest(tmp_path):
    frame = TrackedFrame(np.ones((4, 5), np.uint8), np.eye(4), 1.0, fields={"Operator": "Dr Roe", "Depth": "150"})
    sweep = Sweep([frame], "Doe Jane 1954", {"PatientName": "Doe^Jane", "Probe": "I14C5T"})
    path = write_sweep(without_identity(sweep), tmp_path / "a.igs.mha")
    assert not any(word in path.read_bytes() for word in (b"Doe", b"Roe", b"Jane"))
    back = read_sweep(path)
    assert back.frames[0].fields["Depth"] == "150" and b"Probe = I14C5T" in path.read_bytes()
    assert sweep.frames[0].fields["Operator"] == "Dr Roe"
