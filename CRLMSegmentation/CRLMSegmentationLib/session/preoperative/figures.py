"""What was found in a CT as text for people: the same in every front end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...preoperative.follow_up import FollowUp, Track
from ...preoperative.into_operation import InOperation
from ...preoperative.measures import Lesion, Measures
from ...preoperative.remnant import Remnant
from ...words import mark, tr, tr_count
from .opened_ct import OpenedCt
from .registered_ct import TouchedLandmark

# Column titles of lesion_row().
LESION_COLUMNS = (mark("Lesion"), mark("Volume"), mark("Diameter"), mark("Vessel"), mark("Surface"), mark("Place"))
NAMES = {
    "liver": mark("Liver"),
    "vessels": mark("Vessels"),
    "portal": mark("Portal"),
    "hepatic": mark("Hepatic"),
    "tumor": mark("Tumors"),
}
NONE_FOUND = mark("No lesion was found; that is no proof that there is none.")
_AXES = (("R", "L"), ("A", "P"), ("S", "I"))


def liver_figures(measures: Measures) -> list[tuple[str, str]]:
    """(what, how much) of the whole liver."""
    return [
        (tr("Liver"), f"{measures.liver_ml:.0f} mL"),
        (tr("Vessels"), f"{measures.vessels_ml:.0f} mL"),
        (
            tr("Lesions"),
            tr(
                "{lesions}, {tumors_ml:.1f} mL, {tumor_share:.1%} of the liver",
                lesions=len(measures.lesions),
                tumors_ml=measures.tumors_ml,
                tumor_share=measures.tumor_share,
            ),
        ),
    ]


def lesion_row(lesion: Lesion) -> tuple[str, ...]:
    """As LESION_COLUMNS: distances in mm, the place along R, A and S of the CT."""
    return (
        str(lesion.number),
        f"{lesion.volume_ml:.2f} mL" if lesion.volume_ml < 10 else f"{lesion.volume_ml:.1f} mL",
        f"{lesion.diameter_mm:.1f} mm",
        _distance(lesion.vessel_distance_mm),
        _distance(lesion.surface_distance_mm),
        place_text(lesion.center_ras_mm),
    )


def place_text(center_ras_mm: tuple[float, float, float]) -> str:
    """A place in mm, each coordinate with the direction that it counts in: 'R 42, P 13, S 101'."""
    return ", ".join(f"{names[mm < 0]} {abs(mm):.0f}" for mm, names in zip(center_ras_mm, _AXES))


def registration_text(found: InOperation | None) -> str:
    """Whether the CT is in the operation's frame, how well, and since when."""
    if found is None:
        return tr("Not registered: the CT stands in a view of its own.")
    made = found.made_at[:16].replace("T", " ")
    by = tr("by landmarks")
    if found.refined is not None:
        # What that makes of the error in a case is not known, and away from the ultrasound it may make it larger.
        by += tr(
            ", refined by {by} where the ultrasound shows the liver (the error is that of the landmarks alone)",
            by=found.refined.by,
        )
    return tr(
        "In the operation: error at the tumor {error_mm:.1f} mm, {by}, {made} UTC",
        error_mm=found.error_mm,
        by=by,
        made=made,
    )


def touched_lines(touched: Sequence[TouchedLandmark], found: InOperation | None) -> list[str]:
    """One line for each landmark; with what the registration leaves of it, where it was made by these."""
    there = np.array([one.reference_mm for one in touched])
    is_of_these = bool(touched) and found is not None and np.array_equal(found.registration.landmarks.reference, there)
    lines = []
    for number, one in enumerate(touched):
        off = (
            tr(", {residual_mm:.1f} mm off", residual_mm=found.registration.residual_mm[number])
            if found is not None and is_of_these
            else ""
        )
        how = tr("touched with {tool}", tool=one.tool) if one.tool else tr("found in the ultrasound")
        lines.append(
            tr(
                "{number}: {place_text} of the CT, {how}{off}",
                number=number + 1,
                place_text=place_text(one.ct_ras_mm),
                how=how,
                off=off,
            )
        )
    return lines


def ct_line(ct: OpenedCt | None) -> str:
    """One line of what is open."""
    if ct is None:
        return tr("No CT is open")
    if ct.result is None:
        return tr("{title}: not segmented yet", title=ct.facts.title)
    count = len(ct.result.measures.lesions)
    lesions = tr("no lesion") if count == 0 else tr_count("1 lesion", "{count} lesions", count)
    by_hand = tr(", corrected by hand") if ct.corrections else ""
    return tr(
        "{title}: liver {liver_ml:.0f} mL, {lesions}{by_hand}",
        title=ct.facts.title,
        liver_ml=ct.result.measures.liver_ml,
        lesions=lesions,
        by_hand=by_hand,
    )


def correction_text(ct: OpenedCt | None) -> str:
    """Whether what is shown is still what was found; '' when it is."""
    count = 0 if ct is None else ct.corrections
    return "" if count == 0 else tr_count("Corrected by hand, 1 change.", "Corrected by hand, {count} changes.", count)


def remnant_lines(found: Remnant | None) -> list[str]:
    """What a cut along the plane would leave, in sentences; [] without a plane."""
    if found is None:
        return []
    if not found.cuts_the_liver:
        return [tr("The plane does not cut the liver: all of it lies on one side.")]
    stays_with = _with_tumors(found.remnant_ml, found.remnant_with_tumors_ml)
    goes_with = _with_tumors(found.resected_ml, found.resected_with_tumors_ml)
    lines = [
        tr(
            "{remnant_ml:.0f} mL stay, {share:.0%} of the liver without tumors{stays_with}.",
            remnant_ml=found.remnant_ml,
            share=found.share,
            stays_with=stays_with,
        ),
        tr("{resected_ml:.0f} mL go{goes_with}.", resected_ml=found.resected_ml, goes_with=goes_with),
    ]
    if found.lesions_cut:
        lines.append(tr("The plane runs through {lesions}.", lesions=_lesions(found.lesions_cut)))
    if found.lesions_left != found.lesions_cut:
        whole = tuple(number for number in found.lesions_left if number not in found.lesions_cut)
        lines.append(tr("{lesions} would stay.", lesions=_lesions(whole).capitalize()))
    if found.margin_mm is not None:
        lines.append(
            tr("From the plane to the nearest lesion that goes: {margin_mm:.0f} mm.", margin_mm=found.margin_mm)
        )
    return lines


def track_text(track: Track) -> str:
    """One lesion over the dates: '2: 18 → 12 → – mm, target, vanished'."""
    course = " → ".join("–" if mm is None else f"{mm:.0f}" for mm in track.diameters_mm)
    parts = [
        tr("{number}: {course} mm", number=track.number, course=course),
        *([tr("target")] if track.is_target else []),
    ]
    parts += [tr("new")] if track.diameters_mm[0] is None else []
    parts += [tr("vanished")] if track.diameters_mm[-1] is None else []
    return ", ".join(parts)


def follow_up_lines(found: FollowUp) -> list[str]:
    """The answer of RECIST 1.1 at each date, with new and vanished lesions."""
    lines = []
    for number, date in enumerate(found.dates):
        parts = [tr(found.responses[number]) or tr("no target lesion")]
        parts += [tr("new: {lesions}", lesions=_numbers(found.new[number]))] if found.new[number] else []
        parts += [tr("vanished: {lesions}", lesions=_numbers(found.vanished[number]))] if found.vanished[number] else []
        lines.append(
            tr(
                "{date_text}: sum {sums_mm:.0f} mm, {parts}",
                date_text=date_text(date, number),
                sums_mm=found.sums_mm[number],
                parts="; ".join(parts),
            )
        )
    return lines


def date_text(date: str, number: int) -> str:
    """Of the CT of that number, from 0, of a follow-up."""
    return date or tr("CT {number}", number=number + 1)


def _distance(distance_mm: float | None) -> str:
    if distance_mm is None:
        return tr("none found")
    return tr("touches") if distance_mm < 0.05 else f"{distance_mm:.0f} mm"


def _with_tumors(without_ml: float, with_ml: float) -> str:
    """In brackets; '' where that is the same."""
    return tr(" ({with_ml:.0f} mL with tumors)", with_ml=with_ml) if round(with_ml) != round(without_ml) else ""


def _lesions(numbers: tuple[int, ...]) -> str:
    return tr_count("lesion {numbers}", "lesions {numbers}", len(numbers), numbers=_numbers(numbers))


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
