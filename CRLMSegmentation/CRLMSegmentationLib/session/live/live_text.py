"""What people read of outlining live frames, the same in every front end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...live.outliner import OutlinerStatus
from ...tracking.age import Age
from ...words import mark, tr

if TYPE_CHECKING:
    from ...live.box_proposal import BoxProposal

HINT = mark("Outlines of single frames are a hint.")


@dataclass(frozen=True)
class LiveStatus:
    """How outlining goes.

    state    'off', 'starting', 'on' or 'failed'
    message  a sentence for people; '' when all is well
    frames   what has become of the frames
    """

    state: str = "off"
    message: str = ""
    frames: OutlinerStatus = OutlinerStatus()


def live_text(status: LiveStatus, age: Age) -> str:
    """Frames/s of the network, age of the image that is shown, and that it is a hint; '' while it is off."""
    if status.state == "off":
        return ""
    if status.message:
        return status.message
    if not status.frames.outlined or not age.is_live:
        return tr("No image is outlined at this moment. {hint}", hint=tr(HINT))
    frames = status.frames
    return tr(
        "{frames_per_second:.0f} frames/s outlined, the image {seconds:.0f} ms old. {hint}",
        frames_per_second=frames.frames_per_second,
        seconds=1000 * age.seconds,
        hint=tr(HINT),
    )


def proposal_text(proposal: BoxProposal) -> str:
    """Size, tumor, confidence and margin of a proposed box."""
    size = " x ".join(f"{length:.0f}" for length in proposal.box.size_mm)
    return tr(
        "Proposed: {size} mm around {volume_ml:.1f} mL, with a margin of {margin_mm:.0f} mm; "
        "confidence {confidence:.0%}.",
        size=size,
        volume_ml=proposal.volume_ml,
        margin_mm=proposal.margin_mm,
        confidence=proposal.confidence,
    )
