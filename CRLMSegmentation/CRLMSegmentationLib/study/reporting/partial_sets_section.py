"""What the report says of partially annotated CTs: the ways to learn from them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cases.case_table import TEST
from ..structure_metrics import LARGE_MM
from .comparison_file import read_comparison
from .report_page import ReportPage
from .report_text import decimal, table
from .sections import required_line, required_section

# Below the folder of the comparison, and that below the study's, as `crlm study partial-sets` writes it.
FILE = "partial_sets.json"
BELOW_STUDY = f"partial-sets/{FILE}"
# What is shown of each setting, and where it stands in its figures.
COMPARED: dict[str, tuple[str, ...]] = {
    "Dice, liver": ("liver", "dice", "mean"),
    "Dice, vessels": ("vessel", "dice", "mean"),
    "Dice, tumors": ("tumor", "dice", "mean"),
    "NSD, vessels": ("vessel", "nsd", "mean"),
    "NSD, tumors": ("tumor", "nsd", "mean"),
    f"lesions over {LARGE_MM:g} mm found": ("tumor", "sensitivity"),
    "false lesions a case": ("tumor", "false_a_case"),
}
_WITH, _WITHOUT = "ml-partial", "ml-complete"
_GAIN = "partial sets: Dice gained, "
# The paper's, of patients: its tumors' Dice rose by so much.
_AIM = 0.025
_WAYS = {"mc": "one label a voxel (MC)", "mlx": "exclusive sigmoids (MLx)", "ml": "overlapping sigmoids (ML)"}


def partial_sets(page: ReportPage) -> str:
    """The comparison; '' where there was none. Its means are put into test.SETTING of results.json, and what partial
    sets gain into `partial_sets` and `must`.
    """
    compared = read_comparison(page, BELOW_STUDY, "settings")
    if compared is None:
        return ""
    settings, cases = compared["settings"], compared["cases"]
    for name, one in settings.items():
        page.found[TEST][name] = {key: value for key, value in one.items() if key != "by_seed"}
    page.found["partial_sets"] = {**compared, "gain": _gain(settings)}
    required = ""
    if _WITH in settings and _WITHOUT in settings:
        lines = [
            required_line(page.found, f"{_GAIN}{name}", ("partial_sets", "gain", key), "least", 0.0, _AIM)
            for key, name in (("liver", "liver"), ("vessel", "vessels"), ("tumor", "tumors"))
        ]
        page.found["must"] = [*page.found.get("must", []), *lines]
        required = "\n" + required_section(page, _GAIN).partition("\n\n")[2]
    training = ", ".join(f"{name} {value}" for name, value in compared["training"].items())
    return (
        "## Whether partial sets help\n\n"
        f"{len(settings) * len(compared['seeds'])} networks ({training}), each setting with the seeds "
        f"{', '.join(map(str, compared['seeds']))}. Of {cases['training']} CTs for training {cases['complete']} were "
        "annotated completely: 'complete' learns from these alone, 'partial' from all of them, each with what was "
        f"annotated, 'everything' from all as if all were complete. On {cases['test']} test CTs; mean of the seeds, "
        f"and in brackets the lowest and highest (`crlm study partial-sets`).\n\n{_table(settings)}{required}"
    )


def figure(of_setting: Mapping[str, Any], path: Sequence[str]) -> float | None:
    """The number at that place of a setting's figures."""
    value: Any = of_setting
    for key in path:
        value = value[key]
    return None if value is None else float(value)


def _gain(settings: Mapping[str, Any]) -> dict[str, float | None]:
    """Dice of each structure with partial sets, less that without; empty where one of them was not compared."""
    if _WITH not in settings or _WITHOUT not in settings:
        return {}
    gained: dict[str, float | None] = {}
    for key in ("liver", "vessel", "tumor"):
        pair = [figure(settings[name], (key, "dice", "mean")) for name in (_WITH, _WITHOUT)]
        gained[key] = None if pair[0] is None or pair[1] is None else pair[0] - pair[1]
    return gained


def _table(settings: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, one in settings.items():
        way, _, shown = name.partition("-")
        cells = [_cell(one, path) for path in COMPARED.values()]
        rows.append([_WAYS.get(way, way), shown.replace("-", " "), *cells])
    return table(["", "learns from", *COMPARED], rows)


def _cell(of_setting: Mapping[str, Any], path: Sequence[str]) -> str:
    values = [figure(one, path) for one in of_setting["by_seed"]]
    known = [value for value in values if value is not None]
    spread = f" ({min(known):.3f} to {max(known):.3f})" if len(known) > 1 else ""
    return decimal(figure(of_setting, path)) + spread
