"""Lines of landmarks as files: ours without loss, and the challenge's contours."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files.laparoscope.polylines_file import read_polylines, write_polylines
from CRLMSegmentationLib.values.landmarks import Polyline


def test_lines_come_back(tmp_path):
    lines = [
        Polyline("ridge", np.array([[1.25, 2.5], [30, 4], [50, 8]]), 0.75),
        Polyline("silhouette", np.array([[1, 2], [3, 4], [0, 9]]), 1.0, True),
    ]
    path = write_polylines({"a": lines, "b": []}, (64, 48), tmp_path / "polylines.json")
    frames, size = read_polylines(path)
    assert size == (64, 48) and list(frames) == ["a", "b"] and frames["b"] == []
    for one, other in zip(frames["a"], lines, strict=True):
        assert (one.landmark, one.confidence, one.is_closed) == (other.landmark, other.confidence, other.is_closed)
        assert np.array_equal(one.points, other.points)


def test_the_challenges_contours_are_read(shared_data):
    frames, size = read_polylines(shared_data / "laparoscopy" / "p2ilf_patient2_1_2D-contours.json")
    ((_, lines),) = frames.items()
    assert size is None and len(lines) == 4 and {line.landmark for line in lines} <= {"ridge", "ligament", "silhouette"}
    assert lines[0].points[0].tolist() == [5, 925]


@pytest.mark.parametrize(
    "content, message",
    [
        ("no json", "is not JSON"),
        ('{"type": "camera"}', "holds no lines"),
        ('{"frames": [{"frame": "a", "polylines": [{"landmark": "ridge"}]}]}', "points"),
        ('{"frames": [{"frame": "a", "polylines": [{"landmark": "ear", "points": [[0, 0], [1, 1]]}]}]}', "'ear'"),
        ('{"frames": [{"frame": "a", "polylines": [{"landmark": "ridge", "points": [[0, 0]]}]}]}', "two or more"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    (tmp_path / "p.json").write_text(content, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_polylines(tmp_path / "p.json")


def test_a_line_is_sampled_at_equal_steps():
    line = Polyline("ridge", np.array([[0, 0], [3, 0], [3, 4]]))
    points = line.sampled(1.0)
    assert line.length == 7 and len(points) == 8
    assert points[[0, 3, 7]] == pytest.approx(np.array([[0, 0], [3, 0], [3, 4]]))
    square = Polyline("silhouette", np.array([[0, 0], [4, 0], [4, 4], [0, 4]]), 1.0, True)
    assert square.length == 16 and len(square.sampled(1.0)) == 16
    assert json.dumps(square.points.tolist())
