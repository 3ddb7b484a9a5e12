"""Compare the faster ways of running a model with torch in float32, on the test cases of a study.

    python Testing/Benchmarks/faster_modes.py CASES.csv [--model NAME] [--runtimes openvino openvino-int8] [--threads N]
        [--json FILE]

CASES.csv is a study's table (`crlm study build` writes cases.csv). Each test case gives its tight box with the model's
margin and boxes shifted by 5 mm along every axis, as the surgeon might drop them. Both masks are those that would be
shown. A way that this machine cannot take is named and left out. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation")]

from CRLMSegmentationLib.errors import ModelError  # noqa: E402
from CRLMSegmentationLib.inference.models.trained_model import DEFAULT_MODEL, load_model  # noqa: E402
from CRLMSegmentationLib.inference.predictor import LocalPredictor, available_processors  # noqa: E402
from CRLMSegmentationLib.inference.runtimes.quantise import agreement_of  # noqa: E402
from CRLMSegmentationLib.segmentation.crop import crop_volume  # noqa: E402
from CRLMSegmentationLib.segmentation.postprocess import mask_by_card  # noqa: E402
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter  # noqa: E402
from CRLMSegmentationLib.study.cases.case_files import load_case  # noqa: E402
from CRLMSegmentationLib.study.cases.case_table import choose_cases, read_case_table  # noqa: E402
from CRLMSegmentationLib.values import Box  # noqa: E402

SHIFTS_MM = ((0.0, 0.0, 0.0), (5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 5.0))


def crops_of(table: Path, margin_mm: float):
    """The crops of every test case with a tumor."""
    rows, _ = choose_cases(read_case_table(table))
    for row in rows:
        if row.is_test and row.mask:
            case = load_case(row)
            tight = Box.around_mask(case.tumor)
            for shift in SHIFTS_MM:
                box = Box(tight.center_ras + tight.axes_ras @ shift, tight.size_mm, tight.axes_ras)
                yield crop_volume(case.volume, box, margin_mm)
            print(row.case, file=sys.stderr, flush=True)


def measure(model, crops, runtimes: list[str], threads: int) -> dict:
    """By runtime: seconds of each crop, and how its masks and probabilities agree with torch's."""
    segmenters = {"torch": TumorSegmenter(LocalPredictor(model, "cpu", threads=threads, runtime="torch"))}
    for runtime in runtimes:
        try:
            segmenters[runtime] = TumorSegmenter(LocalPredictor(model, "cpu", threads=threads, runtime=runtime))
        except ModelError as reason:
            print(f"{runtime}: {reason}", file=sys.stderr)
    for segmenter in segmenters.values():
        segmenter.predictor.warm_up()
    seconds = {name: [] for name in segmenters}
    masks, apart = {name: [] for name in segmenters}, {name: [] for name in segmenters}
    for crop in crops:
        reference = None
        for name, segmenter in segmenters.items():
            started = time.perf_counter()
            probability = segmenter.probability(crop)
            seconds[name].append(time.perf_counter() - started)
            mask = mask_by_card(probability, model.card).voxels > 0
            if reference is None:
                reference = mask, probability.voxels
            masks[name].append((reference[0], mask))
            apart[name].append(float(np.abs(probability.voxels - reference[1]).max()))
    return {
        name: {
            "runtime": segmenters[name].predictor.runtime,
            "seconds_median": statistics.median(seconds[name]),
            "largest_difference": max(apart[name]),
            **vars(agreement_of(masks[name])),
        }
        for name in segmenters
    }


def table(measured: dict) -> str:
    lines = [
        "| | crops | Dice with torch, median | worst | lost | probability apart, at most | s, median |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in measured.values():
        lines.append(
            f"| {one['runtime']} | {one['crops']} | {one['median']:.4f} | {one['worst']:.4f} | {one['lesions_lost']} | "
            f"{one['largest_difference']:.4f} | {one['seconds_median']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, metavar="CASES.csv")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--runtimes", nargs="+", default=["openvino", "openvino-bfloat16", "openvino-int8"])
    parser.add_argument("--threads", type=int, default=min(8, available_processors()))
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    measured = measure(model, crops_of(arguments.cases, model.card.margin_mm), arguments.runtimes, arguments.threads)
    print(table(measured))
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
