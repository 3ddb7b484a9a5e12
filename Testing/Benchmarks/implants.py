"""A model on implanted tumors and on real recordings without any: figures, pictures, and what its doubts told.

crlm study implant SWEEP --set 60 --seed 100 -o implants
python Testing/Benchmarks/implants.py implants/cases.csv --recording SWEEP --work tried --report docs/study

--report writes implants.md and implants.png into that folder, and into its results.json the keys `implanted` and
`real_without_tumor`. Cases and recordings that were tried before with this model are read from --work.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.cases.case_table import read_case_table
from CRLMSegmentationLib.study.implants.evaluation import (
    check_has_implants,
    evaluate_implants,
    false_alarm_summary,
    summary,
)
from CRLMSegmentationLib.study.reporting.implant_report import implant_report
from CRLMSegmentationLib.study.reporting.realism import evaluate_recording

MODEL = Path(__file__).resolve().parents[2] / "Resources" / "Models" / "crop-simulated-small"
MOST_BOXES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="cases.csv of `crlm study implant --set`")
    parser.add_argument("--model", default=MODEL, type=Path, help="default: the shipped model for boxes")
    parser.add_argument("--work", required=True, type=Path, help="what was tried is kept here")
    parser.add_argument("--recording", action="append", default=[], metavar="SWEEP[,CONFIGURATION]",
                        help="a real recording without tumor; may be given again")  # fmt: skip
    parser.add_argument("--boxes", type=int, default=MOST_BOXES, help="in all recordings together (default 200)")
    parser.add_argument("--report", type=Path, help="folder of a study's report")
    arguments = parser.parse_args()
    if not 0 < arguments.boxes <= MOST_BOXES:
        parser.error(f"--boxes is {arguments.boxes}; it must be from 1 to {MOST_BOXES}")
    rows = read_case_table(arguments.table)
    check_has_implants(rows, arguments.table)
    cases = evaluate_implants(rows, arguments.model, arguments.work / "implants", progress=_progress)
    found = {"implanted": summary(cases, load_model(arguments.model).card)}
    alarms = {}
    for text in arguments.recording:
        sweep, _, configuration = text.partition(",")
        title = Path(sweep).name.split(".")[0]
        kept = arguments.work / f"recording_{title}.json"
        boxes = arguments.boxes // len(arguments.recording)
        alarms[title] = evaluate_recording(
            sweep, configuration or None, arguments.model, kept, progress=_progress, boxes=boxes
        )
    if alarms:
        found["real_without_tumor"] = false_alarm_summary(alarms)
    print(json.dumps(found, indent=1))
    if arguments.report:
        implant_report(found, cases, rows, arguments.work / "implants", arguments.report)


def _progress(fraction: float, text: str = "") -> None:
    print(f"{fraction:4.0%} {text}", flush=True)


if __name__ == "__main__":
    main()
