"""The tables of the report, in Markdown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..metrics import Metric
from ..tumor_methods import CROP, FULL, SEMI
from .statistics import WITHOUT_MISSED
from .tumor_summaries import PAPER

METHODS = (CROP, FULL, WITHOUT_MISSED, SEMI)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers of any kind as they are given."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def figures_of_methods(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Those of the methods alone: a task may add figures of its own beside them."""
    return {name: one for name, one in found.items() if isinstance(one, dict) and "cases" in one}


def quartile_table(methods: dict[str, dict[str, Any]], metrics: Sequence[Metric]) -> str:
    """Median (25th to 75th percentile) of every figure for every method, and what else is known of them."""
    methods = figures_of_methods(methods)
    names = _in_order(methods)
    rows = [[metric.title, *(_quartiles(methods[name][metric.key]) for name in names)] for metric in metrics]
    known = {key for name in names for key in methods[name]}
    if "sensitivity" in known:
        rows.append(["lesions found (Dice > 0.5)", *(_percent(methods[name].get("sensitivity")) for name in names)])
    if "specificity" in known:
        rows.append(["boxes without tumor left empty", *(_percent(methods[name].get("specificity")) for name in names)])
    if "missed" in known:
        missed = [f"{methods[name].get('missed', '-')} of {methods[name]['cases']}" for name in names]
        rows.append(["lesions missed altogether", *missed])
    for key, title in (("roc_auc", "AUC-ROC of voxels"), ("average_precision", "average precision of voxels")):
        if key in known:
            rows.append([title, *(decimal(methods[name].get(key)) for name in names)])
    return table(["", *names], rows)


def must_table(lines: Sequence[dict[str, Any]]) -> str:
    """What this study has to reach, and whether it does."""
    rows = [[line["what"], decimal(line["value"]), line["must"], line["aim"], "yes" if line["holds"] else "**no**"]
            for line in lines]  # fmt: skip
    return table(["", "here", "must", "aim", "must holds"], rows)


def paper_table(methods: dict[str, Any]) -> str:
    """The paper's figures on real patients beside ours."""
    rows = []
    for name, figures in PAPER.items():
        for key, value in figures.items():
            ours = _ours(methods.get(name), key)
            rows.append([f"{name}, {key.replace('_', ' ')}", value, decimal(ours)])
    return table(["", "paper, real patients", "here"], rows)


def tests_table(tests: Sequence[dict[str, Any]]) -> str:
    """Methods against each other, figure by figure, with the p-value over pairs of cases."""
    rows = [[one["figure"], f"{one['first']} against {one['second']}", one["cases"],
             "-" if one["p"] is None else f"{one['p']:.2g}", "yes" if one["significant"] else "no"]
            for one in tests]  # fmt: skip
    return table(["figure", "methods", "pairs", "p", "significant (p < 0.05/3)"], rows)


def strata_table(strata: dict[str, Any]) -> str:
    """Dice of the methods by kinds of lesions."""
    names = _in_order({name for classes in strata.values() for methods in classes.values() for name in methods})
    rows = []
    for by, classes in strata.items():
        for kind, methods in classes.items():
            cases = next(iter(methods.values()))["cases"]
            cells = [_quartiles(methods[name]["dice"]) if name in methods else "-" for name in names]
            rows.append([f"{by}: {kind}", cases, *cells])
    return table(["", "cases", *names], rows)


def robustness_table(lines: dict[str, Any]) -> str:
    """Dice of Model_crop when the box or the sweep is worse than it should be."""
    names = {"shift_mm": "box shifted by {:g} mm", "scale": "box edges times {:g}",
             "tracking_mm": "extra tracking noise of {:g} mm", "dropped": "{:.0%} of the frames dropped"}  # fmt: skip
    rows = [[names[kind].format(one["amount"]), _quartiles(one["dice"]), f"{one['lost']:.3f}"]
            for kind in names if kind in lines for one in lines[kind]]  # fmt: skip
    return table(["", "Dice of Model_crop", "mean Dice lost"], rows)


def each_case_table(cases: Sequence[dict[str, Any]]) -> str:
    """Every test case with its lesion and its figures."""
    names = _in_order({name for one in cases for name in one["dice"]})
    rows = [[one["case"], one["split"], f"{one['volume_ml']:.2f}", one["echogenicity"] or "-",
             "-" if one["contrast_db"] is None else f"{one['contrast_db']:+.1f}",
             *(decimal(one["dice"].get(name), 2) for name in names),
             decimal(one["hd95_mm"].get(names[0]), 1)] for one in cases]  # fmt: skip
    known = ("case", "test set", "volume (mL)", "echogenicity", "contrast (dB)")
    return table([*known, *(f"Dice {name}" for name in names), f"HD95 {names[0]} (mm)"], rows)


def _in_order(names: Collection[str]) -> list[str]:
    """Those of the study, then further ones by their names."""
    return [*(name for name in METHODS if name in names), *sorted(set(names) - set(METHODS))]


def recipe_table(recipes: dict[str, dict[str, Any]]) -> str:
    """The settings that the networks were trained with, side by side."""
    keys = dict.fromkeys(key for recipe in recipes.values() for key in recipe if not isinstance(recipe[key], dict))
    rows = [[key.replace("_", " "), *(recipe.get(key, "-") for recipe in recipes.values())] for key in keys]
    return table(["", *recipes], rows)


def _ours(method: dict[str, Any] | None, key: str) -> float | None:
    if method is None:
        return None
    value = method["dice"]["q25"] if key == "dice_q25" else method.get(key)
    number: float | None = value["median"] if isinstance(value, dict) else value
    return number


def _quartiles(figure: dict[str, Any]) -> str:
    if figure["median"] is None:
        return "-"
    return f"{figure['median']:.2f} ({figure['q25']:.2f} to {figure['q75']:.2f})"


def decimal(value: float | str | None, digits: int = 3) -> str:
    """A number with so many digits behind the point, - for none."""
    return "-" if value is None else value if isinstance(value, str) else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
