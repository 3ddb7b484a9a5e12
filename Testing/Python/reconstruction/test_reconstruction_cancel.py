"""Progress is reported and a reconstruction can be stopped at each of its steps."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct

DISTANCE = ReconstructionSettings(spacing_mm=0.5, fill="distance", threads=2)


@pytest.mark.parametrize("fill", ["none", "stick", "distance"])
def test_it_stops_wherever_it_is_asked_to(make_sweep, fill):
    sweep = make_sweep(5, frames=40)
    settings = DISTANCE.with_changes(fill=fill)
    fractions = []
    whole = reconstruct(sweep, settings, lambda fraction, text: fractions.append(fraction), lambda: False)
    assert fractions == sorted(fractions) and 0 < fractions[0] and fractions[-1] == 1.0
    for stop_at in range(len(fractions)):
        asked = []

        def should_cancel():
            asked.append(True)
            return len(asked) > stop_at

        with pytest.raises(Cancelled, match="stopped"):
            reconstruct(sweep, settings, should_cancel=should_cancel)
        assert len(asked) == stop_at + 1
    again = reconstruct(sweep, settings)
    np.testing.assert_array_equal(again.volume.voxels, whole.volume.voxels)
