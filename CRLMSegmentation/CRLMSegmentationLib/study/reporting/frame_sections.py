"""What the results and the report say of the task `frames`, beside the figures of Faanes et al."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cases.case_table import TEST
from ..frames.figures import AREA_CLASSES, HOW_EMPTY_COUNTS, by_area, by_label_origin, by_least_area, over_planes
from .report_page import ReportPage, Results
from .report_text import decimal, table
from .sections import required_line, required_section

MODEL = "Model_frames"
# Mean Dice by area on real brain tumors, as the paper gives them; other organ, other probes: beside, not against.
PAPER_DICE = {"0-35": 0.08, "35-200": 0.40, "200+": 0.81}
# (what, path below 'test', at least or at most, must, aim) on simulated test livers.
MUST = (
    ("mean Dice, more than 200 mm2", ("by_area", "200+", "dice", "mean"), "least", 0.85, 0.90),
    ("mean Dice, 35 to 200 mm2", ("by_area", "35-200", "dice", "mean"), "least", 0.70, 0.80),
    ("mean Dice, up to 35 mm2", ("by_area", "0-35", "dice", "mean"), "least", 0.40, 0.55),
)


def frame_summaries(found: dict[str, Any], results: Results) -> None:
    """Adds to 'test' figures over all planes of the model: by_area, pp, fnr, ...; and 'by_label_origin', 'must'."""
    planes = [plane for result in results for plane in result.get("planes", {}).get(MODEL, [])]
    if not planes:
        return
    tracked = [{**plane, "dice": plane["dice_as_tracked"]} for plane in planes if "dice_as_tracked" in plane]
    found[TEST].update({**over_planes(planes), "by_area": by_area(planes), "by_least_area": by_least_area(planes)})
    found["by_label_origin"] = by_label_origin(planes)
    if tracked:
        found["dice_against_tracked_masks"] = {
            "all": over_planes(tracked)["dice"], **{name: one["dice"] for name, one in by_area(tracked).items()}
        }  # fmt: skip
    found["how_empty_planes_count"] = HOW_EMPTY_COUNTS
    found["must"] = [*found.get("must", []), *(required_line(found[TEST], *one) for one in MUST)]


def introduction(page: ReportPage) -> str:
    """What is measured."""
    return (
        f"The network outlines the tumor in single frames. Figures are of frames, not of patients. {HOW_EMPTY_COUNTS} "
        "In simulated sweeps the truth is cut along the plane in which each picture really lies.\n"
    )


def required_figures(page: ReportPage) -> str:
    """What had to come out."""
    return required_section(page, "mean Dice, ")


def tables(page: ReportPage) -> str:
    """By area and by the origin of the labels, with the paper's figures beside."""
    test = page.found[TEST]
    if "by_area" not in test:
        return ""
    head = ["", "planes", "Dice", "precision", "recall", "FNR", "PP", "Dice, Faanes et al. (brains)"]
    rows = [[f"{name} mm2", *_row(test["by_area"][name]), PAPER_DICE[name]] for name, _ in AREA_CLASSES]
    rows.append(["all", *_row(test), "-"])
    rows += [[f"labels drawn on {name}", *_row(one), "-"] for name, one in page.found["by_label_origin"].items()]
    rows += [[f"at least {cut} mm2", *_row(one), "-"] for cut, one in test["by_least_area"].items() if cut != "0"]
    empty = "-" if test["empty_outlined"] is None else f"{test['empty_outlined']:.1%}"
    sentences = [f"Of {test['empty_planes']} planes without tumor, something is outlined in {empty}."]
    tracked = page.found.get("dice_against_tracked_masks")
    if tracked:
        sentences.append(
            f"Against the masks cut along the poses that the tracker measured, the mean Dice is "
            f"{decimal(tracked['all']['mean'])}: some of what is missed is the tracker's."
        )
    return f"## By area\n\nMean (median) over planes.\n\n{table(head, rows)}\n{' '.join(sentences)}\n"


def pictures(page: ReportPage) -> str:
    """The plane with most tumor of some cases, outlined."""
    from matplotlib.figure import Figure

    shown = []
    for result in page.inputs.results:
        path = page.inputs.evaluation / f"{result['case']}.{MODEL}.npz"
        if path.is_file():
            with np.load(path) as arrays:
                if MODEL in arrays:
                    shown.append((str(result["case"]), dict(arrays)))
    if not shown:
        return ""
    shown = shown[:12]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (case, arrays) in zip(axes, shown):
        axis.imshow(arrays["ultrasound"], cmap="gray", vmin=0, vmax=255)
        for name, color in (("truth", "#ffd24a"), (MODEL, "#35d0ff")):
            if arrays[name].any():
                axis.contour(arrays[name], [0.5], colors=color, linewidths=1)
        axis.set_title(case, fontsize=8)
    figure.savefig(page.folder / "outlines.png", dpi=110)
    return (
        "## Outlines\n\nThe frame with most tumor of each case: truth yellow, network blue.\n\n"
        "![Outlines of the network and the truth](outlines.png)\n"
    )


def _row(one: Mapping[str, Any]) -> list[str]:
    cells = [
        f"{decimal(one[name]['mean'], 2)} ({decimal(one[name]['median'], 2)})"
        for name in ("dice", "precision", "recall", "fnr")
    ]
    return [str(one["planes"]), *cells, "-" if one["pp"] is None else f"{one['pp']:.0%}"]
