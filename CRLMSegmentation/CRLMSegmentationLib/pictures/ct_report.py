"""One page on the CT before the operation, to be read and printed: pictures, figures, and what they are worth.

The page is a single HTML file without anything from elsewhere; browsers print it on a sheet of A4. No name of a
patient is on it.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from ..files.whole_file import written_whole
from ..preoperative.ct_slices import AXIAL, CORONAL
from ..preoperative.follow_up import FollowUp
from ..preoperative.into_operation import InOperation
from ..preoperative.measures import Measures
from ..session.preoperative import figures
from ..session.preoperative.opened_ct import OpenedCt
from ..words import mark, tr
from .ct_in_space import CtInSpace
from .ct_sheet import png_of
from .offscreen import RenderingError

REPORT = "report.html"
USE = mark("For research only: not a medical device, not for diagnosis.")
_PICTURE_PX, _TURN_DEG, _TILT_DEG = 460, 20.0, 10.0
_MOST_PICTURES = 4
_STYLE = """
@page { size: A4; margin: 14mm }
body { font: 13px/1.45 system-ui, sans-serif; color: #1b2530; max-width: 182mm; margin: 0 auto; padding: 10px }
h1 { font-size: 20px; margin: 0 0 2px } h2 { font-size: 14px; margin: 14px 0 4px }
.use { background: #fff1c9; border-left: 5px solid #e0a100; padding: 6px 10px; margin: 8px 0; font-weight: 600 }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px }
figure { margin: 0 } img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; display: block }
figcaption { font-size: 11px; color: #51606e }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: #51606e; font-weight: 600 }
td, th { padding: 2px 8px 2px 0; border-bottom: 1px solid #dde4ea }
.quiet { color: #51606e; font-size: 11px }
"""


def write_ct_report(
    ct: OpenedCt, path: str | Path, registration: InOperation | None = None, space: np.ndarray | None = None,
    followed: FollowUp | None = None,
) -> Path:  # fmt: skip
    """Write the page. Raises FileFormatError when the disk refuses.

    ct        with a result
    space     of picture_in_space(); None for a page without it
    followed  the lesions over several dates; None for a page without them
    """
    with written_whole(path) as place:
        place.write_text(ct_report(ct, registration, space, followed), encoding="utf-8")
    return Path(path)


def ct_report(
    ct: OpenedCt, registration: InOperation | None = None, space: np.ndarray | None = None,
    followed: FollowUp | None = None,
) -> str:  # fmt: skip
    """The page as HTML; see write_ct_report()."""
    assert ct.result is not None, "there is something to report"
    made = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        tr("<h1>Liver CT: {title}</h1>", title=escape(ct.facts.title)),
        tr('<div class="quiet">CRLM Navigation, written {made}</div>', made=made),
        f'<div class="use">{escape(tr(USE))}</div>',
        *_found_by(ct),
        _pictures(_pictures_of(ct, space)),
        "<h2>Liver</h2>",
        _table(("", ""), figures.liver_figures(ct.result.measures)),
        *_lesions(ct.result.measures),
        *_remnant(ct),
        *_over_time(followed),
        tr("<h2>In the operation</h2>"),
        f"<p>{escape(figures.registration_text(registration))}</p>",
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Liver CT</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def picture_in_space(ct: OpenedCt) -> np.ndarray | None:
    """uint8 (rows, columns, 3) of all structures, with the planned cut; all calls come from the thread that renders.

    None on a machine that cannot render: the rest of the page is as good without it.
    """
    if ct.result is None or not ct.surfaces:
        return None
    try:
        space = CtInSpace(ct.surfaces)
    except RenderingError:
        return None
    plane = None if ct.result.remnant is None else ct.result.remnant.plane
    try:
        return space.picture(_TURN_DEG, _TILT_DEG, list(ct.surfaces), (_PICTURE_PX, _PICTURE_PX), plane)
    finally:
        space.close()


def _found_by(ct: OpenedCt) -> Iterator[str]:
    assert ct.result is not None
    model = ct.result.about.get("model") or {}
    name = " ".join(str(model[key]) for key in ("name", "version") if key in model) or tr("an unknown program")
    corrected = figures.correction_text(ct) or tr("Not corrected by hand.")
    yield tr("<p>Found by {name}. {corrected}</p>", name=escape(name), corrected=escape(corrected))
    for doubt in ct.doubts:
        yield f"<p>{escape(doubt)}</p>"


def _pictures_of(ct: OpenedCt, space: np.ndarray | None) -> Iterator[tuple[str, np.ndarray]]:
    """Captions, and pictures (rows, columns, 3): space, the largest lesions, and the liver where there is none."""
    assert ct.result is not None
    cut = None if ct.result.remnant is None else ct.result.remnant.plane
    shown = list(ct.surfaces)
    lesions = ct.result.measures.lesions[: _MOST_PICTURES - (space is not None) - (cut is not None)]
    if space is not None:
        yield tr("Structures in space, seen from the front"), space
    for lesion in lesions:
        at = ct.slices.at(np.array(lesion.center_ras_mm))
        picture = ct.slices.picture(AXIAL, at[AXIAL], shown, side_px=_PICTURE_PX, cut=cut)
        yield tr("Lesion {number}, axial slice; the patient's right is on the left", number=lesion.number), picture
    if not lesions or cut is not None:
        at = ct.slices.begin()
        picture = ct.slices.picture(CORONAL, at[CORONAL], shown, side_px=_PICTURE_PX, cut=cut)
        yield (
            tr("Coronal slice") + (tr(", what the planned cut would take is darker") if cut is not None else ""),
            picture,
        )


def _pictures(pictures: Iterator[tuple[str, np.ndarray]]) -> str:
    shown = []
    for caption, picture in pictures:
        data = base64.b64encode(png_of(picture)).decode("ascii")
        text = escape(caption)
        shown.append(
            f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
        )
    return f'<div class="pictures">{"".join(shown)}</div>'


def _lesions(measures: Measures) -> Iterator[str]:
    yield "<h2>Lesions</h2>"
    if not measures.lesions:
        yield f"<p>{tr(figures.NONE_FOUND)}</p>"
        return
    yield _table([tr(one) for one in figures.LESION_COLUMNS], [figures.lesion_row(one) for one in measures.lesions])
    yield (
        tr(
            '<p class="quiet">Diameter: the longest in an axial slice (RECIST 1.1). Vessel and surface: the distance '
            "to the nearest. Place: mm along the axes of the CT.</p>"
        )
    )


def _remnant(ct: OpenedCt) -> Iterator[str]:
    assert ct.result is not None
    lines = figures.remnant_lines(ct.result.remnant)
    if lines:
        yield tr("<h2>What stays after a cut along the planned plane</h2>")
        yield f"<p>{escape(' '.join(lines))}</p>"
        yield tr('<p class="quiet">A resection follows vessels, not a plane: this is a first estimate.</p>')


def _over_time(followed: FollowUp | None) -> Iterator[str]:
    if followed is not None:
        yield tr("<h2>Over time</h2>")
        lines = [*map(figures.track_text, followed.tracks), *figures.follow_up_lines(followed)]
        yield f"<p>{'<br>'.join(map(escape, lines))}</p>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{lines}</table>" if any(titles) else f"<table>{lines}</table>"
