"""A volume is made of frames that lie on disk without having them all in memory at once."""

import weakref

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.sweep.recorded_frame import RecordedFrame, _Storage

FRAMES = 120


class ReadFromDisk(_Storage):
    """The pixels are made anew whenever they are asked for, as if they were read; counts how many are held."""

    held = most = 0

    def __init__(self, pixels: np.ndarray):
        super().__init__(pixels)
        self._bytes = pixels.tobytes()

    def pixels(self) -> np.ndarray:
        array = np.frombuffer(bytearray(self._bytes), self.dtype).reshape(self.shape)
        ReadFromDisk.held += 1
        ReadFromDisk.most = max(ReadFromDisk.most, ReadFromDisk.held)
        weakref.finalize(array, self._let_go)
        return array

    @staticmethod
    def _let_go() -> None:
        ReadFromDisk.held -= 1


@pytest.mark.parametrize("fill", ["none", "stick", "distance"])
def test_only_a_few_frames_are_held(fill):
    random, frames = np.random.default_rng(0), []
    for number in range(FRAMES):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = 0.7 * number
        frames.append(TrackedFrame(random.integers(1, 255, (20, 24)).astype(np.uint8), pose, number / 30))
    settings = ReconstructionSettings(spacing_mm=0.5, fill=fill, threads=1, device="cpu")
    expected = reconstruct(Sweep(frames), settings).volume.voxels
    on_disk = [RecordedFrame(ReadFromDisk(frame.pixels), frame.image_to_reference, frame.timestamp) for frame in frames]
    ReadFromDisk.most = 0
    assert np.array_equal(reconstruct(Sweep(on_disk), settings).volume.voxels, expected)
    assert 0 < ReadFromDisk.most <= 40 and ReadFromDisk.held == 0
