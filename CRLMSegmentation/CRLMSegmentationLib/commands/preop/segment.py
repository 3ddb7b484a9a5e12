"""`crlm preop segment` and `crlm preop measure`."""

from __future__ import annotations

import argparse
import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError, ModelError
from ...files import VOLUME_ENDINGS, read_volume
from ...files.dicom_folder import CT_FRAME, read_dicom_ct
from ..options.outputs import Output, check_not_inside, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar
from ..segment import UNPROVEN

if TYPE_CHECKING:
    from ...inference.models.trained_model import Model
    from ...preoperative.remnant import CutPlane
    from ...preoperative.result_folder import Result
    from ...values import Volume

TASK = "lvt"


def segment(arguments: argparse.Namespace) -> None:
    """Find structures in a CT and write the folder."""
    from ...inference.predictor import LocalPredictor
    from ...preoperative.find_structures import find_structures
    from ...preoperative.result_folder import RESULT_FILES, write_result

    folder = Path(arguments.output)
    check_not_inside(folder, "-o", [arguments.ct])
    check_outputs([Output("-o", folder / name) for name in RESULT_FILES], [arguments.ct], arguments.force)
    model = _model(arguments.model)
    ct, about = _read(arguments)
    with progress_bar("Segment") as progress:
        predictor = LocalPredictor(model, arguments.device, threads=arguments.threads, runtime=arguments.runtime)
        found = find_structures(ct, predictor, progress)
    doubts = [f"{model.card.trained_on} {UNPROVEN}"] if model.card.trained_on_simulated_only else []
    about |= {"model": {"name": model.card.name, "version": model.card.version}, "doubts": doubts}
    _report(write_result(found, folder, about), folder)


def measure(arguments: argparse.Namespace) -> None:
    """Measure the masks of a folder anew, and what a plane leaves of the liver."""
    from ...preoperative.result_folder import read_result, write_measures

    folder = Path(arguments.folder)
    drawn = _plane(arguments)
    result = read_result(folder)
    plane = drawn if drawn is not None or result.remnant is None else result.remnant.plane
    _report(write_measures(result.structures, folder, result.about, plane), folder)


def checked_date(text: str) -> str:
    """Raises ConfigurationError for what is no date."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ConfigurationError(f"--date is '{text}'; write it as YYYY-MM-DD.") from None


def _read(arguments: argparse.Namespace) -> tuple[Volume, dict[str, Any]]:
    """The CT and what is known of it."""
    date = checked_date(arguments.date) if arguments.date else ""
    if Path(arguments.ct).is_dir():
        ct = read_dicom_ct(arguments.ct, arguments.series)
        return ct.volume, {"date": date or ct.date, "description": ct.description}
    if arguments.series is not None:
        raise ConfigurationError(f"--series chooses from a DICOM folder, and {arguments.ct} is none.")
    if not str(arguments.ct).lower().endswith(VOLUME_ENDINGS):
        raise ConfigurationError(
            f"{arguments.ct} is neither a DICOM folder nor a volume; use one of {', '.join(VOLUME_ENDINGS)}."
        )
    return replace(read_volume(arguments.ct), frame=CT_FRAME), {"date": date, "description": ""}


def _plane(arguments: argparse.Namespace) -> CutPlane | None:
    """The plane of the options; None without one. Raises ConfigurationError."""
    from ...preoperative.remnant import CutPlane

    through, stays = arguments.plane_through, arguments.stays
    if (through is None) != (stays is None):
        raise ConfigurationError(
            "--plane-through needs --stays, a point in the part that stays, and the other way round."
        )
    if through is not None and arguments.plane is not None:
        raise ConfigurationError("Give the plane once: by --plane or by --plane-through.")
    if through is not None:
        return CutPlane.through(np.array(through).reshape(3, 3), np.array(stays))
    if arguments.plane is not None:
        return CutPlane.of(np.array(arguments.plane[:3]), np.array(arguments.plane[3:]))
    return None


def _model(name: str | None) -> Model:
    from ...inference.models.catalogue import model_choices
    from ...inference.models.trained_model import load_model

    if name is not None:
        return load_model(name)
    choices = [entry.name for entry in model_choices(TASK) if not entry.problem]
    if not choices:
        raise ModelError(
            "There is no model that finds structures in CTs yet: train one with `crlm study run --task lvt`, or give "
            "one with --model."
        )
    return load_model(choices[0])


def _report(result: Result, folder: Path) -> None:
    from ...preoperative.result_folder import REMNANT
    from ...session.preoperative.figures import remnant_lines

    measures = result.measures
    remnant = {} if result.remnant is None else {REMNANT: result.remnant.as_plain()}
    print_facts({"folder": folder, **measures.as_plain(), **remnant, **result.about})
    print(f"{folder}: liver {measures.liver_ml:.0f} mL, vessels {measures.vessels_ml:.0f} mL, "
          f"{len(measures.lesions)} lesions of {measures.tumors_ml:.1f} mL ({measures.tumor_share:.1%})")  # fmt: skip
    for lesion in measures.lesions:
        near = "no vessel found" if lesion.vessel_distance_mm is None else f"vessel {lesion.vessel_distance_mm:.0f} mm"
        print(f"  {lesion.number}: {lesion.diameter_mm:.1f} mm, {lesion.volume_ml:.2f} mL, {near}, "
              f"surface {lesion.surface_distance_mm:.0f} mm")  # fmt: skip
    for line in remnant_lines(result.remnant):
        print(f"  {line}")
    if not measures.lesions:
        print_doubt(f"{folder}: no lesion found; that is no proof that there is none")
    for doubt in result.about.get("doubts", ()):
        print_doubt(f"doubt: {doubt}")
