"""A study's model cards: what was learned from which data, and what the model is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...values.defaults import DEFAULT_THRESHOLD
from ..cases.case_table import TRAINING, CaseRow

if TYPE_CHECKING:
    from ..tasks.task import PlannedTask

OWN_DATA = "the cases of one study"
OWN_USE = "Research. Trained on the cases of one study: not a medical device; its figures hold for such cases only."


def training_card(
    planned: PlannedTask,
    version: str,
    rows: Sequence[CaseRow],
    images: int,
    simulated: dict[str, Any] | None,
) -> dict[str, Any]:
    """The parts of the card that are known before calibration (the default threshold until then).

    rows       the cases of the study; images: what was cut out of the training ones
    simulated  seeds by part, for a study on simulated cases; None for any other
    """
    training = [row for row in rows if row.split == TRAINING]
    described = {
        # It follows 'was trained on'.
        "data": f"simulated {planned.task.data} only, never on a patient" if simulated else OWN_DATA,
        "simulated": bool(simulated),
        **(simulated or {}),
        "cases": len(training),
        "cases_with_tumor": sum(bool(row.mask) for row in training),
        "patients": len({row.patient for row in training}),
        "images": images,
        **planned.task.about_cases(training),
        "recipe": asdict(planned.recipe),
    }
    return {
        "name": planned.task.model_name,
        "version": version,
        "task": planned.task.name,
        "margin_mm": getattr(planned.recipe, "margin_mm", 0.0),
        "threshold": DEFAULT_THRESHOLD,
        "threshold_choice": "not calibrated",
        "intended_use": _simulated_use(planned.task.data) if simulated else OWN_USE,
        "training": described,
        "validation": {},
    }


def _simulated_use(data: str) -> str:
    return (
        f"Research. Trained on simulated {data} only, never on a patient: not a medical device, not for diagnosis, "
        "treatment or navigation of patients."
    )
