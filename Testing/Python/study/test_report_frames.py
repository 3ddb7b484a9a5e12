"""Which frames of a case the report shows."""

import numpy as np
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.reporting.report_step import _frames_of_cases
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume


def write_case(folder, name: str, echogenicity: str, tumor_at_mm: float) -> CaseRow:
    """Eleven slices 3 mm apart along R, turned by 20 degrees about S; each holds its own number."""
    turn = np.radians(20)
    axes = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    frames = []
    for number in range(11):
        pose = np.eye(4)
        # Pixels along the turned A and S; the third column is not of unit length, as calibrations have it.
        pose[:3, :3] = axes[:, [1, 2, 0]] * [0.2, 0.2, 7.0]
        pose[:3, 3] = axes @ [3.0 * number, 0, 0]
        frames.append(TrackedFrame(np.full((40, 50), number, np.uint8), pose, float(number)))
    write_sweep(Sweep(tuple(frames), name=name), folder / f"{name}.igs.mha")
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[3:6, 3:6, 3:6] = 1
    grid = np.eye(4)
    grid[:3, 3] = axes @ [tumor_at_mm, 4.0, 4.0] - 4.0
    write_volume(Volume(mask, grid), folder / f"{name}.nrrd")
    return CaseRow(name, name, "test", str(folder / f"{name}.igs.mha"), mask=str(folder / f"{name}.nrrd"),
                   echogenicity=echogenicity)  # fmt: skip


def test_every_kind_of_lesion_is_shown_in_the_frame_through_its_middle(tmp_path):
    places = {"a": ("hypoechoic", 6.2), "b": ("hypoechoic", 0.4), "c": ("hypoechoic", 3.0), "d": ("mixed", 26.6)}
    rows = [write_case(tmp_path, name, *about) for name, about in places.items()]
    shown = _frames_of_cases(rows)
    assert [title for title, _ in shown] == ["a, hypoechoic", "d, mixed", "b, hypoechoic", "c, hypoechoic"]
    assert [int(pixels[0, 0]) for _, pixels in shown] == [2, 9, 0, 1]
