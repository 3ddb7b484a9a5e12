"""The words and tables of the report, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluate import CROP, FULL, SEMI
from .results import PAPER
from .statistics import WITHOUT_MISSED

TABLE = (
    ("dice", "Dice"), ("precision", "precision"), ("recall", "recall"), ("rvd", "relative volume difference"),
    ("hd95_mm", "HD95 (mm)"), ("hd_mm", "HD (mm)"), ("mean_surface_distance_mm", "mean surface distance (mm)"),
    ("time_s", "time, box to mask (s)"),
)  # fmt: skip
METHODS = (CROP, FULL, WITHOUT_MISSED, SEMI)


def table(head: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table; numbers of any kind as they are given."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def quartile_table(methods: dict) -> str:
    """Median (25th to 75th percentile) of every figure for every method."""
    names = [name for name in (*METHODS, *(name for name in methods if name not in METHODS)) if name in methods]
    rows = [[title, *(_quartiles(methods[name][key]) for name in names)] for key, title in TABLE]
    rows.append(["lesions found (Dice > 0.5)", *(_percent(methods[name]["sensitivity"]) for name in names)])
    rows.append(["boxes without tumor left empty", *(_percent(methods[name].get("specificity")) for name in names)])
    missed = [f"{methods[name]['missed']} of {methods[name]['cases']}" for name in names]
    rows.append(["lesions missed altogether", *missed])
    rows.append(["AUC-ROC of voxels", *(_number(methods[name].get("roc_auc")) for name in names)])
    rows.append(["average precision of voxels", *(_number(methods[name].get("average_precision")) for name in names)])
    return table(["", *names], rows)


def must_table(lines: Sequence[dict]) -> str:
    """What this study has to reach, and whether it does."""
    rows = [[line["what"], _number(line["value"]), line["must"], line["aim"], "yes" if line["holds"] else "**no**"]
            for line in lines]  # fmt: skip
    return table(["", "here", "must", "aim", "must holds"], rows)


def paper_table(methods: dict) -> str:
    """The paper's figures on real patients beside ours."""
    rows = []
    for name, figures in PAPER.items():
        for key, value in figures.items():
            ours = _ours(methods.get(name), key)
            rows.append([f"{name}, {key.replace('_', ' ')}", value, _number(ours)])
    return table(["", "paper, real patients", "here"], rows)


def tests_table(tests: Sequence[dict]) -> str:
    """Methods against each other, figure by figure, with the p-value over pairs of cases."""
    rows = [[one["figure"], f"{one['first']} against {one['second']}", one["cases"],
             "-" if one["p"] is None else f"{one['p']:.2g}", "yes" if one["significant"] else "no"]
            for one in tests]  # fmt: skip
    return table(["figure", "methods", "pairs", "p", "significant (p < 0.05/3)"], rows)


def strata_table(strata: dict) -> str:
    """Dice of the methods by kinds of lesions."""
    rows = []
    for by, classes in strata.items():
        for name, methods in classes.items():
            cases = next(iter(methods.values()))["cases"]
            cells = [_quartiles(methods[method]["dice"]) if method in methods else "-" for method in (CROP, FULL, SEMI)]
            rows.append([f"{by}: {name}", cases, *cells])
    return table(["", "cases", CROP, FULL, SEMI], rows)


def robustness_table(lines: dict) -> str:
    """Dice of Model_crop when the box or the sweep is worse than it should be."""
    names = {"shift_mm": "box shifted by {:g} mm", "scale": "box edges times {:g}",
             "tracking_mm": "extra tracking noise of {:g} mm", "dropped": "{:.0%} of the frames dropped"}  # fmt: skip
    rows = [[names[kind].format(one["amount"]), _quartiles(one["dice"]), f"{one['lost']:.3f}"]
            for kind in names if kind in lines for one in lines[kind]]  # fmt: skip
    return table(["", "Dice of Model_crop", "mean Dice lost"], rows)


def each_case_table(cases: Sequence[dict]) -> str:
    """Every test case with its lesion and its figures."""
    rows = [[one["case"], one["split"], f"{one['volume_ml']:.2f}", one["echogenicity"] or "-",
             "-" if one["contrast_db"] is None else f"{one['contrast_db']:+.1f}",
             *(_number(one["dice"].get(name), 2) for name in (CROP, FULL, SEMI)),
             _number(one["hd95_mm"].get(CROP), 1)] for one in cases]  # fmt: skip
    return table(["case", "test set", "volume (mL)", "echogenicity", "contrast (dB)", f"Dice {CROP}", f"Dice {FULL}",
                  f"Dice {SEMI}", f"HD95 {CROP} (mm)"], rows)  # fmt: skip


def recipe_table(recipes: dict[str, dict]) -> str:
    """The settings that the networks were trained with, side by side."""
    keys = [key for key in next(iter(recipes.values())) if key not in ("sampling", "kind")]
    return table(["", *recipes], [[key.replace("_", " "), *(recipes[kind][key] for kind in recipes)] for key in keys])


def _ours(method: dict | None, key: str):
    if method is None:
        return None
    if key == "roc_auc":
        return method.get(key)
    return method["dice"]["q25"] if key == "dice_q25" else method[key]["median"]


def _quartiles(figure: dict) -> str:
    if figure["median"] is None:
        return "-"
    return f"{figure['median']:.2f} ({figure['q25']:.2f} to {figure['q75']:.2f})"


def _number(value, digits: int = 3) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.{digits}f}"


def _percent(value) -> str:
    return "-" if value is None else f"{value:.0%}"
