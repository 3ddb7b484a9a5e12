"""Progress is told and a reconstruction can be stopped at each of its steps."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct

DISTANCE = ReconstructionSettings(spacing_mm=0.5, fill="distance", threads=2)


@pytest.mark.parametrize("fill", ["none", "stick", "distance"])
def test_it_stops_wherever_it_is_asked_to(make_sweep, fill):
    sweep = make_sweep(5, frames=40)
    settings = DISTANCE.with_changes(fill=fill)
    told = []
    whole = reconstruct(sweep, settings, lambda fraction, text: told.append(fraction), lambda: False)
    assert told == sorted(told) and 0 < told[0] and told[-1] == 1.0
    for stop_at in range(len(told)):
        asked = []

        def should_cancel():
            asked.append(True)
            return len(asked) > stop_at

        with pytest.raises(Cancelled, match="stopped"):
            reconstruct(sweep, settings, should_cancel=should_cancel)
        assert len(asked) == stop_at + 1
    again = reconstruct(sweep, settings)
    np.testing.assert_array_equal(again.volume.voxels, whole.volume.voxels)
