"""The part of a study's report about implanted tumors and real recordings without any."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files import read_mask
from ...geometry import invert_affine, transform_points
from ...sweep import TrackedFrame, read_sweep
from ...values import Volume
from ..cases.case_table import CaseRow
from ..implants.settings import KINDS
from ..implants.speckle import with_unit_normal
from ..plain_values import without_nan
from .report_text import decimal, table

PAGE, PICTURE, RESULTS = "implants.md", "implants.png", "results.json"
# Around the tumor's middle.
SHOWN_MM = 50.0
PLACE_NAMES = {"even": "even tissue", "walls": "beside walls or vessels", "depth": "at depth", "edge": "at the edge"}


def implant_report(
    found: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], rows: Sequence[CaseRow], masks: Path, folder: Path
) -> None:
    """Write PAGE and PICTURE into `folder`, and `found` into its RESULTS, whose other keys stay.

    found  'implanted' (see implants.evaluation.summary) and perhaps 'real_without_tumor'; masks: folder of the masks
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / RESULTS
    known = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    results.write_text(json.dumps(without_nan({**known, **found}), indent=1) + "\n", encoding="utf-8")
    draw_cases(cases, rows, masks, folder / PICTURE)
    (folder / PAGE).write_text(page(found, looks_of(folder / PAGE)), encoding="utf-8")


def page(found: Mapping[str, Any], looks: str = "") -> str:
    """The page in Markdown; `looks` is what stands behind the heading of the looks already."""
    parts = [
        "# Implanted tumors\n",
        introduction(found["implanted"]),
        figures_table(found["implanted"]),
        f"![Implanted tumors: truth and mask]({PICTURE})\n",
        "The truth in green, the mask in orange; for each kind the worst, the middle and the best case.\n",
        "## By size and texture\n",
        sizes_table(found["implanted"]),
        doubts_text(found["implanted"]["doubts"]),
    ]
    if "reliability" in found["implanted"]:
        parts.append(reliability_text(found["implanted"]["reliability"]))
    if "real_without_tumor" in found:
        parts.append(alarms_text(found["real_without_tumor"]))
    parts.append(f"{LOOKS_HEADING}\n\n{looks.strip() or LOOKS_TABLE}\n")
    return "\n".join(parts)


def introduction(implanted: Mapping[str, Any]) -> str:
    """What was tried on what."""
    sweeps, model = implanted["sweeps"], implanted.get("model")
    where = f"the tracked sweep {sweeps[0]}" if len(sweeps) == 1 else f"the tracked sweeps {', '.join(sweeps)}"
    tried = "" if model is None else f"{model['trained_on']} "
    return (
        f"Tumors of known shape in the frames of {where}, which holds none of its own: all else is as it was recorded "
        f"([how they are made](../how-to/implant-tumors.md)), and this is **no clinical figure**. {tried}Boxes are "
        "tight around the truth, with the model's margin; found is a Dice above 0.5, with its 95 % interval (Wilson). "
        "The interval is of chance alone: tumors in one liver say little about another. A part of those at the edge "
        "was never passed by the probe, and counts as missed. *All that was marked* is what reaches the model's "
        "threshold, also where it is too faint to be shown.\n"
    )


LOOKS_HEADING = "## Looks"
LOOKS_TABLE = (
    "The sweep is test data: nothing is trained on it, and no recipe, threshold or doubt is chosen by it. Whoever "
    "measures on it writes a line here.\n\n| date | what | why |\n| --- | --- | --- |"
)


def looks_of(path: Path) -> str:
    """What is written by hand below the heading of the looks in an earlier page; '' when there is none."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return text.partition(LOOKS_HEADING)[2]


def figures_table(implanted: Mapping[str, Any]) -> str:
    """Every kind, with all places and by place."""
    groups: dict[str, Mapping[str, Any]] = {}
    for kind in kinds_in(implanted):
        groups[f"**{kind}**"] = implanted[kind]
        for place, figures in implanted[kind]["by_place"].items():
            groups[f"{kind}, {PLACE_NAMES.get(place, place)}"] = figures
    return _groups_table(groups)


def sizes_table(implanted: Mapping[str, Any]) -> str:
    """Every kind by diameter and by what its speckle is."""
    groups: dict[str, Mapping[str, Any]] = {}
    for kind in kinds_in(implanted):
        groups |= {f"{kind}, {size} mm": one for size, one in implanted[kind]["by_size_mm"].items()}
        groups |= {f"{kind}, {name} speckle": one for name, one in implanted[kind]["by_texture"].items()}
    return _groups_table(groups)


def kinds_in(implanted: Mapping[str, Any]) -> list[str]:
    """The kinds of which there are cases."""
    return [kind for kind in KINDS if kind in implanted and implanted[kind]["cases"]]


def _groups_table(groups: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[name, one["cases"], decimal(one["dice"]["median"], 2), decimal(one["dice"]["q25"], 2),
             _percent(one["found"], one["found_interval"])] for name, one in groups.items()]  # fmt: skip
    head = ["tumor", "cases", "median Dice", "25th percentile", "found"]
    if all("marked" in one for one in groups.values()):
        head += ["median Dice of all that was marked", "found so"]
        for row, one in zip(rows, groups.values()):
            row += [decimal(one["marked"]["dice"]["median"], 2), _percent(one["marked"]["found"])]
    return table(head, rows)


def doubts_text(doubts: Mapping[str, Any]) -> str:
    """Whether the sentences about a mask came with failures."""
    rows = [[text, one["failures"], one["others"]] for text, one in doubts["by_sentence"].items()]
    doubted = _percent(doubts["doubted"], doubts["doubted_interval"])
    false = _percent(doubts["false_doubts"], doubts["false_doubts_interval"])
    with_mask = _percent(doubts["doubted_with_a_mask"])
    sentence = (
        f"Of {doubts['failures']} failures (Dice below 0.5) {doubted} came with a doubt, of the "
        f"{doubts['failures_with_a_mask']} that showed a mask {with_mask}; so did {false} of the others.\n"
    )
    head = ["doubt", "with a failure", "with another case"]
    return "\n".join(["## Doubts and failures\n", sentence, table(head, rows)])


def reliability_text(reliability: Mapping[str, Any]) -> str:
    """Whether a probability says how often a voxel is tumor."""
    bins = zip(reliability["probability"], reliability["tumor_share"], reliability["voxels"])
    rows = [[f"{probability:.2f}", f"{share:.2f}", f"{voxels:,}"] for probability, share, voxels in bins]
    error = reliability["expected_calibration_error"]
    return "\n".join([
        "## Reliability of the probabilities\n",
        f"Over all voxels of all boxes the expected calibration error is {error:.3f}.\n",
        table(["mean probability", "share of tumor", "voxels"], rows),
    ])  # fmt: skip


def alarms_text(alarms: Mapping[str, Any]) -> str:
    """False alarms in real recordings without tumor."""
    rows = [[title, one["boxes"], one["with_false_alarm"], f"{one['largest_ml']:.2f}"]
            for title, one in alarms["by_recording"].items()]  # fmt: skip
    share = _percent(alarms["share"], alarms["interval"])
    return "\n".join([
        "## Real recordings without tumor\n",
        f"Boxes laid at random: {alarms['with_false_alarm']} of {alarms['boxes']} with a false alarm, {share}.\n",
        table(["recording", "boxes", "with a false alarm", "largest (mL)"], rows),
    ])  # fmt: skip


def draw_cases(
    cases: Sequence[Mapping[str, Any]], rows: Sequence[CaseRow], masks: Path, path: Path, each: int = 3
) -> None:
    """A row of pictures for each kind, from the worst to the best case: without and with the outlines."""
    from matplotlib.figure import Figure

    by_name = {row.case: row for row in rows}
    kinds = list(dict.fromkeys(one["parameters"]["tumor"]["kind"] for one in cases))
    figure = Figure(figsize=(4.2 * each, 2.3 * len(kinds)), layout="constrained", facecolor="white")
    axes = figure.subplots(len(kinds), 2 * each, squeeze=False)
    for line, kind in zip(axes, kinds):
        of_kind = sorted(
            (one for one in cases if one["parameters"]["tumor"]["kind"] == kind), key=lambda one: one["figures"]["dice"]
        )
        places = np.linspace(0, len(of_kind) - 1, min(each, len(of_kind))).round().astype(int)
        for axis in line:
            axis.axis("off")
        for number, place in enumerate(places):
            one, row = of_kind[place], by_name[of_kind[place]["case"]]
            grey, truth, mask = frame_through(row, one["parameters"]["tumor"]["middle_ras_mm"], masks)
            brightest = max(60.0, float(np.percentile(grey, 99.5)))
            for axis in line[2 * number : 2 * number + 2]:
                axis.imshow(grey, cmap="gray", vmin=0, vmax=brightest)
            for shape, color in ((truth, "#35c46b"), (mask, "#ff8c1a")):
                if shape.any():
                    line[2 * number + 1].contour(shape, [0.5], colors=[color], linewidths=1.2)
            tumor = one["parameters"]["tumor"]
            line[2 * number].set_title(
                f"{kind} {tumor['equivalent_diameter_mm']:.0f} mm, {tumor['place']}: Dice {one['figures']['dice']:.2f}",
                fontsize=7, loc="left",
            )  # fmt: skip
    figure.savefig(path, dpi=110)


def frame_through(row: CaseRow, middle: Sequence[float], masks: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(grey, truth, mask), each (v, u): a part of the frame that passes nearest to the tumor's middle."""
    frames = read_sweep(row.sweep).valid_frames
    planes = [with_unit_normal(_pose(frame)) for frame in frames]
    places = np.array([transform_points(invert_affine(plane), middle) for plane in planes])
    number = int(np.abs(places[:, 2]).argmin())
    frame, plane, (u, v) = frames[number], planes[number], places[number, :2]
    half = [round(SHOWN_MM / 2 / float(np.linalg.norm(plane[:3, axis]))) for axis in (0, 1)]
    width, height = frame.image_size
    columns = slice(max(0, int(u) - half[0]), min(width, int(u) + half[0]))
    rows = slice(max(0, int(v) - half[1]), min(height, int(v) + half[1]))
    at_v, at_u = np.mgrid[rows, columns]
    points = transform_points(plane, np.stack([at_u, at_v, np.zeros_like(at_u)], axis=-1))
    truth, mask = read_mask(row.mask), read_mask(masks / f"{row.case}.nrrd")
    return frame.pixels[rows, columns], _at(truth, points), _at(mask, points)


def _pose(frame: TrackedFrame) -> np.ndarray:
    assert frame.image_to_reference is not None
    return frame.image_to_reference


def _at(mask: Volume, points: np.ndarray) -> np.ndarray:
    index = np.rint(transform_points(mask.ras_to_ijk, points)).astype(np.int64)
    within = np.all((index >= 0) & (index < np.array(mask.dimensions)), axis=-1)
    i, j, k = np.moveaxis(np.where(within[..., None], index, 0), -1, 0)
    inside: np.ndarray = within & (mask.voxels[k, j, i] > 0)
    return inside


def _percent(share: float | None, interval: Sequence[float] | None = None) -> str:
    if share is None:
        return "none"
    return f"{share:.0%}" + (f" ({interval[0]:.0%} to {interval[1]:.0%})" if interval else "")
