"""A model on boxes that look as from other scanners: how many tumors it finds, one change at a time and all together.

python Testing/Benchmarks/other_looks.py --simulate livers             # once: 28 livers, seeds 2100 to 2127
python Testing/Benchmarks/other_looks.py livers/cases.csv --model FOLDER --json looks.json

Seven livers of each kind (dark, faint, bright, nearly iso-echoic), the last four swept deep and at 2.5 to 5 MHz. Each
is tried in its tight box as it is, with every change of study/cases/remaps.py, and with --drawn looks in which all is
drawn; and so is a box beside the tumor, in which what is found is a false alarm. Any table of cases does: its
validation cases are used, or those of another --split. A recipe may be chosen by these livers; no model is trained on
them, and their seeds are in no other part of a study.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from CRLMSegmentationLib.simulation import LesionSettings, ProbeSettings, SweepSettings, simulate_case, write_case
from CRLMSegmentationLib.study.cases.case_table import VALIDATION, CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.study.cases.remaps import REMAPS
from CRLMSegmentationLib.study.other_looks import looks_summary, tried_looks

MODEL = Path(__file__).resolve().parents[2] / "Resources" / "Models" / "crop-simulated-small"
SEEDS, DEEP_SEEDS = range(2100, 2124), range(2124, 2128)
# In turn, with the contrasts in dB from which one is drawn.
KINDS = {"dark": (-10.0, -5.5), "faint": (-5.0, -3.0), "bright": (3.0, 7.0), "iso": (-2.4, -1.2)}
OF_EITHER_SIGN = ("faint", "iso")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", help="cases.csv")
    parser.add_argument("--simulate", type=Path, metavar="FOLDER", help="make the livers and their table there")
    parser.add_argument("--model", default=MODEL, type=Path, help="default: the shipped model for boxes")
    parser.add_argument("--split", default=VALIDATION, help=f"default {VALIDATION}")
    parser.add_argument("--drawn", type=int, default=4, help="looks of a case in which everything is drawn (default 4)")
    parser.add_argument("--only-drawn", action="store_true", help="leave the single changes out")
    parser.add_argument("--json", type=Path, help="write every case there")
    arguments = parser.parse_args()
    if arguments.simulate:
        print(simulate(arguments.simulate))
        return
    if not arguments.table:
        parser.error("give a table of cases, or --simulate")
    rows = [row for row in read_case_table(arguments.table) if row.split == arguments.split and row.mask]
    single = () if arguments.only_drawn else tuple(REMAPS)
    tried = tried_looks(rows, arguments.model, arguments.drawn, single)
    if arguments.json:
        arguments.json.write_text(json.dumps(tried, indent=1) + "\n", encoding="utf-8")
    print(looks_summary(tried))


def simulate(folder: Path) -> Path:
    """What is not there yet; returns the table."""
    rows = []
    for seed in (*SEEDS, *DEEP_SEEDS):
        here = folder / f"looks{seed}"
        if not (here / "parameters.json").is_file():
            lesion, probe, sweep = settings_of(seed)
            write_case(simulate_case(seed, lesion=lesion, probe=probe, sweep=sweep), here, with_surface=False)
            print(here, flush=True)
        lesion_of = json.loads((here / "parameters.json").read_text(encoding="utf-8"))["lesion"]
        rows.append(CaseRow(
            here.name, here.name, VALIDATION, sweep=f"{here.name}/sweep.igs.mha", mask=f"{here.name}/tumor.nrrd",
            echogenicity=lesion_of["echogenicity"], contrast_db=lesion_of["contrast_db"],
            iso_echoic=lesion_of["near_isoechoic"],
        ))  # fmt: skip
    return write_case_table(rows, folder / "cases.csv")


def settings_of(seed: int) -> tuple[LesionSettings, ProbeSettings | None, SweepSettings | None]:
    """What is fixed of the liver with that seed."""
    random = np.random.default_rng([seed, 77])
    kind = list(KINDS)[seed % len(KINDS)]
    contrast_db = float(random.uniform(*KINDS[kind]))
    if random.uniform() < 0.4 and kind in OF_EITHER_SIGN:
        contrast_db = -contrast_db
    lesion = LesionSettings(
        contrast_db=round(contrast_db, 2), allow_near_isoechoic=True,
        echogenicity="hypoechoic" if contrast_db < 0 else "hyperechoic",
    )  # fmt: skip
    if seed not in DEEP_SEEDS:
        return lesion, None, None
    probe = ProbeSettings(
        radius_mm=float(random.uniform(40, 65)), field_of_view_deg=float(random.uniform(50, 65)),
        depth_mm=float(round(random.uniform(90, 150))), frequency_mhz=round(float(random.uniform(2.5, 5.0)), 2),
        focus_mm=float(random.uniform(40, 90)), dynamic_range_db=float(random.uniform(45, 80)),
    )  # fmt: skip
    frames, swept_ml = int(random.integers(50, 90)), float(random.uniform(450, 800))
    return lesion, probe, SweepSettings(frames=frames, swept_volume_ml=swept_ml)


if __name__ == "__main__":
    main()
