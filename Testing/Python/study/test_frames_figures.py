"""Figures of single planes: what an empty outline counts, classes of areas, origins of labels."""

import numpy as np
import pytest
from CRLMSegmentationLib.study.frames.figures import by_area, by_label_origin, over_planes, plane_figures
from CRLMSegmentationLib.study.reporting.frame_sections import frame_summaries


def square(size: int, edge: int, at: int = 0) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    mask[at : at + edge, at : at + edge] = True
    return mask


def test_figures_of_a_plane():
    one = plane_figures(square(20, 4), square(20, 4, 2), pixel_mm2=0.25)
    assert (one["area_mm2"], one["found_mm2"]) == (4.0, 4.0)
    assert (one["dice"], one["precision"], one["recall"], one["fnr"]) == (0.25, 0.25, 0.25, 0.75)


def test_an_empty_outline_misses_all_of_a_tumor():
    one = plane_figures(square(20, 0), square(20, 4), pixel_mm2=1.0)
    assert (one["dice"], one["recall"], one["fnr"]) == (0.0, 0.0, 1.0) and np.isnan(one["precision"])
    total = over_planes([one, plane_figures(square(20, 4), square(20, 4), 1.0)])
    assert total["pp"] == 0.5 and total["precision"]["mean"] == 1.0 and total["fnr"] == {"mean": 0.5, "median": 0.5}


def test_planes_without_tumor_count_by_themselves():
    empty = [plane_figures(square(20, edge), square(20, 0), 1.0) for edge in (0, 0, 3)]
    total = over_planes([*empty, plane_figures(square(20, 4), square(20, 4), 1.0)])
    assert total["dice"]["mean"] == 1.0 and total["planes"] == 1 and total["pp"] == 1.0
    assert total["empty_planes"] == 3 and total["empty_outlined"] == pytest.approx(1 / 3, abs=1e-4)


def plane(area: float, dice: float, origin: str = "us") -> dict:
    return {"area_mm2": area, "found_mm2": area, "dice": dice, "precision": dice, "recall": dice, "fnr": 1 - dice,
            "label_origin": origin}  # fmt: skip


def test_classes_of_areas_and_origins():
    planes = [plane(35, 0.2), plane(36, 0.4), plane(200, 0.6), plane(201, 0.9, "mr"), plane(0, float("nan"))]
    found = by_area(planes)
    assert {name: one["planes"] for name, one in found.items()} == {"0-35": 1, "35-200": 2, "200+": 1}
    assert found["35-200"]["dice"] == {"mean": 0.5, "median": 0.5}
    assert by_label_origin(planes)["mr"]["dice"]["mean"] == 0.9


def test_results_hold_them_where_scripts_look():
    found = {"test": {"Model_frames": {"cases": 1}}}
    frame_summaries(found, [{"planes": {"Model_frames": [plane(10, 0.5), plane(300, 0.9, "ct")]}}])
    assert found["test"]["by_area"]["0-35"]["dice"]["mean"] == 0.5
    assert found["test"]["pp"] == 1.0 and found["test"]["fnr"]["mean"] == 0.3
    assert set(found["by_label_origin"]) == {"us", "ct"}
    assert found["test"]["by_least_area"]["15"]["planes"] == 1 and found["test"]["by_least_area"]["0"]["planes"] == 2
    assert [line["holds"] for line in found["must"]] == [True, False, True]
