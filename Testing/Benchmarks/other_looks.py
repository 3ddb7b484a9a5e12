"""A model on boxes that look as from other scanners: how many tumors it finds, one change at a time and all together.

python Testing/Benchmarks/other_looks.py cases.csv --model FOLDER --work tried --json looks.json

The table's validation cases are used, or those of another --split. Each is tried in its tight box as it is, with every
change of study/cases/remaps.py, and with --drawn looks in which everything is drawn; then the boxes of a case without
a tumor, in which what is found is a false alarm.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from CRLMSegmentationLib.study.cases.case_table import VALIDATION, read_case_table
from CRLMSegmentationLib.study.other_looks import looks_summary, tried_looks

MODEL = Path(__file__).resolve().parents[2] / "Resources" / "Models" / "crop-simulated-small"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="cases.csv")
    parser.add_argument("--model", default=MODEL, type=Path, help="default: the shipped model for boxes")
    parser.add_argument("--split", default=VALIDATION, help=f"default {VALIDATION}")
    parser.add_argument("--drawn", type=int, default=6, help="looks of a case in which everything is drawn (default 6)")
    parser.add_argument("--only-drawn", action="store_true", help="leave the single changes out")
    parser.add_argument("--json", type=Path, help="write every case there")
    arguments = parser.parse_args()
    rows = [row for row in read_case_table(arguments.table) if row.split == arguments.split and row.mask]
    tried = tried_looks(rows, arguments.model, arguments.drawn, with_single=not arguments.only_drawn)
    if arguments.json:
        arguments.json.write_text(json.dumps(tried, indent=1) + "\n", encoding="utf-8")
    print(looks_summary(tried))


if __name__ == "__main__":
    main()
