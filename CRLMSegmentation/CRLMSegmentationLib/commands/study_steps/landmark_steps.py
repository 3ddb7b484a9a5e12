"""`crlm study landmark-steps`: what each step of the landmarks' post-processing is worth."""

from __future__ import annotations

import argparse
import json

from ...errors import ConfigurationError
from ...files.whole_file import written_whole
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_facts
from ..options.progress import progress_bar
from .tables import table_of

STEP = "landmark-steps"
SUMMARY = "measure what each step from a network's probabilities to the landmarks' lines is worth"
JSON = "print one JSON object: figures with each step by itself, and without it"


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument("table", metavar="TABLE", help="CSV of pictures, such as STUDY/cases.csv")
    step.add_argument("--model", required=True, metavar="DIR", help="the model, such as STUDY/models/Model_landmarks")
    step.add_argument("--part", default="validation", choices=("validation", "test"), help="default validation")
    step.add_argument("-o", "--output", required=True, metavar="FILE", help="the figures, .json")
    step.add_argument("--json", action="store_true", help=JSON)
    add_force_option(step)


def run(arguments: argparse.Namespace) -> None:
    check_outputs([Output("-o", arguments.output, (".json",), by_library=False)], [arguments.table], arguments.force)
    from ...inference.predictor import LocalPredictor
    from ...laparoscopy.network.landmark_finder import landmark_model
    from ...study.cases.case_table import read_case_table
    from ...study.landmarks.ablation import step_figures
    from ...study.landmarks.figures import FIGURES

    rows = [row for row in read_case_table(arguments.table) if row.split == arguments.part]
    if not rows:
        raise ConfigurationError(f"{arguments.table} holds no picture for {arguments.part}.")
    model = landmark_model(arguments.model)
    predictor = LocalPredictor(model, device="cpu", threads=1)
    with progress_bar("Steps") as progress:
        found = step_figures(predictor, model.card.threshold, rows, progress)
    content = {"model": model.name, "part": arguments.part, "pictures": len(rows), "figures": found}
    with written_whole(arguments.output) as place:
        place.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print_facts(content)
    print(table_of("lines", FIGURES, found))
