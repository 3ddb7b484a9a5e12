"""What was measured on a phantom, as one page with its pictures in it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ...calibration.accuracy.budget import DEVIATIONS_OF_95
from ...files.whole_file import written_whole
from ...words import tr
from .drawn_values import drawn_pairs, drawn_rows
from .phantom_accuracy import PhantomAccuracy, amounts_of

PAGE_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1c2430}"
    "table{border-collapse:collapse}td,th{padding:.3em 1em;border-bottom:1px solid #d5dae0;text-align:left}"
    "img,svg{max-width:100%;height:auto}.note{color:#8a5200}.figure{font-size:1.6em;margin:.6em 0}"
)


@dataclass(frozen=True)
class PageFacts:
    """tool: as PLUS names it; targets, recording: names of their files; date: of the measurement; is_simulated."""

    tool: str
    targets: str
    recording: str
    date: str
    is_simulated: bool


def write_accuracy_page(path: str | Path, measured: PhantomAccuracy, about: PageFacts) -> Path:
    """Write the page; returns its path. Raises FileFormatError for the disk."""
    with written_whole(path) as place:
        place.write_text(accuracy_page(measured, about), encoding="utf-8")
    return Path(path)


def accuracy_page(measured: PhantomAccuracy, about: PageFacts) -> str:
    """The page as HTML."""
    title = tr("Accuracy on a phantom")
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{PAGE_STYLE}</style>",
        f"<h1>{title}</h1>", _beginning(measured, about),
        tr("<h2>Each target</h2><p>From the target to where the tip is said to be; the line is the median.</p>"),
        drawn_rows(_lengths_by_target(measured), tr("tip to target (mm)")), _target_table(measured),
        tr("<h2>In which direction</h2>") + _directions(measured),
        tr("<h2>At which depth</h2>") + _depths(measured),
        tr("<h2>What the navigation would have said</h2>") + _stated(measured), "</html>\n",
    ]  # fmt: skip
    return "".join(parts)


def _beginning(measured: PhantomAccuracy, about: PageFacts) -> str:
    touches, amounts = measured.touches, amounts_of(measured.errors_mm)
    made = tr(" of simulated devices, not clinical") if about.is_simulated else tr(", not clinical")
    where = f" in {escape(about.recording)}" if about.recording else ""
    elsewhere = (
        tr(" {elsewhere} pauses lay at no target and were passed over.", elsewhere=touches.elsewhere)
        if touches.elsewhere
        else ""
    )
    missed = ", ".join(escape(touches.targets.names[one]) for one in touches.missed)
    kind = (
        tr("They were marked in the ultrasound's volume: the whole chain is in the error.")
        if touches.targets.is_seen
        else tr("They are the phantom's own: what the image and its delay add is not in the error.")
    )
    return tr(
        "<p class='note'>A measurement on a phantom{made}. {date}</p><p class='figure'>Tip to "
        "target: median {median_mm:.2f} mm, quartiles {q25_mm:.2f} to {q75_mm:.2f}, 95 % within "
        "{p95_mm:.2f} mm</p><p>{tool} was held at {by_target} targets of {path} in "
        "{touches} touches{where}.{elsewhere} {kind}</p>",
        made=made,
        date=escape(about.date[:16].replace("T", " ")),
        median_mm=amounts["median_mm"],
        q25_mm=amounts["q25_mm"],
        q75_mm=amounts["q75_mm"],
        p95_mm=amounts["p95_mm"],
        tool=escape(about.tool),
        by_target=len(measured.by_target()),
        path=escape(about.targets),
        touches=len(touches.touches),
        where=where,
        elsewhere=elsewhere,
        kind=kind,
    ) + (tr("<p class='note'>Not touched: {missed}.</p>", missed=missed) if missed else "")


def _lengths_by_target(measured: PhantomAccuracy) -> dict[str, np.ndarray]:
    numbers = np.array([one.target for one in measured.touches.touches])
    names = measured.touches.targets.names
    return {names[number]: measured.errors_mm[numbers == number] for number in sorted(set(numbers.tolist()))}


def _target_table(measured: PhantomAccuracy) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{one.touches}</td><td>{one.median_mm:.2f}</td><td>{one.largest_mm:.2f}"
        f"</td><td>{' '.join(f'{value:+.2f}' for value in one.offset_mm)}</td></tr>"
        for one in measured.by_target()
    )
    return tr(
        "<table><tr><th>target</th><th>touches</th><th>median (mm)</th><th>largest "
        "(mm)</th><th>mean offset in Reference (mm)</th></tr>{rows}</table><p>One target that is "
        "worse than the others was marked or touched wrongly; an offset that is the same at all "
        "of them is one of the calibrations'.</p>",
        rows=rows,
    )


def _directions(measured: PhantomAccuracy) -> str:
    found = measured.by_direction()
    return tr(
        "<p>Off along the stylus: its tip was calibrated too long or too short. Off along the beam or across the "
        "image: the image's calibration, or its delay.</p>"
    ) + drawn_rows(found, tr("from target to tip (mm)"))


def _depths(measured: PhantomAccuracy) -> str:
    depth, error = measured.by_depth()
    if not len(depth):
        return tr("<p>No image has shown the targets: nothing is known of their depth.</p>")
    good = np.ones(len(depth), dtype=bool)
    return tr("<p>An image whose calibration is turned is worse the deeper a target lies.</p>") + drawn_pairs(
        depth, error, (tr("depth in the image (mm)"), tr("tip to target (mm)")), good, False
    )


def _stated(measured: PhantomAccuracy) -> str:
    errors, is_within = np.abs(measured.distance_errors_mm), measured.is_within
    unknown = "; ".join(dict.fromkeys(measured.unknown.values()))
    doubt = tr("<p class='note'>It is stated too small: {unknown}.</p>", unknown=escape(unknown)) if unknown else ""
    return (
        tr(
            "<p>Each touch has a distance to every other target that is known in truth: {errors} in "
            "all. {is_within:.0%} of them are off by no more than the navigation would have stated "
            "(95 % should be); in the middle they are {errors_2:.2f} mm off.</p>{doubt}",
            errors=len(errors), is_within=is_within.mean(), errors_2=np.median(errors), doubt=doubt
)
        + drawn_pairs(DEVIATIONS_OF_95 * measured.deviations_mm, errors,
                      (tr("stated: 95 % within (mm)"), tr("true error (mm)")), is_within, True)
    )  # fmt: skip
