"""What `crlm live` keeps of the frames, and the files that it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...files import write_box, write_volume
from ...files.whole_file import written_whole
from ...live.box_proposal import BoxProposal
from ...live.live_tumor import ComparedOutline
from ...values import Volume
from ..options.outputs import VOLUME_ENDINGS, Output
from ..options.printing import plain

OUTLINES, EVIDENCE, BOX = "outlines.json", "evidence.nrrd", "box.mrk.json"
# A hundredth of a pixel: finer says nothing, and the file is half as large.
_DECIMALS = 2


def outputs_in(folder: Path) -> list[Output]:
    """What may be written into `folder`, for check_outputs()."""
    return [
        Output("-o", folder / OUTLINES),
        Output("-o", folder / EVIDENCE, VOLUME_ENDINGS),
        Output("-o", folder / BOX),
    ]


@dataclass
class Findings:
    """The outlined frames, as they stand in the file; without their pixels, so that a long stream has room.

    with_tumor  frames in which something was marked
    dice, distances_mm  of those in which the known tumor is cut
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    with_tumor: int = 0
    dice: list[float] = field(default_factory=list)
    distances_mm: list[float] = field(default_factory=list)

    def add(self, found: Sequence[ComparedOutline], with_cut: bool) -> None:
        """Keep what was found; with_cut: also the cut of the known tumor."""
        for one in found:
            outline, agreed = one.outline, one.agreement
            entry = {
                "timestamp": outline.timestamp,
                "image_size": outline.frame.image_size,
                "polygons": [_rounded(polygon) for polygon in outline.polygons],
                "area_mm2": outline.area_mm2,
                "image_to_reference": outline.image_to_reference,
                "latency_ms": round(1000 * outline.latency_s, 2),
            }
            if with_cut:
                entry["tumor"] = {
                    "polygons": [_rounded(polygon) for polygon in one.cut], "area_mm2": agreed.cut_mm2,
                    "dice": agreed.dice, "distance_mm": agreed.distance_mm,
                }  # fmt: skip
                if agreed.cut_mm2 > 0:
                    self.dice.append(agreed.dice)
                    self.distances_mm.append(agreed.distance_mm)
            self.with_tumor += bool(outline.polygons)
            self.entries.append(plain(entry))


def write_findings(folder: Path, findings: Findings, evidence: Volume | None, proposal: BoxProposal | None) -> None:
    """outlines.json; evidence.nrrd and box.mrk.json where there are any. Raises FileFormatError.

    Of an earlier run, which --force gave up, nothing stays that could pass for a part of this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (EVIDENCE, BOX):
        (folder / name).unlink(missing_ok=True)
    with written_whole(folder / OUTLINES) as place:
        place.write_text(json.dumps(findings.entries, allow_nan=False) + "\n", encoding="utf-8")
    if evidence is not None:
        write_volume(evidence, folder / EVIDENCE)
    if proposal is not None:
        write_box(proposal.box, folder / BOX)


def box_facts(proposal: BoxProposal | None) -> dict[str, Any] | None:
    """For --json; None without a box."""
    if proposal is None:
        return None
    return {
        "center_ras": proposal.box.center_ras, "size_mm": proposal.box.size_mm, "axes_ras": proposal.box.axes_ras,
        "confidence": proposal.confidence, "volume_ml": proposal.volume_ml, "margin_mm": proposal.margin_mm,
        "seen_share": proposal.seen_share,
    }  # fmt: skip


def median(values: Sequence[float]) -> float | None:
    """Of those that are known; None where none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else None


def _rounded(polygon: np.ndarray) -> list[list[float]]:
    rounded: list[list[float]] = np.round(polygon, _DECIMALS).tolist()
    return rounded
