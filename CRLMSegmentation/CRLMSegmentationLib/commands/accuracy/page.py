"""The accuracy of a chain as one page with its pictures in it."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...files.whole_file import written_whole
from ...session.accuracy.accuracy_page import PAGE_STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...simulation.accuracy.summary import ChainAccuracy


def write_page(path: str | Path, found: ChainAccuracy) -> Path:
    """Write the page; returns its path. Raises ConfigurationError without matplotlib, FileFormatError for the disk."""
    facts = found.facts()
    budget = facts["budget"]
    assert isinstance(budget, dict)
    rows = "".join(
        f"<tr><td>{escape(source)}</td><td>{one['rms_mm']:.2f}</td><td>{one['stated_mm']:.2f}</td></tr>"
        for source, one in budget.items()
    )
    text = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Accuracy</title><style>{PAGE_STYLE}</style>"
        "<h1>How far a distance may be off</h1>"
        f"<p class='note'>Simulated, not clinical: {facts['distances']} distances from a tip to a tumor's surface in "
        f"{facts['operations']} operations whose truth is known.</p>"
        f"<p>The error is {facts['median_mm']:.2f} mm in the middle (quartiles {facts['q25_mm']:.2f} to "
        f"{facts['q75_mm']:.2f}); 95 % are below {facts['p95_mm']:.2f} mm. {facts['within_stated_95']:.0%} of the true "
        "errors lie within the 95 % that are stated beside the distance.</p>"
        f"<img alt='Error by source, stated and true error, error by depth' src='{_picture(found)}'>"
        "<h2>What each source adds</h2><p>One source on, all others off; root mean square, in mm.</p>"
        f"<table><tr><th>source</th><th>measured</th><th>stated</th></tr>{rows}</table></html>\n"
    )
    with written_whole(path) as place:
        place.write_text(text, encoding="utf-8")
    return Path(path)


def _picture(found: ChainAccuracy) -> str:
    """A PNG as an address that the page holds itself."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError(
            "The page's pictures need matplotlib; install it with `pip install matplotlib`."
        ) from None
    figure = Figure(figsize=(13, 4.2), layout="constrained", facecolor="white")
    by_source, stated, by_depth = figure.subplots(1, 3)
    _draw_sources(by_source, found)
    _draw_stated(stated, found)
    _draw_depth(by_depth, found)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode("ascii")


def _draw_sources(axes: Axes, found: ChainAccuracy) -> None:
    errors = {**{source: one.error_mm for source, one in found.alone.items()}, "all": found.whole.error_mm}
    amounts = [np.abs(error) for error in errors.values()]
    axes.boxplot(amounts, whis=(5, 95), showfliers=False, medianprops={"color": "#c2410c"})
    axes.set_xticks(range(1, len(errors) + 1), list(errors))
    axes.set_ylabel("error (mm); box: quartiles, whiskers: 5 and 95 %")
    axes.set_title("Each source alone", loc="left")


def _draw_stated(axes: Axes, found: ChainAccuracy) -> None:
    limit = 1.96 * found.whole.stated_mm
    error = np.abs(found.whole.error_mm)
    colors = np.where(found.whole.is_within, "#2563eb", "#dc2626")
    axes.scatter(limit, error, s=8, c=list(colors), alpha=0.6)
    top = float(max(limit.max(), error.max())) * 1.05
    axes.plot([0, top], [0, top], color="#64748b", linewidth=1)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="stated: 95 % within (mm)", ylabel="true error (mm)")
    axes.set_title(f"Stated and true: {found.whole.is_within.mean():.0%} within", loc="left")


def _draw_depth(axes: Axes, found: ChainAccuracy) -> None:
    axes.scatter(found.whole.depth_mm, found.whole.error_mm, s=8, alpha=0.6, color="#2563eb")
    axes.axhline(0, color="#64748b", linewidth=1)
    axes.set(xlabel="depth of the nearest place of the tumor (mm)", ylabel="found less true distance (mm)")
    axes.set_title("By depth", loc="left")
