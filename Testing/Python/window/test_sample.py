"""The sample that the module ships: small, sound, with what the tutorial shows."""

import hashlib

import numpy as np
from window_files import MODULE

FOLDER = MODULE / "Resources" / "SampleData"
SWEEP = FOLDER / "SimulatedLiverSweep.igs.mha"


def test_the_checksum_beside_it_is_that_of_the_file(window_module):
    digest = window_module("sample").checksum()
    assert digest == hashlib.sha256(SWEEP.read_bytes()).hexdigest()
    assert SWEEP.stat().st_size < 5e6


def test_it_holds_a_sweep_and_a_stylus_that_is_lost_for_a_while():
    from CRLMSegmentationLib.sweep import read_sweep

    sweep = read_sweep(SWEEP)
    assert len(sweep) >= 100 and len(sweep.valid_frames) >= len(sweep) - 5
    poses = [frame.transforms["StylusToReference"] for frame in sweep.frames]
    assert 0 < sum(not pose.valid for pose in poses) < 20
    stamps = np.array([frame.timestamp for frame in sweep.frames])
    assert np.all(np.diff(stamps) > 0)


def test_nothing_in_it_names_a_person():
    head = SWEEP.read_bytes().split(b"ElementDataFile")[0].lower()
    for word in (b"patient", b"birth", b"name ="):
        assert word not in head
