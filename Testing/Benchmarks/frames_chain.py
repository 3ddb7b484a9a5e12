"""From a sweep to a tumor without a click: frames, evidence, proposed box, 3D network. On cases whose truth is known.

    python Testing/Benchmarks/frames_chain.py cases.csv --model FOLDER --json chain.json
    python Testing/Benchmarks/frames_chain.py --empty sweep.igs.mha --model FOLDER

CASES is a table of `crlm study`; its test cases that have a sweep and a mask are taken. For each: the box that the
outlines propose, whether it holds the tumor with 5 mm to spare on every side, and the Dice of what the 3D network then
finds in it (0 where no box was proposed). --empty counts the frames of a sweep without tumor that get an outline.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.live.box_proposal import BoxProposal, propose_box
from CRLMSegmentationLib.live.evidence import Evidence
from CRLMSegmentationLib.live.frame_model import (
    default_frame_model,
    frame_label,
    least_area_mm2,
    load_frame_model,
    network_image,
)
from CRLMSegmentationLib.live.outline import outlined
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.study.cases.case_files import CaseReader
from CRLMSegmentationLib.study.cases.case_table import TEST, read_case_table
from CRLMSegmentationLib.study.metrics import compare
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep
from CRLMSegmentationLib.values import Box, Volume

SPARE_MM = 5.0


def probability_of(predictor: LocalPredictor, frame: TrackedFrame) -> np.ndarray:
    """(v, u) float32 on the pixels of the frame."""
    plane = frame.plane
    label = frame_label(predictor.model)
    image = network_image(frame, predictor.model, plane.pixel_mm if plane is not None else None)
    found: np.ndarray = predictor.predict(image, [label]).of(label)[0]
    return found


def proposal_of(predictor: LocalPredictor, sweep: Sweep) -> BoxProposal | None:
    """As LiveTumor makes it from the same frames."""
    with Evidence() as evidence:
        for frame in sweep.frames:
            if frame.valid:
                evidence.add(frame, probability_of(predictor, frame))
                evidence.wait()
        volume = evidence.volume()
    return None if volume is None else propose_box(volume, predictor.model.card.threshold)


def is_held(tumor: Volume, box: Box, spare_mm: float = SPARE_MM) -> bool:
    """True when every voxel of the tumor lies in the box with `spare_mm` to each side."""
    places = transform_points(tumor.ijk_to_ras, np.argwhere(tumor.voxels > 0)[:, ::-1])
    along = np.abs((places - box.center_ras) @ box.axes_ras)
    return bool((along <= np.array(box.size_mm) / 2 - spare_mm).all())


def of_case(reader: CaseReader, predictor: LocalPredictor, finder: TumorSegmenter[LocalPredictor]) -> dict[str, Any]:
    """box, confidence, held, dice of one case."""
    sweep = reader.sweep()
    assert sweep is not None
    proposal, case = proposal_of(predictor, sweep), reader.case()
    if proposal is None:
        return {"case": reader.row.case, "box": False, "held": False, "dice": 0.0}
    mask = segment(case.volume, proposal.box, finder).mask
    return {
        "case": reader.row.case, "box": True, "confidence": round(proposal.confidence, 3),
        "held": is_held(case.tumor, proposal.box), "dice": round(float(compare(mask, case.tumor)["dice"]), 4),
    }  # fmt: skip


def outlined_share(predictor: LocalPredictor, sweep: Sweep) -> dict[str, Any]:
    """Of a sweep without tumor: frames, and how many of them get an outline, by the rules of the live outliner."""
    card, least_mm2, count = predictor.model.card, least_area_mm2(predictor.model), 0
    for frame in sweep.frames:
        probability = probability_of(predictor, frame)
        marked = probability[probability >= card.threshold]
        limit = card.least_mean_probability
        if not marked.size or (limit is not None and float(marked.mean()) < limit):
            continue
        count += bool(outlined(frame, probability, card.threshold, least_mm2).polygons)
    return {"frames": len(sweep.frames), "outlined": count, "share": round(count / len(sweep.frames), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=Path)
    parser.add_argument("--empty", type=Path, help="a sweep without tumor")
    parser.add_argument("--model", help="for the task frames; the first one by default")
    parser.add_argument("--finder", default="crop-simulated-small", help="3D model for the box")
    parser.add_argument("--split", default=TEST)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    predictor = LocalPredictor(load_frame_model(options.model or default_frame_model()), "cpu", threads=1)
    found: dict[str, Any] = {}
    if options.empty:
        found["empty"] = outlined_share(predictor, read_sweep(options.empty))
    if options.cases:
        finder = TumorSegmenter(LocalPredictor(load_model(options.finder), "cpu", threads=1))
        rows = [row for row in read_case_table(options.cases) if row.split == options.split and row.sweep and row.mask]
        cases = []
        for row in rows:
            cases.append(of_case(CaseReader(row), predictor, finder))
            print(cases[-1], flush=True)
        dice = [one["dice"] for one in cases]
        found |= {
            "boxes": sum(one["box"] for one in cases), "held": sum(one["held"] for one in cases), "of": len(cases),
            "dice_mean": round(float(np.mean(dice)), 4), "dice_median": round(float(np.median(dice)), 4),
            "cases": cases,
        }  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print({name: value for name, value in found.items() if name != "cases"})


if __name__ == "__main__":
    main()
