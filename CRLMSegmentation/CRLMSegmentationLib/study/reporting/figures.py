"""The pictures of the report. Each function writes one PNG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tumor_methods import CROP, FULL, SEMI
from .curves import VoxelCounts, precision_recall_at, precision_recall_points, reliability, roc_points
from .report_page import Frames, Results
from .statistics import total_counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Colours that stay apart for colour-blind readers and in grey (Okabe and Ito).
COLORS = {CROP: "#0072B2", FULL: "#D55E00", SEMI: "#009E73", "truth": "#F0E442"}
FURTHER = ("#CC79A7", "#56B4E9", "#999999")
AXES_OF_SLICES = (("axial", 0), ("coronal", 1), ("sagittal", 2))


def curves_figure(results: Results, thresholds: dict[str, float], path: Path) -> None:
    """ROC and precision-recall of all test voxels of each network; the dots are the chosen thresholds."""
    figure, (left, right) = _figure(1, 2, (10, 4.6))
    for name, color in _colors(results[0]["counts"]).items():
        counts = total_counts([result["counts"][name] for result in results if name in result["counts"]])
        left.plot(*roc_points(counts), color=color, label=name)
        right.plot(*precision_recall_points(counts), color=color, label=name)
        precision, recall = precision_recall_at(counts, [thresholds[name]])
        background = counts.background[::-1].cumsum()[::-1] / max(counts.background.sum(), 1)
        at = _step_of(thresholds[name])
        left.plot(background[at], recall[0], "o", color=color)
        right.plot(recall[0], precision[0], "o", color=color)
    left.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    left.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, voxels of the test set")
    right.set(xlabel="recall", ylabel="precision", title="Precision and recall, voxels of the test set", ylim=(0, 1.02))
    right.legend(loc="lower left", frameon=False)
    _save(figure, path)


def reliability_figure(counts: dict[str, VoxelCounts], path: Path) -> None:
    """Mean probability against share of tumor on the validation images, for {name: VoxelCounts}."""
    figure, axes = _figure(1, 1, (4.8, 4.6))
    axes.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    for name, color in _colors(counts).items():
        found = reliability(counts[name])
        label = f"{name}, calibration error {found['expected_calibration_error']:.3f}"
        axes.plot(found["probability"], found["tumor_share"], "o-", color=color, label=label)
    axes.set(xlabel="mean probability", ylabel="share of voxels that are tumor", title="Reliability, validation")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def violins_figure(results: Results, path: Path) -> None:
    """Dice and HD95 of every method; a dot for each test case."""
    figure, panels = _figure(1, 2, (10, 4.6))
    names = list(_colors(results[0]["methods"]))
    shown = (("dice", "Dice"), ("hd95_mm", "HD95 (mm), where something was found"))
    for axes, (key, label) in zip(panels, shown):
        for place, name in enumerate(names):
            color = _colors(names)[name]
            values = [result["methods"][name][key] for result in results]
            values = [value for value in values if value is not None]
            if len(values) > 1 and max(values) > min(values):
                body = axes.violinplot(values, [place], widths=0.8, showextrema=False)["bodies"][0]
                body.set(facecolor=color, alpha=0.3)
            spread = np.linspace(-0.09, 0.09, max(len(values), 2))[: len(values)]
            axes.plot(place + spread, values, "o", color=color, ms=3)
            if values:
                axes.hlines(np.median(values), place - 0.25, place + 0.25, color=color, lw=2)
        axes.set_xticks(range(len(names)), [name.replace("_", "\n", 1) for name in names], fontsize=8)
        axes.set_ylabel(label)
    panels[0].set_ylim(-0.02, 1.02)
    _save(figure, path)


def robustness_figure(lines: dict[str, Any], undisturbed: float, path: Path) -> None:
    """Median and quartiles of Model_crop's Dice against each disturbance."""
    titles = {
        "shift_mm": ("box shifted by (mm)", 0.0), "scale": ("box edges times", 1.0),
        "tracking_mm": ("extra tracking noise (mm)", 0.0), "dropped": ("share of frames dropped", 0.0),
    }  # fmt: skip
    kinds = [kind for kind in titles if kind in lines]
    figure, panels = _figure(1, max(len(kinds), 1), (3.2 * max(len(kinds), 1), 3.2))
    for axes, kind in zip(np.atleast_1d(panels), kinds):
        label, neutral = titles[kind]
        points = sorted(
            [(neutral, undisturbed, undisturbed, undisturbed)]
            + [(one["amount"], one["dice"]["q25"], one["dice"]["median"], one["dice"]["q75"]) for one in lines[kind]]
        )
        amount, lower, middle, upper = np.array(points, dtype=float).T
        axes.fill_between(amount, lower, upper, color=COLORS[CROP], alpha=0.2)
        axes.plot(amount, middle, "o-", color=COLORS[CROP])
        axes.set(xlabel=label, ylim=(0, 1))
    np.atleast_1d(panels)[0].set_ylabel("Dice of Model_crop")
    _save(figure, path)


def cases_figure(results: Results, folder: Path, path: Path) -> list[str]:
    """Best, middle and worst case of Model_crop: three slices through the tumor with the contours of all methods."""
    by_dice = sorted(results, key=lambda one: one["methods"][CROP]["dice"])
    chosen = {"worst": by_dice[0], "middle": by_dice[len(by_dice) // 2], "best": by_dice[-1]}
    figure, panels = _figure(len(chosen), 3, (10.5, 10.5))
    for row, (title, result) in zip(panels, chosen.items()):
        blocks = {}
        for name in result["methods"]:
            with np.load(Path(folder) / f"{result['case']}.{name}.npz") as arrays:
                blocks.update({name: arrays[name] for name in arrays.files})
        spacing = blocks["spacing_mm"][::-1]
        middle = np.round(np.argwhere(blocks["truth"]).mean(axis=0)).astype(int)
        for axes, (plane, axis) in zip(row, AXES_OF_SLICES):
            kept = [other for other in range(3) if other != axis]
            aspect = spacing[kept[0]] / spacing[kept[1]]
            axes.imshow(np.take(blocks["ultrasound"], middle[axis], axis), cmap="gray", vmin=0, vmax=255, aspect=aspect)
            for name in ("truth", FULL, SEMI, CROP):
                mask = np.take(blocks[name], middle[axis], axis) if name in blocks else np.zeros((2, 2))
                if mask.any():
                    axes.contour(mask, [0.5], colors=COLORS[name], linewidths=1.6 if name == CROP else 1.1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(plane, fontsize=8)
        row[0].set_ylabel(f"{title}: {result['case']}, Dice {result['methods'][CROP]['dice']:.2f}", fontsize=9)
    handles = [_line(COLORS[name], name) for name in ("truth", CROP, FULL, SEMI)]
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False, labelcolor="black")
    _save(figure, path, bottom=0.05)
    return [result["case"] for result in chosen.values()]


def frames_figure(of_cases: Frames, of_recordings: Frames, path: Path) -> None:
    """Frames of cases (upper rows) beside frames of recordings without a tumor (lowest row), as they were recorded."""
    columns = 4
    rows = [of_cases[start : start + columns] for start in range(0, len(of_cases), columns)]
    rows += [of_recordings[:columns]] if len(of_recordings) else []
    figure, panels = _figure(len(rows), columns, (13, 3.0 * len(rows)))
    for line, pictures in zip(np.atleast_2d(panels), rows):
        for place, axes in enumerate(line):
            axes.set_axis_off()
            if place < len(pictures):
                title, pixels = pictures[place]
                axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
                axes.set_title(title, fontsize=8)
    _save(figure, path)


def _colors(names: Iterable[str]) -> dict[str, str]:
    further = iter(FURTHER)
    return {name: COLORS.get(name) or next(further, "#000000") for name in names}


def _step_of(threshold: float) -> int:
    from .curves import STEPS

    return int(np.searchsorted(STEPS, np.float32(threshold)))


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    # No pyplot: its global state would keep every figure alive, and it may open a window.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100)
    return figure, figure.subplots(rows, columns)


def _line(color: str, label: str) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, label=label, lw=2)


def _save(figure: Figure, path: Path, bottom: float = 0.0) -> None:
    figure.tight_layout(rect=(0, bottom, 1, 1))
    figure.savefig(path, metadata={"Software": None})
